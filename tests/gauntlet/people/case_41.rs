//! 41. Roles: a viewer looks, and whatever else they try is refused and on record with their uid.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::accounts::{ALICE, House, VERA};
use crate::{
    harness::{
        Ran, each,
        stage::{HELPDESK, ISOLATE, PATIENCE},
    },
    pty::{ended, place::Place, terminal::Start},
};

/// Everything that somebody could try who may only look; `{incident}` and `{hash}` are filled in.
const ATTEMPTS: [&[&str]; 17] = [
    &ISOLATE,
    &["isolate", HELPDESK, "--yes", "--burn"],
    &["isolate", HELPDESK, "--yes", "--break-glass"],
    &["isolate", HELPDESK, "--yes", "--hold", "10s"],
    &["retry", HELPDESK],
    &["resume"],
    &["resume", "--take-over"],
    &["resume", "{incident}"],
    &["restore", HELPDESK, "--mode", "false-alarm", "--yes"],
    &["restore", HELPDESK, "--mode", "rotate", "--yes", "--plan", "{hash}"],
    &["restore", HELPDESK, "--mode", "rotate"],
    &["approve", "{hash}"],
    &["confirm", "0123"],
    &["incident", "open"],
    &["incident", "note", "hello"],
    &["incident", "handover"],
    &["incident", "close", "{incident}"],
];

const REFUSED: &str = "\"guard.refused\"";

#[track_caller]
fn refused(ran: &Ran) {
    ran.expect(&[5]).says(&["for responders only", "vera is not of the group ir"]);
}

/// Tries everything; each attempt is on record.
#[track_caller]
fn tries_everything(house: &House, prefix: &[String], incident: &str, hash: &str) {
    let before = house.changes();
    for (nth, words) in ATTEMPTS.iter().enumerate() {
        let words: Vec<String> =
            words.iter().map(|word| word.replace("{incident}", incident).replace("{hash}", hash)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        refused(&house.run(prefix, &words));
        assert_eq!(house.host_lines(&[REFUSED, "uid 4004"]), nth + 1, "{words:?} is not on record, once");
    }
    assert_eq!(house.changes(), before, "a viewer changed something");
}

/// Under their own account, with a state directory and settings of their own.
#[test]
#[ignore = "gauntlet"]
fn case_41_by_command() {
    let house = House::new();
    house.hand_over(VERA);
    let vera = house.as_user(VERA);
    tries_everything(&house, &vera, "01990000-0000-7000-8000-000000000000", "0123456789ab");
    for words in [&["list"][..], &["show", HELPDESK], &["plan", HELPDESK], &["status"], &["journal", "list"]] {
        house.run(&vera, words).expect(&[0]);
    }
    assert!(house.stage.journals().is_empty(), "an incident was begun");
    // The fault is the person: a responder is let in with the very same files.
    house.hand_over(ALICE);
    let ran = house.run(&house.as_user(ALICE), &ISOLATE);
    ran.expect(&[0]);
    assert_eq!(house.stage.alive(), [], "{ran}");
}

/// On a host that is shared by way of sudo: there is an incident to meddle with, and a restore to approve.
#[test]
#[ignore = "gauntlet"]
fn case_41_by_command_through_sudo() {
    let house = House::new();
    let (alice, vera) = (house.by_sudo(ALICE), house.by_sudo(VERA));
    house.run(&alice, &ISOLATE).expect(&[0]);
    let incident = house.stage.records_of("incident.open")[0]["incident"].as_str().unwrap().to_owned();
    let plan = house.run(&alice, &["--json", "restore", HELPDESK, "--mode", "rotate"]);
    plan.expect(&[0]);
    let hash = plan.lines()[0]["hash"].as_str().unwrap().to_owned();
    tries_everything(&house, &vera, &incident, &hash);
    assert!(house.stage.records_of("incident.close").is_empty());
    assert!(house.stage.records_of("approval.given").is_empty());
    assert_eq!(house.stage.alive(), [], "it was undone");
    house.stage.sound_journals(&[0]);
    house.run(&alice, &["incident", "close", &incident]).expect(&[0]);
}

type Edit = fn(&str) -> String;

/// What somebody writes into the settings that are theirs, and the code that it earns.
const EDITS: [(&str, Edit, i32); 8] = [
    ("a group of their own", |text| format!("[console]\nresponder_group = \"vera\"\n{text}"), 2),
    ("no group", |text| format!("[console]\nresponder_group = \"\"\n{text}"), 2),
    ("the same group", |text| format!("[console]\nresponder_group = \"ir\"\n{text}"), 5),
    ("approvers of their own", |text| format!("[console]\napprover_group = \"vera\"\n{text}"), 2),
    ("not read only", |text| format!("[console]\nread_only = false\nprotected = []\n{text}"), 5),
    ("a bigger cap", |text| format!("[console]\ncollateral_cap = 1000\n{text}"), 5),
    ("another place for the record", |text| format!("[console]\nfallback_dir = \"/tmp/elsewhere\"\n{text}"), 5),
    ("a bot of their own", |text| text.replace("name = \"helpdesk\"\n", "name = \"mine\"\n"), 5),
];

#[test]
#[ignore = "gauntlet"]
fn case_41_by_editing_the_settings() {
    each(
        &EDITS,
        |(name, ..)| (*name).to_owned(),
        |(_, edit, code)| {
            let house = House::new();
            let text = std::fs::read_to_string(house.stage.home().join("config.toml")).unwrap();
            let edited = edit(&text);
            assert_ne!(edited, text);
            house.stage.configure(&edited);
            house.hand_over(VERA);
            let vera = house.as_user(VERA);
            let bot = if edited.contains("\"mine\"") { "mine" } else { HELPDESK };
            for words in [
                &["--json", "isolate", bot, "--yes"][..],
                &["restore", bot, "--mode", "rotate", "--yes"],
                &["approve", "0123456789ab"],
                &["incident", "close"],
            ] {
                let ran = house.run(&vera, words);
                if *code == 5 {
                    refused(&ran);
                } else {
                    ran.expect(&[2]).says(&["config.toml:2:", "_group"]);
                }
            }
            assert_eq!(house.changes(), 0, "a viewer changed something");
            assert!(house.stage.journals().is_empty(), "an incident was begun");
        },
    );
}

/// Nor by what surrounds the process: variables, another home, another file, another state directory.
#[test]
#[ignore = "gauntlet"]
fn case_41_by_the_surroundings() {
    let house = House::new();
    house.hand_over(VERA);
    let vera = house.as_user(VERA);
    let elsewhere = house.stage.home().join("elsewhere").display().to_string();
    let config = house.stage.home().join("config.toml").display().to_string();
    let surroundings: [&[(&str, &str)]; 4] = [
        &[("SUDO_UID", "4001"), ("SUDO_USER", "alice"), ("USER", "alice"), ("LOGNAME", "alice")],
        &[("SUDO_UID", "0"), ("SUDO_USER", "root"), ("USER", "root"), ("LOGNAME", "root")],
        &[("ESTOP_CONFIG", &config), ("ESTOP_STATE_DIR", &elsewhere), ("XDG_CONFIG_HOME", &elsewhere)],
        &[("HOME", &elsewhere), ("XDG_STATE_HOME", &elsewhere)],
    ];
    for (nth, variables) in surroundings.iter().enumerate() {
        let mut command = house.stage.command(&vera, &ISOLATE);
        command.envs(variables.iter().copied());
        refused(&house.stage.heard(house.stage.spawn(command, &ISOLATE).wait(PATIENCE)));
        assert_eq!(house.host_lines(&[REFUSED, "uid 4004"]), nth + 1);
    }
    // The record of an attempt is where the journals of that run would be.
    let mut command = Command::new(&vera[0]);
    command.args(&vera[1..]).arg(house.stage.binary()).args(["--config", &config, "--state-dir", &elsewhere]);
    command.args(ISOLATE).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    refused(&house.stage.heard(house.stage.spawn(command, &ISOLATE).wait(PATIENCE)));
    let host = std::fs::read_to_string(format!("{elsewhere}/journal/host.jsonl")).unwrap();
    assert!(host.lines().any(|line| line.contains(REFUSED) && line.contains("uid 4004")), "{host}");
    assert_eq!(house.changes(), 0, "a viewer changed something");
}

/// The console lists the keys as off, with the reason; pressing them sends nothing and is on record.
#[test]
#[ignore = "gauntlet"]
fn case_41_by_key() {
    let house = House::new();
    house.hand_over(VERA);
    let prefix = house.as_user(VERA);
    let config = house.stage.home().join("config.toml");
    let arguments = ["--config", config.to_str().unwrap()];
    let place =
        Place::at(&house.stage.home(), house.stage.state(), &house.program("estop-of-vera", &prefix), &arguments);
    let terminal = Start::at(&place).size(120, 40).open();
    crate::pty::hands::fleet_is_read(&terminal);
    for (key, doing) in [("X", "isolating"), ("B", "isolating"), ("r", "striking again"), ("X", "isolating")] {
        // A second press is no confirmation.
        for _ in 0..2 {
            let before = house.host_lines(&[REFUSED, "uid 4004", doing]);
            terminal.keys(key);
            let reason = format!("{doing} is for responders only: vera is not of the group ir");
            terminal.wait_for("the reason", |text| text.contains(&reason) && !text.contains("ARMED"));
            let until = Instant::now() + Duration::from_mins(1);
            while house.host_lines(&[REFUSED, "uid 4004", doing]) == before {
                assert!(Instant::now() < until, "the press of {key} is not on record");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        terminal.keys("j");
        terminal.wait_for("the fleet", |text| text.contains("X would isolate") && !text.contains("responders only"));
    }
    terminal.keys("?");
    terminal.wait_for("the list of keys", |text| {
        text.contains("Off: isolating is for responders only: vera is not of the group ir")
            && text.contains("Off: striking again is for responders only")
    });
    terminal.keys("q");
    let ran = ended(&house.stage, &terminal.exit(PATIENCE));
    ran.expect(&[0]);
    assert_eq!(house.changes(), 0, "a viewer changed something");
    assert!(house.stage.journals().is_empty(), "an incident was begun");
}

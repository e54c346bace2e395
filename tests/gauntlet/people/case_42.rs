//! 42. Second pair of eyes: a restore needs the approval of somebody else, for itself, in time, and once.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;

use super::accounts::{ALICE, BOB, House, MALLORY, VERA};
use crate::harness::{
    Ran,
    stage::{HELPDESK, ISOLATE, PATIENCE},
};

/// The arguments of a restore.
fn restore(mode: &str) -> [&str; 6] {
    ["--json", "restore", HELPDESK, "--mode", mode, "--yes"]
}

/// Somebody isolated the bot by mistake.
fn isolated() -> House {
    let house = House::new();
    house.run(&house.by_sudo(ALICE), &ISOLATE).expect(&[0]);
    assert_eq!(house.stage.alive(), []);
    house
}

/// The hash of a way back, as the difference shows it.
fn hash(house: &House, mode: &str) -> String {
    let ran = house.run(&house.by_sudo(ALICE), &["--json", "restore", HELPDESK, "--mode", mode]);
    ran.expect(&[0]);
    let document = &ran.lines()[0];
    assert_eq!(document["needs_approval"], true, "{ran}");
    document["hash"].as_str().unwrap().to_owned()
}

/// Refused with the reason; nothing is sent, nothing begun, and it is on record.
#[track_caller]
fn refused(house: &House, ran: &Ran, reason: &[&str]) {
    ran.expect(&[5]).says(reason);
    assert!(house.stage.records_of("restore.diff").is_empty(), "it was begun all the same: {ran}");
    assert_eq!(house.stage.alive(), [], "{ran}");
}

/// Each refusal of a restore is a line of the incident, with the hash.
fn refusals(house: &House) -> usize {
    house.stage.records_of("approval.refused").len()
}

#[test]
#[ignore = "gauntlet"]
fn case_42_no_approval_and_ones_own() {
    let house = isolated();
    let changes = house.changes();
    let alice = house.by_sudo(ALICE);
    let plan = hash(&house, "false-alarm");
    refused(&house, &house.run(&alice, &restore("false-alarm")), &["a second person of ir-leads", &plan]);
    assert_eq!(refusals(&house), 1);

    // Her own, from another terminal.
    house.run(&alice, &["approve", &plan]).expect(&[0]);
    refused(&house, &house.run(&alice, &restore("false-alarm")), &[&ALICE.on_record(), "second person"]);

    // Under another name: she became bob after her login, then root; and root without a word of whom sudo was called by.
    for variables in [
        &[("SUDO_USER", "bob"), ("SUDO_UID", "4002"), ("USER", "bob"), ("LOGNAME", "bob")][..],
        &[("SUDO_USER", ""), ("SUDO_UID", ""), ("USER", "root"), ("LOGNAME", "root")],
    ] {
        let mut whole = alice.clone();
        whole.push("env".to_owned());
        whole.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
        let approval = house.run(&whole, &["--json", "approve", &plan]);
        approval.expect(&[0]);
        assert_eq!(approval.lines()[0]["by"], ALICE.on_record(), "{approval}");
        let ran = house.run(&alice, &restore("false-alarm"));
        refused(&house, &ran, &[&ALICE.on_record(), "second person"]);
        // She approves as herself and restores as the other.
        let ran = house.run(&whole, &restore("false-alarm"));
        refused(&house, &ran, &[&ALICE.on_record(), "second person"]);
    }
    assert_eq!(house.changes(), changes, "something was sent");
    house.stage.sound_journals(&[0]);
}

/// The kernel knows no login, and sudo says that it was called: no second person comes of it.
#[test]
#[ignore = "gauntlet"]
fn case_42_the_same_person_under_sudo() {
    let house = isolated();
    let changes = house.changes();
    let plan = hash(&house, "false-alarm");
    let without_a_login = house.nobody_logged_in(BOB);
    let ran = house.run(&without_a_login, &["approve", &plan]);
    ran.expect(&[5]).says(&["may not approve", "no login"]);
    assert!(house.stage.records_of("approval.given").is_empty());
    refused(&house, &house.run(&house.by_sudo(ALICE), &restore("false-alarm")), &["a second person of ir-leads"]);
    assert_eq!(house.changes(), changes, "something was sent");
}

/// For the other way back, and for the same way of a bot that has changed since.
#[test]
#[ignore = "gauntlet"]
fn case_42_for_another_operation() {
    let house = isolated();
    let changes = house.changes();
    let (alice, bob) = (house.by_sudo(ALICE), house.by_sudo(BOB));
    let (alarm, rotate) = (hash(&house, "false-alarm"), hash(&house, "rotate"));
    assert_ne!(alarm, rotate);
    house.run(&bob, &["approve", &rotate]).expect(&[0]);
    refused(&house, &house.run(&alice, &restore("false-alarm")), &[&BOB.on_record(), "another plan"]);
    let mut other = restore("rotate").to_vec();
    other.extend(["--plan", &alarm]);
    refused(&house, &house.run(&alice, &other), &["has changed"]);
    // No plan at all, and too little of one.
    for typed in ["0123456789ab", &alarm[..11], ""] {
        let ran = house.run(&bob, &["approve", typed]);
        assert!(matches!(ran.code, Some(2 | 5)), "{ran}");
    }
    // A viewer, and a responder who does not lead.
    house.run(&house.by_sudo(MALLORY), &["approve", &alarm]).expect(&[5]).says(&["may not approve", "ir-leads"]);
    house.run(&house.by_sudo(VERA), &["approve", &alarm]).expect(&[5]).says(&["for responders only"]);
    refused(&house, &house.run(&alice, &restore("false-alarm")), &["another plan"]);
    // A second isolation: what was approved undid the first.
    house.run(&bob, &["approve", &alarm]).expect(&[0]);
    house.run(&bob, &ISOLATE).expect(&[0]);
    assert_ne!(hash(&house, "false-alarm"), alarm, "the approval would hold for another operation");
    refused(&house, &house.run(&alice, &restore("false-alarm")), &["another plan"]);
    assert!(house.changes() >= changes);
    house.stage.sound_journals(&[0]);
}

fn clock_library() -> PathBuf {
    let output = std::process::Command::new("find").args(["/usr/lib", "-name", "libfaketimeMT.so.1"]).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().next().expect("libfaketime").to_owned())
}

#[test]
#[ignore = "gauntlet"]
fn case_42_expired() {
    let house = isolated();
    let changes = house.changes();
    let (alice, bob) = (house.by_sudo(ALICE), house.by_sudo(BOB));
    house.run(&bob, &["approve", &hash(&house, "false-alarm")]).expect(&[0]);
    let arguments = restore("false-alarm");
    let mut later = alice;
    later.extend(["env".to_owned(), format!("LD_PRELOAD={}", clock_library().display())]);
    later.extend(["FAKETIME=+16m", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"].map(str::to_owned));
    let ran = house.run(&later, &arguments);
    refused(&house, &ran, &[&BOB.on_record(), "expired"]);
    assert_eq!(house.changes(), changes, "something was sent");
    // The time was the fault: now it still holds.
    house.run(&house.by_sudo(ALICE), &arguments).expect(&[0]);
}

/// One that is valid works once, whoever uses it.
#[test]
#[ignore = "gauntlet"]
fn case_42_once() {
    let house = isolated();
    let (alice, bob) = (house.by_sudo(ALICE), house.by_sudo(BOB));
    let plan = hash(&house, "false-alarm");
    house.run(&bob, &["approve", &plan]).expect(&[0]);
    let given = house.stage.records_of("approval.given");
    assert_eq!(given.len(), 1, "{given:?}");
    let body = &given[0]["body"];
    assert!(body["by"] == BOB.on_record() && body["hash"] == plan.as_str(), "{body}");
    let before = house.changes();
    let ran = house.run(&alice, &restore("false-alarm"));
    ran.expect(&[0]);
    assert_eq!(ran.outcome()["outcome"], "restored", "{ran}");
    assert!(house.changes() > before);
    // What was changed carries the approval's line, and the bot works again.
    let claims: Vec<_> =
        house.stage.records_of("op.claim").into_iter().filter(|one| !one["body"]["restores"].is_null()).collect();
    assert_eq!(claims.len(), 1, "{claims:?}");
    let line = format!("{}:{}", given[0]["incident"].as_str().unwrap(), given[0]["seq"]);
    assert_eq!(claims[0]["body"]["restores"]["approval"], line.as_str());
    for server in &house.stage.servers {
        let thief = server.keycloak.as_attacker();
        assert!(thief.mint(crate::harness::world::BOT, &server.loot.secret).is_ok(), "{} is still shut", server.name);
    }
    // The same bot, isolated once more: the old approval is worth nothing.
    house.run(&bob, &ISOLATE).expect(&[0]);
    let before = house.changes();
    let again = house.run(&alice, &restore("false-alarm"));
    again.expect(&[5]).says(&["estop: ", HELPDESK]);
    assert_eq!(house.changes(), before, "something was sent");
    house.stage.sound_journals(&[0]);
}

/// Two people use one approval at the same moment: one restore goes.
#[test]
#[ignore = "gauntlet"]
fn case_42_twice_at_once() {
    let house = isolated();
    let plan = hash(&house, "false-alarm");
    house.run(&house.by_sudo(BOB), &["approve", &plan]).expect(&[0]);
    for server in &house.stage.servers {
        server.latency(std::time::Duration::from_millis(50), std::time::Duration::from_millis(100));
    }
    let both = [ALICE, MALLORY].map(|person| house.stage.start_under(&house.by_sudo(person), &restore("false-alarm")));
    let both = both.map(|running| house.stage.heard(running.wait(PATIENCE)));
    let went = both.iter().filter(|ran| ran.code == Some(0)).count();
    assert_eq!(went, 1, "{}{}", both[0], both[1]);
    let claims = house.stage.records_of("op.claim");
    let restores: Vec<&Value> =
        claims.iter().filter(|one| !one["body"]["restores"].is_null()).map(|one| &one["op"]).collect();
    let attempts = house.stage.records_of("step.attempt");
    let sent: BTreeSet<&str> =
        attempts.iter().filter(|one| restores.contains(&&one["op"])).filter_map(|one| one["op"].as_str()).collect();
    assert_eq!(sent.len(), 1, "both have sent something: {}{}", both[0], both[1]);
    let refused = both.iter().find(|ran| ran.code != Some(0)).unwrap();
    refused.expect(&[3, 5]);
    house.stage.sound_journals(&[0]);
}

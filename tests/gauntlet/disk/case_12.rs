//! 12. Four writers on one journal.

use std::{collections::BTreeMap, time::Duration};

use super::open_incident;
use crate::harness::{Dice, Options, Ran, Running, Stage, full, stage::PATIENCE, world::BOT};

const BOTS: [&str; 4] = ["one", "two", "three", "four"];
/// Records that each of them writes, at least.
const RECORDS: usize = 250;
/// Sessions of the bot that make so many: each is ended and proved dead.
const SESSIONS: usize = 90;

/// People who are signed in to the bot.
fn signed_in(sessions: usize) -> String {
    let one = |number| {
        format!(
            "[[user]]\nusername = \"u{number}\"\nfirst_name = \"U\"\nlast_name = \"{number}\"\nholds = {{ realm = [\"default-roles-chatbots\"] }}\n\n\
             [[session]]\nuser = \"u{number}\"\nclient = \"{BOT}\"\nscopes = [\"profile\"]\n\
             ip = \"198.51.100.9\"\nstarted = \"-2h\"\nlast = \"-4m\"\n\n"
        )
    };
    (0..sessions).map(one).collect()
}

/// Four providers with a bot each, and one incident that all join.
fn stage(sessions: usize) -> Stage {
    let stage = Stage::with(&Options { providers: 4, realm: signed_in(sessions), ..Options::default() });
    let text = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    let (providers, _) = text.split_once("[[bot]]").unwrap();
    let mut text = providers.to_owned();
    for (name, server) in BOTS.iter().zip(&stage.servers) {
        let id = format!("{}:{}", server.name, server.keycloak.client_uuid(BOT).unwrap());
        text.push_str(&format!("[[bot]]\nname = \"{name}\"\nidentities = [\"{id}\"]\n"));
    }
    stage.configure(&text);
    open_incident(&stage);
    stage
}

fn start(stage: &Stage) -> Vec<Running> {
    BOTS.iter().map(|bot| stage.start(&["--json", "isolate", bot, "--yes"])).collect()
}

/// One chain; every line whole; what each process was told is there.
#[track_caller]
fn one_chain(stage: &Stage, runs: &[Ran]) {
    stage.sound_journals(&[0]);
    let text = std::fs::read_to_string(stage.journal()).unwrap();
    for (number, line) in text.lines().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["seq"], number as u64);
    }
    for outcome in runs.iter().flat_map(Ran::outcomes) {
        let head = outcome["journal"]["head"].as_str().unwrap();
        assert!(text.contains(&format!("\"h\":\"{head}\"")), "an acknowledged record is lost: {outcome}");
    }
}

/// Each process has written its share.
#[track_caller]
fn many_of_each(stage: &Stage) {
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for record in stage.records() {
        let proc = &record["proc"];
        let process = proc["id"].as_str().or(proc.as_str()).unwrap_or_default().to_owned();
        *written.entry(process).or_default() += 1;
    }
    let many = written.values().filter(|records| **records >= RECORDS).count();
    assert_eq!(many, BOTS.len(), "{RECORDS} records each: {written:?}");
}

#[test]
#[ignore = "gauntlet"]
fn case_12_four_writers() {
    for _ in 0..if full() { 10 } else { 1 } {
        let stage = stage(SESSIONS);
        let runs: Vec<Ran> = start(&stage).into_iter().map(|run| stage.heard(run.wait(PATIENCE))).collect();
        for ran in &runs {
            ran.expect(&[0]);
            stage.honest(ran);
        }
        one_chain(&stage, &runs);
        assert_eq!(stage.alive(), []);
        assert_eq!(stage.records_of("op.end").len(), 4);
        many_of_each(&stage);
        stage.converges(0);
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_12_one_is_killed_now_and_then() {
    let mut dice = Dice::of("case 12");
    for _ in 0..if full() { 20 } else { 2 } {
        let stage = stage(if full() { SESSIONS } else { 10 });
        for server in &stage.servers {
            server.latency(Duration::from_millis(20), Duration::from_millis(120));
        }
        let mut running: Vec<Option<Running>> = start(&stage).into_iter().map(Some).collect();
        let victim = dice.index(4);
        let victim_server = &stage.servers[victim];
        victim_server.await_request(Duration::from_mins(1), |seen| seen.changes);
        std::thread::sleep(Duration::from_millis(dice.below(800)));
        let killed = running[victim].take().unwrap().kill();
        stage.heard(killed);
        let runs: Vec<Ran> = running.into_iter().flatten().map(|run| stage.heard(run.wait(PATIENCE))).collect();
        for ran in &runs {
            ran.expect(&[0]);
        }
        stage.converges(1);
        one_chain(&stage, &runs);
    }
}

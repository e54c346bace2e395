//! 2. Kill at random times.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{ends_dark, never_began};
use crate::harness::{
    Dice, Running, Stage, each, full,
    stage::{ISOLATE, PATIENCE, RESUME},
};

#[test]
#[ignore = "gauntlet"]
fn case_02_kill_at_random_times() {
    let mut dice = Dice::of("case 2");
    let runs = if full() { 200 } else { 12 };
    let plans: Vec<(u64, Option<u64>)> =
        (0..runs).map(|run| (200 + dice.below(3_500), (run % 10 == 0).then(|| 200 + dice.below(2_500)))).collect();
    each(
        &plans,
        |plan| format!("{plan:?}"),
        |(first, second)| {
            let stage = Stage::new();
            for server in &stage.servers {
                server.latency(Duration::from_millis(50), Duration::from_millis(300));
            }
            // From the first change on, if it comes to that within the time: the interesting part.
            let mut crashes = usize::from(after(&stage, stage.start(&ISOLATE), *first));
            if let Some(second) = second {
                crashes += usize::from(after(&stage, stage.start(&RESUME), *second));
            }
            stage.sound_journals(&[0, 3]);
            let began = !never_began(&stage);
            ends_dark(&stage, crashes);
            one_key_each(&stage);
            if began {
                names_all(&stage);
            }
        },
    );
}

/// Kills it so many milliseconds after the start, unless it has ended by then.
fn after(stage: &Stage, mut running: Running, milliseconds: u64) -> bool {
    let until = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < until && running.runs() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = running.runs();
    if killed {
        running.signal(Signal::KILL);
    }
    let ran = stage.heard(running.wait(PATIENCE));
    stage.no_false_success(&ran);
    killed
}

/// The same thing was always asked for under the same key.
fn one_key_each(stage: &Stage) {
    for server in &stage.servers {
        let mut keys: BTreeMap<(String, String, String), BTreeSet<Option<String>>> = BTreeMap::new();
        for seen in server.changes() {
            let body = if seen.path.contains("/role-mappings") { seen.body.clone() } else { String::new() };
            let target = if body.is_empty() { seen.target.clone() } else { seen.path.clone() };
            keys.entry((seen.method, target, body)).or_default().insert(seen.key);
        }
        for (request, keys) in keys {
            assert_eq!(keys.len(), 1, "{}: {request:?} under {keys:?}", server.name);
        }
    }
}

/// The processes that claimed the operation are all in its record.
fn names_all(stage: &Stage) {
    let claims = stage.records_of("op.claim");
    let process = |record: &serde_json::Value| {
        let proc = &record["proc"];
        proc["id"].as_str().or(proc.as_str()).unwrap_or_default().to_owned()
    };
    let processes: BTreeSet<String> = claims.iter().map(process).collect();
    let epochs: BTreeSet<u64> = claims.iter().filter_map(|claim| claim["epoch"].as_u64()).collect();
    assert_eq!(processes.len(), claims.len(), "a claim names no process of its own: {claims:#?}");
    assert_eq!(epochs.len(), claims.len(), "epochs do not rise: {claims:#?}");
}

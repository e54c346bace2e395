//! 15. The clock goes back.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::ends_dark;
use crate::harness::{
    Ran, Stage,
    stage::{ISOLATE, PATIENCE, RESUME},
};

fn library() -> PathBuf {
    let output = Command::new("find").args(["/usr/lib", "-name", "libfaketimeMT.so.1"]).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().next().expect("libfaketime").to_owned())
}

#[test]
#[ignore = "gauntlet"]
fn case_15_two_days_back_in_mid_strike() {
    let stage = Stage::new();
    let (ran, _) = stepped(&stage, "-2d");
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.honest(&ran);
    ran.within(Duration::from_mins(1));
    let records = stage.records();
    assert!(times(&records).windows(2).any(|two| two[1] < two[0]), "the clock did not go back");
    let monotonic: Vec<u64> = records.iter().map(|one| one["mono_ms"].as_u64().unwrap()).collect();
    assert!(monotonic.windows(2).all(|two| two[1] >= two[0]) || records.len() < 2, "{monotonic:?}");
    sane(&stage, &ran);
    let noted = stage.records_of("incident.note").iter().any(|note| note["body"].to_string().contains("clock"));
    assert!(noted, "the step back is not noted: {ran}");
    ran.expect(&[0]);
    ends_dark(&stage, 1);
}

/// Two days ahead in mid-strike: nothing that is alive is called over, and nothing times out.
#[test]
#[ignore = "gauntlet"]
fn case_15_two_days_ahead_in_mid_strike() {
    let stage = Stage::new();
    let (ran, clock) = stepped(&stage, "+2d");
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.honest(&ran);
    ran.expect(&[0]).within(Duration::from_mins(1));
    sane(&stage, &ran);
    drop(clock);
    ends_dark(&stage, 1);
}

/// The process that goes on has a clock from before the one that died.
#[test]
#[ignore = "gauntlet"]
fn case_15_back_between_two_processes() {
    let stage = Stage::new();
    for server in &stage.servers {
        server.latency(Duration::from_millis(100), Duration::from_millis(200));
    }
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    stage.heard(running.kill());
    for server in &stage.servers {
        server.latency(Duration::ZERO, Duration::ZERO);
    }
    let clock = stage.write("clock", "-2d", 0o600);
    let ran = stage.heard(stage.spawn(faked(&stage, &clock, &RESUME), &RESUME).wait(PATIENCE));
    ran.expect(&[0]).within(Duration::from_mins(1));
    assert_eq!(stage.alive(), [], "{ran}");
    let records = stage.records();
    assert!(times(&records).windows(2).any(|two| two[1] < two[0]), "the clock did not go back");
    sane(&stage, &ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    // And the one after it, whose clock is right again.
    stage.isolate().expect(&[0]);
    ends_dark(&stage, 1);
}

/// The binary under a clock that a file sets.
fn faked(stage: &Stage, clock: &Path, arguments: &[&str]) -> Command {
    let mut command = stage.command(&[], arguments);
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_NO_CACHE", "1");
    command
}

/// An isolation in whose middle the clock is set.
fn stepped(stage: &Stage, to: &str) -> (Ran, PathBuf) {
    for server in &stage.servers {
        server.latency(Duration::from_millis(100), Duration::from_millis(200));
    }
    let clock = stage.write("clock", "+0", 0o600);
    let running = stage.spawn(faked(stage, &clock, &ISOLATE), &ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    std::fs::write(&clock, to).unwrap();
    (stage.heard(running.wait(PATIENCE)), clock)
}

fn times(records: &[serde_json::Value]) -> Vec<jiff::Timestamp> {
    records.iter().map(|one| one["at"].as_str().unwrap().parse().unwrap()).collect()
}

/// The order is that of the numbers, and no figure is negative or days long.
#[track_caller]
fn sane(stage: &Stage, ran: &Ran) {
    let seqs: Vec<u64> = stage.records().iter().map(|one| one["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    for outcome in ran.outcomes() {
        for name in ["time_to_first_cut_ms", "time_to_verified_ms", "time_to_dark_ms"] {
            let figure = outcome[name].as_i64();
            assert!(figure.is_none_or(|figure| (0..600_000).contains(&figure)), "{name}: {outcome}");
        }
    }
    stage.sound_journals(&[0]);
}

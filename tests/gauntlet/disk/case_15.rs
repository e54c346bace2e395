//! 15. The clock goes back.

use std::{path::PathBuf, time::Duration};

use super::ends_dark;
use crate::harness::{
    Stage,
    stage::{ISOLATE, PATIENCE},
};

fn library() -> PathBuf {
    let output = std::process::Command::new("find").args(["/usr/lib", "-name", "libfaketimeMT.so.1"]).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().next().expect("libfaketime").to_owned())
}

#[test]
#[ignore = "gauntlet"]
fn case_15_two_days_back_in_mid_strike() {
    let stage = Stage::new();
    for server in &stage.servers {
        server.latency(Duration::from_millis(100), Duration::from_millis(200));
    }
    let clock = stage.write("clock", "+0", 0o600);
    let mut command = stage.command(&[], &ISOLATE);
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_NO_CACHE", "1");
    let running = stage.spawn(command, &ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    std::fs::write(&clock, "-2d").unwrap();
    let ran = stage.heard(running.wait(PATIENCE));
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.honest(&ran);
    ran.within(Duration::from_mins(1));
    let records = stage.records();
    let times: Vec<jiff::Timestamp> = records.iter().map(|one| one["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.windows(2).any(|two| two[1] < two[0]), "the clock did not go back");
    let seqs: Vec<u64> = records.iter().map(|one| one["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    let monotonic: Vec<u64> = records.iter().map(|one| one["mono_ms"].as_u64().unwrap()).collect();
    assert!(monotonic.windows(2).all(|two| two[1] >= two[0]) || records.len() < 2, "{monotonic:?}");
    for outcome in ran.outcomes() {
        for name in ["time_to_first_cut_ms", "time_to_verified_ms", "time_to_dark_ms"] {
            let figure = outcome[name].as_i64();
            assert!(figure.is_none_or(|figure| (0..600_000).contains(&figure)), "{name}: {outcome}");
        }
    }
    stage.sound_journals(&[0]);
    ran.expect(&[0, 3]);
    std::thread::sleep(Duration::from_millis(1_100));
    ends_dark(&stage, 1);
}

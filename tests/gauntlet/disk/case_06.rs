//! 6. Read-only state.

use std::time::Duration;

use super::{
    ends_dark,
    mount::{Immutable, Tmpfs},
    open_incident,
};
use crate::harness::{
    Options, Ran, Stage,
    stage::{ISOLATE, PATIENCE},
};

/// The view works; the change is refused with the cause, and nothing was sent.
#[track_caller]
fn looks_only(stage: &Stage, cause: &str) {
    stage.run(&["--json", "list"]).expect(&[0]);
    stage.run(&["--json", "show", "helpdesk"]).expect(&[0]);
    stage.run(&["--json", "status"]).expect(&[0]);
    let ran: Ran = stage.isolate();
    ran.expect(&[5]).says(&[cause]).says(&["--break-glass"]);
    stage.honest(&ran);
    assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "it was sent: {ran}");
}

#[test]
#[ignore = "gauntlet"]
fn case_06_read_only_from_the_beginning() {
    let tmpfs = Tmpfs::new(4096);
    let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
    tmpfs.remount("ro");
    looks_only(&stage, "Read-only file system");
    tmpfs.remount("rw");
    ends_dark(&stage, 0);
}

#[test]
#[ignore = "gauntlet"]
fn case_06_an_incident_that_turned_read_only() {
    let tmpfs = Tmpfs::new(4096);
    let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
    open_incident(&stage);
    tmpfs.remount("ro");
    looks_only(&stage, "Read-only file system");
    tmpfs.remount("rw");
    ends_dark(&stage, 0);
}

#[test]
#[ignore = "gauntlet"]
fn case_06_an_immutable_journal() {
    let stage = Stage::new();
    let journal = open_incident(&stage);
    let before = std::fs::read(&journal).unwrap();
    let lock = Immutable::new(&journal);
    stage.run(&["--json", "list"]).expect(&[0]);
    // The rest of the state is sound: another journal, with the cause named.
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]).says(&["Operation not permitted", journal.to_str().unwrap()]);
    assert_eq!(std::fs::read(&journal).unwrap(), before);
    drop(lock);
    ends_dark(&stage, 0);
}

/// In mid-strike: it goes on, and says that the record has holes.
#[test]
#[ignore = "gauntlet"]
fn case_06_immutable_in_mid_strike() {
    let stage = Stage::new();
    let journal = open_incident(&stage);
    for server in &stage.servers {
        server.latency(Duration::from_millis(300), Duration::from_millis(400));
    }
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    let lock = Immutable::new(&journal);
    let ran = stage.heard(running.wait(PATIENCE));
    drop(lock);
    ran.expect(&[1]);
    assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
    assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.honest(&ran);
    ends_dark(&stage, 1);
}

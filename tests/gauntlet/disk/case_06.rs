//! 6. Read-only state.

use std::time::Duration;

use super::{
    ends_dark,
    mount::{Covered, Immutable, Tmpfs},
    open_incident, second_place,
};
use crate::harness::{
    Options, Ran, Stage,
    stage::{ISOLATE, PATIENCE},
};

const CAUSE: &str = "Read-only file system";

fn on(tmpfs: &Tmpfs, fallback: Option<&tempfile::TempDir>) -> Stage {
    let fallback = fallback.map(|folder| folder.path().canonicalize().unwrap());
    Stage::with(&Options { state: Some(tmpfs.path()), fallback, ..Options::default() })
}

fn slow(stage: &Stage) {
    for server in &stage.servers {
        server.latency(Duration::from_millis(300), Duration::from_millis(400));
    }
}

/// The view works.
#[track_caller]
fn looks(stage: &Stage) {
    for view in [&["--json", "list"][..], &["--json", "show", "helpdesk"], &["--json", "status"]] {
        let ran = stage.run(view);
        ran.expect(&[0]);
        stage.honest(&ran);
    }
}

/// The change was refused with the cause, and nothing was sent.
#[track_caller]
fn refused(stage: &Stage, ran: &Ran, cause: &str) {
    ran.expect(&[5]).says(&[cause]).says(&["--break-glass"]);
    stage.honest(ran);
    assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "it was sent: {ran}");
}

/// It went on: everything is dead, and the trouble with the record is told with its cause.
#[track_caller]
fn went_on(stage: &Stage, ran: &Ran, cause: &str) {
    ran.expect(&[1]).says(&[cause]);
    assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
    assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
    stage.no_false_success(ran);
    stage.intent_first();
    stage.honest(ran);
    stage.no_secrets();
}

#[test]
#[ignore = "gauntlet"]
fn case_06_read_only_from_the_beginning() {
    let tmpfs = Tmpfs::new(4096);
    let stage = on(&tmpfs, None);
    tmpfs.remount("ro,bind");
    looks(&stage);
    refused(&stage, &stage.isolate(), CAUSE);
    tmpfs.remount("rw,bind");
    ends_dark(&stage, 0);
}

#[test]
#[ignore = "gauntlet"]
fn case_06_an_incident_that_turned_read_only() {
    let tmpfs = Tmpfs::new(4096);
    let stage = on(&tmpfs, None);
    open_incident(&stage);
    tmpfs.remount("ro,bind");
    looks(&stage);
    refused(&stage, &stage.isolate(), CAUSE);
    tmpfs.remount("rw,bind");
    ends_dark(&stage, 0);
}

/// It turns read-only while the bot is being read: before anything could be written.
#[test]
#[ignore = "gauntlet"]
fn case_06_read_only_during_a_run() {
    let tmpfs = Tmpfs::new(4096);
    let stage = on(&tmpfs, None);
    open_incident(&stage);
    slow(&stage);
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |_| true);
    tmpfs.remount("ro,bind");
    let ran = stage.heard(running.wait(PATIENCE));
    refused(&stage, &ran, CAUSE);
    tmpfs.remount("rw,bind");
    ends_dark(&stage, 0);
}

/// In mid-strike every name in it is read-only, while the open journal still takes lines.
#[test]
#[ignore = "gauntlet"]
fn case_06_read_only_in_mid_strike() {
    let stage = Stage::new();
    open_incident(&stage);
    slow(&stage);
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    let cover = Covered::new(stage.state());
    let ran = stage.heard(running.wait(PATIENCE));
    drop(cover);
    went_on(&stage, &ran, CAUSE);
    stage.sound_journals(&[0, 3]);
    ends_dark(&stage, 1);
}

/// With a second place the strike goes on there, whether or not an incident was open.
#[test]
#[ignore = "gauntlet"]
fn case_06_read_only_with_a_second_place() {
    for incident in [false, true] {
        let (tmpfs, fallback) = (Tmpfs::new(4096), tempfile::tempdir_in("/dev/shm").unwrap());
        let stage = on(&tmpfs, Some(&fallback));
        if incident {
            open_incident(&stage);
        }
        tmpfs.remount("ro,bind");
        looks(&stage);
        let ran = stage.isolate();
        went_on(&stage, &ran, CAUSE);
        stage.sound_journals(&[0]);
        looks(&stage);
        tmpfs.remount("rw,bind");
        ends_dark(&stage, 0);
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_06_an_immutable_journal() {
    let stage = Stage::new();
    let journal = open_incident(&stage);
    let before = std::fs::read(&journal).unwrap();
    let lock = Immutable::new(&journal);
    looks(&stage);
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
    slow(&stage);
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    let lock = Immutable::new(&journal);
    let ran = stage.heard(running.wait(PATIENCE));
    drop(lock);
    went_on(&stage, &ran, "Operation not permitted");
    ends_dark(&stage, 1);
}

/// The same with a second place: the rest of the record is there.
#[test]
#[ignore = "gauntlet"]
fn case_06_immutable_in_mid_strike_with_a_second_place() {
    let (stage, fallback) = second_place();
    let journal = open_incident(&stage);
    slow(&stage);
    let running = stage.start(&ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    let lock = Immutable::new(&journal);
    let ran = stage.heard(running.wait(PATIENCE));
    drop(lock);
    went_on(&stage, &ran, "Operation not permitted");
    let there = fallback.path().canonicalize().unwrap();
    let text: String = stage
        .journals()
        .into_iter()
        .filter(|path| path.starts_with(&there))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(text.contains("\"kind\":\"sink.lost\"") && text.contains("\"kind\":\"op.end\""), "{text}");
    stage.sound_journals(&[0]);
    ends_dark(&stage, 1);
}

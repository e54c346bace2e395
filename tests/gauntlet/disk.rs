//! Part A: journal and disk.

mod case_01;
mod case_02;
mod case_03;
mod case_04;
mod case_05;
mod case_06;
mod case_07;
mod case_08;
mod case_09;
mod case_10;
mod case_11;
mod case_12;
mod case_13;
mod case_14;
mod case_15;
mod image;
mod mount;

use std::path::PathBuf;

use crate::harness::{Options, Stage};

/// A stage with a second place for the journal, on another file system.
fn second_place() -> (Stage, tempfile::TempDir) {
    let place = tempfile::tempdir_in("/dev/shm").unwrap();
    let fallback = Some(place.path().canonicalize().unwrap());
    (Stage::with(&Options { fallback, ..Options::default() }), place)
}

/// The calls of a trace where they begin, each with its thread.
fn calls(trace: &str) -> Vec<(String, String)> {
    let lines = trace.lines().filter(|line| !line.contains("resumed>"));
    lines.filter_map(|line| Some((line.split_whitespace().next()?.to_owned(), line.to_owned()))).collect()
}

/// Opens an incident first, so that `$J` has a name before the isolation begins.
#[track_caller]
fn open_incident(stage: &Stage) -> PathBuf {
    stage.run(&["incident", "open"]).expect(&[0]);
    stage.journal()
}

/// The record of an isolation that was never begun: nothing was sent either.
fn never_began(stage: &Stage) -> bool {
    stage.records_of("plan.intent").is_empty()
}

/// Faults away and on to the end: resumed where it was begun, isolated where it was not.
#[track_caller]
fn ends_dark(stage: &Stage, crashes: usize) {
    if never_began(stage) {
        let sent: usize = stage.servers.iter().map(|server| server.changes().len()).sum();
        assert_eq!(sent, 0, "sent without a plan on record");
        stage.heal();
        let ran = stage.isolate();
        ran.expect(&[0]);
    }
    stage.converges(crashes);
}

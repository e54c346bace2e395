//! 4. A result cannot be synced.

use super::{ends_dark, open_incident};
use crate::harness::{
    Options, Ran, Stage,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

/// EIO at one of the syncs behind the intent's.
fn run(stage: &Stage) -> (Strace, Ran) {
    let journal = open_incident(stage);
    let strace = Strace::of(&stage.home().join("trace"), "fsync,fdatasync,write,ftruncate").on(&journal);
    let strace = strace.inject("fdatasync:error=EIO:when=3");
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    assert!(strace.trace().contains("INJECTED"), "{}", strace.trace());
    (strace, ran)
}

#[test]
#[ignore = "gauntlet"]
fn case_04_a_result_cannot_be_synced() {
    let stage = Stage::new();
    let (strace, ran) = run(&stage);
    // The other revocations go on, and the record is said to have holes.
    ran.expect(&[1]);
    assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
    assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
    stage.honest(&ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    // The handle is not used again.
    let trace = strace.trace();
    let after = trace.split_once("INJECTED").map(|(_, after)| after).unwrap_or_default();
    let used = after.lines().filter(|line| line.contains(" write(") || line.contains("sync(")).count();
    assert_eq!(used, 0, "used again after its sync failed:\n{after}");
    stage.sound_journals(&[0, 3]);
    ends_dark(&stage, 1);
}

#[test]
#[ignore = "gauntlet"]
fn case_04_results_go_to_the_second_place_pending() {
    let fallback = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = fallback.path().canonicalize().unwrap();
    let stage = Stage::with(&Options { fallback: Some(place.clone()), ..Options::default() });
    let (_, ran) = run(&stage);
    ran.expect(&[0, 1]);
    assert_eq!(stage.alive(), [], "{ran}");
    let there = stage.journals().into_iter().filter(|path| path.starts_with(&place));
    let text: String = there.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.contains("\"kind\":\"sink.lost\"") && text.contains("\"kind\":\"op.end\""), "{text}");
    stage.intent_first();
    ends_dark(&stage, 1);
}

//! 5. Disk full in the middle of a record.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ends_dark, mount::Tmpfs, never_began};
use crate::harness::{
    Dice, Options, Stage, each,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

/// Sizes of the state's file system: from too small for the plan to a little too small for the end.
#[test]
#[ignore = "gauntlet"]
fn case_05_disk_full_in_the_middle() {
    let needed = {
        let tmpfs = Tmpfs::new(4096);
        let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
        stage.isolate().expect(&[0]);
        tmpfs.used() / 1024
    };
    let sizes: Vec<u64> = (8..needed).step_by(4).collect();
    let drawn = Dice::of("case 5").some(sizes, 8);
    let torn = AtomicUsize::new(0);
    each(
        &drawn,
        |size| format!("{size} of {needed} KiB"),
        |size| {
            let tmpfs = Tmpfs::new(*size);
            let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
            let strace = Strace::of(&stage.home().join("trace"), "write");
            let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
            torn.fetch_add(short_writes(&strace.trace()), Ordering::Relaxed);
            stage.honest(&ran);
            stage.no_false_success(&ran);
            stage.intent_first();
            ran.expect(&[1, 5]).says(&["No space left on device"]);
            let sent: usize = stage.servers.iter().map(|server| server.changes().len()).sum();
            if ran.code == Some(5) {
                assert_eq!(sent, 0, "refused, and sent: {ran}");
            } else {
                assert!(sent == 0 || stage.alive().is_empty(), "the strike stopped: {ran}");
            }
            // Space again: nothing is glued to a fragment.
            tmpfs.resize(8192);
            stage.sound_journals(&[0, 3]);
            assert!(sent == 0 || !never_began(&stage));
            ends_dark(&stage, 1);
            stage.sound_journals(&[0]);
        },
    );
    assert!(torn.into_inner() > 0, "no record was broken off in the middle");
}

/// Writes to a journal of which less was taken than was given.
fn short_writes(trace: &str) -> usize {
    let short = |line: &&str| {
        let given = line.rsplit_once(") = ").and_then(|(call, _)| call.rsplit(", ").next()?.parse::<usize>().ok());
        let taken = line.rsplit_once(") = ").and_then(|(_, taken)| taken.trim().parse::<usize>().ok());
        line.contains(".jsonl>") && given.zip(taken).is_some_and(|(given, taken)| taken < given)
    };
    trace.lines().filter(short).count()
}

/// A limit on the size of a file ends a write in the middle, too; the signal that comes with it must not kill.
#[test]
#[ignore = "gauntlet"]
fn case_05_file_size_limit() {
    let needed = {
        let stage = Stage::new();
        stage.isolate().expect(&[0]);
        stage.journal().metadata().unwrap().len() / 1024
    };
    let drawn = Dice::of("case 5 limits").some((2..needed).collect(), 4);
    each(
        &drawn,
        |size| format!("{size} of {needed} KiB"),
        |size| {
            let stage = Stage::new();
            let prefix = ["bash", "-c", &format!("ulimit -f {size}; exec \"$@\""), "bash"].map(str::to_owned);
            let ran = stage.heard(stage.start_under(&prefix, &ISOLATE).wait(PATIENCE));
            ran.expect(&[1, 5]).says(&["File too large"]);
            as_promised(&stage, &ran);
            stage.sound_journals(&[0, 3]);
            ends_dark(&stage, 1);
        },
    );
}

/// The second place is full: nobody notices before it is needed, and then both are named.
#[test]
#[ignore = "gauntlet"]
fn case_05_only_the_second_place_is_full() {
    let full = Tmpfs::new(8);
    std::fs::write(full.path().join("filler"), [b'x'; 8192]).ok();
    let stage = Stage::with(&Options { fallback: Some(full.path()), ..Options::default() });
    let check = stage.run(&["check"]);
    assert_ne!(check.code, Some(0), "{check}");
    check.says(&["No space left on device"]);
    let ran = stage.isolate();
    ran.expect(&[0]);
    stage.holds(&ran);
    // Now the first fails as well.
    let (stage, full) = (Stage::with(&Options { fallback: Some(full.path()), ..Options::default() }), full);
    let journal = super::open_incident(&stage);
    let strace = Strace::of(&stage.home().join("trace"), "fdatasync").on(&journal).inject("fdatasync:error=EIO:when=1");
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    assert!(strace.fired() > 0);
    ran.expect(&[5]).says(&["Input/output error", "No space left on device"]).says(&["--break-glass"]);
    as_promised(&stage, &ran);
    drop(full);
}

/// Refused and nothing sent, or gone on to the end.
#[track_caller]
fn as_promised(stage: &Stage, ran: &crate::harness::Ran) {
    stage.honest(ran);
    stage.no_false_success(ran);
    stage.intent_first();
    stage.no_secrets();
    let sent = stage.servers.iter().any(|server| !server.changes().is_empty());
    match ran.code {
        Some(5) => assert!(!sent, "refused, and sent: {ran}"),
        _ => assert!(!sent || stage.alive().is_empty(), "the strike stopped: {ran}"),
    }
}

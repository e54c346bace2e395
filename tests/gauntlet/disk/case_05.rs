//! 5. Disk full in the middle of a record.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ends_dark, mount::Tmpfs, never_began};
use crate::harness::{Dice, Options, Stage, each, stage::{ISOLATE, PATIENCE}, strace::Strace};

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

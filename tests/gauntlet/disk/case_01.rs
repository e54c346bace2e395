//! 1. Kill at every system call.

use std::collections::{BTreeMap, BTreeSet};

use super::ends_dark;
use crate::harness::{
    Dice, Stage, each,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

/// The calls at which the binary may die.
const CALLS: [&str; 12] = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "link",
    "unlink",
    "ftruncate",
    "connect",
    "sendto",
    "writev",
];

/// Every call and index, counted as strace counts them (each thread for itself), from the first touch of the journal.
fn points() -> Vec<(&'static str, usize)> {
    let stage = Stage::new();
    let strace = Strace::of(&stage.home().join("trace"), &CALLS.join(","));
    stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE).expect(&[0]);
    let mut count: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut points = BTreeSet::new();
    let mut touched = false;
    let journal = stage.state().join("journal").display().to_string();
    for line in strace.trace().lines().filter(|line| !line.contains("resumed>")) {
        let Some(pid) = line.split_whitespace().next() else { continue };
        touched |= line.contains(&journal);
        let Some(call) = CALLS.into_iter().find(|call| line.contains(&format!(" {call}("))) else { continue };
        let index = count.entry((pid.to_owned(), call)).or_default();
        *index += 1;
        if touched {
            points.insert((call, *index));
        }
    }
    assert!(touched && points.len() > 40, "the trace shows no journal: {points:?}");
    points.into_iter().collect()
}

#[test]
#[ignore = "gauntlet"]
fn case_01_kill_at_every_call() {
    let drawn = Dice::of("case 1").some(points(), 20);
    let fired = std::sync::atomic::AtomicUsize::new(0);
    each(
        &drawn,
        |(call, index)| format!("{call} {index}"),
        |(call, index)| {
            let stage = Stage::new();
            let strace =
                Strace::of(&stage.home().join("trace"), call).inject(&format!("{call}:signal=KILL:when={index}"));
            let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
            // Threads differ from run to run: a point that no thread came to is no kill.
            let killed = ran.code.is_none_or(|code| code == 137) && strace.fired() > 0;
            assert!(killed || ran.code == Some(0), "{ran}");
            fired.fetch_add(usize::from(killed), std::sync::atomic::Ordering::Relaxed);
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.sound_journals(&[0, 3]);
            ends_dark(&stage, 1);
        },
    );
    let fired = fired.into_inner();
    assert!(fired * 3 >= drawn.len(), "only {fired} of {} kills fired", drawn.len());
}

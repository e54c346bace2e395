//! 4. A result cannot be synced.

use std::collections::BTreeMap;

use super::{calls, ends_dark, open_incident, second_place};
use crate::harness::{
    Dice, Ran, Stage, each,
    oracle::files,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

/// Results in what a line of the trace writes.
fn results(line: &str) -> usize {
    line.matches("step.answer").count() + line.matches("step.verify").count()
}

fn strace(stage: &Stage) -> Strace {
    let journal = open_incident(stage);
    Strace::of(&stage.home().join("trace"), "fsync,fdatasync,write,ftruncate").on(&journal).whole()
}

/// Which sync, as a thread counts them, is that of the third result: from a run without a fault.
fn third_result() -> usize {
    let stage = Stage::new();
    let strace = strace(&stage);
    stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE).expect(&[0]);
    let (mut written, mut syncs) = (0, BTreeMap::new());
    for (pid, line) in calls(&strace.trace()) {
        written += results(&line);
        if line.contains("sync(") {
            let index = syncs.entry(pid).or_insert(0);
            *index += 1;
            if written >= 3 {
                return *index;
            }
        }
    }
    panic!("no third result in the trace");
}

/// EIO at the sync of a result. Threads differ from run to run: what was hit is proved.
#[track_caller]
fn run(make: impl Fn() -> Stage) -> (Stage, Strace, Ran) {
    for attempt in 0..4 {
        let nth = third_result() + attempt % 2;
        let stage = make();
        let strace = strace(&stage).inject(&format!("fsync,fdatasync:error=EIO:when={nth}"));
        let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
        let trace = strace.trace();
        let before = trace.split_once("INJECTED").map(|(before, _)| before).unwrap_or_default();
        let last = before.lines().rev().find(|line| line.contains(" write(")).unwrap_or_default();
        if results(before) >= 3 && results(last) > 0 && !last.contains("plan.intent") {
            return (stage, strace, ran);
        }
    }
    panic!("the sync of a result was not hit");
}

#[test]
#[ignore = "gauntlet"]
fn case_04_a_result_cannot_be_synced() {
    let (stage, strace, ran) = run(Stage::new);
    // The other revocations go on, and the record is said to have holes.
    ran.expect(&[1]).says(&["Input/output error"]);
    assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
    assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
    stage.honest(&ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    not_used_again(&strace);
    stage.sound_journals(&[0, 3]);
    ends_dark(&stage, 1);
}

/// After the failed sync the file is cut back, and neither written nor synced.
#[track_caller]
fn not_used_again(strace: &Strace) {
    let trace = strace.trace();
    let after = trace.split_once("INJECTED").map(|(_, after)| after).unwrap_or_default();
    let used = after.lines().filter(|line| line.contains(" write(") || line.contains("sync(")).count();
    assert_eq!(used, 0, "used again after its sync failed:\n{after}");
}

#[test]
#[ignore = "gauntlet"]
fn case_04_results_go_to_the_second_place() {
    let place = std::sync::Mutex::new(None);
    let (stage, strace, ran) = run(|| {
        let (stage, folder) = second_place();
        *place.lock().unwrap() = Some(folder);
        stage
    });
    let place = place.into_inner().unwrap().unwrap();
    let there = place.path().canonicalize().unwrap();
    ran.expect(&[1]).says(&["Input/output error", there.to_str().unwrap()]);
    assert_eq!(stage.alive(), [], "{ran}");
    let files = stage.journals().into_iter().filter(|path| path.starts_with(&there));
    let text: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.contains("\"kind\":\"sink.lost\"") && text.contains("\"kind\":\"op.end\""), "{text}");
    assert!(results(&text) > 0, "the results are not there: {text}");
    not_used_again(&strace);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.honest(&ran);
    stage.no_secrets();
    stage.sound_journals(&[0]);
    ends_dark(&stage, 1);
}

/// Both places fail, one after the other, in mid-strike.
#[test]
#[ignore = "gauntlet"]
fn case_04_both_places_fail() {
    let (stage, _place) = second_place();
    open_incident(&stage);
    // Every sync of data behind a thread's first, wherever it is.
    let strace = Strace::of(&stage.home().join("trace"), "fdatasync").inject("fdatasync:error=EIO:when=3+");
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    assert!(strace.trace().matches("INJECTED").count() > 1, "{}", strace.trace());
    ran.expect(&[1]).says(&["Input/output error", "fallback"]);
    assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
    assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
    stage.honest(&ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    stage.sound_journals(&[0, 3]);
    ends_dark(&stage, 1);
}

/// Only calls on the journals, the host's record and their folder.
fn on_all_journals(stage: &Stage, calls: &str) -> Strace {
    let journals = stage.state().join("journal");
    let places = files(&journals).into_iter().chain([journals.clone(), journals.join("host.jsonl")]);
    places.fold(Strace::of(&stage.home().join("trace"), calls), |strace, place| strace.on(&place))
}

/// How often a thread makes each of the calls there, at most: from a run without a fault.
fn most_often(all: &[&str]) -> BTreeMap<String, usize> {
    let (stage, _place) = second_place();
    open_incident(&stage);
    let strace = on_all_journals(&stage, &all.join(","));
    stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE).expect(&[0]);
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (pid, line) in calls(&strace.trace()) {
        let call =
            line.split_whitespace().nth(2).and_then(|rest| rest.split_once('(')).map(|(call, _)| call.to_owned());
        *counts.entry((pid, call.unwrap_or_default())).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    most
}

/// Another call fails at another place: the folder's sync, the lock, a read, the number of open files.
#[test]
#[ignore = "gauntlet"]
fn case_04_other_calls_fail() {
    let faults = [
        ("fsync", "EIO"),
        ("fdatasync", "ENOSPC"),
        ("flock", "ENOLCK"),
        ("openat", "EMFILE"),
        ("openat", "EIO"),
        ("write", "EDQUOT"),
        ("read", "EIO"),
        ("statx", "EIO"),
    ];
    let most = most_often(&faults.map(|(call, _)| call));
    let mut table = Vec::new();
    for (index, (call, error)) in faults.into_iter().enumerate() {
        let often = *most.get(call).unwrap_or_else(|| panic!("{call} is never made there: {most:?}"));
        table.extend((1..=often.min(7)).map(|nth| (call, error, nth, (index + nth) % 2 == 0)));
    }
    each(
        &Dice::of("case 4 others").some(table, 8),
        |fault| format!("{fault:?}"),
        |(call, error, nth, two_places)| {
            // Threads share the work out anew in each run: what is late in one may not come in another.
            let fired = (1..=*nth).rev().any(|nth| other_call_fails(call, error, nth, *two_places));
            assert!(fired, "it never fired");
        },
    );
}

/// One run; whether the fault fired.
#[track_caller]
fn other_call_fails(call: &str, error: &str, nth: usize, two_places: bool) -> bool {
    let (stage, _place) = if two_places {
        let (stage, place) = second_place();
        (stage, Some(place))
    } else {
        (Stage::new(), None)
    };
    open_incident(&stage);
    let strace = on_all_journals(&stage, call).inject(&format!("{call}:error={error}:when={nth}"));
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    stage.honest(&ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    ran.expect(&[0, 1, 5]);
    let sent = stage.servers.iter().any(|server| !server.changes().is_empty());
    match ran.code {
        Some(5) => assert!(!sent, "refused, and sent: {ran}"),
        _ => assert_eq!(stage.alive(), [], "the strike stopped: {ran}"),
    }
    stage.sound_journals(&[0, 3]);
    ends_dark(&stage, 1);
    strace.fired() > 0
}

/// Too few open files: refused with the reason, or done; never half done without a word.
#[test]
#[ignore = "gauntlet"]
fn case_04_too_few_open_files() {
    let drawn = Dice::of("case 4 files").some((8..40).collect(), 4);
    each(
        &drawn,
        |most: &u64| format!("{most} files"),
        |most| {
            let stage = Stage::new();
            open_incident(&stage);
            let prefix = ["bash", "-c", &format!("ulimit -n {most}; exec \"$@\""), "bash"].map(str::to_owned);
            let ran = stage.heard(stage.start_under(&prefix, &ISOLATE).wait(PATIENCE));
            stage.honest(&ran);
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.no_secrets();
            if ran.code == Some(5) || ran.code == Some(2) {
                assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "refused, and sent: {ran}");
            }
            stage.sound_journals(&[0, 3]);
            ends_dark(&stage, 1);
        },
    );
}

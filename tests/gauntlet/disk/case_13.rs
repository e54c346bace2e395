//! 13. The lock holder is stopped.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{ends_dark, open_incident};
use crate::harness::{
    Stage,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

/// The pid that `lslocks` shows for a file, as soon as there is one.
fn holder(path: &str) -> i32 {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let output = Command::new("lslocks").args(["-n", "-r", "-o", "PID,PATH"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = text.lines().find(|line| line.contains(path));
        if let Some(pid) = found.and_then(|line| line.split_whitespace().next()?.parse().ok()) {
            return pid;
        }
        assert!(Instant::now() < until, "nobody holds {path}: {text}");
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_13_the_lock_holder_is_stopped() {
    let stage = Stage::new();
    let journal = open_incident(&stage);
    // The first sync of the intent is held up, with the lock held, long enough to stop the process in it.
    let strace = Strace::of(&stage.home().join("trace"), "fdatasync").on(&journal);
    let strace = strace.inject("fdatasync:delay_enter=2500000:when=1");
    let first = stage.start_under(strace.prefix(), &ISOLATE);
    let lock = journal.with_extension("lock");
    let pid = Pid::from_raw(holder(lock.file_name().unwrap().to_str().unwrap())).unwrap();
    kill_process(pid, Signal::STOP).unwrap();

    let list = stage.run(&["--json", "list"]);
    list.expect(&[0]).within(Duration::from_secs(5));
    let show = stage.run(&["journal", "show"]);
    show.expect(&[0]).within(Duration::from_secs(5));
    let second = stage.isolate();
    // It goes on without that journal, in one of its own, or says why not.
    second.expect(&[0, 1, 5]).within(Duration::from_secs(15));
    second.says(&[&pid.as_raw_nonzero().to_string(), "since"]);
    stage.honest(&second);
    stage.no_false_success(&second);
    stage.intent_first();

    kill_process(pid, Signal::CONT).unwrap();
    let first = stage.heard(first.wait(PATIENCE));
    assert!(strace.fired() > 0);
    stage.no_false_success(&first);
    stage.intent_first();
    first.expect(&[0]);
    stage.sound_journals(&[0]);
    ends_dark(&stage, 0);
}

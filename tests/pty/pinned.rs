//! A machine with one processor.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{
    hands::{fleet_is_read, isolate, select, wait_for_dark},
    sessions::exercise,
    terminal::Start,
};

/// Keeps this thread, and what it starts from now on, on one of the processors that it may use.
fn pin() {
    let all = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|number| all.is_set(*number)).unwrap();
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one).unwrap();
}

#[test]
fn a_whole_session_on_one_processor() {
    pin();
    let place = exercise();
    let terminal = Start::at(&place).size(120, 40).open();
    let pinned = std::fs::read_to_string(format!("/proc/{}/status", terminal.process().as_raw_nonzero())).unwrap();
    let allowed = pinned.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    assert!(allowed.trim().parse::<usize>().is_ok(), "one processor, and not {allowed}");
    fleet_is_read(&terminal);
    select(&terminal, "helpdesk");
    isolate(&terminal);
    wait_for_dark(&terminal);
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert_eq!(exit.code, 0, "{}", exit.text);
    assert!(exit.restored, "{exit:?}");
}

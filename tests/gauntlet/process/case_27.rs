//! 27. Polite signals: headless and in the console, with servers that answer late and one that does not answer.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::{
    harness::{
        Rule, Running, Stage, Wire, each,
        stage::{ISOLATE, PATIENCE},
    },
    pty::{console, ended, place, strike, terminal::Start},
};

/// A process that was asked politely is gone by then.
const BOUND: Duration = Duration::from_secs(10);
const ALL: [&[Signal]; 4] = [&[Signal::TERM], &[Signal::INT], &[Signal::INT, Signal::INT], &[Signal::QUIT]];

fn slow(stage: &Stage) {
    for server in &stage.servers {
        server.latency(Duration::from_millis(200), Duration::from_millis(300));
    }
}

/// An isolation whose first change has arrived at each server.
fn striking(stage: &Stage) -> Running {
    let running = stage.start(&ISOLATE);
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
    running
}

/// What is under way is finished, within the bound.
#[test]
#[ignore = "gauntlet"]
fn case_27_headless_it_is_finished() {
    each(
        &ALL,
        |signals| format!("{signals:?}"),
        |signals| {
            let stage = Stage::new();
            slow(&stage);
            let mut running = striking(&stage);
            assert!(running.runs(), "it was over before the signal");
            let asked = Instant::now();
            signals.iter().for_each(|signal| running.signal(*signal));
            let ran = stage.heard(running.wait(PATIENCE));
            assert!(asked.elapsed() < BOUND, "{:?}: {ran}", asked.elapsed());
            ran.says(&["finishing what was sent"]);
            stage.holds(&ran);
            ran.expect(&[0, 3]);
            stage.converges(1);
        },
    );
}

/// One provider never answers: what is left is for the next start, which offers it.
#[test]
#[ignore = "gauntlet"]
fn case_27_headless_what_hangs_is_left() {
    each(
        &ALL,
        |signals| format!("{signals:?}"),
        |signals| {
            let stage = Stage::new();
            stage.servers[1].fault(Rule::changes(Wire::Hang));
            let running = striking(&stage);
            let asked = Instant::now();
            signals.iter().for_each(|signal| running.signal(*signal));
            let ran = stage.heard(running.wait(PATIENCE));
            assert!(asked.elapsed() < BOUND, "{:?}: {ran}", asked.elapsed());
            ran.expect(&[3]).says(&["unfinished", "estop resume"]);
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.honest(&ran);
            let status = stage.run(&["--json", "status"]);
            assert!(status.stdout.contains("\"unfinished\":true"), "the rest is not offered: {status}");
            stage.converges(1);
        },
    );
}

/// Before anything was sent it is the signal's own code, and nothing is.
#[test]
#[ignore = "gauntlet"]
fn case_27_headless_before_anything_was_sent() {
    each(
        &[(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131)],
        |(signal, _)| format!("{signal:?}"),
        |(signal, code)| {
            let stage = Stage::new();
            stage.fault(|| Rule::reads(Wire::Hang));
            let running = stage.start(&ISOLATE);
            stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.path.starts_with("/admin/"));
            running.signal(*signal);
            let ran = stage.heard(running.wait(BOUND));
            ran.expect(&[*code]);
            assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "{ran}");
            assert!(stage.records_of("plan.intent").is_empty(), "{ran}");
        },
    );
}

#[test]
#[ignore = "gauntlet"]
fn case_27_in_the_console() {
    each(
        &ALL,
        |signals| format!("{signals:?}"),
        |signals| {
            let stage = Stage::new();
            let place = place(&stage);
            let terminal = console(Start::at(&place));
            slow(&stage);
            strike(&stage, &terminal);
            signals.iter().for_each(|signal| terminal.signal(*signal));
            let exit = terminal.exit(BOUND);
            let ran = ended(&stage, &exit);
            ran.expect(&[0, 3]).says(&["estop: ", "helpdesk"]);
            if ran.code == Some(3) {
                ran.says(&["is not over", "estop resume"]);
            }
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.sound_journals(&[0]);
            if ran.code == Some(0) {
                assert_eq!(stage.alive(), [], "O1: {ran}");
            }
            stage.converges(1);
        },
    );
}

/// Whether a process has a handler of its own for a signal, as proc(5) tells.
fn catches(pid: impl std::fmt::Display, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

/// Signals that mean nothing here end nothing: neither an isolation nor the console, with its terminal half set up.
#[test]
#[ignore = "gauntlet"]
fn case_27_signals_that_mean_nothing() {
    let stage = Stage::new();
    let place = place(&stage);
    let terminal = console(Start::at(&place));
    slow(&stage);
    strike(&stage, &terminal);
    let mut headless = stage.start(&ISOLATE);
    let until = Instant::now() + PATIENCE;
    while !catches(headless.pid(), Signal::XFSZ) {
        assert!(Instant::now() < until, "it does not take its signals over");
        std::thread::sleep(Duration::from_millis(2));
    }
    for signal in [Signal::USR1, Signal::USR2, Signal::ALARM, Signal::PIPE, Signal::XFSZ, Signal::URG, Signal::WINCH] {
        terminal.signal(signal);
        assert!(headless.runs());
        headless.signal(signal);
    }
    crate::pty::hands::wait_for_dark(&terminal);
    terminal.keys("q");
    ended(&stage, &terminal.exit(PATIENCE)).expect(&[0]);
    let ran = stage.heard(headless.wait(PATIENCE));
    ran.expect(&[0]);
    stage.no_false_success(&ran);
    stage.converges(0);
}

/// `kill -9` leaves the terminal as it is; the next console offers the rest, and one key finishes it under the same keys.
#[test]
#[ignore = "gauntlet"]
fn case_27_the_console_is_killed_and_the_next_one_offers_the_rest() {
    let stage = Stage::new();
    let place = place(&stage);
    let terminal = console(Start::at(&place));
    slow(&stage);
    strike(&stage, &terminal);
    terminal.signal(Signal::KILL);
    terminal.exit(BOUND);
    assert!(stage.records_of("op.end").is_empty(), "it was over before it was killed");
    let terminal = Start::at(&place).open();
    let offer = terminal.wait_for("the offer", |text| text.contains("helpdesk") && text.contains("unfinished"));
    assert!(offer.contains('r'), "{offer}");
    crate::pty::hands::fleet_is_read(&terminal);
    terminal.keys("r");
    let until = Instant::now() + PATIENCE;
    while stage.records_of("op.end").is_empty() {
        assert!(Instant::now() < until, "it is not finished");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stage.alive(), [], "O1");
    terminal.keys("q");
    let ran = ended(&stage, &terminal.exit(PATIENCE));
    ran.expect(&[0]);
    stage.bounded_repeats(1);
    stage.converges(1);
}

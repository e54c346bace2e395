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

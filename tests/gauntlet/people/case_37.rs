//! 37. Where secrets may not appear: anywhere but in the request to their own host.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::Signal;

use crate::harness::{
    Rule, Stage, Wire, each,
    stage::{HELPDESK, PATIENCE},
};

const LEVELS: [&str; 4] = ["", "-v", "-vv", "-vvv"];

/// Each token was seen at one server only.
#[track_caller]
fn each_at_home(stage: &Stage) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for server in &stage.servers {
        assert!(server.seen().iter().any(|seen| seen.bearer), "{}: no request carried a token", server.name);
        for token in server.bearers() {
            assert!(known.insert(token), "{}: a token of another server came here", server.name);
        }
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_37_every_command_at_every_level() {
    each(
        &LEVELS,
        |level| format!("{level:?}"),
        |level| {
            let stage = Stage::new();
            let run = |words: &[&str], codes: &[i32]| {
                let words: Vec<&str> = words.iter().copied().chain([*level]).filter(|word| !word.is_empty()).collect();
                let ran = stage.run(&words);
                ran.expect(codes);
                ran
            };
            run(&["list", "--all"], &[0]);
            for command in ["show", "plan", "activity"] {
                run(&[command, HELPDESK], &[0]);
                run(&["--json", command, HELPDESK], &[0]);
            }
            run(&["check"], &[0]);
            run(&["--help"], &[0]);
            run(&["isolate", "--help"], &[0]);
            run(&["--version"], &[0]);
            // It fails at one, and is refused at another.
            stage.servers[1].fault(Rule::changes(Wire::Pretend));
            stage.servers[2].fault(Rule::changes(Wire::Answer(crate::harness::Reply::status(403))));
            let ran = run(&["isolate", HELPDESK, "--yes"], &[4]);
            stage.no_false_success(&ran);
            run(&["status"], &[0, 3]);
            run(&["incident", "show"], &[0, 3]);
            run(&["journal", "show"], &[0]);
            run(&["--json", "journal", "show"], &[0]);
            stage.no_secrets();
            each_at_home(&stage);
            stage.converges(0);
        },
    );
}

/// In the process's own papers while it works, and in what is left when it crashes.
#[test]
#[ignore = "gauntlet"]
fn case_37_while_it_runs_and_when_it_crashes() {
    each(
        &[Signal::SEGV, Signal::ABORT, Signal::KILL],
        |signal| format!("{signal:?}"),
        |signal| {
            let stage = Stage::new();
            for server in &stage.servers {
                server.latency(Duration::from_millis(200), Duration::from_millis(300));
            }
            let mut running = stage.start(&["--json", "-vvv", "isolate", HELPDESK, "--yes"]);
            stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
            let canaries = stage.canaries();
            for paper in ["cmdline", "environ", "status", "maps", "comm"] {
                let bytes = std::fs::read(format!("/proc/{}/{paper}", running.pid())).unwrap();
                assert!(!bytes.is_empty(), "{paper} is empty");
                let text = String::from_utf8_lossy(&bytes);
                assert!(!canaries.iter().any(|canary| text.contains(canary)), "O6: a canary in {paper}");
            }
            running.crash(*signal);
            let ran = stage.heard(running.wait(PATIENCE));
            assert_eq!(ran.code, None, "the signal did not end it: {ran}");
            stage.no_secrets();
            stage.no_false_success(&ran);
            each_at_home(&stage);
            stage.converges(1);
        },
    );
}

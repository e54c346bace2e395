//! 40. Two people press the key, and one undoes what the other still does.

use std::time::Duration;

use crate::harness::{
    Dice, Stage, each, full,
    stage::{HELPDESK, ISOLATE, PATIENCE},
};

/// Within 10 ms of each other. However it falls out: all dead, one truth, and the record names both or one.
#[test]
#[ignore = "gauntlet"]
fn case_40_two_within_ten_milliseconds() {
    let mut dice = Dice::of("case 40");
    let rounds: Vec<(u64, bool)> =
        (0..if full() { 50 } else { 6 }).map(|round| (dice.below(10_000), round % 2 == 0)).collect();
    each(
        &rounds,
        |round| format!("{round:?}"),
        |(apart, joined)| {
            let stage = Stage::new();
            if *joined {
                stage.run(&["incident", "open"]).expect(&[0]);
            }
            let first = stage.start(&ISOLATE);
            std::thread::sleep(Duration::from_micros(*apart));
            let second = stage.start(&ISOLATE);
            let both = [first, second].map(|running| stage.heard(running.wait(PATIENCE)));
            assert_eq!(stage.alive(), [], "{}{}", both[0], both[1]);
            for ran in &both {
                stage.no_false_success(ran);
                stage.honest(ran);
                ran.expect(&[0]);
                let outcome = ran.outcome();
                assert!(outcome["outcome"].as_str().unwrap().starts_with("dark"), "{ran}");
            }
            // Each process's claims are of operations that the other one's record knows.
            let ends = stage.records_of("op.end");
            assert!(!ends.is_empty(), "{}{}", both[0], both[1]);
            stage.intent_first();
            stage.sound_journals(&[0]);
            stage.bounded_repeats(1);
            stage.converges(1);
        },
    );
}

/// While an isolation is open nothing is undone.
#[test]
#[ignore = "gauntlet"]
fn case_40_isolate_against_restore() {
    let stage = Stage::new();
    for server in &stage.servers {
        server.latency(Duration::from_millis(200), Duration::from_millis(300));
    }
    let running = stage.start(&ISOLATE);
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
    for mode in ["false-alarm", "rotate"] {
        let ran = stage.run(&["--json", "restore", HELPDESK, "--mode", mode, "--yes"]);
        ran.expect(&[5]).says(&[HELPDESK]);
    }
    let ran = stage.heard(running.wait(PATIENCE));
    stage.holds(&ran);
    ran.expect(&[0]);
    assert!(stage.records_of("restore.diff").is_empty(), "it was begun all the same");
    stage.converges(0);
}

/// Two consoles on one state directory, and both press the key: one operation, the same end on both screens.
#[test]
#[ignore = "gauntlet"]
fn case_40_two_consoles() {
    use crate::pty::{console, ended, hands::wait_for_dark, place, terminal::Start};
    let stage = Stage::new();
    let place = place(&stage);
    let both = [console(Start::at(&place)), console(Start::at(&place))];
    for server in &stage.servers {
        server.latency(Duration::from_millis(50), Duration::from_millis(100));
    }
    for terminal in &both {
        terminal.keys("X");
    }
    for terminal in &both {
        // A press at a frame that was still on its way only armed.
        let text = terminal.wait_for("the press", |text| text.contains("ARMED") || text.contains("estop  Isolation"));
        if text.contains("ARMED") {
            terminal.keys("X");
        }
    }
    for terminal in &both {
        wait_for_dark(terminal);
    }
    assert_eq!(stage.alive(), [], "O1");
    for terminal in both {
        terminal.keys("q");
        let ran = ended(&stage, &terminal.exit(PATIENCE));
        ran.expect(&[0]);
        stage.no_false_success(&ran);
    }
    stage.intent_first();
    stage.bounded_repeats(1);
    stage.sound_journals(&[0]);
    stage.converges(1);
}

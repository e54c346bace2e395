//! 34. Small and jumping windows.

use std::time::Duration;

use crate::{
    harness::{Dice, Stage, each, full, stage::PATIENCE},
    pty::{
        console, ended,
        hands::{is_isolating, wait_for_dark},
        place, strike,
        terminal::Start,
        visible,
    },
};

/// Where provider, id and counts have no room the key only arms.
#[test]
#[ignore = "gauntlet"]
fn case_34_windows_of_every_size() {
    each(
        &[(80, 24, true), (40, 10, false), (20, 5, false), (1, 1, false), (500, 200, true)],
        |size| format!("{size:?}"),
        |(columns, rows, fires)| {
            let stage = Stage::new();
            let place = place(&stage);
            let terminal = console(Start::at(&place));
            terminal.resize(*columns, *rows);
            // The first may still be of the old window, and a frame comes only once the one before was answered: after
            // three the key is pressed at this window.
            for _ in 0..3 {
                terminal.redrawn();
            }
            // Whichever comes first there, the key or the window: it was pressed at the other one.
            terminal.keys("X");
            terminal.resize(80, 24);
            let text = terminal.wait_for("what the key did", |text| text.contains("ARMED") || is_isolating(text));
            if *fires {
                if text.contains("ARMED") {
                    // Again only at a frame that was answered: before that it would arm once more.
                    for _ in 0..3 {
                        terminal.redrawn();
                    }
                    terminal.keys("X");
                }
                wait_for_dark(&terminal);
            } else {
                assert!(text.contains("ARMED") && text.contains("helpdesk"), "it fired unseen:\n{text}");
                assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "{text}");
            }
            terminal.keys("q");
            let ran = ended(&stage, &terminal.exit(PATIENCE));
            ran.expect(&[0]);
            stage.no_false_success(&ran);
        },
    );
}

/// A window that jumps about while bots are cut off.
#[test]
#[ignore = "gauntlet"]
fn case_34_a_jumping_window() {
    let stage = Stage::new();
    let place = place(&stage);
    let terminal = console(Start::at(&place));
    for server in &stage.servers {
        server.latency(Duration::from_millis(200), Duration::from_millis(400));
    }
    strike(&stage, &terminal);
    let mut dice = Dice::of("case 34");
    let (times, pause) = if full() { (500, 20) } else { (120, 10) };
    for _ in 0..times {
        let size = (1 + dice.below(220), 1 + dice.below(70));
        terminal.resize(u16::try_from(size.0).unwrap(), u16::try_from(size.1).unwrap());
        std::thread::sleep(Duration::from_millis(pause));
    }
    terminal.resize(80, 24);
    let dark = wait_for_dark(&terminal);
    let shown = terminal.redrawn();
    for text in [&dark, &shown] {
        assert!(text.contains("helpdesk"), "the target is not shown:\n{text}");
        for count in ["verified", "still live", "unknown"] {
            assert!(text.to_lowercase().contains(count), "no count of {count}:\n{text}");
        }
    }
    terminal.keys("J");
    let before = terminal.wait_for("the journal", |text| text.contains("op.end") && text.contains("estop  Journal"));
    assert_eq!(visible(&terminal.redrawn()), visible(&before), "stale cells");
    terminal.keys("q");
    let ran = ended(&stage, &terminal.exit(PATIENCE));
    ran.expect(&[0]);
    assert_eq!(stage.alive(), [], "{ran}");
    stage.converges(0);
}

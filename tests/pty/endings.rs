//! The ways out: by key, by signal, and with the line torn away, at rest and in mid-strike.

use std::time::Duration;

use rustix::process::Signal;

use super::{
    hands::{fleet_is_read, isolate, select},
    place::Place,
    sessions::{at_once, exercise},
    stream::strangers,
    terminal::{Answers, Start, Terminal},
};

/// What a process may use of the processor after its terminal has gone.
const CALM: Duration = Duration::from_secs(2);

/// Isolates a bot and returns once the first step is on the wire.
fn strike(place: &Place) -> Terminal {
    let terminal = Start::at(place).open();
    fleet_is_read(&terminal);
    select(&terminal, "helpdesk");
    isolate(&terminal);
    let terminal_shows = |text: &str| text.contains(" sent ") || text.contains(" accepted ");
    terminal.wait_for("a step on the wire", terminal_shows);
    terminal
}

#[test]
fn polite_signals_give_the_terminal_back() {
    at_once([(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131)], |(signal, code)| {
        let place = exercise();
        let terminal = Start::at(&place).open();
        fleet_is_read(&terminal);
        terminal.signal(signal);
        let exit = terminal.exit(Duration::from_secs(10));
        assert_eq!(exit.code, code, "{signal:?}: {}", exit.text);
        assert!(exit.restored, "{signal:?}: {exit:?}");
        assert_eq!(strangers(&exit.raw), Vec::<String>::new());
    });
}

/// A line so slow that the last answer does not come in time: leaving waits a little for it, and not for ever.
#[test]
fn an_answer_that_does_not_come_keeps_nobody() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    terminal.answers(Answers::Held);
    terminal.keys("?");
    terminal.wait_for_text("estop  Help");
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(10));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
}

#[test]
fn a_signal_in_mid_strike_gives_the_terminal_back_and_lets_it_finish() {
    at_once([Signal::TERM, Signal::INT, Signal::QUIT], |signal| {
        let place = exercise();
        let terminal = strike(&place);
        terminal.signal(signal);
        let exit = terminal.exit(Duration::from_secs(10));
        assert!(exit.restored, "{signal:?}: {exit:?}");
        assert!(exit.text.contains("isolating helpdesk goes on"), "{}", exit.text);
        assert_eq!(exit.code, 0, "the code is the outcome's: {}", exit.text);
        let journal = place.journal();
        let ended = journal.one("op.end");
        assert!(ended["body"]["outcome"].as_str().unwrap().starts_with("dark"), "{signal:?}: {ended}");
    });
}

#[test]
fn quitting_in_mid_strike_finishes_it_without_the_screen() {
    let place = exercise();
    let terminal = strike(&place);
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_mins(1));
    assert_eq!(exit.code, 0, "{}", exit.text);
    assert!(exit.restored, "{exit:?}");
    assert!(exit.text.contains("isolating helpdesk goes on without the screen"), "{}", exit.text);
    assert!(exit.text.contains("estop: helpdesk: dark"), "{}", exit.text);
    assert_eq!(strangers(&exit.raw), Vec::<String>::new());
    let journal = place.journal();
    assert!(journal.one("op.end")["body"]["outcome"].as_str().unwrap().starts_with("dark"));
    assert!(journal.all("console.lost").is_empty(), "it was left, not lost");
}

#[test]
fn a_line_that_drops_in_mid_strike_does_not_stop_it() {
    let place = exercise();
    let mut terminal = strike(&place);
    let before = terminal.tear();
    let exit = terminal.exit(Duration::from_secs(30));
    let used = exit.used.saturating_sub(before);
    assert!(used < CALM, "{used:?} of processor time");
    let journal = place.journal();
    let lost = journal.one("console.lost");
    assert!(!lost["body"]["by"].as_str().unwrap().is_empty());
    let ended = journal.one("op.end");
    assert!(lost["seq"].as_u64() < ended["seq"].as_u64(), "it went on afterwards: {}", journal.kinds());
    assert!(ended["body"]["outcome"].as_str().unwrap().starts_with("dark"), "{ended}");
    assert_eq!(exit.code, 0, "the code is the outcome's");
}

#[test]
fn a_line_that_drops_at_rest_ends_the_process() {
    let place = exercise();
    let mut terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    let before = terminal.tear();
    let exit = terminal.exit(Duration::from_secs(15));
    assert_eq!(exit.code, 129);
    let used = exit.used.saturating_sub(before);
    assert!(used < CALM, "{used:?} of processor time");
}

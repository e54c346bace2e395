//! `X` at a real terminal: it hits only what was seen.

use std::time::Duration;

use super::{
    hands::{fleet_is_read, is_isolating, isolate, select, wait_for_dark},
    sessions::exercise,
    stream::strangers,
    terminal::{Answers, Start, Terminal},
};

/// Longer than a frame needs to count as seen on a terminal that answers nothing.
const SEEN: Duration = Duration::from_millis(400);

fn is_armed(text: &str) -> bool {
    text.contains("ARMED: X once more isolates")
}

fn quit(terminal: Terminal) {
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
    assert_eq!(strangers(&exit.raw), Vec::<String>::new());
}

#[test]
fn one_press_fires_where_the_terminal_has_answered() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    select(&terminal, "sales");
    terminal.keys("X");
    let text = terminal.wait_for("the strike", |text| is_isolating(text) || is_armed(text));
    assert!(is_isolating(&text), "{text}");
    wait_for_dark(&terminal);
    quit(terminal);
}

#[test]
fn a_terminal_that_answers_nothing_arms_first_and_then_fires() {
    let place = exercise();
    let terminal = Start::at(&place).answers(Answers::Never).open();
    fleet_is_read(&terminal);
    terminal.keys("X");
    terminal.wait_for("the arming", is_armed);
    terminal.stays("the arming", SEEN, |text| is_armed(text) && !is_isolating(text));
    terminal.keys("X");
    terminal.wait_for("the strike", is_isolating);
    wait_for_dark(&terminal);
    quit(terminal);
}

/// Keys that are typed into a screen that was not seen yet.
#[test]
fn typed_ahead_it_only_arms() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    terminal.keys("X");
    fleet_is_read(&terminal);
    select(&terminal, "helpdesk");
    terminal.answers(Answers::Held);
    terminal.keys("\x1b");
    terminal.wait_for("every bot", |text| text.contains("X would isolate helpdesk ") && text.contains("compliance"));
    terminal.keys("j");
    let moved = "X would isolate helpdesk-bot-old ";
    terminal.wait_for_text(moved);
    terminal.keys("X");
    terminal.wait_for("the arming", |text| is_armed(text) && text.contains(moved));
    terminal.keys("\x1b");
    terminal.wait_for("the arming taken back", |text| !is_armed(text));
    terminal.answers(Answers::AtOnce);
    terminal.keys("?");
    terminal.wait_for_text("estop  Help");
    quit(terminal);
    assert!(place.is_untouched());
}

#[test]
fn pasted_it_never_fires() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    terminal.paste("X");
    terminal.wait_for_text("pasted text is not taken as keys");
    terminal.paste("\x1b[0nX\r");
    terminal.keys("?");
    terminal.wait_for_text("estop  Help");
    terminal.keys("?");
    fleet_is_read(&terminal);
    // Without brackets a paste is keys that come together.
    for burst in ["XX", "jX", "a EXX", "X\x1b[0nX"] {
        terminal.keys(burst);
        terminal.wait_for("the arming", is_armed);
        terminal.keys("\x1b");
        terminal.wait_for("the arming taken back", |text| !is_armed(text) && text.contains("X would isolate"));
    }
    // Where one of them opens a field, the rest is its text.
    terminal.keys("an EXIT sign X");
    terminal.wait_for_text("note>  EXIT sign X");
    terminal.keys("\x1b");
    terminal.wait_for("the note left", |text| !text.contains("note>") && text.contains("X would isolate"));
    terminal.keys("B");
    terminal.wait_for_text("cannot be undone");
    terminal.paste("helpdesk\r");
    terminal.wait_for_text("type it");
    terminal.keys("\x1b");
    terminal.wait_for_text("nothing was sent");
    quit(terminal);
    assert!(place.is_untouched());
}

#[test]
fn where_the_target_cannot_be_shown_it_only_arms() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    select(&terminal, "helpdesk");
    terminal.resize(20, 5);
    terminal.wait_for("the small screen", |text| !text.contains("estop  Fleet") && text.contains("helpdesk"));
    terminal.keys("X");
    let text = terminal.wait_for("the press", |text| text.contains("X again: helpdesk") || text.contains("isolating"));
    assert!(text.contains("X again"), "{text}");
    terminal.resize(80, 24);
    terminal.wait_for("the arming", |text| is_armed(text) && text.contains("isolates helpdesk"));
    terminal.keys("\x1b");
    terminal.wait_for("the arming taken back", |text| !is_armed(text) && text.contains("X would isolate"));
    quit(terminal);
    assert!(place.is_untouched());
}

/// Windows that jump about during an isolation leave no trace, neither in it nor on the screen.
#[test]
fn a_jumping_window_disturbs_nothing() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    select(&terminal, "sales");
    isolate(&terminal);
    for size in (0..300u16).map(|step| (1 + step * 37 % 200, 1 + step * 23 % 60)) {
        terminal.resize(size.0, size.1);
    }
    terminal.resize(80, 24);
    wait_for_dark(&terminal);
    terminal.keys("J");
    let before = terminal.wait_for("the journal", |text| text.contains("op.end") && text.lines().count() == 24);
    let after = terminal.redrawn();
    assert_eq!(before, after, "no stale cells");
    quit(terminal);
    assert_eq!(place.journal().all("op.end").len(), 1);
}

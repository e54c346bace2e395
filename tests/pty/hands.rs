//! What a responder does at the console, one gesture a function.

use super::{
    place::Place,
    terminal::{SHELL_PROMPT, Start, Terminal},
};

/// Waits until the fleet was read and the plan of the selected bot is fresh.
pub fn fleet_is_read(terminal: &Terminal) {
    terminal.wait_for("the fleet", |text| {
        text.contains("live") && text.contains("X would isolate") && text.contains(" fresh ")
    });
}

/// Filters down to one bot and waits for its plan.
pub fn select(terminal: &Terminal, bot: &str) {
    terminal.keys("/");
    terminal.wait_for("the filter", |text| text.contains("Enter keep"));
    terminal.keys(bot);
    let plan = format!("X would isolate {bot} ");
    terminal.wait_for(&plan, |text| text.contains(&plan));
    terminal.keys("\r");
    terminal.wait_for("a fresh plan", |text| {
        text.contains(&plan) && text.contains(" fresh ") && text.contains("X isolate") && !text.contains("unread")
    });
}

/// Presses `X` until it has fired: a press at a frame that is still on its way only arms.
pub fn isolate(terminal: &Terminal) {
    terminal.keys("X");
    let text = terminal.wait_for("the press", |text| text.contains("ARMED") || is_isolating(text));
    if text.contains("ARMED") {
        terminal.keys("X");
        terminal.wait_for("the strike", is_isolating);
    }
}

pub fn is_isolating(text: &str) -> bool {
    text.contains("estop  Isolation")
}

/// Waits for a good end of the isolation on the screen.
pub fn wait_for_dark(terminal: &Terminal) -> String {
    terminal.wait_for("dark", |text| text.contains("time to dark") && text.contains("dark"))
}

/// A shell in which the console was started by hand.
pub fn under_a_shell(start: Start<'_>, place: &Place) -> Terminal {
    let terminal = start.in_a_shell().open();
    terminal.wait_for_text(SHELL_PROMPT.trim_end());
    let words: Vec<String> = place.arguments().iter().map(|word| format!("'{word}'")).collect();
    terminal.keys(&format!("{} {}\n", place.binary().display(), words.join(" ")));
    fleet_is_read(&terminal);
    terminal
}

/// Waits for the shell, and looks at what it was given.
pub fn at_the_prompt(terminal: &Terminal) {
    terminal.wait_for("the shell", |text| {
        text.contains("Stopped") && text.trim_end().ends_with(SHELL_PROMPT.trim_end()) && !text.contains("estop  ")
    });
    assert!(!terminal.is_on_its_own_screen());
    assert_eq!(terminal.modes(), terminal.modes_before());
}

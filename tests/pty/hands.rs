//! What a responder does at the console, one gesture a function.

use super::terminal::Terminal;

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

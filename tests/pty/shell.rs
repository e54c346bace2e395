//! An interactive shell, with job control, around the console.

use super::{
    hands::fleet_is_read,
    place::Place,
    terminal::{SHELL_PROMPT, Start, Terminal},
};

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

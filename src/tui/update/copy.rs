//! `y`: a summary for a ticket.

use unicode_width::UnicodeWidthStr as _;

use super::Effect;
use crate::tui::{clipboard, copy, state::State};

/// Columns of a status line that are not its text, an exercise's frame among them.
const MARGIN: usize = 3;

/// `y` was pressed. Whether the terminal took it is never known: the flash names another way to the same text.
pub fn pressed(state: &mut State) -> Vec<Effect> {
    let Some(clip) = copy::clip(state) else { return Vec::new() };
    let text = clipboard::capped(&clip.text);
    let lines = text.lines().count();
    let word = if lines == 1 { "line" } else { "lines" };
    let said = format!("copied {lines} {word}; if your terminal does not take it: {}", clip.command);
    // The command is what helps: it must not be the part that is cut off.
    let fits = said.width() + MARGIN <= usize::from(state.size.width);
    state.flash = Some(if fits { said } else { format!("copied {lines} {word}, or: {}", clip.command) });
    vec![Effect::Copy(text.to_owned())]
}

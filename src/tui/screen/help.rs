//! Every key, from the one table, with the reason where one is off; and what the signs mean.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::{
    domain::BotState,
    tui::{
        keymap,
        paint::{Line, Paint, piece},
        state::State,
        theme::Role,
        update::disabled,
    },
};

/// Columns of the keys.
const KEYS: usize = 13;
/// Columns of the place.
const PLACE: usize = 16;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let lines = lines(state, usize::from(body.width));
    paint.lines(body, &lines, state.help_offset);
}

/// All of it.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let look = &state.look;
    let mut lines: Vec<Line> = vec![vec![piece(Role::Heading, " KEYS")]];
    for binding in keymap::DEFAULT {
        let off = disabled(state, binding.action);
        let role = match (&off, binding.danger) {
            (Some(_), _) => Role::Dim,
            (None, true) => Role::Danger,
            (None, false) => Role::Key,
        };
        let room = width.saturating_sub(3 + KEYS + PLACE);
        let text = look.wrap(binding.help, room);
        for (index, text) in text.into_iter().enumerate() {
            let (keys, place) =
                if index == 0 { (keymap::labels(binding), keymap::places(binding)) } else { Default::default() };
            lines.push(vec![
                piece(role, format!(" {} ", look.cell(&keys, KEYS))),
                piece(Role::Dim, look.cell(&place, PLACE)),
                piece(Role::Text, format!(" {text}")),
            ]);
        }
        // A key that is off stays listed, and says why.
        for why in off.iter().flat_map(|why| look.wrap(&look.text(&format!("Off: {why}.")), room)) {
            let indent = " ".repeat(KEYS + PLACE + 2);
            lines.push(vec![piece(Role::Warn, format!("{indent} {why}"))]);
        }
    }
    lines.push(Vec::new());
    lines.push(vec![piece(Role::Heading, " X FIRES ONLY AT WHAT WAS SEEN")]);
    let rule = "X cuts the bot whose plan the terminal has shown. Pressed before that, or together with other keys, \
                it arms and names the bot; X once more fires, Esc takes it back. Pasted text and held keys never cut.";
    for text in look.wrap(rule, width.saturating_sub(2)) {
        lines.push(vec![piece(Role::Text, format!(" {text}"))]);
    }
    lines.push(Vec::new());
    lines.push(vec![piece(Role::Heading, " STATES")]);
    for (status, text) in [
        (BotState::Live, "it can act"),
        (BotState::Isolating, "an isolation runs"),
        (BotState::Dark, "nothing of it can be used: read, not assumed"),
        (BotState::DarkAt(Timestamp::UNIX_EPOCH), "dark once the named residuals have ended"),
        (BotState::Partial, "isolated, but something is missing: each piece is listed"),
        (BotState::Contradicted, "proved alive after it was called cut"),
        (BotState::Unknown, "it has not been read"),
    ] {
        let sign = look.state(status);
        let text = format!(" {text}");
        lines.push(vec![
            piece(Role::Text, " "),
            piece(sign.role, look.cell(&sign.text, KEYS + 4)),
            piece(Role::Text, text),
        ]);
    }
    lines
}

//! Every key, from the one table, by screen, with the reason where one is off; and what the signs mean.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::{
    domain::BotState,
    tui::{
        action::{Action, Context},
        keymap::Bound,
        paint::{Line, Paint, piece},
        state::State,
        theme::Role,
        update::disabled,
    },
};

/// Columns of the keys.
const KEYS: usize = 16;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let lines = lines(state, usize::from(body.width));
    paint.lines(body, &lines, state.help_offset);
}

/// All of it: what the screen behind it takes, what every screen takes, then the rest.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut left: Vec<&Bound> = state.keys.rows().iter().collect();
    let mut group = |title: String, of: &dyn Fn(&Bound) -> bool| {
        let (mine, others): (Vec<_>, Vec<_>) = left.iter().copied().partition(|row| of(row));
        left = others;
        if !mine.is_empty() {
            lines.push(vec![piece(Role::Heading, format!(" {title}"))]);
            for row in mine {
                key_lines(state, row, width, &mut lines);
            }
            lines.push(Vec::new());
        }
    };
    let behind = state.about();
    group(behind.title().to_uppercase(), &|row| !is_everywhere(row) && row.binding.contexts.contains(&behind));
    group("EVERYWHERE".to_owned(), &is_everywhere);
    for context in Context::ALL {
        group(context.title().to_uppercase(), &|row| row.binding.contexts.contains(&context));
    }
    rule_lines(state, width, &mut lines);
    state_lines(state, &mut lines);
    lines
}

fn is_everywhere(row: &Bound) -> bool {
    row.binding.contexts.len() == Context::ALL.len()
}

/// One row of the table. A key that is off stays listed, and says why.
fn key_lines(state: &State, row: &Bound, width: usize, lines: &mut Vec<Line>) {
    let look = &state.look;
    let off = disabled(state, row.binding.action);
    let (role, words) = match (&off, row.binding.danger) {
        (Some(_), _) => (Role::Dim, Role::Dim),
        (None, true) => (Role::Danger, Role::Text),
        (None, false) => (Role::Key, Role::Text),
    };
    let room = width.saturating_sub(KEYS + 3);
    for (index, text) in look.wrap(&state.keys.say(row.binding.help), room).into_iter().enumerate() {
        let keys = if index == 0 { row.labels() } else { String::new() };
        lines.push(vec![piece(role, format!(" {} ", look.cell(&keys, KEYS))), piece(words, text)]);
    }
    for why in off.iter().flat_map(|why| look.wrap(&look.text(&format!("Off: {why}.")), room)) {
        lines.push(vec![piece(Role::Warn, format!("{}{why}", " ".repeat(KEYS + 2)))]);
    }
}

fn rule_lines(state: &State, width: usize, lines: &mut Vec<Line>) {
    let (key, back) = (state.key(Action::Isolate), state.key(Action::Back));
    lines.push(vec![piece(Role::Heading, format!(" {key} FIRES ONLY AT WHAT WAS SEEN"))]);
    let rule = format!(
        "{key} cuts the bot whose plan the terminal has shown. Pressed before that, or together with other keys, it \
         arms and names the bot; {key} once more fires, {back} takes it back. Pasted text and held keys never cut."
    );
    for text in state.look.wrap(&rule, width.saturating_sub(2)) {
        lines.push(vec![piece(Role::Text, format!(" {text}"))]);
    }
    lines.push(Vec::new());
}

fn state_lines(state: &State, lines: &mut Vec<Line>) {
    let look = &state.look;
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
        lines.push(vec![
            piece(Role::Text, " "),
            piece(sign.role, look.cell(&sign.text, KEYS)),
            piece(Role::Text, format!(" {text}")),
        ]);
    }
}

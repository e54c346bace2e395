//! The journal as it is written: every line that became durable, newest at the bottom.

use jiff::Timestamp;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::{
    message::JournalLine,
    paint::{self, Line, Paint, piece},
    state::{Look, State},
    theme::Role,
};

/// Columns of a line's number.
const SEQ: usize = 4;
/// Columns of a time of day.
const TIME: usize = 9;
/// Columns of the longest kind.
const KIND: usize = 17;
/// Columns of an action and its target that a long result leaves.
const MIN_TARGET: usize = 20;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let look = paint.look;
    let head = format!(" {:>SEQ$} {} {} WHAT", "SEQ", look.cell("TIME", TIME), look.cell("KIND", KIND));
    paint.line(body.x, body.y, body.width, &[piece(Role::Heading, head)]);
    let lines = &state.journal.lines;
    if lines.is_empty() {
        let text = "Nothing is recorded yet. Every step of an isolation is, before it goes on the wire.";
        paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(Role::Dim, text)]);
        return;
    }
    let rows = usize::from(body.height.saturating_sub(1));
    let from = if state.journal.follow { lines.len().saturating_sub(rows) } else { state.journal.offset };
    for (y, line) in (body.y + 1..body.bottom()).zip(lines.iter().skip(from)) {
        paint.line(body.x, y, body.width, &entry(state, look, line, usize::from(body.width)));
    }
}

/// A time of day; with the day of the month in place of the seconds where it is not today's.
fn time(now: Timestamp, at: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let format = if day(now) == day(at) { "%H:%M:%SZ" } else { "%d %H:%MZ" };
    at.strftime(format).to_string()
}

fn entry(state: &State, look: &Look, line: &JournalLine, width: usize) -> Line {
    let role = match line.kind.as_str() {
        "contradiction" | "sink.lost" | "console.lost" => Role::Bad,
        "guard.refused" | "guard.override" | "recovered" | "step.manual" => Role::Warn,
        "op.claim" | "op.end" | "incident.open" | "incident.close" => Role::Title,
        "step.verify" => Role::Good,
        _ => Role::Text,
    };
    let mut entry = vec![
        piece(Role::Dim, format!(" {:>SEQ$} {} ", line.seq, look.cell(&time(state.now.wall, line.at), TIME))),
        piece(role, format!("{} ", look.cell(&look.text(&line.kind), KIND))),
    ];
    let text = look.text(&line.text);
    if line.result.is_empty() {
        entry.push(piece(Role::Text, text));
        return entry;
    }
    // What came of a step is worth more than the end of its target's name.
    let result = format!(": {}", look.text(&line.result));
    let room = width.saturating_sub(paint::width(&entry));
    let least = room.min(MIN_TARGET);
    entry.push(piece(Role::Text, look.fit_middle(&text, room.saturating_sub(result.width()).max(least))));
    entry.push(piece(Role::Text, result));
    entry
}

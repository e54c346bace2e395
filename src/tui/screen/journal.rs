//! The journal as it is written: every line that became durable, newest at the bottom.

use ratatui::layout::Rect;

use crate::tui::{
    message::JournalLine,
    paint::{Line, Paint, clock, piece},
    state::{Look, State},
    theme::Role,
};

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let look = paint.look;
    let head = format!(" {:>6}  {}  {}  WHAT", "SEQ", look.cell("TIME", 9), look.cell("KIND", 17));
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
        paint.line(body.x, y, body.width, &entry(state, look, line));
    }
}

fn entry(state: &State, look: &Look, line: &JournalLine) -> Line {
    let role = match line.kind.as_str() {
        "contradiction" | "sink.lost" | "console.lost" => Role::Bad,
        "guard.refused" | "guard.override" | "recovered" | "step.manual" => Role::Warn,
        "op.claim" | "op.end" | "incident.open" | "incident.close" => Role::Title,
        "step.verify" => Role::Good,
        _ => Role::Text,
    };
    vec![
        piece(Role::Dim, format!(" {:>6}  {}  ", line.seq, look.cell(&clock(state.now.wall, line.at), 9))),
        piece(role, format!("{}  ", look.cell(&look.text(&line.kind), 17))),
        piece(Role::Text, look.text(&line.text)),
    ]
}

//! The journal as it is written, or as an opened record has it: newest at the bottom, searched, one line under the
//! cursor.

use jiff::Timestamp;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::columns::{self, Column};
use crate::tui::{
    action::Action,
    journal::JournalPane,
    message::JournalLine,
    paint::{self, Line, Paint, piece},
    state::{Look, State},
    theme::Role,
};

/// A line's number.
const SEQ: Column = Column::figure("SEQ", 5);
/// A time of day.
const TIME: Column = Column::text("TIME", 10);
/// As wide as the longest kind.
const KIND: Column = Column::name("KIND", 18);
/// As wide as those of steps, where there is little room; the number of a line then gives way too.
const SHORT_KIND: Column = Column::name("KIND", 14);
/// From so many columns on all has room.
const ROOMY: usize = 72;
/// Columns of an incident's id that tell anything.
const ID: usize = 12;
/// Columns of an action and its target that a long result leaves.
const MIN_TARGET: usize = 20;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let look = paint.look;
    let pane = state.lines();
    paint.line(body.x, body.y, body.width, &head(look, pane, usize::from(body.width)));
    if pane.lines.is_empty() {
        let text = "Nothing is recorded yet. Every step of an isolation is, before it goes on the wire.";
        paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(Role::Dim, text)]);
        return;
    }
    if pane.shown().is_empty() {
        let back = state.key(Action::Back);
        let text = format!("No line is of that bot, step, state or kind. {back} clears the search.");
        paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(Role::Dim, text)]);
        return;
    }
    let shown = pane.shown().iter().enumerate().skip(pane.offset);
    for (y, (row, index)) in (body.y + 1..body.bottom()).zip(shown) {
        let line = &pane.lines[*index];
        let mark = if row == pane.at() {
            look.glyphs.marker()
        } else if pane.query().matches(line) {
            look.glyphs.dot()
        } else {
            " "
        };
        paint.line(body.x, y, body.width, &entry(state, look, line, mark, usize::from(body.width)));
    }
}

/// What the columns are, and whose journal the line under the cursor is in.
fn head(look: &Look, pane: &JournalPane, width: usize) -> Line {
    let blank = if width < ROOMY { " " } else { "" };
    let columns = format!(" {blank}{}WHAT", columns::head(look, &columns_of(width)));
    let of = match pane.cursor() {
        None => String::new(),
        Some(line) => line.incident.map_or_else(|| "of the host".to_owned(), |id| id.to_string()),
    };
    let room = width.saturating_sub(columns.width() + 3);
    let of = if room < ID { String::new() } else { look.fit_middle(&of, room) };
    let gap = width.saturating_sub(columns.width() + of.width() + 1);
    vec![piece(Role::Heading, columns), piece(Role::Text, " ".repeat(gap)), piece(Role::Dim, of)]
}

/// The columns before what happened.
fn columns_of(width: usize) -> [Column; 3] {
    if width < ROOMY { [Column::figure("SEQ", 0), TIME, SHORT_KIND] } else { [SEQ, TIME, KIND] }
}

/// What is searched and what came of it; `None`: nothing is.
pub fn status(state: &State) -> Option<(Line, usize)> {
    let pane = state.lines();
    if !pane.editing && pane.input.value().is_empty() {
        return None;
    }
    let mut counts = format!("   {} of {} lines", pane.shown().len(), pane.lines.len());
    if pane.query().has_words() {
        let matches = pane.matches();
        counts = format!("{counts}, {matches} match");
    }
    let mut line = vec![piece(Role::Key, " /"), piece(Role::Text, pane.input.value()), piece(Role::Dim, counts)];
    if let Some(slip) = pane.query().slips().first() {
        let fields = crate::tui::journal::FIELDS.join(", ");
        line.push(piece(Role::Warn, format!("   {slip}: is none of {fields}")));
    }
    Some((line, 2 + pane.input.visual_cursor()))
}

/// A time of day; with the day of the month in place of the seconds where it is not today's.
fn time(now: Timestamp, at: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let format = if day(now) == day(at) { "%H:%M:%SZ" } else { "%d %H:%MZ" };
    at.strftime(format).to_string()
}

fn entry(state: &State, look: &Look, line: &JournalLine, mark: &str, width: usize) -> Line {
    let role = match line.kind.as_str() {
        "contradiction" | "sink.lost" | "console.lost" => Role::Bad,
        "guard.refused" | "guard.override" | "recovered" | "step.manual" => Role::Warn,
        "op.claim" | "op.end" | "incident.open" | "incident.close" => Role::Title,
        "step.verify" => Role::Good,
        _ => Role::Text,
    };
    let [seq, at, kind] = columns_of(width);
    let mut entry = vec![
        piece(Role::Key, mark),
        piece(Role::Text, if seq.room() == 0 { " " } else { "" }),
        seq.piece(look, Role::Dim, &line.seq.to_string()),
        at.piece(look, Role::Dim, &time(state.now.wall, line.at)),
        kind.piece(look, role, &look.text(&line.kind)),
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

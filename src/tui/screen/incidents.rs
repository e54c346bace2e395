//! The incidents of this host: open ones first, the one under the cursor told in full below.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{
    columns::{self, Column},
    text::Text,
};
use crate::{
    domain::BotState,
    tui::{
        incidents::{Brief, Check, Standing, Writer},
        paint::{self, Line, Paint, Piece, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// The day and the time.
const SINCE: Column = Column::text("SINCE", 13);
/// Open or closed.
const OPEN: Column = Column::text("", 7);
/// A state's sign and word.
const STATE: Column = Column::text("STATE", 15);
/// Lines that hold, where there is room for them beside the bots.
const LINES: Column = Column::figure("LINES", 8);
/// Columns of bots' names that come before the number of lines.
const BOTS: usize = 24;
/// Columns of the marker and the blanks around it.
const MARKER: usize = 3;
/// Rows of the list that stay whatever the text below takes.
const LEAST: u16 = 4;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let look = paint.look;
    let pane = &state.incidents;
    let list = list_area(state, body);
    let head = format!("   {}BOTS", columns::head(look, &columns_of(body.width)));
    paint.line(body.x, body.y, body.width, &[piece(Role::Heading, head)]);
    let says = match (&pane.error, pane.rows.is_empty(), pane.loaded) {
        (Some(error), true, _) => Some((Role::Bad, error.as_str())),
        (_, true, false) => Some((Role::Dim, "Reading the journals of this host.")),
        (_, true, true) => Some((Role::Dim, "No incident is on this host. The first isolation opens one.")),
        (_, false, _) => None,
    };
    if let Some((role, text)) = says {
        paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(role, text)]);
        return;
    }
    let rows = pane.rows.iter().enumerate().skip(pane.offset);
    for (y, (index, row)) in (list.y..list.bottom()).zip(rows) {
        let line = entry(state.now.wall, look, row, index == pane.at(), body.width);
        paint.line(body.x, y, body.width, &line);
    }
    let below = Rect { y: list.bottom(), height: body.bottom().saturating_sub(list.bottom()), ..body };
    let Some(brief) = pane.brief().filter(|_| below.height > 1) else { return };
    let title = [piece(Role::Title, brief.id.to_string())];
    let age = if pane.reading { "reading" } else { "as read" };
    paint.rule(Rect { height: 1, ..below }, &title, &[piece(Role::Dim, age)]);
    let text = lines(state, brief, usize::from(below.width));
    paint.lines(Rect { y: below.y + 1, height: below.height - 1, ..below }, &text, 0);
}

/// Where the list scrolls.
pub fn list_area(state: &State, body: Rect) -> Rect {
    let room = body.height.saturating_sub(1);
    let wanted = u16::try_from(state.incidents.rows.len()).unwrap_or(u16::MAX);
    let text = state.incidents.brief().map_or(0, |brief| lines(state, brief, usize::from(body.width)).len() + 1);
    let text = u16::try_from(text).unwrap_or(u16::MAX);
    // The list gets what it wants where the text below still fits whole, else the two share.
    let height = wanted.min(room.saturating_sub(text).max(room / 2).max(LEAST)).min(room);
    Rect { y: body.y + 1, height, ..body }
}

/// The columns before the bots. The last of them has two blanks behind it: what follows a figure is no part of it.
fn columns_of(width: u16) -> Vec<Column> {
    let all = [SINCE, OPEN, STATE];
    let used: usize = all.iter().map(|column| column.room() + 1).sum();
    let room = usize::from(width).saturating_sub(MARKER + used);
    let lines = (room >= LINES.room() + 2 + BOTS).then_some([LINES, Column::text("", 1)]);
    all.into_iter().chain(lines.into_iter().flatten()).collect()
}

/// The day and the time of this year, the date of any other.
fn when(now: Timestamp, at: Timestamp) -> String {
    let year = |time: Timestamp| time.strftime("%Y").to_string();
    let format = if year(now) == year(at) { "%m-%d %H:%MZ" } else { "%Y-%m-%d" };
    at.strftime(format).to_string()
}

/// A residual that has ended meanwhile leaves nothing.
fn as_of(now: Timestamp, standing: &Standing) -> (BotState, &str) {
    match standing.state {
        BotState::DarkAt(at) if at <= now => (BotState::Dark, BotState::Dark.word()),
        state => (state, &standing.word),
    }
}

fn sign(look: &Look, now: Timestamp, standing: &Standing) -> Piece {
    let (state, word) = as_of(now, standing);
    piece(Role::from(state), format!("{} {word}", look.glyphs.bot(state)))
}

fn entry(now: Timestamp, look: &Look, row: &Brief, chosen: bool, width: u16) -> Line {
    // The marker alone says which, as in the fleet: a move then repaints two cells of the list and not two rows.
    let mark = if chosen { look.glyphs.marker() } else { " " };
    let when = row.opened_at.map_or_else(|| "-".to_owned(), |at| when(now, at));
    let (open, role) = match (row.opened_at, row.closed_at) {
        (None, None) => ("?", Role::Dim),
        (_, None) => ("open", Role::Title),
        (_, Some(_)) => ("closed", Role::Dim),
    };
    let mut line =
        vec![piece(Role::Key, format!(" {mark} ")), SINCE.piece(look, Role::Text, &when), OPEN.piece(look, role, open)];
    match (row.worst(), &row.trouble) {
        (None, Some(_)) => line.push(STATE.piece(look, Role::Bad, "? unreadable")),
        (None, None) => line.push(STATE.piece(look, Role::Dim, "- nothing ran")),
        (Some(worst), _) => {
            let Piece { role, text } = sign(look, now, worst);
            line.push(STATE.piece(look, role, &text));
        }
    }
    for column in columns_of(width).into_iter().skip(3) {
        let text = if column == LINES { row.lines.to_string() } else { String::new() };
        line.push(column.piece(look, Role::Text, &text));
    }
    let mut bots: Vec<&str> = Vec::new();
    for standing in &row.operations {
        if !bots.contains(&standing.bot.as_str()) {
            bots.push(&standing.bot);
        }
    }
    let bots = look.text(&bots.join(", "));
    let room = usize::from(width).saturating_sub(paint::width(&line));
    let others = match row.others().count() {
        0 => String::new(),
        count if bots.is_empty() => format!("+{count} at work"),
        // Who they are is told below: which bots it is about must not be pushed off by them.
        count => {
            let says = [format!("+{count} at work: "), format!("+{count}: ")];
            let fits = |says: &&String| says.len() + paint::columns(&bots) <= room;
            says.iter().find(fits).unwrap_or(&says[1]).clone()
        }
    };
    line.push(piece(Role::Warn, others));
    line.push(piece(Role::Text, bots));
    line
}

/// One incident in full.
fn lines(state: &State, brief: &Brief, width: usize) -> Vec<Line> {
    let (look, now) = (&state.look, state.now.wall);
    let mut text = Text::new(look, width);
    let since = brief.opened_at.map(|at| format!("since {}", paint::clock(now, at)));
    let until = brief.closed_at.map(|at| format!(", closed {}", paint::clock(now, at)));
    let title = brief.title.as_ref().map(|title| format!(": {title}"));
    text.say(Role::Text, &[since, until, title].into_iter().flatten().collect::<String>());
    if let Some(trouble) = &brief.trouble {
        text.say(Role::Bad, trouble);
    }
    for standing in &brief.operations {
        let mut line = vec![piece(Role::Text, "   "), sign(look, now, standing)];
        line.push(piece(Role::Text, format!("  {}", look.text(&standing.bot))));
        if let Some(by) = &standing.held_by {
            line.push(piece(Role::Warn, format!("  {}", look.text(by))));
        }
        text.lines.push(line);
    }
    if let Some((at, note)) = &brief.last_note {
        text.say(Role::Text, &format!("last note, {}, {note}", paint::clock(now, *at)));
    }
    for writer in &brief.writers {
        let (role, presence) = presence(writer);
        text.say(role, &format!("who: {}{presence}", writer.name));
    }
    match state.incidents.check_of(brief.id) {
        Check::NotAsked => text.say(Role::Dim, "whether its journal verifies: v checks"),
        Check::UnderWay => text.say(Role::Isolating, "its journal is being checked"),
        Check::Done(checked) => {
            let (role, word) = if checked.sound { (Role::Good, "verifies") } else { (Role::Bad, "DOES NOT VERIFY") };
            text.say(role, &format!("its journal {word}: {}", checked.says.join("; ")));
        }
    }
    text.lines
}

const fn presence(writer: &Writer) -> (Role, &'static str) {
    match (writer.present, writer.this) {
        (_, true) => (Role::Text, " (this console)"),
        (Some(true), false) => (Role::Warn, ": is at work now"),
        (Some(false), false) => (Role::Dim, ": has ended"),
        (None, false) => (Role::Dim, ": whether it is there cannot be told from here"),
    }
}

//! The list: a head with the mark of the order, headings of groups, a row a bot.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use super::columns::Columns;
use crate::{
    domain::{Identity, Level},
    engine::BotView,
    tui::{
        action::Action,
        fleet::{Column, Entry, Group, ListLine},
        paint::{Line, Paint, Piece, ago, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// How far back the activity column looks.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, area: Rect) {
    let look = paint.look;
    let list = state.fleet.list();
    let columns = Columns::of(usize::from(area.width), list.index());
    let mut line = vec![piece(Role::Text, "  ")];
    line.extend(head(state, look, &columns));
    paint.line(area.x, area.y, area.width, &line);
    for (y, line) in (area.y + 1..area.bottom()).zip(state.fleet.offset..) {
        match list.line(line) {
            None => break,
            Some(ListLine::Heading(group)) => paint.line(area.x, y, area.width, &heading(look, group)),
            Some(ListLine::Row(row, entry)) => {
                let selected = state.fleet.index() == Some(row);
                let line = entry_line(state, look, &columns, entry, selected);
                paint.line(area.x, y, area.width, &line)
            }
        };
    }
    if list.is_empty() {
        let text = match (state.loaded, state.fleet.is_pending(), state.fleet.filter.value().is_empty()) {
            (false, ..) => "Reading the fleet. Keys work already.".to_owned(),
            (true, true, _) => "Looking.".to_owned(),
            (true, false, false) => format!("Nothing matches the filter. {} clears it.", state.key(Action::Back)),
            (true, false, true) => {
                let all = state.key(Action::ShowAll);
                format!("No bot is selected by the configuration. {all} shows every non-human identity.")
            }
        };
        paint.line(area.x + 2, area.y + 2, area.width.saturating_sub(2), &[piece(Role::Dim, text)]);
    }
}

/// Draws the markers of some rows, where they are on the screen.
pub fn draw_marks(state: &State, paint: &mut Paint<'_>, area: Rect, rows: [usize; 2]) {
    for row in rows {
        let below = state.fleet.list().line_of(row).checked_sub(state.fleet.offset);
        let y = below.and_then(|below| u16::try_from(below).ok()).map(|below| area.y + 1 + below);
        if let Some(y) = y.filter(|y| *y < area.bottom()) {
            paint.line(area.x, y, 1, &[marker(paint.look, state.fleet.index() == Some(row))]);
        }
    }
}

fn head(state: &State, look: &Look, columns: &Columns) -> Line {
    let view = state.fleet.list().view();
    let at = match view.column {
        // What needs somebody is told by the state; as nobody has chosen it, it is marked when it is reversed.
        Column::Attention => view.reverse.then_some(0),
        Column::State => Some(0),
        Column::Name => Some(1),
        Column::Owner => Some(2),
        Column::Environment => Some(3),
        Column::Identities => Some(4),
        Column::Scopes => Some(5),
        Column::Findings => Some(6),
        Column::Last => Some(8),
    };
    let sign = look.glyphs.order(view.reverse);
    let heads = columns.all().into_iter().enumerate().map(|(index, column)| {
        let sign = if Some(index) == at { sign } else { "" };
        column.piece(look, Role::Heading, &format!("{}{sign}", column.title()))
    });
    heads.collect()
}

fn heading(look: &Look, group: &Group) -> Line {
    let name = if group.name.is_empty() { "none known".to_owned() } else { look.text(&group.name) };
    vec![piece(Role::Heading, format!("{} {name} ", look.glyphs.group())), piece(Role::Dim, group.count.to_string())]
}

fn row(look: &Look, columns: &Columns, state: &str, texts: [&str; 8], role: Role) -> Line {
    let texts = std::iter::once(state).chain(texts);
    columns.all().into_iter().zip(texts).map(|(column, text)| column.piece(look, role, text)).collect()
}

/// It alone says which is selected: a move then costs two marks on the wire and not two rows.
fn marker(look: &Look, selected: bool) -> Piece {
    if selected { piece(Role::Selected, look.glyphs.marker()) } else { piece(Role::Text, " ") }
}

fn entry_line(state: &State, look: &Look, columns: &Columns, entry: Entry<'_>, selected: bool) -> Line {
    let mark = match entry {
        Entry::Bot(view) if state.fleet.marked.contains(&view.bot.name) => look.glyphs.mark(),
        _ => " ",
    };
    let mut line = vec![marker(look, selected), piece(Role::Danger, mark)];
    line.extend(match entry {
        // The list may be of the snapshot before, where there are many.
        Entry::Bot(view) => bot_cells(state, look, columns, state.snapshot.bot(&view.bot.name).unwrap_or(view)),
        Entry::Other(identity) => other_cells(state, look, columns, identity),
    });
    line
}

fn bot_cells(state: &State, look: &Look, columns: &Columns, view: &BotView) -> Line {
    let status = look.state(state.state_of(view));
    let scopes = glance(view);
    let texts = [
        &*look.text(&view.bot.name.shown()),
        &*look.maybe(view.bot.owner.as_ref()),
        &*look.maybe(view.bot.environment.as_ref()),
        &view.bot.identities.len().to_string(),
        &scopes,
        &findings(look, view),
        &sparkline(look, view, state.now.wall, columns.activity.room()),
        &ago(state.now.wall, view.last_active_at),
    ];
    let mut cells = row(look, columns, &status.text, texts, Role::Text);
    cells[0].role = status.role;
    let level = view.readings.holdings().flat_map(|holding| &holding.scopes).map(|scope| scope.level).max();
    cells[5].role = match level {
        Some(Level::Admin) => Role::Bad,
        Some(Level::Export) => Role::Warn,
        _ => Role::Text,
    };
    cells[6].role = view.findings.worst().map_or(Role::Dim, Role::from);
    // Old reads are told by a word where scopes would stand: stale figures are not shown as if they were live.
    if view.error.is_some() || view.is_stale(state.now.wall) {
        let word = if view.readings.is_empty() { "unread" } else { "stale" };
        let text = if view.readings.is_empty() { word.to_owned() } else { format!("{word} {scopes}") };
        cells[5] = columns.scopes.piece(look, Role::Warn, &text);
    }
    cells
}

fn other_cells(state: &State, look: &Look, columns: &Columns, identity: &Identity) -> Line {
    let entry = Entry::Other(identity);
    let sign = look.glyphs.bot(entry.state());
    let texts = [
        &*look.text(identity.name.raw()),
        "no bot",
        &*look.maybe(entry.environment()),
        "1",
        "",
        "",
        "",
        &*ago(state.now.wall, identity.last_active_at),
    ];
    row(look, columns, &format!("{sign} {}", entry.state_word()), texts, Role::Dim)
}

/// How many findings, between the sign and the first letter of the worst; a question mark where nothing could be told.
fn findings(look: &Look, view: &BotView) -> String {
    match view.findings.worst() {
        Some(worst) => {
            let letter = worst.word()[..1].to_uppercase();
            format!("{}{}{letter}", look.glyphs.severity(worst), view.findings.len())
        }
        None if view.findings.checked() == 0 => "?".to_owned(),
        None => "0".to_owned(),
    }
}

/// What it can do at worst, and whether it can make new credentials.
fn glance(view: &BotView) -> String {
    let scopes = || view.readings.holdings().flat_map(|holding| &holding.scopes);
    let mint = scopes().any(|scope| scope.mint);
    match scopes().map(|scope| scope.level).max() {
        None if view.readings.is_empty() => "unread".to_owned(),
        None => "none".to_owned(),
        Some(level) if mint => format!("{} mint", level.word()),
        Some(level) => level.word().to_owned(),
    }
}

/// The last hour, oldest first: how much was done in each part of it. One step up is twice as much, the same for every
/// bot, so that rows can be compared.
fn sparkline(look: &Look, view: &BotView, now: Timestamp, parts: usize) -> String {
    let mut counts = vec![0u32; parts];
    let all = view.readings.iter().flat_map(|reading| &reading.activity);
    for at in all.map(|activity| now.duration_since(activity.at)) {
        // A provider's clock may be ahead of ours: that was just now.
        let millis = at.as_millis().max(0);
        let part = usize::try_from(millis).unwrap_or(usize::MAX).saturating_mul(parts)
            / usize::try_from(HOUR.as_millis()).unwrap_or(usize::MAX);
        if let Some(count) = parts.checked_sub(part + 1).and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts.into_iter().map(|count| look.glyphs.bar_of(count.checked_ilog2().map_or(0, |log| log + 1))).collect()
}

//! The fleet: every bot on a line, the plan of the selected one always beside the key.
//!
//! ```text
//! 80x24: list │ plan           Enter: detail │ plan        120x40: list │ plan
//!        ─────┘                       ───────┘                          │ detail
//! ```

use ratatui::layout::Rect;

use super::{detail, is_wide, plan};
use crate::{
    domain::{BotName, BotState, Identity, IdentityState, Level},
    engine::BotView,
    tui::{
        action::Action,
        fleet::{Fleet, Row},
        paint::{Line, Paint, ago, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// Columns of a state: sign, blank, the longest word of a calm day.
const STATE: usize = 11;
/// Columns of `contradicted`, where a bot is that.
const CONTRADICTED: usize = 14;
/// Least and most columns that names are given while other columns want room.
const NAMES: (usize, usize) = (17, 31);
/// Columns of an environment.
const ENVIRONMENT: usize = 11;
/// Columns of an owner.
const OWNER: usize = 11;
/// Columns of the number of identities.
const IDENTITIES: usize = 4;
/// Columns of `export mint`.
const SCOPES: usize = 12;
/// Columns of a time ago.
const LAST: usize = 5;
/// Columns that the plan's counts need, and with them the detail beside the list.
const DETAIL: u16 = 51;

/// Draws it; the bot that `X` may be pressed at, where name and counts are on the screen in full.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) -> Option<BotName> {
    if is_wide(state) {
        let edge = list_area(state, body).right();
        let bar = paint.look.glyphs.bar();
        for y in body.y..body.bottom() {
            paint.line(edge, y, 1, &[piece(Role::Border, bar)]);
        }
    }
    if is_wide(state) || !state.fleet.detail {
        list(state, paint, list_area(state, body));
    }
    if is_wide(state) || state.fleet.detail {
        detail::draw(state, paint, detail_area(state, body));
    }
    let view = state.bot()?;
    let full = plan::draw(state, view, paint, plan_area(state, body));
    full.then(|| view.bot.name.clone())
}

/// Where the list is.
pub fn list_area(state: &State, body: Rect) -> Rect {
    if is_wide(state) {
        let most = body.width.saturating_sub(DETAIL + 1);
        let width = Columns::wanted(&state.fleet, most).max(body.width * 9 / 20).min(most);
        return Rect { width, ..body };
    }
    Rect { height: body.height.saturating_sub(plan::HEIGHT.min(body.height / 2)), ..body }
}

/// Where the detail is.
pub fn detail_area(state: &State, body: Rect) -> Rect {
    let list = list_area(state, body);
    if !is_wide(state) {
        return list;
    }
    let x = list.right() + 1;
    Rect { x, y: body.y + plan::HEIGHT, width: body.right() - x, height: body.height.saturating_sub(plan::HEIGHT) }
}

fn plan_area(state: &State, body: Rect) -> Rect {
    let list = list_area(state, body);
    if !is_wide(state) {
        return Rect { y: list.bottom(), height: body.height - list.height, ..body };
    }
    let x = list.right() + 1;
    Rect { x, width: body.right() - x, height: plan::HEIGHT.min(body.height), ..body }
}

/// The columns that a width has room for; the name takes what is left.
struct Columns {
    state: usize,
    name: usize,
    owner: usize,
    environment: usize,
    identities: usize,
}

impl Columns {
    /// Of a list. A name is worth more than what the detail tells too.
    fn of(width: usize, fleet: &Fleet) -> Self {
        let state = if fleet.is_contradicted { CONTRADICTED } else { STATE };
        let names = (fleet.name_width + 1).clamp(NAMES.0, NAMES.1);
        let mut left = width.saturating_sub(Self::fixed(fleet));
        let mut take = |wanted: usize| {
            let has_room = left >= names + wanted;
            left -= if has_room { wanted } else { 0 };
            if has_room { wanted } else { 0 }
        };
        let environment = take(ENVIRONMENT);
        let owner = take(OWNER);
        let identities = take(IDENTITIES);
        Self { state, name: left, owner, environment, identities }
    }

    /// Marker, state, scopes, last activity, each with its gap.
    fn fixed(fleet: &Fleet) -> usize {
        2 + if fleet.is_contradicted { CONTRADICTED } else { STATE } + 1 + SCOPES + LAST + 1
    }

    /// The width of a list with as many columns as `most` has room for, and whole names.
    fn wanted(fleet: &Fleet, most: u16) -> u16 {
        let names = (fleet.name_width + 1).clamp(NAMES.0, NAMES.1);
        let least = Self::fixed(fleet) + names;
        let columns = [ENVIRONMENT + OWNER + IDENTITIES, ENVIRONMENT + OWNER, ENVIRONMENT, 0];
        let mut widths = columns.into_iter().map(|more| u16::try_from(least + more).unwrap_or(u16::MAX));
        widths.find(|width| *width <= most).unwrap_or(most)
    }
}

fn list(state: &State, paint: &mut Paint<'_>, area: Rect) {
    let look = paint.look;
    let columns = Columns::of(usize::from(area.width), &state.fleet);
    let head = row(look, &columns, "STATE", ["BOT", "OWNER", "ENV", "IDS", "SCOPES", "LAST"], Role::Heading);
    let mut line = vec![piece(Role::Text, "  ")];
    line.extend(head);
    paint.line(area.x, area.y, area.width, &line);
    let rows = usize::from(area.height).saturating_sub(1);
    let shown = state.fleet.rows.iter().skip(state.fleet.offset).take(rows);
    for (y, entry) in (area.y + 1..area.bottom()).zip(shown) {
        let selected = state.fleet.selected.as_ref() == Some(entry);
        let line = entry_line(state, look, &columns, entry, selected);
        paint.line(area.x, y, area.width, &line);
    }
    if state.fleet.rows.is_empty() {
        let text = match (state.loaded, state.fleet.filter.value().is_empty()) {
            (false, _) => "Reading the fleet. Keys work already.".to_owned(),
            (true, false) => format!("Nothing matches the filter. {} clears it.", state.key(Action::Back)),
            (true, true) => {
                let all = state.key(Action::ShowAll);
                format!("No bot is selected by the configuration. {all} shows every non-human identity.")
            }
        };
        paint.line(area.x + 2, area.y + 2, area.width.saturating_sub(2), &[piece(Role::Dim, text)]);
    }
}

fn row(look: &Look, columns: &Columns, state: &str, texts: [&str; 6], role: Role) -> Line {
    let [name, owner, environment, identities, scopes, last] = texts;
    let cell = |text: &str, width: usize| {
        if width == 0 { String::new() } else { format!("{} ", look.cell(text, width - 1)) }
    };
    let named = |text: &str, width: usize| {
        if width == 0 { String::new() } else { format!("{} ", look.cell_middle(text, width - 1)) }
    };
    vec![
        piece(role, cell(state, columns.state + 1)),
        piece(role, named(name, columns.name)),
        piece(role, named(owner, columns.owner)),
        piece(role, cell(environment, columns.environment)),
        piece(role, cell(identities, columns.identities)),
        piece(role, cell(scopes, SCOPES)),
        piece(role, format!("{last:>LAST$}")),
    ]
}

fn entry_line(state: &State, look: &Look, columns: &Columns, entry: &Row, selected: bool) -> Line {
    // The marker alone says which: a move then costs two marks on the wire and not two rows.
    let (role, marker) = if selected { (Role::Selected, look.glyphs.marker()) } else { (Role::Text, " ") };
    let mut line = vec![piece(role, marker), piece(Role::Text, " ")];
    let cells = match entry {
        Row::Bot(name) => state.snapshot.bot(name).map(|view| bot_cells(state, look, columns, view)),
        Row::Other(id) => state
            .snapshot
            .others
            .iter()
            .find(|identity| identity.id == *id)
            .map(|identity| other_cells(state, look, columns, identity)),
    };
    line.extend(cells.unwrap_or_default());
    line
}

fn bot_cells(state: &State, look: &Look, columns: &Columns, view: &BotView) -> Line {
    let status = look.state(state.state_of(view));
    let scopes = glance(view);
    let last = ago(state.now.wall, view.last_active_at);
    let texts = [
        &*look.text(&view.bot.name.shown()),
        &*look.maybe(view.bot.owner.as_ref()),
        &*look.maybe(view.bot.environment.as_ref()),
        &view.bot.identities.len().to_string(),
        &scopes,
        &last,
    ];
    let mut cells = row(look, columns, &status.text, texts, Role::Text);
    cells[0].role = status.role;
    let level = view.readings.holdings().flat_map(|holding| &holding.scopes).map(|scope| scope.level).max();
    cells[5].role = match level {
        Some(Level::Admin) => Role::Bad,
        Some(Level::Export) => Role::Warn,
        _ => Role::Text,
    };
    // Old reads are told by a word where scopes would stand: stale figures are not shown as if they were live.
    if view.error.is_some() || view.is_stale(state.now.wall) {
        let word = if view.readings.is_empty() { "unread" } else { "stale" };
        let text = if view.readings.is_empty() { word.to_owned() } else { format!("{word} {scopes}") };
        cells[5] = piece(Role::Warn, format!("{} ", look.cell(&text, SCOPES - 1)));
    }
    cells
}

fn other_cells(state: &State, look: &Look, columns: &Columns, identity: &Identity) -> Line {
    let status = match identity.state {
        IdentityState::Live => BotState::Live,
        IdentityState::Gated | IdentityState::Gone => BotState::Dark,
        IdentityState::Unknown => BotState::Unknown,
    };
    let sign = look.glyphs.bot(status);
    let word = match identity.state {
        IdentityState::Live => "live",
        IdentityState::Gated => "gated",
        IdentityState::Gone => "gone",
        IdentityState::Unknown => "unknown",
    };
    let texts =
        [&*look.text(identity.name.raw()), "no bot", "-", "1", "", &*ago(state.now.wall, identity.last_active_at)];
    row(look, columns, &format!("{sign} {word}"), texts, Role::Dim)
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

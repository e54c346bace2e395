//! What a bot holds, as a tree: identities, in them lanes, in them holdings, under them scopes.

use jiff::Timestamp;

use super::Page;
use crate::{
    domain::{BotState, Holding, HoldingState, Identity, Lane, Level, Reading, Scope, Shared},
    engine::BotView,
    tui::{
        paint::{self, Line, ago, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// Columns before the name of a holding.
const INDENT: usize = 14;
/// Columns before what belongs to a holding.
const UNDER: usize = 7;

/// All identities, those that it made included.
pub fn add(state: &State, view: &BotView, page: &mut Page<'_>) {
    for identity in &view.identities {
        one(state, view, identity, page);
    }
    let read = view.readings.iter().map(|reading| &reading.identity);
    let listed = |child: &Identity| view.identities.iter().any(|identity| identity.id == child.id);
    for child in read.filter(|identity| !listed(identity)) {
        one(state, view, child, page);
    }
}

fn one(state: &State, view: &BotView, identity: &Identity, page: &mut Page<'_>) {
    let look = page.look;
    let reading = view.readings.get(&identity.id);
    let read = match reading {
        None => "not read".to_owned(),
        Some(reading) => format!("read {} ago", ago(state.now.wall, Some(reading.read_at))),
    };
    page.heading("IDENTITY", &format!("{} at {}", look.text(identity.name.raw()), identity.id.provider()));
    let mut line = vec![piece(Role::Dim, format!("   {}   {read}", identity.kind.word()))];
    if let Some(made) = reading.map(|reading| reading.gaps.len()).filter(|missing| *missing > 0) {
        line.push(piece(Role::Warn, format!("   {made} not readable")));
    }
    page.lines.push(line);
    if let Some(parent) = &identity.child_of {
        page.wrapped(3, Role::Warn, &format!("made by {parent}"));
    }
    let Some(reading) = reading else { return };
    for gap in &reading.gaps {
        let permission = gap.permission.as_ref().map(|name| format!(" (missing permission: {name})"));
        page.hanging(3, 5, Role::Warn, &format!("! {}{}", gap.what, permission.unwrap_or_default()));
    }
    if reading.holdings.is_empty() {
        page.wrapped(3, Role::Dim, "holds nothing");
    }
    let mut told: Vec<&Holding> = Vec::new();
    for lane in Lane::ALL {
        lane_of(state, view, reading, lane, &mut told, page);
    }
}

fn lane_of<'a>(
    state: &State,
    view: &BotView,
    reading: &'a Reading,
    lane: Lane,
    told: &mut Vec<&'a Holding>,
    page: &mut Page<'_>,
) {
    let look = page.look;
    let holdings: Vec<&Holding> = reading.holdings.iter().filter(|holding| holding.lane == lane).collect();
    if holdings.is_empty() {
        return;
    }
    let live = holdings.iter().filter(|holding| holding.state == HoldingState::Live).count();
    let title = lane.word().to_uppercase();
    let mut header = vec![
        piece(Role::Heading, format!("   {title}  ")),
        piece(Role::Dim, format!("{}, {live} live", holdings.len())),
    ];
    let labels = format!(" {} {} {}", look.cell("LEVEL", 6), look.cell("USED", 5), look.cell("ENDS", 8));
    let gap = page.width.saturating_sub(paint::width(&header) + labels.len());
    header.push(piece(Role::Dim, format!("{}{labels}", " ".repeat(gap))));
    page.lines.push(header);
    for holding in holdings {
        holding_lines(state, holding, page);
        for shared in view.shared.iter().filter(|shared| shared.holding == holding.id) {
            page.hanging(UNDER, UNDER + 2, Role::Warn, &format!("opens too: {}", user(shared)));
        }
        scopes(holding, told, page);
    }
}

/// Another user of a shared credential.
fn user(shared: &Shared) -> String {
    let environment = shared.environment.as_ref().map(|text| format!(", {}", text.shown()));
    format!("{} ({}{})", shared.whom(), shared.identity, environment.unwrap_or_default())
}

fn holding_lines(state: &State, holding: &Holding, page: &mut Page<'_>) {
    let (look, width) = (page.look, page.width);
    let now = state.now.wall;
    let (role, status) = match holding.state {
        HoldingState::Live => (Role::Live, BotState::Live),
        HoldingState::Gated => (Role::DarkAt, BotState::DarkAt(now)),
        HoldingState::Gone => (Role::Dark, BotState::Dark),
        HoldingState::Unlisted => (Role::Unknown, BotState::Unknown),
    };
    let level = holding.scopes.iter().map(|scope| scope.level).max().map_or("-", Level::word);
    let used = holding.last_used_at.map_or_else(|| "-".to_owned(), |at| ago(now, Some(at)));
    // No end that is told is not the same as none.
    let over = holding.expires_at.map_or_else(|| "-".to_owned(), |at| ends(now, at));
    let tail = format!(" {} {} {}", look.cell(level, 6), look.cell(&used, 5), look.cell(&over, 8));
    let mark = if holding.leaked { "LEAKED: " } else { "" };
    let name = format!("{mark}{}", look.text(holding.name.raw()));
    let name = match &holding.on_behalf_of {
        Some(person) if !name.contains(&look.text(person.raw())) => format!("{name} for {}", look.text(person.raw())),
        _ => name,
    };
    let room = width.saturating_sub(INDENT + tail.chars().count());
    let (name, rest) = split(look, &name, room);
    let status = format!("{} {}", look.glyphs.bot(status), holding.state.word());
    page.lines.push(vec![
        piece(role, format!("   {} ", look.cell(&status, 10))),
        piece(Role::Text, look.cell(&name, room)),
        piece(Role::Dim, tail),
    ]);
    // A name that was cut could be another's: the rest of it goes below.
    if !rest.is_empty() {
        let rest = look.wrap(&rest, width.saturating_sub(INDENT)).into_iter();
        page.lines.extend(rest.map(|text| vec![piece(Role::Text, format!("{}{text}", " ".repeat(INDENT)))]));
    }
}

/// What it allows, the worst first. What an earlier holding of the identity allows too is not told twice.
fn scopes<'a>(holding: &'a Holding, told: &mut Vec<&'a Holding>, page: &mut Page<'_>) {
    if holding.scopes.is_empty() {
        return;
    }
    if let Some(same) = told.iter().find(|other| other.scopes == holding.scopes) {
        let count = holding.scopes.len();
        let count = if count == 1 { "1 scope".to_owned() } else { format!("{count} scopes") };
        let mut lead = vec![piece(Role::Text, " ".repeat(UNDER))];
        lead.extend(marks(page.look, &holding.scopes));
        let text = page.look.text(&format!("{count} as of {}", same.name.shown()));
        hang(lead, Role::Dim, &text, page);
        return;
    }
    told.push(holding);
    let mut scopes: Vec<&Scope> = holding.scopes.iter().collect();
    scopes.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.cmp(b)));
    scopes.dedup();
    let last = scopes.len();
    for (index, scope) in scopes.into_iter().enumerate() {
        scope_line(scope, index + 1 == last, page);
    }
}

fn scope_line(scope: &Scope, last: bool, page: &mut Page<'_>) {
    let look = page.look;
    let role = match scope.level {
        Level::Admin => Role::Bad,
        Level::Export => Role::Warn,
        Level::Read | Level::Write => Role::Text,
    };
    let branch = format!("{}{} ", " ".repeat(UNDER - 2), look.glyphs.branch(last));
    let via = scope.via.as_ref().map(|via| format!("  via {}", via.shown())).unwrap_or_default();
    let text = look.text(&format!("{} on {}{via}", scope.verb.shown(), scope.resource.shown()));
    let mut lead = vec![piece(Role::Border, branch), piece(role, format!("{} ", look.cell(scope.level.word(), 6)))];
    lead.extend(marks(look, std::slice::from_ref(scope)));
    hang(lead, Role::Text, &text, page);
}

/// A text behind what leads to it, on as many lines as it takes.
fn hang(mut lead: Line, role: Role, text: &str, page: &mut Page<'_>) {
    let indent = paint::width(&lead);
    let mut wrapped = page.look.wrap(text, page.width.saturating_sub(indent + 1)).into_iter();
    lead.push(piece(role, wrapped.next().unwrap_or_default()));
    page.lines.push(lead);
    page.lines.extend(wrapped.map(|text| vec![piece(role, format!("{}{text}", " ".repeat(indent)))]));
}

/// Sign and word for what can make credentials, and for what takes things out in bulk.
fn marks(look: &Look, scopes: &[Scope]) -> Line {
    let mut line = Line::new();
    if scopes.iter().any(|scope| scope.mint) {
        line.push(piece(Role::Bad, format!("{} mint ", look.glyphs.mint())));
    }
    if scopes.iter().any(|scope| scope.level == Level::Export) {
        line.push(piece(Role::Warn, format!("{} bulk ", look.glyphs.bulk())));
    }
    line
}

/// As many whole words as there is room for, and the rest; at least a part of the first.
fn split(look: &Look, text: &str, room: usize) -> (String, String) {
    if paint::columns(text) <= room {
        return (text.to_owned(), String::new());
    }
    let ends = text.match_indices(' ').map(|(at, _)| at).take_while(|at| paint::columns(&text[..*at]) <= room);
    match ends.last() {
        Some(end) => (text[..end].to_owned(), text[end + 1..].to_owned()),
        None => {
            let first = look.wrap(text, room).into_iter().next().unwrap_or_default();
            let rest = text[first.len()..].to_owned();
            (first, rest)
        }
    }
}

/// When something ends by itself.
fn ends(now: Timestamp, at: Timestamp) -> String {
    if at <= now { "ended".to_owned() } else { format!("in {}", ago(at, Some(now))) }
}

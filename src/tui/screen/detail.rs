//! One bot in full: identities, holdings by lane, scopes, what it did and for whom.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::{
    domain::{Activity, BotState, Holding, HoldingState, Identity, Lane, Scope},
    engine::BotView,
    tui::{
        paint::{self, Line, Paint, ago, clock, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// Newest things it did that are shown.
const MAX_ACTIVITY: usize = 12;

/// Columns before the name of a holding.
const INDENT: usize = 14;

/// Draws it, from its offset on.
pub fn draw(state: &State, paint: &mut Paint<'_>, area: Rect) {
    let lines = lines(state, usize::from(area.width));
    let offset = state.fleet.detail_offset;
    paint.lines(area, &lines, offset);
}

/// All of it.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let look = &state.look;
    let mut lines = Vec::new();
    if let Some(view) = state.bot() {
        head(state, view, width, &mut lines);
        for identity in &view.identities {
            identity_line(state, view, identity, &mut lines);
        }
        for lane in Lane::ALL {
            lane_lines(state, view, lane, width, &mut lines);
        }
        scope_lines(look, view, &mut lines);
        activity_lines(state, view, &mut lines);
        plan_lines(look, view, width, &mut lines);
    } else if let Some(identity) = state.other() {
        heading(&mut lines, "IDENTITY", &look.text(identity.name.raw()));
        lines.push(vec![piece(Role::Text, format!("   {}", look.text(&identity.id.to_string())))]);
        lines.push(vec![piece(Role::Dim, format!("   {}", identity.kind.word()))]);
        lines.push(vec![piece(Role::Dim, "   No bot has it: give it a [[bot]] entry to isolate it.")]);
    }
    lines
}

fn heading(lines: &mut Vec<Line>, title: &str, rest: &str) {
    lines.push(vec![piece(Role::Heading, format!(" {title}  ")), piece(Role::Dim, rest)]);
}

fn head(state: &State, view: &BotView, width: usize, lines: &mut Vec<Line>) {
    let look = &state.look;
    let bot = &view.bot;
    let mut line = vec![piece(Role::Text, " "), look.state(state.state_of(view))];
    if let BotState::DarkAt(at) = view.state {
        line.push(piece(Role::DarkAt, format!(" {}", clock(state.now.wall, at))));
    }
    line.push(piece(Role::Title, format!("  {}", look.text(&bot.name.shown()))));
    if bot.protected {
        line.push(piece(Role::Warn, "  protected"));
    }
    lines.push(line);
    for (label, value) in [("owner", &bot.owner), ("contact", &bot.contact), ("environment", &bot.environment)] {
        let label = look.cell(label, 13);
        lines.push(vec![piece(Role::Dim, format!("   {label}")), piece(Role::Text, look.maybe(value.as_ref()))]);
    }
    if let Some(error) = &view.error {
        for text in look.wrap(&look.text(error), width.saturating_sub(4)) {
            lines.push(vec![piece(Role::Bad, format!("   {text}"))]);
        }
    }
}

fn identity_line(state: &State, view: &BotView, identity: &Identity, lines: &mut Vec<Line>) {
    let look = &state.look;
    let reading = view.readings.get(&identity.id);
    let read = match reading {
        None => "not read".to_owned(),
        Some(reading) => format!("read {} ago", ago(state.now.wall, Some(reading.read_at))),
    };
    heading(lines, "IDENTITY", &format!("{} at {}", look.text(identity.name.raw()), identity.id.provider()));
    let missing = reading.map_or(0, |reading| reading.gaps.len());
    let mut line = vec![piece(Role::Dim, format!("   {}   {read}", identity.kind.word()))];
    if missing > 0 {
        line.push(piece(Role::Warn, format!("   {missing} not readable")));
    }
    lines.push(line);
    for gap in reading.map(|reading| &reading.gaps[..]).unwrap_or_default() {
        let permission = gap.permission.as_ref().map(|name| format!(" (missing permission: {name})"));
        let text = format!("   ! {}{}", look.text(&gap.what), look.text(&permission.unwrap_or_default()));
        lines.push(vec![piece(Role::Warn, text)]);
    }
}

fn lane_lines(state: &State, view: &BotView, lane: Lane, width: usize, lines: &mut Vec<Line>) {
    let look = &state.look;
    let holdings: Vec<&Holding> = view.readings.holdings().filter(|holding| holding.lane == lane).collect();
    if lane == Lane::Identity && holdings.is_empty() {
        return;
    }
    let live = holdings.iter().filter(|holding| holding.state == HoldingState::Live).count();
    let count = if holdings.is_empty() { "none".to_owned() } else { format!("{}, {live} live", holdings.len()) };
    heading(lines, &lane.word().to_uppercase(), &count);
    if let (false, Some(line)) = (holdings.is_empty(), lines.last_mut()) {
        let labels = format!(" {} {} {}", look.cell("LEVEL", 6), look.cell("USED", 5), look.cell("ENDS", 8));
        let gap = width.saturating_sub(paint::width(line) + labels.len());
        line.push(piece(Role::Dim, format!("{}{labels}", " ".repeat(gap))));
    }
    for holding in holdings {
        holding_lines(state, holding, width, lines);
    }
}

fn holding_lines(state: &State, holding: &Holding, width: usize, lines: &mut Vec<Line>) {
    let look = &state.look;
    let now = state.now.wall;
    let (role, status) = match holding.state {
        HoldingState::Live => (Role::Live, BotState::Live),
        HoldingState::Gated => (Role::DarkAt, BotState::DarkAt(now)),
        HoldingState::Gone => (Role::Dark, BotState::Dark),
        HoldingState::Unlisted => (Role::Unknown, BotState::Unknown),
    };
    let level = holding.scopes.iter().map(|scope| scope.level).max().map_or("-", crate::domain::Level::word);
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
    lines.push(vec![
        piece(role, format!("   {} ", look.cell(&status, 10))),
        piece(Role::Text, look.cell(&name, room)),
        piece(Role::Dim, tail),
    ]);
    // A name that was cut could be another's: the rest of it goes below.
    if !rest.is_empty() {
        let rest = look.wrap(&rest, width.saturating_sub(INDENT)).into_iter();
        lines.extend(rest.map(|text| vec![piece(Role::Text, format!("{}{text}", " ".repeat(INDENT)))]));
    }
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

fn scope_lines(look: &Look, view: &BotView, lines: &mut Vec<Line>) {
    let mut scopes: Vec<&Scope> = view.readings.holdings().flat_map(|holding| &holding.scopes).collect();
    scopes.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.cmp(b)));
    scopes.dedup_by(|a, b| a.resource == b.resource && a.verb == b.verb);
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in &scopes {
        *levels.entry(scope.level.word()).or_default() += 1;
    }
    let summary = levels.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
    heading(lines, "SCOPES", if summary.is_empty() { "none" } else { &summary });
    for scope in scopes {
        let role = match scope.level {
            crate::domain::Level::Admin => Role::Bad,
            crate::domain::Level::Export => Role::Warn,
            _ => Role::Text,
        };
        let via = scope.via.as_ref().map(|via| format!("  via {}", look.text(via.raw())));
        let mint = if scope.mint { "  can mint" } else { "" };
        lines.push(vec![
            piece(role, format!("   {} ", look.cell(scope.level.word(), 6))),
            piece(Role::Text, format!("{} on {}", look.text(scope.verb.raw()), look.text(scope.resource.raw()))),
            piece(Role::Warn, mint),
            piece(Role::Dim, via.unwrap_or_default()),
        ]);
    }
}

fn activity_lines(state: &State, view: &BotView, lines: &mut Vec<Line>) {
    let look = &state.look;
    let mut activity: Vec<&Activity> = view.readings.iter().flat_map(|reading| &reading.activity).collect();
    activity.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let known = match (activity.is_empty(), view.last_active_at) {
        (true, None) => "nothing known",
        (true, Some(_)) => "no entries",
        (false, _) => "newest first",
    };
    heading(lines, "ACTIVITY", known);
    for entry in activity.into_iter().take(MAX_ACTIVITY) {
        let role = if entry.succeeded() { Role::Text } else { Role::Warn };
        let mut text = format!("{} {}", clock(state.now.wall, entry.at), look.text(entry.action.raw()));
        for (word, value) in
            [("on", &entry.resource), ("for", &entry.on_behalf_of), ("session", &entry.session), ("from", &entry.from)]
        {
            if let Some(value) = value {
                text = format!("{text} {word} {}", look.text(value.raw()));
            }
        }
        if !entry.succeeded() {
            text = format!("{text}: {}", look.text(entry.outcome.raw()));
        }
        lines.push(vec![piece(role, format!("   {text}"))]);
    }
}

/// What the plan's pane had to cut short, in full.
fn plan_lines(look: &Look, view: &BotView, width: usize, lines: &mut Vec<Line>) {
    let plan = &view.plan;
    let mut list = |title: &str, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        heading(lines, title, &items.len().to_string());
        for item in items {
            for (index, text) in look.wrap(&item, width.saturating_sub(6)).into_iter().enumerate() {
                let indent = if index == 0 { "   " } else { "     " };
                lines.push(vec![piece(Role::Text, format!("{indent}{text}"))]);
            }
        }
    };
    let step = |step: &crate::domain::Step| format!("{} {}", step.action.word(), look.text(step.target.raw()));
    list("X HAS NO WAY BACK FROM", plan.irreversible().map(step).collect());
    let hits = plan.collateral.iter().map(|other| format!("{}: {}", look.text(&other.bot), look.text(&other.why)));
    list("X HITS TOO", hits.collect());
    let exposes = plan.exposure.iter().map(|other| {
        format!("{}: {}", look.text(other.bot.as_ref().unwrap_or(&other.name).raw()), look.text(&other.why))
    });
    list("IT EXPOSES", exposes.collect());
    let outlives =
        plan.residual.iter().map(|residual| format!("{} ({})", look.text(&residual.what), look.text(&residual.source)));
    list("OUTLIVES IT", outlives.collect());
    let by_hand = plan.steps.iter().filter_map(|step| step.instruction()).map(|manual| look.text(manual));
    list("BY HAND", by_hand.collect());
    list("MISSING PERMISSIONS", plan.missing_permissions().into_iter().map(|name| look.text(name)).collect());
}

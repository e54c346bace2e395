//! What surrounds every screen: title, status, footer, the frame of an exercise, and the smallest window.

use ratatui::layout::Rect;

use super::{Drawn, inside};
use crate::tui::{
    action::{Action, Context},
    detail::TERMS,
    paint::{Line, Paint, ago, clock, piece, width},
    state::{Form, State},
    strike::Shown,
    theme::Role,
    update::disabled,
};

/// Title, footer and, in an exercise, the frame.
pub fn around(state: &State, paint: &mut Paint<'_>) {
    if let Some(name) = &state.snapshot.exercise {
        exercise(state, paint, name);
    }
    let area = inside(state);
    title(state, paint, area);
    for (y, banner) in (area.y + 1..).zip(banners(state)) {
        paint.line(area.x, y, area.width, &banner);
    }
    footer(state, paint, Rect { y: area.bottom() - 1, height: 1, ..area });
}

/// The frame that nobody can miss: a border all around, the word at top and bottom of every screen.
fn exercise(state: &State, paint: &mut Paint<'_>, name: &str) {
    let whole = Rect::new(0, 0, state.size.width, state.size.height);
    let look = paint.look;
    let edge = look.glyphs.thick_rule();
    let banner = |text: &str| {
        let columns = usize::from(whole.width);
        let text = look.fit(text, columns.saturating_sub(4));
        let line = [piece(Role::Exercise, text)];
        let before = (columns - width(&line)) / 2;
        let after = columns - width(&line) - before;
        vec![piece(Role::Exercise, edge.repeat(before)), line[0].clone(), piece(Role::Exercise, edge.repeat(after))]
    };
    let top = banner(&format!(" EXERCISE {} {} ", look.glyphs.dot(), look.text(name)));
    let bottom = banner(" EXERCISE: simulated providers. Connect real ones: estop init ");
    for y in 1..whole.height - 1 {
        for x in [0, whole.width - 1] {
            paint.line(x, y, 1, &[piece(Role::Exercise, edge)]);
        }
    }
    paint.line(0, 0, whole.width, &top);
    paint.line(0, whole.height - 1, whole.width, &bottom);
}

/// What must be seen before anything else, one line each: what came alive after dark, and a record that is not whole.
pub fn banners(state: &State) -> Vec<Line> {
    let look = &state.look;
    let mut banners = Vec::new();
    if let Some(alarm) = state.alarms.last() {
        let name = look.text(&alarm.bot.shown());
        let what = alarm.what.last().map(|what| look.text(what)).unwrap_or_default();
        let more = match (state.alarms.len() - 1, alarm.what.len().saturating_sub(1)) {
            (0, 0) => String::new(),
            (0, more) => format!(" and {more} more"),
            (bots, _) => format!(" and {bots} more bots"),
        };
        let sign = look.state(crate::domain::BotState::Contradicted);
        let text = format!(
            " {} {name}: alive after dark{more}: {} strikes again: {what}",
            sign.text,
            state.key(Action::Retry)
        );
        banners.push(vec![piece(Role::Contradicted, text)]);
    }
    if state.in_memory {
        let text = " THIS RECORD IS KEPT IN MEMORY ONLY: it ends with this process";
        banners.push(vec![piece(Role::Bad, text)]);
    }
    banners
}

fn title(state: &State, paint: &mut Paint<'_>, area: Rect) {
    // A restore has the same screen, and must never look like an isolation.
    let shown = state.operation().filter(|_| state.screen == Context::Isolation);
    let title = match shown.and_then(|operation| operation.restores.as_ref()) {
        Some(_) => Context::Restore.title(),
        None => state.screen.title(),
    };
    let mut left = vec![piece(Role::Title, format!(" estop  {title}")), figures(state)];
    if state.screen == Context::Fleet && !state.fleet.marked.is_empty() {
        let text = format!("  {}{} marked", state.look.glyphs.mark(), state.fleet.marked.len());
        left.push(piece(Role::Danger, text));
    }
    let room = usize::from(area.width).saturating_sub(width(&left) + 2);
    let right = fitting(badges(state), room);
    let gap = usize::from(area.width).saturating_sub(width(&left) + width(&right) + 1);
    let mut line = left;
    line.push(piece(Role::Text, " ".repeat(gap)));
    line.extend(right);
    paint.line(area.x, area.y, area.width, &line);
}

fn figures(state: &State) -> crate::tui::paint::Piece {
    let text = match state.screen {
        Context::Fleet if !state.loaded => "  reading the fleet".to_owned(),
        Context::Fleet => {
            let (shown, all) = (state.fleet.list().len(), state.fleet.list().all());
            let word = if all > state.snapshot.bots.len() { "identities" } else { "bots" };
            let age = age(state).map(|age| format!(", as read {age} ago")).unwrap_or_default();
            if shown == all { format!("  {shown} {word}{age}") } else { format!("  {shown} of {all} {word}{age}") }
        }
        Context::Isolation => {
            let at = state.shown_operations().position(|operation| Some(operation.op) == state.operation);
            at.map(|at| format!("  {} of {}", at + 1, state.shown_operations().count())).unwrap_or_default()
        }
        Context::Journal => match (&state.archive, state.journal.follow) {
            (Some(archive), _) if archive.left_out > 0 => {
                format!("  record, {} older lines left out", archive.left_out)
            }
            (Some(_), _) => format!("  record: {} goes back", state.key(Action::Journal)),
            (None, true) => "  following".to_owned(),
            (None, false) => format!("  scrolled: {} follows", state.key(Action::Bottom)),
        },
        Context::Incidents => match (&state.incidents.error, state.incidents.reading) {
            (Some(_), _) => "  cannot be read now".to_owned(),
            (None, true) => "  reading".to_owned(),
            (None, false) => format!("  {}", state.incidents.rows.len()),
        },
        Context::Secret | Context::Restore | Context::Help => String::new(),
    };
    piece(Role::Dim, text)
}

/// How old the oldest part of the fleet is that a provider has not answered for just now: of an earlier console, or from
/// before it was lost.
fn age(state: &State) -> Option<String> {
    let old = state.snapshot.providers.iter().filter(|provider| !provider.reachable);
    let oldest = old.filter_map(|provider| provider.read_at).min()?;
    Some(ago(state.now.wall, Some(oldest)))
}

/// One badge a provider, and READ-ONLY: a dead provider costs a badge, never a wait. Troubled ones come first, so that
/// they are the last to be cut off.
fn badges(state: &State) -> Vec<Line> {
    let mut badges = Vec::new();
    if state.read_only {
        badges.push(vec![piece(Role::Warn, "READ-ONLY")]);
    }
    let mut providers: Vec<_> = state.snapshot.providers.iter().collect();
    providers.sort_by_key(|provider| (provider.reachable && provider.complete, !provider.reachable));
    for provider in providers {
        let glyphs = state.look.glyphs;
        let (role, sign, word) = match (provider.reachable, provider.complete) {
            (true, true) => (Role::Good, glyphs.bot(crate::domain::BotState::Live), "ok"),
            (true, false) => (Role::Warn, glyphs.bot(crate::domain::BotState::Partial), "incomplete"),
            // Nothing has come of it yet in this console, whatever an earlier one has read.
            (false, _) if provider.error.is_none() => (Role::Dim, glyphs.dot(), "asking"),
            (false, _) => (Role::Bad, glyphs.bot(crate::domain::BotState::Contradicted), "unreachable"),
        };
        let name = state.look.text(provider.name.as_str());
        badges.push(vec![piece(Role::Text, format!("{name} ")), piece(role, format!("{sign} {word}"))]);
    }
    badges
}

/// As many badges as there is room for, and how many are missing.
fn fitting(badges: Vec<Line>, room: usize) -> Line {
    let mut line: Line = Vec::new();
    let count = badges.len();
    for (index, badge) in badges.into_iter().enumerate() {
        let gap = if line.is_empty() { 0 } else { 2 };
        let rest = if index + 1 == count { 0 } else { 5 };
        if width(&line) + gap + width(&badge) + rest > room {
            let more = format!("{}+{}", " ".repeat(gap.min(1)), count - index);
            line.push(piece(Role::Dim, more));
            break;
        }
        line.push(piece(Role::Text, " ".repeat(gap)));
        line.extend(badge);
    }
    line
}

/// The line above the footer: what is armed, what the last key came to, the filter, or what there is to know.
pub fn status(state: &State, paint: &mut Paint<'_>) -> Drawn {
    let area = inside(state);
    let y = area.bottom() - 2;
    if let Some(bot) = state.trigger.armed() {
        let (key, back) = (state.key(Action::Isolate), state.key(Action::Back));
        let text = format!(" ARMED: {key} once more isolates {bot}. {back} takes it back. ");
        let full = paint.line(area.x, y, area.width, &[piece(Role::Armed, text)]);
        let shown = Shown { armed: full.then(|| bot.clone()), ..Shown::default() };
        return Drawn { shown, cursor: None };
    }
    if let Some(text) = &state.flash {
        paint.line(area.x, y, area.width, &[piece(Role::Warn, format!(" {text}"))]);
        return Drawn::default();
    }
    if state.activity.editing {
        let input = &state.activity.input;
        paint.line(area.x, y, area.width, &[piece(Role::Key, " f "), piece(Role::Text, input.value())]);
        let column = 3 + u16::try_from(input.visual_cursor()).unwrap_or(u16::MAX - 3);
        let cursor = (column < area.width).then_some((area.x + column, y));
        return Drawn { shown: Shown::default(), cursor };
    }
    let filter = &state.fleet.filter;
    let filtered = state.screen == Context::Fleet && (state.fleet.editing || !filter.value().is_empty());
    if filtered {
        paint.line(area.x, y, area.width, &filter_line(state, area.width));
        let column = 2 + u16::try_from(filter.visual_cursor()).unwrap_or(u16::MAX - 2);
        let cursor = (state.fleet.editing && column < area.width).then_some((area.x + column, y));
        return Drawn { shown: Shown::default(), cursor };
    }
    if state.screen == Context::Journal
        && let Some((line, column)) = super::journal::status(state)
    {
        paint.line(area.x, y, area.width, &line);
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        let cursor = (state.lines().editing && column < area.width).then_some((area.x + column, y));
        return Drawn { shown: Shown::default(), cursor };
    }
    paint.line(area.x, y, area.width, &summary(state));
    Drawn::default()
}

/// The filter, and at the end of the line what it came to: how many, what was not understood, or that it is at work.
fn filter_line(state: &State, width: u16) -> Line {
    let mut line = vec![piece(Role::Key, " /"), piece(Role::Text, state.fleet.filter.value())];
    let list = state.fleet.list();
    let came_to = match (state.fleet.is_pending(), list.problems().first()) {
        (true, _) => piece(Role::Dim, "looking"),
        (false, Some(problem)) => piece(Role::Warn, state.look.text(problem)),
        (false, None) => piece(Role::Dim, format!("{} of {}", list.len(), list.all())),
    };
    let gap = usize::from(width).saturating_sub(crate::tui::paint::width(&line) + came_to.text.chars().count() + 1);
    line.push(piece(Role::Text, " ".repeat(gap.max(2))));
    line.push(came_to);
    line
}

/// What runs, what came of the last isolation, or the newest notice.
fn summary(state: &State) -> Line {
    // What the isolation's own screen has above its steps need not stand below them again.
    let above = state.operation().filter(|_| state.screen == Context::Isolation).map(|operation| operation.op);
    let mut running = state.operations.iter().rev().filter(|operation| operation.is_running());
    if let Some(operation) = running.find(|operation| Some(operation.op) != above) {
        let counts = operation.counts(None);
        let what = if operation.restores.is_some() { "RESTORE " } else { "" };
        let text = format!(
            " {what}{}: {}, {} of {} steps verified",
            operation.bot,
            operation.phase.word(),
            counts.verified,
            counts.all
        );
        return vec![piece(Role::Isolating, text)];
    }
    if !state.left.is_empty() {
        let count = state.left.len();
        let word = if count == 1 { "operation" } else { "operations" };
        let names = state.left.iter().map(|bot| state.look.text(&bot.shown())).collect::<Vec<_>>().join(", ");
        let key = state.key(Action::Retry);
        return vec![piece(Role::Warn, format!(" {count} unfinished {word}: press {key} to resume ({names})"))];
    }
    if let Some(place) = &state.goes_on {
        let place = state.look.text(place);
        return vec![piece(Role::Warn, format!(" the journal's place has failed: the record goes on, {place}"))];
    }
    if let Some(bot) = state.fleet.bot().filter(|bot| state.at_hand.contains(bot) && state.screen == Context::Fleet) {
        let (cuts, shows, forgets) = (Action::Isolate, Action::Identify, Action::Forget);
        let [cuts, shows, forgets] = [cuts, shows, forgets].map(|action| state.key(action));
        let text = format!(
            " a leaked secret of {bot} is at hand: {cuts} ends it too; {shows} shows it, and there {forgets} forgets it"
        );
        return vec![piece(Role::Warn, text)];
    }
    let watched = state.fleet.bot().and_then(|bot| Some((bot, state.watched_until(bot)?)));
    if let Some((bot, until)) = watched
        && state.notices.is_empty()
        && state.alarms.is_empty()
    {
        let until = clock(state.now.wall, until);
        return vec![piece(Role::Dim, format!(" {bot} is held dark: watching until {until}"))];
    }
    let notice = state.notices.last().or(state.snapshot.notices.last());
    let troubled = || {
        state
            .snapshot
            .providers
            .iter()
            .find_map(|provider| provider.error.as_ref().map(|error| format!("{}: {error}", provider.name)))
    };
    match notice.cloned().or_else(troubled) {
        Some(text) => vec![piece(Role::Warn, format!(" {text}"))],
        None => Vec::new(),
    }
}

fn footer(state: &State, paint: &mut Paint<'_>, area: Rect) {
    let scrolls = super::form::limit(state, super::body(state)).is_some_and(|limit| limit > 0);
    let keys: Vec<(String, &str, Role, Role)> = if state.prompt.is_some() {
        vec![key("Enter", "cut", false), key("Esc", "leave", false)]
    } else if state.screen == Context::Restore && state.restore.as_ref().is_some_and(|pane| pane.question().is_some()) {
        vec![key("Enter", "restore", false), key("Down PgDn End", "read on", false), key("Esc", "back", false)]
    } else if let Some(form) = &state.form {
        match form {
            Form::Marked(_) => vec![key("Enter", "cut", false), key("Esc", "leave", false)],
            Form::Note(_) => vec![key("Enter", "put on record", false), key("Esc", "leave", false)],
            Form::HandOver(_) => {
                let mut keys = vec![key("Enter", "hand over", false), key("Esc", "leave", false)];
                keys.extend(scrolls.then(|| key("PgDn PgUp", "read on", false)));
                keys
            }
            Form::Confirm(_) => {
                let mut keys = vec![
                    key("Enter", "it was done", false),
                    key("Up Down", "another step", false),
                    key("Esc", "leave", false),
                ];
                keys.extend(scrolls.then(|| key("PgDn", "read on", false)));
                keys
            }
            Form::Command(_) => {
                vec![key("Enter", "do it", false), key("Tab", "complete", false), key("Esc", "leave", false)]
            }
            Form::Secret(_) => {
                vec![
                    key("Enter", "look it up", false),
                    key("Ctrl-U", "empty the field", false),
                    key("Esc", "leave", false),
                ]
            }
        }
    } else if state.whole.is_some() {
        vec![key("Esc", "close", false), key("Down Up PgDn PgUp", "read on", false)]
    } else if state.screen == Context::Journal && state.lines().editing {
        vec![key("Enter", "keep", false), key("Esc", "clear", false), key("Up Down", "line", false)]
    } else if state.activity.editing {
        vec![key("Enter", "keep", false), key("Esc", "clear", false), key(TERMS, "in one field", false)]
    } else if state.fleet.editing {
        vec![key("Enter", "keep", false), key("Esc", "clear", false), key("Up Down", "select", false)]
    } else {
        let rows = state.keys.rows().iter().filter_map(|row| Some((row.binding, row.keys.first()?)));
        rows.filter(|(binding, _)| binding.footer && binding.contexts.contains(&state.screen))
            // The key of the screen that is shown would do nothing.
            .filter(|(binding, _)| binding.action.leads_to() != Some(state.screen))
            .map(|(binding, first)| {
                let off = disabled(state, binding.action).is_some();
                let (_, _, dark, dim) = key("", "", off);
                let role = if binding.danger && !off { Role::Danger } else { dark };
                let label = match state.fleet.marked.len() {
                    2.. if binding.action == Action::Isolate && state.screen == Context::Fleet => "isolate marked",
                    _ => binding.label,
                };
                (first.label(), label, role, dim)
            })
            .collect()
    };
    let mut line = vec![piece(Role::Text, " ")];
    for (label, word, role, rest) in keys {
        let next = [piece(role, label), piece(rest, format!(" {word}  "))];
        // Whole entries or none: half a label teaches nothing.
        if width(&line) + width(&next) > usize::from(area.width) + 2 {
            break;
        }
        line.extend(next);
    }
    // The gap behind the last entry is no text that could be cut.
    if let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end().len());
    }
    paint.line(area.x, area.y, area.width, &line);
}

fn key(label: &str, word: &'static str, off: bool) -> (String, &'static str, Role, Role) {
    let role = if off { Role::Dim } else { Role::Key };
    (label.to_owned(), word, role, if off { Role::Dim } else { Role::Text })
}

/// A window too small for a screen: what would be cut, what runs, and what is armed, as far as there is room.
pub fn tiny(state: &State, paint: &mut Paint<'_>) -> Drawn {
    let (columns, rows) = (state.size.width, state.size.height);
    let mut lines: Vec<Line> = Vec::new();
    let mut armed_row = None;
    let needs = format!("needs {}x{}", super::TINY.0, super::TINY.1);
    let says = [format!("window too small: {needs}; keys work"), needs];
    let says = says.into_iter().find(|text| text.len() <= usize::from(columns)).unwrap_or_default();
    lines.push(vec![piece(Role::Warn, says)]);
    if let Some(asked) = &state.prompt {
        lines.push(vec![piece(Role::Armed, "window too small: Esc")]);
        lines.push(vec![piece(Role::Danger, asked.bot.shown())]);
    } else if state.form.is_some() {
        lines.push(vec![piece(Role::Armed, "window too small: Esc")]);
    } else if let Some(bot) = state.trigger.armed() {
        armed_row = Some((lines.len(), bot.clone()));
        lines.push(vec![piece(Role::Armed, format!("{} again: {bot}", state.key(Action::Isolate)))]);
    }
    if let Some(alarm) = state.alarms.last() {
        lines.push(vec![piece(Role::Contradicted, format!("ALIVE: {}", alarm.bot))]);
    }
    if state.in_memory {
        lines.push(vec![piece(Role::Bad, "record in memory")]);
    }
    if state.snapshot.exercise.is_some() {
        lines.push(vec![piece(Role::Exercise, "EXERCISE")]);
    }
    if let Some(operation) = state.operations.last() {
        let counts = operation.counts(None);
        let word = operation.ended.as_ref().map_or(operation.phase.word(), |ended| ended.outcome.word());
        lines.push(vec![piece(Role::Isolating, operation.bot.shown())]);
        lines.push(vec![piece(Role::Text, format!("{word} {}/{}", counts.verified, counts.all))]);
    }
    if let Some(view) = state.bot() {
        let status = state.state_of(view);
        lines.push(vec![piece(Role::Selected, view.bot.name.shown())]);
        lines.push(vec![state.look.state(status)]);
        lines.push(vec![piece(Role::Text, format!("{} steps", view.plan.steps.len()))]);
    }
    if let Some(flash) = &state.flash {
        lines.push(vec![piece(Role::Warn, flash.clone())]);
    }
    let mut drawn = Drawn::default();
    for (y, line) in (0..rows).zip(&lines) {
        let full = paint.line(0, y, columns, line);
        if let Some((row, bot)) = &armed_row
            && usize::from(y) == *row
            && full
        {
            drawn.shown.armed = Some(bot.clone());
        }
    }
    drawn
}

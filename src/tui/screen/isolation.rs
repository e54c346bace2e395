//! One isolation as it happens: where it stands, what came of it and why, and each step by lane.
//!
//! ```text
//! ◐ isolating  sales            3 of 4 rows: figures, the three counts, counts per lane
//! first cut 38 ms · dark in 4:58 …
//! ──────────────────────────────
//! outcome: reasons, manual instructions, residuals     scrolls together
//! lanes of steps
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use super::{restore, secret::use_word, tabs};
use crate::{
    domain::{BotState, Lane, Outcome, Residual, RestorePart, StepId, StepState},
    tui::{
        action::Action,
        operation::{OperationView, StepView},
        paint::{Line, Paint, Piece, clock, left, piece, took},
        state::{Look, State},
        theme::Role,
    },
};

/// Rows above what scrolls, without the line of isolations.
const HEAD: u16 = 5;

/// Least columns of a provider's code.
const CODE: usize = 3;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let Some(operation) = state.operation() else {
        nothing(state, paint, body);
        return;
    };
    failpoint!("draw-isolation");
    let look = paint.look;
    let mut head: Vec<Line> = tabs::line(state, usize::from(body.width)).into_iter().collect();
    head.extend([
        headline(state, look, operation),
        figures(state, operation),
        proofs(operation),
        lanes(look, operation),
    ]);
    head.truncate(usize::from(body.height));
    for (y, line) in (body.y..).zip(&head) {
        paint.line(body.x, y, body.width, line);
    }
    let rule = Rect { y: body.y + head_rows(state) - 1, height: 1, ..body };
    let recorded = if operation.recorded.is_some() { "from the record, " } else { "" };
    let started = format!("{recorded}since {}", clock(state.now.wall, operation.started_at));
    paint.rule(rule, &[], &[piece(Role::Dim, started)]);
    let area = steps_area(state, body);
    let lines = lines(state, usize::from(area.width));
    paint.lines(area, &lines, state.operation_offset);
}

/// Where the steps scroll.
pub fn steps_area(state: &State, body: Rect) -> Rect {
    let head = head_rows(state).min(body.height);
    Rect { y: body.y + head, height: body.height - head, ..body }
}

/// Rows above what scrolls.
fn head_rows(state: &State) -> u16 {
    HEAD + u16::from(state.shown_operations().nth(1).is_some())
}

fn nothing(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let text = if state.ordered.is_empty() {
        let (cuts, fleet) = (state.key(Action::Isolate), state.key(Action::Fleet));
        format!("No isolation has run in this console. {cuts} on a bot of the fleet ({fleet}) starts one.")
    } else {
        "The order is on its way: its plan is being written to the journal.".to_owned()
    };
    paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(Role::Dim, text)]);
}

/// The state that an outcome leaves the bot in.
pub fn outcome_state(outcome: &Outcome) -> BotState {
    match outcome {
        Outcome::Dark => BotState::Dark,
        Outcome::DarkAt { at, .. } => BotState::DarkAt(*at),
        Outcome::Partial { .. } => BotState::Partial,
        Outcome::Contradicted { .. } => BotState::Contradicted,
        Outcome::Restored { .. } => BotState::Live,
    }
}

fn headline(state: &State, look: &Look, operation: &OperationView) -> Line {
    let name = piece(Role::Title, format!("  {}", look.text(&operation.bot.shown())));
    if !operation.after_dark.is_empty() && !operation.is_running() {
        let (count, key) = (plural(operation.after_dark.len(), "thing"), state.key(Action::Retry));
        let rest = format!("   {count} alive after dark: {key} strikes again");
        return vec![piece(Role::Text, " "), look.state(BotState::Contradicted), name, piece(Role::Bad, rest)];
    }
    if let Some(plan) = &operation.restores {
        return restore_headline(look, operation, plan.mode.word(), name);
    }
    if let (None, Some(left)) = (&operation.ended, &operation.recorded) {
        let rest = piece(Role::Warn, format!("   {}", look.text(left)));
        return vec![piece(Role::Text, " "), look.state(BotState::Partial), name, rest];
    }
    let Some(ended) = &operation.ended else {
        let rest = match operation.rounds {
            0 => format!("   {}", operation.phase.word()),
            rounds => format!("   {}, round {rounds}", operation.phase.word()),
        };
        return vec![piece(Role::Text, " "), look.state(BotState::Isolating), name, piece(Role::Isolating, rest)];
    };
    let rest = match &ended.outcome {
        Outcome::Dark => match state.watched_until(&operation.bot) {
            Some(until) => format!("   nothing of it can be used; watching until {}", clock(state.now.wall, until)),
            None => "   nothing of it can be used".to_owned(),
        },
        Outcome::DarkAt { at, .. } if *at <= state.now.wall => "   its last residual has ended".to_owned(),
        Outcome::DarkAt { at, .. } => match state.watched_until(&operation.bot) {
            Some(until) => {
                let now = state.now.wall;
                format!("   from {} on, by itself; watching until {}", clock(now, *at), clock(now, until))
            }
            None => format!("   from {} on, by itself", clock(state.now.wall, *at)),
        },
        Outcome::Partial { reasons, .. } => format!("   {} left: see below", plural(reasons.len(), "thing")),
        Outcome::Contradicted { alive, .. } => format!("   {} proved alive", plural(alive.len(), "thing")),
        Outcome::Restored { .. } => "   restored".to_owned(),
    };
    let status = outcome_state(&ended.outcome);
    vec![piece(Role::Text, " "), look.state(status), name, piece(Role::Text, rest)]
}

/// Of the way back: never in the words of an isolation.
fn restore_headline(look: &Look, operation: &OperationView, mode: &str, name: Piece) -> Line {
    let (sign, role, rest) = match operation.ended.as_ref().map(|ended| &ended.outcome) {
        None => (look.glyphs.bot(BotState::Isolating), Role::Warn, format!("{mode}: {}", operation.phase.word())),
        Some(Outcome::Restored { .. }) => {
            (look.glyphs.bot(BotState::Live), Role::Live, format!("{mode}: everything that can come back is back"))
        }
        Some(Outcome::Contradicted { alive, .. }) => {
            let count = plural(alive.len(), "old credential");
            (look.glyphs.bot(BotState::Contradicted), Role::Contradicted, format!("{mode}: {count} proved alive"))
        }
        Some(Outcome::Partial { reasons, .. }) => {
            let count = plural(reasons.len(), "thing");
            (look.glyphs.bot(BotState::Partial), Role::Partial, format!("{mode}: {count} left: see below"))
        }
        Some(outcome) => (look.glyphs.bot(BotState::Unknown), Role::Unknown, format!("{mode}: {}", outcome.word())),
    };
    let word = if operation.is_running() { "RESTORE" } else { "RESTORED" };
    let word = match operation.ended.as_ref().map(|ended| &ended.outcome) {
        None | Some(Outcome::Restored { .. }) => word,
        Some(_) => "NOT RESTORED",
    };
    vec![piece(Role::Text, " "), piece(role, format!("{sign} {word}")), name, piece(Role::Text, format!("   {rest}"))]
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The headline figures: first cut, time to dark, the residual clock.
fn figure(label: &str, role: Role, text: String) -> Line {
    vec![piece(Role::Dim, format!(" {label} ")), piece(role, text), piece(Role::Text, "  ")]
}

/// The three counts, whatever else is said. What is unknown counts steps; what still lives may be of no step.
fn proofs(operation: &OperationView) -> Line {
    let counts = operation.counts(None);
    let still_live = operation.still_live();
    let alive = if still_live > 0 { Role::Bad } else { Role::Text };
    let mut line = figure("verified", Role::Text, format!("{} of {}", counts.verified, counts.all));
    line.extend(figure("still live", alive, still_live.to_string()));
    line.extend(figure("unknown", Role::Text, counts.unknown().to_string()));
    let states = || operation.steps.values().map(|view| &view.state);
    let refused = states().filter(|state| matches!(state, StepState::Refused { .. })).count();
    let manual = states().filter(|state| matches!(state, StepState::Manual)).count();
    if refused > 0 {
        line.extend(figure("refused", Role::Bad, refused.to_string()));
    }
    if manual > 0 {
        line.extend(figure("by hand", Role::Warn, format!("{manual} (c)")));
    }
    line
}

fn figures(state: &State, operation: &OperationView) -> Line {
    if operation.restores.is_some() {
        return restore_figures(state, operation);
    }
    let first = operation.first_cut_ms().map_or_else(|| "-".to_owned(), took);
    let mut line = figure("first cut", Role::Text, first);
    match &operation.ended {
        None if operation.recorded.is_some() => {
            line.extend(figure("time to dark", Role::Title, "no outcome".to_owned()));
        }
        None => {
            let since = state.now.mono.saturating_sub(operation.started).as_secs();
            let running = left(SignedDuration::from_secs(i64::try_from(since).unwrap_or(0)));
            line.extend(figure("running", Role::Isolating, running));
        }
        Some(ended) => {
            let dark = match (ended.time_to_dark_ms, &ended.outcome) {
                (Some(ms), _) => took(ms),
                (None, Outcome::Dark) => "now".to_owned(),
                (None, _) => "not yet".to_owned(),
            };
            line.extend(figure("time to dark", Role::Title, dark));
        }
    }
    if let Some(at) = operation.dark_at().filter(|at| *at > state.now.wall) {
        let until = format!("{} to {}", remaining(state.now.wall, at), clock(state.now.wall, at));
        line.extend(figure("residual", Role::DarkAt, until));
    }
    line
}

fn restore_figures(state: &State, operation: &OperationView) -> Line {
    match &operation.ended {
        None if operation.recorded.is_some() => figure("proved after", Role::Title, "no outcome".to_owned()),
        None => {
            let since = state.now.mono.saturating_sub(operation.started).as_secs();
            let running = left(SignedDuration::from_secs(i64::try_from(since).unwrap_or(0)));
            figure("running", Role::Isolating, running)
        }
        Some(ended) => {
            let proved = ended.time_to_verified_ms.map_or_else(|| "not yet".to_owned(), took);
            figure("proved after", Role::Title, proved)
        }
    }
}

/// What a residual clock shows: the second that has begun counts as left.
fn remaining(now: Timestamp, until: Timestamp) -> String {
    let exact = until.duration_since(now);
    let whole = exact.as_secs() + i64::from(exact.subsec_nanos() > 0);
    left(SignedDuration::from_secs(whole))
}

fn lanes(look: &Look, operation: &OperationView) -> Line {
    let mut line = Vec::new();
    for lane in Lane::ALL {
        let counts = operation.counts(Some(lane));
        let role = match (counts.all, counts.failed) {
            (0, _) => Role::Dim,
            (_, 1..) => Role::Bad,
            (all, 0) if counts.verified == all => Role::Good,
            _ => Role::Text,
        };
        let gap = if line.is_empty() { " ".to_owned() } else { format!(" {} ", look.glyphs.dot()) };
        line.push(piece(Role::Dim, gap));
        line.push(piece(role, format!("{} {}/{}", lane.word(), counts.verified, counts.all)));
    }
    line
}

/// Everything below the head, and the row of each step in it.
#[derive(Default)]
pub struct Content {
    /// What is drawn.
    pub lines: Vec<Line>,
    /// The row in which each step begins.
    pub steps: Vec<(usize, StepId)>,
}

/// Everything below the head.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    content(state, width).lines
}

/// The same, with the row of each step.
pub fn content(state: &State, width: usize) -> Content {
    let Some(operation) = state.operation() else { return Content::default() };
    let mut lines = Content::default();
    if operation.restores.is_some() {
        // While it runs the steps matter most, afterwards what is left to do.
        if operation.is_running() {
            part_lines(state, operation, width, &mut lines);
        }
        outcome_lines(state, operation, width, &mut lines.lines);
        if !operation.is_running() {
            part_lines(state, operation, width, &mut lines);
        }
        return lines;
    }
    outcome_lines(state, operation, width, &mut lines.lines);
    for lane in Lane::ALL {
        let counts = operation.counts(Some(lane));
        if counts.all == 0 {
            continue;
        }
        let waiting = counts.all - counts.verified - counts.claimed - counts.failed;
        let mut tally = format!("{} verified", counts.verified);
        for (count, word) in [(counts.claimed, "claimed"), (waiting, "under way"), (counts.failed, "to look at")] {
            if count > 0 {
                tally = format!("{tally}, {count} {word}");
            }
        }
        let title = piece(Role::Heading, format!(" {}  ", lane.word().to_uppercase()));
        lines.lines.push(vec![title, piece(Role::Dim, tally)]);
        for view in operation.in_lane(lane) {
            step_lines(state, view, width, &mut lines);
        }
    }
    lines
}

/// The steps of the way back, part by part: each is proved before the next is sent.
fn part_lines(state: &State, operation: &OperationView, width: usize, lines: &mut Content) {
    let Some(plan) = &operation.restores else { return };
    for part in RestorePart::ALL {
        let of_part = plan.parts().filter(|(of, _)| *of == part);
        let views: Vec<&StepView> = of_part.filter_map(|(_, step)| operation.steps.get(&step.id)).collect();
        if views.is_empty() {
            continue;
        }
        let verified = views.iter().filter(|view| view.state == StepState::Verified).count();
        let title = piece(Role::Heading, format!(" {}  ", restore::title(part)));
        lines.lines.push(vec![title, piece(Role::Dim, format!("{verified} of {} verified", views.len()))]);
        for view in views {
            step_lines(state, view, width, lines);
        }
    }
}

fn step_role(step: &StepState) -> Role {
    match step {
        StepState::Planned | StepState::Armed => Role::Dim,
        StepState::Sent | StepState::Retrying { .. } => Role::Isolating,
        StepState::Accepted | StepState::Gone => Role::Text,
        StepState::Unknown | StepState::Attested => Role::Unknown,
        StepState::Refused { .. } | StepState::Unreachable => Role::Bad,
        StepState::Manual => Role::Warn,
        StepState::Verified => Role::Good,
        StepState::Contradicted => Role::Contradicted,
    }
}

fn step_lines(state: &State, view: &StepView, width: usize, content: &mut Content) {
    let (look, now) = (&state.look, state.now.wall);
    let chosen = state.step.as_ref() == Some(&view.step.id);
    content.steps.push((content.lines.len(), view.step.id.clone()));
    let lines = &mut content.lines;
    let mark = if chosen { format!(" {} ", look.glyphs.marker()) } else { "   ".to_owned() };
    let sign: Piece = {
        let text = format!("{} {}", look.glyphs.step(&view.state), view.state.word());
        piece(step_role(&view.state), look.cell(&text, 14))
    };
    let mut tail = Vec::new();
    if view.attempt > 1 {
        tail.push(format!("attempt {}", view.attempt));
    }
    tail.push(view.step.identity.provider().to_string());
    // As wide as a status of HTTP, answered or not: providers then stand in one column.
    tail.push(look.cell(&look.text(&view.code), CODE.max(view.code.chars().count())));
    let tail = format!(" {}", tail.join(" "));
    let what = format!("{} {}", look.text(view.step.action.word()), look.text(view.step.target.raw()));
    let room = width.saturating_sub(3 + 15 + tail.chars().count() + 1);
    lines.push(vec![
        piece(Role::Key, mark),
        sign,
        piece(if chosen { Role::Title } else { Role::Text }, format!(" {}", look.cell_middle(&what, room))),
        piece(Role::Dim, tail),
    ]);
    let why = match &view.state {
        StepState::Verified | StepState::Accepted | StepState::Gone | StepState::Sent | StepState::Armed => None,
        StepState::Retrying { attempt, until } => {
            Some(format!("attempt {attempt} failed, the next goes at {}", clock(now, *until)))
        }
        StepState::Refused { permission: Some(permission) } => Some(format!("missing permission: {permission}")),
        StepState::Manual => view.step.manual.clone().or_else(|| view.detail.clone()),
        _ => view.detail.clone(),
    };
    if let Some(why) = why {
        for text in look.wrap(&look.text(&why), width.saturating_sub(20)) {
            lines.push(vec![piece(Role::Dim, format!("{}{text}", " ".repeat(18)))]);
        }
    }
}

fn outcome_lines(state: &State, operation: &OperationView, width: usize, lines: &mut Vec<Line>) {
    let look = &state.look;
    let mut section = |title: &str, role: Role, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        lines.push(vec![piece(Role::Heading, format!(" {title}  ")), piece(Role::Dim, items.len().to_string())]);
        for item in items {
            for (index, text) in look.wrap(&look.text(&item), width.saturating_sub(6)).into_iter().enumerate() {
                let indent = if index == 0 { "   " } else { "     " };
                lines.push(vec![piece(role, format!("{indent}{text}"))]);
            }
        }
    };
    section("ALIVE AFTER DARK", Role::Contradicted, operation.after_dark.clone());
    for (fingerprint, probed) in &operation.used {
        let (role, word) = use_word(probed.alive);
        let said = format!("{fingerprint} at {}: {word}: {}", probed.at, probed.said);
        section("THE LEAKED SECRET, USED ONCE MORE", role, vec![said]);
    }
    if let Some(ended) = &operation.ended {
        let reasons = |reasons: &[crate::domain::Reason]| reasons.iter().map(crate::domain::Reason::sentence).collect();
        match &ended.outcome {
            Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. } => {}
            Outcome::Partial { reasons: left, .. } => section("WHAT IS LEFT", Role::Partial, reasons(left)),
            Outcome::Contradicted { alive, reasons: left } => {
                let alive = alive.iter().map(|alive| alive.what.clone()).collect();
                section("PROVED ALIVE", Role::Bad, alive);
                section("WHAT IS LEFT", Role::Partial, reasons(left));
            }
        }
        let trouble = ended.journal_trouble.iter();
        let said = trouble.map(|why| match &state.goes_on {
            Some(place) => format!("{why}: the record goes on, {place}"),
            None if why.contains("memory only") => why.clone(),
            None => format!("{why}: the record may have holes"),
        });
        section("THE JOURNAL", Role::Bad, said.collect());
    }
    if let Some(plan) = &operation.restores {
        let lost = plan.lost().iter().map(restore::lost).collect();
        section(if operation.is_running() { "WILL NOT COME BACK" } else { "DID NOT COME BACK" }, Role::Warn, lost);
        section("HAS TO BE ISSUED ANEW", Role::Warn, plan.reissue().iter().map(restore::reissue).collect());
        return;
    }
    let outlives = operation.residual().iter().map(|residual| outlives(state.now.wall, residual));
    section("OUTLIVES IT", Role::DarkAt, outlives.collect());
    let exposed = state.snapshot.bot(&operation.bot).map(|view| {
        let name = |other: &crate::domain::Exposure| other.bot.as_ref().unwrap_or(&other.name).shown();
        view.plan.exposure.iter().map(|other| format!("{}: {}", name(other), other.why)).collect()
    });
    if !operation.is_running() {
        section("STILL EXPOSED: ISOLATE THESE TOO", Role::Warn, exposed.unwrap_or_default());
    }
}

fn outlives(now: Timestamp, residual: &Residual) -> String {
    match residual.until {
        Some(until) if until <= now => format!("{}: ended {} ({})", residual.what, clock(now, until), residual.source),
        Some(until) => format!("{}: until {} ({})", residual.what, clock(now, until), residual.source),
        None => match residual.lifetime_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis) {
            Some(lifetime) => {
                let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::ZERO);
                format!("{}: for {} after the cut ({})", residual.what, left(lifetime), residual.source)
            }
            None => format!("{}: until somebody ends it ({})", residual.what, residual.source),
        },
    }
}

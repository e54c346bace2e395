//! The rows that stand still: where it stands, how long it took, the three counts, the counts of each lane.

use jiff::{SignedDuration, Timestamp};

use super::outcome_state;
use crate::{
    domain::{BotState, Lane, Outcome, StepState},
    tui::{
        action::Action,
        operation::OperationView,
        paint::{Line, Piece, clock, left, piece, took},
        state::{Look, State},
        theme::Role,
    },
};

/// All of them, top to bottom.
pub fn lines(state: &State, look: &Look, operation: &OperationView) -> [Line; 4] {
    [headline(state, look, operation), figures(state, operation), proofs(operation), lanes(look, operation)]
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

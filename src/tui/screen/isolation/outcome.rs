//! What came of it: what is alive, what is left, what outlives it, what stays exposed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{Outcome, Residual},
    tui::{
        operation::OperationView,
        paint::{Line, clock, left, piece},
        screen::{restore, secret::use_word},
        state::State,
        theme::Role,
    },
};

/// Its sections; none is drawn that has nothing to tell.
pub fn lines(state: &State, operation: &OperationView, width: usize, lines: &mut Vec<Line>) {
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

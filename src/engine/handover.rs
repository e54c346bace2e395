//! What the next responder has to know, in under twelve lines. Pure.

use jiff::Timestamp;

use crate::domain::{BotState, Outcome, Reason, StepState, Untrusted};
use crate::journal::{Incident, Operation};

/// Things of one sort that are named; the others are counted.
const NAMED: usize = 3;

/// The summary of an incident, as of now.
pub(super) fn summary(incident: &Incident, now: Timestamp) -> Vec<String> {
    let title = incident.title.as_deref().map(|title| format!(": {}", Untrusted::new(title).shown_in(100)));
    let opened = incident.opened_at.map_or_else(String::new, |at| format!(", open since {at:.0}"));
    let mut lines = vec![format!("incident {}{opened}{}", incident.id, title.unwrap_or_default())];
    let bots = incident.operations.iter().map(|one| format!("{} {}", one.bot, standing(one)));
    lines.push(several("bots", bots.collect()));
    let unfinished = incident.operations.iter().filter(|one| one.is_unfinished());
    let unfinished: Vec<String> = unfinished.map(|one| one.bot.shown()).collect();
    if !unfinished.is_empty() {
        lines.push(several("unfinished (estop resume)", unfinished));
    }
    let alive: Vec<String> =
        incident.operations.iter().flat_map(|one| &one.alive).map(|one| one.what.clone()).collect();
    if !alive.is_empty() {
        lines.push(several("STILL LIVE (estop retry)", alive));
    }
    lines.extend(manual(incident));
    lines.extend(clock(incident, now));
    let refused: Vec<String> = incident.operations.iter().flat_map(refused).collect();
    if !refused.is_empty() {
        lines.push(several("refused", refused));
    }
    if let Some(note) = incident.notes.iter().rev().find(|note| note.text.is_some()) {
        let text = note.text.as_ref().map(|text| text.shown_in(100)).unwrap_or_default();
        lines.push(format!("last note, by {}: {text}", note.by));
    }
    lines
}

fn standing(operation: &Operation) -> String {
    match operation.ended.as_ref().map(|end| &end.outcome) {
        None => BotState::Isolating.word().to_owned(),
        Some(Outcome::DarkAt { at, .. }) => format!("dark-at {at:.0}"),
        Some(outcome) => outcome.word().to_owned(),
    }
}

fn several(what: &str, all: Vec<String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let named = all.into_iter().take(NAMED).collect::<Vec<_>>().join("; ");
    match (named.is_empty(), more) {
        (true, _) => format!("{what}: none"),
        (false, 0) => format!("{what}: {named}"),
        (false, more) => format!("{what}: {named}; and {more} more"),
    }
}

/// Up to three open manual steps, each with the id to confirm it by.
fn manual(incident: &Incident) -> Vec<String> {
    let steps = incident.operations.iter().flat_map(|one| one.steps.values());
    let open: Vec<_> = steps.filter(|record| record.state == StepState::Manual).collect();
    let said = open.iter().take(NAMED).map(|record| {
        let what = record.step.manual.clone().unwrap_or_else(|| record.step.target.shown());
        format!("by hand: {what} (estop confirm {})", record.step.id)
    });
    let mut lines: Vec<String> = said.collect();
    if let (Some(last), more @ 1..) = (lines.last_mut(), open.len().saturating_sub(NAMED)) {
        *last = format!("{last}; and {more} more");
    }
    lines
}

/// The residual that ends next.
fn clock(incident: &Incident, now: Timestamp) -> Option<String> {
    let running = incident.operations.iter().flat_map(|one| one.residual.iter().map(move |residual| (one, residual)));
    let running = running.filter_map(|(one, residual)| Some((residual.until?, one, residual)));
    let (until, one, residual) = running.filter(|(until, ..)| *until > now).min_by_key(|(until, ..)| *until)?;
    Some(format!("next clock: {} of {} ends at {until:.0}", residual.what, one.bot))
}

fn refused(operation: &Operation) -> Vec<String> {
    let reasons = match operation.ended.as_ref().map(|end| &end.outcome) {
        Some(Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) => reasons.as_slice(),
        _ => &[],
    };
    let refused = reasons.iter().filter_map(|reason| match reason {
        Reason::Refused { what, permission, .. } => {
            let missing = permission.as_ref().map(|name| format!(" (missing: {name})")).unwrap_or_default();
            Some(format!("{}: {what}{missing}", operation.bot))
        }
        _ => None,
    });
    refused.collect()
}

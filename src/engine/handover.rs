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
    // A file may hold anything: one line stays one line.
    lines.into_iter().map(|line| Untrusted::new(line).shown()).collect()
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{
        Action, BotName, Contradiction, Depth, Fact, IdentityId, IncidentId, ObjectId, OperationId, Postcondition,
        ProviderName, Residual, Step, StepId, StepRecord,
    };
    use crate::journal::{Note, OperationEnd};

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn identity() -> IdentityId {
        IdentityId::new(ProviderName::new("sso"), "aa63df56")
    }

    fn residual(seconds: i64) -> Residual {
        Residual {
            identity: identity(),
            what: format!("tokens of {seconds} s"),
            until: now().checked_add(SignedDuration::from_secs(seconds)).ok(),
            lifetime_ms: None,
            source: "realm".to_owned(),
        }
    }

    fn manual(number: usize) -> StepRecord {
        let postcondition = Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) };
        let id = StepId::of(&identity(), "withdraw", Some(&number.to_string()));
        let object = ObjectId::of(identity().provider(), "client", "aa63df56");
        let step = Step {
            manual: Some(format!("in the vendor's console,\nwithdraw consent {number}")),
            ..Step::new(id, identity(), Action::new("withdraw"), object, postcondition)
        };
        StepRecord { state: StepState::Manual, ..StepRecord::planned(step) }
    }

    /// Everything that can be open in an operation at once, and many times.
    fn open(number: u128) -> Operation {
        let steps = (0..20).map(manual).map(|record| (record.step.id.clone(), record)).collect();
        let alive = || Contradiction { step: manual(0).step.id, what: "session 3f2a is still live".to_owned() };
        let refused = Reason::Refused {
            step: manual(1).step.id,
            what: "remove role".to_owned(),
            permission: Some("manage-users".to_owned()),
            manual: None,
        };
        Operation {
            id: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
            bot: BotName::new(format!("bot-{number}\n")),
            depth: Depth::Isolate,
            epoch: 1,
            claimed: (0, now()),
            restores: None,
            restore_plan: None,
            gave_way: None,
            reason: None,
            started_at: now(),
            identities: Vec::new(),
            collateral: Vec::new(),
            snapshot: Vec::new(),
            steps,
            rounds: 3,
            residual: vec![residual(600), residual(i64::try_from(number).unwrap() * 60), residual(-5)],
            alive: vec![alive(), alive()],
            after_dark: vec![alive()],
            held_by: None,
            used: Vec::new(),
            cut_at: None,
            last_at: now(),
            ended: Some(OperationEnd {
                outcome: Outcome::Contradicted { alive: vec![alive()], reasons: vec![refused.clone(), refused] },
                at: now(),
                time_to_first_cut_ms: None,
                time_to_verified_ms: None,
            }),
        }
    }

    fn incident(operations: Vec<Operation>) -> Incident {
        let note = |text: &str| Note { at: now(), by: "alice".to_owned(), text: Some(text.into()), hands_over: None };
        Incident {
            id: IncidentId::from_uuid(uuid::Uuid::from_u128(7)),
            exercise: None,
            title: Some("token in a public\nrepository".to_owned()),
            opened_at: Some(now()),
            closed_at: None,
            follows: None,
            operations,
            approvals: Vec::new(),
            console_lost: true,
            notes: (0..9).map(|index| note(&format!("note {index}\nsecond line"))).collect(),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn whatever_is_open_it_is_under_twelve_lines_with_the_actions_and_the_next_clock() {
        let lines = summary(&incident((1..=40).map(open).collect()), now());
        assert!(lines.len() < 12, "{} lines: {lines:#?}", lines.len());
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:#?}");
        let has = |text: &str| lines.iter().any(|line| line.contains(text));
        assert!(has("next clock: tokens of 60 s of bot-1\\x0a ends at 2026-03-01T12:01:00Z"), "{lines:#?}");
        assert_eq!(lines.iter().filter(|line| line.contains("estop confirm")).count(), NAMED);
        assert!(
            has("and 797 more") && has("STILL LIVE (estop retry)") && has("unfinished (estop resume)"),
            "{lines:#?}"
        );
        assert!(has("missing: manage-users") && has("last note, by alice: note 8"), "{lines:#?}");
    }

    #[test]
    fn where_nothing_is_open_it_says_so_in_two_lines() {
        let lines = summary(&Incident { notes: Vec::new(), ..incident(Vec::new()) }, now());
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert_eq!(lines[1], "bots: none");
    }
}

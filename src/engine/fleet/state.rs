//! Where a bot stands: what the journal says of its newest isolation, judged again by the newest reading.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    BotState, Collateral, Contradiction, Identity, IdentityId, Outcome, OutcomeInput, ReadingSet, Reason, Sent,
    StepEvent, StepId, StepRecord, Verdict, conclude,
};
use crate::journal::Operation;

/// The state for listings.
pub(super) fn state(
    operation: Option<&Operation>,
    identities: &[Identity],
    readings: &ReadingSet,
    collateral: &[Collateral],
    now: Timestamp,
) -> BotState {
    if readings.is_empty() {
        return BotState::Unknown;
    }
    let outcome = judge_again(operation, identities, readings, collateral, now);
    // Opened on purpose: that nobody has issued it a new secret yet does not make it cut off.
    let is_restored = operation.is_some_and(|operation| operation.restores.is_some());
    if is_restored && outcome == Outcome::Dark && readings.iter().any(|reading| !reading.is_shut()) {
        return BotState::Live;
    }
    match (isolation(operation), outcome) {
        (_, Outcome::Dark) => BotState::Dark,
        (Some(_), Outcome::DarkAt { at, .. }) => BotState::DarkAt(at),
        (Some(_), Outcome::Partial { .. }) => BotState::Partial,
        (Some(_), Outcome::Contradicted { .. }) => BotState::Contradicted,
        // Not isolated by estop, or let go again: whatever can still be used makes it live.
        (None | Some(_), _) => {
            let unread = identities.iter().any(|identity| readings.get(&identity.id).is_none());
            if unread { BotState::Unknown } else { BotState::Live }
        }
    }
}

/// A bot that was restored is one that nobody has isolated.
fn isolation(operation: Option<&Operation>) -> Option<&Operation> {
    operation.filter(|operation| operation.restores.is_none())
}

/// Judges an operation's steps by newer readings. What was dark and reads as alive is contradicted.
pub(in crate::engine) fn judge_again(
    operation: Option<&Operation>,
    identities: &[Identity],
    readings: &ReadingSet,
    collateral: &[Collateral],
    now: Timestamp,
) -> Outcome {
    let operation = isolation(operation);
    let mut steps: BTreeMap<StepId, StepRecord> =
        operation.map(|operation| operation.steps.clone()).unwrap_or_default();
    let gates = gates(&steps);
    for record in steps.values_mut() {
        let Some(reading) = readings.get(&record.step.identity) else { continue };
        // A reading from before the step was sent says nothing about it.
        if record.sent_at.is_some_and(|sent| reading.read_at < sent) {
            continue;
        }
        let sent = sent(record, &gates);
        let verdict = record.step.postcondition.judge(reading, &sent);
        if let Verdict::Fails(what) | Verdict::Unknown(what) = &verdict {
            record.detail = Some(what.clone());
        }
        if let Ok(state) = record.state.after(&StepEvent::Read { verdict, last: true }) {
            record.state = state;
        }
    }
    let ended = operation.and_then(|operation| operation.ended.as_ref());
    let rounds = operation.map_or(2, |operation| operation.rounds);
    let settled = match ended.map(|end| &end.outcome) {
        Some(Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) => {
            !reasons.iter().any(|reason| matches!(reason, Reason::NotSettled | Reason::StillMinting { .. }))
        }
        Some(Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. }) => true,
        None => operation.is_none(),
    };
    let outcome = conclude(&OutcomeInput {
        steps: &steps,
        identities,
        readings,
        collateral,
        clean_rounds: if settled { 2 } else { 0 },
        rounds,
        still_minting: false,
        cut_at: operation.and_then(|operation| operation.cut_at),
        now,
    });
    match ended.map(|end| &end.outcome) {
        Some(Outcome::Dark | Outcome::DarkAt { .. }) => after_dark(outcome),
        _ => outcome,
    }
}

/// Something usable after dark is a contradiction; something unread is not.
pub(in crate::engine) fn after_dark(outcome: Outcome) -> Outcome {
    let Outcome::Partial { reasons, residual } = outcome else { return outcome };
    let alive: Vec<Contradiction> = reasons
        .iter()
        .filter_map(|reason| match reason {
            Reason::StillLive { holding, what } => {
                Some(Contradiction { step: StepId::new(holding.clone()), what: format!("{what} is usable after dark") })
            }
            _ => None,
        })
        .collect();
    if alive.is_empty() { Outcome::Partial { reasons, residual } } else { Outcome::Contradicted { alive, reasons } }
}

/// When an identity's last gate was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct GateAnswer {
    /// By the provider's clock where its answer tells, in seconds since 1970.
    second: i64,
    /// By ours.
    at: Timestamp,
}

/// The last gate of each identity.
pub(in crate::engine) fn gates(steps: &BTreeMap<StepId, StepRecord>) -> BTreeMap<IdentityId, GateAnswer> {
    let mut gates = BTreeMap::new();
    for record in steps.values().filter(|record| record.step.gate && record.state.is_cut()) {
        let Some(at) = record.answered_at else { continue };
        let second = record.values.get("server-second").copied().unwrap_or_else(|| at.as_second());
        let newest = gates.entry(record.step.identity.clone()).or_insert(GateAnswer { second, at });
        *newest = GateAnswer { second: second.max(newest.second), at: at.max(newest.at) };
    }
    gates
}

/// What is known of a step's sending.
pub(in crate::engine) fn sent(record: &StepRecord, gates: &BTreeMap<IdentityId, GateAnswer>) -> Sent {
    let gate = gates.get(&record.step.identity);
    Sent {
        second: record.sent_at.map(Timestamp::as_second),
        values: record.values.clone(),
        at: record.sent_at,
        gate_second: gate.map(|gate| gate.second),
        gate_at: gate.map(|gate| gate.at),
    }
}

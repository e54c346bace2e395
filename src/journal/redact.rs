//! Secrets kept out of the record: what people typed and what providers said is redacted before it is chained.
//!
//! Only text for people is touched. Ids, facts and what a provider needs to repeat a step stay as they are: a record
//! that names other things than what was done could not be resumed.

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};

use super::{Body, Entry};
use crate::domain::{Identity, Reading, Residual, Restoration, Step, Untrusted, Verdict, redact, redact_json};

/// An entry as it may be recorded.
pub(super) fn redacted(mut entry: Entry) -> Entry {
    body(&mut entry.body);
    entry
}

fn text(text: &mut String) {
    if let Cow::Owned(redacted) = redact(text) {
        *text = redacted;
    }
}

fn maybe(optional: Option<&mut String>) {
    optional.into_iter().for_each(text);
}

fn untrusted(given: &mut Untrusted) {
    if let Cow::Owned(redacted) = redact(given.raw()) {
        *given = Untrusted::new(redacted);
    }
}

fn maybe_untrusted(given: Option<&mut Untrusted>) {
    given.into_iter().for_each(untrusted);
}

/// Every text inside, where most of what is inside is text for people.
fn whole<T: Serialize + DeserializeOwned>(value: &mut T) {
    let Ok(json) = serde_json::to_string(value) else { return };
    if let Cow::Owned(redacted) = redact_json(&json)
        && let Ok(redacted) = serde_json::from_str(&redacted)
    {
        *value = redacted;
    }
}

fn body(body: &mut Body) {
    match body {
        Body::IncidentOpen { title: said, .. } | Body::IncidentClose { note: said } => maybe(said.as_mut()),
        Body::IncidentNote { text } => untrusted(text),
        Body::IncidentHandover { to, note, summary } => {
            maybe_untrusted(to.as_mut());
            maybe_untrusted(note.as_mut());
            summary.iter_mut().for_each(text);
        }
        Body::EvidenceSnapshot { reading: read, .. } => reading(read),
        Body::OpClaim { reason, identities, collateral, .. } => {
            maybe(reason.as_mut());
            identities.iter_mut().for_each(identity);
            for other in collateral {
                text(&mut other.why);
            }
        }
        Body::OpEnd { detail, .. } => whole(detail),
        Body::PlanIntent { steps, .. } => steps.iter_mut().for_each(|intended| step(&mut intended.step)),
        Body::StepAnswer { answer, .. } => {
            maybe_untrusted(answer.request_id.as_mut());
            maybe_untrusted(answer.detail.as_mut());
        }
        Body::StepVerify { read, verdict, .. } => {
            text(read);
            if let Verdict::Fails(what) | Verdict::Unknown(what) = verdict {
                text(what);
            }
        }
        Body::StepManual { instruction, attested_by, note, .. } => {
            text(instruction);
            maybe(attested_by.as_mut());
            maybe(note.as_mut());
        }
        Body::ResidualSet { residual: left } => left.iter_mut().for_each(residual),
        Body::Contradicted { alive } => alive.iter_mut().for_each(|alive| text(&mut alive.what)),
        Body::GuardRefused { why, .. } | Body::GuardOverride { why, .. } | Body::ApprovalRefused { why, .. } => {
            text(why);
        }
        Body::RestoreDiff { plan, .. } => plan.identities.iter_mut().for_each(|(_, way)| restoration(way)),
        Body::ProbeResult { said, .. } => text(said),
        Body::FindingRaise { why, .. } => text(why),
        Body::FindingSuppress { why, reason, .. } => {
            text(why);
            untrusted(reason);
        }
        Body::ConsoleLost { by: what } | Body::SinkLost { what } | Body::SinkRegained { what } => text(what),
        Body::StepAttempt { .. }
        | Body::SweepRound { .. }
        | Body::ResidualDark { .. }
        | Body::ApprovalGiven { .. }
        | Body::Checkpoint { .. }
        | Body::Recovered { .. } => {}
    }
}

fn identity(identity: &mut Identity) {
    untrusted(&mut identity.name);
    identity.attributes.values_mut().for_each(untrusted);
}

/// Labels only: what a step does, and to what, is in its ids and parameters.
fn step(step: &mut Step) {
    untrusted(&mut step.target);
    text(&mut step.proof);
    maybe(step.manual.as_mut());
}

fn residual(residual: &mut Residual) {
    text(&mut residual.what);
    text(&mut residual.source);
}

/// What people read of a reading, masked: ids, facts and hints stay as they are.
pub(crate) fn reading(reading: &mut Reading) {
    identity(&mut reading.identity);
    reading.children.iter_mut().for_each(identity);
    for holding in &mut reading.holdings {
        untrusted(&mut holding.name);
        maybe_untrusted(holding.on_behalf_of.as_mut());
    }
    reading.gaps.iter_mut().for_each(|gap| text(&mut gap.what));
    reading.residual.iter_mut().for_each(residual);
    for exposure in &mut reading.exposure {
        untrusted(&mut exposure.name);
        text(&mut exposure.why);
    }
    for activity in &mut reading.activity {
        untrusted(&mut activity.action);
        untrusted(&mut activity.outcome);
        let optional = [&mut activity.resource, &mut activity.on_behalf_of, &mut activity.session, &mut activity.from];
        for said in optional {
            maybe_untrusted(said.as_mut());
        }
    }
}

fn restoration(way: &mut Restoration) {
    way.first.iter_mut().chain(&mut way.then).for_each(step);
    for change in &mut way.changes {
        untrusted(&mut change.what);
        text(&mut change.now);
        text(&mut change.then);
    }
    for lost in &mut way.lost {
        untrusted(&mut lost.what);
        text(&mut lost.why);
    }
    for reissue in &mut way.reissue {
        untrusted(&mut reissue.what);
        text(&mut reissue.place);
        text(&mut reissue.by);
    }
    way.gaps.iter_mut().for_each(|gap| text(&mut gap.what));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Answer, AnswerKind, LeakedSecret, StepId, StepState};

    /// What was typed and what was answered loses its secret; which step it was does not.
    #[test]
    fn what_people_type_and_providers_say_is_recorded_without_secrets() {
        let canary = ["c4n4ry", "in", "the", "journal"].join("-");
        let _leaked = LeakedSecret::new(canary.clone().into());
        let token = format!("{}_{}", "ghp", "Ab1".repeat(12));
        let said = format!("rotated {canary}, and {token} too");
        let step = StepId::new("sso:bot/disable");
        let mut answer = Answer::new(AnswerKind::Rejected, "http", "400");
        answer.detail = Some(said.as_str().into());
        for body in [
            Body::IncidentOpen { title: Some(said.clone()), follows: None },
            Body::IncidentClose { note: Some(said.clone()) },
            Body::IncidentNote { text: said.as_str().into() },
            Body::IncidentHandover {
                to: Some(said.as_str().into()),
                note: Some(said.as_str().into()),
                summary: vec![said.clone()],
            },
            Body::StepAnswer { step: step.clone(), attempt: 1, answer, latency_ms: 1, state: StepState::Unknown },
            Body::StepManual {
                step: step.clone(),
                instruction: said.clone(),
                attested_by: Some("alice".to_owned()),
                note: Some(said.clone()),
            },
            Body::GuardRefused { bot: None, why: said.clone() },
        ] {
            let about = body.step().cloned();
            let body = redacted(Entry::general(body)).body;
            let json = serde_json::to_string(&body).unwrap();
            assert!(!json.contains(&canary) && !json.contains(&token), "{json}");
            assert!(json.contains("<leaked-secret>") && json.contains("<github-token:sha256:"), "{json}");
            assert_eq!(body.step(), about.as_ref());
        }
    }
}

//! What only an isolation makes a matter: what came back, what still lives, what nobody can cut.

use std::collections::BTreeSet;

use super::{Check, Evidence, Subject, evidence::words, listed};
use crate::domain::{Activity, BotState, Holding, HoldingState, Step, Untrusted};

pub(super) fn re_minted(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let Some(isolation) = evidence.isolation else { return Check::Clear };
    let live: Vec<&Holding> = subject.live().collect();
    let new = live.iter().filter(|holding| holding.issued_at.is_some_and(|made| made > isolation.started_at));
    let new: Vec<String> = new.map(|holding| holding.name.shown()).collect();
    if !new.is_empty() {
        return Check::Fires(format!("made after the isolation began, and usable: {}", listed(&new)));
    }
    let unknown = live.iter().any(|holding| holding.issued_at.is_none());
    subject.blind_if(unknown, "when what is usable was made is not told")
}

/// An event that only ends something is no sign of life.
fn ends(event: &Activity) -> bool {
    words(event.action.raw()).any(|word| word == "logout" || word.starts_with("revoke"))
}

pub(super) fn contradiction(evidence: &Evidence<'_>) -> Check {
    let Some(isolation) = evidence.isolation else { return Check::Clear };
    if !isolation.alive.is_empty() {
        return Check::Fires(format!("usable after it was called cut: {}", listed(&isolation.alive)));
    }
    if evidence.state == BotState::Contradicted {
        return Check::Fires("something of it was proved usable after it was called cut".to_owned());
    }
    // Still being cut: nothing was called dead yet.
    let Some(verified) = isolation.verified_at else { return Check::Clear };
    let events = evidence.readings.iter().flat_map(|reading| &reading.activity);
    let later =
        events.filter(|event| event.succeeded() && !ends(event) && event.at > verified).min_by_key(|one| one.at);
    match later {
        Some(event) => {
            Check::Fires(format!("{} at {} succeeded after it was proved dark", event.action.shown(), event.at))
        }
        None if evidence.readings.iter().all(|reading| reading.activity.is_empty()) => {
            Check::blind("no log tells what it did after it was proved dark")
        }
        None => Check::Clear,
    }
}

pub(super) fn residual(evidence: &Evidence<'_>) -> Check {
    match evidence.state {
        BotState::DarkAt(at) => Check::Fires(format!("something of it lives on until {at}: it is dark then")),
        BotState::Partial => Check::Fires("isolated, and not everything of it is proved dead".to_owned()),
        BotState::Contradicted => Check::Fires("isolated, and something of it is proved alive".to_owned()),
        BotState::Live | BotState::Isolating | BotState::Dark => Check::Clear,
        BotState::Unknown => Check::blind("where it stands is not known"),
    }
}

pub(super) fn not_covered(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let steps = || evidence.plan.steps.iter().filter(|step| step.identity == subject.identity.id);
    let what = |step: &Step| format!("{} {}", step.action.word(), step.target.shown());
    let by_hand: Vec<String> =
        steps().filter(|step| step.by_hand || step.missing_permission.is_some()).map(what).collect();
    if !by_hand.is_empty() {
        return Check::Fires(format!("estop cannot do it: {}", listed(&by_hand)));
    }
    let unlisted = subject.held().filter(|holding| holding.state == HoldingState::Unlisted);
    let unlisted: Vec<String> = unlisted.map(|holding| holding.name.shown()).collect();
    if !unlisted.is_empty() {
        return Check::Fires(format!("no API lists or cuts {}", listed(&unlisted)));
    }
    subject.clear()
}

pub(super) fn cuts_ourselves(evidence: &Evidence<'_>) -> Check {
    if evidence.is_own {
        return Check::Fires("it has the identity by which estop itself works".to_owned());
    }
    Check::blind("which identities carry alarms, logs and emergency access is configured nowhere")
}

pub(super) fn collateral(evidence: &Evidence<'_>) -> Check {
    let hit: BTreeSet<&str> = evidence.plan.collateral.iter().map(|other| other.bot.as_str()).collect();
    if hit.len() > evidence.policy.collateral {
        let names: Vec<String> = hit.iter().map(|name| Untrusted::from(*name).shown()).collect();
        return Check::Fires(format!("isolating it hits {} others: {}", hit.len(), listed(&names)));
    }
    if hit.is_empty() {
        return match evidence.subjects().iter().find_map(Subject::unlisted) {
            Some(why) => Check::CannotEvaluate(why),
            None => Check::Clear,
        };
    }
    Check::blind("whether what isolating it hits is critical is told nowhere")
}

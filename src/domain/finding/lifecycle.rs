//! Whose it is, whether it is still wanted, and whether its secrets are out.

use super::{Check, Evidence, Subject, listed, span};
use crate::domain::{BotState, Family, HoldingState, Identity, IdentityState};

/// Anything with which it can act by itself or for somebody: credentials and grants.
fn armed(subject: &Subject<'_>) -> bool {
    subject.live().any(|holding| matches!(holding.family, Family::Secret | Family::Token | Family::Grant))
}

pub(super) fn owner(evidence: &Evidence<'_>) -> Check {
    let subjects = evidence.subjects();
    let armed = subjects.iter().any(armed);
    if !armed {
        let unlisted = subjects.iter().find_map(Subject::unlisted);
        return unlisted.map_or(Check::Clear, Check::CannotEvaluate);
    }
    match evidence.bot.owner.as_ref().filter(|owner| !owner.is_empty()) {
        None => Check::Fires("it holds live credentials, and nobody is named as its owner".to_owned()),
        Some(_) => Check::blind("no directory tells whether its owner is still there"),
    }
}

pub(super) fn dormant(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    if !armed(subject) {
        return subject.clear();
    }
    match subject.last_event().map(|at| evidence.since(at)) {
        None => Check::blind("its provider tells of no use"),
        Some(silent) if silent > evidence.policy.dormant => {
            Check::Fires(format!("nothing was seen of it for {}, and it can still act", span(silent)))
        }
        Some(_) => Check::Clear,
    }
}

pub(super) fn retired(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let is_retired = |identity: &Identity| matches!(identity.state, IdentityState::Gated | IdentityState::Gone);
    if subject.reading.is_none() {
        return Check::blind("it has not been read");
    }
    if !is_retired(subject.identity) {
        return Check::Clear;
    }
    if evidence.state == BotState::Isolating {
        return Check::blind("it is being isolated");
    }
    let live: Vec<String> = subject.live().map(|holding| holding.name.shown()).collect();
    if !live.is_empty() {
        return Check::Fires(format!("it reads as shut, and still usable: {}", listed(&live)));
    }
    if subject.held().any(|holding| holding.state == HoldingState::Unlisted) {
        return Check::blind("it may hold something that no API lists");
    }
    match (subject.unlisted(), evidence.isolation) {
        (Some(why), _) => Check::CannotEvaluate(why),
        (None, Some(_)) => Check::Clear,
        (None, None) => Check::blind("when it was shut is not known, nor whether it was used after"),
    }
}

pub(super) fn grant_of_the_gone(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let any = subject.live().any(|holding| holding.family == Family::Grant || holding.on_behalf_of.is_some());
    subject.blind_if(any, "no directory tells whether the people who delegated to it are still there")
}

pub(super) fn leaked(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let handed: Vec<_> = subject.held().filter(|holding| holding.leaked).collect();
    let live = handed.iter().filter(|holding| holding.state != HoldingState::Gated);
    let names: Vec<String> = live.map(|holding| holding.name.shown()).collect();
    if !names.is_empty() {
        return Check::Fires(format!("handed over as leaked and still usable: {}", listed(&names)));
    }
    subject.blind_if(handed.is_empty(), "no leak report names a secret of it: hand one over to have it looked up")
}

pub(super) fn misplaced(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let any = subject.credentials().any(|holding| holding.family == Family::Secret);
    subject.blind_if(any, "where copies of its secrets are kept is not read")
}

pub(super) fn leaked_and_used(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let any = subject.held().any(|holding| holding.leaked);
    let why = if any { "when the secret got out is not known" } else { "no leak report names a secret of it" };
    subject.blind_if(any || subject.credentials().next().is_some(), why)
}

pub(super) fn echoed(_: &Evidence<'_>, _: &Subject<'_>) -> Check {
    Check::blind("what it says is not read")
}

//! How long its credentials live and how old they are.

use super::{
    Check, Evidence, Subject,
    access::token_life,
    kind::{self, Kind},
    listed, span,
};
use crate::domain::{Family, Holding, Untrusted};

pub(super) fn never_expires(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let endless: Vec<&Holding> = subject.credentials().filter(|holding| holding.expires_at.is_none()).collect();
    let told = endless.iter().filter(|holding| kind::tells_end(holding));
    let names: Vec<String> = told.map(|holding| holding.name.shown()).collect();
    if !names.is_empty() {
        return Check::Fires(format!("no end is set for {}", listed(&names)));
    }
    subject.blind_if(!endless.is_empty(), "its provider does not tell when its credentials end")
}

pub(super) fn overdue(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let secrets: Vec<&Holding> = subject.credentials().filter(|holding| holding.family == Family::Secret).collect();
    let limit = |holding: &Holding| match kind::of(holding) {
        Some(Kind::Key) => evidence.policy.rotate_certificate,
        _ => evidence.policy.rotate_secret,
    };
    let overdue: Vec<String> = secrets
        .iter()
        .filter_map(|holding| {
            let age = evidence.since(holding.issued_at?);
            (age > limit(holding)).then(|| format!("{} ({} old)", holding.name.shown(), span(age)))
        })
        .collect();
    if !overdue.is_empty() {
        return Check::Fires(format!("not rotated in time: {}", listed(&overdue)));
    }
    let unknown = secrets.iter().any(|holding| holding.issued_at.is_none());
    subject.blind_if(unknown, "its provider does not tell when its secrets were made")
}

pub(super) fn too_long(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let policy = evidence.policy;
    if let Some((life, source)) = token_life(subject).filter(|(life, _)| *life > policy.access_life) {
        let source = Untrusted::new(source).shown();
        return Check::Fires(format!("access tokens live {} ({source})", span(life)));
    }
    let refresh: Vec<&Holding> = subject.credentials().filter(|one| kind::of(one) == Some(Kind::Refresh)).collect();
    let life = |holding: &Holding| Some(holding.expires_at?.duration_since(holding.issued_at?));
    let long = refresh.iter().filter(|holding| life(holding).is_some_and(|life| life > policy.refresh_life));
    let long: Vec<String> = long.map(|holding| holding.name.shown()).collect();
    if !long.is_empty() {
        return Check::Fires(format!(
            "it can be refreshed for more than {}: {}",
            span(policy.refresh_life),
            listed(&long)
        ));
    }
    // An access token whose life no residual tells, and what can be refreshed until nobody says when.
    let access = subject.credentials().any(|one| kind::of(one) == Some(Kind::Access)) && token_life(subject).is_none();
    let strange = subject.credentials().any(|one| one.family == Family::Token && kind::of(one).is_none());
    let unknown = access || strange || refresh.iter().any(|holding| life(holding).is_none());
    subject.blind_if(unknown, "its provider does not tell how long its tokens live")
}

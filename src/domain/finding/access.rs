//! What it may do, by which way in, and through whom.

use super::{
    Check, Evidence, Subject,
    evidence::words,
    kind::{self, Kind},
    listed, span,
};
use crate::domain::{Family, Level, Residual, Scope, Untrusted};

pub(super) fn third_party(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    subject.blind_if(subject.connectors().next().is_some(), "who publishes its connectors is not read")
}

pub(super) fn vendor_incident(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    subject.blind_if(subject.connectors().next().is_some(), "no list of vendors' incidents is read")
}

pub(super) fn unapproved(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    subject.blind_if(subject.connectors().next().is_some(), "which connectors are approved is not read")
}

pub(super) fn weak_way_in(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let weak = subject.credentials().filter(|holding| kind::of(holding) == Some(Kind::Password));
    let weak: Vec<String> = weak.map(|holding| holding.name.shown()).collect();
    if !weak.is_empty() {
        return Check::Fires(format!("it is opened by {}, where a key bound to it could be used", listed(&weak)));
    }
    if subject.credentials().any(|holding| kind::of(holding).is_none()) {
        return Check::blind("of what kind its credentials are is not told");
    }
    // A client of an identity provider may have a flow without a secret, which is no holding.
    let any = subject.credentials().next().is_some();
    subject.blind_if(any, "by which flows it may log in is not read")
}

pub(super) fn any_audience(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let token = |kind: Option<Kind>| matches!(kind, None | Some(Kind::Access | Kind::Refresh | Kind::ApiKey));
    let any = subject.credentials().any(|holding| token(kind::of(holding)));
    subject.blind_if(any, "for whom its tokens are good is not read")
}

/// The residual that ends last; one without an end before all others.
fn longest<'a>(subject: &Subject<'a>) -> Option<&'a Residual> {
    let residual = &subject.reading?.residual;
    residual.iter().max_by_key(|one| (one.lifetime_ms.is_none() && one.until.is_none(), one.lifetime_ms))
}

/// How long what cannot be called back lives, where it is known.
pub(super) fn token_life(subject: &Subject<'_>) -> Option<(jiff::SignedDuration, String)> {
    let longest = longest(subject)?;
    Some((jiff::SignedDuration::from_millis(longest.lifetime_ms?), longest.source.clone()))
}

pub(super) fn cannot_revoke(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let Some(reading) = subject.reading else { return Check::blind("it has not been read") };
    let Some(residual) = longest(subject) else {
        // No residual is said only where nothing can be out, or where there are no such tokens at all.
        let gap = reading.gaps.iter().any(|gap| gap.class.as_deref() == Some("residual"));
        return if gap { Check::blind("how long its tokens live could not be read") } else { Check::Clear };
    };
    let what = Untrusted::new(residual.what.as_str()).shown();
    match (residual.lifetime_ms.map(jiff::SignedDuration::from_millis), residual.until) {
        (Some(life), _) if life > evidence.policy.access_life => {
            let source = Untrusted::new(residual.source.as_str()).shown();
            Check::Fires(format!("{what} outlive every cut by up to {} ({source})", span(life)))
        }
        (None, Some(until)) if evidence.since(until).abs() > evidence.policy.access_life && until > evidence.now => {
            Check::Fires(format!("{what} outlive every cut until {until}"))
        }
        (Some(_), _) | (None, Some(_)) => Check::Clear,
        (None, None) => Check::blind("how long what outlives a cut lives is not told"),
    }
}

pub(super) fn unused(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let count = subject.scopes().len();
    if count == 0 {
        return subject.clear();
    }
    match subject.last_event().map(|at| evidence.since(at)) {
        // Who did nothing at all used none of them.
        Some(silent) if silent > evidence.policy.dormant => {
            let scopes = if count == 1 { "its scope".to_owned() } else { format!("any of its {count} scopes") };
            Check::Fires(format!("nothing tells of a use of {scopes} for {}", span(silent)))
        }
        _ => Check::blind("its log does not tell which scope an event used"),
    }
}

/// Whether a scope is more than any single job needs.
fn is_sweeping(scope: &Scope) -> bool {
    let verb = scope.verb.raw().to_lowercase();
    scope.level == Level::Admin
        || verb.contains('*')
        || verb.rsplit_once('.').is_some_and(|(_, last)| last == "all")
        || verb.contains("full_access")
        || verb.contains("full-access")
        || words(&verb).any(|word| word.starts_with("admin") || word == "owner")
}

fn phrase(scope: &Scope) -> String {
    format!("{} on {}", scope.verb.shown(), scope.resource.shown())
}

fn phrases<'a>(scopes: impl Iterator<Item = &'a Scope>) -> Vec<String> {
    let mut phrases: Vec<String> = scopes.map(phrase).collect();
    // The same right by two ways is one right.
    phrases.dedup();
    phrases
}

pub(super) fn sweeping(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let scopes = phrases(subject.scopes().into_iter().filter(|scope| is_sweeping(scope)));
    if scopes.is_empty() { subject.clear() } else { Check::Fires(format!("it holds {}", listed(&scopes))) }
}

pub(super) fn re_arms(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let scopes = phrases(subject.scopes().into_iter().filter(|scope| scope.mint));
    if scopes.is_empty() {
        return subject.clear();
    }
    Check::Fires(format!("it can make new credentials or identities with {}", listed(&scopes)))
}

/// Whether a scope has one of these words in its verb or resource.
fn says(scope: &Scope, list: &[&str]) -> bool {
    let has = |text: &Untrusted| words(text.raw()).any(|word| list.iter().any(|wanted| word.starts_with(wanted)));
    has(&scope.verb) || has(&scope.resource)
}

fn manages_identities(scope: &Scope) -> bool {
    scope.level == Level::Admin
        && (scope.mint || says(scope, &["users", "roles", "identit", "createrole", "superuser"]))
}

fn reads_secrets(scope: &Scope) -> bool {
    says(scope, &["secret", "vault", "credential", "password"]) || scope.verb.raw() == "view-clients"
}

fn sends(scope: &Scope) -> bool {
    says(scope, &["send", "mail", "smtp", "sms", "webhook", "publish", "post"])
}

fn deletes_logs(scope: &Scope) -> bool {
    super::changes(scope.level)
        && says(scope, &["log", "audit", "event"])
        && says(scope, &["delete", "manage", "purge"])
}

/// Pairs that no single identity should hold. What is sensitive is told by nobody, so a pair that hangs on it is
/// either ruled out by its other half or cannot be evaluated.
pub(super) fn toxic(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let scopes = subject.scopes();
    let pair = |one: fn(&Scope) -> bool, other: fn(&Scope) -> bool| {
        let mut pairs = scopes.iter().filter(|scope| one(scope)).flat_map(|scope| {
            let others =
                scopes.iter().filter(|second| (&second.verb, &second.resource) != (&scope.verb, &scope.resource));
            others.filter(|second| other(second)).map(move |second| (phrase(scope), phrase(second)))
        });
        pairs.next()
    };
    let fires = |(one, other): (String, String)| Check::Fires(format!("it holds both {one} and {other}"));
    let production = evidence.is_production();
    if let Some(found) = pair(reads_secrets, sends) {
        return fires(found);
    }
    if let Some(found) = pair(manages_identities, |scope| super::changes(scope.level)) {
        match production {
            Some(true) => return fires(found),
            Some(false) => {}
            None => return Check::blind("whether it works in production is not told"),
        }
    }
    let hangs = pair(sends, |_| true).or_else(|| pair(deletes_logs, |_| true)).is_some();
    subject.blind_if(hangs, "which of the data that it reads is sensitive is not told")
}

pub(super) fn wide_trust(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let any = subject.connectors().any(|holding| holding.id.class().contains("trust"));
    subject.blind_if(any, "whom its federated trust admits is not read")
}

pub(super) fn static_key(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let any = subject
        .credentials()
        .filter(|holding| holding.family == Family::Secret)
        .any(|holding| matches!(kind::of(holding), None | Some(Kind::ApiKey)));
    subject.blind_if(any, "whether its keys are kept in a pipeline is not read")
}

//! Where it reaches across what should be apart: environments, identities, workloads.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Check, Evidence, Subject, evidence::environment_of, listed, span};
use crate::domain::{Family, Untrusted};

/// Environments that its scopes name, each with a scope that does.
fn named(subject: &Subject<'_>) -> BTreeMap<&'static str, String> {
    let mut named = BTreeMap::new();
    for scope in subject.scopes() {
        for text in [&scope.resource, &scope.verb] {
            if let Some(environment) = environment_of(text.raw()) {
                named.entry(environment).or_insert_with(|| text.shown());
            }
        }
    }
    named
}

pub(super) fn crosses(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let own = evidence.bot.environment.as_ref().and_then(|text| environment_of(text.raw()));
    let mut reached = named(subject);
    if let Some(own) = own {
        reached.entry(own).or_insert_with(|| "the bot itself".to_owned());
    }
    if reached.len() > 1 {
        let places: Vec<String> = reached.iter().map(|(place, by)| format!("{place} ({by})")).collect();
        return Check::Fires(format!("it reaches {}", listed(&places)));
    }
    let shared = evidence.shared.iter().filter(|shared| shared.holding.identity() == &subject.identity.id);
    for shared in shared {
        let other = shared.environment.as_ref().and_then(|text| environment_of(text.raw()));
        if let (Some(own), Some(other)) = (own, other)
            && own != other
        {
            return Check::Fires(format!("one secret opens it in {own} and {} in {other}", shared.whom()));
        }
    }
    subject.blind_if(!subject.scopes().is_empty(), "its scopes do not tell in which environment they are")
}

pub(super) fn reaches_production(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    match evidence.is_production() {
        Some(true) => Check::Clear,
        Some(false) => {
            let any = !subject.scopes().is_empty();
            subject.blind_if(any, "which of its data is confidential is not told")
        }
        None => Check::blind("in which environment it works is not told"),
    }
}

pub(super) fn shared(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let mine = evidence.shared.iter().filter(|shared| shared.holding.identity() == &subject.identity.id);
    let whom: BTreeSet<String> = mine.map(super::Shared::whom).collect();
    if !whom.is_empty() {
        let whom: Vec<String> = whom.into_iter().collect();
        return Check::Fires(format!("a secret of it opens {} too", listed(&whom)));
    }
    let secrets = || subject.credentials().filter(|holding| holding.family == Family::Secret);
    subject
        .blind_if(secrets().any(|one| one.fingerprint.is_none()), "not every secret of it has a fingerprint to compare")
}

/// The network of an address: /24, or /48 of IPv6. What is no address stands for itself.
fn network(from: &Untrusted) -> String {
    match from.raw().parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => from.shown(),
    }
}

/// What it did for a user may come from wherever the user is: only what it did by itself tells of workloads.
pub(super) fn many_workloads(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let recent = || {
        let events = subject.activity().iter().filter(|event| event.on_behalf_of.is_none() && event.succeeded());
        events.filter(|event| evidence.since(event.at) <= evidence.policy.workloads_within)
    };
    let networks: BTreeSet<String> = recent().filter_map(|event| event.from.as_ref()).map(network).collect();
    if networks.len() > 1 {
        let networks: Vec<String> = networks.into_iter().collect();
        return Check::Fires(format!(
            "within {} it acted from {}",
            span(evidence.policy.workloads_within),
            listed(&networks)
        ));
    }
    let silent = recent().next().is_none() && subject.last_event().is_some();
    if silent { Check::Clear } else { Check::blind("its log does not tell which program acted") }
}

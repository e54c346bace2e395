//! What it does: by whose hand, seen by whom, and whether it is out of the ordinary.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Check, Evidence, Subject, evidence::words, kind, listed, span};
use crate::domain::{Activity, BotState, Family, IdentityKind, IdentityState, Level};

/// Actions with which people come in.
const BY_HAND: [&str; 3] = ["LOGIN", "CODE_TO_TOKEN", "OAUTH2_DEVICE_CODE_TO_TOKEN"];
/// How long somebody has to have acted without a break before silence means something.
const STEADY: SignedDuration = SignedDuration::from_mins(60);
/// Events that say anything about a habit.
const FEW: usize = 8;

pub(super) fn human(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let own = matches!(subject.identity.kind, IdentityKind::ServiceAccount | IdentityKind::WorkloadCredential);
    let event = subject.activity().iter().find(|event| {
        let by_hand = BY_HAND.contains(&event.action.raw());
        own && by_hand && event.on_behalf_of.is_some() && event.succeeded()
    });
    match event {
        Some(event) => {
            let who = event.on_behalf_of.as_ref().map(crate::domain::Untrusted::shown).unwrap_or_default();
            Check::Fires(format!("{who} came in through it by hand ({})", event.action.shown()))
        }
        None => Check::blind("its log does not tell whether a person was at the keyboard"),
    }
}

pub(super) fn as_human(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let for_people = subject.live().any(|one| one.family == Family::Token && one.on_behalf_of.is_some());
    let bare = subject.identity.kind == IdentityKind::ApiToken;
    subject.blind_if(for_people || bare, "whether its users' tokens name it as the actor is not read")
}

pub(super) fn blind_spot(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let Some(reading) = subject.reading else { return Check::blind("it has not been read") };
    let isolated = evidence.isolation.is_some() || !matches!(evidence.state, BotState::Live | BotState::Unknown);
    if isolated || subject.identity.state != IdentityState::Live {
        return Check::Clear;
    }
    if let Some(gap) = reading.gaps.iter().find(|gap| gap.class.as_deref().is_some_and(kind::is_feed)) {
        let what = crate::domain::Untrusted::new(gap.what.as_str()).shown();
        return Check::Fires(format!("what it does could not be read: {what}"));
    }
    let Some(newest) = subject.last_event() else {
        return Check::Fires("it can act, and no event or use of it is known".to_owned());
    };
    let silent = evidence.since(newest);
    if silent <= evidence.policy.newest_event {
        return Check::Clear;
    }
    match steady(subject.activity(), evidence.policy.newest_event) {
        Some(length) => Check::Fires(format!(
            "it acted without a break for {}, and nothing was seen for {}",
            span(length),
            span(silent)
        )),
        None => Check::blind("whether it should be active now is told nowhere"),
    }
}

/// How long it acted without a pause longer than that, up to its newest event; `None`: too little to speak of a habit.
fn steady(events: &[Activity], pause: SignedDuration) -> Option<SignedDuration> {
    let newest = events.first()?.at;
    let breaks = events.windows(2).position(|pair| pair[0].at.duration_since(pair[1].at) > pause);
    let count = breaks.map_or(events.len(), |index| index + 1);
    let length = newest.duration_since(events.get(count - 1)?.at);
    (count >= FEW && length >= STEADY).then_some(length)
}

pub(super) fn new_behaviour(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let (policy, day) = (evidence.policy, SignedDuration::from_hours(24));
    let events = subject.activity();
    let reaches = events.last().is_some_and(|oldest| evidence.since(oldest.at) >= policy.baseline);
    if !reaches {
        return Check::blind("its events do not reach back far enough to know its habits");
    }
    let (new, old): (Vec<&Activity>, Vec<&Activity>) = events.iter().partition(|event| evidence.since(event.at) <= day);
    let known: BTreeSet<&str> = old.iter().map(|event| event.action.raw()).collect();
    let strange: BTreeSet<String> =
        new.iter().filter(|event| !known.contains(event.action.raw())).map(|event| event.action.shown()).collect();
    if !strange.is_empty() {
        let strange: Vec<String> = strange.into_iter().collect();
        return Check::Fires(format!("not seen of it in {}: {}", span(policy.baseline), listed(&strange)));
    }
    let usual = percentile(&old, evidence.now, policy.baseline);
    if usual > 0 && new.len() > usual * policy.volume_factor {
        let count = new.len();
        return Check::Fires(format!("{count} events within a day, where {usual} are the most on nearly every day"));
    }
    Check::blind("at what hours it should be active is told nowhere")
}

/// How many events a day had on 95 of 100 days of the baseline, days without any counted.
fn percentile(old: &[&Activity], now: Timestamp, baseline: SignedDuration) -> usize {
    let days = baseline.as_hours() / 24;
    let mut counts: BTreeMap<i64, usize> = (1..=days).map(|day| (day, 0)).collect();
    for event in old {
        if let Some(count) = counts.get_mut(&(now.duration_since(event.at).as_hours() / 24)) {
            *count += 1;
        }
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable();
    counts.get((counts.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0)
}

pub(super) fn take_out(evidence: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let policy = evidence.policy;
    let is_bulk = |event: &&Activity| {
        event.succeeded()
            && (Level::from_words(event.action.raw()) == Level::Export
                || words(event.action.raw()).any(|word| word == "copy" || word == "list"))
    };
    let bulk: Vec<&Activity> = subject.activity().iter().filter(is_bulk).collect();
    // Newest first: as many events as that within the time, wherever the time begins.
    let burst = bulk.windows(policy.bulk_events + 1).find(|window| {
        let (newest, oldest) = (window[0].at, window[policy.bulk_events].at);
        newest.duration_since(oldest) <= policy.bulk_within
    });
    match burst {
        Some(burst) => Check::Fires(format!("{} bulk reads within {}", burst.len(), span(policy.bulk_within))),
        None => Check::blind("its log does not tell how much an event took out"),
    }
}

pub(super) fn covers_tracks(_: &Evidence<'_>, subject: &Subject<'_>) -> Check {
    let covers = |event: &&Activity| {
        let said: Vec<String> = words(event.action.raw()).collect();
        let says = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
        says(&["delete", "purge", "stop", "clear", "truncate", "disable"])
            && says(&["log", "logs", "audit", "event", "events", "query", "job", "jobs", "history"])
    };
    if let Some(event) = subject.activity().iter().find(covers) {
        return Check::Fires(format!("it did {} at {}", event.action.shown(), event.at));
    }
    if subject.activity().is_empty() {
        return Check::blind("no event of it is known");
    }
    let admin = subject.scopes().iter().any(|scope| scope.level == Level::Admin);
    if admin { Check::blind("what it did as an administrator is not in the log that is read") } else { Check::Clear }
}

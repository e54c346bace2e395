//! Watching a bot after it went dark: what counts as a contradiction, how long and how often it is looked at. Pure.
//!
//! ```text
//! op.end ─▶ read, compare, use what leaked ─▶ nothing ─▶ pause ─▶ … ─▶ residual over: residual.dark ─▶ time is over
//!                  └─▶ usable, used, or new ─▶ contradiction (once each) ─▶ the plan is open again
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Activity, Contradiction, Fingerprint, HoldingId, HoldingState, Identity, IdentityId, Outcome, ReadingSet, Residual,
    StepId,
};
use crate::journal::Operation;

/// How long a bot is watched after its isolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hold {
    /// Not at all.
    #[default]
    No,
    /// For so long; the order's end waits for it.
    For(Duration),
    /// Until the last residual and the propagation window are over, at least [`WATCH_AT_LEAST`]. Nobody waits for it.
    AsNeeded,
}

/// A console watches at least so long: whoever is quick to enable a bot again, or runs a tool that does, does it in
/// the first minutes.
pub const WATCH_AT_LEAST: Duration = Duration::from_mins(5);
/// Between two looks in the first minute, up to the fifth, and from then on: the reads stay few.
const PAUSES: [(Duration, Duration); 2] =
    [(Duration::from_mins(1), Duration::from_secs(5)), (Duration::from_mins(5), Duration::from_secs(10))];
const LATER: Duration = Duration::from_secs(30);

/// Between two uses of what leaked: a use is a login that was refused, in the provider's log.
const USES: Duration = Duration::from_secs(30);

/// Whether what leaked is used in a look so long after the first: the strike has just used it, so not in that one; then
/// now and then; and in any case when the access that outlives the cut, or the watch itself, is over.
pub(super) fn uses(since: Duration, last: Option<Duration>, something_ends: bool) -> bool {
    let after = since.saturating_sub(last.unwrap_or_default());
    !after.is_zero() && (something_ends || after >= USES)
}

/// How long to wait for the next look, so long after the first.
pub(super) fn pause(since: Duration) -> Duration {
    PAUSES.iter().find(|(until, _)| since < *until).map_or(LATER, |(_, pause)| *pause)
}

/// Until when an operation that ended dark is watched.
pub(super) fn watched_until(operation: &Operation, propagation: Duration) -> Option<Timestamp> {
    let end = operation.ended.as_ref().filter(|end| matches!(end.outcome, Outcome::Dark | Outcome::DarkAt { .. }))?;
    let least = later(end.at, WATCH_AT_LEAST);
    Some(residual_ends(&operation.residual).map_or(least, |last| last.max(least))).map(|at| later(at, propagation))
}

/// When the last residual ends.
pub(super) fn residual_ends(residual: &[Residual]) -> Option<Timestamp> {
    residual.iter().filter_map(|one| one.until).max()
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(at)
}

/// What an operation's bot must not be able to use: what was claimed, what the strike read, and what those made.
pub(super) fn watched(operation: &Operation, readings: &ReadingSet) -> Vec<Identity> {
    let mut all: Vec<Identity> = Vec::new();
    let read = operation.snapshot.iter().map(|reading| &reading.identity);
    let children = readings.iter().flat_map(|reading| &reading.children);
    for identity in read.chain(&operation.identities).chain(children) {
        if !all.iter().any(|known| known.id == identity.id) {
            all.push(identity.clone());
        }
    }
    all
}

/// What was there when the watch began.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    holdings: BTreeMap<HoldingId, Option<Fingerprint>>,
    identities: BTreeSet<IdentityId>,
}

impl Baseline {
    /// Of readings.
    pub fn of(readings: &ReadingSet) -> Self {
        let there = readings.holdings().filter(|holding| is_there(holding.state));
        let children = readings.iter().flat_map(|reading| &reading.children).map(|child| child.id.clone());
        Self {
            holdings: there.map(|holding| (holding.id.clone(), holding.fingerprint.clone())).collect(),
            identities: readings.iter().map(|reading| reading.identity.id.clone()).chain(children).collect(),
        }
    }

    /// Takes in identities that were read for the first time and that the strike knew: they are no news.
    pub fn learn(&mut self, readings: &ReadingSet, known: &[Identity]) {
        for reading in readings.iter() {
            let id = &reading.identity.id;
            if !self.identities.contains(id) && known.iter().any(|identity| identity.id == *id) {
                let more = Self::of(&ReadingSet::from_iter([reading.clone()]));
                self.holdings.extend(more.holdings);
                self.identities.extend(more.identities);
            }
        }
    }

    /// What is there now and was not, usable or not: somebody is at work on a bot that is to be dark.
    pub fn appeared(&self, readings: &ReadingSet) -> Vec<Contradiction> {
        let mut found = Vec::new();
        for holding in readings.holdings().filter(|holding| is_there(holding.state)) {
            let what = match self.holdings.get(&holding.id) {
                None => "appeared after dark",
                Some(before) if *before != holding.fingerprint => "was replaced after dark",
                Some(_) => continue,
            };
            let step = StepId::new(holding.id.to_string());
            found.push(Contradiction { step, what: format!("{} {what}", holding.name.shown()) });
        }
        for child in readings.iter().flat_map(|reading| &reading.children) {
            if !self.identities.contains(&child.id) {
                let what = format!("{} was made after dark", child.name.shown());
                found.push(Contradiction { step: StepId::new(child.id.to_string()), what });
            }
        }
        found
    }
}

const fn is_there(state: HoldingState) -> bool {
    matches!(state, HoldingState::Live | HoldingState::Gated)
}

/// What an identity got done after a second of its provider's clock. The newest is told, with how many there were.
pub(super) fn used(identity: &Identity, activity: &[Activity], cut_second: i64) -> Option<Contradiction> {
    let after = |one: &&Activity| one.succeeded() && one.at.as_second() > cut_second && !ends_something(one);
    let mut found: Vec<&Activity> = activity.iter().filter(after).collect();
    found.sort_by_key(|one| one.at);
    let newest = found.last()?;
    let from = newest.from.as_ref().map(|from| format!(" from {}", from.shown())).unwrap_or_default();
    let more = match found.len() {
        1 => String::new(),
        count => format!(" ({count} in all)"),
    };
    Some(Contradiction {
        step: StepId::new(format!("{}/used/{}", identity.id, newest.at.as_millisecond())),
        what: format!("{} got {} done at {:.0}{from}{more}", identity.name.shown(), newest.action.shown(), newest.at),
    })
}

/// An end that a log files under the bot is none of its deeds: a user signs out, a consent is taken back.
fn ends_something(activity: &Activity) -> bool {
    let word = activity.action.raw().to_ascii_uppercase();
    word.starts_with("LOGOUT") || word.starts_with("REVOKE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdentityKind, IdentityState, ProviderName};

    fn identity() -> Identity {
        Identity::new(
            IdentityId::new(ProviderName::new("sso"), "bot"),
            "bot",
            IdentityKind::ServiceAccount,
            IdentityState::Gated,
        )
    }

    fn did(second: i64, action: &str, outcome: &str) -> Activity {
        Activity {
            at: Timestamp::from_second(second).unwrap(),
            action: action.into(),
            resource: None,
            on_behalf_of: None,
            session: None,
            from: Some("203.0.113.7".into()),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn only_a_success_of_a_later_second_is_a_use() {
        for (activity, used_at) in [
            (vec![did(100, "CLIENT_LOGIN", "success")], None),
            (vec![did(101, "CLIENT_LOGIN", "client_disabled")], None),
            (vec![did(101, "LOGOUT", "success"), did(102, "REVOKE_GRANT", "success")], None),
            (vec![did(101, "REFRESH_TOKEN", "success")], Some("101000")),
            (vec![did(103, "CLIENT_LOGIN", "success"), did(101, "CLIENT_LOGIN", "success")], Some("103000")),
        ] {
            let found = used(&identity(), &activity, 100).map(|one| one.step.to_string());
            assert_eq!(found.as_deref().and_then(|step| step.rsplit('/').next()), used_at, "{activity:?}");
        }
    }

    #[test]
    fn what_leaked_is_used_now_and_then_and_when_something_ends() {
        let seconds = Duration::from_secs;
        for (since, last, ends, used) in [
            (0, None, true, false),
            (5, None, false, false),
            (5, None, true, true),
            (30, None, false, true),
            (35, Some(30), false, false),
            (60, Some(30), false, true),
            (60, Some(60), true, false),
        ] {
            assert_eq!(uses(seconds(since), last.map(seconds), ends), used, "{since} {last:?} {ends}");
        }
    }

    #[test]
    fn looks_grow_rarer() {
        let pauses = [0, 59, 60, 299, 300, 3600].map(|second| pause(Duration::from_secs(second)).as_secs());
        assert_eq!(pauses, [5, 5, 10, 10, 30, 30]);
    }
}

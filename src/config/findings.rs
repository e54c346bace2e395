//! `[findings]`: the thresholds of the rules.

use jiff::SignedDuration;

use super::{
    ConfigError,
    section::{Located, Section},
};
use crate::domain::Policy;

/// One threshold: what it is called, what it may be, and what it sets.
struct Threshold {
    key: &'static str,
    /// The greatest value; the least is 1.
    most: u32,
    set: fn(&mut Policy, u32),
}

/// Longer than ten years is no threshold any more.
const MOST_DAYS: u32 = 3650;
/// A day, in minutes.
const DAY: u32 = 24 * 60;

const fn threshold(key: &'static str, most: u32, set: fn(&mut Policy, u32)) -> Threshold {
    Threshold { key, most, set }
}

/// Every threshold that a file can set; how many other bots an isolation may hit is `[console].collateral_cap`.
const THRESHOLDS: [Threshold; 11] = [
    threshold("dormant_days", MOST_DAYS, |policy, value| policy.dormant = days(value)),
    threshold("rotate_secret_days", MOST_DAYS, |policy, value| policy.rotate_secret = days(value)),
    threshold("rotate_certificate_days", MOST_DAYS, |policy, value| policy.rotate_certificate = days(value)),
    threshold("access_token_minutes", 365 * DAY, |policy, value| policy.access_life = minutes(value)),
    threshold("refresh_token_days", MOST_DAYS, |policy, value| policy.refresh_life = days(value)),
    threshold("newest_event_minutes", 365 * DAY, |policy, value| policy.newest_event = minutes(value)),
    threshold("baseline_days", MOST_DAYS, |policy, value| policy.baseline = days(value)),
    threshold("volume_factor", 1000, |policy, value| policy.volume_factor = count(value)),
    threshold("bulk_reads", 1_000_000, |policy, value| policy.bulk_events = count(value)),
    threshold("bulk_minutes", DAY, |policy, value| policy.bulk_within = minutes(value)),
    threshold("workload_minutes", 30 * DAY, |policy, value| policy.workloads_within = minutes(value)),
];

fn days(count: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(count) * 24)
}

fn minutes(count: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(count))
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The names of all of them.
pub(super) fn keys() -> Vec<&'static str> {
    THRESHOLDS.iter().map(|one| one.key).collect()
}

/// What one file sets: key and value, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Thresholds(Vec<(usize, Located<u32>)>);

/// Reads the table.
pub(super) fn read(section: &Section<'_>) -> Result<Thresholds, ConfigError> {
    let mut set = Vec::new();
    for (at, one) in THRESHOLDS.iter().enumerate() {
        set.extend(section.number(one.key, 1..=one.most)?.map(|value| (at, value)));
    }
    Ok(Thresholds(set))
}

impl Thresholds {
    /// Puts its values into the policy.
    pub(super) fn apply(&self, policy: &mut Policy) {
        for (at, value) in &self.0 {
            (THRESHOLDS[*at].set)(policy, value.value);
        }
    }

    /// The first value that is another one than the same of `other`.
    pub(super) fn differing(&self, other: &Self) -> Option<(&'static str, &Located<u32>)> {
        let theirs = |at: usize| other.0.iter().find(|(other, _)| *other == at).map(|(_, value)| value.value);
        let mut differing = self.0.iter().filter(|(at, value)| theirs(*at).is_some_and(|other| other != value.value));
        differing.next().map(|(at, value)| (THRESHOLDS[*at].key, value))
    }
}

//! `[findings]`: the thresholds of the rules, and `[[findings.suppress]]`: what a house lives with for a while.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    ConfigError, Notice,
    error::suggestion,
    section::{Located, Section},
};
use crate::domain::{BotName, Policy, RULES, Rule, Suppression, Untrusted};

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

/// The names of all thresholds.
pub(super) fn thresholds() -> Vec<&'static str> {
    THRESHOLDS.iter().map(|one| one.key).collect()
}

/// Every key of the table.
pub(super) fn keys() -> Vec<&'static str> {
    thresholds().into_iter().chain(["suppress"]).collect()
}

/// What one file sets: key and value, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Thresholds {
    set: Vec<(usize, Located<u32>)>,
    suppress: Vec<Suppression>,
}

/// Reads the table.
pub(super) fn read(section: &Section<'_>) -> Result<Thresholds, ConfigError> {
    let mut set = Vec::new();
    for (at, one) in THRESHOLDS.iter().enumerate() {
        set.extend(section.number(one.key, 1..=one.most)?.map(|value| (at, value)));
    }
    let keys = ["rule", "bot", "until", "reason"];
    let suppress = section.tables("suppress", "[[findings.suppress]]", &keys)?;
    let suppress = suppress.iter().map(suppression).collect::<Result<_, _>>()?;
    Ok(Thresholds { set, suppress })
}

/// Nothing is suppressed for longer than a leap year, and so for good.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

fn suppression(section: &Section<'_>) -> Result<Suppression, ConfigError> {
    let id = section.required("rule")?;
    let Some(rule) = Rule::of(&id.value) else {
        let ids: Vec<String> = RULES.iter().map(Rule::id).collect();
        let near = suggestion(&id.value, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        let shown = Untrusted::new(id.value).shown_in(60);
        return Err(section.error(&id.at, format!("no rule is named {shown}: {near}")));
    };
    if !rule.can_be_suppressed() {
        return Err(section.error(&id.at, format!("{} tells of an isolation and is never suppressed", rule.id())));
    }
    let bot = section.required("bot")?;
    let until = section.required("until")?;
    let Some(end) = instant(&until.value) else {
        let what = "until is no day and no instant: write \"2026-12-31\" or \"2026-12-31T12:00:00Z\"";
        return Err(section.error(&until.at, what));
    };
    if end.duration_since(Timestamp::now()) > LONGEST {
        return Err(section.error(&until.at, "until is more than a year ahead: nothing is suppressed for good"));
    }
    let reason = section.required("reason")?.value;
    Ok(Suppression { rule, bot: BotName::new(bot.value), until: end, reason: reason.into() })
}

/// An instant, or the end of a day.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let after = text.parse::<Date>().ok()?.tomorrow().ok()?;
        format!("{after}T00:00:00Z").parse().ok()
    })
}

impl Thresholds {
    /// Puts its values into the policy.
    pub(super) fn apply(&self, policy: &mut Policy) {
        for (at, value) in &self.set {
            (THRESHOLDS[*at].set)(policy, value.value);
        }
        policy.suppress.extend(self.suppress.iter().cloned());
    }

    /// The first value that is another one than the same of `other`.
    pub(super) fn differing(&self, other: &Self) -> Option<(&'static str, &Located<u32>)> {
        let theirs = |at: usize| other.set.iter().find(|(other, _)| *other == at).map(|(_, value)| value.value);
        let mut differing = self.set.iter().filter(|(at, value)| theirs(*at).is_some_and(|other| other != value.value));
        differing.next().map(|(at, value)| (THRESHOLDS[*at].key, value))
    }
}

/// What counts again: somebody should look at it once more, and take the entry out.
pub(super) fn over(policy: &Policy) -> Vec<Notice> {
    let now = Timestamp::now();
    let over = policy.suppress.iter().filter(|one| one.until <= now);
    let notice = |one: &Suppression| {
        let (rule, bot) = (one.rule.id(), one.bot.shown());
        Notice::new(format!("{rule} of {bot} was suppressed until {}: it counts again", one.until))
    };
    over.map(notice).collect()
}

//! What the rules are told: everything that was read, nothing that was guessed.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Check, Severity, Suppression, changes, kind};
use crate::domain::{
    Activity, Bot, BotName, BotState, Family, Fingerprint, Holding, HoldingId, HoldingState, Identity, IdentityId,
    Plan, Reading, ReadingSet, Scope, Untrusted,
};

/// Thresholds of the rules; the configuration may set each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Silence after which an armed identity counts as dormant, and a scope as unused.
    pub dormant: SignedDuration,
    /// The greatest age of a key or secret.
    pub rotate_secret: SignedDuration,
    /// The greatest age of a certificate's key.
    pub rotate_certificate: SignedDuration,
    /// The longest life of an access token.
    pub access_life: SignedDuration,
    /// The longest life of a refresh token.
    pub refresh_life: SignedDuration,
    /// The greatest age of the newest event of an identity that is known to act all the time.
    pub newest_event: SignedDuration,
    /// How far back a baseline of behaviour reaches.
    pub baseline: SignedDuration,
    /// Times the baseline's 95th percentile that count as unusual.
    pub volume_factor: usize,
    /// How many bulk reads within `bulk_within` are a take-out.
    pub bulk_events: usize,
    /// In which time.
    pub bulk_within: SignedDuration,
    /// Within which several places of origin are several workloads.
    pub workloads_within: SignedDuration,
    /// How many other identities a plan may hit before a second person is due.
    pub collateral: usize,
    /// What the house has decided to live with for a while.
    pub suppress: Vec<Suppression>,
}

impl Default for Policy {
    fn default() -> Self {
        let days = |days: i64| SignedDuration::from_hours(days * 24);
        Self {
            dormant: days(90),
            rotate_secret: days(90),
            rotate_certificate: days(365),
            access_life: SignedDuration::from_mins(60),
            refresh_life: days(30),
            newest_event: SignedDuration::from_mins(10),
            baseline: days(30),
            volume_factor: 5,
            bulk_events: 20,
            bulk_within: SignedDuration::from_mins(15),
            workloads_within: days(1),
            collateral: 3,
            suppress: Vec::new(),
        }
    }
}

/// A secret of this bot that opens another identity too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The holding of this bot.
    pub holding: HoldingId,
    /// Of the secret.
    pub fingerprint: Fingerprint,
    /// The other identity.
    pub identity: IdentityId,
    /// Its name, where it was listed.
    pub name: Option<Untrusted>,
    /// The bot that has it, where one does; it may be this one.
    pub bot: Option<BotName>,
    /// That bot's environment.
    pub environment: Option<Untrusted>,
}

impl Shared {
    /// Whom it opens, for people: the bot, else the identity's name, else its id.
    pub fn whom(&self) -> String {
        let name = || self.name.as_ref().map_or_else(|| self.identity.to_string(), Untrusted::shown);
        self.bot.as_ref().map_or_else(name, BotName::shown)
    }
}

/// The newest isolation of a bot, as its journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    /// When it was first claimed.
    pub started_at: Timestamp,
    /// When it ended with everything that could be proved dead proved dead.
    pub verified_at: Option<Timestamp>,
    /// What was found usable after it was called cut, in sentences.
    pub alive: Vec<String>,
}

/// Everything that is known of one bot.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Name, owner, environment.
    pub bot: &'a Bot,
    /// Where it stands.
    pub state: BotState,
    /// Its identities, as listed.
    pub identities: &'a [Identity],
    /// Their newest readings, children included.
    pub readings: &'a ReadingSet,
    /// What isolating it would do.
    pub plan: &'a Plan,
    /// Its secrets that open other identities too.
    pub shared: &'a [Shared],
    /// Whether one of its identities is the console's own.
    pub is_own: bool,
    /// Its newest isolation, where it is isolated.
    pub isolation: Option<&'a Isolation>,
    /// Thresholds.
    pub policy: &'a Policy,
    /// By the console's clock.
    pub now: Timestamp,
}

impl<'a> Evidence<'a> {
    /// Its identities and what they made, in the order of their ids.
    pub(super) fn subjects(&self) -> Vec<Subject<'a>> {
        let read = self.readings.iter().map(|reading| Subject { identity: &reading.identity, reading: Some(reading) });
        let unread = self.identities.iter().filter(|identity| self.readings.get(&identity.id).is_none());
        let mut all: Vec<_> = read.chain(unread.map(|identity| Subject { identity, reading: None })).collect();
        all.sort_by(|a, b| a.identity.id.cmp(&b.identity.id));
        all
    }

    /// Whether it works in production; `None`: nobody says where it works.
    pub(super) fn is_production(&self) -> Option<bool> {
        let environment = self.bot.environment.as_ref().filter(|text| !text.is_empty())?;
        Some(environment_of(environment.raw()) == Some("production"))
    }

    /// One level worse where an identity in production may change something there.
    pub(super) fn severity(&self, base: Severity, of: Option<&Subject<'_>>) -> Severity {
        let writes = |reading: &Reading| {
            let held = reading.holdings.iter().filter(|holding| holding.state != HoldingState::Gone);
            held.flat_map(|holding| &holding.scopes).any(|scope| changes(scope.level))
        };
        let writes = match of {
            Some(subject) => subject.reading.is_some_and(writes),
            None => self.readings.iter().any(writes),
        };
        if writes && self.is_production() == Some(true) { base.raised() } else { base }
    }

    /// How long ago something was.
    pub(super) fn since(&self, at: Timestamp) -> SignedDuration {
        self.now.duration_since(at)
    }
}

/// One identity of a bot.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// As it was read, else as it was listed.
    pub identity: &'a Identity,
    /// `None`: it has not been read.
    pub reading: Option<&'a Reading>,
}

impl<'a> Subject<'a> {
    /// What it holds and what is not gone.
    pub(super) fn held(&self) -> impl Iterator<Item = &'a Holding> + use<'a> {
        self.reading.into_iter().flat_map(|reading| &reading.holdings).filter(|one| one.state != HoldingState::Gone)
    }

    /// What it holds and can use.
    pub(super) fn live(&self) -> impl Iterator<Item = &'a Holding> + use<'a> {
        self.held().filter(|holding| holding.state == HoldingState::Live)
    }

    /// Secrets, keys, tokens and sessions that are there for sure.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &'a Holding> + use<'a> {
        self.held().filter(|holding| {
            matches!(holding.family, Family::Secret | Family::Token) && holding.state != HoldingState::Unlisted
        })
    }

    /// Installations, trusts, links.
    pub(super) fn connectors(&self) -> impl Iterator<Item = &'a Holding> + use<'a> {
        self.held().filter(|holding| holding.family == Family::Connector)
    }

    /// Different effective scopes.
    pub(super) fn scopes(&self) -> BTreeSet<&'a Scope> {
        self.held().flat_map(|holding| &holding.scopes).collect()
    }

    /// What it did, newest first, as far as the reading has it.
    pub(super) fn activity(&self) -> &'a [Activity] {
        self.reading.map_or(&[], |reading| &reading.activity)
    }

    /// The newest sign of life: an event, or a use of something that it holds.
    pub(super) fn last_event(&self) -> Option<Timestamp> {
        let events = self.activity().iter().map(|event| event.at);
        let used = self.reading.into_iter().flat_map(|reading| &reading.holdings).filter_map(|one| one.last_used_at);
        events.chain(used).chain(self.identity.last_active_at).max()
    }

    /// Why its holdings are not known to be all there are.
    pub(super) fn unlisted(&self) -> Option<Cow<'static, str>> {
        let Some(reading) = self.reading else { return Some(Cow::Borrowed("it has not been read")) };
        let gap = reading.gaps.iter().find(|gap| !gap.class.as_deref().is_some_and(kind::is_no_holding))?;
        Some(Cow::Owned(format!("its listing is incomplete: {}", Untrusted::new(gap.what.as_str()).shown())))
    }

    /// Clear, unless there may be holdings that nobody has seen.
    pub(super) fn clear(&self) -> Check {
        self.unlisted().map_or(Check::Clear, Check::CannotEvaluate)
    }

    /// Clear where it has none of those; else what is missing to tell.
    pub(super) fn blind_if(&self, any: bool, why: &'static str) -> Check {
        if any { Check::blind(why) } else { self.clear() }
    }
}

/// Which environment a text names: `production`, `staging` or `development`; `None`: none, or several.
pub(super) fn environment_of(text: &str) -> Option<&'static str> {
    let mut found = BTreeSet::new();
    for word in words(text) {
        match word.as_str() {
            "prod" | "production" => found.insert("production"),
            "stage" | "staging" | "preprod" | "uat" | "qa" => found.insert("staging"),
            "dev" | "devel" | "development" | "test" | "testing" | "sandbox" => found.insert("development"),
            _ => false,
        };
    }
    if found.len() == 1 { found.pop_first() } else { None }
}

/// The words of a name, in lower case: it is cut at everything that is neither a letter nor a digit.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

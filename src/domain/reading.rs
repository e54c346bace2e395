//! What one live read of an identity said.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Activity, Exposure, Holding, HoldingId, Identity, IdentityId, IdentityState, Residual, Verdict};

/// One value that a postcondition may speak of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// Yes or no.
    Bool(bool),
    /// A number; for times, seconds since 1970.
    Int(i64),
    /// A word or a fingerprint.
    Text(String),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// Something that could not be read: an incomplete listing is never presented as all there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The class of holding that may have more than was seen; `None`: any class.
    pub class: Option<String>,
    /// What and why, one sentence for people.
    pub what: String,
    /// The permission that would close it, in the provider's own word.
    pub permission: Option<String>,
}

/// One identity, read live: holdings with effective scopes, facts, what is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// As it is now; its state says whether its gate reads as shut.
    pub identity: Identity,
    /// When the read began.
    pub read_at: Timestamp,
    /// What postconditions speak of: `client.enabled`, `user.not-before`, `role.login`.
    pub facts: BTreeMap<String, Fact>,
    /// What it holds, with states.
    pub holdings: Vec<Holding>,
    /// What could not be read. Empty: the listing is complete.
    pub gaps: Vec<Gap>,
    /// Identities that it made, by the provider's audit log: read and struck with it.
    pub children: Vec<Identity>,
    /// Other identities whose secrets it could read or make.
    pub exposure: Vec<Exposure>,
    /// What would outlive revocation, were everything cut at `read_at`.
    pub residual: Vec<Residual>,
    /// Its newest activity, newest first, as far as the read brought it along.
    pub activity: Vec<Activity>,
}

impl Reading {
    /// An empty reading of an identity.
    pub fn of(identity: Identity, read_at: Timestamp) -> Self {
        Self {
            identity,
            read_at,
            facts: BTreeMap::new(),
            holdings: Vec::new(),
            gaps: Vec::new(),
            children: Vec::new(),
            exposure: Vec::new(),
            residual: Vec::new(),
            activity: Vec::new(),
        }
    }

    /// Whether everything that can be listed was listed.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Whether its gate reads as shut, or it is gone.
    pub fn is_shut(&self) -> bool {
        matches!(self.identity.state, IdentityState::Gated | IdentityState::Gone)
    }

    /// A switch, where it was read.
    pub fn switch(&self, fact: &str) -> Option<bool> {
        match self.facts.get(fact) {
            Some(Fact::Bool(on)) => Some(*on),
            _ => None,
        }
    }

    /// The holding of that id.
    pub fn holding(&self, id: &HoldingId) -> Option<&Holding> {
        self.holdings.iter().find(|holding| holding.id == *id)
    }

    /// Judges whether a holding is in the listing no more.
    pub(super) fn absent(&self, id: &HoldingId) -> Verdict {
        use super::HoldingState as S;
        match self.holding(id) {
            Some(holding) if holding.state != S::Gone => {
                Verdict::Fails(format!("{} is still {}", holding.name.shown(), holding.state.word()))
            }
            Some(_) => Verdict::Holds,
            None => match self.gaps.iter().find(|gap| gap.class.as_deref().is_none_or(|class| class == id.class())) {
                Some(gap) => Verdict::Unknown(gap.what.clone()),
                None => Verdict::Holds,
            },
        }
    }
}

/// The newest reading of each identity of a bot, children included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadingSet(Vec<Reading>);

impl ReadingSet {
    /// Takes a reading in; a newer one of the same identity replaces the older.
    pub fn insert(&mut self, reading: Reading) {
        match self.0.iter_mut().find(|old| old.identity.id == reading.identity.id) {
            Some(old) => *old = reading,
            None => self.0.push(reading),
        }
    }

    /// The reading of an identity.
    pub fn get(&self, id: &IdentityId) -> Option<&Reading> {
        self.0.iter().find(|reading| reading.identity.id == *id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Reading> {
        self.0.iter()
    }

    /// All holdings of all of them.
    pub fn holdings(&self) -> impl Iterator<Item = &Holding> {
        self.0.iter().flat_map(|reading| &reading.holdings)
    }

    /// The oldest read time: the age of the whole.
    pub fn read_at(&self) -> Option<Timestamp> {
        self.0.iter().map(|reading| reading.read_at).min()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Reading> for ReadingSet {
    fn from_iter<I: IntoIterator<Item = Reading>>(readings: I) -> Self {
        let mut set = Self::default();
        for reading in readings {
            set.insert(reading);
        }
        set
    }
}

//! A chatbot as responders know it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{IdentityId, Untrusted};

/// A bot's name. It may come from a provider, hence it is shown escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BotName(Untrusted);

impl BotName {
    /// From the configuration, or from a listed identity's name.
    pub fn new(name: impl Into<Untrusted>) -> Self {
        Self(name.into())
    }

    /// For comparing with what a person typed.
    pub fn raw(&self) -> &str {
        self.0.raw()
    }

    /// For people.
    pub fn shown(&self) -> String {
        self.0.shown()
    }
}

impl fmt::Display for BotName {
    /// Escaped, as [`BotName::shown`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Where a bot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "at")]
pub enum BotState {
    /// It can act.
    Live,
    /// An isolation runs.
    Isolating,
    /// None of its holdings can be used.
    Dark,
    /// The same but for residuals, the last of which ends then.
    DarkAt(Timestamp),
    /// Isolated, but something is missing.
    Partial,
    /// Proved alive after it was called cut.
    Contradicted,
    /// It has not been read.
    Unknown,
}

impl BotState {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Isolating => "isolating",
            Self::Dark => "dark",
            Self::DarkAt(_) => "dark-at",
            Self::Partial => "partial",
            Self::Contradicted => "contradicted",
            Self::Unknown => "unknown",
        }
    }
}

/// A chatbot: its name, owner, environment, and its identities at every provider.
///
/// Only the configuration merges identities into one bot; a selector lists each identity as a bot of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    /// Unique in the fleet; where two selected identities have one name, it is their id.
    pub name: BotName,
    /// Who answers for it.
    pub owner: Option<Untrusted>,
    /// How to reach them.
    pub contact: Option<Untrusted>,
    /// `production`, `staging` …
    pub environment: Option<Untrusted>,
    /// Whether isolating it needs more than one key.
    pub protected: bool,
    /// Whether a `[[bot]]` entry names it (else a selector found it).
    pub configured: bool,
    /// Its identities, in the order of the configuration.
    pub identities: Vec<IdentityId>,
}

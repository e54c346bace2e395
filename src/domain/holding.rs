//! One revocable thing that an identity holds.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{HoldingId, Lane, Scope, Untrusted};

/// What kind of thing a holding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A long-lived secret or key. It stays, gated, unless it is burned.
    Secret,
    /// A token or session: always revoked.
    Token,
    /// A role or membership. It may stay behind a verified gate.
    Role,
    /// An installation, federated trust, webhook or link: always cut.
    Connector,
    /// A delegated consent, by a user or an admin: always withdrawn.
    Grant,
}

/// Whether a holding can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldingState {
    /// It can.
    Live,
    /// It exists, but its identity is proved shut.
    Gated,
    /// It was read as not there any more.
    Gone,
    /// It is known to be possible, but no API lists it.
    Unlisted,
}

impl HoldingState {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Gated => "gated",
            Self::Gone => "gone",
            Self::Unlisted => "unlisted",
        }
    }
}

/// The first 12 hex digits of a secret's SHA-256: enough to recognise it, too little to use it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of a secret's bytes, or of a canonical public key.
    pub fn of(secret: &[u8]) -> Self {
        let digest = Sha256::digest(secret);
        let hex = hex::encode(&digest[..6]);
        Self(format!("sha256:{hex}"))
    }

    /// From its text form; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let hex = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| Self(text.to_ascii_lowercase()))
    }

    /// `sha256:` and 12 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One revocable thing, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Identity id + class + native id. Where a secret can be replaced in place, its fingerprint is part of the id:
    /// a new secret is another holding.
    pub id: HoldingId,
    /// Where it stands on the screen and in the plan.
    pub lane: Lane,
    /// What it is.
    pub family: Family,
    /// For people: `consent of alice`, `session 3f2a of bob`.
    pub name: Untrusted,
    /// What it lets its bearer do, effectively.
    pub scopes: Vec<Scope>,
    /// When it was made, where the provider tells.
    pub issued_at: Option<Timestamp>,
    /// When it ends by itself, where the provider tells.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, where the provider tells.
    pub last_used_at: Option<Timestamp>,
    /// Of the secret itself, where it can be computed. Equal ones open several identities.
    pub fingerprint: Option<Fingerprint>,
    /// The end user who delegated it or whose session it is.
    pub on_behalf_of: Option<Untrusted>,
    /// Whether it can be used.
    pub state: HoldingState,
    /// Whether somebody has handed it over as leaked: isolating ends it even where others like it stay gated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaked: bool,
}

impl Holding {
    /// One of which nothing more was read: no scopes, no times, nobody behind it.
    pub fn new(id: HoldingId, lane: Lane, family: Family, name: impl Into<Untrusted>, state: HoldingState) -> Self {
        Self {
            id,
            lane,
            family,
            name: name.into(),
            scopes: Vec::new(),
            issued_at: None,
            expires_at: None,
            last_used_at: None,
            fingerprint: None,
            on_behalf_of: None,
            state,
            leaked: false,
        }
    }

    /// Whether it can make new credentials.
    pub fn mints(&self) -> bool {
        self.scopes.iter().any(|scope| scope.mint)
    }
}

//! One non-human identity at one provider.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entries, IdentityId, Untrusted};

/// The four forms in which a chatbot acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// A service account of its own.
    ServiceAccount,
    /// A bare token.
    ApiToken,
    /// A key or certificate of a workload.
    WorkloadCredential,
    /// It acts for users who delegated to it.
    DelegatedIntegration,
}

impl IdentityKind {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ServiceAccount => "service-account",
            Self::ApiToken => "api-token",
            Self::WorkloadCredential => "workload-credential",
            Self::DelegatedIntegration => "delegated-integration",
        }
    }
}

/// Whether an identity can act, as its provider last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityState {
    /// It can.
    Live,
    /// Its gate reads as shut.
    Gated,
    /// The provider does not have it any more.
    Gone,
    /// It has not been read.
    Unknown,
}

/// One non-human identity, as its provider's listing tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `PROVIDER:NATIVE-ID`.
    pub id: IdentityId,
    /// The provider's unique name for it, such as a client id or a role name. A label that may change.
    pub name: Untrusted,
    /// Its form.
    pub kind: IdentityKind,
    /// Whether it can act.
    pub state: IdentityState,
    /// Attributes of the provider that selectors may match and screens may show; never used to merge or protect.
    pub attributes: Entries<Untrusted>,
    /// What a later request needs to know about it (a service-account user's id, flags to write back). Not secret.
    pub hints: Entries<String>,
    /// The bot's identity that made this one, where the provider's audit log says so: it is struck with it.
    pub child_of: Option<Box<IdentityId>>,
    /// Last time it was seen acting, where the listing tells.
    pub last_active_at: Option<Timestamp>,
}

impl Identity {
    /// One of which nothing more was listed.
    pub fn new(id: IdentityId, name: impl Into<Untrusted>, kind: IdentityKind, state: IdentityState) -> Self {
        Self {
            id,
            name: name.into(),
            kind,
            state,
            attributes: Entries::new(),
            hints: Entries::new(),
            child_of: None,
            last_active_at: None,
        }
    }

    /// An attribute's text, where it has one that is not empty.
    pub fn attribute(&self, name: &str) -> Option<&Untrusted> {
        self.attributes.get(name).filter(|value| !value.is_empty())
    }
}

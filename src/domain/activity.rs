//! What a bot did.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Untrusted;

/// One thing that an identity did, as its provider's log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// When, by the provider's clock.
    pub at: Timestamp,
    /// The provider's own word: `CLIENT_LOGIN`, `idle in transaction`.
    pub action: Untrusted,
    /// On what, where the log says.
    pub resource: Option<Untrusted>,
    /// The end user it acted for, where the log says; never guessed.
    pub on_behalf_of: Option<Untrusted>,
    /// The end user's or the identity's session.
    pub session: Option<Untrusted>,
    /// The address it came from.
    pub from: Option<Untrusted>,
    /// `success`, or the provider's word for the failure.
    pub outcome: Untrusted,
}

impl Activity {
    /// Whether the provider let it happen.
    pub fn succeeded(&self) -> bool {
        self.outcome.raw() == "success"
    }
}

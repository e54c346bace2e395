//! Real servers for the tests: an administrator who sets the scene, and an attacker who uses what was stolen.
//!
//! A test proves an isolation by *using* the stolen credential, never by the status of the cut.

pub mod admin;
pub mod attacker;
pub mod browser;
pub mod keycloak;
pub mod matrix;
pub mod oidc;
pub mod own_server;
pub mod postgres;
pub mod stolen;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What came of using a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// The server served it.
    Works,
    /// The server answered, and said no.
    Refused { status: String, hint: String },
    /// Nothing follows: no answer, a server error, an answer that fits neither.
    Unclear { why: String },
}

impl Use {
    pub fn works(&self) -> bool {
        matches!(self, Use::Works)
    }

    pub fn refused(&self) -> bool {
        matches!(self, Use::Refused { .. })
    }

    pub(crate) fn unclear(why: impl fmt::Display) -> Self {
        Use::Unclear { why: format!("{why:#}") }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Use::Works => f.write_str("works"),
            Use::Refused { status, hint } => write!(f, "refused ({status} {hint})"),
            Use::Unclear { why } => write!(f, "unclear: {why}"),
        }
    }
}

/// A short name that no other test of this or another run has.
pub(crate) fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}

/// A new secret.
pub(crate) fn new_secret() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Returns when the second is over in which it was called: a realm counts the time before which tokens are dead
/// in whole seconds, and spares those of the same second.
pub async fn next_second() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let start = second();
    while second() == start {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An environment variable that the script which started the server has set.
pub(crate) fn setting(name: &str) -> anyhow::Result<String> {
    std::env::var(name)
        .map_err(|_| anyhow::anyhow!("{name} is not set: start the servers first (tests/live/run starts all of them)"))
}

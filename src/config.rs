//! What a responder has configured: strict TOML, secrets by reference.
//!
//! ```text
//! file(s) ──load──▶ Config + notices ──(providers' registry)──▶ providers, selectors, bots
//!                     └── SecretReference ──resolve──▶ SecretString, or that provider is unreachable
//! ```
//!
//! An unknown key, a wrong type or a secret in the file is an error with its line; nothing is ever guessed and nothing
//! falls back.

mod error;
mod findings;
mod keys;
mod layer;
mod load;
mod provider;
mod secret;
mod section;
mod select;
mod starter;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use error::ConfigError;
pub use keys::KeySetting;
pub use load::{Sources, load, user_file};
pub use provider::{
    ClientIdentity, HttpServer, KeycloakSettings, MatrixSettings, PostgresSettings, ProviderConfig, ProviderSettings,
};
pub use secret::{SecretReference, read_certificates};
pub use select::Select;
pub use starter::starter;

use crate::domain::{BotName, IdentityId, Policy, Untrusted};

/// Everything that the files say.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The files it was read from, the system's first.
    pub files: Vec<PathBuf>,
    /// `[console]`.
    pub console: Console,
    /// `[select]`.
    pub select: Select,
    /// `[findings]`: the thresholds of the rules, and what is suppressed for a while. What the system's file sets, the user's cannot change.
    pub policy: Policy,
    /// `[[provider]]`, in the order of the files; names are unique.
    pub providers: Vec<ProviderConfig>,
    /// `[[bot]]`, in the order of the files; names are unique.
    pub bots: Vec<BotConfig>,
}

/// `[console]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Console {
    /// A theme that exists; `None`: the default.
    pub theme: Option<String>,
    /// Look only. Either file can set it, none can take it back.
    pub read_only: bool,
    /// Identities whose isolation asks for the bot's name. Both files' together.
    pub protected: Vec<IdentityId>,
    /// Restoring needs a second person of this group.
    pub approver_group: Option<String>,
    /// Who is not of this group only views.
    pub responder_group: Option<String>,
    /// How many other bots an isolation may hit before it asks for the bot's name; `None`: as built in. Of two files
    /// the smaller one counts.
    pub collateral_cap: Option<usize>,
    /// A second place for the journal, on another file system.
    pub fallback_dir: Option<PathBuf>,
    /// How many colours: one of [`COLORS`]; `None`: as the terminal says.
    pub color: Option<String>,
    /// Whether only ASCII is shown, whatever the locale says.
    pub ascii: bool,
    /// Whether the mouse selects and scrolls. It never cuts.
    pub mouse: bool,
    /// `[console.keys]`, as written: whoever knows the actions checks them. Of two files the user's goes over the
    /// system's, action by action.
    pub keys: Vec<KeySetting>,
}

/// What `[console].color` may be.
pub const COLORS: [&str; 5] = ["auto", "none", "16", "256", "rgb"];

/// One `[[bot]]`: the only thing that merges identities into one bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotConfig {
    /// Unique.
    pub name: BotName,
    /// Who answers for it.
    pub owner: Option<Untrusted>,
    /// How to reach them.
    pub contact: Option<Untrusted>,
    /// `production`, `staging` …
    pub environment: Option<Untrusted>,
    /// `PROVIDER:NATIVE-ID`, where the native part may be the provider's unique name instead: who lists the identities
    /// resolves it. Never empty; each is of one bot only; each provider exists.
    pub identities: Vec<IdentityId>,
}

/// Something that a responder should know and that does not stop estop: an unknown theme, a secret that cannot be
/// read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice(String);

impl Notice {
    /// One sentence for people, without secrets.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        &self.0
    }
}

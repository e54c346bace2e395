//! What a holding lets its bearer do.

use serde::{Deserialize, Serialize};

use super::Untrusted;

/// How far a scope reaches; the order is the order of alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Looks at single things.
    #[default]
    Read,
    /// Changes things.
    Write,
    /// Takes things out in bulk.
    Export,
    /// Changes who may do what.
    Admin,
}

impl Level {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Export => "export",
            Self::Admin => "admin",
        }
    }

    /// Guesses from a provider's words where it has no levels of its own; doubt goes to the lower alarm only where
    /// the word says read.
    pub fn from_words(words: &str) -> Self {
        let words = words.to_lowercase();
        let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
        if has(&["admin", "manage", "impersonat", "owner", "superuser", "grant"]) {
            Self::Admin
        } else if has(&["export", "bulk", "dump"]) {
            Self::Export
        } else if has(&["write", "update", "delete", "create", "insert", "deploy", "send", "edit"]) {
            Self::Write
        } else {
            Self::Read
        }
    }
}

/// One effective permission: resource, verb, level, and whether it can mint new credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// What it is on: `ticket-system`, `realm chatbots`, `table docs.pages`.
    pub resource: Untrusted,
    /// The provider's own word: `tickets:read`, `manage-clients`, `SELECT`.
    pub verb: Untrusted,
    /// How far it reaches.
    pub level: Level,
    /// Whether its bearer can make new credentials, grants or identities with it.
    pub mint: bool,
    /// How the holder comes by it: `role chatbot`, `client scope profile`; `null` where it is direct.
    pub via: Option<Untrusted>,
}

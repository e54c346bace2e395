//! The way back: what undoing an isolation would take, and what cannot come back.
//!
//! ```text
//! snapshot (before the strike) ─┐
//! reading (now) ────────────────┼─▶ Restoration: first (must be proved) ─▶ then (opens the gate) · lost · reissue
//! steps of the isolation ───────┘
//! ```
//!
//! Only what the isolation changed is put back; what somebody changed since then stays as they left it.

use serde::{Deserialize, Serialize};

use super::{BotName, Gap, IdentityId, OperationId, PlanHash, Step, Untrusted};

/// Which of the two ways back. Undoing the gate re-arms the very secret that leaked, so somebody has to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreMode {
    /// Nothing had leaked: everything that can be put back is.
    FalseAlarm,
    /// The gate opens only after every credential from before the incident is proved gone.
    Rotate,
}

impl RestoreMode {
    /// The word on the command line and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FalseAlarm => "false-alarm",
            Self::Rotate => "rotate",
        }
    }
}

/// Something that will not come back, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// What: `session 3f2a of bob`.
    pub what: Untrusted,
    /// Why: `a session cannot be made again: the user signs in anew`.
    pub why: String,
}

/// Something that somebody has to issue anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reissue {
    /// What: `client secret`.
    pub what: Untrusted,
    /// Where: `Clients > helpdesk-bot > Credentials`.
    pub place: String,
    /// By whom: `owner support-platform`.
    pub by: String,
}

/// One difference between now and afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Of what: `client helpdesk-bot: enabled`.
    pub what: Untrusted,
    /// As it reads now.
    pub now: String,
    /// As it will read.
    pub then: String,
}

/// What restoring one identity takes, by its provider. Pure data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// What must be done, and be proved by a read, before anything of `then` is sent: with [`RestoreMode::Rotate`] the
    /// end of every credential from before the incident.
    pub first: Vec<Step>,
    /// What puts things back; the gate opens last.
    pub then: Vec<Step>,
    /// The difference, for people.
    pub changes: Vec<Change>,
    /// What will not come back.
    pub lost: Vec<Lost>,
    /// What has to be issued anew.
    pub reissue: Vec<Reissue>,
    /// What could not be read, and therefore not be compared.
    pub gaps: Vec<Gap>,
}

/// What restoring one bot would take now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// Of which bot.
    pub bot: BotName,
    /// Which isolation it undoes.
    pub undoes: OperationId,
    /// Which way.
    pub mode: RestoreMode,
    /// Over its steps, its mode and what it undoes: what a second person approves.
    pub hash: PlanHash,
    /// One an identity.
    pub identities: Vec<(IdentityId, Restoration)>,
    /// Whether a second person has to approve it first.
    pub needs_approval: bool,
}

impl RestorePlan {
    /// Whether there is nothing to put back.
    pub fn is_empty(&self) -> bool {
        self.identities.iter().all(|(_, one)| one.first.is_empty() && one.then.is_empty())
    }
}

//! What a responder asks for, and why it may be refused.

use std::time::Duration;

use jiff::Timestamp;

use super::Leaked;
use crate::domain::{BotName, Depth, Fingerprint, IncidentId, OperationId, Outcome, PlanHash};

/// An order to isolate one bot.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which; carried by id, never by a row.
    pub bot: BotName,
    /// How deep.
    pub depth: Depth,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// Refuse unless the plan is still this one.
    pub plan: Option<PlanHash>,
    /// The incident to join; `None`: the open one, else a new one.
    pub incident: Option<IncidentId>,
    /// Keep watching for so long after dark.
    pub hold: Duration,
    /// The bot's name was typed: a protected bot and the console's own identity may be cut.
    pub name_typed: bool,
    /// Go on in memory if no journal can be written.
    pub break_glass: bool,
    /// Leaked secrets of the bot: ended whatever the depth, and used once more as the proof. What was handed over
    /// before is added.
    pub leaked: Vec<Leaked>,
}

impl Order {
    /// The order that `X` gives.
    pub fn isolate(bot: BotName) -> Self {
        Self {
            bot,
            depth: Depth::Isolate,
            reason: None,
            plan: None,
            incident: None,
            hold: Duration::ZERO,
            name_typed: false,
            break_glass: false,
            leaked: Vec::new(),
        }
    }
}

/// Why nothing was sent. Each displays as one sentence: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// estop was started to look only.
    #[error("estop runs read-only: start it without --read-only to isolate")]
    ReadOnly,
    /// No bot has that name.
    #[error("no bot is named {0}")]
    UnknownBot(String),
    /// The configuration protects it.
    #[error("{0} is protected by the configuration: type its name to isolate it all the same")]
    Protected(BotName),
    /// It is estop's own.
    #[error("{0} is estop's own identity there: isolating it would cut the console off")]
    OwnIdentity(BotName),
    /// A leaked secret that the order brings along opens something else.
    #[error("the leaked secret {fingerprint} is not one of {bot}: estop identify says whose it is")]
    NotItsSecret {
        /// Which bot was named.
        bot: BotName,
        /// Of the secret.
        fingerprint: Fingerprint,
    },
    /// The plan is another one by now.
    #[error("the plan of {bot} has changed: it is {is} now")]
    PlanChanged {
        /// Of which bot.
        bot: BotName,
        /// The plan's hash now.
        is: PlanHash,
    },
    /// An isolation of it runs.
    #[error("{bot} is being isolated already (operation {op})")]
    Running {
        /// Which bot.
        bot: BotName,
        /// Which operation.
        op: OperationId,
    },
    /// No journal can be written.
    #[error("the journal cannot be written ({0}): nothing was sent; --break-glass isolates without a record")]
    NoSink(String),
    /// The incident to join is closed or unknown.
    #[error("incident {0} is not open")]
    NoIncident(String),
}

impl Refusal {
    /// Whether a guard refused (exit 5), rather than that the order made no sense (exit 2).
    pub const fn is_guard(&self) -> bool {
        !matches!(self, Self::UnknownBot(_) | Self::NoIncident(_) | Self::NotItsSecret { .. })
    }
}

/// What a recheck found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rechecked {
    /// Which bot.
    pub bot: BotName,
    /// In which incident it was isolated; `None`: never.
    pub incident: Option<IncidentId>,
    /// By which operation.
    pub op: Option<OperationId>,
    /// What holds now.
    pub outcome: Outcome,
    /// When it was read.
    pub at: Timestamp,
}

//! What a responder asks for, and why it may be refused.

use std::time::Duration;

use jiff::Timestamp;

use super::ApprovalFault;
use crate::domain::{BotName, Depth, IncidentId, OperationId, Outcome, PlanHash, RestoreMode};

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
        }
    }
}

/// An order to restore one bot.
#[derive(Debug, Clone)]
pub struct RestoreOrder {
    /// Which.
    pub bot: BotName,
    /// Which way back: there is no default.
    pub mode: RestoreMode,
    /// Refuse unless the plan is still this one: what was shown, and what was approved.
    pub plan: Option<PlanHash>,
    /// The bot's name was typed, or said with `--yes`. Without it nothing is restored.
    pub name_typed: bool,
    /// Why, in the responder's words.
    pub reason: Option<String>,
}

/// Why nothing was sent. Each displays as one sentence: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// estop was started to look only.
    #[error("estop runs read-only: start it without --read-only to change anything")]
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
    /// A bot is restored only when its name was typed.
    #[error("type the name of {0} to restore it")]
    NotConfirmed(BotName),
    /// Nobody has isolated it, or it was restored already.
    #[error("{0} is not isolated: there is nothing to restore")]
    NothingToRestore(BotName),
    /// An isolation of it is not over.
    #[error("the isolation of {bot} is not over (operation {op}): wait for its end, or finish it with estop resume")]
    IsolationOpen {
        /// Which bot.
        bot: BotName,
        /// Which operation.
        op: OperationId,
    },
    /// A restore of it is not over.
    #[error("a restore of {bot} is not over (operation {op}): wait for its end, or finish it with estop resume")]
    RestoreOpen {
        /// Which bot.
        bot: BotName,
        /// Which operation.
        op: OperationId,
    },
    /// What is there now cannot be read, so that nothing can be compared.
    #[error("{bot} cannot be compared with its snapshot: {what}")]
    Unread {
        /// Which bot.
        bot: BotName,
        /// What cannot be read, and why.
        what: String,
    },
    /// No second person has approved it.
    #[error("{bot} is not restored: {fault}")]
    NotApproved {
        /// Which bot.
        bot: BotName,
        /// Why there is no approval to use.
        fault: ApprovalFault,
    },
    /// Who approves is not of the group.
    #[error("{who} may not approve: {why}")]
    NotApprover {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// The configuration names no group.
    #[error("nothing needs an approval: the configuration names no approver_group")]
    NoApprovers,
    /// No restore has that hash now.
    #[error("no restore has the hash {0} now: estop restore BOT --mode MODE prints it")]
    NoSuchPlan(String),
    /// No journal can be written, and a restore is never made without.
    #[error("the journal cannot be written ({0}): nothing was sent, for a restore is never made without a record")]
    NoRecord(String),
    /// The incident to join is closed or unknown.
    #[error("incident {0} is not open")]
    NoIncident(String),
}

impl Refusal {
    /// Whether a guard refused (exit 5), rather than that the order made no sense (exit 2).
    pub const fn is_guard(&self) -> bool {
        !self.is_wrong_use() && !matches!(self, Self::Unread { .. })
    }

    /// Whether the order made no sense.
    const fn is_wrong_use(&self) -> bool {
        matches!(
            self,
            Self::UnknownBot(_)
                | Self::NoIncident(_)
                | Self::NotConfirmed(_)
                | Self::NothingToRestore(_)
                | Self::NoApprovers
        )
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

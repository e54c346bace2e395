//! What the engine tells the console and the commands, as it happens.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{
    Answer, BotName, Contradiction, Fingerprint, IncidentId, OperationId, Outcome, Probed, Reason, Residual,
    RestorePlan, Step, StepId, StepState,
};
use crate::journal::Operation;

/// Where an isolation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationPhase {
    /// Intents are being made durable.
    Arming,
    /// The first parallel pass runs.
    Striking,
    /// Putting things back, part by part.
    Restoring,
    /// Reading again, striking what is new or alive.
    Sweeping,
    /// Reading the proof.
    Verifying,
    /// Only residuals are left, or nothing.
    Over,
}

impl OperationPhase {
    /// The word on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Arming => "arming",
            Self::Striking => "striking",
            Self::Restoring => "restoring",
            Self::Sweeping => "sweeping",
            Self::Verifying => "verifying",
            Self::Over => "over",
        }
    }
}

/// How an isolation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// From the key to the first gate that was answered with yes.
    pub time_to_first_cut_ms: Option<u64>,
    /// From the key to the last verification.
    pub time_to_verified_ms: Option<u64>,
    /// From the key to dark, where that is known (now, or when the last residual ends).
    pub time_to_dark_ms: Option<u64>,
    /// Trouble with the journal in mid-strike: the strike went on, the record may have holes.
    pub journal_trouble: Option<String>,
    /// The operation of another process that did it, where that one was quicker: this one sent nothing, or took it
    /// over from there.
    pub followed: Option<OperationId>,
}

impl Ended {
    /// No journal took the intent, so nothing was sent.
    pub(super) fn nothing_sent(why: &str) -> Self {
        Self {
            outcome: Outcome::Partial { reasons: vec![Reason::NotSettled], residual: Vec::new() },
            time_to_first_cut_ms: None,
            time_to_verified_ms: None,
            time_to_dark_ms: None,
            journal_trouble: Some(format!("nothing was sent: {why}")),
            followed: None,
        }
    }

    /// As the journal tells of another process's operation; `None`: it has not ended.
    pub fn of_another(operation: &Operation) -> Option<Self> {
        let end = operation.ended.as_ref()?;
        let dark = |at: Timestamp| u64::try_from(at.duration_since(operation.started_at).as_millis()).ok();
        Some(Self {
            outcome: end.outcome.clone(),
            time_to_first_cut_ms: end.time_to_first_cut_ms,
            time_to_verified_ms: end.time_to_verified_ms,
            time_to_dark_ms: match &end.outcome {
                Outcome::Dark => end.time_to_verified_ms,
                Outcome::DarkAt { at, .. } => dark(*at),
                _ => None,
            },
            journal_trouble: None,
            followed: Some(operation.id),
        })
    }
}

/// One thing that happened in an isolation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// It began: the key was accepted.
    Started {
        /// Which operation.
        op: OperationId,
        /// In which incident.
        incident: IncidentId,
        /// Of which bot.
        bot: BotName,
        /// When, by the wall clock.
        at: Timestamp,
    },
    /// It is no isolation but the way back, and this is what it does.
    Restoring {
        /// Which operation.
        op: OperationId,
        /// What it does.
        plan: Arc<RestorePlan>,
    },
    /// It went on.
    Phase {
        /// Which operation.
        op: OperationId,
        /// To where.
        phase: OperationPhase,
    },
    /// New steps are in its plan (the first ones, or what the sweep found).
    Planned {
        /// Which operation.
        op: OperationId,
        /// Which steps.
        steps: Vec<Step>,
    },
    /// A step changed its state.
    Step {
        /// Which operation.
        op: OperationId,
        /// Which step.
        step: StepId,
        /// To what.
        state: StepState,
        /// By which attempt; 0: none yet.
        attempt: u32,
        /// What the provider answered, where this is an answer.
        answer: Option<Answer>,
        /// For people.
        detail: Option<String>,
        /// The line of the journal that holds it, where one does already.
        seq: Option<u64>,
        /// When.
        at: Timestamp,
    },
    /// A sweep round ended.
    Swept {
        /// Which operation.
        op: OperationId,
        /// Which round, from 1.
        round: u32,
        /// Whether every listing was complete.
        complete: bool,
        /// New steps it found.
        new: usize,
        /// Steps that read as alive.
        live: usize,
    },
    /// Access that will outlive it.
    Residual {
        /// Which operation.
        op: OperationId,
        /// Each of them, with its end.
        residual: Vec<Residual>,
    },
    /// A leaked secret was used after the strike.
    Probed {
        /// By which operation.
        op: OperationId,
        /// Of which bot.
        bot: BotName,
        /// Of the secret.
        fingerprint: Fingerprint,
        /// What it has shown.
        probed: Probed,
        /// When.
        at: Timestamp,
    },
    /// Something is usable after it was dark.
    Contradicted {
        /// By which operation it had been cut.
        op: OperationId,
        /// Of which bot.
        bot: BotName,
        /// What is alive.
        alive: Vec<Contradiction>,
    },
    /// It ended.
    Ended {
        /// Which operation.
        op: OperationId,
        /// Of which bot.
        bot: BotName,
        /// How.
        ended: Ended,
    },
}

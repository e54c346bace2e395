//! `estop.step/1` and `estop.outcome/1`: an isolation as it runs, and its end.

use serde::Serialize;

use super::plan::{ExposureRow, ResidualRow};
use crate::{
    cli::time::Moment,
    domain::{Answer, Contradiction, IncidentId, OperationId, Outcome, Reason, StepId, StepState, Untrusted},
    journal::Checkpoint,
};

/// What a provider answered.
#[derive(Debug, Serialize)]
pub struct AnswerRow {
    /// `http`, `postgres` …
    pub protocol: String,
    /// The protocol's own code.
    pub code: String,
}

impl From<&Answer> for AnswerRow {
    fn from(answer: &Answer) -> Self {
        Self { protocol: answer.protocol.clone(), code: answer.code.clone() }
    }
}

/// One change of one step.
#[derive(Debug, Serialize)]
pub struct StepLine {
    /// `estop.step/1`.
    pub schema: &'static str,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// In which incident.
    pub incident: IncidentId,
    /// Of which operation.
    pub op: OperationId,
    /// The line of the journal that holds it; `null`: none does, or the disk has not said so in time.
    pub seq: Option<u64>,
    /// When.
    pub at: Moment,
    /// Of which bot.
    pub bot: String,
    /// Which step.
    pub step: StepId,
    /// Its column; `null` where the step is not known.
    pub lane: Option<&'static str>,
    /// What it does.
    pub action: Option<String>,
    /// To what.
    pub target: Option<Untrusted>,
    /// To which state.
    pub state: &'static str,
    /// By which attempt; 0: none yet.
    pub attempt: u32,
    /// What the provider answered.
    pub answer: Option<AnswerRow>,
    /// For people.
    pub detail: Option<String>,
}

/// How the steps of an isolation stand, and what keeps it from being dark.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Steps that a read has proved.
    pub verified: usize,
    /// Steps whose target was no longer there.
    pub gone: usize,
    /// Steps that only a person says are done.
    pub attested: usize,
    /// Steps that a person must do.
    pub manual: usize,
    /// Steps that estop may not do.
    pub refused: usize,
    /// Steps that did not reach the provider.
    pub unreachable: usize,
    /// Steps whose effect nothing proves.
    pub unknown: usize,
    /// What may exist and no API lists.
    pub unlisted: usize,
    /// What is proved alive.
    pub still_live: usize,
}

impl Counts {
    /// From the states of the steps and from the outcome, which has a reason for each that is not dead.
    pub fn of<'a>(states: impl Iterator<Item = &'a StepState>, outcome: &Outcome) -> Self {
        let mut counts = Self::default();
        for state in states {
            match state {
                StepState::Verified => counts.verified += 1,
                StepState::Gone => counts.gone += 1,
                _ => {}
            }
        }
        for reason in reasons(outcome) {
            match reason {
                Reason::Unknown { .. } | Reason::Unread { .. } => counts.unknown += 1,
                Reason::Refused { .. } => counts.refused += 1,
                Reason::Unreachable { .. } => counts.unreachable += 1,
                Reason::Manual { .. } => counts.manual += 1,
                Reason::AttestedOnly { .. } => counts.attested += 1,
                Reason::StillLive { .. } | Reason::OpensToo { .. } => counts.still_live += 1,
                Reason::Unlisted { .. } | Reason::ListingIncomplete { .. } => counts.unlisted += 1,
                Reason::StillMinting { .. }
                | Reason::NotSettled
                | Reason::NotSent { .. }
                | Reason::Superseded { .. } => {}
            }
        }
        if let Outcome::Contradicted { alive, .. } = outcome {
            counts.still_live += alive.len();
        }
        counts
    }
}

/// What keeps an outcome from being dark.
pub fn reasons(outcome: &Outcome) -> &[Reason] {
    match outcome {
        Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. } => reasons,
        Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. } => &[],
    }
}

/// What is proved alive.
pub fn alive(outcome: &Outcome) -> &[Contradiction] {
    match outcome {
        Outcome::Contradicted { alive, .. } => alive,
        _ => &[],
    }
}

/// What outlives it.
pub fn residual(outcome: &Outcome) -> Vec<ResidualRow> {
    match outcome {
        Outcome::DarkAt { residual, .. } | Outcome::Partial { residual, .. } => {
            residual.iter().map(Into::into).collect()
        }
        Outcome::Dark | Outcome::Contradicted { .. } | Outcome::Restored { .. } => Vec::new(),
    }
}

/// Where the record is.
#[derive(Debug, Serialize)]
pub struct JournalRow {
    /// The file; `null`: in memory only.
    pub path: Option<String>,
    /// How many lines it has; `null`: it cannot be read.
    pub lines: Option<usize>,
    /// The newest line's hash.
    pub head: Option<String>,
    /// The newest signed checkpoint; `null`: nothing was signed.
    pub checkpoint: Option<CheckpointRow>,
}

/// A signed checkpoint: whoever keeps it can tell later whether a line is missing.
#[derive(Debug, Serialize)]
pub struct CheckpointRow {
    /// Which log it is of.
    pub origin: String,
    /// How many lines it covers.
    pub size: u64,
    /// Their RFC 6962 root, base64.
    pub root: String,
    /// The first 88 bits of the root, to be read aloud.
    pub words: String,
    /// The signed note, whole.
    pub note: String,
}

impl From<&Checkpoint> for CheckpointRow {
    fn from(checkpoint: &Checkpoint) -> Self {
        let (origin, size) = (checkpoint.origin.clone(), checkpoint.size);
        let (root, words, note) = (checkpoint.root_base64(), checkpoint.words(), checkpoint.note.clone());
        Self { origin, size, root, words, note }
    }
}

/// How an isolation ended.
#[derive(Debug, Serialize)]
pub struct OutcomeLine {
    /// `estop.outcome/1`.
    pub schema: &'static str,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// In which incident.
    pub incident: IncidentId,
    /// Which operation.
    pub op: OperationId,
    /// Of which bot.
    pub bot: String,
    /// The outcome's word.
    pub outcome: &'static str,
    /// When it is dark: now, or when the last residual ends; `null`: it is not.
    pub dark_at: Option<Moment>,
    /// From the key to the first gate that was answered with yes.
    pub time_to_first_cut_ms: Option<u64>,
    /// From the key to the last verification.
    pub time_to_verified_ms: Option<u64>,
    /// From the key to dark.
    pub time_to_dark_ms: Option<u64>,
    /// How the steps stand.
    pub counts: Counts,
    /// What outlives it.
    pub residual: Vec<ResidualRow>,
    /// How many steps that were carried out cannot be undone.
    pub not_restorable: usize,
    /// Others that the thief may have.
    pub exposure: Vec<ExposureRow>,
    /// Where the record is.
    pub journal: JournalRow,
    /// Each thing that keeps it from being dark, one sentence.
    pub reasons: Vec<String>,
    /// Each thing that is proved alive, one sentence.
    pub alive: Vec<String>,
    /// Trouble with the journal in mid-strike.
    pub journal_trouble: Option<String>,
}

//! The JSON documents of the command line: pure, from a snapshot, a plan, an incident or an event.
//!
//! Fields stand in the order of the contract. What is not known is `null` and never left out. Every document says
//! whether it is an exercise.

mod bot;
mod check;
mod finding;
mod fleet;
mod identify;
mod incident;
mod isolation;
mod plan;
mod restore;

pub use bot::{ActivityDocument, ActivityRow, GapRow, HoldingRow, IdentityActivity, ScopeRow, ShowDocument};
pub use check::{CheckDocument, LaneRow, SinkRow};
pub use finding::FindingsRow;
pub use fleet::{IdentityRow, ListDocument};
pub use identify::{IdentifyDocument, ProbeLine, use_word};
pub use incident::{ConfirmDocument, HandoverDocument, IncidentRow, IncidentsDocument, OperationRow, RecheckDocument};
pub use isolation::{CheckpointRow, Counts, JournalRow, OutcomeLine, StepLine, alive, reasons, residual};
pub use plan::PlanDocument;
pub use restore::{ApprovalDocument, ChangeRow, LostRow, ReissueRow, RestoreDocument, RestoreStepRow, RestoredLine};

#[cfg(test)]
pub(in crate::cli) mod sample;

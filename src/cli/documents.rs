//! The JSON documents of the command line: pure, from a snapshot, a plan, an incident or an event.
//!
//! Fields stand in the order of the contract. What is not known is `null` and never left out. Every document says
//! whether it is an exercise.

mod bot;
mod check;
mod fleet;
mod identify;
mod incident;
mod isolation;
mod plan;

pub use bot::{ActivityDocument, ActivityRow, HoldingRow, IdentityActivity, ScopeRow, ShowDocument};
pub use check::{CheckDocument, LaneRow, SinkRow};
pub use fleet::{IdentityRow, ListDocument};
pub use identify::{IdentifyDocument, ProbeLine, use_word};
pub use incident::{IncidentRow, IncidentsDocument, OperationRow, RecheckDocument};
pub use isolation::{Counts, JournalRow, OutcomeLine, StepLine, alive, reasons, residual};
pub use plan::PlanDocument;

#[cfg(test)]
pub(in crate::cli) mod sample;

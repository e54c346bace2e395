//! Pure data and rules: no I/O, no clock, no async.
//!
//! ```text
//! Bot ── Identity ── Reading (holdings + facts, as read) ── Plan (steps, hash) ── Outcome
//! ```
//!
//! Everything here can be computed again from the same input: the plan from a reading, the outcome from what the
//! journal holds, the readings and the clock.

mod activity;
mod bot;
mod entries;
mod finding;
mod holding;
mod id;
mod identity;
mod outcome;
mod plan;
mod postcondition;
mod reading;
mod restore;
mod scope;
mod secret;
mod state;
mod step;
mod text;

pub use activity::Activity;
pub use bot::{Bot, BotName, BotState};
pub use entries::Entries;
pub use finding::{
    Check, Evidence, Finding, Findings, Isolation, Policy, RULES, Rule, Severity, Shared, Subject, Suppressed,
    Suppression, Unevaluated,
};
pub use holding::{Family, Fingerprint, Holding, HoldingState};
pub use id::{HoldingId, IdError, IdentityId, IncidentId, ObjectId, OperationId, ProviderName, StepId};
pub use identity::{Identity, IdentityKind, IdentityState};
pub use outcome::{Contradiction, Outcome, OutcomeInput, Reason, StepRecord, conclude};
pub use plan::{Collateral, Depth, Exposure, Plan, PlanHash, Residual};
pub use postcondition::{Postcondition, Sent, Values, Verdict};
pub use reading::{Fact, Gap, Reading, ReadingSet};
pub use restore::{
    Change, Lost, Reissue, Restoration, RestoreInput, RestoreMode, RestorePart, RestorePlan, conclude_restore,
};
pub use scope::{Level, Scope};
pub use secret::{
    Claim, ClaimKind, Confidence, Found, Identified, LeakedSecret, MAX_TEXT, OwnSecret, Owner, ProbeKind, Probed,
    Recognised, Redactor, find, mask, recognise, redact, redact_json, register,
};
pub use state::{StepEvent, StepState, TransitionError};
pub use step::{Action, Answer, AnswerKind, Lane, Reversibility, Step};
pub use text::{Untrusted, fit};

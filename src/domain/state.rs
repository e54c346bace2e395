//! Where a step stands: the one transition table.
//!
//! ```text
//! planned → armed → sent ─┬→ accepted ─┬→ verified ⇄ contradicted
//!                    ↑    ├→ gone ─────┤
//!                    │    ├→ unknown ──┘   refused · unreachable
//!                    └────┴─ retrying(n, until)          manual → attested
//! ```
//!
//! Striking again is a new attempt of the same step (`sent` once more), never a step back. Only a read makes
//! `verified`; an answer never does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AnswerKind, Verdict};

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum StepState {
    /// In the plan.
    Planned,
    /// Its intent is durable.
    Armed,
    /// A request is on the wire.
    Sent,
    /// Waiting for the next attempt.
    Retrying {
        /// The attempt that failed.
        attempt: u32,
        /// When the next one goes.
        until: Timestamp,
    },
    /// The provider said yes.
    Accepted,
    /// The provider said that it is not there.
    Gone,
    /// No answer: it may or may not have been done.
    Unknown,
    /// We may not, or the provider will not.
    Refused {
        /// The permission, in the provider's own word.
        permission: Option<String>,
    },
    /// Nothing reached the provider.
    Unreachable,
    /// A person must do it.
    Manual,
    /// A person says it was done: shown as such for ever.
    Attested,
    /// A later read proved it.
    Verified,
    /// Proved alive after it was accepted or later.
    Contradicted,
}

impl StepState {
    /// The word in documents and on screens.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Armed => "armed",
            Self::Sent => "sent",
            Self::Retrying { .. } => "retrying",
            Self::Accepted => "accepted",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
            Self::Refused { .. } => "refused",
            Self::Unreachable => "unreachable",
            Self::Manual => "manual",
            Self::Attested => "attested",
            Self::Verified => "verified",
            Self::Contradicted => "contradicted",
        }
    }

    /// Whether the provider has answered yes or gone, or a read has proved it.
    pub const fn is_cut(&self) -> bool {
        matches!(self, Self::Accepted | Self::Gone | Self::Verified)
    }
}

/// What happens to a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum StepEvent {
    /// Its intent became durable.
    Armed,
    /// A request leaves.
    Attempted,
    /// An answer came, or is known not to come.
    Answered {
        /// Its class.
        kind: AnswerKind,
    },
    /// Another attempt will follow.
    Deferred {
        /// The attempt that failed.
        attempt: u32,
        /// When the next one goes.
        until: Timestamp,
    },
    /// A read judged its postcondition.
    Read {
        /// What it said.
        verdict: Verdict,
        /// Whether the propagation window and the sweep are over, so that alive means contradicted.
        last: bool,
    },
    /// No API can do it: a person was asked.
    AskedOfPerson,
    /// A person says it was done.
    Attested,
}

/// An event that makes no sense in a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {} cannot take {event:?}", .state.word())]
pub struct TransitionError {
    /// The state.
    pub state: StepState,
    /// The event.
    pub event: StepEvent,
}

impl StepState {
    /// The one transition table.
    ///
    /// # Errors
    /// [`TransitionError`] where the event makes no sense in this state: an answer without an attempt, an attempt
    /// without an intent, a verification of what was never sent.
    pub fn after(&self, event: &StepEvent) -> Result<Self, TransitionError> {
        use StepEvent as E;
        use StepState as S;
        let next = match (self, event) {
            (S::Planned, E::Armed) => S::Armed,
            (S::Planned | S::Armed, E::AskedOfPerson) => S::Manual,
            (S::Manual | S::Attested, E::Attested) => S::Attested,
            (S::Planned | S::Manual | S::Attested, E::Attempted) | (S::Planned | S::Armed, E::Read { .. }) => {
                return Err(self.error(event));
            }
            (_, E::Attempted) => S::Sent,
            (S::Sent, E::Answered { kind }) => match kind {
                AnswerKind::Accepted => S::Accepted,
                AnswerKind::Gone => S::Gone,
                AnswerKind::Refused { permission } => S::Refused { permission: permission.clone() },
                AnswerKind::Rejected => S::Refused { permission: None },
                AnswerKind::Throttled { .. } | AnswerKind::Transient | AnswerKind::Unknown => S::Unknown,
                AnswerKind::Unreachable => S::Unreachable,
            },
            (S::Unknown | S::Unreachable | S::Refused { .. }, E::Deferred { attempt, until }) => {
                S::Retrying { attempt: *attempt, until: *until }
            }
            (_, E::Read { verdict: Verdict::Holds, .. }) => S::Verified,
            (S::Verified, E::Read { verdict: Verdict::Fails(_), .. })
            | (S::Accepted | S::Gone | S::Attested, E::Read { verdict: Verdict::Fails(_), last: true }) => {
                S::Contradicted
            }
            (_, E::Read { .. }) => self.clone(),
            _ => return Err(self.error(event)),
        };
        Ok(next)
    }

    fn error(&self, event: &StepEvent) -> TransitionError {
        TransitionError { state: self.clone(), event: event.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(kind: AnswerKind) -> StepEvent {
        StepEvent::Answered { kind }
    }

    fn read(verdict: Verdict, last: bool) -> StepEvent {
        StepEvent::Read { verdict, last }
    }

    /// The table as it is drawn at the top of the module.
    #[test]
    fn the_table_is_as_drawn() {
        let alive = || Verdict::Fails("alive".to_owned());
        for (from, event, to) in [
            (StepState::Planned, StepEvent::Armed, Some(StepState::Armed)),
            (StepState::Planned, StepEvent::Attempted, None),
            (StepState::Armed, StepEvent::Attempted, Some(StepState::Sent)),
            (StepState::Armed, answered(AnswerKind::Accepted), None),
            (StepState::Sent, answered(AnswerKind::Accepted), Some(StepState::Accepted)),
            (StepState::Sent, answered(AnswerKind::Gone), Some(StepState::Gone)),
            (StepState::Sent, answered(AnswerKind::Unknown), Some(StepState::Unknown)),
            (StepState::Sent, answered(AnswerKind::Unreachable), Some(StepState::Unreachable)),
            (StepState::Accepted, read(Verdict::Holds, false), Some(StepState::Verified)),
            (StepState::Accepted, read(alive(), false), Some(StepState::Accepted)),
            (StepState::Accepted, read(alive(), true), Some(StepState::Contradicted)),
            (StepState::Verified, read(alive(), false), Some(StepState::Contradicted)),
            (StepState::Unknown, read(Verdict::Holds, false), Some(StepState::Verified)),
            (StepState::Unknown, read(alive(), true), Some(StepState::Unknown)),
            (StepState::Contradicted, StepEvent::Attempted, Some(StepState::Sent)),
            (StepState::Verified, StepEvent::Attempted, Some(StepState::Sent)),
            (StepState::Armed, StepEvent::AskedOfPerson, Some(StepState::Manual)),
            (StepState::Manual, StepEvent::Attested, Some(StepState::Attested)),
            (StepState::Manual, StepEvent::Attempted, None),
        ] {
            assert_eq!(from.after(&event).ok(), to, "{from:?} + {event:?}");
        }
    }

    #[test]
    fn no_answer_makes_verified() {
        for kind in [AnswerKind::Accepted, AnswerKind::Gone, AnswerKind::Unknown, AnswerKind::Transient] {
            assert_ne!(StepState::Sent.after(&answered(kind)), Ok(StepState::Verified));
        }
    }
}

//! One action on one target, and the one transition table of its state.
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

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fact, HoldingId, IdentityId, Level, ObjectId, Reading, StepId, Untrusted};

/// The four columns in which responders think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// The identity itself: its gate.
    Identity,
    /// Tokens, keys, secrets, sessions.
    Tokens,
    /// Roles, installations, trusts, links.
    Connectors,
    /// Delegated consents.
    Grants,
}

impl Lane {
    /// In the order of the screen.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Tokens, Self::Connectors, Self::Grants];

    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Tokens => "tokens",
            Self::Connectors => "connectors",
            Self::Grants => "grants",
        }
    }
}

/// What a step does, in one or two words of the provider's field: `disable`, `log-out`, `revoke`. Estop's own text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Action(String);

impl Action {
    /// Wraps a kebab-case word.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word.
    pub fn word(&self) -> &str {
        &self.0
    }
}

/// Whether the provider can put back what a step takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversibility {
    /// By another request that needs nothing but the id.
    Reversible,
    /// From the snapshot that was read before.
    FromSnapshot,
    /// Not at all: a new one must be issued.
    Irreversible,
}

/// What must read true for a step to be `verified`. Data, so that the outcome can be computed again offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Postcondition {
    /// A fact of the reading has this value.
    Equal {
        /// The fact's name, such as `client.enabled`.
        fact: String,
        /// What it must be.
        value: Fact,
    },
    /// A number is at least the one that the request set, as its answer tells under the same name (where the answer
    /// was lost: the second in which the request was sent).
    AtLeastSet {
        /// The fact's name, such as `client.not-before`; seconds since 1970.
        fact: String,
    },
    /// A number is a later second than the one in which the identity's last gate was answered: what was minted in
    /// that very second may have slipped through (Keycloak's not-before counts whole seconds and is exclusive).
    AfterGate {
        /// The fact's name; seconds since 1970.
        fact: String,
    },
    /// The holding is in no complete listing of its class any more.
    Absent {
        /// Which.
        holding: HoldingId,
    },
    /// Nothing that can be read tells: the step stays `accepted`, and what it cuts must be behind a verified gate.
    Unreadable {
        /// Why, for people.
        why: String,
    },
    /// All of them.
    All {
        /// Which.
        of: Vec<Postcondition>,
    },
}

/// What a read said about a postcondition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds: dead.
    Holds,
    /// It does not: alive, and what was read.
    Fails(String),
    /// The reading cannot tell, and why.
    Unknown(String),
}

/// Numbers that a request has set, by fact name: computed when it is sent, told by its answer.
pub type Values = BTreeMap<String, i64>;

/// What is known about a step's sending when its postcondition is judged.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Second in which the newest attempt left.
    pub second: Option<i64>,
    /// What its answer says it set.
    pub values: Values,
    /// Second in which the identity's last gate was answered.
    pub gate_second: Option<i64>,
}

impl Postcondition {
    /// Judges it by a reading.
    pub fn judge(&self, reading: &Reading, sent: &Sent) -> Verdict {
        match self {
            Self::Equal { fact, value } => match reading.facts.get(fact) {
                None => Verdict::Unknown(format!("{fact} was not read")),
                Some(read) if read == value => Verdict::Holds,
                Some(read) => Verdict::Fails(format!("{fact} is {read}")),
            },
            Self::AtLeastSet { fact } => match sent.values.get(fact).copied().or(sent.second) {
                None => Verdict::Unknown("it has not been sent".to_owned()),
                Some(least) => at_least(reading, fact, least),
            },
            Self::AfterGate { fact } => match sent.gate_second {
                None => Verdict::Unknown("the gate has not been answered".to_owned()),
                Some(gate) => at_least(reading, fact, gate + 1),
            },
            Self::Absent { holding } => reading.absent(holding),
            Self::Unreadable { why } => Verdict::Unknown(why.clone()),
            Self::All { of } => {
                of.iter().fold(Verdict::Holds, |so_far, next| match (so_far, next.judge(reading, sent)) {
                    (Verdict::Holds, verdict) | (Verdict::Unknown(_), verdict @ Verdict::Fails(_)) => verdict,
                    (so_far, _) => so_far,
                })
            }
        }
    }

    /// Whether no read will ever make it hold.
    pub fn is_unreadable(&self) -> bool {
        match self {
            Self::Unreadable { .. } => true,
            Self::All { of } => of.iter().any(Self::is_unreadable),
            _ => false,
        }
    }
}

fn at_least(reading: &Reading, fact: &str, least: i64) -> Verdict {
    match reading.facts.get(fact) {
        Some(Fact::Int(read)) if *read >= least => Verdict::Holds,
        Some(read) => Verdict::Fails(format!("{fact} is {read}, not yet {least}")),
        None => Verdict::Unknown(format!("{fact} was not read")),
    }
}

/// One mutation that isolating takes. Pure data: it goes whole into the journal's intent and can be performed from
/// there by another process; it never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Stable over plans, processes and retries.
    pub id: StepId,
    /// The identity it belongs to.
    pub identity: IdentityId,
    /// Its column.
    pub lane: Lane,
    /// What it does.
    pub action: Action,
    /// To what, for people.
    pub target: Untrusted,
    /// The object it writes: one queue each.
    pub object: ObjectId,
    /// Order inside the object's queue; lower goes first, a gate is 0.
    pub rank: u8,
    /// Steps that must have been answered before this one is sent, beyond the queue.
    pub after: Vec<StepId>,
    /// The holdings that it ends.
    pub holdings: Vec<HoldingId>,
    /// Whether it shuts the identity.
    pub gate: bool,
    /// Whether it takes away the power to mint.
    pub mint_cut: bool,
    /// The highest level of what it ends, for the order under a binding budget.
    pub level: Level,
    /// When what it ends was last used, for the same order.
    pub last_used_at: Option<Timestamp>,
    /// What can be undone.
    pub reversible: Reversibility,
    /// What must read true afterwards.
    pub postcondition: Postcondition,
    /// The read that proves it, for people: `GET client: enabled is false`.
    pub proof: String,
    /// The instruction for a person, where the API refuses or there is none.
    pub manual: Option<String>,
    /// Whether no API can do it: it is asked of a person and never sent.
    pub by_hand: bool,
    /// The permission that preflight found missing.
    pub missing_permission: Option<String>,
    /// What the provider needs to perform it: ids, role names. Opaque to everybody else, never secret.
    pub params: BTreeMap<String, serde_json::Value>,
}

impl Step {
    /// The key that orders steps when a budget binds: gates and minting first, then level, then recency.
    pub fn priority(&self) -> (bool, bool, Level, Option<Timestamp>) {
        (self.gate, self.mint_cut, self.level, self.last_used_at)
    }
}

/// How a provider's answer to a mutation is classed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum AnswerKind {
    /// Any 2xx and its kin: a promise, not a proof.
    Accepted,
    /// No longer there: a claim, until a read proves it.
    Gone,
    /// Our own credential may not: the permission, where it is known.
    Refused {
        /// In the provider's own word.
        permission: Option<String>,
    },
    /// The provider says that the request is wrong (4xx other than the above, redirects).
    Rejected,
    /// Asked to wait.
    Throttled {
        /// For so long, where it says.
        retry_after_ms: Option<u64>,
    },
    /// Theirs, and known not to have been done or safe to repeat (5xx).
    Transient,
    /// Sent, and no answer: it may have been done.
    Unknown,
    /// Nothing can have arrived.
    Unreachable,
}

/// What came back for one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How it is classed.
    pub kind: AnswerKind,
    /// `http`, `postgres` …
    pub protocol: String,
    /// The protocol's own code: `204`, `28000`; empty where there was none.
    pub code: String,
    /// The provider's id of the request.
    pub request_id: Option<Untrusted>,
    /// A sentence for people; never a raw body.
    pub detail: Option<Untrusted>,
    /// What the request has set, by fact name.
    pub values: Values,
}

impl Answer {
    /// An answer with nothing but its class and code.
    pub fn new(kind: AnswerKind, protocol: &str, code: impl Into<String>) -> Self {
        let (protocol, code) = (protocol.to_owned(), code.into());
        Self { kind, protocol, code, request_id: None, detail: None, values: Values::new() }
    }
}

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

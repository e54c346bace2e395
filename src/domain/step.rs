//! One action on one target: pure data, with what the provider may answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HoldingId, IdentityId, Level, ObjectId, Postcondition, StepId, Untrusted, Values};

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
    /// An irreversible step behind the gate that ends nothing yet; what it is to people, and how it is proved in words,
    /// is still to be said.
    pub fn new(
        id: StepId,
        identity: IdentityId,
        action: Action,
        object: ObjectId,
        postcondition: Postcondition,
    ) -> Self {
        Self {
            target: Untrusted::new(identity.native()),
            id,
            identity,
            lane: Lane::Tokens,
            action,
            object,
            rank: 1,
            after: Vec::new(),
            holdings: Vec::new(),
            gate: false,
            mint_cut: false,
            level: Level::Read,
            last_used_at: None,
            reversible: Reversibility::Irreversible,
            postcondition,
            proof: String::new(),
            manual: None,
            by_hand: false,
            missing_permission: None,
            params: BTreeMap::new(),
        }
    }

    /// What a person must do: where no API can, or where estop may not.
    pub fn instruction(&self) -> Option<&str> {
        self.manual.as_deref().filter(|_| self.by_hand || self.missing_permission.is_some())
    }

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

    /// To a step of which no request can be made: nothing was sent.
    pub fn unsendable(protocol: &str, why: impl Into<Untrusted>) -> Self {
        Self { detail: Some(why.into()), ..Self::new(AnswerKind::Rejected, protocol, "") }
    }
}

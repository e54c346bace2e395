//! The port: what every provider answers for its own identities.
//!
//! A provider reads, and performs one armed step at a time. It never retries a step, never orders, never decides what
//! is dead: the engine does, by the data that the provider's steps carry.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Budget, Rate, RateHeaders, identify::owners_by_fingerprint};
use crate::{
    domain::{
        Activity, Answer, Depth, Gap, Identity, IdentityId, Lane, LeakedSecret, Owner, ProbeKind, Probed, ProviderName,
        Reading, Recognised, Restoration, RestoreMode, Step, StepRecord, Untrusted,
    },
    journal::ArmedStep,
};

/// Why a read failed. Each displays as one sentence without secrets: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Our own credential is not accepted, or could not be resolved.
    #[error("{0}")]
    Auth(String),
    /// We are known, but may not.
    #[error("{what} (missing permission: {permission})")]
    Refused {
        /// What was asked.
        what: String,
        /// The permission, in the provider's own word.
        permission: String,
    },
    /// Asked to wait.
    #[error("{what}: asked to wait")]
    RateLimited {
        /// What was asked.
        what: String,
        /// For so long, where it says.
        retry_after: Option<Duration>,
    },
    /// It is not there.
    #[error("{0}: not there")]
    Gone(String),
    /// Theirs, and worth another try: 5xx, resets, timeouts after sending.
    #[error("{0}")]
    Transient(String),
    /// Nothing reached the provider: refused connection, unknown name, failed TLS handshake.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is not what the description says: too big, not JSON, a redirect, a missing field.
    #[error("{0}")]
    BadData(String),
}

impl ProviderError {
    /// Whether the same request may well succeed a little later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Transient(_) | Self::Unreachable(_))
    }
}

/// The console's own identity at a provider, so that it never isolates itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whoami {
    /// As an identity of that provider, where it is one that could be listed.
    pub identity: Option<IdentityId>,
    /// For people.
    pub name: Untrusted,
}

/// What preflight found for one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneCheck {
    /// Which.
    pub lane: Lane,
    /// Whether everything in it can be read.
    pub can_read: bool,
    /// Whether everything in it can be cut.
    pub can_cut: bool,
    /// The permissions that are missing for either, in the provider's own words.
    pub missing: Vec<String>,
}

/// Whether estop can read and cut here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// Who we are there.
    pub whoami: Whoami,
    /// One entry a lane.
    pub lanes: Vec<LaneCheck>,
    /// How far the provider's clock is ahead of ours, where it tells.
    pub clock_ahead_ms: Option<i64>,
    /// What else a responder should know: `events are not stored: last activity is unknown`.
    pub notices: Vec<String>,
}

/// How much a provider may be asked, at once and in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Mutations at the same time.
    pub concurrent_writes: usize,
    /// Reads at the same time.
    pub concurrent_reads: usize,
    /// Time for one request, connect to last byte. The first attempts are given up earlier, so that one that hangs is
    /// sent again within it.
    pub deadline: Duration,
    /// How many requests it takes in a time; `None`: none is known, and what its answers say is kept to.
    pub rate: Option<Rate>,
    /// Headers in which its answers tell what is left of the rate; the first set that is there counts.
    pub rate_headers: &'static [RateHeaders],
    /// How long one request typically takes, as measured on a real server: estimates stand on it, nothing else.
    pub latency: Duration,
    /// How many requests one reading of an identity typically takes: for estimates as well.
    pub requests_per_reading: u32,
}

impl Default for Limits {
    /// A handful at once, no known rate.
    fn default() -> Self {
        Self {
            concurrent_writes: 4,
            concurrent_reads: 4,
            deadline: Duration::from_secs(15),
            rate: None,
            rate_headers: &[],
            latency: Duration::from_millis(100),
            requests_per_reading: 1,
        }
    }
}

/// What no API lists or cuts, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Things that may exist and that no API lists.
    pub unlisted: Vec<String>,
    /// Things that no API cuts.
    pub uncut: Vec<String>,
}

/// A listing of identities, with an end that says whether it is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// What was read.
    pub identities: Vec<Identity>,
    /// What could not be. Empty: complete.
    pub gaps: Vec<Gap>,
}

/// One system in which chatbots have identities.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its unique name in the configuration.
    fn name(&self) -> &ProviderName;

    /// Its kind: `keycloak`, `postgres`.
    fn kind(&self) -> &'static str;

    /// How much it may be asked, at once and in a time.
    fn limits(&self) -> Limits;

    /// The budget that each of its requests is admitted to, token fetches included. `None`: the engine makes one of
    /// [`Provider::limits`] and counts one request for each step; reads are not held to it.
    fn budget(&self) -> Option<Budget> {
        None
    }

    /// What no API lists or cuts.
    fn coverage(&self) -> Coverage;

    /// How long after an accepted write a read may still show the old state.
    fn propagation(&self) -> Duration;

    /// Gets ready to strike: a fresh access token, warm connections. Called after start and every so often, so that
    /// the key finds everything warm.
    async fn warm(&self) -> Result<(), ProviderError>;

    /// Reachable? Who are we? Per lane: can it read, can it cut, which permission is missing?
    async fn preflight(&self) -> Result<Preflight, ProviderError>;

    /// Every non-human identity, all pages.
    ///
    /// # Errors
    /// Only where nothing could be read; a listing that broke off is `Ok` with a gap.
    async fn inventory(&self) -> Result<Listing, ProviderError>;

    /// One identity, read live: credentials, connectors, grants, effective scopes, facts, children.
    ///
    /// An identity that is gone is `Ok` with state `Gone` and no holdings. Never cached.
    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError>;

    /// What it did since then, newest first, at most `limit`.
    async fn activity(
        &self,
        identity: &Identity,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Activity>, ProviderError>;

    /// Pure: the steps that shut an identity, from the identity alone.
    fn gate(&self, identity: &Identity) -> Vec<Step>;

    /// Pure: every step that isolating (or burning) it takes, gates included.
    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step>;

    /// Pure: what undoing takes for one identity.
    ///
    /// `before` is how it read before the first strike, `now` how it reads, `done` the steps of the operations to undo
    /// with where they stand: only what these changed is put back.
    fn restore(&self, before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration;

    /// One mutation: one request that changes anything, carrying the step's key where headers are free. No retry.
    ///
    /// An [`ArmedStep`] can only be made by the journal, so nothing can be changed that is not on record.
    async fn perform(&self, armed: &ArmedStep, attempt: u32) -> Answer;

    /// Pure: whose a leaked secret is, by what was listed and read here. It sends nothing, and leaves
    /// [`Owner::bot`] to the engine, which knows bots.
    fn owners(
        &self,
        secret: &LeakedSecret,
        _recognised: &[Recognised],
        listing: &[&Identity],
        readings: &[&Reading],
    ) -> Vec<Owner> {
        let how = |class: &str| format!("the fingerprint of its {}", if class.is_empty() { "secret" } else { class });
        owners_by_fingerprint(&secret.fingerprint(), listing, readings, &how, &|_| ProbeKind::None)
    }

    /// Uses a leaked secret once, at this provider's configured address and nowhere else: a host that the secret or
    /// its claims name is never asked. What a use has minted is revoked at once; `consent` allows such a use.
    async fn probe(&self, _secret: &LeakedSecret, _owner: &Owner, _consent: bool) -> Probed {
        Probed { at: self.name().clone(), alive: None, said: "estop has no way to use it here".to_owned() }
    }
}

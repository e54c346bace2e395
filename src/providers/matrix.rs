//! Matrix: a Synapse homeserver by its admin API. Every local account is an identity; selectors say which are bots.
//!
//! ```text
//! GET v2/users ─▶ inventory     one account ─▶ read: account, devices, rooms, last seen ─▶ Reading ─▶ steps ─▶ perform
//! ```
//!
//! Isolating: the lock is the gate, for it is all that refuses a token which an admin made for the account ("log in as
//! a user"): such a token is in no list and outlives deactivation and a new password. Then its devices are deleted,
//! for their refresh tokens are exchanged also while the account is locked, and what comes of it lives after the lock.
//! An application service ignores both, and is named. All of it was measured on Synapse 1.163.2.

mod activity;
mod facts;
mod owners;
mod perform;
mod preflight;
mod read;
mod restore;
mod steps;
#[cfg(test)]
mod testing;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    domain::{
        Activity, Answer, Depth, Identity, LeakedSecret, Owner, Probed, ProviderName, Reading, Recognised, Restoration,
        RestoreMode, Step, StepRecord,
    },
    engine::{Budget, Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Rate, RateHeaders},
    journal::ArmedStep,
    providers::{
        http::{Account, Call, Client, Grounds, SecretSource, TokenHeader},
        transport::Transport,
    },
};

/// Time for one request.
const DEADLINE: Duration = Duration::from_secs(15);
/// What a server admin is called where one is missing: Synapse has no finer permission for its admin API.
const ADMIN: &str = "server admin";

const fn limits(rate: Option<Rate>) -> Limits {
    Limits {
        concurrent_writes: 8,
        concurrent_reads: 8,
        deadline: DEADLINE,
        rate,
        // A 429 says `retry_after_ms` and `Retry-After`; what is left is told by no header.
        rate_headers: &[RateHeaders::RATELIMIT],
        latency: Duration::from_millis(30),
        requests_per_reading: 4,
    }
}

/// How to reach one homeserver.
#[derive(Clone)]
pub struct Settings {
    /// The provider's unique name in the configuration.
    pub name: ProviderName,
    /// Where its client and admin API answer, without `/_matrix` or `/_synapse`.
    pub homeserver: Url,
    /// The access token of a server admin.
    pub access_token: SecretSource,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.homeserver.host_str();
        f.debug_struct("Settings").field("name", &self.name).field("host", &host).finish_non_exhaustive()
    }
}

/// One Synapse homeserver.
pub struct Matrix {
    name: ProviderName,
    account: Account,
    /// For requests with somebody else's token.
    client: Client,
    clock: Arc<dyn Clock>,
    budget: Budget,
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrix").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Matrix {
    /// Sends nothing yet. `rate`: what the server, or what stands before it, demands.
    pub fn new(settings: Settings, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, rate: Option<Rate>) -> Self {
        let budget = Budget::new(limits(rate), clock.clone());
        let client = Client::new(settings.homeserver, transport, clock.clone()).budgeted(budget.clone());
        let name = settings.name;
        let token = settings.access_token;
        let account = Account::new(name.as_str(), client.clone(), TokenHeader::Bearer, token, DEADLINE);
        Self { name, account, client, clock, budget }
    }

    /// One read under `/_synapse/admin`.
    async fn get<T: DeserializeOwned>(&self, call: impl Fn() -> Call, what: &str) -> Result<T, ProviderError> {
        self.account.get(call, Grounds { what, permission: ADMIN }).await
    }
}

/// The path of the admin API, and what follows.
fn admin<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["_synapse", "admin"], rest].concat()
}

#[async_trait]
impl Provider for Matrix {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "matrix"
    }

    fn limits(&self) -> Limits {
        self.budget.limits()
    }

    fn budget(&self) -> Option<Budget> {
        Some(self.budget.clone())
    }

    fn coverage(&self) -> Coverage {
        preflight::coverage()
    }

    fn propagation(&self) -> Duration {
        preflight::PROPAGATION
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        preflight::whoami(self).await.map(|_| ())
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        preflight::check(self).await
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        read::inventory(self).await
    }

    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        read::holdings(self, identity).await
    }

    async fn activity(
        &self,
        identity: &Identity,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Activity>, ProviderError> {
        activity::of(self, identity, since, limit).await
    }

    fn gate(&self, identity: &Identity) -> Vec<Step> {
        steps::gate(identity)
    }

    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step> {
        steps::steps(reading, depth)
    }

    fn restore(&self, before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
        restore::restore(before, now, done, mode)
    }

    async fn perform(&self, armed: &ArmedStep, _attempt: u32) -> Answer {
        perform::perform(self, armed.step(), armed.key()).await
    }

    fn owners(
        &self,
        _secret: &LeakedSecret,
        recognised: &[Recognised],
        listing: &[&Identity],
        readings: &[&Reading],
    ) -> Vec<Owner> {
        owners::of(recognised, listing, readings)
    }

    async fn probe(&self, secret: &LeakedSecret, owner: &Owner, _consent: bool) -> Probed {
        owners::probe(self, secret, owner).await
    }
}

//! Keycloak 26 by its Admin REST API: every client is an identity; its service-account user belongs to it.
//!
//! ```text
//! GET /clients ─▶ inventory          one identity ─▶ read.rs ─▶ Reading ─▶ steps.rs ─▶ Step ─▶ perform.rs
//!                                      ├ client: secrets, keys            (pure)        (one request)
//!                                      ├ service-account user: roles, groups, links
//!                                      ├ sessions, consents of users
//!                                      └ events: children, exposure, last use
//! ```
//!
//! What revocation does on a real server, and what survives it, was measured; the order inside an object, `notBefore`
//! one second ahead, the minimal PUT and the second log-out all come from there.

mod activity;
mod children;
mod credentials;
mod events;
mod exposure;
mod facts;
mod grants;
mod key;
mod leak;
mod list;
mod owners;
mod perform;
mod preflight;
mod probe;
mod read;
mod reader;
mod record;
mod residual;
mod restore;
mod scopes;
mod sessions;
mod steps;
#[cfg(test)]
mod testing;
mod token;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    domain::{
        Activity, Answer, Depth, Identity, IdentityState, LeakedSecret, Owner, Probed, ProviderName, Reading,
        Recognised, Restoration, RestoreMode, Step, StepRecord,
    },
    engine::{Budget, Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Rate, RateHeaders},
    journal::ArmedStep,
    providers::{
        http::{Call, Client, Grounds, Reply, SecretSource, ServerClock},
        transport::{Transport, TransportError},
    },
};

/// Reads at the same time. A single node answers eight at once twice as fast as one by one, and more gains nothing.
const CONCURRENT_READS: usize = 8;
/// Mutations at the same time: as many as there are idle connections. Fifty on as many objects were measured to
/// succeed.
const CONCURRENT_WRITES: usize = 16;
/// Connections that [`Provider::warm`] opens.
const WARM_CONNECTIONS: usize = 4;
/// Time for one request.
const DEADLINE: Duration = Duration::from_secs(15);
/// One request over a network: on loopback a node was measured to answer in a few milliseconds.
const LATENCY: Duration = Duration::from_millis(50);
/// Of one reading: the client, its secrets, its user with roles and groups, sessions, consents, events.
const REQUESTS_PER_READING: u32 = 15;
/// Keycloak itself has no limit and sends no such headers; what stands before it may.
const RATE_HEADERS: &[RateHeaders] = &[RateHeaders::X_RATELIMIT, RateHeaders::RATELIMIT];

const fn limits(rate: Option<Rate>) -> Limits {
    Limits {
        concurrent_writes: CONCURRENT_WRITES,
        concurrent_reads: CONCURRENT_READS,
        deadline: DEADLINE,
        rate,
        rate_headers: RATE_HEADERS,
        latency: LATENCY,
        requests_per_reading: REQUESTS_PER_READING,
    }
}

/// How to reach one realm.
#[derive(Clone)]
pub struct Settings {
    /// The provider's unique name in the configuration.
    pub name: ProviderName,
    /// Where Keycloak answers, without `/realms` or `/admin`.
    pub base_url: Url,
    /// The realm whose clients are listed and cut.
    pub realm: String,
    /// The realm that estop's own client is in. Better `master` than [`Settings::realm`]: there a bot that may manage
    /// clients cannot cut estop off.
    pub auth_realm: String,
    /// Estop's own client there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretSource,
}

impl Settings {
    /// The client that holds the admin roles for the target realm: `realm-management` inside it, `REALM-realm` in
    /// `master`.
    fn admin_container(&self) -> String {
        if self.auth_realm == self.realm && self.realm != "master" {
            "realm-management".to_owned()
        } else {
            format!("{}-realm", self.realm)
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("host", &self.base_url.host_str())
            .field("realm", &self.realm)
            .field("auth_realm", &self.auth_realm)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// One realm of a Keycloak.
pub struct Keycloak {
    settings: Arc<Settings>,
    client: Client,
    clock: Arc<dyn Clock>,
    token: token::TokenSource,
    budget: Budget,
    /// Service-account users by client UUID, as readings found them: the listing does not tell them, the gate wants
    /// them.
    service_accounts: Mutex<BTreeMap<String, String>>,
    /// Clients that could mint when they were read: what they made is not unmade by taking the role away.
    minters: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Keycloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keycloak").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Keycloak {
    /// Sends nothing yet.
    pub fn new(settings: Settings, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let settings = Arc::new(settings);
        let budget = Budget::new(limits(None), clock.clone());
        Self {
            client: Client::new(settings.base_url.clone(), transport, clock.clone()).budgeted(budget.clone()),
            token: token::TokenSource::new(settings.clone(), clock.clone()),
            clock,
            settings,
            budget,
            service_accounts: Mutex::default(),
            minters: Mutex::default(),
        }
    }

    /// Held to a rate that the server, or what stands before it, demands.
    pub fn with_rate(mut self, rate: Option<Rate>) -> Self {
        self.budget = Budget::new(limits(rate), self.clock.clone());
        self.client = self.client.budgeted(self.budget.clone());
        self
    }

    /// `admin/realms/REALM` and what follows.
    fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut path = vec!["admin", "realms", self.settings.realm.as_str()];
        path.extend_from_slice(rest);
        path
    }

    /// One read under the realm with our token; once more with a new token where it is refused, and again where the
    /// trouble is the server's and passing.
    async fn get<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> Call,
        grounds: Grounds<'_>,
    ) -> Result<T, ProviderError> {
        let what = format!("{}: {}", self.settings.name, grounds.what);
        let grounds = Grounds { what: &what, ..grounds };
        let request = &request;
        let send = |limit| self.authorized(false, move || request().within(limit));
        self.client.patiently(DEADLINE, grounds, send).await?.json(grounds.what)
    }

    /// Sends with our token. A 401 says that nothing was done because of the token alone, so the request goes out a
    /// second time with a new one. The request is put together when the budget has admitted it.
    async fn authorized(
        &self,
        mutation: bool,
        request: impl Fn() -> Call,
    ) -> Result<Result<Reply, TransportError>, ProviderError> {
        let bearer = self.token.bearer(&self.client).await?;
        let admission = self.client.admit(mutation).await;
        let result = self.client.send_admitted(admission, request(), Some(&bearer.secret)).await;
        if !matches!(&result, Ok(reply) if reply.status == http::StatusCode::UNAUTHORIZED) {
            return Ok(result);
        }
        self.token.refuse(&bearer);
        let bearer = self.token.bearer(&self.client).await?;
        let admission = self.client.admit(mutation).await;
        Ok(self.client.send_admitted(admission, request(), Some(&bearer.secret)).await)
    }

    /// Who the realm says that it is: by our own token where one was made, else as the configuration has it.
    fn issuer(&self) -> String {
        self.public_issuer().unwrap_or_else(|| self.issuer_of(self.settings.base_url.as_str()))
    }

    /// A realm may call itself by another host name than the one that estop asks it at.
    fn public_issuer(&self) -> Option<String> {
        let own = self.token.own().issuer?;
        let base = own.strip_suffix(&format!("/realms/{}", self.settings.auth_realm))?;
        Some(self.issuer_of(base))
    }

    fn issuer_of(&self, base: &str) -> String {
        format!("{}/realms/{}", base.trim_end_matches('/'), self.settings.realm)
    }

    /// Whether a token names this realm as its issuer. The issuer is compared, never asked.
    fn issued(&self, issuer: &str) -> bool {
        issuer == self.issuer_of(self.settings.base_url.as_str()) || self.public_issuer().as_deref() == Some(issuer)
    }

    /// The server's clock, by its own time stamps where they can be read.
    fn server_clock(&self) -> &ServerClock {
        let own = self.token.server_clock();
        if own.ahead_ms().is_some() { own } else { self.client.server_clock() }
    }

    fn known_service_account(&self, client: &str) -> Option<String> {
        self.service_accounts.lock().unwrap_or_else(PoisonError::into_inner).get(client).cloned()
    }

    /// Whether the client can mint or could before; remembers that it can.
    fn could_mint(&self, client: &str, can: bool) -> bool {
        let mut minters = self.minters.lock().unwrap_or_else(PoisonError::into_inner);
        if can {
            minters.insert(client.to_owned());
        }
        minters.contains(client)
    }

    fn remember_service_account(&self, client: &str, user: &str) {
        let mut known = self.service_accounts.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(client.to_owned(), user.to_owned());
    }
}

#[async_trait]
impl Provider for Keycloak {
    fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    fn kind(&self) -> &'static str {
        "keycloak"
    }

    fn limits(&self) -> Limits {
        self.budget.limits()
    }

    fn budget(&self) -> Option<Budget> {
        Some(self.budget.clone())
    }

    fn coverage(&self) -> Coverage {
        let list = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Coverage {
            unlisted: list(&[
                "access tokens by client credentials: they have no session and no API lists them",
                "registration access tokens: no API lists them; burning replaces them",
                "clients that a bot made while the realm kept no admin events",
            ]),
            uncut: list(&["access tokens that a resource server checks by itself: valid until they end"]),
        }
    }

    /// None: on one node nothing that was sent after a write's answer was accepted any more.
    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        self.token.bearer(&self.client).await?;
        let ping = || {
            self.get::<serde::de::IgnoredAny>(
                || Call::get(self.path(&[])),
                Grounds { what: "warming up", permission: "query-realms" },
            )
        };
        let results = futures::future::join_all((0..WARM_CONNECTIONS).map(|_| ping())).await;
        match results.into_iter().find_map(Result::err) {
            // Connections are warm when the server answers, whatever it thinks of the question.
            Some(ProviderError::Refused { .. } | ProviderError::BadData(_)) | None => Ok(()),
            Some(error) => Err(error),
        }
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        preflight::check(self).await
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        list::inventory(self).await
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
        // What nobody has listed may be a client's name in the place of its id, which no request can be made of.
        if identity.state == IdentityState::Unknown && uuid::Uuid::try_parse(identity.id.native()).is_err() {
            return Vec::new();
        }
        steps::gate(&self.settings.name, &self.token.own(), identity)
    }

    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step> {
        steps::all(&self.settings.name, &self.token.own(), reading, depth)
    }

    fn restore(&self, before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
        restore::restore(&self.settings.name, &self.token.own(), before, now, done, mode)
    }

    async fn perform(&self, armed: &ArmedStep, _attempt: u32) -> Answer {
        perform::perform(self, armed.step(), armed.key()).await
    }

    fn owners(
        &self,
        secret: &LeakedSecret,
        _recognised: &[Recognised],
        listing: &[&Identity],
        readings: &[&Reading],
    ) -> Vec<Owner> {
        owners::of(self, secret, listing, readings)
    }

    async fn probe(&self, secret: &LeakedSecret, owner: &Owner, _consent: bool) -> Probed {
        probe::probe(self, secret, owner).await
    }
}

//! A Keycloak at the wire: stateful, with the survivors, traps and refusals measured on a real 26.7.3.
//!
//! ```text
//! request ─▶ log ─▶ fault? ─▶ latency ─▶ world.handle(call, now) ─▶ answer
//!                     │                       ▲
//!                     └ late effect ──────────┘ when due
//! ```
//!
//! The world is one realm behind one lock that is never held while waiting. Writes on one client or user that
//! overlap in time may lose each other, as they do on the real server.

mod access;
mod admin_clients;
mod admin_realm;
mod admin_users;
mod ambush;
mod answer;
mod attacker;
mod build;
mod call;
mod client_auth;
mod client_model;
mod events;
mod fault;
mod issue;
mod log;
mod oidc;
mod overlap;
mod permissions;
mod random;
mod register;
mod roles;
mod router;
mod token;
mod truth;
mod world;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;

pub use ambush::Moment;
pub use attacker::{Attacker, Key, Tokens};
pub use build::WorldError;
pub use fault::{Effect, Fault};
pub use log::Logged;
pub use truth::{Credential, CredentialKind};

use self::{answer::Answer, call::Call, overlap::Before, random::Random, world::World};
use super::fleet::Fleet;
use crate::{
    engine::Clock,
    providers::transport::{Transport, TransportError},
};

/// The only host that it answers for. `.invalid` exists nowhere (RFC 2606).
pub const BASE_URL: &str = "https://keycloak.exercise.invalid";

/// Where the console's requests come from, in the events (RFC 5737).
const CONSOLE_ADDRESS: &str = "192.0.2.10";

/// A simulated Keycloak, to be used as a [`Transport`].
pub struct SimulatedKeycloak {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    shortest: Duration,
    spread: Duration,
}

struct State {
    world: World,
    jitter: Random,
    faults: Vec<Fault>,
    ambushes: Vec<ambush::Ambush>,
    late: Vec<(Duration, Call)>,
    log: Vec<Logged>,
    /// How many requests were forgotten: answers find their request by its number.
    forgotten: usize,
}

impl SimulatedKeycloak {
    /// A realm made of a fleet's data, at the clock's present time.
    ///
    /// # Errors
    /// The data name something that is not in them.
    pub fn new(fleet: &Fleet, clock: Arc<dyn Clock>) -> Result<Self, WorldError> {
        let world = build::world(fleet, BASE_URL, clock.now())?;
        let (faults, late, log) = (Vec::new(), Vec::new(), Vec::new());
        let (jitter, ambushes) = (Random::new(fleet.seed), Vec::new());
        let state = State { world, jitter, faults, ambushes, late, log, forgotten: 0 };
        let (shortest, spread) = (Duration::from_millis(20), Duration::from_millis(40));
        Ok(Self { state: Mutex::new(state), clock, shortest, spread })
    }

    /// Answers take between `shortest` and `longest`; 20 to 60 ms unless set.
    pub fn with_latency(mut self, shortest: Duration, longest: Duration) -> Self {
        self.shortest = shortest;
        self.spread = longest.saturating_sub(shortest);
        self
    }

    /// Adds a rule; the first that matches a request decides.
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Removes all rules. What hangs goes on hanging; what is late still comes.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// Every request that came over the transport, in the order of arrival.
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().log.clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        let mut state = self.lock();
        state.forgotten += state.log.len();
        state.log.clear();
    }

    /// Whether the realm keeps events and admin events. Without them what a bot made cannot be found.
    pub fn keep_events(&self, keep: bool) {
        let realm = &mut self.lock().world.realm;
        (realm.events_enabled, realm.admin_events_enabled) = (keep, keep);
    }

    /// The console's own credential: client id and secret, in the master realm.
    pub fn operator(&self) -> Option<(String, SecretString)> {
        let state = self.lock();
        let operator = state.world.operators.values().next()?;
        Some((operator.client_id.clone(), SecretString::from(operator.secret.clone())))
    }

    /// The realm's name.
    pub fn realm(&self) -> String {
        self.lock().world.realm.name.clone()
    }

    /// Gives the console exactly these roles.
    pub fn permit_operator(&self, roles: &[&str]) {
        for operator in self.lock().world.operators.values_mut() {
            operator.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        }
    }

    /// Adds as many innocent clients: a realm of real size.
    pub fn crowd(&self, count: usize) {
        let mut state = self.lock();
        for number in 0..count {
            let body = json!({ "clientId": format!("service-{number:05}"), "serviceAccountsEnabled": number % 2 == 0 });
            // A name that is taken is an innocent client already.
            state.world.make_client(&body).ok();
        }
    }

    /// The internal id of a client, as paths and identities use it.
    pub fn client_uuid(&self, client_id: &str) -> Option<String> {
        self.lock().world.client_named(client_id).map(|client| client.id.clone())
    }

    /// The id of a user; a service account's is `service-account-CLIENT`.
    pub fn user_id(&self, username: &str) -> Option<String> {
        let state = self.lock();
        state.world.users.values().find(|user| user.username == username).map(|user| user.id.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies what is due, then this request.
    fn apply(&self, call: &Call) -> Answer {
        let mut state = self.lock();
        self.apply_due(&mut state);
        state.world.handle(call, self.clock.now())
    }

    fn apply_due(&self, state: &mut State) {
        let now = self.clock.monotonic();
        let late = std::mem::take(&mut state.late);
        let (due, later): (Vec<_>, Vec<_>) = late.into_iter().partition(|(at, _)| *at <= now);
        state.late = later;
        for (_, call) in due {
            state.world.handle(&call, self.clock.now());
        }
    }

    /// Logs it, decides its fate, and remembers the entity that it will write.
    fn arrive(&self, call: &Call, request: &http::Request<Bytes>) -> (usize, Option<Effect>, Duration, Option<Before>) {
        let mut state = self.lock();
        self.apply_due(&mut state);
        state.log.push(Logged::of(call, request.headers(), self.clock.now()));
        let effect = state.faults.iter_mut().find_map(|fault| fault.strikes(call).then(|| fault.effect().clone()));
        let spread = u64::try_from(self.spread.as_micros()).unwrap_or(0);
        let wait = self.shortest + Duration::from_micros(state.jitter.below(spread + 1));
        (state.forgotten + state.log.len() - 1, effect, wait, state.world.before(call))
    }

    /// As [`Self::apply`], for a request that took its time: another write may have come between.
    fn commit(&self, call: &Call, before: Option<Before>) -> Answer {
        self.strike_from_ambush(Moment::Before, call);
        let answer = {
            let mut state = self.lock();
            self.apply_due(&mut state);
            let State { world, jitter, .. } = &mut *state;
            overlap::take_effect(world, jitter, call, before, self.clock.now())
        };
        self.strike_from_ambush(Moment::After, call);
        answer
    }

    /// A success that changed nothing.
    fn pretend(&self, call: &Call) -> Answer {
        let mut copy = self.lock().world.clone();
        copy.handle(call, self.clock.now())
    }

    fn answered(&self, index: usize, status: u16) {
        let mut state = self.lock();
        let index = index.checked_sub(state.forgotten);
        if let Some(logged) = index.and_then(|index| state.log.get_mut(index)) {
            logged.status = Some(status);
        }
    }
}

#[async_trait]
impl Transport for SimulatedKeycloak {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        if !is_here(request.uri()) {
            return Err(TransportError::Unreachable("the exercise has no such host; it reaches no network".to_owned()));
        }
        let call = Call::of(&request, CONSOLE_ADDRESS);
        let (index, effect, mut wait, before) = self.arrive(&call, &request);
        if let Some(Effect::Slow(more)) = effect {
            wait += more;
        }
        tokio::time::sleep(wait).await;
        let answer = match effect {
            Some(Effect::Hang) => std::future::pending().await,
            Some(Effect::Unreachable) => {
                return Err(TransportError::Unreachable("connection refused, on order of the exercise".to_owned()));
            }
            Some(Effect::LoseAnswer) => {
                self.commit(&call, before);
                return Err(TransportError::Lost("the answer was lost, on order of the exercise".to_owned()));
            }
            Some(Effect::Status { status, retry_after }) => {
                self.answered(index, status);
                return Ok(failed(status, retry_after));
            }
            Some(Effect::Ignored) => self.pretend(&call),
            Some(Effect::Late(after)) => {
                let answer = self.pretend(&call);
                self.lock().late.push((self.clock.monotonic() + after, call));
                answer
            }
            Some(Effect::Slow(_)) | None => self.commit(&call, before),
        };
        self.answered(index, answer.status);
        Ok(answer.into_http())
    }
}

impl fmt::Debug for SimulatedKeycloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedKeycloak").finish_non_exhaustive()
    }
}

fn is_here(uri: &http::Uri) -> bool {
    let host = BASE_URL.split_once("://").map(|(_, host)| host);
    uri.host() == host && uri.scheme_str() == Some("https") && uri.port().is_none()
}

fn failed(status: u16, retry_after: Option<u64>) -> http::Response<Bytes> {
    let mut builder = http::Response::builder().status(status);
    if let Some(seconds) = retry_after {
        builder = builder.header(http::header::RETRY_AFTER, seconds);
    }
    let body = Bytes::from(json!({ "error": format!("HTTP {status}") }).to_string());
    builder.body(body).unwrap_or_default()
}

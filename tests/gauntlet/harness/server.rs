//! The fault server: a simulated Keycloak behind a real socket. It keeps the truth, logs what comes, and looks into the
//! journal when a request that changes something arrives.
//!
//! ```text
//! accept ─▶ read request ─▶ log; on record? ─▶ first rule that strikes ─▶ keycloak ─▶ answer, however it comes out
//! ```

mod serve;
mod shared;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use estop::{
    providers::transport::Transport as _,
    tabletop::{
        SimulatedKeycloak,
        keycloak::{BASE_URL, Credential},
    },
};
use tokio::{net::TcpListener, runtime::Handle, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

pub use shared::Seen;

use super::{
    seed::Dice,
    wire::Rule,
    world::{BOT, Loot, World},
};
use serve::accept;
use shared::Shared;

/// One fault server.
pub struct Server {
    /// The provider's name in the configuration.
    pub name: String,
    pub port: u16,
    pub keycloak: Arc<SimulatedKeycloak>,
    pub loot: Loot,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
    runtime: Handle,
}

impl Server {
    /// On a port of the system's choice.
    pub fn start(runtime: &Handle, name: &str, world: World, journals: Vec<PathBuf>, tls: Option<TlsAcceptor>) -> Self {
        let World { keycloak, loot } = world;
        let shared = Arc::new(Shared {
            keycloak: keycloak.clone(),
            rules: Mutex::default(),
            seen: Mutex::default(),
            arrived: tokio::sync::watch::channel(0).0,
            journals: Mutex::new(journals),
            latency: Mutex::default(),
            dice: Mutex::new(Dice::of(name)),
            before: Mutex::default(),
            cut: Mutex::default(),
            flaps: AtomicUsize::new(0),
            bearers: Mutex::default(),
            tls,
            handshakes_refused: AtomicUsize::new(0),
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = Mutex::new(Some(runtime.spawn(accept(listener, shared.clone()))));
        Self { name: name.to_owned(), port, keycloak, loot, shared, accepting, runtime: runtime.clone() }
    }

    /// Adds a fault; the first that matches decides. Keep what it gives to ask how often it fired.
    pub fn fault(&self, rule: Rule) -> Arc<Rule> {
        let rule = Arc::new(rule);
        self.shared.rules.lock().unwrap().push(rule.clone());
        rule
    }

    /// Takes all faults away, after checking that each has fired.
    #[track_caller]
    pub fn heal(&self) {
        let rules = std::mem::take(&mut *self.shared.rules.lock().unwrap());
        for rule in rules {
            assert!(!rule.is_owed(), "{}: the fault `{:?}` never fired", self.name, rule.wire());
        }
        *self.shared.latency.lock().unwrap() = Default::default();
        self.reopen();
    }

    /// Every request takes between these two.
    pub fn latency(&self, shortest: Duration, longest: Duration) {
        *self.shared.latency.lock().unwrap() = (shortest, longest);
    }

    /// Nobody listens any more; open connections are reset.
    pub fn close(&self) {
        if let Some(task) = self.accepting.lock().unwrap().take() {
            task.abort();
            self.runtime.block_on(task).ok();
        }
    }

    /// Listens again on the same port.
    pub fn reopen(&self) {
        let mut accepting = self.accepting.lock().unwrap();
        if accepting.is_none() {
            let listener = self.runtime.block_on(TcpListener::bind(("127.0.0.1", self.port))).unwrap();
            *accepting = Some(self.runtime.spawn(accept(listener, self.shared.clone())));
        }
    }

    /// Every request so far, in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Those that asked for a change at the admin API.
    pub fn changes(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.changes).collect()
    }

    /// Waits until a request that the function picks has arrived.
    #[track_caller]
    pub fn await_request(&self, within: Duration, pick: impl Fn(&Seen) -> bool) -> Seen {
        let mut arrived = self.shared.arrived.subscribe();
        let found = self.runtime.block_on(async {
            tokio::time::timeout(within, async {
                loop {
                    if let Some(seen) = self.seen().into_iter().find(&pick) {
                        return seen;
                    }
                    arrived.changed().await.unwrap();
                }
            })
            .await
        });
        found.unwrap_or_else(|_| panic!("{}: no such request within {within:?}: {:#?}", self.name, self.seen()))
    }

    /// Tokens of estop's own that it carried here.
    pub fn bearers(&self) -> Vec<String> {
        self.shared.bearers.lock().unwrap().iter().cloned().collect()
    }

    /// What of the bot would be accepted now.
    pub fn alive(&self) -> Vec<Credential> {
        self.keycloak.alive(BOT)
    }

    /// Somebody enables the bot's client again, past estop.
    pub fn reopen_client(&self, client: &str) {
        let path = format!("/admin/realms/{}/clients/{client}", self.keycloak.realm());
        let body = Bytes::from_static(br#"{"enabled":true,"attributes":{}}"#);
        let request = ::http::Request::put(format!("{BASE_URL}{path}"));
        let token = self.bearers().pop().unwrap();
        let request = request.header("authorization", format!("Bearer {token}")).body(body).unwrap();
        let answer = self.runtime.block_on(self.keycloak.send(request)).unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// It looks for journals here from now on.
    pub fn watch(&self, journals: Vec<PathBuf>) {
        *self.shared.journals.lock().unwrap() = journals;
    }

    /// Connections that ended in the TLS handshake.
    pub fn handshakes_refused(&self) -> usize {
        self.shared.handshakes_refused.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.accepting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

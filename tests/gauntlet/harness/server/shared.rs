//! What a fault server knows: its realm, its faults, all that came, and whether that was on record.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use estop::{
    providers::transport::Transport as _,
    tabletop::{SimulatedKeycloak, keycloak::BASE_URL},
};
use jiff::Timestamp;
use sha2::Digest as _;
use tokio_rustls::TlsAcceptor;

use crate::harness::{
    http::Request,
    journals::journals_in,
    seed::Dice,
    wire::{Reply, Rule},
};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// Path with query.
    pub target: String,
    pub key: Option<String>,
    /// Whether it carried estop's own token.
    pub bearer: bool,
    /// SHA-256 of the body.
    pub body: String,
    /// Whether it asked for a change at the admin API.
    pub changes: bool,
    /// Of a change: whether its intent was on disk when it arrived (O2).
    pub on_record: bool,
    /// Which fault struck it.
    pub fault: Option<String>,
    /// When it was applied, if it was.
    pub applied: Option<Timestamp>,
    /// When it was answered with what is no longer true, if it was.
    pub lied: Option<Timestamp>,
    /// The status of the answer that began to leave.
    pub status: Option<u16>,
}

/// The server's memory, which all its connections work on.
pub(super) struct Shared {
    pub(super) keycloak: Arc<SimulatedKeycloak>,
    pub(super) rules: Mutex<Vec<Arc<Rule>>>,
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) arrived: tokio::sync::watch::Sender<usize>,
    /// Where journals may lie.
    pub(super) journals: Mutex<Vec<PathBuf>>,
    pub(super) latency: Mutex<(Duration, Duration)>,
    pub(super) dice: Mutex<Dice>,
    /// Answers of reads before the first change, by target.
    pub(super) before: Mutex<HashMap<String, Reply>>,
    /// When the first change took effect.
    pub(super) cut: Mutex<Option<Instant>>,
    pub(super) flaps: AtomicUsize,
    pub(super) bearers: Mutex<BTreeSet<String>>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) handshakes_refused: AtomicUsize,
}

impl Shared {
    pub(super) fn arrive(&self, request: &Request, rule: Option<&Rule>) -> usize {
        let key = request.header("idempotency-key").map(str::to_owned);
        let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if let Some(token) = bearer {
            self.bearers.lock().unwrap().insert(token.to_owned());
        }
        let changes = request.changes();
        let on_record = changes && key.as_deref().is_some_and(|key| self.is_on_record(key));
        let seen = Seen {
            at: Instant::now(),
            method: request.method.clone(),
            path: request.path().to_owned(),
            target: request.target.clone(),
            key,
            bearer: bearer.is_some(),
            body: hex::encode(sha2::Sha256::digest(&request.body)),
            changes,
            on_record,
            fault: rule.map(|rule| format!("{:?}", rule.wire())),
            applied: None,
            lied: None,
            status: None,
        };
        let mut all = self.seen.lock().unwrap();
        all.push(seen);
        self.arrived.send_replace(all.len());
        all.len() - 1
    }

    /// The cheap check of O2: a line of a journal on disk intends this key.
    fn is_on_record(&self, key: &str) -> bool {
        let intends = |line: &str| line.contains("\"kind\":\"plan.intent\"") && line.contains(key);
        let folders = self.journals.lock().unwrap().clone();
        let files = folders.iter().flat_map(|folder| journals_in(folder));
        files
            .filter_map(|file| std::fs::read(file).ok())
            .any(|bytes| String::from_utf8_lossy(&bytes).lines().any(intends))
    }

    pub(super) fn latency(&self) -> Duration {
        let (shortest, longest) = *self.latency.lock().unwrap();
        let spread = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap();
        shortest + Duration::from_micros(self.dice.lock().unwrap().below(spread + 1))
    }

    pub(super) async fn apply(&self, request: &Request, index: usize) -> Reply {
        let mut builder = ::http::Request::builder().method(request.method.as_str());
        builder = builder.uri(format!("{BASE_URL}{}", request.target));
        for (name, value) in &request.headers {
            if matches!(name.as_str(), "authorization" | "content-type" | "idempotency-key") {
                builder = builder.header(name, value);
            }
        }
        let answer = self.keycloak.send(builder.body(Bytes::from(request.body.clone())).unwrap()).await.unwrap();
        let mut reply = Reply::status(answer.status().as_u16()).body(answer.body().to_vec());
        for name in ["content-type", "location"] {
            if let Some(value) = answer.headers().get(name) {
                reply = reply.header(name, value.to_str().unwrap());
            }
        }
        if request.changes() {
            self.seen.lock().unwrap()[index].applied = Some(Timestamp::now());
            self.cut.lock().unwrap().get_or_insert_with(Instant::now);
        } else if request.method == "GET" && self.cut.lock().unwrap().is_none() {
            self.before.lock().unwrap().insert(request.target.clone(), reply.clone());
        }
        reply
    }

    /// The answer from before the cut, every second time within its time.
    pub(super) fn stale(&self, request: &Request, time: Duration) -> Option<Reply> {
        let cut = (*self.cut.lock().unwrap())?;
        if cut.elapsed() > time || self.flaps.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return None;
        }
        self.before.lock().unwrap().get(&request.target).cloned()
    }
}

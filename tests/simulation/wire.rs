//! Between estop and the simulated server: sees every request first, and keeps those on their way when a process dies.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use estop::{
    providers::transport::{Transport, TransportError},
    tabletop::SimulatedKeycloak,
};

/// A request that takes longer is given up, as on a real wire.
const DEADLINE: Duration = Duration::from_secs(15);

/// The way to one server.
pub struct Wire {
    server: Arc<SimulatedKeycloak>,
    journals: PathBuf,
    rosy: bool,
    seen: Mutex<Seen>,
}

/// What went over it.
#[derive(Default)]
pub struct Seen {
    /// How often each idempotency key came.
    pub keys: HashMap<String, usize>,
    /// Mutations whose intent was not on disk when they arrived.
    pub early: Vec<String>,
    /// Sent and not answered.
    flying: BTreeMap<u64, http::Request<Bytes>>,
    next: u64,
}

impl Wire {
    pub fn new(server: Arc<SimulatedKeycloak>, journals: PathBuf, rosy: bool) -> Self {
        Self { server, journals, rosy, seen: Mutex::default() }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was on its way when its sender died: it may still arrive.
    pub fn stragglers(&self) -> Vec<http::Request<Bytes>> {
        std::mem::take(&mut self.seen().flying).into_values().collect()
    }

    /// Intent first: what arrives must be on disk.
    fn note(&self, request: &http::Request<Bytes>) -> u64 {
        let changes = request.method() != http::Method::GET && request.uri().path().starts_with("/admin/");
        let mut seen = self.seen();
        if changes {
            let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("none");
            *seen.keys.entry(key.to_owned()).or_default() += 1;
            if !self.is_intended(key) {
                seen.early.push(format!("{} {} ({key})", request.method(), request.uri().path()));
            }
        }
        let number = seen.next;
        seen.next += 1;
        seen.flying.insert(number, request.clone());
        number
    }

    /// Nothing ends a session, and nobody sees one.
    fn lie(&self, request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let path = request.uri().path();
        let about_sessions = path.contains("sessions") || path.ends_with("/logout") || path.ends_with("/consents");
        let status = if request.method() == http::Method::GET { 200 } else { 204 };
        let body = if status == 200 { Bytes::from_static(b"[]") } else { Bytes::new() };
        let answer = http::Response::builder().status(status).body(body).expect("a response");
        (self.rosy && about_sessions).then_some(answer)
    }

    fn is_intended(&self, key: &str) -> bool {
        let files = std::fs::read_dir(&self.journals).into_iter().flatten().flatten();
        files
            .filter_map(|file| std::fs::read_to_string(file.path()).ok())
            .any(|text| text.lines().any(|line| line.contains("\"kind\":\"plan.intent\"") && line.contains(key)))
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        if let Some(answer) = self.lie(&request) {
            return Ok(answer);
        }
        let number = self.note(&request);
        let Ok(answer) = tokio::time::timeout(DEADLINE, self.server.send(request)).await else {
            return Err(TransportError::Lost("no whole answer came in time".to_owned()));
        };
        self.seen().flying.remove(&number);
        answer
    }
}

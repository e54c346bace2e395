//! The fault server: a simulated Keycloak behind a real socket. It keeps the truth, logs what comes, and looks into the
//! journal when a request that changes something arrives.
//!
//! ```text
//! accept ─▶ read request ─▶ log; on record? ─▶ first rule that strikes ─▶ keycloak ─▶ answer, however it comes out
//! ```

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use estop::{
    providers::transport::Transport as _,
    tabletop::{
        SimulatedKeycloak,
        keycloak::{BASE_URL, Credential},
    },
};
use jiff::Timestamp;
use sha2::Digest as _;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{
    http::{self, Request},
    seed::Dice,
    wire::{Body, Part, Reply, Rule, Wire},
    world::{BOT, Loot, World},
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

struct Shared {
    keycloak: Arc<SimulatedKeycloak>,
    rules: Mutex<Vec<Arc<Rule>>>,
    seen: Mutex<Vec<Seen>>,
    arrived: tokio::sync::watch::Sender<usize>,
    /// Where journals may lie.
    journals: Mutex<Vec<PathBuf>>,
    latency: Mutex<(Duration, Duration)>,
    dice: Mutex<Dice>,
    /// Answers of reads before the first change, by target.
    before: Mutex<HashMap<String, Reply>>,
    /// When the first change took effect.
    cut: Mutex<Option<Instant>>,
    flaps: AtomicUsize,
    bearers: Mutex<BTreeSet<String>>,
    tls: Option<TlsAcceptor>,
    handshakes_refused: AtomicUsize,
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let shared = shared.clone();
        connections.spawn(async move {
            match shared.tls.clone() {
                None => serve_tcp(stream, shared).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => {
                        serve(stream, &shared).await;
                    }
                    Err(_) => {
                        shared.handshakes_refused.fetch_add(1, Ordering::Relaxed);
                    }
                },
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_tcp(mut stream: TcpStream, shared: Arc<Shared>) {
    if serve(&mut stream, &shared).await == Ending::Reset {
        // A connection closed with a linger of zero is reset, not ended.
        stream.set_zero_linger().ok();
    }
}

#[derive(PartialEq, Eq)]
enum Ending {
    Closed,
    Reset,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: &Arc<Shared>) -> Ending {
    let mut buffer = Vec::new();
    while let Ok(Some(request)) = http::read(&mut stream, &mut buffer).await {
        let rule = shared.rules.lock().unwrap().iter().find(|rule| rule.strikes(&request)).cloned();
        let index = shared.arrive(&request, rule.as_deref());
        let wait = shared.latency();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let wire = rule.as_ref().map(|rule| rule.wire().clone());
        let mut drip = None;
        let reply = match wire {
            Some(Wire::Hang) => std::future::pending().await,
            Some(Wire::Reset) => return Ending::Reset,
            Some(Wire::ResetAfter) => {
                shared.apply(&request, index).await;
                return Ending::Reset;
            }
            Some(Wire::Answer(reply)) => reply,
            Some(Wire::AppliedBut(reply)) => {
                shared.apply(&request, index).await;
                reply
            }
            Some(Wire::Pretend) => Reply::status(204),
            Some(Wire::Late(after)) => {
                let (shared, request) = (shared.clone(), request.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    shared.apply(&request, index).await;
                });
                Reply::status(204)
            }
            Some(Wire::Drip(part, every)) => {
                drip = Some((part, every));
                shared.apply(&request, index).await
            }
            Some(Wire::Twist(twist)) => twist(shared.apply(&request, index).await),
            Some(Wire::Flap(time)) => {
                let right = shared.apply(&request, index).await;
                match shared.stale(&request, time).filter(|old| old.differs(&right)) {
                    Some(old) => {
                        rule.inspect(|rule| rule.lied());
                        shared.seen.lock().unwrap()[index].lied = Some(Timestamp::now());
                        old
                    }
                    None => right,
                }
            }
            None => shared.apply(&request, index).await,
        };
        shared.seen.lock().unwrap()[index].status = Some(reply.status);
        if send(&mut stream, &reply, drip).await.is_err() || !matches!(reply.body, Body::Bytes(_)) {
            break;
        }
    }
    Ending::Closed
}

async fn send<S: AsyncWrite + Unpin>(
    stream: &mut S,
    reply: &Reply,
    drip: Option<(Part, Duration)>,
) -> std::io::Result<()> {
    let head = reply.head();
    match drip {
        Some((Part::Head, every)) => trickle(stream, &head, every).await?,
        _ => stream.write_all(&head).await?,
    }
    let filler = vec![b'a'; 65536];
    match (&reply.body, drip) {
        (Body::Bytes(bytes), Some((Part::Body, every))) => trickle(stream, bytes, every).await?,
        (Body::Bytes(bytes), _) => stream.write_all(bytes).await?,
        (Body::Unmeasured(length), _) => {
            let mut left = usize::try_from(*length).unwrap();
            while left > 0 {
                let part = left.min(filler.len());
                stream.write_all(&filler[..part]).await?;
                left -= part;
            }
        }
        (Body::Endless, _) => loop {
            stream.write_all(&filler).await?;
        },
    }
    stream.flush().await
}

async fn trickle<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8], every: Duration) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        stream.flush().await?;
        tokio::time::sleep(every).await;
    }
    Ok(())
}

impl Shared {
    fn arrive(&self, request: &Request, rule: Option<&Rule>) -> usize {
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

    fn latency(&self) -> Duration {
        let (shortest, longest) = *self.latency.lock().unwrap();
        let spread = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap();
        shortest + Duration::from_micros(self.dice.lock().unwrap().below(spread + 1))
    }

    async fn apply(&self, request: &Request, index: usize) -> Reply {
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
    fn stale(&self, request: &Request, time: Duration) -> Option<Reply> {
        let cut = (*self.cut.lock().unwrap())?;
        if cut.elapsed() > time || self.flaps.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return None;
        }
        self.before.lock().unwrap().get(&request.target).cloned()
    }
}

/// Every journal under a folder. Only regular files: nobody writes to a FIFO, and reading one would wait for ever.
pub fn journals_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(journals_in(&path));
        } else if path.extension().is_some_and(|end| end == "jsonl") && is_regular(&path) {
            found.push(path);
        }
    }
    found
}

/// Whether it is a file itself, and no link to one.
pub fn is_regular(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

//! What reads bytes that somebody else chose, one function each. None may panic, whatever comes.
//!
//! The same functions serve the plain test (seeds and random edits) and the guided fuzzer under `guided/`.

// A path of its own: the guided fuzzer takes this file in from elsewhere.
#[path = "database.rs"]
pub mod database;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use estop::{
    config::{Sources, load},
    domain::{self, Depth, IncidentId, LeakedSecret, ProviderName, Reading, RestoreMode, Untrusted, fit},
    engine::{Provider, SystemClock},
    journal::{Process, Store, Verification, fold, verify},
    providers::{
        keycloak::{Keycloak, Settings},
        postgres::{self, Postgres},
        transport::{Transport, TransportError},
    },
    tabletop::{Fleet, SimulatedKeycloak, keycloak::BASE_URL},
    tui::decode::Decoder,
};
use uuid::Uuid;

use database::{Database, Says};

/// A target: takes anything.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const ALL: [(&str, Target); 8] = [
    ("journal", journal),
    ("configuration", configuration),
    ("text", text),
    ("recognise", recognise),
    ("mask", mask),
    ("keys", keys),
    ("keycloak", keycloak),
    ("postgres", postgres),
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

/// A journal file of an incident: verified, read, folded, then opened by a writer. What is damaged is never changed,
/// and what the writer leaves holds together.
pub fn journal(bytes: &[u8]) {
    let state = tempfile::tempdir().expect("a directory can be made");
    let incident = IncidentId::from_uuid(Uuid::nil());
    let store = Store::at(state.path(), None, Arc::new(|| (jiff::Timestamp::UNIX_EPOCH, 0)), Process::this());
    let path = store.path(incident);
    private(path.parent().expect("a journal has a directory"), 0o700, |directory| fs::create_dir_all(directory));
    private(&path, 0o600, |path| fs::write(path, bytes));
    let before = verify(&path);
    if let Ok(recorded) = store.read(incident) {
        fold(incident, &recorded.records);
    }
    runtime().block_on(async {
        if let Ok(journal) = store.open(incident).await {
            let _ = journal.flush().await;
        }
    });
    let now = fs::read(&path).expect("the journal is there");
    match before {
        Verification::Damaged { .. } => assert_eq!(now, bytes, "a damaged file was changed"),
        Verification::Sound { .. } => assert!(now.starts_with(bytes), "a sound file was cut"),
        Verification::Torn { .. } | Verification::Unreadable { .. } => {}
    }
}

fn private(path: &Path, mode: u32, make: impl FnOnce(&Path) -> std::io::Result<()>) {
    make(path).expect("a file can be made");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}

/// A configuration file: taken whole, or refused with one sentence.
pub fn configuration(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("config.toml");
    private(&file, 0o600, |path| fs::write(path, bytes));
    let sources = Sources { system: directory.path().join("none"), user: Some(file), named: true };
    if let Err(error) = load(&sources, &["dusk"]) {
        let sentence = error.to_string();
        assert!(sentence.len() < 4096, "no sentence: {} bytes", sentence.len());
        printable(&sentence);
    }
}

/// A provider's string on its way to a screen: printable, and within its width.
pub fn text(bytes: &[u8]) {
    let text = Untrusted::new(String::from_utf8_lossy(bytes));
    printable(&text.shown());
    for width in [0, 1, 7, 80] {
        let shown = text.shown_in(width);
        printable(&shown);
        assert!(unicode_width::UnicodeWidthStr::width(&*shown) <= width, "wider than {width}: {shown:?}");
        assert_eq!(fit(&shown, width, "…"), shown, "cut twice");
    }
}

fn printable(text: &str) {
    let odd = text.chars().find(|character| character.is_control() && *character != '\n');
    assert!(odd.is_none(), "{odd:?} in {text:?}");
}

/// A text with secrets in it, handed over by a responder: each finding lies in the text, and `recognise` and `find` say
/// the same.
pub fn recognise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (found, recognised) = (domain::find(&text), domain::recognise(&text));
    for one in &found {
        assert!(text.get(one.range.clone()).is_some(), "{:?} is not in the text", one.range);
        assert!(recognised.contains(&one.what), "{} is found and not recognised", one.what.rule);
    }
    assert!(recognised.iter().all(|what| found.iter().any(|one| one.what == *what)), "recognised and not found");
}

/// A text on its way out: masking again changes nothing.
pub fn mask(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let once = domain::mask(&text).into_owned();
    assert_eq!(domain::mask(&once), once, "masked twice");
}

/// What a terminal sends.
pub fn keys(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut inputs = decoder.feed(first);
    inputs.extend(decoder.feed(second));
    inputs.extend(decoder.flush());
    assert!(!decoder.is_pending(), "something is left after the flush");
    assert!(inputs.len() <= bytes.len() + 1, "{} inputs of {} bytes", inputs.len(), bytes.len());
}

/// A realm whose answers are altered: the first byte says which answer, the rest is what is written over it.
pub fn keycloak(bytes: &[u8]) {
    let Some((which, over)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(read_altered(usize::from(*which), over));
}

/// The realm that the live tests compare with a real server.
const REALM: &str = include_str!("../live/compare/realm.toml");

async fn read_altered(which: usize, over: &[u8]) {
    let clock = Arc::new(SystemClock::new());
    let fleet =
        Fleet::parse(&REALM.replace("@REALM@", "bots").replace("@KID@", "key")).expect("the realm is well formed");
    let simulated = Arc::new(SimulatedKeycloak::new(&fleet, clock.clone()).expect("the realm can be built"));
    let (client_id, secret) = simulated.operator().expect("it has an operator");
    let settings = Settings {
        name: ProviderName::new("sso"),
        base_url: BASE_URL.parse().expect("it is a URL"),
        realm: simulated.realm(),
        auth_realm: "master".to_owned(),
        client_id,
        client_secret: Arc::new(move || Ok(secret.clone())),
    };
    let altering = Altering { inner: simulated, which, over: over.to_vec(), seen: AtomicUsize::new(0) };
    let provider = Keycloak::new(settings, Arc::new(altering), clock);
    let _ = provider.preflight().await;
    let Ok(listing) = provider.inventory().await else { return };
    for identity in &listing.identities {
        if let Ok(reading) = provider.holdings(identity).await {
            provider.steps(&reading, Depth::Burn);
        }
        let _ = provider.activity(identity, None, 10).await;
    }
}

/// Carries requests to the simulator, and writes over one of its answers.
struct Altering {
    inner: Arc<SimulatedKeycloak>,
    which: usize,
    over: Vec<u8>,
    seen: AtomicUsize,
}

#[async_trait]
impl Transport for Altering {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let answer = self.inner.send(request).await?;
        if self.seen.fetch_add(1, Ordering::Relaxed) != self.which {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        Ok(http::Response::from_parts(parts, overwrite(&body, &self.over)))
    }
}

/// The first two bytes say where; an empty rest cuts the answer off there.
fn overwrite(body: &[u8], over: &[u8]) -> Bytes {
    let [high, low, over @ ..] = over else { return Bytes::copy_from_slice(over) };
    let at = usize::from(u16::from_be_bytes([*high, *low])) % (body.len() + 1);
    let mut altered = body[..at].to_vec();
    altered.extend_from_slice(over);
    if !over.is_empty() {
        altered.extend_from_slice(body.get(at + over.len()..).unwrap_or_default());
    }
    Bytes::from(altered)
}

/// A PostgreSQL server: the first byte says whether the rest is written over one answer of it (and over which), or
/// all rows are drawn from it.
pub fn postgres(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let says = match first {
        0..128 => Says::Over(usize::from(*first) % 24, rest.to_vec()),
        _ => Says::Drawn(rest.to_vec()),
    };
    runtime().block_on(read_database(says));
}

/// Reads all that such a server says, and judges it: what it held, what would be done, whose a password is.
pub async fn read_database(says: Says) -> Vec<Reading> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port can be had");
    let url = format!("postgres://estop@{}/docs?sslmode=disable", listener.local_addr().expect("it has an address"));
    let settings = postgres::Settings {
        name: ProviderName::new("docs-db"),
        url: url.parse().expect("it is a URL"),
        password: Arc::new(|| Ok("x".into())),
        ca_file: None,
    };
    let provider = Postgres::new(settings, Arc::new(SystemClock::new())).expect("the settings are sound");
    let database = Database::new(says);
    tokio::select! {
        () = database.serve(listener) => Vec::new(),
        readings = read_all(&provider) => readings,
    }
}

async fn read_all(provider: &Postgres) -> Vec<Reading> {
    let _ = provider.preflight().await;
    let Ok(listing) = provider.inventory().await else { return Vec::new() };
    let mut readings = Vec::new();
    for identity in listing.identities.iter().take(4) {
        provider.gate(identity);
        readings.extend(provider.holdings(identity).await);
    }
    for (before, now) in readings.iter().zip(readings.iter().rev()) {
        provider.steps(before, Depth::Burn);
        for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
            provider.restore(before, now, &[], mode);
        }
    }
    let (listing, all): (Vec<_>, Vec<_>) = (listing.identities.iter().collect(), readings.iter().collect());
    for secret in ["hunter2", "postgres://kb:hunter2@127.0.0.1/docs"] {
        provider.owners(&LeakedSecret::new(secret.into()), &domain::recognise(secret), &listing, &all);
    }
    readings
}

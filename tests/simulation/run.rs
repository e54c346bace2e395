//! One schedule, from the theft to the last resume, with the oracles after each life.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use estop::{
    domain::{BotName, Outcome, ProviderName},
    engine::{BotEntry, Clock, Engine, Order, Parts, Roster, Running},
    journal::{Process, Store, Verification, verify},
    providers::{
        keycloak::{Keycloak, Settings},
        transport::Transport as _,
    },
    tabletop::{
        Fleet, SimulatedKeycloak,
        keycloak::{Attacker, BASE_URL, Credential},
    },
};
use tempfile::TempDir;

use crate::{
    clock::WorldClock,
    schedule::{Life, Schedule},
    wire::Wire,
};

/// The realm that the live tests compare with a real server.
const REALM: &str = include_str!("../live/compare/realm.toml");
/// Attempts that one pass over a step may take, as the engine has it.
const ATTEMPTS: usize = 5;
/// How often the thief tries again within one life.
const GREED: usize = 25;
/// Longer than any life takes that ends by itself.
const LIFETIME: Duration = Duration::from_mins(20);
/// Passes over a step within one life: the strike, and one a sweep round.
const PASSES: usize = 16;

/// The world around estop.
pub struct World {
    pub schedule: Schedule,
    pub keycloak: Arc<SimulatedKeycloak>,
    clock: Arc<WorldClock>,
    wire: Arc<Wire>,
    state: TempDir,
    lives: usize,
    broken: Vec<String>,
}

impl World {
    /// `rosy`: what estop reads of sessions is a lie.
    pub fn new(seed: u64, rosy: bool) -> Self {
        let (clock, state) = (Arc::new(WorldClock::new()), tempfile::tempdir().expect("a directory can be made"));
        let fleet = Fleet::parse(&REALM.replace("@REALM@", "bots").replace("@KID@", "key")).expect("it is well formed");
        let keycloak = Arc::new(SimulatedKeycloak::new(&fleet, clock.clone()).expect("it can be built"));
        let wire = Arc::new(Wire::new(keycloak.clone(), state.path().join("journal"), rosy));
        let schedule = Schedule::of(seed);
        Self { schedule, keycloak, clock, wire, state, lives: 0, broken: Vec::new() }
    }

    /// Runs it; what it returns is what was broken.
    pub fn run(mut self) -> Vec<String> {
        steal(&self.keycloak, self.schedule.bot);
        for fault in self.schedule.faults.clone() {
            self.keycloak.fault(fault);
        }
        for (moment, method, path) in self.schedule.ambushes.clone() {
            let bot = self.schedule.bot;
            self.keycloak.ambush(moment, method, path, move |attacker| mint(attacker, bot));
        }
        for life in self.schedule.lives.clone() {
            self.live(&life, false);
        }
        self.keycloak.heal();
        let last = Life { killed_after: None, torn: None, stragglers: true, idle: Duration::ZERO, second: None };
        self.live(&last, true);
        self.check_the_end();
        self.broken
    }

    /// One life of a process: it resumes what is left, else it isolates.
    fn live(&mut self, life: &Life, last: bool) {
        self.lives += 1;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let stragglers = self.wire.stragglers();
        let ends = runtime.expect("a runtime can be built").block_on(async {
            self.clock.start();
            let thief = self.let_the_thief_go_on();
            if life.stragglers {
                self.deliver(stragglers);
            }
            let claims = Mutex::new(Vec::new());
            let work = self.work(life, last, &claims);
            match life.killed_after {
                Some(after) => drop(tokio::time::timeout(after, work).await),
                None => {
                    if tokio::time::timeout(LIFETIME, work).await.is_err() {
                        note(&claims, "it does not end".to_owned());
                    }
                }
            }
            thief.abort();
            self.clock.stop(life.idle);
            claims.into_inner().unwrap_or_else(PoisonError::into_inner)
        });
        self.broken.extend(ends);
        if life.killed_after.is_some() {
            self.tear(life.torn);
        }
    }

    async fn work(&self, life: &Life, last: bool, broken: &Mutex<Vec<String>>) {
        let engine = self.engine();
        engine.refresh().await;
        let resumed = engine.resume(None).await.unwrap_or_default();
        let dark = self.follow(resumed, broken).await;
        if dark == Some(true) {
            return;
        }
        if dark.is_none() || last {
            let mut running: Vec<Running> = engine.isolate(self.order()).await.into_iter().collect();
            if let Some(later) = life.second {
                let second = self.engine();
                second.refresh().await;
                tokio::time::sleep(later).await;
                running.extend(second.isolate(self.order()).await);
            }
            let dark = self.follow(running, broken).await;
            if last && dark != Some(true) {
                note(broken, format!("without a fault it did not go dark: {dark:?}"));
            }
        }
    }

    /// Waits for all ends; each dark one must be true the moment it is claimed. The last one counts; `None`: none ran.
    async fn follow(&self, running: Vec<Running>, broken: &Mutex<Vec<String>>) -> Option<bool> {
        let mut dark = None;
        for one in running {
            let ended = match one.ended().await {
                Ok(ended) => ended,
                Err(error) => {
                    note(broken, format!("the journal failed: {error}"));
                    continue;
                }
            };
            let claims_dark = matches!(ended.outcome, Outcome::Dark | Outcome::DarkAt { .. });
            let alive = self.alive();
            if claims_dark && !alive.is_empty() {
                note(broken, format!("{} was claimed, and alive are {alive:?}", ended.outcome.word()));
            }
            dark = Some(dark.unwrap_or(false) || claims_dark);
        }
        dark
    }

    fn order(&self) -> Order {
        let order = Order::isolate(BotName::new(self.schedule.bot));
        Order { depth: self.schedule.depth, name_typed: true, ..order }
    }

    pub fn alive(&self) -> Vec<Credential> {
        self.keycloak.alive(self.schedule.bot)
    }

    fn engine(&self) -> Engine {
        let (client_id, secret) = self.keycloak.operator().expect("it has an operator");
        let settings = Settings {
            name: ProviderName::new("sso"),
            base_url: BASE_URL.parse().expect("it is a URL"),
            realm: self.keycloak.realm(),
            auth_realm: "master".to_owned(),
            client_id,
            client_secret: Arc::new(move || Ok(secret.clone())),
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let provider = Arc::new(Keycloak::new(settings, self.wire.clone(), clock.clone()));
        let name = self.schedule.bot.to_owned();
        let entry = BotEntry { identities: vec![format!("sso:{name}")], name, ..BotEntry::default() };
        let stamped = clock.clone();
        let stamp = Arc::new(move || (stamped.now(), u64::try_from(stamped.monotonic().as_millis()).unwrap_or(0)));
        // Processes that are dead have numbers that no process has.
        let process = Process { pid: 0x7fff_0000 + u32::try_from(self.lives).unwrap_or(0), ..Process::this() };
        Engine::new(Parts {
            providers: vec![provider],
            roster: Roster::new(&[], &[], vec![entry], []).expect("it has no glob"),
            store: Store::at(self.state.path(), None, stamp, process),
            clock,
            exercise: None,
            read_only: false,
        })
    }

    fn let_the_thief_go_on(&self) -> tokio::task::JoinHandle<()> {
        let (keycloak, bot, greed) = (self.keycloak.clone(), self.schedule.bot, self.schedule.greed);
        tokio::spawn(async move {
            for _ in 0..GREED {
                tokio::time::sleep(greed).await;
                mint(&keycloak.as_attacker(), bot);
            }
        })
    }

    fn deliver(&self, stragglers: Vec<http::Request<bytes::Bytes>>) {
        for request in stragglers {
            let keycloak = self.keycloak.clone();
            tokio::spawn(async move { keycloak.send(request).await });
        }
    }

    fn journals(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.state.path().join("journal")).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        files
    }

    /// The kill came in the middle of the next write: the beginning of a line stands at the end.
    fn tear(&self, length: Option<usize>) {
        let (Some(length), Some(path)) = (length, self.journals().pop()) else { return };
        let bytes = fs::read(&path).expect("the journal can be read");
        let line = bytes.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default();
        let torn = &line[..length.min(line.len().saturating_sub(2))];
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("the journal can be opened");
        file.write_all(torn).expect("the journal can be written");
    }

    fn check_the_end(&mut self) {
        let alive = self.alive();
        if !alive.is_empty() {
            self.broken.push(format!("alive at the end: {alive:?}"));
        }
        let most = self.lives * 2 * ATTEMPTS * PASSES;
        let seen = self.wire.seen();
        self.broken.extend(seen.early.iter().map(|request| format!("on the wire before it was on disk: {request}")));
        let often = seen.keys.iter().filter(|(key, count)| **count > most || *key == "none");
        self.broken.extend(often.map(|(key, count)| format!("{key} came {count} times")));
        self.broken.extend(self.journals().iter().filter_map(|path| unsound(path)));
    }
}

fn unsound(path: &Path) -> Option<String> {
    let verification = verify(path);
    let sound = matches!(verification, Verification::Sound { .. });
    (!sound).then(|| format!("{}: {}", path.display(), verification.sentence()))
}

fn note(broken: &Mutex<Vec<String>>, what: String) {
    broken.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

/// Everything that the bot's secret opens is taken before anybody knows of it.
fn steal(keycloak: &SimulatedKeycloak, bot: &str) {
    let attacker = keycloak.as_attacker();
    mint(&attacker, bot);
    for (user, scopes) in [("alice", "openid"), ("bob", "openid offline_access")] {
        // Only the bots that act for people have users.
        let _ = attacker.sign_in(user, bot, scopes);
    }
}

fn mint(attacker: &Attacker<'_>, bot: &str) {
    // When the gate is shut it gets nothing, which is the point.
    if let Some(secret) = attacker.steal_secret(bot)
        && let Ok(tokens) = attacker.mint(bot, &secret)
        && let Some(gateway) = attacker.steal_secret("tool-gateway")
    {
        let _ = attacker.exchange("tool-gateway", &gateway, &tokens.access);
    }
    if let Some(key) = attacker.steal_key(bot) {
        let _ = attacker.mint_with_key(bot, &key);
    }
}

//! A responder's host for one case: home, configuration, state directory, and the fault servers that it names.

use std::{
    io::Write as _,
    os::unix::{
        fs::{DirBuilderExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use secrecy::ExposeSecret as _;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::{
    journals::journals_in,
    ran::{Ran, Running},
    seed::{full, timed},
    server::Server,
    world::{BOT, World},
};

/// No run takes longer, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(75);
/// No stage lasts longer; what still runs then is killed and has failed. The full form puts whole sweeps on one stage.
fn limit() -> Duration {
    Duration::from_mins(if full() { 30 } else { 2 })
}

/// Behind that the case itself hangs, where nothing can be made to fail but everything.
const GRACE: Duration = Duration::from_secs(30);
/// The bot that every case isolates.
pub const HELPDESK: &str = "helpdesk";

/// How a stage differs from the usual one.
pub struct Options {
    /// Providers of one bot; 3 give 9 credentials.
    pub providers: usize,
    /// Added to each realm's data.
    pub realm: String,
    /// Added before the providers in the configuration (a `[console]` table).
    pub before: String,
    /// Added to each provider's table.
    pub provider: String,
    /// Added at the end of the configuration.
    pub after: String,
    /// Where the state directory is, if not in the home.
    pub state: Option<PathBuf>,
    /// The second place for the journal.
    pub fallback: Option<PathBuf>,
    /// TLS in front of every server.
    pub tls: Option<TlsAcceptor>,
    /// The host in the base URLs.
    pub host: &'static str,
    /// What is run, if not the usual build.
    pub binary: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            providers: 3,
            realm: String::new(),
            before: String::new(),
            provider: String::new(),
            after: String::new(),
            state: None,
            fallback: None,
            tls: None,
            host: "127.0.0.1",
            binary: None,
        }
    }
}

/// One case's host.
pub struct Stage {
    pub servers: Vec<Server>,
    home: tempfile::TempDir,
    state: PathBuf,
    fallback: Option<PathBuf>,
    binary: PathBuf,
    /// All that any run has printed, to be searched for canaries.
    pub(super) said: Mutex<Vec<Ran>>,
    until: Instant,
    // Dropped with the stage: the guard below ends.
    _limit: mpsc::Sender<()>,
    // Dropped last: the servers run on it.
    _runtime: Runtime,
}

impl Stage {
    /// Three providers, nine credentials, nothing wrong yet.
    pub fn new() -> Self {
        Self::with(&Options::default())
    }

    pub fn with(options: &Options) -> Self {
        timed();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let home = tempfile::tempdir().unwrap();
        // strace only sees what is named by its canonical path.
        let root = home.path().canonicalize().unwrap();
        let kept = options.state.clone().unwrap_or_else(|| root.join("state"));
        if !kept.exists() {
            std::fs::DirBuilder::new().mode(0o700).create(&kept).unwrap();
        }
        let journals: Vec<PathBuf> = std::iter::once(kept.clone()).chain(options.fallback.clone()).collect();
        let serve = |number: usize| {
            let name = format!("sso-{}", ["a", "b", "c", "d", "e"][number]);
            let world = World::new(number as u64, &options.realm);
            Server::start(runtime.handle(), &name, world, journals.clone(), options.tls.clone())
        };
        let servers = (0..options.providers).map(serve).collect();
        let fallback = options.fallback.clone();
        let binary = options.binary.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_estop")));
        let stage = Self {
            servers,
            home,
            state: kept,
            fallback,
            binary,
            said: Mutex::default(),
            until: Instant::now() + limit(),
            _limit: guard(),
            _runtime: runtime,
        };
        stage.configure(&stage.configuration(options));
        for server in &stage.servers {
            let (_, secret) = server.keycloak.operator().unwrap();
            stage.write(&format!("{}.secret", server.name), secret.expose_secret(), 0o600);
        }
        stage
    }

    /// The configuration of this stage's servers and one bot over all of them.
    pub fn configuration(&self, options: &Options) -> String {
        let mut text = options.before.clone();
        if let Some(fallback) = &options.fallback {
            if !text.contains("[console]") {
                text.push_str("[console]\n");
            }
            text.push_str(&format!("fallback_dir = {fallback:?}\n"));
        }
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let mut identities = Vec::new();
        for Server { name, port, keycloak, .. } in &self.servers {
            let (client, _) = keycloak.operator().unwrap();
            text.push_str(&format!(
                "[[provider]]\nname = \"{name}\"\nkind = \"keycloak\"\nbase_url = \"{scheme}://{}:{port}\"\n\
                 realm = \"chatbots\"\nauth_realm = \"master\"\nclient_id = \"{client}\"\n\
                 client_secret = {{ file = \"{name}.secret\" }}\n{}\n",
                options.host, options.provider
            ));
            identities.push(format!("{name}:{}", keycloak.client_uuid(BOT).unwrap()));
        }
        text.push_str(&format!(
            "[[bot]]\nname = \"{HELPDESK}\"\nowner = \"support\"\nenvironment = \"production\"\n\
             identities = {identities:?}\n{}\n",
            options.after
        ));
        text
    }

    /// Replaces the configuration.
    pub fn configure(&self, text: &str) {
        self.write("config.toml", text, 0o600);
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.home().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The canonical path of the home, where the configuration and the secrets are.
    pub fn home(&self) -> PathBuf {
        self.home.path().canonicalize().unwrap()
    }

    /// What is run.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// `$D`'s parent: the state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where journals may lie: the state directory, and the second place.
    pub fn places(&self) -> Vec<PathBuf> {
        std::iter::once(self.state.clone()).chain(self.fallback.clone()).collect()
    }

    /// `$J`: the journals of incidents, oldest first.
    pub fn journals(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self.places().iter().flat_map(|place| journals_in(place)).collect();
        let of_the_host =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"host."));
        all.retain(|path| !of_the_host(path));
        all.sort();
        all
    }

    /// The one journal.
    #[track_caller]
    pub fn journal(&self) -> PathBuf {
        let all = self.journals();
        assert_eq!(all.len(), 1, "one journal: {all:?}");
        all[0].clone()
    }

    /// The binary with nothing of the surroundings, output piped, in a process group of its own; behind a prefix such
    /// as `strace …` where one is given.
    pub fn command(&self, prefix: &[String], arguments: &[&str]) -> Command {
        self.command_in(&self.state, prefix, arguments)
    }

    /// The same over another state directory.
    pub fn command_in(&self, state: &Path, prefix: &[String], arguments: &[&str]) -> Command {
        let binary = self.binary.display().to_string();
        let mut words = prefix.iter().cloned().chain([binary]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command.arg("--config").arg(self.home().join("config.toml")).arg("--state-dir").arg(state);
        command.args(arguments).env_clear().env("HOME", self.home()).env("LANG", "C.UTF-8").env("TERM", "xterm");
        command.env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }

    /// Begins a command and leaves it to the case.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_under(&[], arguments)
    }

    /// The same behind a prefix.
    pub fn start_under(&self, prefix: &[String], arguments: &[&str]) -> Running {
        self.spawn(self.command(prefix, arguments), arguments)
    }

    /// Begins a command that the case has changed.
    pub fn spawn(&self, mut command: Command, arguments: &[&str]) -> Running {
        Running::new(command.spawn().unwrap(), format!("estop {}", arguments.join(" ")), self.until)
    }

    /// A command to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.heard(self.start(arguments).wait(PATIENCE))
    }

    /// Isolates the bot, with `--json`.
    #[track_caller]
    pub fn isolate(&self) -> Ran {
        self.run(&ISOLATE)
    }

    /// Keeps what a run has said for O6.
    pub fn heard(&self, ran: Ran) -> Ran {
        self.said.lock().unwrap().push(ran.clone());
        ran
    }

    /// All faults away, everybody listens.
    #[track_caller]
    pub fn heal(&self) {
        for server in &self.servers {
            server.heal();
        }
    }

    /// The servers find no journal any more.
    pub fn hide_journals(&self) {
        for server in &self.servers {
            server.watch(Vec::new());
        }
    }

    /// A fault at every server.
    pub fn fault(&self, rule: impl Fn() -> super::Rule) {
        for server in &self.servers {
            server.fault(rule());
        }
    }
}

/// Ends the whole run, with the name of the case, where its stage is still there long after its time.
fn guard() -> mpsc::Sender<()> {
    let (alive, over) = mpsc::channel();
    let name = std::thread::current().name().unwrap_or("a variant of a case").to_owned();
    std::thread::spawn(move || {
        let most = limit() + GRACE;
        if over.recv_timeout(most) == Err(mpsc::RecvTimeoutError::Timeout) {
            writeln!(std::io::stderr(), "gauntlet: {name} hangs: not over after {most:?}").ok();
            std::process::exit(101);
        }
    });
    alive
}

/// The arguments of an isolation.
pub const ISOLATE: [&str; 4] = ["--json", "isolate", HELPDESK, "--yes"];
/// The arguments of what goes on with it.
pub const RESUME: [&str; 2] = ["--json", "resume"];

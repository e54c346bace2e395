//! What a command runs in: an engine over the configured providers, or over a scenario's.
//!
//! ```text
//! configuration ─▶ providers, roster ─┐
//!                                     ├─▶ Parts ─▶ Engine ─▶ Context
//! --exercise ────▶ simulated ones ────┘
//! ```
//!
//! Without a configuration there is no context, and a broken one never falls back to anything.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;

use super::{Exit, Face, Stop, args::Global, output::Output};
use crate::{
    config::{self, BotConfig, Config, ProviderConfig, Sources},
    domain::Untrusted,
    engine::{BotEntry, Clock, Engine, Inventory, Parts, Provider, Roster, Rules, SystemClock},
    journal::{Process, Stamp, Store},
};

/// The scenario that bare `estop` opens without a configuration.
pub const EMBEDDED: &str = "embedded-fleet";

/// What lies beside the commands: `main` wires it in.
#[async_trait]
pub trait Wiring: Send + Sync {
    /// The names of the themes.
    fn themes(&self) -> Vec<&str>;

    /// The names of the scenarios.
    fn scenarios(&self) -> Vec<&str>;

    /// The providers of a configuration, in its order. One whose secret cannot be resolved is among them and answers
    /// everything with the reason.
    ///
    /// # Errors
    /// One sentence: the configuration asks for what cannot be made.
    async fn providers(&self, config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn Provider>>, String>;

    /// The simulated providers of a scenario, and its clock.
    ///
    /// # Errors
    /// One sentence: why it cannot be played.
    async fn exercise(&self, scenario: &str) -> Result<Exercise, String>;

    /// The console, until it is quit.
    async fn console(&self, session: Session) -> Exit;
}

/// What a scenario brings instead of a configuration.
pub struct Exercise {
    /// Simulated ones.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Its bots.
    pub roster: Roster,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Who its journal says that writes.
    pub process: Process,
}

/// What the console runs with.
pub struct Session {
    /// The engine; it has read nothing yet.
    pub engine: Engine,
    /// The theme that was asked for; it exists.
    pub theme: Option<String>,
    /// What a responder should know first.
    pub notices: Vec<String>,
    /// Whether there was no configuration, so that it says how to connect real providers.
    pub unconfigured: bool,
    /// Its keys, colours and signs.
    pub face: Face,
}

/// What a command runs in.
pub(super) struct Context {
    pub engine: Engine,
    pub output: Arc<Output>,
    /// Where the journals are.
    pub state_dir: PathBuf,
    /// Whether more is wanted on standard error.
    pub verbose: bool,
    /// The theme for the console; it exists.
    pub theme: Option<String>,
    /// Whether there was no configuration.
    pub unconfigured: bool,
    face: Face,
    notices: Vec<String>,
}

impl Context {
    /// For a command: with a configuration, or in the exercise that was asked for.
    ///
    /// # Errors
    /// Wrong use or configuration: nothing was sent.
    pub async fn of_command(wiring: &dyn Wiring, global: &Global, output: Arc<Output>) -> Result<Self, Stop> {
        match &global.exercise {
            Some(scenario) => Self::exercise(wiring, global, output, scenario).await,
            None => match load(wiring, global)? {
                Some((config, notices)) => Self::configured(wiring, global, output, config, notices).await,
                None => Err(Stop::usage(format!(
                    "there is no configuration: write one with estop init, or try estop with --exercise {EMBEDDED}"
                ))),
            },
        }
    }

    /// For the console: without a configuration it opens the embedded exercise.
    ///
    /// # Errors
    /// Wrong use or configuration: a broken one is not the same as none.
    pub async fn of_console(wiring: &dyn Wiring, global: &Global, output: Arc<Output>) -> Result<Self, Stop> {
        if global.exercise.is_some() {
            return Self::of_command(wiring, global, output).await;
        }
        match load(wiring, global)? {
            Some((config, notices)) => Self::configured(wiring, global, output, config, notices).await,
            None => {
                let context = Self::exercise(wiring, global, output, EMBEDDED).await?;
                Ok(Self { unconfigured: true, ..context })
            }
        }
    }

    async fn configured(
        wiring: &dyn Wiring,
        global: &Global,
        output: Arc<Output>,
        config: Config,
        notices: Vec<String>,
    ) -> Result<Self, Stop> {
        let state_dir = state_dir(global)?;
        let face = Face::of(&config.console, global)?;
        let roster = roster(&config).map_err(|error| Stop::usage(error.to_string()))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let providers = wiring.providers(&config, &clock).await.map_err(Stop::usage)?;
        let engine = Engine::new(Parts {
            providers,
            roster,
            store: Store::at(&state_dir, None, stamp(&clock), Process::this())
                .with_fallback(config.console.fallback_dir.clone()),
            clock,
            exercise: None,
            read_only: global.read_only || config.console.read_only,
            rules: rules(&config),
        })
        .with_inventory(Inventory::at(&state_dir, config.providers.iter().map(ProviderConfig::place)));
        let verbose = global.verbose > 0;
        if verbose {
            for file in &config.files {
                output.say(&format!("read {}", file.display()));
            }
        }
        let theme = config.console.theme;
        Ok(Self { engine, output, state_dir, verbose, theme, unconfigured: false, face, notices }
            .themed(wiring, global))
    }

    async fn exercise(wiring: &dyn Wiring, global: &Global, output: Arc<Output>, scenario: &str) -> Result<Self, Stop> {
        if !wiring.scenarios().contains(&scenario) {
            let shown = Untrusted::new(scenario).shown_in(60);
            let known = wiring.scenarios().join(", ");
            return Err(Stop::usage(format!("no scenario is named {shown}; there is {known}")));
        }
        // Hands train what they will do: an exercise has the keys and the look that the configuration gives.
        let (console, notices) =
            load(wiring, global)?.map_or_else(Default::default, |(config, notices)| (config.console, notices));
        let (face, theme) = (Face::of(&console, global)?, console.theme);
        let state_dir = state_dir(global)?;
        let Exercise { providers, roster, clock, process } = wiring.exercise(scenario).await.map_err(Stop::usage)?;
        let exercise = Some(scenario.to_owned());
        let engine = Engine::new(Parts {
            providers,
            roster,
            store: Store::at(&state_dir, exercise.clone(), stamp(&clock), process),
            clock,
            exercise,
            read_only: global.read_only,
            // An exercise reaches nothing: whoever may only view may train.
            rules: Rules::default(),
        });
        let verbose = global.verbose > 0;
        Ok(Self { engine, output, state_dir, verbose, theme, unconfigured: false, face, notices }
            .themed(wiring, global))
    }

    /// The theme of the command line goes over the configuration's; an unknown one is a notice.
    fn themed(mut self, wiring: &dyn Wiring, global: &Global) -> Self {
        match &global.theme {
            Some(theme) if themes(wiring).contains(theme) => self.theme = Some(theme.clone()),
            Some(theme) => {
                let shown = Untrusted::new(theme.as_str()).shown_in(60);
                let known = themes(wiring).join(", ");
                self.notices.push(format!("no theme is named {shown}: the default is used; there are {known}"));
            }
            None => {}
        }
        self
    }

    /// What the configuration has to say.
    pub fn notices(&self) -> Vec<String> {
        self.notices.clone()
    }

    /// What the console runs with.
    pub fn session(self) -> Session {
        let Self { engine, theme, notices, unconfigured, face, .. } = self;
        Session { engine, theme, notices, unconfigured, face }
    }
}

fn load(wiring: &dyn Wiring, global: &Global) -> Result<Option<(Config, Vec<String>)>, Stop> {
    let named = global.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let themes = themes(wiring);
    let themes: Vec<&str> = themes.iter().map(String::as_str).collect();
    let loaded = config::load(&Sources::usual(named), &themes);
    let loaded = loaded.map_err(|error| Stop::usage(error.to_string()))?;
    Ok(loaded.map(|(config, notices)| (config, notices.iter().map(|notice| notice.sentence().to_owned()).collect())))
}

/// Where the journals are: as told, else the user's state directory.
///
/// # Errors
/// There is no home directory to have one in.
pub(super) fn state_dir(global: &Global) -> Result<PathBuf, Stop> {
    if let Some(told) = global.state_dir.clone().filter(|path| !path.as_os_str().is_empty()) {
        return Ok(told);
    }
    let directories = directories::ProjectDirs::from("", "", "estop");
    directories
        .map(|directories| directories.state_dir().unwrap_or(directories.data_dir()).to_owned())
        .ok_or_else(|| Stop::usage("there is no home directory for the journals: say where with --state-dir DIR"))
}

/// Where a responder's own themes are: beside the user's configuration.
pub fn themes_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "estop").map(|directories| directories.config_dir().join("themes"))
}

/// The themes that there are: those of the program, and a responder's own.
fn themes(wiring: &dyn Wiring) -> Vec<String> {
    let bundled = wiring.themes().into_iter().map(str::to_owned);
    bundled.chain(crate::tui::theme::own(themes_dir().as_deref())).collect()
}

/// The journals' time is the engine's.
pub(super) fn stamp(clock: &Arc<dyn Clock>) -> Stamp {
    let clock = Arc::clone(clock);
    Arc::new(move || (clock.now(), u64::try_from(clock.monotonic().as_millis()).unwrap_or(u64::MAX)))
}

/// Who may do what: by the files, which no variable and no flag goes over.
fn rules(config: &Config) -> Rules {
    let console = &config.console;
    let usual = Rules::default();
    Rules {
        responder_group: console.responder_group.clone(),
        approver_group: console.approver_group.clone(),
        collateral_cap: console.collateral_cap.unwrap_or(usual.collateral_cap),
        policy: config.policy.clone(),
        ..usual
    }
}

fn roster(config: &Config) -> Result<Roster, globset::Error> {
    let text = |text: &Option<Untrusted>| text.as_ref().map(|text| text.raw().to_owned());
    let entry = |bot: &BotConfig| BotEntry {
        name: bot.name.raw().to_owned(),
        owner: text(&bot.owner),
        contact: text(&bot.contact),
        environment: text(&bot.environment),
        identities: bot.identities.iter().map(ToString::to_string).collect(),
    };
    let protected = config.console.protected.iter().map(ToString::to_string);
    Roster::new(&config.select.names, &config.select.attributes, config.bots.iter().map(entry).collect(), protected)
}

//! The binary: hardening first, then arguments, configuration, wiring, and the exit code.

use std::{
    io::Write as _,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::Arc,
};

use async_trait::async_trait;
use estop::{
    cli::{self, Exercise, Exit, Session, Wiring},
    config::Config,
    domain::redact,
    engine::{BotEntry, Clock, Provider, Roster},
    journal::Process,
    providers::registry,
    tabletop, tui,
};

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    // Before the first secret can be read.
    if let Err(why) = cli::harden() {
        let _ = writeln!(std::io::stderr(), "estop: {}", redact(&why));
        return ExitCode::from(Exit::Failed.code());
    }
    let exit = panic::catch_unwind(AssertUnwindSafe(|| cli::run(&Wired))).unwrap_or(Exit::Failed);
    ExitCode::from(exit.code())
}

/// The layers beside the command line.
struct Wired;

#[async_trait]
impl Wiring for Wired {
    fn themes(&self) -> Vec<&str> {
        tui::theme::bundled().collect()
    }

    fn scenarios(&self) -> Vec<&str> {
        vec![cli::EMBEDDED]
    }

    async fn providers(&self, config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn Provider>>, String> {
        registry::providers(&config.providers, clock).await
    }

    async fn exercise(&self, _: &str) -> Result<Exercise, String> {
        let exercise = tabletop::exercise();
        let bots = exercise.bots.iter().map(bot).collect();
        let protected = exercise.bots.iter().filter(|bot| bot.protected).flat_map(|bot| &bot.identities);
        let protected = protected.map(ToString::to_string);
        let roster = Roster::new(&exercise.select.names, &exercise.select.attributes, bots, protected);
        Ok(Exercise {
            providers: exercise.providers(),
            roster: roster.map_err(|error| error.to_string())?,
            clock: exercise.clock.clone(),
            process: Process::this(),
        })
    }

    async fn console(&self, session: Session) -> Exit {
        let options = tui::Options {
            theme: session.theme.unwrap_or_else(|| tui::Options::default().theme),
            themes_dir: cli::themes_dir(),
            read_only: session.engine.read_only(),
            keys: session.face.keys,
            color: session.face.color,
            colors: session.face.colors,
            ascii: session.face.ascii,
            mouse: session.face.mouse,
            notices: session.notices,
        };
        match tui::run(session.engine, options).await {
            Ok(state) if !state.unfinished.is_empty() => Exit::Partial,
            // What was under way when the screen was left decides; a signal does only where nothing was.
            Ok(state) => {
                let ends = state.outcomes.iter().map(Exit::from).reduce(Exit::and);
                ends.unwrap_or_else(|| state.signal().map_or(Exit::Done, Exit::of_signal))
            }
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "estop: {}", redact(&format!("{error:#}")));
                Exit::Failed
            }
        }
    }
}

/// A scenario's bot as the engine takes one.
fn bot(bot: &tabletop::BotEntry) -> BotEntry {
    BotEntry {
        name: bot.name.clone(),
        owner: bot.owner.clone(),
        contact: bot.contact.clone(),
        environment: bot.environment.clone(),
        identities: bot.identities.iter().map(ToString::to_string).collect(),
    }
}

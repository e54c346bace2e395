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
    engine::Provider,
};

fn main() -> ExitCode {
    // Before the first secret can be read.
    if let Err(why) = cli::harden() {
        let _ = writeln!(std::io::stderr(), "estop: {why}");
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
        vec!["dusk", "paper", "mono"]
    }

    fn scenarios(&self) -> Vec<&str> {
        vec![cli::EMBEDDED]
    }

    async fn providers(&self, config: &Config) -> Result<Vec<Arc<dyn Provider>>, String> {
        match config.providers.first() {
            None => Ok(Vec::new()),
            Some(provider) => Err(format!("{}: this build knows no {}", provider.name, provider.kind())),
        }
    }

    async fn exercise(&self, scenario: &str) -> Result<Exercise, String> {
        Err(format!("this build cannot play {scenario}"))
    }

    async fn console(&self, _: Session) -> Exit {
        Exit::Usage
    }
}

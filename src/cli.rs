//! The command line: one file per subcommand, all over the same engine.
//!
//! ```text
//! arguments ─▶ Context (engine over the configuration, or over an exercise) ─▶ command ─▶ Output + Exit
//! ```
//!
//! What a command prints is made by pure functions over a snapshot, a plan, an incident or an event (`documents`).

mod activity;
mod approve;
mod args;
mod check;
mod confirm;
mod context;
mod documents;
mod exit;
mod face;
mod follow;
mod identify;
mod incident;
mod init;
mod isolate;
mod journal;
mod lane;
mod leak;
mod list;
mod names;
mod outcome;
mod output;
mod plan;
mod process;
mod recheck;
mod restore;
mod resume;
mod retry;
mod show;
mod signals;
mod status;
mod time;
mod verify;

use std::{sync::Arc, time::Duration};

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command, Global};
use context::Context;
pub use context::{EMBEDDED, Exercise, Session, Wiring, themes_dir};
pub use exit::{Exit, Stop};
pub use face::Face;
use output::{Color, Output};
pub use process::harden;
use signals::Signals;

use crate::{
    engine::Right,
    journal::{JournalError, Store},
    tui,
};

/// After the last word, tasks that still run get so long.
const FAREWELL: Duration = Duration::from_millis(500);

/// Runs what the process was started with.
pub fn run(wiring: &dyn Wiring) -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::standard(cli.global.json, cli.global.color).in_ascii(cli.global.ascii);
    let output = Arc::new(output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.say(&format!("no thread can be started: {error}"));
            output.written(Some(FAREWELL));
            return Exit::Failed;
        }
    };
    let exit = runtime.block_on(async {
        let mut signals = match Signals::take() {
            Ok(signals) => signals,
            Err(error) => {
                output.say(&format!("signals cannot be taken over: {error}"));
                return Exit::Failed;
            }
        };
        let exit = execute(wiring, &cli, &output, &mut signals).await.unwrap_or_else(|stop| {
            output.say(&stop.message);
            stop.exit
        });
        written(&output, &mut signals).await;
        exit
    });
    runtime.shutdown_timeout(FAREWELL);
    exit.and(lost(&output))
}

/// Whoever reads slowly is waited for, until a signal says that it is enough.
async fn written(output: &Arc<Output>, signals: &mut Signals) {
    let within = signals.heard.then_some(FAREWELL);
    let theirs = Arc::clone(output);
    let written = tokio::task::spawn_blocking(move || theirs.written(within));
    let enough = async {
        signals.next().await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        _ = written => {}
        () = enough => {}
    }
}

fn lost(output: &Output) -> Exit {
    if output.is_lost() { Exit::Failed } else { Exit::Done }
}

/// Help and version go to standard output, mistakes to standard error, both without escapes of any kind.
fn usage(error: &clap::Error) -> Exit {
    let output = Output::standard(false, Color::Never);
    let text = error.render().to_string();
    if error.use_stderr() {
        for line in text.trim_end().lines() {
            output.say(line.trim_start_matches("error: "));
        }
        output.written(None);
        return Exit::Usage;
    }
    for line in text.trim_end().lines() {
        output.line(line);
    }
    output.written(None);
    lost(&output)
}

async fn execute(wiring: &dyn Wiring, cli: &Cli, output: &Arc<Output>, signals: &mut Signals) -> Result<Exit, Stop> {
    let global = &cli.global;
    match &cli.command {
        None => console(wiring, global, output).await,
        Some(Command::Init) => init::run(output, global.config.as_deref()),
        Some(Command::Completions { shell }) => Ok(completions(output, *shell)),
        Some(Command::Journal(command)) => tokio::select! {
            exit = journal::run(output, global, command) => exit,
            received = signals.next() => Ok(received.exit()),
        },
        Some(command) => {
            let context = tokio::select! {
                context = Context::of_command(wiring, global, Arc::clone(output)) => context?,
                received = signals.next() => return Ok(received.exit()),
            };
            for notice in context.notices() {
                output.say(&notice);
            }
            let exit = match command {
                Command::Isolate(args) => isolate::run(&context, args, signals).await,
                Command::Resume(args) => resume::run(&context, args, signals).await,
                Command::Restore(args) => restore::run(&context, args, signals).await,
                Command::Retry(args) => retry::run(&context, args, signals).await,
                command => tokio::select! {
                    exit = read(&context, command) => exit,
                    received = signals.next() => Ok(received.exit()),
                },
            };
            let signed = sign(context.engine.store(), output).await;
            exit.map(|exit| exit.and(signed))
        }
    }
}

/// Commands that change nothing at a provider: a signal ends them at once.
async fn read(context: &Context, command: &Command) -> Result<Exit, Stop> {
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::Show(args) => show::run(context, args).await,
        Command::Activity(args) => activity::run(context, args).await,
        Command::Plan(args) => plan::run(context, args).await,
        Command::Recheck(args) => recheck::run(context, args).await,
        Command::Status(args) => status::run(context, args),
        Command::Incident(command) => incident::run(context, command).await,
        Command::Confirm(args) => confirm::run(context, args).await,
        Command::Check => check::run(context).await,
        Command::Approve(args) => approve::run(context, args).await,
        Command::Identify(args) => identify::run(context, args).await,
        Command::Isolate(_)
        | Command::Resume(_)
        | Command::Restore(_)
        | Command::Retry(_)
        | Command::Journal(_)
        | Command::Init
        | Command::Completions { .. } => Err(Stop::failed("this command reads nothing")),
    }
}

/// Bare `estop`: a terminal, or one line that says what to use instead.
async fn console(wiring: &dyn Wiring, global: &Global, output: &Arc<Output>) -> Result<Exit, Stop> {
    tui::can_open().map_err(Stop::usage)?;
    let context = Context::of_console(wiring, global, Arc::clone(output)).await?;
    let store = context.engine.store().clone();
    let exit = wiring.console(context.session()).await;
    Ok(exit.and(sign(&store, output).await))
}

/// The last checkpoint of what this process has recorded. What failed before was told with it: only what fails now is.
async fn sign(store: &Store, output: &Output) -> Exit {
    match store.close().await {
        Ok(()) | Err(JournalError::Failed(_) | JournalError::Ended) => Exit::Done,
        Err(error) => {
            output.say(&error.to_string());
            Exit::Failed
        }
    }
}

/// Whether the person may do something; a refusal is put on record.
async fn may(context: &Context, right: Right) -> Result<(), Stop> {
    match context.engine.may(right) {
        Ok(()) => Ok(()),
        Err(refusal) => {
            context.engine.record_refusal(None, &refusal).await;
            Err(Stop::from(&refusal))
        }
    }
}

fn completions(output: &Output, shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "estop", &mut script);
    output.verbatim(&String::from_utf8_lossy(&script));
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound_and_every_help_has_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let leaf = !command.has_subcommands() && command.get_name() != "help";
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || after.contains("Example"), "{path} has no example");
            assert!(!leaf || after.contains("estop"), "{path}: the example is none");
            for sub in command.get_subcommands() {
                walk(sub, &path);
            }
        }
        let command = Cli::command();
        command.clone().debug_assert();
        walk(&command, "");
    }

    /// Every example of a help text is taken as it stands.
    #[test]
    fn examples_can_be_typed() {
        fn examples(command: &clap::Command, found: &mut Vec<String>) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines = after.lines().map(str::trim).filter(|line| line.starts_with("estop "));
            found.extend(lines.map(|line| line.split("  ").next().unwrap_or(line).to_owned()));
            for sub in command.get_subcommands() {
                examples(sub, found);
            }
        }
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert!(found.len() > 15, "{found:?}");
        for example in found {
            let line = example.split(['<', '>']).next().unwrap_or(&example);
            let words = line.split('\'').enumerate().flat_map(|(index, part)| {
                let quoted = index % 2 == 1;
                if quoted { vec![part] } else { part.split_whitespace().collect() }
            });
            let words: Vec<&str> = words.collect();
            assert!(Cli::try_parse_from(&words).is_ok(), "{words:?}");
        }
    }
}

//! From the caller's words to the running console, and what is left to do when the screen is gone.
//!
//! ```text
//! run ─▶ Terminal::enter ─▶ App::run ─▶ Ending ─▶ leave ─▶ finish without a screen ─▶ ExitState
//!                                                    quit, hang-up: 60 s past the last answer
//!                                                    signal: 8 s; a second one shortens the wait
//! ```

use std::{
    env,
    io::{self, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use futures::{Stream, StreamExt as _, stream};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, timeout_at},
};

use super::{
    app::{App, Display, Left, Sources},
    clipboard::Route,
    input::Listener,
    keymap::Keymap,
    message::{Signal, Size},
    operator::Operator,
    output::{Output, Picture},
    signals::{self, Heard},
    state::{Ending, Look, Moment, State},
    terminal::{self, Terminal},
    theme::{Capability, Glyphs, Theme, Wanted},
};
use crate::{
    domain::{BotName, Outcome},
    engine::EngineEvent,
};

/// Inputs that may wait for the loop.
const INPUTS: usize = 1024;
/// How long a strike without a screen may go on past its last answer.
const PAST_THE_LAST_ANSWER: Duration = Duration::from_mins(1);
/// How long after a polite signal the process may go on: it is gone 10 s later, farewells included.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(8);
/// How long after a second one: never so short that a record is lost.
const AFTER_A_SECOND_SIGNAL: Duration = Duration::from_secs(2);
/// How long after the last isolation has stopped its outcome may still be on its way.
const OUTCOME_WITHIN: Duration = Duration::from_secs(2);

/// What the caller decides.
#[derive(Debug, Clone)]
pub struct Options {
    /// The theme's name: a bundled one, or one of `themes_dir`.
    pub theme: String,
    /// Where themes of one's own are.
    pub themes_dir: Option<PathBuf>,
    /// Whether there are colours, as the flag says.
    pub color: Wanted,
    /// How many, as the configuration says; `None`: as the terminal says.
    pub colors: Option<Capability>,
    /// Nothing beyond ASCII, whatever the locale says.
    pub ascii: bool,
    /// Listen to the mouse: a click selects, the wheel scrolls.
    pub mouse: bool,
    /// Bind neither `X` nor `B`.
    pub read_only: bool,
    /// What the keys mean.
    pub keys: Keymap,
    /// What the responder should know at the start, one sentence each.
    pub notices: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            theme: "dusk".to_owned(),
            themes_dir: None,
            color: Wanted::Auto,
            colors: None,
            ascii: false,
            mouse: false,
            read_only: false,
            keys: Keymap::default(),
            notices: Vec::new(),
        }
    }
}

/// How the console ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitState {
    /// Why.
    pub ending: Ending,
    /// The bots whose isolation was not over when the wait ended: `estop resume` finishes them.
    pub unfinished: Vec<BotName>,
    /// What came of the isolations that ended after the screen was left.
    pub outcomes: Vec<Outcome>,
}

impl ExitState {
    /// The signal that ended it, for an exit code of 128 + its number where nothing was under way; `None`: by key.
    pub fn signal(&self) -> Option<i32> {
        match &self.ending {
            Ending::Quit => None,
            Ending::Signal(signal) => Some(signal.number()),
            Ending::Lost(_) => Some(Signal::Hup.number()),
        }
    }
}

/// Runs the console on standard input and output until it is left, then waits for what it has started.
///
/// # Errors
/// Where the terminal's modes or the threads for it cannot be set up, or the console's own code failed. The terminal is as it was before in each case.
pub async fn run<O: Operator>(operator: O, mut options: Options) -> anyhow::Result<ExitState> {
    let (look, why) = look(&options);
    options.notices.extend(why);
    let mut signals = signals::listen().context("signals cannot be handled")?;
    let left = open(operator.clone(), options, look, &mut signals).await?;
    let Left { ending, state, effects, events } = left;
    let failed = ending.is_none();
    let ending = ending.unwrap_or(Ending::Quit);
    let mut rest = Rest::new(events, &ending);
    if let Ending::Lost(by) = &ending {
        // Durable before anything else is waited for: who reads the journal later sees that nobody watched.
        operator.console_lost(by.clone()).await;
    }
    if state.is_working() {
        rest.running = running(&state);
        say(&format!("estop: isolating {} goes on without the screen; Ctrl-C shortens the wait", names(&rest.running)));
    }
    rest.finish(&operator, effects.orders_taken(), &mut signals).await;
    let Rest { running: unfinished, outcomes, .. } = rest;
    if !unfinished.is_empty() {
        say(&format!("estop: isolating {} is not over: estop resume finishes it", names(&unfinished)));
    }
    if failed {
        anyhow::bail!("the console failed and was closed; what it had started was finished first");
    }
    Ok(ExitState { ending, unfinished, outcomes })
}

/// What it looks like, decided once; and why it is not as it was asked for.
fn look(options: &Options) -> (Look, Option<String>) {
    let variable = |name: &str| env::var(name).ok();
    let capability = Capability::decide(options.color, options.colors, variable);
    let (theme, why) = Theme::chosen(&options.theme, options.themes_dir.as_deref(), capability);
    let glyphs = if options.ascii { Glyphs::ASCII } else { Glyphs::detect(variable) };
    (Look { theme, themes_dir: options.themes_dir.clone(), capability, glyphs }, why)
}

/// tmux and screen answer for themselves, not for the terminal far away.
fn is_multiplexed(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    set("TMUX") || set("STY") || term.starts_with("screen") || term.starts_with("tmux")
}

/// Opens the terminal, runs the loop, gives the terminal back.
async fn open<O: Operator>(
    operator: O,
    options: Options,
    look: Look,
    signals: &mut (impl Stream<Item = Heard> + Unpin),
) -> anyhow::Result<Left<O>> {
    let terminal = Terminal::enter(options.mouse).context("the terminal cannot be set up")?;
    let panics = terminal::watch_panics();
    let (sender, receiver) = mpsc::channel(INPUTS);
    let output =
        Output::start(terminal.handle()?, terminal::dialect(), sender.clone()).context("no thread for the screen")?;
    let keyboard: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let listener = Listener::start(keyboard, sender).context("no thread for the keyboard")?;
    let now = Moment { wall: operator.now(), mono: Duration::ZERO };
    let read_only = options.read_only || operator.read_only();
    let multiplexed = is_multiplexed(|name| env::var(name).ok());
    let mut state = State::new(now, terminal.size(), look, read_only, multiplexed);
    state.notices = options.notices;
    state.keys = options.keys;
    state.mouse = options.mouse;
    let inputs = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|x| (x, receiver)) });
    let clipboard = Route::of(|name| env::var(name).ok());
    state.has_clipboard = clipboard.is_some();
    let mut screen = Screen { output, terminal, clipboard };
    let sources = Sources { inputs: inputs.boxed(), signals, panics };
    let left = App::new(operator, &mut screen, state).run(sources).await;
    drop(listener);
    screen.output.close();
    drop(screen);
    terminal::unwatch_panics();
    Ok(left)
}

/// The real terminal.
struct Screen {
    output: Output,
    terminal: Terminal,
    /// The way to its clipboard.
    clipboard: Option<Route>,
}

impl Display for &mut Screen {
    fn show(&mut self, picture: Picture) {
        self.output.show(picture);
    }

    fn ring(&mut self) {
        self.output.ring();
    }

    fn copy(&mut self, text: &str) {
        if let Some(route) = self.clipboard {
            self.output.send(route.bytes(text));
        }
    }

    fn answered(&mut self) -> Option<u64> {
        self.output.answered()
    }

    fn is_behind(&self) -> bool {
        self.output.is_behind()
    }

    fn synchronize(&mut self) {
        self.output.synchronize();
    }

    fn size(&mut self) -> Size {
        self.terminal.size()
    }

    fn hush(&mut self) -> usize {
        self.output.pause();
        self.output.owed()
    }

    fn suspend(&mut self) {
        self.output.pause();
        terminal::leave();
        // Stops here, and goes on here when continued: nothing is drawn meanwhile.
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        let taken = self.terminal.take();
        if stopped.is_err() || taken.is_err() {
            // A terminal that cannot be taken back is gone: the input thread finds out.
        }
        self.output.resume();
    }
}

fn running(state: &State) -> Vec<BotName> {
    let mut bots = state.ordered.clone();
    bots.extend_from_slice(&state.restoring);
    bots.extend(state.operations.iter().filter(|operation| operation.is_running()).map(|one| one.bot.clone()));
    bots.sort();
    bots.dedup();
    bots
}

fn names(bots: &[BotName]) -> String {
    bots.iter().map(BotName::shown).collect::<Vec<_>>().join(", ")
}

/// One line on the normal screen; where nobody reads it any more, that is no error.
fn say(text: &str) {
    if writeln!(io::stderr(), "{}", crate::domain::redact(text)).is_err() {
        // The terminal is gone.
    }
}

/// What is left to do without a screen.
struct Rest {
    events: broadcast::Receiver<Arc<EngineEvent>>,
    running: Vec<BotName>,
    outcomes: Vec<Outcome>,
    deadline: Instant,
    limit: Option<Duration>,
}

impl Rest {
    fn new(events: broadcast::Receiver<Arc<EngineEvent>>, ending: &Ending) -> Self {
        // Past the last answer where nobody is in a hurry; a signal sets a limit of its own.
        let (wait, limit) = match ending {
            Ending::Quit | Ending::Lost(_) => (PAST_THE_LAST_ANSWER, Some(PAST_THE_LAST_ANSWER)),
            Ending::Signal(_) => (AFTER_A_SIGNAL, None),
        };
        let deadline = Instant::now() + wait;
        Self { events, running: Vec::new(), outcomes: Vec::new(), deadline, limit }
    }

    /// Waits until nothing runs, at most until the deadline.
    async fn finish<O: Operator>(
        &mut self,
        operator: &O,
        orders: impl Future<Output = ()>,
        signals: &mut (impl Stream<Item = Heard> + Unpin),
    ) {
        let settled = async {
            orders.await;
            operator.settle().await;
        };
        tokio::pin!(settled);
        let mut signalled = self.limit.is_none();
        loop {
            tokio::select! {
                biased;
                () = &mut settled => return self.hear_outcomes().await,
                Some(Heard::Signal(signal)) = signals.next() => {
                    if matches!(signal, Signal::Int | Signal::Term | Signal::Quit) {
                        let wait = if signalled { AFTER_A_SECOND_SIGNAL } else { AFTER_A_SIGNAL };
                        signalled = true;
                        self.limit = None;
                        self.deadline = self.deadline.min(Instant::now() + wait);
                    }
                }
                Ok(event) = self.events.recv() => self.note(&event),
                () = tokio::time::sleep_until(self.deadline) => return,
            }
        }
    }

    /// Nothing runs any more; what came of it is told a moment later. One that ended without an outcome (its journal
    /// failed) tells nothing.
    async fn hear_outcomes(&mut self) {
        let until = self.deadline.min(Instant::now() + OUTCOME_WITHIN);
        while !self.running.is_empty() {
            match timeout_at(until, self.events.recv()).await {
                Ok(Ok(event)) => self.note(&event),
                Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => break,
            }
        }
        self.running.clear();
    }

    fn note(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::Step { answer: Some(_), .. } | EngineEvent::Swept { .. } => {
                if let Some(limit) = self.limit {
                    self.deadline = Instant::now() + limit;
                }
            }
            EngineEvent::Ended { bot, ended, .. } => {
                self.running.retain(|running| running != bot);
                say(&format!("estop: {bot}: {}", ended.outcome.word()));
                self.outcomes.push(ended.outcome.clone());
            }
            EngineEvent::Started { bot, .. } if !self.running.contains(bot) => self.running.push(bot.clone()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplexers_are_recognised() {
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color")][..], false),
            (&[("TERM", "screen.xterm-256color")], true),
            (&[("TERM", "tmux-256color")], true),
            (&[("TERM", "xterm"), ("TMUX", "/tmp/tmux-0/default,1,0")], true),
            (&[("TERM", "xterm"), ("STY", "1.pts")], true),
            (&[("TERM", "xterm"), ("TMUX", "")], false),
        ] {
            let found =
                is_multiplexed(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
            assert_eq!(found, expected, "{pairs:?}");
        }
    }
}

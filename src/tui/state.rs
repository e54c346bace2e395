//! What the console knows. Only `update` changes it, only `draw` reads it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use tui_input::Input;

use super::{
    action::{Action, Context},
    command::CommandForm,
    detail::ActivityFilter,
    fleet::{Fleet, Row},
    forms::{ConfirmForm, HandOverForm, MarkedForm, NoteForm},
    incidents::{Archive, IncidentsPane},
    journal::JournalPane,
    keymap::Keymap,
    message::{Signal, Size},
    operation::OperationView,
    restore::RestorePane,
    secret::{Leak, SecretField},
    strike::{Answers, Trigger},
    theme::{Capability, Glyphs, Theme},
    whole::Whole,
};
use crate::{
    domain::{BotName, BotState, Depth, Fingerprint, Identity, OperationId, StepId},
    engine::{BotView, Others, Refusal, Right, Snapshot},
};

/// Now, by both clocks. The loop sets it before each message, so that `update` stays pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For people.
    pub wall: Timestamp,
    /// For order and limits, since the console opened.
    pub mono: Duration,
}

/// Whether the screen is behind the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dirty {
    /// It is not.
    No,
    /// Draw once keys rest: the list's cursor has moved on from what stands beside it.
    AtRest,
    /// Draw within a tenth of a second.
    Soon,
    /// Draw at once.
    Now,
}

/// Why the console ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By key.
    Quit,
    /// By a signal.
    Signal(Signal),
    /// The terminal is gone.
    Lost(String),
}

/// A dialog that asks for a bot's name before it cuts.
#[derive(Debug)]
pub struct Prompt {
    /// Which bot.
    pub bot: BotName,
    /// How deep.
    pub depth: Depth,
    /// Whether it goes on without a record.
    pub break_glass: bool,
    /// Why the name is asked for.
    pub why: String,
    /// What was typed.
    pub input: Input,
    /// When it opened.
    pub opened: Duration,
}

/// A text field that is open: it takes every key.
#[derive(Debug)]
pub enum Form {
    /// For a leaked secret.
    Secret(SecretField),
    /// For a remark.
    Note(NoteForm),
    /// For a hand-over.
    HandOver(HandOverForm),
    /// For a manual step that was done.
    Confirm(ConfirmForm),
    /// For a command.
    Command(CommandForm),
    /// For the number of bots that are to be isolated at once.
    Marked(MarkedForm),
}

/// What the caller decides.
#[derive(Debug, Clone)]
pub struct Look {
    /// The theme's name.
    pub theme: Theme,
    /// Where themes of one's own are.
    pub themes_dir: Option<PathBuf>,
    /// How many colours.
    pub capability: Capability,
    /// Which signs.
    pub glyphs: Glyphs,
}

/// Something that came alive after dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Of which bot.
    pub bot: BotName,
    /// What is alive.
    pub what: Vec<String>,
}

/// What the console knows.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one machine")]
pub struct State {
    /// Now.
    pub now: Moment,
    /// Of the terminal.
    pub size: Size,
    /// What it looks like.
    pub look: Look,
    /// Manual steps of open incidents that wait for a person, as the record has them; `None`: it was not read yet.
    pub waiting: Option<usize>,
    /// What the keys mean here.
    pub keys: Keymap,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// Whether the terminal may have a clipboard.
    pub has_clipboard: bool,
    /// Whether nothing may be cut.
    pub read_only: bool,
    /// Which screen is shown.
    pub screen: Context,
    /// Where `Esc` leads from the help.
    pub before_help: Context,
    /// The fleet, as it is known.
    pub snapshot: Arc<Snapshot>,
    /// Whether it has been read at all.
    pub loaded: bool,
    /// The list.
    pub fleet: Fleet,
    /// Which of the selected bot's activity is shown.
    pub activity: ActivityFilter,
    /// The isolations that this console has seen, oldest first.
    pub operations: Vec<OperationView>,
    /// The one that is shown.
    pub operation: Option<OperationId>,
    /// The first step on the screen.
    pub operation_offset: usize,
    /// The step that the cursor is on.
    pub step: Option<StepId>,
    /// The journal, as it is written.
    pub journal: JournalPane,
    /// The incident that was opened from the record: journal and isolation show it instead of what happens now.
    pub archive: Option<Archive>,
    /// The incidents of this host.
    pub incidents: IncidentsPane,
    /// What is shown whole, over the screen.
    pub whole: Option<Whole>,
    /// The first line of the help on the screen.
    pub help_offset: usize,
    /// Which presses may fire.
    pub trigger: Trigger,
    /// The dialog that is open.
    pub prompt: Option<Prompt>,
    /// The text field that is open.
    pub form: Option<Form>,
    /// How many questions were asked: the number of the newest.
    pub asks: u64,
    /// The leaked secret that was looked up last.
    pub leak: Option<Leak>,
    /// The first line of it on the screen.
    pub leak_offset: usize,
    /// The secret that is being looked up.
    pub looking_up: Option<Fingerprint>,
    /// Bots of which the engine has a leaked secret from here.
    pub at_hand: Vec<BotName>,
    /// The way back that is being asked for.
    pub restore: Option<RestorePane>,
    /// Where `Esc` leads from it.
    pub before_restore: Context,
    /// Restores that are on their way to the engine.
    pub restoring: Vec<BotName>,
    /// Isolations that are on their way to the engine.
    pub ordered: Vec<BotName>,
    /// What came alive after dark and is not struck again yet.
    pub alarms: Vec<Alarm>,
    /// Bots that are held dark, and until when.
    pub watching: Vec<(BotName, Timestamp)>,
    /// What the person may not do.
    pub rights: Vec<(Right, Refusal)>,
    /// Bots whose operations another process left unfinished.
    pub left: Vec<BotName>,
    /// Whether something was isolated without a record: said for ever after.
    pub in_memory: bool,
    /// Where the record goes on since the journal's disk failed; `None`: in its place.
    pub goes_on: Option<String>,
    /// One sentence about the last key or event.
    pub flash: Option<String>,
    /// Notices that stay: panics, lost events.
    pub notices: Vec<String>,
    /// Whether the screen is behind.
    pub dirty: Dirty,
    /// When the list's cursor was last moved, as long as what stands beside the list has not followed.
    pub moved: Option<Duration>,
    /// Whether the next frame clears the screen first.
    pub clear: bool,
    /// When every provider was last asked.
    pub refreshed: Option<Duration>,
    /// Whether every provider is being asked.
    pub refreshing: bool,
    /// The bot that is being read again, and since when.
    pub reading: Option<(BotName, Duration)>,
    /// Why the console ends.
    pub ending: Option<Ending>,
}

impl State {
    /// Before anything was read.
    pub fn new(now: Moment, size: Size, look: Look, read_only: bool, multiplexed: bool) -> Self {
        let snapshot = Arc::new(nothing(now.wall));
        Self {
            now,
            size,
            look,
            waiting: None,
            keys: Keymap::default(),
            mouse: false,
            has_clipboard: true,
            read_only,
            screen: Context::Fleet,
            before_help: Context::Fleet,
            fleet: Fleet::new(&snapshot),
            snapshot,
            loaded: false,
            activity: ActivityFilter::default(),
            operations: Vec::new(),
            operation: None,
            operation_offset: 0,
            journal: JournalPane::default(),
            archive: None,
            incidents: IncidentsPane::default(),
            whole: None,
            step: None,
            help_offset: 0,
            trigger: Trigger::new(multiplexed),
            prompt: None,
            form: None,
            asks: 0,
            leak: None,
            leak_offset: 0,
            looking_up: None,
            at_hand: Vec::new(),
            restore: None,
            before_restore: Context::Fleet,
            restoring: Vec::new(),
            ordered: Vec::new(),
            alarms: Vec::new(),
            watching: Vec::new(),
            rights: Vec::new(),
            left: Vec::new(),
            in_memory: false,
            goes_on: None,
            flash: None,
            notices: Vec::new(),
            dirty: Dirty::Now,
            moved: None,
            clear: true,
            refreshed: None,
            refreshing: false,
            reading: None,
            ending: None,
        }
    }

    /// The screen is behind; never less urgent than before.
    pub fn mark(&mut self, dirty: Dirty) {
        self.dirty = self.dirty.max(dirty);
    }

    /// The screen that keys are about: from the help, the one behind it.
    pub fn about(&self) -> Context {
        if self.screen == Context::Help { self.before_help } else { self.screen }
    }

    /// The first key of an action, for sentences on the screen.
    pub fn key(&self, action: Action) -> String {
        self.keys.label(action)
    }

    /// The selected bot.
    pub fn bot(&self) -> Option<&Arc<BotView>> {
        self.snapshot.bot(self.fleet.bot()?)
    }

    /// The selected identity that is no bot.
    pub fn other(&self) -> Option<&Identity> {
        match self.fleet.selected.as_ref()? {
            Row::Bot(_) => None,
            Row::Other(id) => self.snapshot.other(id),
        }
    }

    /// Where a bot stands: what runs here is known before the next snapshot tells.
    pub fn state_of(&self, view: &BotView) -> BotState {
        let name = &view.bot.name;
        if self.is_isolating(name) {
            BotState::Isolating
        } else if self.alarms.iter().any(|alarm| alarm.bot == *name) {
            BotState::Contradicted
        } else {
            view.state
        }
    }

    /// Why the person may not do something.
    pub fn off(&self, right: Right) -> Option<&Refusal> {
        self.rights.iter().find(|(off, _)| *off == right).map(|(_, refusal)| refusal)
    }

    /// Until when a bot is held dark.
    pub fn watched_until(&self, bot: &BotName) -> Option<Timestamp> {
        self.watching.iter().find(|(watched, until)| watched == bot && *until > self.now.wall).map(|(_, until)| *until)
    }

    /// Whether an isolation of that bot runs or was ordered.
    pub fn is_isolating(&self, bot: &BotName) -> bool {
        let runs = |one: &OperationView| one.bot == *bot && one.is_running() && one.restores.is_none();
        self.ordered.contains(bot) || self.operations.iter().any(runs)
    }

    /// Whether a restore of that bot runs or was ordered.
    pub fn is_restoring(&self, bot: &BotName) -> bool {
        let runs = |one: &OperationView| one.bot == *bot && one.is_running() && one.restores.is_some();
        self.restoring.contains(bot) || self.operations.iter().any(runs)
    }

    /// Whether anything runs or was ordered.
    pub fn is_working(&self) -> bool {
        !self.ordered.is_empty() || !self.restoring.is_empty() || self.operations.iter().any(OperationView::is_running)
    }

    /// The isolation that is shown.
    pub fn operation(&self) -> Option<&OperationView> {
        let shown = self.operation?;
        self.shown_operations().find(|operation| operation.op == shown)
    }

    /// What the isolation screen can turn to: what this console has seen, then what an opened record tells besides.
    pub fn shown_operations(&self) -> impl Iterator<Item = &OperationView> {
        let seen = |op: OperationId| self.operations.iter().any(|operation| operation.op == op);
        let recorded = self.archive.iter().flat_map(|archive| &archive.operations);
        self.operations.iter().chain(recorded.filter(move |operation| !seen(operation.op)))
    }

    /// The lines that the journal's screen shows: of the opened record, else as they are written.
    pub fn lines(&self) -> &JournalPane {
        self.archive.as_ref().map_or(&self.journal, |archive| &archive.journal)
    }

    /// The same, to change.
    pub fn lines_mut(&mut self) -> &mut JournalPane {
        self.archive.as_mut().map_or(&mut self.journal, |archive| &mut archive.journal)
    }

    /// When the loop should wake it without any other reason, on the monotonic clock.
    pub fn wakes_at(&self) -> Option<Duration> {
        let asked = match self.trigger.answers() {
            Answers::Asked(until) => until,
            Answers::Yes | Answers::No => None,
        };
        [asked, self.clock_moves_at(), self.reads_at()].into_iter().flatten().min()
    }

    /// When a running clock shows another figure: each second while a strike runs or less than ten minutes are left,
    /// each minute when far.
    fn clock_moves_at(&self) -> Option<Duration> {
        let second = Duration::from_secs(1);
        let shown = self.operation().filter(|_| self.screen == Context::Isolation)?;
        if shown.is_running() {
            let since = self.now.mono.saturating_sub(shown.started);
            return Some(shown.started + Duration::from_secs(since.as_secs()) + second);
        }
        let left = shown.dark_at()?.duration_since(self.now.wall);
        if left.is_negative() || left.is_zero() {
            return None;
        }
        let left = left.unsigned_abs();
        let unit = if left > Duration::from_mins(10) { Duration::from_mins(1) } else { second };
        let into = Duration::from_millis(u64::try_from(left.as_millis() % unit.as_millis()).unwrap_or(0));
        Some(self.now.mono + into.max(Duration::from_millis(1)))
    }

    /// When providers are read again by themselves.
    fn reads_at(&self) -> Option<Duration> {
        // A strike has the providers for itself; its end is an event, after which this is asked again.
        if self.is_working() {
            return None;
        }
        let fleet = self.refreshed.filter(|_| !self.refreshing).map(|at| at + super::update::REFRESH_EVERY);
        let selected = self.reading.as_ref().filter(|(bot, _)| self.fleet.bot() == Some(bot));
        let bot = selected.map(|(_, at)| *at + super::update::READ_EVERY);
        [fleet, bot].into_iter().flatten().min()
    }
}

fn nothing(at: Timestamp) -> Snapshot {
    Snapshot {
        revision: 0,
        generated_at: at,
        exercise: None,
        bots: Vec::new(),
        others: Others::default(),
        providers: Vec::new(),
        notices: Vec::new(),
    }
}

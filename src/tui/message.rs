//! Everything that has happened, in the past tense: the only way into the state.

use std::sync::Arc;

use crate::{
    domain::{
        BotName, Depth, Identified, IncidentId, LeakedSecret, OperationId, Owner, Probed, RestoreMode, RestorePlan,
    },
    engine::{Confirmed, EngineEvent, Refusal, Right, Snapshot, WaitingStep},
    tui::{
        fleet::List,
        incidents::{Archive, Brief, Checked},
        mouse::Mouse,
        press::{Pasted, Press},
        strike::Shown,
    },
};
use jiff::Timestamp;

/// Columns and rows of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A signal that the console answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C from elsewhere.
    Int,
    /// A polite end.
    Term,
    /// Ctrl-\ from elsewhere.
    Quit,
    /// The line dropped.
    Hup,
    /// Stop.
    Stop,
    /// Go on after a stop.
    Continue,
}

impl Signal {
    /// Its name, as the journal has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Int => "SIGINT",
            Self::Term => "SIGTERM",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
            Self::Stop => "SIGTSTP",
            Self::Continue => "SIGCONT",
        }
    }

    /// Its number, for the exit code (128 + number).
    pub const fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Term => 15,
            Self::Continue => 18,
            Self::Stop => 20,
        }
    }
}

/// One line of the journal, as the screen shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalLine {
    /// In which incident; `None`: of the host.
    pub incident: Option<IncidentId>,
    /// Its number there.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Of which operation.
    pub op: Option<OperationId>,
    /// The record's kind: `step.answer`.
    pub kind: String,
    /// What it is about: for a step its action and target, else all that it says. Already escaped.
    pub text: String,
    /// What it says about a step; empty where it is about none.
    pub result: String,
    /// Of which bot; empty where that is not known. Already escaped, as the two below.
    pub bot: String,
    /// The id of the step that it is about; empty where it is about none.
    pub step: String,
    /// The word of where that step stands then, or of an operation's outcome; empty where it tells none.
    pub state: String,
}

/// One field of a line as it stands in the file: its path, and what it holds.
pub type Field = (String, String);

/// What came of opening an incident.
pub type Opened = Result<Box<Archive>, String>;

/// What lets an order through that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Nothing.
    None,
    /// The bot's name.
    Name,
    /// The break-glass form: the bot's name, and a record in memory only.
    BreakGlass,
}

/// What came of asking what a restore would take.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Of which bot.
    pub bot: BotName,
    /// Which way.
    pub mode: RestoreMode,
    /// The difference, or why there is none.
    pub result: Result<Arc<RestorePlan>, Refusal>,
}

/// What has happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed. `alone`: no other key came in the same read of the terminal.
    KeyPressed {
        /// Which.
        key: Press,
        /// Whether it came by itself.
        alone: bool,
    },
    /// Text was pasted, in brackets.
    Pasted(Pasted),
    /// The mouse was clicked, or its wheel turned.
    Pointed(Mouse),
    /// A frame was handed over for writing.
    FrameDrawn {
        /// Its number.
        frame: u64,
        /// What it shows.
        shown: Shown,
    },
    /// Its last byte was written.
    FrameWritten(u64),
    /// The terminal answered the query at its end.
    FrameAnswered(u64),
    /// The window has another size.
    Resized(Size),
    /// The fleet is known anew.
    FleetRead(Arc<Snapshot>),
    /// The fleet's list was made beside the loop.
    FilterMatched {
        /// The number of the question.
        generation: u64,
        /// What is listed.
        list: Arc<List>,
    },
    /// What an earlier console has read was taken in; or why it was not, one sentence.
    InventoryRecalled(Option<String>),
    /// A refresh of every provider ended.
    Refreshed,
    /// A refresh of one bot ended.
    BotRefreshed(BotName),
    /// An isolation went on.
    EngineSpoke(EngineEvent),
    /// So many events were lost because the screen was too slow; the journal has them all.
    EventsMissed(u64),
    /// Lines of the journal from before the console opened.
    JournalRead(Vec<JournalLine>),
    /// A line became durable.
    JournalWritten(JournalLine),
    /// One line of a journal was read whole.
    LineRead {
        /// In which incident; `None`: of the host.
        incident: Option<IncidentId>,
        /// Its number there.
        seq: u64,
        /// Its fields, or why it cannot be read.
        result: Result<Vec<Field>, String>,
    },
    /// An order was taken.
    OrderTaken {
        /// Of which bot.
        bot: BotName,
        /// As which operation.
        op: OperationId,
    },
    /// An order was refused: nothing was sent.
    OrderRefused {
        /// Of which bot.
        bot: BotName,
        /// How deep it was to go.
        depth: Depth,
        /// One sentence.
        why: String,
        /// What would let it through.
        way: Way,
    },
    /// A guard has refused one of several orders: nothing was sent to any.
    MarkedRefused {
        /// All of them.
        bots: Vec<BotName>,
        /// Whose guard, and why: one sentence each.
        why: String,
    },
    /// Striking again, or finishing, was refused.
    AgainRefused {
        /// Of which bot; `None`: of all that were left.
        bot: Option<BotName>,
        /// One sentence.
        why: String,
    },
    /// An order without a record was taken.
    GlassBroken,
    /// What the person in front of the console may not do.
    RightsKnown(Vec<(Right, Refusal)>),
    /// The bots whose operations another process left unfinished.
    LeftFound(Vec<BotName>),
    /// Until when a bot is held dark.
    Watching {
        /// Which bot.
        bot: BotName,
        /// Until when; `None`: nobody watches it.
        until: Option<Timestamp>,
    },
    /// A leaked secret was looked up, and handed over for each bot that it opens.
    Identified {
        /// The thing itself: it does not print.
        secret: LeakedSecret,
        /// What it is, and whose.
        identified: Identified,
    },
    /// It was used once for each owner.
    SecretTried(Vec<(Owner, Probed)>),
    /// What a restore would take was read.
    RestorePlanned(Planned),
    /// A restore was refused: nothing was sent.
    RestoreRefused {
        /// Of which bot.
        bot: BotName,
        /// Why.
        refusal: Refusal,
    },
    /// What handing over would put on record was read.
    Summarised(Result<(IncidentId, Vec<String>), Refusal>),
    /// The manual steps that wait for a person were read.
    WaitingFound(Result<Vec<WaitingStep>, Refusal>),
    /// The same, counted; `None`: a journal cannot be read.
    WaitingCounted(Option<usize>),
    /// Something is on record, in one sentence, or is not.
    Recorded(Result<String, Refusal>),
    /// It is on record that somebody says a manual step was done.
    StepConfirmed(Confirmed),
    /// The incidents of this host were read.
    IncidentsRead(Result<Vec<Brief>, String>),
    /// Somebody has written to one of them since.
    IncidentsChanged,
    /// One that stands open was read again.
    IncidentFollowed(IncidentId, Opened),
    /// One of them was opened.
    IncidentOpened(IncidentId, Opened),
    /// Its journal was checked.
    IncidentChecked(IncidentId, Checked),
    /// A signal came.
    Signalled(Signal),
    /// The terminal is gone.
    TerminalLost(String),
    /// A task panicked; where.
    WorkerPanicked(String),
    /// The moment that the state asked for has come.
    TimePassed,
}

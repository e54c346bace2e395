//! What can be typed.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    output::Color,
    time::{Since, parse_duration},
};
use crate::domain::{IncidentId, RestoreMode};

/// The emergency stop for chatbot identities: shows what each one can reach, and takes one off the air at once.
#[derive(Debug, Parser)]
#[command(
    name = "estop",
    version,
    about,
    max_term_width = 100,
    after_help = "Examples:
  estop                                      the console
  estop list                                 the bots, one a line
  estop isolate helpdesk --yes --reason 'token in a paste'
Exit codes: 0 done and verified, 1 own error, 2 usage or configuration, 3 partial, 4 still alive, 5 refused."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// Without one: the console.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options everywhere")]
pub struct Global {
    /// The configuration, in place of the one in the user's configuration directory
    #[arg(long, global = true, value_name = "FILE", env = "ESTOP_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the journals are kept
    #[arg(long, global = true, value_name = "DIR", env = "ESTOP_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Look only: nothing that changes anything is let through
    #[arg(long, global = true)]
    pub read_only: bool,
    /// JSON instead of text: one document for reading commands, JSON Lines for running ones
    #[arg(long, global = true)]
    pub json: bool,
    /// Whether state words are coloured; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// The console's theme: dusk, paper, high-contrast, colour-blind, sixteen, mono, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Show nothing beyond ASCII, whatever the locale says
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Run on the simulated providers of a scenario; nothing reaches a network
    #[arg(long, global = true, value_name = "SCENARIO")]
    pub exercise: Option<String>,
    /// Say more on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// One subcommand each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The bots, one a line
    #[command(after_help = "Example:
  estop list --state live")]
    List(ListArgs),
    /// One bot: identities, holdings with effective scopes, activity
    #[command(after_help = "Example:
  estop show helpdesk")]
    Show(BotArgs),
    /// What a bot did, newest first
    #[command(after_help = "Example:
  estop activity helpdesk --since 2h --on-behalf-of alice")]
    Activity(ActivityArgs),
    /// What isolating a bot would do now, with the plan's hash; changes nothing
    #[command(after_help = "Example:
  estop plan helpdesk --burn")]
    Plan(PlanArgs),
    /// Cut bots off: strike, sweep, verify
    #[command(after_help = "Examples:
  estop isolate helpdesk --yes --reason 'token in a paste'
  estop isolate helpdesk sales --count 2 --yes
  estop isolate helpdesk --yes --leaked < leaked.txt")]
    Isolate(IsolateArgs),
    /// Is a bot still dark? Reads everything again, changes nothing
    #[command(after_help = "Example:
  estop recheck helpdesk")]
    Recheck(BotArgs),
    /// Whose is a leaked secret? It comes on standard input, is never shown or kept, and is sent nowhere without --probe
    #[command(after_help = "Examples:
  estop identify < leaked.txt
  estop identify --probe < leaked.txt
Exit codes: 0 it is one bot's; 3 it is nobody's, several bots', or not all could be read or told; 4 it works although
its bot was called dark.")]
    Identify(IdentifyArgs),
    /// Open incidents: unfinished operations, manual steps, residual clocks
    #[command(after_help = "Example:
  estop status")]
    Status(IncidentArgs),
    /// Finish what a killed process left
    #[command(after_help = "Example:
  estop resume")]
    Resume(ResumeArgs),
    /// Undo an isolation: shows the difference, then asks for the bot's name
    #[command(after_help = "Examples:
  estop restore helpdesk --mode false-alarm
  estop restore helpdesk --mode rotate --yes --reason 'secret replaced'

false-alarm puts back everything that can be put back: the very secret that leaked works again.
rotate opens the gate only after every credential from before is proved gone, and lists what to issue anew.")]
    Restore(RestoreArgs),
    /// Approve somebody else's restore, where the configuration asks for a second person
    #[command(after_help = "Example:
  estop approve 3f9a51c07d2e")]
    Approve(ApproveArgs),
    /// Strike again what failed, or what was found usable after dark: same operation, same keys
    #[command(after_help = "Example:
  estop retry helpdesk")]
    Retry(BotArgs),
    /// A manual step was done by a person: attested, which is no proof
    #[command(after_help = "Example:
  estop confirm 7f3a --note 'key taken out of the vault'")]
    Confirm(ConfirmArgs),
    /// The frame around operations
    #[command(
        subcommand,
        after_help = "Example:
  estop incident open --title 'helpdesk token leaked'"
    )]
    Incident(IncidentCommand),
    /// The record
    #[command(
        subcommand,
        after_help = "Example:
  estop journal verify"
    )]
    Journal(JournalCommand),
    /// Preflight: is every provider reachable, what may estop read and cut there
    #[command(after_help = "Example:
  estop check")]
    Check,
    /// Write a commented starter configuration; never overwrites
    #[command(after_help = "Example:
  estop --config /etc/estop/config.toml init")]
    Init,
    /// A completion script for a shell
    #[command(after_help = "Example:
  estop completions bash > /etc/bash_completion.d/estop")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// A state of a bot, as documents have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateWord {
    /// It can act
    Live,
    /// An isolation runs
    Isolating,
    /// Nothing of it can be used
    Dark,
    /// The same, but for residuals
    DarkAt,
    /// Something is missing
    Partial,
    /// Proved alive after it was called cut
    Contradicted,
    /// Not read
    Unknown,
}

impl StateWord {
    /// The word, as documents have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Isolating => "isolating",
            Self::Dark => "dark",
            Self::DarkAt => "dark-at",
            Self::Partial => "partial",
            Self::Contradicted => "contradicted",
            Self::Unknown => "unknown",
        }
    }
}

/// `estop list`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Also every other non-human identity of the providers
    #[arg(long)]
    pub all: bool,
    /// Only bots in this state
    #[arg(long)]
    pub state: Option<StateWord>,
}

/// A bot and no more.
#[derive(Debug, Clone, Args)]
pub struct BotArgs {
    /// A bot's name, or an identity's id (PROVIDER:NATIVE-ID)
    pub bot: String,
}

/// `estop plan`
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// A bot's name, or an identity's id (PROVIDER:NATIVE-ID)
    pub bot: String,
    /// The plan that also ends every long-lived secret
    #[arg(long)]
    pub burn: bool,
    /// The plan that also ends a leaked secret of the bot, which comes on standard input
    #[arg(long)]
    pub leaked: bool,
}

/// `estop identify`
#[derive(Debug, Clone, Args)]
pub struct IdentifyArgs {
    /// Use it once, at its own provider only, to see whether it works; changes nothing there
    #[arg(long)]
    pub probe: bool,
    /// Allow a use that makes a new credential, where there is no other; what it made is revoked at once
    #[arg(long, requires = "probe")]
    pub allow_minting: bool,
}

/// `estop activity`
#[derive(Debug, Clone, Args)]
pub struct ActivityArgs {
    /// A bot's name, or an identity's id (PROVIDER:NATIVE-ID)
    pub bot: String,
    /// Only from then on: 2026-08-21T09:00:00Z, or how long ago: 15m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Only from this address
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// Only for this end user
    #[arg(long, value_name = "USER")]
    pub on_behalf_of: Option<String>,
}

/// `estop isolate`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed")]
pub struct IsolateArgs {
    /// Names of bots, or ids of identities (PROVIDER:NATIVE-ID)
    #[arg(required = true, value_name = "BOT")]
    pub bots: Vec<String>,
    /// Do not ask for the bot's name
    #[arg(long)]
    pub yes: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Also end every long-lived secret; this cannot be undone
    #[arg(long)]
    pub burn: bool,
    /// Refuse if the plan is no longer this one (as `estop plan` prints it)
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// How many bots are named; needed for more than one
    #[arg(long, value_name = "N")]
    pub count: Option<usize>,
    /// Keep watching for so long after dark
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub hold: Duration,
    /// Go on without a record, if no journal can be written
    #[arg(long)]
    pub break_glass: bool,
    /// A leaked secret of the bot comes on standard input: it is ended too, and used once more as the proof
    #[arg(long)]
    pub leaked: bool,
    /// Allow a proof that makes a new credential, where there is no other; what it made is ended
    #[arg(long, requires = "leaked")]
    pub allow_minting: bool,
}

/// The two ways back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeWord {
    /// Nothing had leaked: everything that can be put back is
    FalseAlarm,
    /// Every credential from before ends first
    Rotate,
}

impl From<ModeWord> for RestoreMode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::FalseAlarm => Self::FalseAlarm,
            ModeWord::Rotate => Self::Rotate,
        }
    }
}

/// `estop restore`
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// A bot's name, or an identity's id (PROVIDER:NATIVE-ID)
    pub bot: String,
    /// Which way back; there is no default
    #[arg(long, value_name = "MODE")]
    pub mode: ModeWord,
    /// Do not ask for the bot's name
    #[arg(long)]
    pub yes: bool,
    /// Refuse if the plan is no longer this one (as it is printed without --yes)
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `estop approve`
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// The restore plan's hash, or its first 12 digits or more
    #[arg(value_name = "HASH")]
    pub hash: String,
}

/// An incident, or the open one.
#[derive(Debug, Clone, Args)]
pub struct IncidentArgs {
    /// The incident's id; without it, the open ones
    pub incident: Option<IncidentId>,
}

/// `estop resume`
#[derive(Debug, Clone, Args)]
pub struct ResumeArgs {
    /// The incident's id; without it, the open ones
    pub incident: Option<IncidentId>,
    /// Also from a process that lives: for one that hangs
    #[arg(long)]
    pub take_over: bool,
}

/// `estop confirm`
#[derive(Debug, Clone, Args)]
pub struct ConfirmArgs {
    /// The step's id as `estop status` prints it, or a beginning that fits one only
    pub step: String,
    /// What was done, for the journal
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `estop incident`
#[derive(Debug, Clone, Subcommand)]
pub enum IncidentCommand {
    /// Open one; the next isolation joins it
    #[command(after_help = "Example:
  estop incident open --title 'helpdesk token leaked'")]
    Open {
        /// What happened
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
    },
    /// All of them, the newest first
    #[command(after_help = "Example:
  estop incident list")]
    List,
    /// One: its operations, steps and residuals
    #[command(after_help = "Example:
  estop incident show")]
    Show(IncidentArgs),
    /// Write a remark into its journal
    #[command(after_help = "Example:
  estop incident note 'the token was in a public gist'")]
    Note {
        /// In your words; - reads standard input
        text: String,
        /// The incident's id; without it, the newest open one
        #[arg(long, value_name = "ID")]
        incident: Option<IncidentId>,
    },
    /// Hand one over: prints, and records, what the next person has to know
    #[command(after_help = "Example:
  estop incident handover --to bob --note 'sales is next'")]
    Handover {
        /// The incident's id; without it, the newest open one
        incident: Option<IncidentId>,
        /// To whom
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// A last word, for the journal
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// End one: nothing is appended to it any more
    #[command(after_help = "Example:
  estop incident close --note 'secret rotated'")]
    Close {
        /// The incident's id; without it, the open one
        incident: Option<IncidentId>,
        /// A last word, for the journal
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

/// `estop journal verify`
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The file; without it, every journal of this host
    pub file: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: are the lines that it covers all there, as they were?
    #[arg(long, value_name = "FILE", requires = "file")]
    pub checkpoint: Option<PathBuf>,
    /// The signer's key, NAME+ID+KEY, as verify prints it on the host that signed
    #[arg(long, value_name = "KEY", requires = "file")]
    pub key: Option<String>,
}

/// `estop journal`
#[derive(Debug, Clone, Subcommand)]
pub enum JournalCommand {
    /// The journals of this host
    #[command(after_help = "Example:
  estop journal list")]
    List,
    /// One journal, a record a line
    #[command(after_help = "Example:
  estop journal show")]
    Show(IncidentArgs),
    /// Is the chain intact, and what does which checkpoint cover? Works on any file, without configuration
    #[command(after_help = "Example:
  estop journal verify /media/evidence/0192f7a1.jsonl --checkpoint /media/kept/0192f7a1.checkpoint")]
    Verify(VerifyArgs),
}

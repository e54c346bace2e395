//! What a key can ask for.

use std::fmt;

/// One thing that a key asks for; imperative, and carrying nothing: `update` adds what it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Isolate the selected bot.
    Isolate,
    /// Isolate it and end every long-lived secret.
    Burn,
    /// Strike again what failed or came alive; finish what another process left.
    Retry,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// Look closer.
    Open,
    /// One step back.
    Back,
    /// The other pane.
    NextPane,
    /// The isolation before this one.
    Previous,
    /// The isolation after this one.
    Next,
    /// Say whose a leaked secret is.
    Identify,
    /// Use it once.
    Try,
    /// Back to the fleet, with it at hand.
    Keep,
    /// Let go of it.
    Forget,
    /// The way back.
    Restore,
    /// Of the two ways back: nothing had leaked.
    FalseAlarm,
    /// Of the two ways back: end everything from before first.
    Rotate,
    /// Put a remark on record.
    Note,
    /// Hand the incident over.
    HandOver,
    /// Say that a manual step was done.
    Confirm,
    /// Type a filter.
    Filter,
    /// Type what is searched in the journal.
    Search,
    /// The next line that matches.
    NextMatch,
    /// The line before that matches.
    PreviousMatch,
    /// Show a step or a line whole.
    Whole,
    /// Check an incident's journal.
    Verify,
    /// Type a command.
    Command,
    /// Type a filter over what the bot did.
    FilterActivity,
    /// Show identities that are no bots, too.
    ShowAll,
    /// Order the list by the next column.
    Sort,
    /// Order it the other way round.
    SortReverse,
    /// Put rows together.
    Group,
    /// Mark the selected bot, or take the mark away.
    Mark,
    /// Read every provider again.
    Refresh,
    /// The fleet.
    Fleet,
    /// The isolations.
    Isolations,
    /// The journal.
    Journal,
    /// Put a summary of what is shown on the clipboard.
    Copy,
    /// The incidents of this host.
    Incidents,
    /// Every key.
    Help,
    /// The next theme.
    Theme,
    /// Draw the whole screen again.
    Redraw,
    /// Stop the process until it is continued.
    Suspend,
    /// Leave.
    Quit,
}

impl Action {
    /// The screen that it switches to.
    pub const fn leads_to(self) -> Option<Context> {
        match self {
            Self::Fleet => Some(Context::Fleet),
            Self::Isolations => Some(Context::Isolation),
            Self::Journal => Some(Context::Journal),
            Self::Incidents => Some(Context::Incidents),
            _ => None,
        }
    }

    /// What the configuration calls it: the name in kebab-case.
    pub fn id(self) -> String {
        let mut id = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !id.is_empty() {
                id.push('-');
            }
            id.push(letter.to_ascii_lowercase());
        }
        id
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The fleet, with or without its detail.
    Fleet,
    /// The isolations.
    Isolation,
    /// The journal.
    Journal,
    /// The incidents of this host.
    Incidents,
    /// A leaked secret, and whose it is.
    Secret,
    /// The way back, before it runs.
    Restore,
    /// The help.
    Help,
}

impl Context {
    /// Each of them, in the order of the help.
    pub const ALL: [Self; 7] =
        [Self::Fleet, Self::Isolation, Self::Journal, Self::Incidents, Self::Secret, Self::Restore, Self::Help];

    /// The screen's title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::Isolation => "Isolation",
            Self::Journal => "Journal",
            Self::Incidents => "Incidents",
            Self::Secret => "Secret",
            Self::Restore => "Restore",
            Self::Help => "Help",
        }
    }
}

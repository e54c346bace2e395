//! Text fields that put something on record: a note, a hand-over, and that a manual step was done.
//!
//! ```text
//! n ─▶ text ─Enter─▶ note            H ─▶ summary, to whom ─Enter─▶ hand-over
//! c ─▶ the steps that wait ─▶ one of them, a word of evidence ─Enter─▶ attested (never called proved)
//! ```

use std::time::Duration;

use tui_input::Input;

use crate::{
    domain::{BotName, IncidentId},
    engine::WaitingStep,
};

/// A remark for the record.
#[derive(Debug, Default)]
pub struct NoteForm {
    /// Of which incident; `None`: the newest that is open.
    pub incident: Option<IncidentId>,
    /// What was typed.
    pub text: Input,
}

/// What the next responder has to know, before it is on record.
#[derive(Debug)]
pub struct HandOverForm {
    /// Of which incident.
    pub incident: IncidentId,
    /// The summary.
    pub summary: Vec<String>,
    /// To whom; empty: to whoever is next.
    pub to: Input,
    /// The first line on the screen.
    pub offset: usize,
    /// The question's number.
    pub asks: u64,
    /// Since when it stands there.
    pub opened: Duration,
}

/// Manual steps, one of which somebody says was done.
#[derive(Debug)]
pub struct ConfirmForm {
    /// Those that wait for a person.
    pub steps: Vec<WaitingStep>,
    /// Which of them.
    pub at: usize,
    /// A word of evidence; may be empty.
    pub evidence: Input,
    /// The first line on the screen.
    pub offset: usize,
    /// The question's number: another one for each step.
    pub asks: u64,
    /// Since when it stands there.
    pub opened: Duration,
}

/// Several bots that are to be isolated at once: only their number, typed, lets that through.
#[derive(Debug)]
pub struct MarkedForm {
    /// Which, by name.
    pub bots: Vec<BotName>,
    /// What was typed.
    pub count: Input,
    /// The question's number.
    pub asks: u64,
    /// Since when it stands there.
    pub opened: Duration,
}

impl ConfirmForm {
    /// The step that is chosen.
    pub fn step(&self) -> Option<&WaitingStep> {
        self.steps.get(self.at)
    }
}

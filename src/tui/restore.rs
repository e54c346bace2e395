//! The way back as the console asks for it: which way, the difference, the name.
//!
//! ```text
//! U ─▶ Choosing ─f, r─▶ Planning ─▶ Planned: difference, read to its end, name typed ─Enter─▶ Ordered ─▶ isolation screen
//!         ▲ Esc          └─▶ Refused ◀── not approved yet, changed meanwhile ────────────────────┘
//! ```

use std::{sync::Arc, time::Duration};

use tui_input::Input;

use crate::domain::{BotName, RestoreMode, RestorePlan};

/// Where it stands.
#[derive(Debug)]
pub enum Stage {
    /// Which way is not chosen: there is no default.
    Choosing,
    /// The difference is being read.
    Planning(RestoreMode),
    /// The difference is on the screen, and the name is asked for.
    Planned(Question),
    /// The engine will not; one sentence.
    Refused(String),
    /// The order is on its way.
    Ordered(Question),
}

/// The difference, and the name that is typed under it.
#[derive(Debug)]
pub struct Question {
    /// What would be done: the order holds for this one only.
    pub plan: Arc<RestorePlan>,
    /// What was typed.
    pub name: Input,
    /// The question's number.
    pub asks: u64,
    /// Since when it stands there.
    pub opened: Duration,
    /// Why the engine did not take it, where it stands here again.
    pub refused: Option<String>,
}

/// The screen of one restore.
#[derive(Debug)]
pub struct RestorePane {
    /// Of which bot.
    pub bot: BotName,
    /// Where it stands.
    pub stage: Stage,
    /// The first line on the screen.
    pub offset: usize,
}

impl RestorePane {
    /// Nothing is chosen.
    pub fn new(bot: BotName) -> Self {
        Self { bot, stage: Stage::Choosing, offset: 0 }
    }

    /// The question that is open.
    pub fn question(&self) -> Option<&Question> {
        match &self.stage {
            Stage::Planned(question) => Some(question),
            _ => None,
        }
    }
}

/// What a way back does, in one line.
pub const fn explained(mode: RestoreMode) -> &'static str {
    match mode {
        RestoreMode::FalseAlarm => {
            "Nothing had leaked. Everything that can be put back is, and the secrets from before work again."
        }
        RestoreMode::Rotate => {
            "Something had leaked. Every credential from before is ended and proved dead first; then the gate opens, and \
             new ones have to be issued."
        }
    }
}

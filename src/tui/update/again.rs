//! What comes after the first strike: striking again, finishing what another process left, holding dark.

use super::Effect;
use crate::{
    domain::{BotName, BotState, Outcome},
    tui::{
        action::Action,
        message::Message,
        state::{Dirty, State},
    },
};

/// Takes in what the engine answered.
pub fn hear(state: &mut State, message: Message) {
    match message {
        Message::GlassBroken => state.in_memory = true,
        Message::RightsKnown(rights) => state.rights = rights,
        Message::LeftFound(left) => state.left = left,
        Message::Watching { bot, until } => {
            state.watching.retain(|(watched, _)| *watched != bot);
            state.watching.extend(until.map(|until| (bot, until)));
        }
        Message::AgainRefused { bot, why } => {
            state.ordered.retain(|ordered| Some(ordered) != bot.as_ref());
            state.flash = Some(format!("nothing was sent: {why}"));
        }
        _ => {}
    }
    state.mark(Dirty::Now);
}

/// The bot that a press is about: of the isolation that is shown, else the selected one.
pub fn target(state: &State) -> Option<BotName> {
    use crate::tui::action::Context;
    let shown =
        state.operation().filter(|_| state.about() == Context::Isolation).map(|operation| operation.bot.clone());
    shown.or_else(|| state.fleet.bot().cloned())
}

/// Whether something of a bot is left to strike, as far as the console knows; the engine judges by the journal.
fn is_open(state: &State, bot: &BotName) -> bool {
    let known = state.snapshot.bot(bot).map(|view| state.state_of(view));
    let last = state.operations.iter().rev().find(|operation| operation.bot == *bot);
    let failed = last
        .filter(|operation| operation.restores.is_none())
        .and_then(|operation| operation.ended.as_ref())
        .is_some_and(|ended| matches!(ended.outcome, Outcome::Partial { .. } | Outcome::Contradicted { .. }));
    failed || matches!(known, Some(BotState::Partial | BotState::Contradicted))
}

/// Why nothing can be struck again now.
pub fn disabled(state: &State) -> Option<String> {
    let Some(bot) = target(state) else {
        return state.left.is_empty().then(|| "no bot is selected".to_owned());
    };
    if !state.left.is_empty() {
        return None;
    }
    if state.is_isolating(&bot) {
        return Some(format!("{bot} is being isolated already"));
    }
    (!is_open(state, &bot)).then(|| format!("nothing of {bot} is left to strike again"))
}

/// `r` was pressed. What came alive goes before what another process left.
pub fn pressed(state: &mut State, alone: bool) -> Vec<Effect> {
    if !alone {
        state.flash = Some(format!("{} came together with other keys: press it once more", state.key(Action::Retry)));
        return Vec::new();
    }
    match target(state) {
        Some(bot) if is_open(state, &bot) && !state.is_isolating(&bot) => {
            state.ordered.push(bot.clone());
            vec![Effect::Retry(bot)]
        }
        _ if !state.left.is_empty() => vec![Effect::Resume],
        _ => Vec::new(),
    }
}

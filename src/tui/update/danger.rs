//! `X` and `B`: what may be cut, when a press fires, and the dialog that asks for a name.

use terminput::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::{Effect, again, incidents, keys, marked, order, restore, secret};
use crate::{
    domain::{BotName, Depth},
    engine::{Refusal, Right},
    tui::{
        action::{Action, Context},
        state::{Dirty, Prompt, State},
        strike::Pull,
    },
};

/// Why what changes something cannot be done now, one sentence.
pub fn disabled(state: &State, action: Action) -> Option<String> {
    if let Some(refusal) = right_of(action).and_then(|right| state.off(right))
        && *refusal != Refusal::ReadOnly
    {
        return Some(refusal.to_string());
    }
    let of_secret = matches!(action, Action::Try) || state.about() == Context::Secret;
    match action {
        Action::Try | Action::Isolate | Action::Burn if of_secret && secret::disabled(state, action).is_some() => {
            secret::disabled(state, action)
        }
        Action::Retry if state.read_only => {
            Some("estop runs read-only: start it without --read-only to strike again".to_owned())
        }
        Action::Retry => again::disabled(state),
        Action::Note | Action::HandOver | Action::Confirm if state.read_only => {
            Some("estop runs read-only: start it without --read-only to put anything on record".to_owned())
        }
        Action::Restore if state.read_only => {
            Some("estop runs read-only: start it without --read-only to restore".to_owned())
        }
        Action::Restore => restore::disabled(state),
        Action::Isolate | Action::Burn => {
            if state.read_only {
                return Some("estop runs read-only: start it without --read-only to isolate".to_owned());
            }
            if action == Action::Isolate && state.screen == Context::Fleet && !state.fleet.marked.is_empty() {
                return None;
            }
            if let Some(identity) = state.other() {
                let name = identity.name.shown();
                return Some(format!("{name} is no bot: give it a [[bot]] entry in the configuration first"));
            }
            let Some(view) = state.bot() else { return Some("no bot is selected".to_owned()) };
            state.is_isolating(&view.bot.name).then(|| format!("{} is being isolated already", view.bot.name))
        }
        Action::Verify | Action::Open if state.screen == Context::Incidents && state.incidents.brief().is_none() => {
            Some("no incident is selected".to_owned())
        }
        Action::Previous | Action::Next if state.shown_operations().count() < 2 => {
            Some("there is no other isolation in this console".to_owned())
        }
        _ => None,
    }
}

/// The right that an action takes.
fn right_of(action: Action) -> Option<Right> {
    match action {
        Action::Isolate | Action::Burn => Some(Right::Isolate),
        Action::Retry => Some(Right::Retry),
        Action::Restore => Some(Right::Restore),
        Action::Note => Some(Right::Note),
        Action::HandOver => Some(Right::HandOver),
        Action::Confirm => Some(Right::Confirm),
        _ => None,
    }
}

/// The refusal that is put on record when somebody presses what they may not.
pub fn refused(state: &State, action: Action) -> Option<Effect> {
    let right = right_of(action)?;
    let refusal = if state.read_only { Some(Refusal::ReadOnly) } else { state.off(right).cloned() };
    Some(Effect::RecordRefusal(state.fleet.bot().cloned(), refusal?))
}

/// `X` was pressed.
pub fn isolate(state: &mut State, alone: bool) -> Vec<Effect> {
    if marked::asks(state) {
        return Vec::new();
    }
    let Some(view) = state.bot().cloned() else { return Vec::new() };
    let bot = view.bot.name.clone();
    if view.bot.protected {
        ask(state, bot, Depth::Isolate, "it is protected by the configuration".to_owned(), false);
        return Vec::new();
    }
    match state.trigger.pull(&bot, alone, state.now.mono) {
        Pull::Arm => Vec::new(),
        Pull::Fire => fire(state, bot, Depth::Isolate, false, false),
    }
}

/// Opens the dialog that asks for a bot's name.
pub fn ask(state: &mut State, bot: BotName, depth: Depth, why: String, break_glass: bool) {
    state.trigger.disarm();
    state.prompt = Some(Prompt { bot, depth, break_glass, why, input: Input::default(), opened: state.now.mono });
    state.mark(Dirty::Now);
}

/// `B` was pressed.
pub fn burn(state: &mut State) {
    if let Some(bot) = state.fleet.bot().cloned() {
        ask(state, bot, Depth::Burn, "it ends every long-lived secret and cannot be undone".to_owned(), false);
    }
}

/// A key of the dialog. Enter counts only if the dialog was seen and the name is the bot's.
pub fn prompt_key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let Some(prompt) = state.prompt.as_mut() else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match key.code {
        KeyCode::Esc | KeyCode::Char('c') if control || key.code == KeyCode::Esc => {
            state.prompt = None;
            state.flash = Some("nothing was sent".to_owned());
        }
        KeyCode::Enter => {
            let typed = prompt.input.value();
            // A name with characters that cannot be typed is asked for as it is shown.
            if typed != prompt.bot.raw() && typed != prompt.bot.shown() {
                state.flash = Some(format!("that is not the name: type {} to go on, Esc to leave", prompt.bot));
            } else if state.trigger.confirm(&prompt.bot, alone, prompt.opened, state.now.mono) {
                let (bot, depth, glass) = (prompt.bot.clone(), prompt.depth, prompt.break_glass);
                state.prompt = None;
                return fire(state, bot, depth, true, glass);
            } else {
                state.flash = Some("that came before this question was on the screen: Enter once more".to_owned());
            }
        }
        _ => {
            keys::type_into(&mut prompt.input, key);
        }
    }
    Vec::new()
}

fn fire(state: &mut State, bot: BotName, depth: Depth, name_typed: bool, break_glass: bool) -> Vec<Effect> {
    state.ordered.push(bot.clone());
    // What is ordered now is what matters: a record that stands open gives way.
    incidents::close(state);
    state.whole = None;
    state.screen = Context::Isolation;
    state.operation = None;
    state.flash = None;
    vec![order(bot, depth, name_typed, break_glass)]
}

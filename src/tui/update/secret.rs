//! `i`: the field that takes a leaked secret, and the screen that says whose it is.
//!
//! ```text
//! i ─▶ field (nothing shown) ─Enter─▶ Effect::Identify ─▶ Secret screen ─┬─ X  isolates its bot, and ends it
//!  └─Esc                                                                 ├─ p  uses it once (twice p where that mints)
//!                                                                        └─ Enter keeps it, Esc forgets it
//! ```

use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::Effect;
use crate::{
    domain::{Identified, LeakedSecret, Owner, Probed},
    tui::{
        action::{Action, Context},
        fleet::Row,
        secret::{Consent, Leak, SecretField},
        state::{Dirty, Form, State},
    },
};

/// `i` was pressed: what is at hand is shown, else the field opens.
pub fn open(state: &mut State) {
    if state.leak.is_some() && state.screen != Context::Secret {
        state.screen = Context::Secret;
    } else {
        state.form = Some(Form::Secret(SecretField::default()));
    }
}

/// A key of the field.
pub fn key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let Some(Form::Secret(field)) = state.form.as_mut() else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match (key.code, control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => {
            state.form = None;
            state.flash = Some("the field is wiped: nothing was looked up".to_owned());
        }
        (KeyCode::Char('u'), true) => field.clear(),
        (KeyCode::Char(character), false) => field.push(character),
        (KeyCode::Backspace, _) => field.pop(),
        // A paste without brackets: the line's end is part of it, and the rest is no key.
        (KeyCode::Enter, _) if !alone => field.push('\n'),
        (KeyCode::Enter, _) => match field.secret() {
            Ok(secret) => {
                state.form = None;
                state.leak = None;
                state.leak_offset = 0;
                state.looking_up = Some(secret.fingerprint());
                state.screen = Context::Secret;
                return vec![Effect::Identify(secret)];
            }
            Err(why) => state.flash = Some(why),
        },
        _ => {}
    }
    Vec::new()
}

/// It was looked up; it is handed over already. Where nobody waits for it any more, it is forgotten.
pub fn identified(state: &mut State, secret: LeakedSecret, identified: Identified) -> Vec<Effect> {
    let waited = state.looking_up.as_ref() == Some(&identified.fingerprint);
    let leak = Leak::new(secret, identified);
    for bot in leak.bots() {
        if !state.at_hand.contains(bot) {
            state.at_hand.push(bot.clone());
        }
    }
    if !waited {
        return forget(state);
    }
    state.looking_up = None;
    state.leak = Some(leak);
    select(state);
    state.mark(Dirty::Now);
    Vec::new()
}

/// The selection goes to the bot that is shown, also where a filter hid it.
fn select(state: &mut State) {
    let Some(bot) = state.leak.as_ref().and_then(Leak::bot).cloned() else { return };
    state.fleet.select(Row::Bot(bot), &state.snapshot);
}

/// The next bot that it opens.
pub fn next(state: &mut State) {
    if let Some(leak) = state.leak.as_mut() {
        leak.at = (leak.at + 1) % leak.bots().len().max(1);
    }
    select(state);
}

/// `p`: used once. Where that makes a new credential, the second press agrees, once the question was seen.
pub fn try_it(state: &mut State, alone: bool) -> Vec<Effect> {
    let now = state.now.mono;
    let question = state.asks + 1;
    let Some(leak) = state.leak.as_mut() else { return Vec::new() };
    match leak.consent {
        Consent::No if leak.mints() => {
            leak.consent = Consent::Asked(question, now);
            state.asks = question;
            return Vec::new();
        }
        Consent::Asked(asked, opened) => {
            if !state.trigger.confirm_asked(asked, alone, opened, now) {
                state.flash = Some(format!(
                    "that came before the question was on the screen: {} once more",
                    state.keys.label(Action::Try)
                ));
                return Vec::new();
            }
            leak.consent = Consent::Yes;
        }
        Consent::No | Consent::Yes => {}
    }
    leak.trying = true;
    let (secret, identified) = (leak.secret.clone(), leak.identified.clone());
    vec![Effect::Probe { secret, identified, consent: leak.consent == Consent::Yes }]
}

/// What using it has shown.
pub fn tried(state: &mut State, probed: Vec<(Owner, Probed)>) {
    if let Some(leak) = state.leak.as_mut() {
        leak.trying = false;
        leak.tried = probed;
    }
    state.mark(Dirty::Now);
}

/// Lets go of every secret at hand.
pub fn forget(state: &mut State) -> Vec<Effect> {
    state.leak = None;
    state.looking_up = None;
    state.leak_offset = 0;
    if state.screen == Context::Secret {
        state.screen = Context::Fleet;
    }
    state.flash =
        Some(format!("the secret is forgotten: {} cuts what it would without it", state.key(Action::Isolate)));
    state.mark(Dirty::Now);
    match std::mem::take(&mut state.at_hand) {
        bots if bots.is_empty() => Vec::new(),
        bots => vec![Effect::Forget(bots)],
    }
}

/// Why something cannot be done with the secret now.
pub fn disabled(state: &State, action: Action) -> Option<String> {
    let Some(leak) = &state.leak else {
        let waits = state.looking_up.is_some();
        return Some(if waits { "the secret is being looked up" } else { "no secret is at hand" }.to_owned());
    };
    match action {
        Action::Try if leak.trying => Some("it is being used already".to_owned()),
        Action::Try if !leak.can_try() => Some("estop has no way to use it: nobody it knows gave it out".to_owned()),
        Action::Isolate | Action::Burn if leak.bot().is_none() || leak.bot() != state.fleet.bot() => {
            Some("it is no bot's that is known here".to_owned())
        }
        _ => None,
    }
}

//! `X` at marked bots: all of them, once their number was typed. One alone goes the way of every single bot.
//!
//! ```text
//! X ─▶ one marked: the cursor goes there, and X is about it
//!   └▶ more: none protected? ─▶ names and number asked for ─Enter─▶ every guard of every bot ─▶ all orders, or none
//! ```

use std::collections::BTreeSet;

use terminput::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::{Effect, keys};
use crate::{
    domain::BotName,
    engine::Order,
    tui::{
        action::Context,
        fleet::Row,
        forms::MarkedForm,
        state::{Dirty, Form, State},
    },
};

/// The marked bots that are not being isolated already.
fn wanted(state: &State) -> Vec<BotName> {
    state.fleet.marked.iter().filter(|bot| !state.is_isolating(bot)).cloned().collect()
}

/// `X` was pressed. Whether it is about marked bots: the question stands open then.
pub fn asks(state: &mut State) -> bool {
    if state.screen != Context::Fleet || state.fleet.marked.is_empty() {
        return false;
    }
    let bots = wanted(state);
    if let [bot] = &bots[..] {
        if state.fleet.bot() != Some(bot) {
            state.fleet.select(Row::Bot(bot.clone()), &state.snapshot);
        }
        return false;
    }
    state.trigger.disarm();
    let protected = |bot: &&BotName| state.snapshot.bot(bot).is_none_or(|view| view.bot.protected);
    if bots.is_empty() {
        state.flash = Some("every marked bot is being isolated already".to_owned());
    } else if let Some(bot) = bots.iter().find(protected) {
        state.flash =
            Some(format!("nothing was sent: {bot} is protected: take its mark away and isolate it by itself"));
    } else {
        state.asks += 1;
        let (asks, opened) = (state.asks, state.now.mono);
        state.form = Some(Form::Marked(MarkedForm { bots, count: Input::default(), asks, opened }));
    }
    true
}

/// A key while the question stands open.
pub fn key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    let now = state.now.mono;
    let Some(Form::Marked(form)) = state.form.as_mut() else { return Vec::new() };
    match (key.code, control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => {
            state.form = None;
            state.flash = Some("nothing was sent".to_owned());
        }
        (KeyCode::Enter, _) => {
            let count = form.bots.len();
            if form.count.value().trim() != count.to_string() {
                state.flash = Some(format!("that is not their number: type {count} to go on, Esc to leave"));
            } else if state.trigger.confirm_asked(form.asks, alone, form.opened, now) {
                let bots = form.bots.clone();
                state.form = None;
                return fire(state, bots);
            } else {
                state.flash = Some("that came before this question was on the screen: Enter once more".to_owned());
            }
        }
        _ => {
            keys::type_into(&mut form.count, key);
        }
    }
    Vec::new()
}

fn fire(state: &mut State, bots: Vec<BotName>) -> Vec<Effect> {
    state.ordered.extend(bots.iter().cloned());
    state.fleet.marked.clear();
    state.screen = Context::Isolation;
    state.operation = None;
    state.flash = None;
    vec![Effect::IsolateMarked(bots.into_iter().map(Order::isolate).collect())]
}

/// A guard of one of them has refused: none was sent, and all are marked as before.
pub fn refused(state: &mut State, bots: Vec<BotName>, why: &str) {
    let unsent: BTreeSet<BotName> = bots.into_iter().collect();
    state.ordered.retain(|bot| !unsent.contains(bot));
    state.fleet.marked.extend(unsent);
    state.screen = Context::Fleet;
    state.flash = Some(format!("nothing was sent to any of them: {why}"));
    state.mark(Dirty::Now);
}

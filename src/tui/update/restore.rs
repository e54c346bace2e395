//! `U`: the way back. Never one keystroke: which way, the difference read to its end, the bot's name, and Enter after
//! all of that was on the screen.

use terminput::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::{Effect, again::target, keys};
use crate::{
    domain::{BotName, BotState, RestoreMode},
    engine::{Refusal, RestoreOrder},
    tui::{
        action::{Action, Context},
        message::Planned,
        restore::{Question, RestorePane, Stage},
        screen,
        state::{Dirty, State},
    },
};

/// Why nothing can be restored now.
pub fn disabled(state: &State) -> Option<String> {
    let Some(bot) = target(state) else { return Some("no bot is selected".to_owned()) };
    if state.is_isolating(&bot) {
        return Some(format!("the isolation of {bot} is not over: wait for its end"));
    }
    if state.is_restoring(&bot) {
        return Some(format!("a restore of {bot} is under way: {} shows it", state.key(Action::Isolations)));
    }
    let known = state.snapshot.bot(&bot).map(|view| view.state);
    let seen = state.operations.iter().any(|operation| operation.bot == bot);
    (known == Some(BotState::Live) && !seen).then(|| format!("{bot} is not isolated: there is nothing to restore"))
}

/// `U` was pressed.
pub fn open(state: &mut State) {
    let Some(bot) = target(state) else { return };
    state.before_restore = state.screen;
    state.screen = Context::Restore;
    state.restore = Some(RestorePane::new(bot));
}

/// A way was chosen.
pub fn choose(state: &mut State, mode: RestoreMode) -> Vec<Effect> {
    let Some(pane) = state.restore.as_mut() else { return Vec::new() };
    pane.stage = Stage::Planning(mode);
    pane.offset = 0;
    vec![Effect::PlanRestore(pane.bot.clone(), mode)]
}

/// The difference was read, or the engine will not.
pub fn planned(state: &mut State, planned: Planned) {
    let question = state.asks + 1;
    let Some(pane) = state.restore.as_mut() else { return };
    let Planned { bot, mode, result } = planned;
    let waits = matches!(pane.stage, Stage::Planning(wanted) if wanted == mode);
    if pane.bot != bot || !waits {
        return;
    }
    state.asks = question;
    pane.offset = 0;
    pane.stage = match result {
        Ok(plan) => Stage::Planned(Question {
            plan,
            name: Input::default(),
            asks: question,
            opened: state.now.mono,
            refused: None,
        }),
        Err(refusal) => Stage::Refused(refusal.to_string()),
    };
    state.mark(Dirty::Now);
}

/// A key while the name is asked for; `false`: it is one of the table's.
pub fn takes(state: &State, key: &KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    let typed = matches!(
        key.code,
        KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete | KeyCode::Enter | KeyCode::Left | KeyCode::Right
    );
    let open = state.restore.as_ref().is_some_and(|pane| pane.question().is_some());
    state.screen == Context::Restore && open && typed && !(control && key.code != KeyCode::Char('u'))
}

/// A key of the name.
pub fn key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let now = state.now.mono;
    let at_end = screen::limit(state) <= state.restore.as_ref().map_or(0, |pane| pane.offset);
    let Some(pane) = state.restore.as_mut() else { return Vec::new() };
    let Stage::Planned(question) = &mut pane.stage else { return Vec::new() };
    if key.code != KeyCode::Enter {
        keys::type_into(&mut question.name, key);
        return Vec::new();
    }
    let typed = question.name.value();
    if !at_end {
        state.flash = Some("read it to its end first: Down, PgDn or End".to_owned());
    } else if typed != pane.bot.raw() && typed != pane.bot.shown() {
        state.flash = Some(format!("that is not the name: type {} to go on, Esc to leave", pane.bot));
    } else if !state.trigger.confirm_asked(question.asks, alone, question.opened, now) {
        state.flash = Some("that came before this question was on the screen: Enter once more".to_owned());
    } else {
        return order(state);
    }
    Vec::new()
}

fn order(state: &mut State) -> Vec<Effect> {
    let Some(pane) = state.restore.as_mut() else { return Vec::new() };
    let bot = pane.bot.clone();
    pane.stage = match std::mem::replace(&mut pane.stage, Stage::Choosing) {
        Stage::Planned(question) => Stage::Ordered(question),
        other => other,
    };
    let Stage::Ordered(question) = &pane.stage else { return Vec::new() };
    let (mode, plan) = (question.plan.mode, Some(question.plan.hash.clone()));
    state.restoring.push(bot.clone());
    vec![Effect::Restore(RestoreOrder { bot, mode, plan, name_typed: true, reason: None })]
}

/// The order was taken: its screen is the isolations'.
pub fn taken(state: &mut State, bot: &BotName) {
    if state.restore.as_ref().is_some_and(|pane| pane.bot == *bot) {
        state.restore = None;
        if state.screen == Context::Restore {
            state.screen = Context::Isolation;
            state.operation_offset = 0;
        }
    }
}

/// It was refused: nothing was sent. What only waits for a second person stands there to be asked again.
pub fn refused(state: &mut State, bot: &BotName, refusal: &Refusal) {
    state.restoring.retain(|restoring| restoring != bot);
    state.mark(Dirty::Now);
    let asks = state.asks + 1;
    let Some(pane) = state.restore.as_mut().filter(|pane| pane.bot == *bot) else {
        state.flash = Some(format!("nothing was sent: {refusal}"));
        return;
    };
    let before = std::mem::replace(&mut pane.stage, Stage::Choosing);
    pane.offset = 0;
    pane.stage = match (before, refusal) {
        (Stage::Ordered(question), Refusal::NotApproved { fault, .. }) => {
            state.asks = asks;
            let refused = Some(format!("Nothing was sent: {fault}. Once that is done, press Enter again."));
            // The name was typed, and stays; what is on the screen now has to be read, and Enter to be pressed, anew.
            Stage::Planned(Question { asks, opened: state.now.mono, refused, ..question })
        }
        _ => Stage::Refused(format!("nothing was sent: {refusal}")),
    };
}

/// One step back: from the difference to the choice, from the choice to where it was opened.
pub fn back(state: &mut State) {
    match state.restore.as_mut() {
        Some(pane) if !matches!(pane.stage, Stage::Choosing | Stage::Ordered(_)) => {
            pane.stage = Stage::Choosing;
            pane.offset = 0;
        }
        _ => {
            state.restore = None;
            state.screen = state.before_restore;
            state.flash = Some("nothing was sent".to_owned());
        }
    }
}

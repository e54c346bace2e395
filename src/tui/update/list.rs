//! The fleet's rows: in which order they stand, which are marked, and lists that were made beside the loop.

use std::sync::Arc;

use terminput::KeyEvent;

use super::Effect;
use crate::tui::{
    action::{Action, Context},
    fleet::{Column, Grouping, List, View},
    state::{Dirty, State},
};

/// A list was made. What it replaces is let go of beside the loop.
pub fn taken(state: &mut State, generation: u64, list: Arc<List>) -> Vec<Effect> {
    match state.fleet.take(generation, list) {
        Some(before) => {
            state.mark(Dirty::Now);
            vec![Effect::LetGo(before)]
        }
        None => Vec::new(),
    }
}

/// What a key does where it moves the cursor and changes nothing else on the screen but what stands beside the list.
pub fn moves_cursor(state: &State, key: &KeyEvent) -> Option<Action> {
    let is_asked = state.prompt.is_some() || state.form.is_some() || state.whole.is_some();
    let is_typed = state.fleet.editing || state.activity.editing;
    let is_told = state.flash.is_some() || state.trigger.armed().is_some();
    if state.screen != Context::Fleet || state.fleet.detail || is_asked || is_typed || is_told {
        return None;
    }
    let action = state.keys.find(state.screen, key)?.action;
    let moves = [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::Top, Action::Bottom];
    moves.contains(&action).then_some(action)
}

/// `s`, `S` and `o`.
pub fn order(state: &mut State, action: Action) {
    let view = state.fleet.view;
    match action {
        Action::Sort => sort(state, view.column.next(), false),
        Action::SortReverse => sort(state, view.column, !view.reverse),
        _ => group(state, view.grouping.next()),
    }
}

/// Orders the rows, and says so.
pub fn sort(state: &mut State, column: Column, reverse: bool) {
    state.fleet.view = View { column, reverse, ..state.fleet.view };
    let reversed = if reverse { ", the other way round" } else { "" };
    state.flash = Some(format!("ordered by {}{reversed}", column.word()));
    state.fleet.refresh(&state.snapshot);
}

/// Puts the rows together, and says so.
pub fn group(state: &mut State, grouping: Grouping) {
    state.fleet.view.grouping = grouping;
    let said = match grouping {
        Grouping::None => "not grouped".to_owned(),
        grouping => format!("grouped by {}", grouping.word()),
    };
    state.flash = Some(said);
    state.fleet.refresh(&state.snapshot);
}

/// `Space`: the mark goes on, and the cursor to the next row.
pub fn mark(state: &mut State) {
    if state.fleet.mark() {
        state.fleet.step(1);
    } else {
        state.flash = Some("only bots can be marked".to_owned());
    }
}

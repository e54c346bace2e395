//! A click selects, the wheel scrolls. A question or a text field that is open is for the keyboard alone.

use super::keys;
use crate::tui::{
    action::Context,
    fleet::Entry,
    mouse::Mouse,
    screen,
    state::{Dirty, State},
};

/// Rows that one notch of the wheel scrolls.
const NOTCH: isize = 3;

/// It was clicked, or its wheel was turned. Never more than a selection comes of it, and what was armed is not meant
/// any more.
pub fn pointed(state: &mut State, mouse: Mouse) {
    if !state.mouse || state.prompt.is_some() || state.form.is_some() {
        return;
    }
    state.trigger.disarm();
    state.mark(Dirty::Now);
    match mouse {
        Mouse::Clicked { column, row } => {
            let at = screen::row_at(state, column, row).and_then(|row| state.fleet.list().entry(row));
            let clicked = at.map(Entry::row).filter(|row| state.fleet.selected.as_ref() != Some(row));
            if let Some(row) = clicked {
                state.fleet.select(row, &state.snapshot);
            }
        }
        Mouse::Wheeled { column, row, down } => {
            let by = if down { NOTCH } else { -NOTCH };
            if state.screen == Context::Fleet && screen::is_over_detail(state, column, row) {
                let limit = screen::limit(state);
                state.fleet.detail_offset = state.fleet.detail_offset.saturating_add_signed(by).min(limit);
            } else {
                keys::scroll(state, by);
            }
        }
    }
}

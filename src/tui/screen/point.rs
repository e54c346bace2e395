//! What lies under a place of the screen.

use ratatui::layout::{Position, Rect};

use super::{body, fleet, is_tiny, is_wide};
use crate::tui::{action::Context, fleet::ListLine, state::State};

/// The row of the fleet's list there, from the first of all rows; headings are none.
pub fn row_at(state: &State, column: u16, row: u16) -> Option<usize> {
    let is_drawn = state.screen == Context::Fleet && !is_tiny(state) && (is_wide(state) || !state.fleet.detail);
    let list = fleet::list_area(state, body(state));
    // Below the heads of the columns.
    let rows = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    let at = state.fleet.offset + usize::from(row.checked_sub(rows.y)?);
    match state.fleet.list().line(at) {
        Some(ListLine::Row(number, _)) if is_drawn && rows.contains(Position { x: column, y: row }) => Some(number),
        _ => None,
    }
}

/// Whether that is the detail beside or in place of the list.
pub fn is_over_detail(state: &State, column: u16, row: u16) -> bool {
    let is_drawn = !is_tiny(state) && (is_wide(state) || state.fleet.detail);
    is_drawn && fleet::detail_area(state, body(state)).contains(Position { x: column, y: row })
}

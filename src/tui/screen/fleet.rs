//! The fleet: every bot on a line, the plan of the selected one always beside the key.
//!
//! ```text
//! 80x24: list │ plan           Enter: detail │ plan        120x40: list │ plan
//!        ─────┘                       ───────┘                          │ detail
//! ```

mod columns;
mod rows;

use ratatui::layout::Rect;

use super::{detail, is_wide, plan};
use crate::{
    domain::BotName,
    tui::{
        paint::{Paint, piece},
        state::State,
        theme::Role,
    },
};
use columns::Columns;

/// Columns that the plan's counts need, and with them the detail beside the list.
const DETAIL: u16 = 51;

/// Draws it; the bot that `X` may be pressed at, where name and counts are on the screen in full.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) -> Option<BotName> {
    if is_wide(state) {
        let edge = list_area(state, body).right();
        let bar = paint.look.glyphs.bar();
        for y in body.y..body.bottom() {
            paint.line(edge, y, 1, &[piece(Role::Border, bar)]);
        }
    }
    if is_wide(state) || !state.fleet.detail {
        rows::draw(state, paint, list_area(state, body));
    }
    if is_wide(state) || state.fleet.detail {
        detail::draw(state, paint, detail_area(state, body));
    }
    let view = state.bot()?;
    let full = plan::draw(state, view, paint, plan_area(state, body));
    full.then(|| view.bot.name.clone())
}

/// Draws the list alone, over what was there; where it stands still, nothing but the row that was selected `before` and
/// the one that is.
pub fn draw_list(state: &State, paint: &mut Paint<'_>, body: Rect, before: Option<usize>) {
    let area = list_area(state, body);
    match before.zip(state.fleet.index()) {
        Some((before, now)) => rows::draw_marks(state, paint, area, [before, now]),
        None => {
            paint.fill(area, Role::Text);
            rows::draw(state, paint, area);
        }
    }
}

/// Where the list is.
pub fn list_area(state: &State, body: Rect) -> Rect {
    if is_wide(state) {
        let most = body.width.saturating_sub(DETAIL + 1);
        let width = Columns::wanted(state.fleet.list().index(), most).max(body.width * 9 / 20).min(most);
        return Rect { width, ..body };
    }
    Rect { height: body.height.saturating_sub(plan::HEIGHT.min(body.height / 2)), ..body }
}

/// Where the detail is.
pub fn detail_area(state: &State, body: Rect) -> Rect {
    let list = list_area(state, body);
    if !is_wide(state) {
        return list;
    }
    let x = list.right() + 1;
    Rect { x, y: body.y + plan::HEIGHT, width: body.right() - x, height: body.height.saturating_sub(plan::HEIGHT) }
}

fn plan_area(state: &State, body: Rect) -> Rect {
    let list = list_area(state, body);
    if !is_wide(state) {
        return Rect { y: list.bottom(), height: body.height - list.height, ..body };
    }
    let x = list.right() + 1;
    Rect { x, width: body.right() - x, height: plan::HEIGHT.min(body.height), ..body }
}

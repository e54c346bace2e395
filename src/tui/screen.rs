//! What is drawn: pure functions of the state into a buffer.
//!
//! ```text
//! ┌ title: screen, figures, providers ──────────────┐
//! │ body: one of fleet, isolation, journal, help    │   an exercise has a frame around all of it
//! │ status: armed, answer, notice                   │
//! └ footer: keys of this screen ────────────────────┘
//! ```

mod chrome;
mod columns;
pub mod detail;
mod fleet;
mod form;
mod help;
mod incidents;
mod isolation;
mod journal;
mod marked;
mod plan;
mod point;
mod prompt;
mod restore;
mod secret;
mod tabs;
mod text;
mod whole;

pub use point::{is_over_detail, row_at};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    action::Context,
    paint::Paint,
    state::{Form, State},
    strike::Shown,
    theme::Role,
};
use crate::domain::StepId;

/// From these sizes on, the fleet shows list and detail side by side.
const WIDE: (u16, u16) = (110, 30);
/// Below these sizes there is only what is being cut, and a line that says so.
const TINY: (u16, u16) = (60, 15);

/// A frame's text cursor and what it shows to press at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawn {
    /// What a danger key may be pressed at.
    pub shown: Shown,
    /// Where text is being typed.
    pub cursor: Option<(u16, u16)>,
}

/// Draws the whole screen.
pub fn draw(state: &State, buffer: &mut Buffer) -> Drawn {
    let area = *buffer.area();
    let mut paint = Paint { buffer, look: &state.look };
    paint.fill(area, Role::Text);
    if is_tiny(state) {
        return chrome::tiny(state, &mut paint);
    }
    chrome::around(state, &mut paint);
    let body = body(state);
    let mut drawn = Drawn::default();
    match state.screen {
        Context::Fleet => drawn.shown.target = fleet::draw(state, &mut paint, body),
        Context::Isolation => isolation::draw(state, &mut paint, body),
        Context::Journal => journal::draw(state, &mut paint, body),
        Context::Incidents => incidents::draw(state, &mut paint, body),
        Context::Secret => drawn = secret::draw(state, &mut paint, body),
        Context::Restore => drawn = restore::draw(state, &mut paint, body),
        Context::Help => help::draw(state, &mut paint, body),
    }
    if let Some(shown) = &state.whole {
        whole::draw(state, shown, &mut paint, body);
    }
    let status = chrome::status(state, &mut paint);
    drawn.shown.armed = status.shown.armed;
    drawn.cursor = drawn.cursor.or(status.cursor);
    if let Some(asked) = &state.prompt {
        // While a question is open, nothing behind it can be pressed at.
        drawn = prompt::draw(state, asked, &mut paint, body);
    } else if let Some(form) = &state.form {
        drawn = form::draw(state, form, &mut paint, body);
    }
    drawn
}

/// Draws the fleet's list over what was drawn before, where nothing but its cursor has moved: what stands beside it is
/// still another bot's, so nothing can be pressed at. `before`: its first line and selected row as they were drawn;
/// where it has not scrolled since, only two rows are drawn. `None`: the list is not on the screen, all must be drawn.
pub fn draw_list(state: &State, buffer: &mut Buffer, before: Option<(usize, Option<usize>)>) -> Option<Drawn> {
    let is_covered = state.prompt.is_some() || state.form.is_some() || state.whole.is_some();
    let is_hidden = is_tiny(state) || state.fleet.detail && !is_wide(state);
    if state.screen != Context::Fleet || is_covered || is_hidden {
        return None;
    }
    let mut paint = Paint { buffer, look: &state.look };
    let stays = before.filter(|(offset, _)| *offset == state.fleet.offset);
    fleet::draw_list(state, &mut paint, body(state), stays.and_then(|(_, row)| row));
    Some(Drawn::default())
}

fn is_tiny(state: &State) -> bool {
    state.size.width < TINY.0 || state.size.height < TINY.1
}

fn is_wide(state: &State) -> bool {
    state.size.width >= WIDE.0 && state.size.height >= WIDE.1
}

/// What is inside the frame of an exercise, or all.
fn inside(state: &State) -> Rect {
    let whole = Rect::new(0, 0, state.size.width, state.size.height);
    if state.snapshot.exercise.is_none() || is_tiny(state) {
        return whole;
    }
    Rect::new(1, 1, whole.width - 2, whole.height - 2)
}

/// Between title and status.
fn body(state: &State) -> Rect {
    let inside = inside(state);
    let banners = u16::try_from(chrome::banners(state).len()).unwrap_or(0);
    Rect { y: inside.y + 1 + banners, height: inside.height.saturating_sub(3 + banners), ..inside }
}

/// How many rows of what scrolls are on the screen.
pub fn page(state: &State) -> usize {
    let body = body(state);
    let rows = match state.screen {
        Context::Fleet if state.fleet.detail => fleet::detail_area(state, body).height,
        Context::Fleet => fleet::list_area(state, body).height.saturating_sub(1),
        Context::Isolation => isolation::steps_area(state, body).height,
        Context::Journal => body.height.saturating_sub(1),
        Context::Incidents => incidents::list_area(state, body).height,
        Context::Secret => secret::text_area(state, body).height,
        Context::Restore => restore::text_area(state, body).height,
        Context::Help => body.height,
    };
    usize::from(rows)
}

/// The first line of a bot's activity in its detail.
pub fn activity_line(state: &State) -> usize {
    detail::activity_line(state, usize::from(fleet::detail_area(state, body(state)).width))
}

/// The largest offset of what scrolls by itself; the fleet's list scrolls with its selection.
pub fn limit(state: &State) -> usize {
    let body = body(state);
    let lines = match state.screen {
        Context::Fleet => detail::lines(state, usize::from(fleet::detail_area(state, body).width)).len(),
        Context::Isolation => isolation::lines(state, usize::from(body.width)).len(),
        Context::Journal => state.lines().shown().len(),
        Context::Incidents => state.incidents.rows.len(),
        Context::Secret => secret::lines(state, usize::from(body.width)).len(),
        Context::Restore => restore::lines(state, usize::from(body.width)).len(),
        Context::Help => help::lines(state, usize::from(body.width)).len(),
    };
    lines.saturating_sub(page(state))
}

/// Whether the end of what a form asks about is on the screen.
pub fn is_read(state: &State) -> bool {
    let offset = match &state.form {
        Some(Form::HandOver(form)) => form.offset,
        Some(Form::Confirm(form)) => form.offset,
        _ => return true,
    };
    form::limit(state, body(state)).is_none_or(|limit| offset >= limit)
}

/// How many rows of what is shown whole are on the screen.
pub fn whole_page(state: &State) -> usize {
    usize::from(whole::area(body(state)).height)
}

/// The largest offset of what is shown whole.
pub fn whole_limit(state: &State) -> usize {
    let width = usize::from(whole::area(body(state)).width);
    let lines = state.whole.as_ref().map_or(0, |shown| whole::lines(state, shown, width).len());
    lines.saturating_sub(whole_page(state))
}

/// The steps of the isolation that is shown, each with its row in what scrolls.
pub fn step_rows(state: &State) -> Vec<(usize, StepId)> {
    isolation::content(state, usize::from(body(state).width)).steps
}

/// After every message: offsets stay inside what there is.
pub fn settle(state: &mut State) {
    let rows = usize::from(fleet::list_area(state, body(state)).height.saturating_sub(1));
    state.fleet.scroll(rows);
    match state.screen {
        Context::Journal => {
            let rows = page(state);
            state.lines_mut().scroll(rows);
        }
        Context::Incidents => {
            let rows = page(state);
            state.incidents.scroll(rows);
        }
        _ => {}
    }
    if state.whole.is_some() {
        let limit = whole_limit(state);
        if let Some(shown) = state.whole.as_mut() {
            shown.offset = shown.offset.min(limit);
        }
    }
    if let Some(limit) = form::limit(state, body(state)) {
        match &mut state.form {
            Some(Form::HandOver(form)) => form.offset = form.offset.min(limit),
            Some(Form::Confirm(form)) => form.offset = form.offset.min(limit),
            _ => {}
        }
    }
    // Only where something is scrolled is it worth measuring.
    let offset = match state.screen {
        Context::Fleet => state.fleet.detail_offset,
        Context::Isolation => state.operation_offset,
        // Both scroll with their cursor.
        Context::Journal | Context::Incidents => 0,
        Context::Secret => state.leak_offset,
        Context::Restore => state.restore.as_ref().map_or(0, |pane| pane.offset),
        Context::Help => state.help_offset,
    };
    if offset == 0 {
        return;
    }
    let limit = limit(state);
    match state.screen {
        Context::Fleet => state.fleet.detail_offset = offset.min(limit),
        Context::Isolation => state.operation_offset = offset.min(limit),
        Context::Journal | Context::Incidents => {}
        Context::Secret => state.leak_offset = offset.min(limit),
        Context::Restore => {
            if let Some(pane) = state.restore.as_mut() {
                pane.offset = offset.min(limit);
            }
        }
        Context::Help => state.help_offset = offset.min(limit),
    }
}

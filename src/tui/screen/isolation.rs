//! One isolation as it happens: where it stands, what came of it and why, and each step by lane.
//!
//! ```text
//! ◐ isolating  sales            3 of 4 rows: figures, the three counts, counts per lane
//! first cut 38 ms · dark in 4:58 …
//! ──────────────────────────────
//! outcome: reasons, manual instructions, residuals     scrolls together
//! lanes of steps
//! ```

mod head;
mod outcome;
mod steps;

use ratatui::layout::Rect;

use super::tabs;
use crate::{
    domain::{BotState, Outcome, StepId},
    tui::{
        action::Action,
        paint::{Line, Paint, clock, piece},
        state::State,
        theme::Role,
    },
};

/// Rows above what scrolls, without the line of isolations.
const HEAD: u16 = 5;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let Some(operation) = state.operation() else {
        nothing(state, paint, body);
        return;
    };
    failpoint!("draw-isolation");
    let mut rows: Vec<Line> = tabs::line(state, usize::from(body.width)).into_iter().collect();
    rows.extend(head::lines(state, paint.look, operation));
    rows.truncate(usize::from(body.height));
    for (y, line) in (body.y..).zip(&rows) {
        paint.line(body.x, y, body.width, line);
    }
    let rule = Rect { y: body.y + head_rows(state) - 1, height: 1, ..body };
    let recorded = if operation.recorded.is_some() { "from the record, " } else { "" };
    let started = format!("{recorded}since {}", clock(state.now.wall, operation.started_at));
    paint.rule(rule, &[], &[piece(Role::Dim, started)]);
    let area = steps_area(state, body);
    let lines = lines(state, usize::from(area.width));
    paint.lines(area, &lines, state.operation_offset);
}

/// Where the steps scroll.
pub fn steps_area(state: &State, body: Rect) -> Rect {
    let head = head_rows(state).min(body.height);
    Rect { y: body.y + head, height: body.height - head, ..body }
}

/// Rows above what scrolls.
fn head_rows(state: &State) -> u16 {
    HEAD + u16::from(state.shown_operations().nth(1).is_some())
}

fn nothing(state: &State, paint: &mut Paint<'_>, body: Rect) {
    let text = if state.ordered.is_empty() {
        let (cuts, fleet) = (state.key(Action::Isolate), state.key(Action::Fleet));
        format!("No isolation has run in this console. {cuts} on a bot of the fleet ({fleet}) starts one.")
    } else {
        "The order is on its way: its plan is being written to the journal.".to_owned()
    };
    paint.line(body.x + 2, body.y + 2, body.width.saturating_sub(2), &[piece(Role::Dim, text)]);
}

/// The state that an outcome leaves the bot in.
pub fn outcome_state(outcome: &Outcome) -> BotState {
    match outcome {
        Outcome::Dark => BotState::Dark,
        Outcome::DarkAt { at, .. } => BotState::DarkAt(*at),
        Outcome::Partial { .. } => BotState::Partial,
        Outcome::Contradicted { .. } => BotState::Contradicted,
        Outcome::Restored { .. } => BotState::Live,
    }
}

/// Everything below the head, and the row of each step in it.
#[derive(Default)]
pub struct Content {
    /// What is drawn.
    pub lines: Vec<Line>,
    /// The row in which each step begins.
    pub steps: Vec<(usize, StepId)>,
}

/// Everything below the head.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    content(state, width).lines
}

/// The same, with the row of each step.
pub fn content(state: &State, width: usize) -> Content {
    let Some(operation) = state.operation() else { return Content::default() };
    let mut lines = Content::default();
    if operation.restores.is_some() {
        // While it runs the steps matter most, afterwards what is left to do.
        if operation.is_running() {
            steps::part_lines(state, operation, width, &mut lines);
        }
        outcome::lines(state, operation, width, &mut lines.lines);
        if !operation.is_running() {
            steps::part_lines(state, operation, width, &mut lines);
        }
        return lines;
    }
    outcome::lines(state, operation, width, &mut lines.lines);
    steps::lane_lines(state, operation, width, &mut lines);
    lines
}

//! The cursor among the steps of an isolation, and turning from one isolation to another.

use crate::tui::{screen, state::State};

/// `j` or `k`: to the next step where it is on the screen or next to it, else one row on, so that nothing that stands
/// between steps is jumped over.
pub fn step(state: &mut State, by: isize) {
    let (rows, limit) = (screen::page(state), screen::limit(state));
    let steps = screen::step_rows(state);
    let at = state.step.as_ref().and_then(|step| steps.iter().position(|(_, id)| id == step));
    let offset = state.operation_offset;
    let target = match (at, by < 0) {
        (Some(at), true) => at.checked_sub(1).and_then(|at| steps.get(at)),
        (Some(at), false) => steps.get(at + 1),
        (None, true) => steps.iter().rev().find(|(row, _)| *row < offset + rows),
        (None, false) => steps.iter().find(|(row, _)| *row >= offset),
    };
    let moved = offset.saturating_add_signed(by).min(limit);
    match target {
        Some((row, id)) if by > 0 && *row <= offset + rows => {
            state.step = Some(id.clone());
            state.operation_offset = offset.max((row + 1).saturating_sub(rows)).min(limit);
        }
        Some((row, id)) if by < 0 && row + 1 >= offset => {
            state.step = Some(id.clone());
            state.operation_offset = offset.min(*row);
        }
        _ => state.operation_offset = moved,
    }
}

/// A page or an end: the cursor goes with it, to the first step that is on the screen then.
pub fn page(state: &mut State, by: isize) {
    let (rows, limit) = (screen::page(state), screen::limit(state));
    state.operation_offset = state.operation_offset.saturating_add_signed(by).min(limit);
    let offset = state.operation_offset;
    let steps = screen::step_rows(state);
    let seen = |row: usize| row >= offset && row < offset + rows;
    let kept = steps.iter().any(|(row, id)| seen(*row) && Some(id) == state.step.as_ref());
    if state.step.is_some() && !kept {
        state.step = steps.iter().find(|(row, _)| seen(*row)).map(|(_, id)| id.clone());
    }
}

/// `h` or `l`: another isolation.
pub fn turn(state: &mut State, by: isize) {
    let ops: Vec<_> = state.shown_operations().map(|operation| operation.op).collect();
    let Some(last) = ops.len().checked_sub(1) else { return };
    let at = ops.iter().position(|op| Some(*op) == state.operation).unwrap_or(last);
    state.operation = Some(ops[at.saturating_add_signed(by).min(last)]);
    state.operation_offset = 0;
    state.step = None;
}

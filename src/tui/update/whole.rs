//! Enter on a step or a line: all of it, over the screen.

use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::Effect;
use crate::{
    domain::IncidentId,
    tui::{
        action::{Action, Context},
        message::Field,
        screen,
        state::{Dirty, State},
        whole::{Of, Whole},
    },
};

/// Enter was pressed on the isolation's or the journal's screen.
pub fn open(state: &mut State) -> Vec<Effect> {
    if state.screen == Context::Isolation {
        match (state.operation().map(|operation| operation.op), state.step.clone()) {
            (Some(op), Some(step)) => state.whole = Some(Whole::new(Of::Step(op, step))),
            _ => {
                let [down, up, whole] = [Action::Down, Action::Up, Action::Whole].map(|action| state.key(action));
                state.flash = Some(format!("{down} and {up} go to a step, {whole} shows it whole"));
            }
        }
        return Vec::new();
    }
    let Some(line) = state.lines().cursor() else { return Vec::new() };
    let (incident, seq) = (line.incident, line.seq);
    state.whole = Some(Whole::new(Of::Line { incident, seq, fields: None }));
    vec![Effect::ReadLine(incident, seq)]
}

/// The line was read.
pub fn line_read(state: &mut State, which: (Option<IncidentId>, u64), read: Result<Vec<Field>, String>) {
    if let Some(Whole { of: Of::Line { incident, seq, fields }, .. }) = state.whole.as_mut()
        && (*incident, *seq) == which
    {
        *fields = Some(read);
        state.mark(Dirty::Now);
    }
}

/// A key while something is shown whole. Whether that was all it meant.
pub fn key(state: &mut State, key: &KeyEvent) -> bool {
    let page = isize::try_from(screen::whole_page(state).saturating_sub(1).max(1)).unwrap_or(1);
    let limit = screen::whole_limit(state);
    let Some(whole) = state.whole.as_mut() else { return false };
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    let by = match (key.code, control) {
        (KeyCode::Up | KeyCode::Char('k'), false) => -1,
        (KeyCode::Down | KeyCode::Char('j'), false) => 1,
        (KeyCode::PageUp, _) | (KeyCode::Char('b'), true) => -page,
        (KeyCode::PageDown, _) | (KeyCode::Char('f'), true) => page,
        (KeyCode::Home, _) | (KeyCode::Char('g'), false) => isize::MIN,
        (KeyCode::End, _) | (KeyCode::Char('G'), false) => isize::MAX,
        (KeyCode::Esc | KeyCode::Enter | KeyCode::Left | KeyCode::Char('h'), false) => {
            state.whole = None;
            return true;
        }
        _ => return false,
    };
    whole.offset = whole.offset.saturating_add_signed(by).min(limit);
    true
}

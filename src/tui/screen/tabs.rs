//! The line of isolations, where there are several: each with its state, the shown one marked.

use super::isolation::outcome_state;
use crate::{
    domain::{BotState, Outcome},
    tui::{
        operation::OperationView,
        paint::{self, Line, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// The line; `None`: there is but one.
pub fn line(state: &State, width: usize) -> Option<Line> {
    let all: Vec<&OperationView> = state.shown_operations().collect();
    if all.len() < 2 {
        return None;
    }
    let at = all.iter().position(|operation| Some(operation.op) == state.operation).unwrap_or(0);
    let tabs: Vec<Line> = all.iter().enumerate().map(|(index, one)| tab(state, one, index == at)).collect();
    // From the shown one on to both sides, as far as there is room.
    let (mut from, mut to) = (at, at + 1);
    let room = width.saturating_sub(ENDS);
    let wide = |from: usize, to: usize| tabs[from..to].iter().map(|tab| paint::width(tab)).sum::<usize>();
    loop {
        let before = (from, to);
        if to < tabs.len() && wide(from, to + 1) <= room {
            to += 1;
        }
        if from > 0 && wide(from - 1, to) <= room {
            from -= 1;
        }
        if (from, to) == before {
            break;
        }
    }
    let count = |count: usize| if count == 0 { String::new() } else { format!("+{count} ") };
    let mut line = vec![piece(Role::Dim, format!(" {}", count(from)))];
    line.extend(tabs[from..to].iter().flatten().cloned());
    line.push(piece(Role::Dim, count(tabs.len() - to)));
    Some(line)
}

/// Columns for how many there are to the left and right.
const ENDS: usize = 9;

fn tab(state: &State, operation: &OperationView, shown: bool) -> Line {
    let look: &Look = &state.look;
    let status = match &operation.ended {
        Some(_) if !operation.after_dark.is_empty() => BotState::Contradicted,
        Some(ended) => match &ended.outcome {
            Outcome::DarkAt { at, .. } if *at <= state.now.wall => BotState::Dark,
            outcome => outcome_state(outcome),
        },
        None if operation.recorded.is_some() => BotState::Partial,
        None => BotState::Isolating,
    };
    let counts = operation.counts(None);
    let name = look.fit(&look.text(&operation.bot.shown()), NAME);
    let back = if operation.restores.is_some() { "restore " } else { "" };
    let (open, close) = if shown { ("[", "]") } else { (" ", " ") };
    let sign = look.state(status);
    vec![
        piece(if shown { Role::Key } else { Role::Dim }, open),
        sign,
        piece(
            if shown { Role::Title } else { Role::Text },
            format!(" {back}{name} {}/{}", counts.verified, counts.all),
        ),
        piece(if shown { Role::Key } else { Role::Dim }, format!("{close} ")),
    ]
}

/// Columns of a bot's name.
const NAME: usize = 20;

//! The steps: by lane, on the way back part by part; each with its state, and why where it is not done.

use super::Content;
use crate::{
    domain::{Lane, RestorePart, StepState},
    tui::{
        operation::{OperationView, StepView},
        paint::{Piece, clock, piece},
        screen::restore,
        state::State,
        theme::Role,
    },
};

/// The steps of an isolation, lane by lane.
pub fn lane_lines(state: &State, operation: &OperationView, width: usize, lines: &mut Content) {
    for lane in Lane::ALL {
        let counts = operation.counts(Some(lane));
        if counts.all == 0 {
            continue;
        }
        let waiting = counts.all - counts.verified - counts.claimed - counts.failed;
        let mut tally = format!("{} verified", counts.verified);
        for (count, word) in [(counts.claimed, "claimed"), (waiting, "under way"), (counts.failed, "to look at")] {
            if count > 0 {
                tally = format!("{tally}, {count} {word}");
            }
        }
        let views: Vec<&StepView> = operation.in_lane(lane).collect();
        let title = piece(Role::Heading, format!(" {} ", lane.word().to_uppercase()));
        let (at, of_one) = place(&views);
        lines.lines.push(vec![title, piece(Role::Dim, format!("{at} {tally}"))]);
        for view in views {
            step_lines(state, view, of_one, width, lines);
        }
    }
}

/// The steps of the way back, part by part: each is proved before the next is sent.
pub fn part_lines(state: &State, operation: &OperationView, width: usize, lines: &mut Content) {
    let Some(plan) = &operation.restores else { return };
    for part in RestorePart::ALL {
        let of_part = plan.parts().filter(|(of, _)| *of == part);
        let views: Vec<&StepView> = of_part.filter_map(|(_, step)| operation.steps.get(&step.id)).collect();
        if views.is_empty() {
            continue;
        }
        let verified = views.iter().filter(|view| view.state == StepState::Verified).count();
        let title = piece(Role::Heading, format!(" {} ", restore::title(part)));
        let (at, of_one) = place(&views);
        lines.lines.push(vec![title, piece(Role::Dim, format!("{at} {verified} of {} verified", views.len()))]);
        for view in views {
            step_lines(state, view, of_one, width, lines);
        }
    }
}

/// Where steps are sent, for the line above them, and whether that is one place: then their rows need not say it.
fn place(views: &[&StepView]) -> (String, bool) {
    let mut providers = views.iter().map(|view| view.step.identity.provider());
    match providers.next() {
        Some(first) if providers.all(|other| other == first) => (format!("at {first} "), true),
        _ => (String::new(), false),
    }
}

fn step_role(step: &StepState) -> Role {
    match step {
        StepState::Planned | StepState::Armed => Role::Dim,
        StepState::Sent | StepState::Retrying { .. } => Role::Isolating,
        StepState::Accepted | StepState::Gone => Role::Text,
        StepState::Unknown | StepState::Attested => Role::Unknown,
        StepState::Refused { .. } | StepState::Unreachable => Role::Bad,
        StepState::Manual => Role::Warn,
        StepState::Verified => Role::Good,
        StepState::Contradicted => Role::Contradicted,
    }
}

/// A success is told by its word, and its code is in the step shown whole: two hundred rows of 204 tell nobody anything.
const fn tells_its_code(step: &StepState) -> bool {
    !matches!(step, StepState::Accepted | StepState::Gone | StepState::Verified)
}

fn step_lines(state: &State, view: &StepView, of_one: bool, width: usize, content: &mut Content) {
    let (look, now) = (&state.look, state.now.wall);
    let chosen = state.step.as_ref() == Some(&view.step.id);
    content.steps.push((content.lines.len(), view.step.id.clone()));
    let lines = &mut content.lines;
    let mark = if chosen { format!(" {} ", look.glyphs.marker()) } else { "   ".to_owned() };
    let sign: Piece = {
        let text = format!("{} {}", look.glyphs.step(&view.state), view.state.word());
        piece(step_role(&view.state), look.cell(&text, 14))
    };
    let mut tail = Vec::new();
    if view.attempt > 1 {
        tail.push(format!("attempt {}", view.attempt));
    }
    if tells_its_code(&view.state) && !view.code.is_empty() {
        tail.push(look.text(&view.code));
    }
    // Last, so that providers stand in one column.
    if !of_one {
        tail.push(view.step.identity.provider().to_string());
    }
    let tail = if tail.is_empty() { String::new() } else { format!(" {}", tail.join(" ")) };
    let what = format!("{} {}", look.text(view.step.action.word()), look.text(view.step.target.raw()));
    let room = width.saturating_sub(3 + 15 + tail.chars().count() + 1);
    lines.push(vec![
        piece(Role::Key, mark),
        sign,
        piece(if chosen { Role::Title } else { Role::Text }, format!(" {}", look.cell_middle(&what, room))),
        piece(Role::Dim, tail),
    ]);
    let why = match &view.state {
        StepState::Verified | StepState::Accepted | StepState::Gone | StepState::Sent | StepState::Armed => None,
        StepState::Retrying { attempt, until } => {
            Some(format!("attempt {attempt} failed, the next goes at {}", clock(now, *until)))
        }
        StepState::Refused { permission: Some(permission) } => Some(format!("missing permission: {permission}")),
        StepState::Manual => view.step.manual.clone().or_else(|| view.detail.clone()),
        _ => view.detail.clone(),
    };
    if let Some(why) = why {
        for text in look.wrap(&look.text(&why), width.saturating_sub(20)) {
            lines.push(vec![piece(Role::Dim, format!("{}{text}", " ".repeat(18)))]);
        }
    }
}

//! `n`, `H` and `c`: what people put on record.

use terminput::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::{Effect, again::target, keys};
use crate::{
    domain::{IncidentId, StepId},
    engine::{Confirmed, EngineEvent, Refusal, WaitingStep},
    tui::{
        action::Context,
        forms::{ConfirmForm, HandOverForm, NoteForm},
        message::{JournalLine, Message},
        screen,
        state::{Dirty, Form, State},
    },
};

/// A note is one line of at most so many bytes.
const MOST: usize = 1000;

/// Lines of a form that a page key scrolls: fewer than the least window shows.
const PAGE: isize = 5;

/// The incident that a press is about: of the operation or the record that is shown, the selected one, else the newest
/// that is open.
pub fn incident(state: &State) -> Option<IncidentId> {
    match state.screen {
        Context::Isolation => state.operation().map(|operation| operation.incident),
        Context::Journal => state.archive.as_ref().map(|archive| archive.brief.id),
        Context::Incidents => state.incidents.brief().map(|brief| brief.id),
        _ => None,
    }
}

/// `n` was pressed.
pub fn open_note(state: &mut State) {
    state.form = Some(Form::Note(NoteForm { incident: incident(state), text: Input::default() }));
}

/// `H` was pressed: the summary is read first.
pub fn open_hand_over(state: &State) -> Vec<Effect> {
    vec![Effect::Summarise(incident(state))]
}

/// `c` was pressed: the steps that wait are read first.
pub fn open_confirm() -> Vec<Effect> {
    vec![Effect::AskWaiting]
}

/// The summary was read.
pub fn summarised(state: &mut State, result: Result<(IncidentId, Vec<String>), Refusal>) {
    state.mark(Dirty::Now);
    match result {
        Err(refusal) => state.flash = Some(format!("nothing to hand over: {refusal}")),
        Ok(_) if state.form.is_some() || state.prompt.is_some() => {}
        Ok((incident, summary)) => {
            state.asks += 1;
            let (asks, opened) = (state.asks, state.now.mono);
            let to = Input::default();
            state.form = Some(Form::HandOver(HandOverForm { incident, summary, to, offset: 0, asks, opened }));
        }
    }
}

/// Whether after this the record may have other steps that wait for a person than before. What an isolation asks while it
/// runs is counted as it is written: no file is read beside a strike.
pub fn may_change_waiting(message: &Message) -> bool {
    match message {
        Message::JournalRead(_) | Message::StepConfirmed(_) => true,
        Message::JournalWritten(line) => line.kind == "incident.close",
        Message::EngineSpoke(event) => matches!(event, EngineEvent::Ended { .. }),
        _ => false,
    }
}

/// A line of the journal was written: one that asks a person is one more that waits.
pub fn was_asked(state: &mut State, line: &JournalLine) {
    if line.kind == "step.manual" && line.state == "manual" {
        state.waiting = Some(state.waiting.unwrap_or(0) + 1);
    }
}

/// The steps that wait were read; those of the bot that is shown come first.
pub fn waiting(state: &mut State, result: Result<Vec<WaitingStep>, Refusal>) {
    state.mark(Dirty::Now);
    state.waiting = result.as_ref().ok().map(Vec::len);
    match result {
        Err(refusal) => state.flash = Some(refusal.to_string()),
        Ok(steps) if steps.is_empty() => {
            state.flash = Some("no step of an open incident waits for a person".to_owned());
        }
        Ok(_) if state.form.is_some() || state.prompt.is_some() => {}
        Ok(mut steps) => {
            let bot = target(state);
            steps.sort_by_key(|step| (Some(&step.bot) != bot.as_ref(), step.attested));
            state.asks += 1;
            let (asks, opened) = (state.asks, state.now.mono);
            // The one that the cursor is on, where it waits.
            let chosen = state.step.as_ref().filter(|_| state.screen == Context::Isolation);
            let at = steps.iter().position(|step| Some(&step.step) == chosen).unwrap_or(0);
            let form = ConfirmForm { steps, at, evidence: Input::default(), offset: 0, asks, opened };
            state.form = Some(Form::Confirm(form));
        }
    }
}

/// A key of one of the three.
pub fn key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match (key.code, control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => {
            state.form = None;
            state.flash = Some("nothing was recorded".to_owned());
            Vec::new()
        }
        (KeyCode::Enter, _) => entered(state, alone),
        (KeyCode::Up, _) => choose(state, -1),
        (KeyCode::Down, _) => choose(state, 1),
        (KeyCode::PageUp, _) => read_on(state, -PAGE),
        (KeyCode::PageDown, _) => read_on(state, PAGE),
        _ => {
            match state.form.as_mut() {
                Some(Form::Note(form)) => type_bounded(&mut form.text, key),
                Some(Form::HandOver(form)) => type_bounded(&mut form.to, key),
                Some(Form::Confirm(form)) => type_bounded(&mut form.evidence, key),
                Some(Form::Secret(_) | Form::Command(_) | Form::Marked(_)) | None => {}
            }
            Vec::new()
        }
    }
}

/// Types into a field that takes so much and no more.
pub fn type_bounded(input: &mut Input, key: &KeyEvent) {
    if input.value().len() < MOST || !matches!(key.code, KeyCode::Char(_)) {
        keys::type_into(input, key);
    }
}

/// Pasted text: one line of it.
pub fn pasted(input: &mut Input, text: &str) {
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        type_bounded(input, &KeyEvent::new(KeyCode::Char(character)));
    }
}

/// Another step is another question: what was pressed at the one before does not answer it.
fn choose(state: &mut State, by: isize) -> Vec<Effect> {
    let (asks, now) = (state.asks + 1, state.now.mono);
    if matches!(state.form, Some(Form::HandOver(_))) {
        return read_on(state, by);
    }
    if let Some(Form::Confirm(form)) = state.form.as_mut() {
        let at = form.at.saturating_add_signed(by).min(form.steps.len().saturating_sub(1));
        if at != form.at {
            (form.at, form.offset, form.asks, form.opened) = (at, 0, asks, now);
            state.asks = asks;
        }
    }
    Vec::new()
}

/// Scrolls what has no room; how far it goes is settled where it is laid out.
fn read_on(state: &mut State, by: isize) -> Vec<Effect> {
    let form = state.form.as_mut();
    if let Some(Form::HandOver(HandOverForm { offset, .. }) | Form::Confirm(ConfirmForm { offset, .. })) = form {
        *offset = offset.saturating_add_signed(by);
    }
    Vec::new()
}

fn entered(state: &mut State, alone: bool) -> Vec<Effect> {
    let now = state.now.mono;
    let (question, effect) = match state.form.as_ref() {
        Some(Form::Note(form)) => match form.text.value().trim() {
            "" => {
                state.flash = Some("a note has some text: type it, or leave with Esc".to_owned());
                return Vec::new();
            }
            text => (None, Effect::Note(form.incident, text.to_owned())),
        },
        Some(Form::HandOver(form)) => (Some((form.asks, form.opened)), Effect::HandOver(form.incident, said(&form.to))),
        Some(Form::Confirm(form)) => {
            let Some(step) = form.step() else { return Vec::new() };
            (Some((form.asks, form.opened)), Effect::Confirm(step.step.clone(), said(&form.evidence)))
        }
        Some(Form::Secret(_) | Form::Command(_) | Form::Marked(_)) | None => return Vec::new(),
    };
    let seen = question.is_none_or(|(asks, opened)| state.trigger.confirm_asked(asks, alone, opened, now));
    if !seen {
        let said = if screen::is_read(state) {
            "that came before this question was on the screen: Enter once more"
        } else {
            "read it to its end (PgDn), then Enter"
        };
        state.flash = Some(said.to_owned());
        return Vec::new();
    }
    state.form = None;
    vec![effect]
}

fn said(input: &Input) -> Option<String> {
    Some(input.value().trim().to_owned()).filter(|text| !text.is_empty())
}

/// It is on record, or not: one sentence.
pub fn recorded(state: &mut State, result: Result<String, Refusal>) {
    state.flash = Some(match result {
        Ok(said) => said,
        Err(refusal) => format!("nothing was recorded: {refusal}"),
    });
    state.mark(Dirty::Now);
}

/// Somebody says that a step was done: shown as that, and never as proved.
pub fn confirmed(state: &mut State, confirmed: &Confirmed) {
    let by = &confirmed.by;
    state.flash = Some(format!("attested by {by}, proved by nothing: {}", confirmed.instruction));
    let attested: &StepId = &confirmed.step;
    if let Some(operation) = state.operations.iter_mut().find(|operation| operation.op == confirmed.op) {
        operation.attested(attested, by);
    }
    state.mark(Dirty::Now);
}

//! A key, by the one table.

use terminput::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::{Effect, again, danger, end, record, restore, secret};
use crate::domain::RestoreMode;
use crate::tui::{
    action::{Action, Context},
    keymap, screen,
    state::{Dirty, Ending, Form, State},
    theme::{BUNDLED, Theme},
};

/// Dispatches a key: to the dialog, to the filter, or by the table.
pub fn pressed(state: &mut State, key: KeyEvent, alone: bool) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    state.mark(Dirty::Now);
    state.flash = None;
    if state.prompt.is_some() {
        return danger::prompt_key(state, &key, alone);
    }
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match &state.form {
        Some(_) if control && matches!(key.code, KeyCode::Char('l' | 'z')) => {}
        Some(Form::Secret(_)) => return secret::key(state, &key, alone),
        Some(_) => return record::key(state, &key, alone),
        None if restore::takes(state, &key) => return restore::key(state, &key, alone),
        None => {}
    }
    if state.fleet.editing && !(control && keymap::find(state.screen, &key).is_some()) {
        filter_key(state, &key);
        return Vec::new();
    }
    if state.activity.editing && !(control && keymap::find(state.screen, &key).is_some()) {
        activity_key(state, &key);
        return Vec::new();
    }
    let binding = keymap::find(state.screen, &key);
    // Whatever else is pressed, the armed press was not meant any more.
    let was_armed = match binding {
        Some(binding) if binding.action == Action::Isolate => false,
        _ => state.trigger.disarm(),
    };
    let Some(binding) = binding else { return Vec::new() };
    // A key that is held down repeats where the terminal says so: that is no decision.
    if binding.danger && key.kind == KeyEventKind::Repeat {
        return Vec::new();
    }
    if let Some(why) = danger::disabled(state, binding.action) {
        state.trigger.disarm();
        state.flash = Some(why);
        return danger::refused(state, binding.action).into_iter().collect();
    }
    act(state, binding.action, alone, was_armed)
}

/// Pasted text goes into the text field that is open and nowhere else: it answers no question and is no key.
pub fn pasted(state: &mut State, text: &str) -> Vec<Effect> {
    state.trigger.disarm();
    let asks_name = state.prompt.is_some() || state.screen == Context::Restore;
    if asks_name {
        state.flash = Some("pasted text does not answer this: type the name".to_owned());
    } else if let Some(form) = &mut state.form {
        match form {
            Form::Secret(field) => field.paste(text),
            Form::Note(form) => record::pasted(&mut form.text, text),
            Form::HandOver(form) => record::pasted(&mut form.to, text),
            Form::Confirm(form) => record::pasted(&mut form.evidence, text),
        }
    } else if state.fleet.editing {
        for character in text.chars().filter(|character| !character.is_control()) {
            state.fleet.filter.handle(InputRequest::InsertChar(character));
        }
        state.fleet.refresh(&state.snapshot);
    } else if state.activity.editing {
        for character in text.chars().filter(|character| !character.is_control()) {
            state.activity.input.handle(InputRequest::InsertChar(character));
        }
    } else {
        state.flash = Some("pasted text is not taken as keys".to_owned());
    }
    state.mark(Dirty::Now);
    Vec::new()
}

/// Types a key into a text field. Whether the field has changed.
pub fn type_into(input: &mut Input, key: &KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    let request = match (key.code, control) {
        (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
        (KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
        (KeyCode::Char('a'), true) | (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::Char('e'), true) | (KeyCode::End, _) => InputRequest::GoToEnd,
        (KeyCode::Char(character), false) => InputRequest::InsertChar(character),
        (KeyCode::Backspace, _) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
        (KeyCode::Left, _) => InputRequest::GoToPrevChar,
        (KeyCode::Right, _) => InputRequest::GoToNextChar,
        _ => return false,
    };
    input.handle(request).is_some_and(|changed| changed.value)
}

fn filter_key(state: &mut State, key: &KeyEvent) {
    match key.code {
        KeyCode::Esc => {
            state.fleet.editing = false;
            state.fleet.filter.reset();
            state.fleet.refresh(&state.snapshot);
        }
        KeyCode::Enter => state.fleet.editing = false,
        KeyCode::Up => state.fleet.step(-1),
        KeyCode::Down => state.fleet.step(1),
        _ => {
            if type_into(&mut state.fleet.filter, key) {
                state.fleet.refresh(&state.snapshot);
            }
        }
    }
}

fn activity_key(state: &mut State, key: &KeyEvent) {
    match key.code {
        KeyCode::Esc => state.activity.clear(),
        KeyCode::Enter => state.activity.editing = false,
        KeyCode::Up => scroll(state, -1),
        KeyCode::Down => scroll(state, 1),
        _ => {
            type_into(&mut state.activity.input, key);
        }
    }
}

fn act(state: &mut State, action: Action, alone: bool, was_armed: bool) -> Vec<Effect> {
    match action {
        Action::Isolate => return danger::isolate(state, alone),
        Action::Burn => danger::burn(state),
        Action::Retry => return again::pressed(state, alone),
        Action::Identify => secret::open(state),
        Action::Try => return secret::try_it(state, alone),
        Action::Forget if was_armed => {}
        Action::Forget => return secret::forget(state),
        Action::Note => record::open_note(state),
        Action::HandOver => return record::open_hand_over(state),
        Action::Confirm => return record::open_confirm(),
        Action::Restore => restore::open(state),
        Action::FalseAlarm => return restore::choose(state, RestoreMode::FalseAlarm),
        Action::Rotate => return restore::choose(state, RestoreMode::Rotate),
        Action::Up => scroll(state, -1),
        Action::Down => scroll(state, 1),
        Action::PageUp => scroll(state, -page(state)),
        Action::PageDown => scroll(state, page(state)),
        Action::Top => scroll(state, isize::MIN),
        Action::Bottom => scroll(state, isize::MAX),
        Action::Open => state.fleet.detail = state.fleet.selected.is_some(),
        Action::NextPane if state.screen == Context::Secret => secret::next(state),
        Action::NextPane => state.fleet.detail = !state.fleet.detail && state.fleet.selected.is_some(),
        Action::Back => back(state, was_armed),
        Action::Previous => turn(state, -1),
        Action::Next => turn(state, 1),
        Action::Filter => {
            state.fleet.editing = true;
            state.fleet.detail = false;
        }
        Action::FilterActivity if state.fleet.selected.is_some() => {
            state.activity.editing = true;
            state.fleet.detail = true;
            state.fleet.detail_offset = screen::activity_line(state);
        }
        Action::FilterActivity => {}
        Action::ShowAll => {
            state.fleet.all = !state.fleet.all;
            state.fleet.refresh(&state.snapshot);
        }
        Action::Keep | Action::Fleet => state.screen = Context::Fleet,
        Action::Isolations => state.screen = Context::Isolation,
        Action::Journal => state.screen = Context::Journal,
        Action::Help => help(state),
        Action::Theme => next_theme(state),
        Action::Redraw => state.clear = true,
        Action::Refresh => {
            if !state.refreshing {
                state.refreshing = true;
                return vec![Effect::Refresh];
            }
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return end(state, Ending::Quit),
    }
    Vec::new()
}

fn page(state: &State) -> isize {
    isize::try_from(screen::page(state).saturating_sub(1).max(1)).unwrap_or(1)
}

/// Moves what the screen scrolls by so many rows; `isize::MIN` and `MAX` mean the ends.
fn scroll(state: &mut State, by: isize) {
    let limit = screen::limit(state);
    let moved = |offset: usize| offset.saturating_add_signed(by).min(limit);
    match state.screen {
        Context::Fleet if state.fleet.detail => state.fleet.detail_offset = moved(state.fleet.detail_offset),
        Context::Fleet => state.fleet.step(by),
        Context::Isolation => state.operation_offset = moved(state.operation_offset),
        Context::Journal => {
            let from = if state.journal.follow { limit } else { state.journal.offset };
            state.journal.offset = moved(from);
            state.journal.follow = state.journal.offset == limit;
        }
        Context::Secret => state.leak_offset = moved(state.leak_offset),
        Context::Restore => {
            if let Some(pane) = state.restore.as_mut() {
                pane.offset = moved(pane.offset);
            }
        }
        Context::Help => state.help_offset = moved(state.help_offset),
    }
}

fn back(state: &mut State, was_armed: bool) {
    match state.screen {
        // Esc takes back the arming and nothing else.
        Context::Fleet if was_armed => {}
        Context::Fleet if state.fleet.detail && state.activity.is_set() => state.activity.clear(),
        Context::Fleet if state.fleet.detail => state.fleet.detail = false,
        Context::Fleet => {
            state.fleet.filter.reset();
            state.fleet.refresh(&state.snapshot);
        }
        Context::Restore => restore::back(state),
        Context::Help => state.screen = state.before_help,
        Context::Isolation | Context::Journal | Context::Secret => state.screen = Context::Fleet,
    }
}

fn turn(state: &mut State, by: isize) {
    let Some(last) = state.operations.len().checked_sub(1) else { return };
    let shown = state.operation;
    let at = state.operations.iter().position(|operation| Some(operation.op) == shown).unwrap_or(last);
    state.operation = Some(state.operations[at.saturating_add_signed(by).min(last)].op);
    state.operation_offset = 0;
}

fn help(state: &mut State) {
    if state.screen == Context::Help {
        state.screen = state.before_help;
    } else {
        state.before_help = state.screen;
        state.screen = Context::Help;
    }
}

fn next_theme(state: &mut State) {
    let at = BUNDLED.iter().position(|(name, _)| *name == state.look.theme.name());
    let (next, _) = BUNDLED[at.map_or(0, |at| (at + 1) % BUNDLED.len())];
    match Theme::load(next, state.look.themes_dir.as_deref(), state.look.capability) {
        Ok(theme) => {
            state.flash = Some(format!("theme {next}"));
            state.look.theme = theme;
            state.clear = true;
        }
        Err(error) => state.flash = Some(error.to_string()),
    }
}

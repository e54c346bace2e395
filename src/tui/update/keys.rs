//! A key, by the one table.

use terminput::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::{
    Effect, again, command, copy, danger, end, incidents, list, marked, off, record, restore, secret, steps, whole,
};
use crate::domain::RestoreMode;
use crate::tui::{
    action::{Action, Context},
    screen,
    state::{Dirty, Ending, Form, State},
    theme::Theme,
};

/// Dispatches a key: to the dialog, to the filter, or by the table.
pub fn pressed(state: &mut State, key: KeyEvent, alone: bool) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if let Some(action) = list::moves_cursor(state, &key) {
        let before = state.fleet.index();
        let effects = act(state, action, alone, false);
        // At the end of the list nothing moves, and what is shown can still be pressed at.
        if state.fleet.index() != before {
            state.moved = Some(state.now.mono);
            state.mark(Dirty::AtRest);
        }
        return effects;
    }
    state.mark(Dirty::Now);
    state.flash = None;
    if state.prompt.is_some() {
        return danger::prompt_key(state, &key, alone);
    }
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match &state.form {
        Some(_) if control && is_of_the_terminal(state, &key) => {}
        Some(Form::Secret(_)) => return secret::key(state, &key, alone),
        Some(Form::Command(_)) => return command::key(state, &key, alone),
        Some(Form::Marked(_)) => return marked::key(state, &key, alone),
        Some(_) => return record::key(state, &key, alone),
        None if restore::takes(state, &key) => return restore::key(state, &key, alone),
        None => {}
    }
    if state.fleet.editing && !(control && state.keys.find(state.screen, &key).is_some()) {
        filter_key(state, &key);
        return Vec::new();
    }
    if state.activity.editing && !(control && state.keys.find(state.screen, &key).is_some()) {
        activity_key(state, &key);
        return Vec::new();
    }
    if state.screen == Context::Journal
        && state.lines().editing
        && !(control && state.keys.find(state.screen, &key).is_some())
    {
        search_key(state, &key);
        return Vec::new();
    }
    if state.whole.is_some() && whole::key(state, &key) {
        return Vec::new();
    }
    let binding = state.keys.find(state.screen, &key);
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
    if let Some(why) = off::disabled(state, binding.action) {
        state.trigger.disarm();
        state.flash = Some(why);
        return danger::refused(state, binding.action).into_iter().collect();
    }
    act(state, binding.action, alone, was_armed)
}

/// What is about the terminal, not about what it shows, works over a text field too.
fn is_of_the_terminal(state: &State, key: &KeyEvent) -> bool {
    let found = state.keys.find(state.screen, key).map(|binding| binding.action);
    matches!(found, Some(Action::Redraw | Action::Suspend))
}

/// Pasted text goes into the text field that is open and nowhere else: it answers no question and is no key.
pub fn pasted(state: &mut State, text: &str) -> Vec<Effect> {
    state.trigger.disarm();
    let asks_count = matches!(state.form, Some(Form::Marked(_)));
    let asks_name = state.prompt.is_some() || asks_count || state.screen == Context::Restore;
    if asks_name {
        state.flash = Some("pasted text does not answer this: type it".to_owned());
    } else if let Some(form) = &mut state.form {
        match form {
            Form::Secret(field) => field.paste(text),
            Form::Note(form) => record::pasted(&mut form.text, text),
            Form::HandOver(form) => record::pasted(&mut form.to, text),
            Form::Confirm(form) => record::pasted(&mut form.evidence, text),
            Form::Command(form) => form.pasted(text),
            Form::Marked(_) => {}
        }
    } else if state.fleet.editing {
        for character in text.chars().filter(|character| !character.is_control()) {
            state.fleet.filter.handle(InputRequest::InsertChar(character));
        }
        state.fleet.typed(&state.snapshot);
    } else if state.activity.editing {
        for character in text.chars().filter(|character| !character.is_control()) {
            state.activity.input.handle(InputRequest::InsertChar(character));
        }
    } else if state.screen == Context::Journal && state.lines().editing {
        record::pasted(&mut state.lines_mut().input, text);
        state.lines_mut().typed();
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
                state.fleet.typed(&state.snapshot);
            }
        }
    }
}

fn search_key(state: &mut State, key: &KeyEvent) {
    let pane = state.lines_mut();
    match key.code {
        KeyCode::Esc => {
            pane.editing = false;
            pane.search("");
        }
        KeyCode::Enter => pane.editing = false,
        KeyCode::Up => pane.step(-1),
        KeyCode::Down => pane.step(1),
        _ => {
            if type_into(&mut pane.input, key) {
                pane.typed();
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

/// Does what an action asks for.
pub fn act(state: &mut State, action: Action, alone: bool, was_armed: bool) -> Vec<Effect> {
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
        Action::Copy => return copy::pressed(state),
        Action::Restore => restore::open(state),
        Action::FalseAlarm => return restore::choose(state, RestoreMode::FalseAlarm),
        Action::Rotate => return restore::choose(state, RestoreMode::Rotate),
        Action::Up => scroll(state, -1),
        Action::Down => scroll(state, 1),
        Action::PageUp => scroll(state, -page(state)),
        Action::PageDown => scroll(state, page(state)),
        Action::Top => scroll(state, isize::MIN),
        Action::Bottom => scroll(state, isize::MAX),
        Action::Open if state.screen == Context::Incidents => return incidents::enter(state),
        Action::Open => state.fleet.detail = state.fleet.selected.is_some(),
        Action::NextPane if state.screen == Context::Secret => secret::next(state),
        Action::NextPane => state.fleet.detail = !state.fleet.detail && state.fleet.selected.is_some(),
        Action::Back => back(state, was_armed),
        Action::Previous => steps::turn(state, -1),
        Action::Next => steps::turn(state, 1),
        Action::Whole => return whole::open(state),
        Action::Search => state.lines_mut().editing = true,
        Action::NextMatch => match_from(state, 1),
        Action::PreviousMatch => match_from(state, -1),
        Action::Verify => return incidents::verify(state),
        Action::Command => return command::open(state),
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
            state.fleet.view.all = !state.fleet.view.all;
            state.fleet.refresh(&state.snapshot);
        }
        Action::Mark => list::mark(state),
        Action::Sort | Action::SortReverse | Action::Group => list::order(state, action),
        Action::Keep | Action::Fleet => state.screen = Context::Fleet,
        // Pressed on the screen itself, it leads from the record back to what happens now.
        Action::Isolations | Action::Journal if action.leads_to() == Some(state.screen) => {
            incidents::close(state);
        }
        Action::Isolations => state.screen = Context::Isolation,
        Action::Journal => state.screen = Context::Journal,
        Action::Incidents => return incidents::open(state),
        Action::Help => help(state),
        Action::Theme => next_theme(state),
        Action::Redraw => state.clear = true,
        Action::Refresh if state.screen == Context::Incidents => return incidents::refresh(state),
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
pub fn scroll(state: &mut State, by: isize) {
    // Measured only where it counts: that lays out everything that scrolls.
    let moved = |offset: usize, state: &State| offset.saturating_add_signed(by).min(screen::limit(state));
    match state.screen {
        Context::Fleet if state.fleet.detail => state.fleet.detail_offset = moved(state.fleet.detail_offset, state),
        Context::Fleet => state.fleet.step(by),
        Context::Isolation if matches!(by, -1 | 1) => steps::step(state, by),
        Context::Isolation => steps::page(state, by),
        Context::Journal => state.lines_mut().step(by),
        Context::Incidents => state.incidents.step(by),
        Context::Secret => state.leak_offset = moved(state.leak_offset, state),
        Context::Restore => {
            let offset = state.restore.as_ref().map(|pane| moved(pane.offset, state));
            if let Some((pane, offset)) = state.restore.as_mut().zip(offset) {
                pane.offset = offset;
            }
        }
        Context::Help => state.help_offset = moved(state.help_offset, state),
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
        Context::Journal if !state.lines().input.value().is_empty() => state.lines_mut().search(""),
        Context::Isolation | Context::Journal if state.archive.is_some() => {
            incidents::close(state);
            state.screen = Context::Incidents;
        }
        Context::Isolation | Context::Journal | Context::Incidents | Context::Secret => state.screen = Context::Fleet,
    }
}

fn match_from(state: &mut State, direction: isize) {
    let search = state.key(Action::Search);
    let pane = state.lines_mut();
    if !pane.query().has_words() {
        state.flash = Some(format!("no word is searched: {search} takes some"));
    } else if !pane.to_match(direction) {
        state.flash = Some("no line matches".to_owned());
    }
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
    let theme = state.look.theme.next(state.look.themes_dir.as_deref(), state.look.capability);
    wear(state, theme);
}

/// Turns to a theme by its name.
pub fn set_theme(state: &mut State, next: &str) {
    match Theme::load(next, state.look.themes_dir.as_deref(), state.look.capability) {
        Ok(theme) => wear(state, theme),
        Err(error) => state.flash = Some(error.to_string()),
    }
}

fn wear(state: &mut State, theme: Theme) {
    state.flash = Some(format!("theme {}", theme.name()));
    state.look.theme = theme;
    state.clear = true;
}

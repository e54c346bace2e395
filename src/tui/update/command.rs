//! `:`: what a key does, by name. Danger only ever arms or asks: whoever types a name has not seen its plan.

use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::{Effect, danger, incidents, keys, list, record};
use crate::{
    domain::IncidentId,
    tui::{
        action::{Action, Context},
        command::{self, Command, CommandForm, Names, unknown},
        fleet::Row,
        keymap,
        state::{Form, State},
        theme,
    },
};

/// `:` was pressed. What can be opened is read, so that Tab knows it.
pub fn open(state: &mut State) -> Vec<Effect> {
    state.form = Some(Form::Command(CommandForm::default()));
    if state.incidents.loaded { Vec::new() } else { incidents::refresh(state) }
}

/// The names that Tab completes.
pub fn names(state: &State) -> Names {
    Names {
        bots: state.snapshot.bots.iter().map(|view| view.bot.name.shown()).collect(),
        incidents: state.incidents.rows.iter().map(|row| row.id.to_string()).collect(),
        themes: theme::names(state.look.themes_dir.as_deref()),
    }
}

/// A key of the line.
pub fn key(state: &mut State, key: &KeyEvent, alone: bool) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    if key.code == KeyCode::Tab {
        let names = names(state);
        if let Some(Form::Command(form)) = state.form.as_mut() {
            form.complete(&names);
        }
        return Vec::new();
    }
    let Some(Form::Command(form)) = state.form.as_mut() else { return Vec::new() };
    match (key.code, control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => state.form = None,
        (KeyCode::Backspace, _) if form.text.value().is_empty() => state.form = None,
        (KeyCode::Enter, _) => return entered(state, alone),
        _ => {
            form.changed();
            record::type_bounded(&mut form.text, key);
        }
    }
    Vec::new()
}

fn entered(state: &mut State, alone: bool) -> Vec<Effect> {
    let Some(Form::Command(form)) = state.form.take() else { return Vec::new() };
    let (word, rest) = command::split(form.text.value());
    if word.is_empty() {
        return Vec::new();
    }
    match Command::of(word).and_then(|command| run(state, command, rest, alone)) {
        Ok(effects) => effects,
        Err(why) => {
            state.flash = Some(why);
            // It can be mended.
            state.form = Some(Form::Command(form));
            Vec::new()
        }
    }
}

/// Does it, or says in one sentence why not.
fn run(state: &mut State, command: Command, rest: &str, alone: bool) -> Result<Vec<Effect>, String> {
    let action = match command {
        Command::Bot if rest.is_empty() => return Err("which bot? Tab completes its name".to_owned()),
        Command::Bot => return go_to(state, rest).map(|()| Vec::new()),
        Command::Act(action) => action,
    };
    match action {
        _ if rest.is_empty() => {}
        Action::Isolate | Action::Burn | Action::Retry | Action::Restore => go_to(state, rest)?,
        Action::Open => return open_incident(state, rest),
        Action::Theme => {
            keys::set_theme(state, rest);
            return Ok(Vec::new());
        }
        Action::Sort => {
            let (column, reverse) = command::column(rest)?;
            state.screen = Context::Fleet;
            list::sort(state, column, reverse);
            return Ok(Vec::new());
        }
        Action::Group => {
            let grouping = command::grouping(rest)?;
            state.screen = Context::Fleet;
            list::group(state, grouping);
            return Ok(Vec::new());
        }
        Action::Filter if state.screen != Context::Journal => {
            state.screen = Context::Fleet;
            state.fleet.filter = tui_input::Input::new(rest.to_owned());
            state.fleet.refresh(&state.snapshot);
            return Ok(Vec::new());
        }
        Action::Filter | Action::Search => {
            state.screen = Context::Journal;
            state.lines_mut().search(rest);
            return Ok(Vec::new());
        }
        Action::Note => {
            if let Some(why) = danger::disabled(state, action) {
                state.flash = Some(why);
                return Ok(danger::refused(state, action).into_iter().collect());
            }
            return Ok(vec![Effect::Note(record::incident(state), rest.to_owned())]);
        }
        _ => return Err(format!("{} takes nothing behind it", command.name())),
    }
    act(state, action, alone)
}

/// As the key would, on the screen where it means something.
fn act(state: &mut State, action: Action, alone: bool) -> Result<Vec<Effect>, String> {
    let places: Vec<Context> = keymap::DEFAULT
        .iter()
        .filter(|binding| binding.action == action)
        .flat_map(|binding| binding.contexts.iter().copied())
        .collect();
    if !places.contains(&state.screen) {
        let Some(place) = places.first() else { return Err("no key does that".to_owned()) };
        if is_asked(*place) {
            return Err(format!("that means something on the screen {} only", place.title().to_lowercase()));
        }
        state.screen = *place;
    }
    if let Some(why) = danger::disabled(state, action) {
        state.flash = Some(why);
        return Ok(danger::refused(state, action).into_iter().collect());
    }
    Ok(match action {
        // Only X itself, pressed at what the terminal has shown, fires.
        Action::Isolate => danger::isolate(state, false),
        Action::Retry => {
            state.flash = Some(format!("{} strikes it again: press it at what is shown", state.key(Action::Retry)));
            Vec::new()
        }
        _ => keys::act(state, action, alone, false),
    })
}

/// Screens that one only comes to by answering something.
const fn is_asked(place: Context) -> bool {
    matches!(place, Context::Secret | Context::Restore)
}

/// The cursor goes to a bot, also where a filter hid it.
fn go_to(state: &mut State, name: &str) -> Result<(), String> {
    let bots = &state.snapshot.bots;
    let named =
        |view: &&std::sync::Arc<crate::engine::BotView>| view.bot.name.raw() == name || view.bot.name.shown() == name;
    let Some(bot) = bots.iter().find(named).map(|view| view.bot.name.clone()) else {
        let near = command::nearest(name, bots.iter().map(|view| view.bot.name.shown()));
        return Err(unknown("bot named", name, near));
    };
    state.screen = Context::Fleet;
    state.fleet.detail = false;
    state.fleet.select(Row::Bot(bot), &state.snapshot);
    Ok(())
}

fn open_incident(state: &mut State, typed: &str) -> Result<Vec<Effect>, String> {
    if let Ok(id) = typed.parse::<IncidentId>() {
        return Ok(incidents::show(state, id));
    }
    let known = || state.incidents.rows.iter().map(|row| row.id);
    let fits: Vec<IncidentId> = known().filter(|id| id.to_string().contains(typed)).collect();
    match fits[..] {
        [id] => Ok(incidents::show(state, id)),
        [] => Err(unknown("incident", typed, command::nearest(typed, known().map(|id| id.to_string())))),
        _ => Err(format!("{} incidents have {typed} in their id: Tab shows them", fits.len())),
    }
}

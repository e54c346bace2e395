//! Why a key does nothing now. It stays listed in footer and help all the same, and says so when pressed.

use super::danger;
use crate::{
    domain::{BotState, StepState},
    tui::{
        action::{Action, Context},
        copy,
        restore::Stage,
        state::State,
        theme::Capability,
    },
};

/// Why an action cannot be done now, one sentence.
pub fn disabled(state: &State, action: Action) -> Option<String> {
    danger::disabled(state, action).or_else(|| idle(state, action))
}

/// Of what changes nothing at a provider, or asks first.
fn idle(state: &State, action: Action) -> Option<String> {
    let nothing_selected = || (state.fleet.selected.is_none()).then(|| "nothing is selected".to_owned());
    match action {
        Action::Open | Action::NextPane if state.about() == Context::Fleet => nothing_selected(),
        Action::Refresh if state.refreshing => Some("every provider is being read already".to_owned()),
        Action::ShowAll if state.loaded && !state.fleet.view.all && state.snapshot.others.is_empty() => {
            Some("every identity that was read is a bot's".to_owned())
        }
        Action::Confirm if !may_wait(state) => Some("no manual step waits for a person".to_owned()),
        Action::FalseAlarm | Action::Rotate => match state.restore.as_ref().map(|pane| &pane.stage) {
            None => Some(format!("{} on a bot comes first", state.key(Action::Restore))),
            Some(Stage::Ordered(_)) => Some("the order is on its way".to_owned()),
            Some(_) => None,
        },
        Action::Theme if state.look.capability == Capability::None => {
            Some("without colours there is one theme, mono".to_owned())
        }
        Action::Copy => copy::disabled(state),
        _ => None,
    }
}

/// Whether a manual step may wait: by the record, and by the steps of isolations that are shown, also those of other
/// processes. Until the record was read, by the states: a bot with one is neither live nor dark.
fn may_wait(state: &State) -> bool {
    if let Some(count) = state.waiting {
        let steps = || state.operations.iter().flat_map(|operation| operation.steps.values());
        return count > 0 || steps().any(|step| matches!(step.state, StepState::Manual | StepState::Attested));
    }
    let settled = |known| matches!(known, BotState::Live | BotState::Dark | BotState::DarkAt(_));
    !state.loaded || state.snapshot.bots.iter().any(|view| !settled(state.state_of(view)))
}

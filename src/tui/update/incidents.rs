//! `4`: the incidents of this host, and opening one of them.

use super::Effect;
use crate::{
    domain::IncidentId,
    tui::{
        action::Context,
        incidents::{Brief, Check, Checked},
        message::Opened,
        state::{Dirty, State},
    },
};

/// `4` was pressed: the list is read anew, what is known of it stands there meanwhile.
pub fn open(state: &mut State) -> Vec<Effect> {
    state.screen = Context::Incidents;
    refresh(state)
}

/// Reads the list, unless that is under way.
pub fn refresh(state: &mut State) -> Vec<Effect> {
    if state.incidents.reading {
        return Vec::new();
    }
    state.incidents.reading = true;
    vec![Effect::ReadIncidents]
}

/// The list was read.
pub fn read(state: &mut State, read: Result<Vec<Brief>, String>) {
    state.incidents.take(read);
    state.mark(Dirty::Now);
}

/// Opens an incident from its record.
pub fn show(state: &mut State, id: IncidentId) -> Vec<Effect> {
    state.incidents.opening = Some(id);
    state.flash = Some(format!("reading incident {id}"));
    vec![Effect::OpenIncident(id)]
}

/// Enter was pressed at the list.
pub fn enter(state: &mut State) -> Vec<Effect> {
    match state.incidents.brief().map(|brief| brief.id) {
        Some(id) => show(state, id),
        None => Vec::new(),
    }
}

/// It was read. It is shown where somebody still waits for it: never over what was turned to meanwhile.
pub fn opened(state: &mut State, id: IncidentId, opened: Opened) {
    if state.incidents.opening.take_if(|waited| *waited == id).is_none() {
        return;
    }
    state.mark(Dirty::Now);
    match opened {
        Err(why) => state.flash = Some(format!("incident {id} cannot be opened: {why}")),
        Ok(_) if state.form.is_some() || state.prompt.is_some() => {
            state.flash = Some(format!("incident {id} was read: open it again to see it"));
        }
        Ok(archive) => {
            state.flash = None;
            state.whole = None;
            state.step = None;
            state.operation_offset = 0;
            state.operation = archive.operations.last().map(|operation| operation.op);
            state.screen = if archive.operations.is_empty() { Context::Journal } else { Context::Isolation };
            state.archive = Some(*archive);
        }
    }
}

/// Puts the record away: isolation and journal show again what happens now.
pub fn close(state: &mut State) -> bool {
    let was_open = state.archive.take().is_some();
    if was_open {
        state.operation = state.operations.last().map(|operation| operation.op);
        state.operation_offset = 0;
        state.step = None;
    }
    was_open
}

/// `v` was pressed.
pub fn verify(state: &mut State) -> Vec<Effect> {
    let Some(id) = state.incidents.brief().map(|brief| brief.id) else { return Vec::new() };
    if state.incidents.check_of(id) == Check::UnderWay {
        return Vec::new();
    }
    state.incidents.note_check(id, None);
    vec![Effect::CheckIncident(id)]
}

/// It was checked.
pub fn checked(state: &mut State, id: IncidentId, checked: Checked) {
    state.incidents.note_check(id, Some(checked));
    state.mark(Dirty::Now);
}

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
    refresh(state).into_iter().chain(watch(state)).collect()
}

/// From now on a change is told, once.
fn watch(state: &mut State) -> Option<Effect> {
    let is_new = !std::mem::replace(&mut state.incidents.watched, true);
    is_new.then_some(Effect::AwaitIncidents)
}

/// Somebody has written to an incident: what is on the screen follows. Where nothing of it is, the next `4` reads it.
pub fn changed(state: &mut State) -> Vec<Effect> {
    state.incidents.watched = false;
    if !are_shown(state) {
        return Vec::new();
    }
    let open = state.archive.as_ref().map(|archive| archive.brief.id);
    // Beside what is on the screen, which says nothing of it: only what came of it is drawn.
    let mut effects = vec![Effect::ReadIncidents];
    effects.extend(open.map(Effect::FollowIncident));
    effects.extend(watch(state));
    effects
}

/// Whether anything of them is on the screen, or one of them is on its way there.
fn are_shown(state: &State) -> bool {
    state.screen == Context::Incidents || state.archive.is_some() || state.incidents.opening.is_some()
}

/// Where nothing of them is shown any more, nobody looks: an idle console costs nothing.
pub fn left(state: &mut State) -> Option<Effect> {
    let is_idle = state.incidents.watched && !are_shown(state);
    state.incidents.watched &= !is_idle;
    is_idle.then_some(Effect::LeaveIncidents)
}

/// The one that stands open was read again. Where that fails, what was read before stays.
pub fn followed(state: &mut State, id: IncidentId, read: Opened) {
    let open = state.archive.as_mut().filter(|archive| archive.brief.id == id);
    if let (Some(archive), Ok(newer)) = (open, read)
        && (archive.brief != newer.brief)
    {
        archive.follow(*newer);
        state.mark(Dirty::Soon);
    }
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
    if state.incidents.take(read) {
        state.mark(Dirty::Now);
    }
}

/// Opens an incident from its record.
pub fn show(state: &mut State, id: IncidentId) -> Vec<Effect> {
    state.incidents.opening = Some(id);
    state.flash = Some(format!("reading incident {id}"));
    std::iter::once(Effect::OpenIncident(id)).chain(watch(state)).collect()
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

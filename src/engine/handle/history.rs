//! What the journals say of isolations, this process's and others'.

use std::collections::HashMap;

use super::Engine;
use crate::domain::{BotName, IncidentId, OperationId};
use crate::journal::{Incident, JournalError, Operation, Store, fold};

impl Engine {
    /// Reads the journals again: the newest operation of each bot decides its state.
    pub(super) async fn recall(&self) {
        let (store, since) = (self.inner.store.clone(), self.inner.since);
        let read = tokio::task::spawn_blocking(move || newest_operations(&store, since)).await;
        if let Ok(operations) = read {
            let elsewhere = operations.values().filter(|operation| self.elsewhere(operation).is_some());
            self.inner.fleet.take_elsewhere(elsewhere.map(|operation| operation.bot.clone()).collect());
            self.inner.fleet.take_operations(operations);
        }
        self.inner.fleet.publish();
    }

    pub(super) fn read_incident(&self, id: IncidentId) -> Result<Incident, JournalError> {
        Ok(fold(id, &self.inner.store.read(id)?.records))
    }

    pub(super) fn incident_of(&self, op: OperationId) -> Option<IncidentId> {
        let incidents = self.inner.store.incidents().ok()?;
        let has = |id: &IncidentId| {
            self.read_incident(*id).is_ok_and(|incident| incident.operations.iter().any(|one| one.id == op))
        };
        incidents.into_iter().rev().find(has)
    }
}

pub(super) fn newest_of_each_bot(incident: Incident) -> HashMap<BotName, Operation> {
    incident.operations.into_iter().map(|operation| (operation.bot.clone(), operation)).collect()
}

/// The newest operation of each bot over all incidents that can be read.
fn newest_operations(store: &Store, since: Option<IncidentId>) -> HashMap<BotName, Operation> {
    let mut newest = HashMap::new();
    for id in store.incidents().unwrap_or_default().into_iter().filter(|id| Some(*id) >= since) {
        if let Ok(recorded) = store.read(id) {
            newest.extend(newest_of_each_bot(fold(id, &recorded.records)));
        }
    }
    newest
}

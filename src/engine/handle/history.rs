//! What the journals say of operations, this process's and others'.

use super::Engine;
use crate::domain::{IncidentId, OperationId};
use crate::engine::restore;
use crate::journal::{Incident, JournalError, Operation, fold};

impl Engine {
    /// Reads the journals again: the operation that decides each bot's state.
    pub(super) async fn recall(&self) {
        let (store, since) = (self.inner.store.clone(), self.inner.since);
        let read = tokio::task::spawn_blocking(move || restore::incidents(&store, since)).await;
        if let Ok(Ok(incidents)) = read {
            let operations = restore::deciding(&incidents);
            let isolated = operations.values().filter(|operation| operation.restores.is_none());
            let elsewhere = isolated.filter(|operation| self.elsewhere(operation).is_some());
            self.inner.fleet.take_elsewhere(elsewhere.map(|operation| operation.bot.clone()).collect());
            self.inner.fleet.take_operations(operations);
            self.inner.journal_read.send_replace(true);
        }
        self.inner.fleet.publish();
    }

    /// Every incident of this host that can be read, oldest first.
    pub(super) async fn incidents(&self) -> Result<Vec<Incident>, JournalError> {
        let (store, since) = (self.inner.store.clone(), self.inner.since);
        let read = tokio::task::spawn_blocking(move || restore::incidents(&store, since)).await;
        read.unwrap_or(Err(JournalError::Ended))
    }

    /// What is unfinished, in one incident or in all that are open: the newest operation of each bot.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn unfinished(&self, incident: Option<IncidentId>) -> Result<Vec<(IncidentId, Operation)>, JournalError> {
        if let Some(incident) = incident {
            // Says whether there is such an incident.
            self.inner.store.read(incident)?;
        }
        Ok(restore::unfinished(&restore::incidents(&self.inner.store, self.inner.since)?, incident))
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

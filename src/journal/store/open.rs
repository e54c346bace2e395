//! Journals opened for writing: one writer for each and process, whoever asks for it.

use std::{path::Path, sync::Arc};

use super::{Inner, Root, Store};
use crate::{
    domain::IncidentId,
    journal::{
        Journal, JournalError,
        commit::Places,
        disk,
        handle::{Opening, Source, Without},
        lock::Lock,
    },
};

impl Store {
    /// Opens an incident's journal for writing, or makes it. Whoever opens it in this process shares one writer.
    ///
    /// # Errors
    /// [`JournalError::Closed`] if it has ended, [`JournalError::Newer`] if only a newer estop may go on, and whatever
    /// keeps it from being written.
    pub async fn open(&self, incident: IncidentId) -> Result<Journal, JournalError> {
        self.open_any(Some(incident)).await
    }

    /// Break-glass: a journal of that incident that is kept in memory only, and says so for ever, because of an error
    /// that kept the real one from being written.
    ///
    /// # Errors
    /// None that memory can have; the signature is that of opening.
    pub fn open_in_memory(&self, incident: IncidentId, because: &JournalError) -> Result<Journal, JournalError> {
        let Inner { exercise, process, stamp, .. } = &*self.inner;
        let (exercise, process, stamp) = (exercise.clone(), process.clone(), Arc::clone(stamp));
        Ok(Journal::in_memory(Some(incident), exercise, process, stamp, Without::Disk(because.to_string())))
    }

    fn opening(&self, incident: Option<IncidentId>, source: Source) -> Opening {
        let Inner { exercise, process, stamp, records, .. } = &*self.inner;
        let (exercise, process, stamp) = (exercise.clone(), process.clone(), Arc::clone(stamp));
        Opening { incident, exercise, process, stamp, source, records: records.clone(), alarm: None }
    }

    /// Opens the host's journal: what belongs to no incident.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn host(&self) -> Result<Journal, JournalError> {
        self.open_any(None).await
    }

    async fn open_any(&self, incident: Option<IncidentId>) -> Result<Journal, JournalError> {
        let mut open = self.inner.open.lock().await;
        if let Some(journal) = open.get(&incident).filter(|journal| journal.is_usable()) {
            return journal.clone().still_open();
        }
        let source = self.source(incident);
        let mut opening = self.opening(incident, source.clone());
        // What happens to the host's own journal stands in its first line elsewhere.
        opening.alarm = incident.map(|_| self.alarm());
        let journal = match &self.inner.root {
            Root::Disk(_) => {
                let store = self.clone();
                let start = move || Journal::start(opening, store.places(&source), None);
                tokio::task::spawn_blocking(start).await.map_err(|_| JournalError::Ended)??
            }
            Root::Memory(_) => {
                let places = Places { sink: source.sink(self.inner.process.pid), spare: None, signer: None };
                Journal::start(opening, places, None)?
            }
        };
        open.insert(incident, journal.clone());
        drop(open);
        if incident.is_some() && journal.trouble().is_none() {
            self.look_back();
        }
        Ok(journal)
    }

    /// Keeps other processes from opening an incident at the same moment: who comes second finds the first one's and
    /// joins it. Waits for another process as long as for any lock, and then goes on without: two incidents are better
    /// than no isolation.
    pub(crate) async fn turn(&self) -> Turn {
        let directory = self.directory().map(Path::to_owned);
        let (pid, at) = (self.inner.process.pid, (self.inner.stamp)().0);
        let take = move || {
            let directory = directory?;
            disk::own_directory(&directory).ok()?;
            let mut lock = Lock::open(directory.join("opening.lock"), pid).ok()?;
            lock.take(&directory, at).ok()?;
            Some(lock)
        };
        Turn(tokio::task::spawn_blocking(take).await.ok().flatten())
    }

    fn places(&self, source: &Source) -> Places {
        let pid = self.inner.process.pid;
        let sink = source.sink(pid);
        Places { sink, spare: source.spare(pid), signer: Some(self.signer()) }
    }

    /// Before the process ends: signs what no checkpoint covers, in every journal that is open here.
    ///
    /// # Errors
    /// The first that could not be signed; the others are signed all the same.
    pub async fn close(&self) -> Result<(), JournalError> {
        let open: Vec<Journal> = self.inner.open.lock().await.values().cloned().collect();
        let mut failed = None;
        for journal in open {
            match journal.checkpoint().await {
                // A closed incident was signed when it was closed, and says the rest in its own words.
                Ok(_) | Err(JournalError::Closed(_) | JournalError::Newer { .. }) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// The turn to open an incident: given back when it is dropped.
pub(crate) struct Turn(Option<Lock>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lock) = &mut self.0 {
            lock.release();
        }
    }
}

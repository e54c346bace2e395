//! The signing key of the host, and what was signed with it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use super::Store;
use crate::{
    domain::IncidentId,
    journal::{
        Checkpoint, JournalError, disk,
        file::{self, Place},
        handle::Source,
        key::{self, Signer},
    },
};

/// The file of the signing key.
const KEY: &str = "key";

impl Store {
    /// The signer of this host, whose key is made with the first journal.
    pub(super) fn signer(&self) -> Result<Arc<Signer>, JournalError> {
        let mut signer = self.inner.signer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = &*signer {
            return Ok(Arc::clone(signer));
        }
        let exercise = self.inner.exercise.is_some();
        let opened = Arc::new(Signer::open(&self.key_places(), &self.inner.process.host, exercise)?);
        *signer = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Beside the journals' directory; a host that has lost that has its key in the fallback.
    pub(super) fn key_places(&self) -> Vec<PathBuf> {
        let beside = self.directory().and_then(Path::parent);
        beside.into_iter().chain(self.inner.fallback.as_deref()).map(|directory| directory.join(KEY)).collect()
    }

    /// The newest signed note of an incident's journal. `None`: there is none that can be read.
    pub fn checkpoint(&self, incident: IncidentId) -> Option<Checkpoint> {
        let Source::Files(files) = self.existing(Some(incident))? else { return None };
        let Place { directory, stem } = files.current();
        let newest = disk::segments(directory, stem).ok()?.pop()?;
        let note = disk::read(&newest.with_extension("checkpoint")).ok()??;
        Checkpoint::parse(&String::from_utf8(note).ok()?)
    }

    /// The public half of the signing key for an incident's journal, or the host's, as the note format has it. With it
    /// anybody can check that journal's notes. `Ok(None)`: nothing was signed yet.
    ///
    /// # Errors
    /// [`JournalError`] if the key cannot be read, or if others can.
    pub fn verifier_key(&self, incident: Option<IncidentId>) -> Result<Option<String>, JournalError> {
        let stem = file::stem(incident);
        let origin = key::origin(&self.inner.process.host, self.inner.exercise.is_some(), &stem);
        for place in self.key_places() {
            if let Some(key) = key::verifier_key(&place, &origin)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}

//! What there is in a state directory, and where.

use std::{
    collections::HashMap,
    ffi::OsString,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::PoisonError,
    time::SystemTime,
};

use super::{Root, Store};
use crate::{
    domain::IncidentId,
    journal::{JournalError, SinkHealth, disk, file::FALLBACK},
};

impl Store {
    /// The incidents that there are, oldest first.
    ///
    /// # Errors
    /// [`JournalError`] if the directory cannot be read, and the fallback has none either.
    pub fn incidents(&self) -> Result<Vec<IncidentId>, JournalError> {
        let mut incidents: Vec<IncidentId> = match &self.inner.root {
            Root::Disk(directory) => {
                let incidents_of = |names: &[String], end: &str| -> Vec<IncidentId> {
                    names.iter().filter_map(|name| name.strip_suffix(end)?.parse().ok()).collect()
                };
                let end = format!("{FALLBACK}.jsonl");
                let more = self.inner.fallback.as_deref().map(|path| disk::names_in(path).unwrap_or_default());
                let mut more = more.map(|names| incidents_of(&names, &end)).unwrap_or_default();
                match disk::names_in(directory) {
                    Ok(names) => more.extend(incidents_of(&names, ".jsonl")),
                    Err(error) if more.is_empty() => return Err(error),
                    Err(_) => {}
                }
                more
            }
            Root::Memory(journals) => {
                journals.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().flatten().collect()
            }
        };
        incidents.sort_unstable();
        incidents.dedup();
        Ok(incidents)
    }

    /// The newest incident that is not closed: the one that another isolation joins.
    ///
    /// # Errors
    /// [`JournalError`] if the directory or a journal cannot be read.
    pub fn open_incident(&self) -> Result<Option<IncidentId>, JournalError> {
        for incident in self.incidents()?.into_iter().rev() {
            if !self.read(incident)?.is_closed() {
                return Ok(Some(incident));
            }
        }
        Ok(None)
    }

    /// A number that changes when anybody, of whatever process, has written to an incident. `None` of it is read.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match &self.inner.root {
            Root::Disk(directory) => {
                let fallback = self.inner.fallback.as_deref();
                let directories = [Some(directory.as_path()), fallback].into_iter().flatten();
                for entry in directories.filter_map(|one| std::fs::read_dir(one).ok()).flatten().flatten() {
                    // The host's journal says nothing of operations.
                    let name = entry.file_name();
                    if name.to_string_lossy().ends_with(".jsonl") && name != "host.jsonl" {
                        (name, entry.metadata().map_or(0, |meta| meta.len())).hash(&mut hasher);
                    }
                }
            }
            Root::Memory(journals) => {
                let journals = journals.lock().unwrap_or_else(PoisonError::into_inner);
                for (incident, sink) in journals.iter().filter(|(incident, _)| incident.is_some()) {
                    let bytes: usize = sink.memory().segments.iter().map(Vec::len).sum();
                    (incident.map(|incident| incident.to_string()), bytes).hash(&mut hasher);
                }
            }
        }
        hasher.finish()
    }

    /// A number for each incident, which changes when anybody has written to it: of the names, lengths and times of its
    /// files, without a byte of them read. An incident without one is to be read anew.
    pub fn stamps(&self) -> HashMap<IncidentId, u64> {
        let mut files_of: HashMap<IncidentId, Vec<(OsString, u64, Option<SystemTime>)>> = HashMap::new();
        let Some(directory) = self.directory() else { return HashMap::new() };
        let directories = [Some(directory), self.inner.fallback.as_deref()].into_iter().flatten();
        for entry in directories.filter_map(|one| std::fs::read_dir(one).ok()).flatten().flatten() {
            let name = entry.file_name();
            let id = name.to_string_lossy().split('.').next().and_then(|stem| stem.parse().ok());
            if let (Some(id), Ok(meta)) = (id, entry.metadata()) {
                files_of.entry(id).or_default().push((name, meta.len(), meta.modified().ok()));
            }
        }
        let stamp = |mut files: Vec<_>| {
            files.sort_unstable();
            let mut hasher = DefaultHasher::new();
            files.hash(&mut hasher);
            hasher.finish()
        };
        files_of.into_iter().map(|(id, files)| (id, stamp(files))).collect()
    }

    /// Where an incident's journal is, or would be: where its lines go now.
    pub fn path(&self, incident: IncidentId) -> PathBuf {
        let files = self.directory().map(|directory| self.files(directory, Some(incident)));
        files.map_or_else(PathBuf::new, |files| files.current().segment(0))
    }

    /// Whether a file lies in one of this store's places.
    pub fn is_of_this_store(&self, file: &Path) -> bool {
        let parent = |path: &Path| path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
        let places = self.directory().into_iter().chain(self.inner.fallback.as_deref());
        let mut places = places.filter_map(|place| place.canonicalize().ok());
        parent(file).is_some_and(|parent| places.any(|place| place == parent))
    }

    /// The places to record: the primary and, where one is configured, the fallback. Each is tried.
    ///
    /// Blocks for as long as a few small files take.
    pub fn sinks(&self) -> Vec<SinkHealth> {
        let Some(directory) = self.directory() else { return Vec::new() };
        let host = self.files(directory, None).primary.segment(0);
        let primary = SinkHealth::of(directory, Some(&host));
        let fallback = self.inner.fallback.as_deref().map(|fallback| SinkHealth::of(fallback, None).beside(directory));
        std::iter::once(primary).chain(fallback).collect()
    }
}

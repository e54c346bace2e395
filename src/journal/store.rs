//! One state directory with the journals in it.
//!
//! ```text
//! Store ─┬─ open, host ─▶ Journal: one a process and file, shared by all who ask      open
//!        ├─ read ───────▶ Recorded: what is there, without a lock
//!        └─ incidents, path, sinks: what there is and where                           listing
//! ```

mod changes;
mod listing;
mod loss;
mod open;
mod signing;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use changes::Changes;
use tokio::sync::broadcast;

use super::{
    Journal, JournalError, Process, Record, Recorded, Stamp,
    file::{Pace, Place, stem},
    handle::{Files, Source},
    key::Signer,
    recorded::Health,
    sink::MemorySink,
};
use crate::domain::IncidentId;

/// Records that a follower may lag behind before it loses some.
const FOLLOW: usize = 8192;
/// How often a file is read again that ends torn: somebody may be writing at this moment.
const LOOKS: usize = 3;

/// The journals of one state directory: of real incidents, or of exercises, never both. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: Root,
    exercise: Option<String>,
    stamp: Stamp,
    process: Process,
    records: broadcast::Sender<Arc<Record>>,
    /// Where journals go on when the primary place is lost.
    fallback: Option<PathBuf>,
    /// The primary's disk, for measurements.
    pace: Pace,
    /// Who signs checkpoints, once there was something to sign.
    signer: Mutex<Option<Arc<Signer>>>,
    /// Whether it has been looked whether the primary place is back.
    looked_back: AtomicBool,
    /// What is open in this process. Held while something is opened, so that each has one writer; and kept, so that a
    /// poisoned one is never opened anew.
    open: tokio::sync::Mutex<HashMap<Option<IncidentId>, Journal>>,
}

enum Root {
    Disk(PathBuf),
    Memory(Mutex<BTreeMap<Option<IncidentId>, MemorySink>>),
}

impl Store {
    /// On disk, under a state directory. With an exercise's name: that scenario's journals, which live apart.
    pub fn at(state_dir: impl Into<PathBuf>, exercise: Option<String>, stamp: Stamp, process: Process) -> Self {
        let mut directory: PathBuf = state_dir.into();
        if exercise.is_some() {
            directory.push("exercise");
        }
        directory.push("journal");
        Self::new(Root::Disk(directory), exercise, stamp, process)
    }

    /// In memory, for tests: the same lines, gone with the store.
    pub fn in_memory(exercise: Option<String>, stamp: Stamp, process: Process) -> Self {
        Self::new(Root::Memory(Mutex::default()), exercise, stamp, process)
    }

    fn new(root: Root, exercise: Option<String>, stamp: Stamp, process: Process) -> Self {
        let inner = Inner {
            root,
            exercise,
            stamp,
            process,
            records: broadcast::Sender::new(FOLLOW),
            fallback: None,
            pace: Pace::default(),
            signer: Mutex::default(),
            looked_back: AtomicBool::new(false),
            open: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// With a directory on another file system, where journals go on when theirs is lost.
    ///
    /// # Panics
    /// If the store is shared already: its journals may be open.
    pub fn with_fallback(mut self, directory: Option<PathBuf>) -> Self {
        Arc::get_mut(&mut self.inner).expect("a store is set up before it is shared").fallback = directory;
        self
    }

    /// On a disk whose syncs take so much longer: for measurements.
    ///
    /// # Panics
    /// If the store is shared already.
    #[doc(hidden)]
    pub fn slowed_by(mut self, delay: Duration) -> Self {
        Arc::get_mut(&mut self.inner).expect("a store is set up before it is shared").pace.delay = delay;
        self
    }

    /// How often the primary's journals were synced: for measurements.
    #[doc(hidden)]
    pub fn syncs(&self) -> u64 {
        self.inner.pace.syncs.load(Ordering::Relaxed)
    }

    /// Reads an incident's journal, without a lock.
    ///
    /// # Errors
    /// [`JournalError::Missing`], or what the system says. Damage is no error: it is in [`Recorded::health`].
    pub fn read(&self, incident: IncidentId) -> Result<Recorded, JournalError> {
        let recorded = self.read_source(Some(incident))?;
        if recorded.paths.is_empty() { Err(JournalError::Missing(incident)) } else { Ok(recorded) }
    }

    /// Reads the host's journal; empty where there is none.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub fn read_host(&self) -> Result<Recorded, JournalError> {
        self.read_source(None)
    }

    fn read_source(&self, incident: Option<IncidentId>) -> Result<Recorded, JournalError> {
        let Some(source) = self.existing(incident) else { return Ok(Recorded::from_segments(Vec::new())) };
        let mut recorded = source.read()?;
        for _ in 1..LOOKS {
            if !matches!(recorded.health, Health::Torn { .. }) {
                break;
            }
            recorded = source.read()?;
        }
        Ok(recorded)
    }

    /// The process that writes here.
    pub fn process(&self) -> uuid::Uuid {
        self.inner.process.id
    }

    /// The directory of the journals; `None` in memory.
    pub fn directory(&self) -> Option<&Path> {
        match &self.inner.root {
            Root::Disk(directory) => Some(directory),
            Root::Memory(_) => None,
        }
    }

    /// Every record that this process makes durable from now on, of any incident and of the host.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.inner.records.subscribe()
    }

    /// Where a journal goes that may not be there yet.
    fn source(&self, incident: Option<IncidentId>) -> Source {
        match &self.inner.root {
            Root::Disk(directory) => Source::Files(self.files(directory, incident)),
            Root::Memory(journals) => {
                let mut journals = journals.lock().unwrap_or_else(PoisonError::into_inner);
                Source::Memory(journals.entry(incident).or_default().clone())
            }
        }
    }

    fn existing(&self, incident: Option<IncidentId>) -> Option<Source> {
        match &self.inner.root {
            Root::Disk(directory) => Some(Source::Files(self.files(directory, incident))),
            Root::Memory(journals) => {
                let journals = journals.lock().unwrap_or_else(PoisonError::into_inner);
                journals.get(&incident).cloned().map(Source::Memory)
            }
        }
    }

    fn files(&self, directory: &Path, incident: Option<IncidentId>) -> Files {
        let primary = Place { directory: directory.to_owned(), stem: stem(incident) };
        let fallback = self.inner.fallback.as_deref().map(|directory| primary.fallback(directory));
        Files { primary, fallback, pace: self.inner.pace.clone() }
    }
}

//! One state directory with the journals in it.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::broadcast;

use super::{
    Journal, JournalError, Process, Record, Recorded, Stamp, disk,
    file::Place,
    handle::{Opening, Shared, Source, Without},
    lock::Lock,
    recorded::Health,
    sink::MemorySink,
};
use crate::domain::IncidentId;

/// Records that a follower may lag behind before it loses some.
const FOLLOW: usize = 8192;
/// The host's journal.
const HOST: &str = "host";
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
    /// What is open in this process. Held while something is opened, so that each has one writer.
    open: tokio::sync::Mutex<HashMap<Option<IncidentId>, Weak<Shared>>>,
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
        let records = broadcast::Sender::new(FOLLOW);
        Self { inner: Arc::new(Inner { root, exercise, stamp, process, records, open: tokio::sync::Mutex::default() }) }
    }

    /// The incidents that there are, oldest first.
    ///
    /// # Errors
    /// [`JournalError`] if the directory cannot be read.
    pub fn incidents(&self) -> Result<Vec<IncidentId>, JournalError> {
        let mut incidents: Vec<IncidentId> = match &self.inner.root {
            Root::Disk(directory) => {
                disk::names_in(directory)?.iter().filter_map(|name| name.strip_suffix(".jsonl")?.parse().ok()).collect()
            }
            Root::Memory(journals) => {
                journals.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().flatten().collect()
            }
        };
        incidents.sort_unstable();
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

    /// Opens an incident's journal for writing, or makes it. Whoever opens it in this process shares one writer.
    ///
    /// # Errors
    /// [`JournalError::Closed`] if it has ended, [`JournalError::Newer`] if only a newer estop may go on, and whatever
    /// keeps it from being written.
    pub async fn open(&self, incident: IncidentId) -> Result<Journal, JournalError> {
        self.open_any(Some(incident)).await
    }

    /// Break-glass: a journal of that incident that is kept in memory only, and says so for ever, because of an error
    /// that kept the real one from being opened.
    ///
    /// # Errors
    /// None that memory can have; the signature is that of opening.
    pub fn open_in_memory(&self, incident: IncidentId, because: &JournalError) -> Result<Journal, JournalError> {
        let sink = MemorySink::default();
        let opening = Opening {
            incident: Some(incident),
            exercise: self.inner.exercise.clone(),
            process: self.inner.process.clone(),
            stamp: Arc::clone(&self.inner.stamp),
            source: Source::Memory(sink.clone()),
            // Followers are told what is durable: nothing of this is.
            records: broadcast::Sender::new(1),
        };
        Journal::start(opening, Box::new(sink), Some(Without::Disk(because.to_string())))
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
        if let Some(journal) = open.get(&incident).and_then(Journal::upgrade) {
            return journal.still_open();
        }
        let source = self.source(incident);
        let opening = Opening {
            incident,
            exercise: self.inner.exercise.clone(),
            process: self.inner.process.clone(),
            stamp: Arc::clone(&self.inner.stamp),
            source: source.clone(),
            records: self.inner.records.clone(),
        };
        let pid = self.inner.process.pid;
        let start = move || Journal::start(opening, source.sink(pid)?, None);
        let journal = match &self.inner.root {
            Root::Disk(_) => tokio::task::spawn_blocking(start).await.map_err(|_| JournalError::Ended)??,
            Root::Memory(_) => start()?,
        };
        open.insert(incident, journal.downgrade());
        Ok(journal)
    }

    /// The process that writes here.
    pub fn process(&self) -> uuid::Uuid {
        self.inner.process.id
    }

    /// A number that changes when anybody, of whatever process, has written to an incident. `None` of it is read.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        match &self.inner.root {
            Root::Disk(directory) => {
                for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
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

    /// Keeps other processes from opening an incident at the same moment: who comes second finds the first one's and
    /// joins it. Waits for another process as long as for any lock, and then goes on without: two incidents are better
    /// than no isolation.
    pub(crate) async fn opening(&self) -> Turn {
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

    /// Where an incident's journal is, or would be.
    pub fn path(&self, incident: IncidentId) -> PathBuf {
        self.directory().map_or_else(PathBuf::new, |directory| place(directory, Some(incident)).segment(0))
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
            Root::Disk(directory) => Source::Files(place(directory, incident)),
            Root::Memory(journals) => {
                let mut journals = journals.lock().unwrap_or_else(PoisonError::into_inner);
                Source::Memory(journals.entry(incident).or_default().clone())
            }
        }
    }

    fn existing(&self, incident: Option<IncidentId>) -> Option<Source> {
        match &self.inner.root {
            Root::Disk(directory) => Some(Source::Files(place(directory, incident))),
            Root::Memory(journals) => {
                let journals = journals.lock().unwrap_or_else(PoisonError::into_inner);
                journals.get(&incident).cloned().map(Source::Memory)
            }
        }
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

fn place(directory: &Path, incident: Option<IncidentId>) -> Place {
    let stem = incident.map_or_else(|| HOST.to_owned(), |incident| incident.to_string());
    Place { directory: directory.to_owned(), stem }
}

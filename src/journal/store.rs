//! One state directory with the journals in it.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::broadcast;

use super::{
    Body, Checkpoint, Entry, Journal, JournalError, Process, Record, Recorded, SinkHealth, Stamp,
    commit::Places,
    disk,
    file::{FALLBACK, Pace, Place},
    handle::{Files, Opening, Source, Without},
    key::{self, Signer},
    lock::Lock,
    recorded::Health,
    sink::MemorySink,
    writer::Alarm,
};
use crate::domain::IncidentId;

/// Records that a follower may lag behind before it loses some.
const FOLLOW: usize = 8192;
/// The host's journal.
const HOST: &str = "host";
/// The file of the signing key.
const KEY: &str = "key";
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
    /// that kept the real one from being written.
    ///
    /// # Errors
    /// None that memory can have; the signature is that of opening.
    pub fn open_in_memory(&self, incident: IncidentId, because: &JournalError) -> Result<Journal, JournalError> {
        let sink = MemorySink::default();
        // Followers are told what is durable: nothing of this is.
        let records = broadcast::Sender::new(1);
        let opening = self.opening(Some(incident), Source::Memory(sink.clone()), records);
        Journal::start(opening, Places::only(sink), Some(Without::Disk(because.to_string())))
    }

    fn opening(
        &self,
        incident: Option<IncidentId>,
        source: Source,
        records: broadcast::Sender<Arc<Record>>,
    ) -> Opening {
        let Inner { exercise, process, stamp, .. } = &*self.inner;
        let (exercise, process, stamp) = (exercise.clone(), process.clone(), Arc::clone(stamp));
        Opening { incident, exercise, process, stamp, source, records, alarm: None }
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
        let mut opening = self.opening(incident, source.clone(), self.inner.records.clone());
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

    /// The signer of this host, whose key is made with the first journal.
    fn signer(&self) -> Result<Arc<Signer>, JournalError> {
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
    fn key_places(&self) -> Vec<PathBuf> {
        let beside = self.directory().and_then(Path::parent);
        beside.into_iter().chain(self.inner.fallback.as_deref()).map(|directory| directory.join(KEY)).collect()
    }

    /// Tells the host's journal of a lost place.
    fn alarm(&self) -> Alarm {
        let (inner, runtime) = (Arc::downgrade(&self.inner), tokio::runtime::Handle::current());
        Arc::new(move |what| {
            let Some(inner) = inner.upgrade() else { return };
            runtime.spawn(async move {
                // Where the host's journal cannot be written either, the incident's and the screen say it.
                if let Ok(host) = (Self { inner }).host().await {
                    host.append(Entry::general(Body::SinkLost { what }));
                }
            });
        })
    }

    /// Once a process: if the primary place was lost before and takes records again, the host's journal says so.
    fn look_back(&self) {
        if self.inner.fallback.is_none() || self.inner.looked_back.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            let reader = store.clone();
            let Ok(Ok(recorded)) = tokio::task::spawn_blocking(move || reader.read_host()).await else { return };
            let last =
                recorded.records.iter().rev().filter_map(|record| record.body.known()).find_map(|body| match body {
                    Body::SinkLost { .. } => Some(true),
                    Body::SinkRegained { .. } => Some(false),
                    _ => None,
                });
            let directory = store.directory().map(Path::to_owned).unwrap_or_default();
            if last == Some(true)
                && let Ok(host) = store.host().await
                && host.trouble().is_none()
            {
                host.append(Entry::general(Body::SinkRegained { what: directory.display().to_string() }));
            }
        });
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
        let stem = incident.map_or_else(|| HOST.to_owned(), |incident| incident.to_string());
        let origin = key::origin(&self.inner.process.host, self.inner.exercise.is_some(), &stem);
        for place in self.key_places() {
            if let Some(key) = key::verifier_key(&place, &origin)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
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
        let stem = incident.map_or_else(|| HOST.to_owned(), |incident| incident.to_string());
        let primary = Place { directory: directory.to_owned(), stem };
        let fallback = self.inner.fallback.as_deref().map(|directory| primary.fallback(directory));
        Files { primary, fallback, pace: self.inner.pace.clone() }
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

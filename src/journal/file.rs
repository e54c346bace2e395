//! The sink on a local disk: `STEM.jsonl` and its further segments.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::Timestamp;

use super::{
    JournalError, Recorded,
    disk::{self, Access},
    lock::Lock,
    sink::{Sink, Spare},
};
use crate::domain::IncidentId;

/// What a name has between the incident and `.jsonl` in the fallback directory.
pub(super) const FALLBACK: &str = ".fallback";

/// The common beginning of a journal's files: the incident, or the host.
pub(super) fn stem(incident: Option<IncidentId>) -> String {
    incident.map_or_else(|| "host".to_owned(), |incident| incident.to_string())
}

/// Where a journal's files are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Their directory.
    pub(super) directory: PathBuf,
    /// Their common beginning: that of [`stem`], and more in the fallback.
    pub(super) stem: String,
}

impl Place {
    /// A segment's path.
    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.directory.join(match number {
            0 => format!("{}.jsonl", self.stem),
            number => format!("{}.{number}.jsonl", self.stem),
        })
    }

    /// Where the same journal goes on, in a directory on another file system.
    pub(super) fn fallback(&self, directory: &Path) -> Self {
        Self { directory: directory.to_owned(), stem: format!("{}{FALLBACK}", self.stem) }
    }

    /// Whether it has a line, or the beginning of one.
    pub(super) fn is_begun(&self) -> bool {
        fs::symlink_metadata(self.segment(0)).is_ok_and(|found| found.len() > 0)
    }

    /// The lines that there are. A journal of one file, as every undamaged one is, is never in memory as a whole.
    pub(super) fn recorded(&self) -> Result<Recorded, JournalError> {
        if let [path] = disk::segments(&self.directory, &self.stem)?.as_slice()
            && let Some((file, length)) = disk::open_whole(path)?
            && let Some(recorded) = Recorded::sound(path, &file, length)
        {
            return Ok(recorded);
        }
        self.read().map(Recorded::from_segments)
    }

    /// The segments that there are, read whole, oldest first.
    pub(super) fn read(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, JournalError> {
        let paths = disk::segments(&self.directory, &self.stem)?;
        let read = |path: PathBuf| Ok(disk::read(&path)?.map(|bytes| (path, bytes)));
        paths.into_iter().filter_map(|path| read(path).transpose()).collect()
    }
}

/// A journal's files, the newest segment open.
#[derive(Debug)]
pub(super) struct FileSink {
    place: Place,
    lock: Lock,
    number: u64,
    path: PathBuf,
    file: File,
    pace: Pace,
}

/// A slower disk, and how often it was synced: for measurements.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// How much longer a sync takes than it does.
    pub(super) delay: Duration,
    /// Syncs so far.
    pub(super) syncs: Arc<AtomicU64>,
}

/// The further journal in the fallback directory.
#[derive(Debug)]
pub(super) struct FileSpare {
    /// The journal that it follows.
    pub(super) primary: Place,
    /// Its own files.
    pub(super) place: Place,
    /// For the lock.
    pub(super) pid: u32,
}

impl Spare for FileSpare {
    fn path(&self) -> PathBuf {
        self.place.segment(0)
    }

    fn begun(&self) -> bool {
        self.place.is_begun()
    }

    fn former(&self) -> Vec<Vec<u8>> {
        let paths = disk::segments(&self.primary.directory, &self.primary.stem).unwrap_or_default();
        paths.iter().filter_map(|path| disk::read(path).ok().flatten()).collect()
    }

    fn open(&self) -> Result<Box<dyn Sink>, JournalError> {
        Ok(Box::new(FileSink::open(self.place.clone(), self.pid, Pace::default())?))
    }
}

impl FileSink {
    /// Opens the newest segment. Where there is none, the first is made, and synced with its directory.
    pub(super) fn open(place: Place, pid: u32, measured: Pace) -> Result<Self, JournalError> {
        disk::own_directory(&place.directory)?;
        let lock = Lock::open(place.directory.join(format!("{}.lock", place.stem)), pid)?;
        let path = place.segment(0);
        if !path.exists() && place.segment(1).exists() {
            return Err(JournalError::Altered { path, what: "it is gone, and its next segment is not".to_owned() });
        }
        let file = disk::open_or_create(&path, Access::Append)?;
        let mut sink = Self { place, lock, number: 0, path, file, pace: measured };
        sink.move_on()?;
        Ok(sink)
    }

    fn error(&self, what: &'static str) -> impl Fn(io::Error) -> JournalError {
        let path = self.path.clone();
        move |error| JournalError::io(what, &path, &error)
    }
}

impl Sink for FileSink {
    fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&mut self, at: Timestamp) -> Result<(), JournalError> {
        self.lock.take(&self.path, at)
    }

    fn unlock(&mut self) {
        self.lock.release();
    }

    fn move_on(&mut self) -> Result<bool, JournalError> {
        let mut moved = false;
        while let Some(file) = disk::open(&self.place.segment(self.number + 1), Access::Append)? {
            self.number += 1;
            self.path = self.place.segment(self.number);
            self.file = file;
            moved = true;
        }
        Ok(moved)
    }

    fn former(&mut self) -> Result<Vec<Vec<u8>>, JournalError> {
        (0..self.number).filter_map(|number| disk::read(&self.place.segment(number)).transpose()).collect()
    }

    fn len(&mut self) -> Result<u64, JournalError> {
        if !disk::names(&self.path, &self.file).map_err(self.error("look at"))? {
            let what = "its name means another file now".to_owned();
            return Err(JournalError::Altered { path: self.path.clone(), what });
        }
        let length = self.file.metadata().map_err(self.error("look at"))?.len();
        disk::check_size(&self.path, length)?;
        Ok(length)
    }

    fn read_from(&mut self, offset: u64) -> Result<Vec<u8>, JournalError> {
        let length = self.file.metadata().map_err(self.error("look at"))?.len();
        let mut bytes = vec![0; usize::try_from(length.saturating_sub(offset)).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, offset).map_err(self.error("read"))?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        if written == bytes.len() {
            return Ok(());
        }
        // A full disk writes short first and says why only when asked once more.
        let why = self.file.write_all(&bytes[written..]).err();
        Err(why.unwrap_or_else(|| io::Error::other(format!("only {written} of {} bytes were written", bytes.len()))))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.pace.syncs.fetch_add(1, Ordering::Relaxed);
        if !self.pace.delay.is_zero() {
            thread::sleep(self.pace.delay);
        }
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn set_aside(&mut self, offset: u64, bytes: &[u8]) -> Result<(), JournalError> {
        let stem = self.path.with_extension("");
        let name = |more: &str| {
            let mut name = stem.clone().into_os_string();
            name.push(format!(".torn.{offset}{more}"));
            PathBuf::from(name)
        };
        let mut path = name("");
        for number in 1.. {
            if disk::create_with(&path, bytes)? {
                return Ok(());
            }
            // The same place was torn before: by a process that died at this very point, or in writing `recovered`.
            if disk::read(&path)?.as_deref() == Some(bytes) {
                return Ok(());
            }
            path = name(&format!(".{number}"));
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        let path = self.place.segment(self.number + 1);
        disk::create(&path, Access::Append)?;
        self.move_on().map(drop)
    }

    fn keep_checkpoint(&mut self, note: &str) -> Result<(), JournalError> {
        disk::replace(&self.path.with_extension("checkpoint"), note.as_bytes())
    }

    fn blocks(&self) -> bool {
        true
    }
}

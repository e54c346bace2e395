//! Where lines become durable.
//!
//! The writer knows no files: it locks, appends, syncs. A second place on another file system, or a remote anchor,
//! would be another [`Sink`].

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::JournalError;

/// One chain of segments, of which the newest is open.
pub(super) trait Sink: Send {
    /// Its name, for people: the path of the open segment.
    fn path(&self) -> &Path;

    /// Keeps other processes out, within a time limit. `at` is told to those who wait.
    fn lock(&mut self, at: Timestamp) -> Result<(), JournalError>;

    /// Lets them in again.
    fn unlock(&mut self);

    /// Opens the newest segment if another process has begun one; whether it has.
    fn move_on(&mut self) -> Result<bool, JournalError>;

    /// The segments before the open one, oldest first.
    fn former(&mut self) -> Result<Vec<Vec<u8>>, JournalError>;

    /// How long the open segment is, after a look whether its name still means it.
    fn len(&mut self) -> Result<u64, JournalError>;

    /// What it holds from an offset on.
    fn read_from(&mut self, offset: u64) -> Result<Vec<u8>, JournalError>;

    /// Writes at the end, in one call. A short write is an error; what of it was written stays for `truncate`.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was appended durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the open segment.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Keeps bytes beside the journal, durable once returned, before they are cut off.
    fn set_aside(&mut self, offset: u64, bytes: &[u8]) -> Result<(), JournalError>;

    /// Begins the next segment, durable once returned, and opens it.
    fn begin_segment(&mut self) -> Result<(), JournalError>;

    /// Keeps the newest signed note beside the open segment, durable once returned.
    fn keep_checkpoint(&mut self, note: &str) -> Result<(), JournalError>;

    /// Whether its calls may block for long: then they run beside the executor.
    fn blocks(&self) -> bool;
}

/// Where a journal goes on once its sink is lost.
pub(super) trait Spare: Send {
    /// Its name, for people.
    fn path(&self) -> PathBuf;

    /// Whether somebody has gone on there already.
    fn begun(&self) -> bool;

    /// What can still be read of the segments that it follows, oldest first.
    fn former(&self) -> Vec<Vec<u8>>;

    /// Opens it, or makes it.
    fn open(&self) -> Result<Box<dyn Sink>, JournalError>;
}

/// Segments in memory: tests, and break-glass without a disk.
#[derive(Debug, Clone, Default)]
pub(super) struct MemorySink {
    state: Arc<Mutex<Memory>>,
    open: usize,
}

/// What a [`MemorySink`] holds; shared by its clones.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The segments.
    pub(super) segments: Vec<Vec<u8>>,
    /// What was set aside, by segment and offset.
    pub(super) aside: Vec<(usize, u64, Vec<u8>)>,
    /// The newest signed note.
    pub(super) checkpoint: Option<String>,
}

impl MemorySink {
    /// The shared bytes.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        let mut memory = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.segments.is_empty() {
            memory.segments.push(Vec::new());
        }
        memory
    }
}

impl Sink for MemorySink {
    fn path(&self) -> &Path {
        Path::new("(memory)")
    }

    fn lock(&mut self, _at: Timestamp) -> Result<(), JournalError> {
        Ok(())
    }

    fn unlock(&mut self) {}

    fn move_on(&mut self) -> Result<bool, JournalError> {
        let newest = self.memory().segments.len() - 1;
        Ok(std::mem::replace(&mut self.open, newest) != newest)
    }

    fn former(&mut self) -> Result<Vec<Vec<u8>>, JournalError> {
        Ok(self.memory().segments[..self.open].to_vec())
    }

    fn len(&mut self) -> Result<u64, JournalError> {
        Ok(self.memory().segments[self.open].len() as u64)
    }

    fn read_from(&mut self, offset: u64) -> Result<Vec<u8>, JournalError> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.memory().segments[self.open].get(offset..).unwrap_or_default().to_vec())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.memory().segments[self.open].extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.memory().segments[self.open].truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    fn set_aside(&mut self, offset: u64, bytes: &[u8]) -> Result<(), JournalError> {
        let open = self.open;
        self.memory().aside.push((open, offset, bytes.to_vec()));
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        self.memory().segments.push(Vec::new());
        self.move_on().map(drop)
    }

    fn keep_checkpoint(&mut self, note: &str) -> Result<(), JournalError> {
        self.memory().checkpoint = Some(note.to_owned());
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }
}

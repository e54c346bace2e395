//! The lock of one journal: held for milliseconds, waited for within a limit, and it names its holder.
//!
//! It is `flock` on a file beside the journal: the system takes it back when its holder dies. Local file systems only.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    JournalError,
    disk::{self, Access},
    error::Holder,
};

/// How long a process waits for another: a commit takes milliseconds, so a holder of seconds is stopped or stuck.
const LIMIT: Duration = Duration::from_secs(2);
/// The first waits are short: a holder is mostly in the middle of a sync.
const FIRST_WAIT: Duration = Duration::from_micros(200);
/// And never longer than this.
const LONGEST_WAIT: Duration = Duration::from_millis(10);
/// Bytes that name the holder, padded: one write replaces them.
const NOTE: usize = 96;

/// What is written in the lock's file.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    since: Timestamp,
}

/// A lock on a file of its own.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
    pid: u32,
}

impl Lock {
    /// Opens the lock's file, without locking.
    pub(super) fn open(path: PathBuf, pid: u32) -> Result<Self, JournalError> {
        let file = disk::open_or_create(&path, Access::Write)?;
        Ok(Self { path, file, pid })
    }

    /// Locks. `journal` is what the error names.
    pub(super) fn take(&mut self, journal: &Path, at: Timestamp) -> Result<(), JournalError> {
        let began = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            match self.file.try_lock() {
                Ok(()) if disk::names(&self.path, &self.file).unwrap_or(false) => break,
                // Somebody has put another file in its place: a lock on this one keeps nobody out.
                Ok(()) => self.file = disk::open_or_create(&self.path, Access::Write)?,
                Err(TryLockError::WouldBlock) if began.elapsed() < LIMIT => {
                    thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(JournalError::Locked { path: journal.to_owned(), holder: self.holder() });
                }
                Err(TryLockError::Error(error)) => return Err(JournalError::io("lock", &self.path, &error)),
            }
        }
        self.sign(at);
        Ok(())
    }

    /// Unlocks. Nothing is lost where that fails: the system takes the lock back with the file.
    pub(super) fn release(&mut self) {
        let _ = self.file.unlock();
    }

    /// Says who holds it: for those who wait now, so it is neither synced nor worth failing for.
    fn sign(&self, since: Timestamp) {
        let note = serde_json::to_string(&Note { pid: self.pid, since }).unwrap_or_default();
        let note = format!("{note:<width$}\n", width = NOTE - 1);
        let _ = self.file.write_all_at(note.as_bytes(), 0);
    }

    fn holder(&self) -> Holder {
        let mut note = [0; NOTE];
        let read = self.file.read_at(&mut note, 0).unwrap_or(0);
        let note = serde_json::Deserializer::from_slice(&note[..read]).into_iter::<Note>().next();
        match note {
            Some(Ok(note)) => Holder { pid: Some(note.pid), since: Some(note.since) },
            _ => Holder::default(),
        }
    }
}

//! A disk in memory whose every call can be made to fail, and another place beside it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::journal::{
    JournalError,
    sink::{MemorySink, Sink, Spare},
};

/// How a disk fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// One call, then never again: as the kernel forgets a failed sync.
    Once,
    /// From that call on.
    ForGood,
    /// One append writes half of its bytes.
    Short,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) made: usize,
    pub(super) fired: bool,
    /// Appends and syncs after the first failed one.
    pub(super) after: usize,
}

/// A disk in memory whose call of a number fails.
#[derive(Debug, Clone)]
pub(super) struct Faulty {
    pub(super) memory: MemorySink,
    pub(super) calls: Arc<Mutex<Calls>>,
    pub(super) at: usize,
    pub(super) fault: Fault,
}

impl Faulty {
    pub(super) fn new(at: usize, fault: Fault) -> Self {
        Self { memory: MemorySink::default(), calls: Arc::default(), at, fault }
    }

    pub(super) fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this call fails.
    fn call(&self, writes: bool) -> io::Result<()> {
        let mut calls = self.calls();
        calls.made += 1;
        calls.after += usize::from(calls.fired && writes);
        let now = match self.fault {
            Fault::ForGood => calls.made >= self.at,
            Fault::Once | Fault::Short => calls.made == self.at,
        };
        calls.fired |= now;
        if now { Err(io::Error::other("input/output error")) } else { Ok(()) }
    }

    fn told(&self) -> Result<(), JournalError> {
        self.call(false).map_err(|error| JournalError::io("use", Path::new("faulty"), &error))
    }
}

impl Sink for Faulty {
    fn path(&self) -> &Path {
        Path::new("faulty")
    }

    fn lock(&mut self, at: Timestamp) -> Result<(), JournalError> {
        self.told()?;
        self.memory.lock(at)
    }

    fn unlock(&mut self) {}

    fn move_on(&mut self) -> Result<bool, JournalError> {
        self.told()?;
        self.memory.move_on()
    }

    fn former(&mut self) -> Result<Vec<Vec<u8>>, JournalError> {
        self.told()?;
        self.memory.former()
    }

    fn len(&mut self) -> Result<u64, JournalError> {
        self.told()?;
        self.memory.len()
    }

    fn read_from(&mut self, offset: u64) -> Result<Vec<u8>, JournalError> {
        self.told()?;
        self.memory.read_from(offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.call(true) {
            if self.fault == Fault::Short {
                self.memory.append(&bytes[..bytes.len() / 2])?;
            }
            return Err(error);
        }
        self.memory.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call(true)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.call(false)?;
        self.memory.truncate(len)
    }

    fn set_aside(&mut self, offset: u64, bytes: &[u8]) -> Result<(), JournalError> {
        self.told()?;
        self.memory.set_aside(offset, bytes)
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        self.told()?;
        self.memory.begin_segment()
    }

    fn keep_checkpoint(&mut self, note: &str) -> Result<(), JournalError> {
        self.told()?;
        self.memory.keep_checkpoint(note)
    }

    fn blocks(&self) -> bool {
        false
    }
}

/// Another place, in memory, that may fail as well.
pub(super) struct Elsewhere {
    pub(super) primary: MemorySink,
    pub(super) sink: Faulty,
}

impl Spare for Elsewhere {
    fn path(&self) -> PathBuf {
        "elsewhere".into()
    }

    fn begun(&self) -> bool {
        !self.sink.memory.memory().segments[0].is_empty()
    }

    fn former(&self) -> Vec<Vec<u8>> {
        self.primary.memory().segments.clone()
    }

    fn open(&self) -> Result<Box<dyn Sink>, JournalError> {
        Ok(Box::new(self.sink.clone()))
    }
}

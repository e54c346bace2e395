//! Where a journal's lines are: files in one or two places, or memory. From there they are read, and there they go.

use std::path::PathBuf;

use crate::journal::{
    JournalError, Recorded,
    file::{FileSink, FileSpare, Pace, Place},
    sink::{MemorySink, Sink, Spare},
};
/// Where the lines can be read again.
#[derive(Debug, Clone)]
pub(in crate::journal) enum Source {
    /// In files.
    Files(Files),
    /// In memory.
    Memory(MemorySink),
}

/// The files of a journal, in the primary place and where it goes on without that.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Files {
    /// The primary place.
    pub(in crate::journal) primary: Place,
    /// The other one.
    pub(in crate::journal) fallback: Option<Place>,
    /// The primary's disk, for measurements.
    pub(in crate::journal) pace: Pace,
}

impl Files {
    /// Reads both places. What of one cannot be read is damage, as long as there is something in the other.
    fn read(&self) -> Result<Recorded, JournalError> {
        let more = self.fallback.as_ref().map_or(Ok(Vec::new()), Place::read);
        match (self.primary.recorded(), more) {
            (Ok(recorded), Ok(more)) => Ok(recorded.followed_by(more)),
            (Ok(recorded), Err(error)) if !recorded.paths.is_empty() => Ok(recorded.unreadable(&error)),
            (Err(error), Ok(more)) if !more.is_empty() => {
                Ok(Recorded::from_segments(Vec::new()).unreadable(&error).followed_by(more))
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// The first file that lines go to now.
    pub(in crate::journal) fn current(&self) -> &Place {
        self.fallback.as_ref().filter(|fallback| fallback.is_begun()).unwrap_or(&self.primary)
    }
}

impl Source {
    /// Reads everything, without a lock.
    pub(in crate::journal) fn read(&self) -> Result<Recorded, JournalError> {
        match self {
            Self::Files(files) => files.read(),
            Self::Memory(sink) => {
                let named = |(number, bytes): (usize, &Vec<u8>)| (format!("(memory {number})").into(), bytes.clone());
                let segments = sink.memory().segments.iter().enumerate().map(named).collect();
                Ok(Recorded::from_segments(segments))
            }
        }
    }

    /// The same, beside the executor where it may block.
    pub(super) async fn read_beside(&self) -> Result<Recorded, JournalError> {
        let source = self.clone();
        match self {
            Self::Files(_) => {
                tokio::task::spawn_blocking(move || source.read()).await.map_err(|_| JournalError::Ended)?
            }
            Self::Memory(_) => source.read(),
        }
    }

    /// The first segment's path.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Files(files) => Some(files.primary.segment(0)),
            Self::Memory(_) => None,
        }
    }

    /// The sink that writes there.
    pub(in crate::journal) fn sink(&self, pid: u32) -> Result<Box<dyn Sink>, JournalError> {
        Ok(match self {
            Self::Files(files) => Box::new(FileSink::open(files.primary.clone(), pid, files.pace.clone())?),
            Self::Memory(sink) => Box::new(sink.clone()),
        })
    }

    /// Where it goes on when that one is lost.
    pub(in crate::journal) fn spare(&self, pid: u32) -> Option<Box<dyn Spare>> {
        let Self::Files(Files { primary, fallback: Some(place), .. }) = self else { return None };
        Some(Box::new(FileSpare { primary: primary.clone(), place: place.clone(), pid }))
    }
}

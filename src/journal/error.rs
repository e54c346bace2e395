//! Why something is not on record.

use std::{fmt, io, path::Path, path::PathBuf};

use jiff::Timestamp;

use crate::domain::{IncidentId, OperationId};

/// Who has the lock, as far as its file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: Option<u32>,
    /// Since when it holds it.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("a process that does not say which")?,
        }
        match self.since {
            Some(since) => write!(f, " since {since:.3}"),
            None => Ok(()),
        }
    }
}

/// Why something is not on record, or cannot be read. Each displays as one sentence: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("cannot {what} {}: {why}", .path.display())]
    Io {
        /// What was tried: `open`, `sync`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// Something is in the journal's place that is no journal, or somebody else could change it.
    #[error("{} {what}: move it away, or choose another --state-dir", .path.display())]
    Odd {
        /// Where.
        path: PathBuf,
        /// What it is: `is a symbolic link`.
        what: String,
    },
    /// Another process holds the lock for too long.
    #[error("{} is locked by {holder}: let that process go on or end it, then try again", .path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
        /// By whom.
        holder: Holder,
    },
    /// The incident has ended.
    #[error("incident {0} is closed: open a new one that follows it up")]
    Closed(IncidentId),
    /// There is no such incident.
    #[error("incident {0} is not in this journal: `estop incident list` shows those that are")]
    Missing(IncidentId),
    /// A newer estop has written to it: this one may only read.
    #[error("{} was continued by a newer estop ({what}): this one only reads it; open another incident", .path.display())]
    Newer {
        /// Where.
        path: PathBuf,
        /// What is not known here: `kind "restore.diff"`.
        what: String,
    },
    /// Another process has claimed the operation: nothing may be sent under the older claim.
    #[error("operation {op} was taken over by another process (epoch {epoch}): follow it there")]
    Superseded {
        /// Which operation.
        op: OperationId,
        /// The newest claim.
        epoch: u32,
    },
    /// Another process isolates the same bot and lives: one operation is enough.
    #[error("another process isolates it already (operation {op}): follow it there")]
    Claimed {
        /// The other's operation.
        op: OperationId,
    },
    /// The file is not what this process left: an alarm.
    #[error("{} was altered behind estop's back ({what}): keep a copy, run `estop journal verify` on it", .path.display())]
    Altered {
        /// Where.
        path: PathBuf,
        /// How.
        what: String,
    },
    /// A write or a sync has failed before: nothing is called durable any more.
    #[error("the journal is not durable since an error ({0}): free or repair the disk, then start estop again")]
    Failed(String),
    /// The primary place was lost, and the record goes on in the fallback.
    #[error("the journal at {} was lost ({why}): the record goes on in {}; repair that disk before the next incident", .path.display(), .fallback.display())]
    Lost {
        /// The primary.
        path: PathBuf,
        /// What failed.
        why: String,
        /// Where the lines go.
        fallback: PathBuf,
    },
    /// Neither place takes a record.
    #[error("{first}; the fallback does not take the record either: {second}")]
    NoSink {
        /// What the primary said.
        first: Box<Self>,
        /// What the fallback said.
        second: Box<Self>,
    },
    /// The lines are durable, but no checkpoint covers them.
    #[error("no checkpoint could be signed or kept ({0}): lines cut off the end would not be noticed")]
    Unsigned(String),
    /// The writer is gone with its runtime.
    #[error("the journal's writer has ended: open the incident again")]
    Ended,
}

impl JournalError {
    /// Whether a place to record is at fault, rather than what was to be recorded.
    pub const fn is_of_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Odd { .. }
                | Self::Locked { .. }
                | Self::Altered { .. }
                | Self::Failed(_)
                | Self::NoSink { .. }
                | Self::Ended
        )
    }

    /// The file at fault, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::Odd { path, .. } | Self::Locked { path, .. } | Self::Altered { path, .. } => {
                Some(path)
            }
            _ => None,
        }
    }

    pub(super) fn io(what: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), why: error.to_string() }
    }

    pub(super) fn odd(path: &Path, what: impl Into<String>) -> Self {
        Self::Odd { path: path.to_owned(), what: what.into() }
    }
}

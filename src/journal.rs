//! The product's memory: one append-only file of hash-chained JSON lines per incident.
//!
//! ```text
//! Entry ──commit──▶ writer task ──lock, write, fdatasync──▶ Receipt (durable)
//! Plan  ──arm─────▶ one commit  ──▶ ArmedStep (the only thing a provider performs)
//! file  ──verify──▶ Verification      file ──read──▶ Record ──fold──▶ incident, operations, steps
//! ```
//!
//! Three words for three promises: *handed over* ([`Journal::append`]), *durable* (a [`Receipt`]), *sound* (a
//! [`Verification`] by code that shares nothing with the writer).

mod armed;
mod audit;
mod chain;
mod checkpoint;
mod commit;
mod controls;
mod disk;
mod entry;
mod error;
mod file;
#[cfg(test)]
mod fixture;
mod fold;
mod handle;
mod hash;
mod health;
mod key;
mod line;
mod lock;
mod merkle;
mod parallel;
mod process;
mod record;
mod recorded;
mod redact;
mod sink;
mod split;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod works;
mod writer;

use std::sync::Arc;

pub use armed::ArmedStep;
pub use audit::{Agreement, Audit, Given, audit};
pub use checkpoint::Checkpoint;
pub(crate) use disk::own_directory;
pub use entry::{Body, Entry, IntendedStep, Restores};
pub use error::{Holder, JournalError};
pub use fold::{Approval, Claimant, Incident, Note, Operation, OperationEnd, Remark, fold, writers};
pub use handle::Journal;
pub use hash::Hash;
pub use health::SinkHealth;
pub use key::verifier_key_for;
pub use process::{Presence, Process, Who, presence};
pub use record::{Introduction, ProcRef, Record, RecordBody};
pub use recorded::{Health, Recorded};
pub(crate) use redact::reading as mask_reading;
pub use store::{Changes, Store};
pub use verify::{Verification, verify};
pub use writer::Receipt;

/// The format's version.
const VERSION: u32 = 1;
/// Bytes of a line, newline excluded.
const MAX_LINE: usize = 64 * 1024;

/// Both clocks: wall time, and milliseconds since the process began, never going back.
pub type Stamp = Arc<dyn Fn() -> (jiff::Timestamp, u64) + Send + Sync>;

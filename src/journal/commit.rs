//! Group commit: one batch, from lock to sync.
//!
//! ```text
//! lock ─▶ recovery: what is there ─▶ encode: the batch ─▶ one write ─▶ sync ─▶ unlock ─▶ callers are answered
//!            └────────── the disk fails ──────┴─────────────┴───────────┴──▶ failover: the same once more, elsewhere
//! ```
//!
//! A checkpoint that somebody asked for is kept before the answer; one that is merely due, every so many lines, behind
//! it, still under the lock. A crash between leaves one that covers less.

mod encode;
mod failover;
mod recovery;

use std::sync::Arc;

use super::{
    JournalError,
    key::Signer,
    line::Frame,
    sink::{Sink, Spare},
    state::{Mark, State},
    writer::{Job, Receipt},
};
pub(super) use encode::EntryLines;
pub(super) use failover::Places;

/// Lines behind the newest checkpoint after which the next one is due.
const CHECKPOINT_EVERY: u64 = 1000;

/// A writer of which everything that it was given is durable.
pub(super) struct Sound {
    sink: Box<dyn Sink>,
    /// Where it goes on; `None`: nowhere, or there already.
    spare: Option<Box<dyn Spare>>,
    /// The sink that was left in this commit: its lock keeps others out until ours is taken.
    left: Option<Box<dyn Sink>>,
    /// Whether the open file follows one in another place.
    elsewhere: bool,
    /// What the first line in another place has to say.
    lost: Option<String>,
    /// The loss, for people, once.
    loss: Option<JournalError>,
    signer: Option<Result<Arc<Signer>, JournalError>>,
    /// A note that is kept once the callers are answered.
    due: Option<String>,
    /// Why the newest checkpoint could not be signed or kept, once.
    unsigned: Option<JournalError>,
    frame: Frame,
    state: State,
    /// What a write that fails goes back to.
    durable: Option<Mark>,
    /// The monotonic clock of the newest line: callers hand over side by side, lines never go back.
    mono_ms: u64,
    /// The batch, and one body: kept for their memory.
    batch: Vec<u8>,
    body: Vec<u8>,
}

/// What came of a commit.
pub(super) enum Committed {
    /// Everything that was allowed is durable.
    Done {
        /// The writer.
        sound: Box<Sound>,
        /// One for each job.
        results: Vec<Result<Receipt, JournalError>>,
        /// One for each entry that was written, where somebody follows.
        lines: Vec<EntryLines>,
    },
    /// Nothing was written, and nothing is lost: the lock could not be had.
    NotNow {
        /// The writer.
        sound: Box<Sound>,
        /// Who has it.
        error: JournalError,
    },
    /// Nothing more will be written.
    Failed(JournalError),
}

impl Sound {
    fn over(
        sink: Box<dyn Sink>,
        spare: Option<Box<dyn Spare>>,
        signer: Option<Result<Arc<Signer>, JournalError>>,
        frame: Frame,
        state: State,
    ) -> Self {
        Self {
            sink,
            spare,
            left: None,
            elsewhere: false,
            lost: None,
            loss: None,
            signer,
            due: None,
            unsigned: None,
            frame,
            state,
            durable: None,
            mono_ms: 0,
            batch: Vec::new(),
            body: Vec::new(),
        }
    }

    fn unlock(&mut self) {
        self.sink.unlock();
        if let Some(mut left) = self.left.take() {
            left.unlock();
        }
    }

    /// The loss of the primary, if nobody has been told yet.
    pub(super) fn take_loss(&mut self) -> Option<JournalError> {
        self.loss.take()
    }

    /// Why the newest checkpoint is missing, if nobody has been told yet.
    pub(super) fn take_unsigned(&mut self) -> Option<JournalError> {
        self.unsigned.take()
    }

    /// Whether a commit may block for long.
    pub(super) fn blocks(&self) -> bool {
        self.sink.blocks()
    }

    /// What is the same in every line.
    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Why nothing may be appended at all, if so.
    pub(super) fn refusal(&self) -> Option<JournalError> {
        if let Some(what) = &self.state.newer {
            return Some(JournalError::Newer { path: self.sink.path().to_owned(), what: what.clone() });
        }
        self.frame.incident.filter(|_| self.state.closed).map(JournalError::Closed)
    }

    /// Where the journal ends now.
    pub(super) fn receipt(&self) -> Receipt {
        let last_seq = self.state.next_seq.saturating_sub(1);
        let head = self.state.head.to_string();
        Receipt { first_seq: last_seq, last_seq, lines: self.state.next_seq, head }
    }

    /// Commits a batch. `followed`: somebody follows the lines.
    pub(super) fn commit(mut self: Box<Self>, batch: &[Job], followed: bool) -> Committed {
        let first = batch.first().expect("a batch has a job");
        let (at, mono_ms) = (first.at, first.mono_ms);
        let mut lines = Vec::new();
        let locked = self.sink.lock(at);
        if let (Err(error @ JournalError::Locked { .. }), None) = (&locked, &self.spare) {
            let error = error.clone();
            return Committed::NotNow { sound: self, error };
        }
        let done = locked.and_then(|()| self.write_here(batch, followed.then_some(&mut lines))).or_else(|cause| {
            lines.clear();
            self.recover(cause, at, mono_ms)?;
            self.write_here(batch, followed.then_some(&mut lines))
        });
        if self.due.is_none() {
            self.unlock();
        }
        match done {
            Ok(results) => Committed::Done { sound: self, results, lines },
            Err(error) => Committed::Failed(error),
        }
    }

    /// What a commit leaves until its callers are answered: their lines are durable without it. Until then the lock is
    /// held, so that nobody's newer note is replaced.
    pub(super) fn finish(&mut self) {
        if let Some(note) = self.due.take() {
            self.keep(&note);
            self.unlock();
        }
    }

    fn keep(&mut self, note: &str) {
        if let Err(error) = self.sink.keep_checkpoint(note) {
            self.unsigned = Some(JournalError::Unsigned(error.to_string()));
        }
    }

    /// Writes a batch where it is. On failure, what is known is what was durable before.
    fn write_here(
        &mut self,
        batch: &[Job],
        mut lines: Option<&mut Vec<EntryLines>>,
    ) -> Result<Vec<Result<Receipt, JournalError>>, JournalError> {
        let first = batch.first().expect("a batch has a job");
        let (at, mono_ms) = (first.at, first.mono_ms);
        if self.spare.as_ref().is_some_and(|spare| spare.begun()) {
            self.go_on_elsewhere(None, at)?;
        }
        self.catch_up(at, mono_ms)?;
        let results: Vec<_> = batch.iter().map(|job| self.encode(job, lines.as_deref_mut())).collect();
        let wanted = batch.iter().zip(&results).any(|(job, result)| result.is_ok() && job.wants_checkpoint());
        let signed = if wanted || self.state.uncovered >= CHECKPOINT_EVERY {
            let last = batch.last().unwrap_or(first);
            self.encode_checkpoint(last.at, last.mono_ms)
        } else {
            None
        };
        self.write_batch()?;
        match signed {
            // Somebody waits for it, or the operation's end does.
            Some(note) if wanted => self.keep(&note),
            note => self.due = note,
        }
        Ok(results)
    }

    /// Writes and syncs the batch; on failure cuts the file back to where it was, still under the lock.
    fn write_batch(&mut self) -> Result<(), JournalError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let before = self.state.len;
        let written = match self.sink.append(&self.batch) {
            Ok(()) => self.sink.sync().map_err(|error| ("sync", error)),
            Err(error) => Err(("write", error)),
        };
        written.map_err(|(what, error)| {
            if let Some(durable) = self.durable.take() {
                self.state.go_back(durable);
            }
            // Where even this fails, the next one who reads finds a torn tail, or lines that nobody was promised.
            let _ = self.sink.truncate(before);
            JournalError::io(what, self.sink.path(), &error)
        })?;
        self.state.len += self.batch.len() as u64;
        self.batch.clear();
        Ok(())
    }
}

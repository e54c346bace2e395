//! The writer: one task for each journal and process. Whatever is queued goes into one commit.
//!
//! ```text
//! lock → still the same file, same head? → read what others added, mend a torn tail → one write → sync → unlock
//!                        │ no: alarm                                          │ error: cut back
//!                        ▼                                                    ▼
//!                   fallback? ── yes: sink.lost and the batch go there, for good ── none, or it fails too: Failed
//! ```
//!
//! A [`Sound`] writer is consumed by its commit and given back only if everything reached the disk. After a failed
//! write or sync its sink is gone for good: the kernel may have dropped the pages and would call the next sync a
//! success. It goes on in the spare place, where there is one; else there is no such value any more.

mod standing;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{
    Body, Entry, JournalError,
    commit::{Committed, EntryLines, Sound},
    line::Frame,
};
pub(super) use standing::{Alarm, Core};

/// Jobs that go into one commit at most: it bounds the memory of a batch.
const BATCH: usize = 4096;

/// Entries that go to disk together, and who waits for them.
#[derive(Debug)]
pub(super) struct Job {
    /// When it was handed over, to the millisecond.
    pub(super) at: Timestamp,
    /// The same on the process's monotonic clock.
    pub(super) mono_ms: u64,
    /// In order. Empty: somebody waits for what is before it.
    pub(super) entries: Vec<Entry>,
    /// Who waits; `None`: appended.
    pub(super) reply: Option<oneshot::Sender<Result<Receipt, JournalError>>>,
    /// Whether a checkpoint is to cover what there is now.
    pub(super) checkpoint: bool,
}

impl Job {
    /// Whether a checkpoint is due with it: it was asked for, or an operation or the incident ends.
    pub(super) fn wants_checkpoint(&self) -> bool {
        let ends = |entry: &Entry| matches!(entry.body, Body::OpEnd { .. } | Body::IncidentClose { .. });
        self.checkpoint || self.entries.iter().any(ends)
    }
}

/// Proof that a commit is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The number of its first line.
    pub first_seq: u64,
    /// The number of its last line.
    pub last_seq: u64,
    /// Lines in the journal, this commit included.
    pub lines: u64,
    /// The hash of its last line.
    pub head: String,
}

/// A writer, or what is left of one.
pub(super) enum Hand {
    /// Everything so far is durable.
    Sound(Box<Sound>),
    /// A write or a sync has failed, or the file is not ours any more.
    Failed(JournalError),
}

/// Writes until nobody can hand over any more.
pub(super) async fn run(mut jobs: mpsc::UnboundedReceiver<Job>, mut hand: Hand, core: Arc<Core>) {
    let mut waiting = Vec::new();
    loop {
        let mut batch = std::mem::take(&mut waiting);
        if jobs.recv_many(&mut batch, BATCH).await == 0 {
            if !batch.is_empty() {
                let (_, lost) = commit_beside(hand, batch, &core).await;
                for job in lost {
                    core.lose(job.entries);
                }
            }
            return;
        }
        (hand, waiting) = commit_beside(hand, batch, &core).await;
    }
}

/// Commits; beside the executor if the sink may block.
async fn commit_beside(hand: Hand, batch: Vec<Job>, core: &Arc<Core>) -> (Hand, Vec<Job>) {
    match hand {
        Hand::Sound(sound) if sound.blocks() => {
            let core = Arc::clone(core);
            let work = tokio::task::spawn_blocking(move || commit(Hand::Sound(sound), batch, &core));
            work.await.unwrap_or_else(|_| (Hand::Failed(JournalError::Ended), Vec::new()))
        }
        hand => commit(hand, batch, core),
    }
}

/// Commits a batch and answers those who wait. Gives back the hand, and appended jobs for which the lock could not be
/// had: they go first next time.
fn commit(hand: Hand, batch: Vec<Job>, core: &Core) -> (Hand, Vec<Job>) {
    let sound = match hand {
        Hand::Sound(sound) => sound,
        Hand::Failed(error) => {
            refuse(batch, &error, core);
            return (Hand::Failed(error), Vec::new());
        }
    };
    if batch.iter().all(|job| job.entries.is_empty() && !job.checkpoint) {
        let receipt = sound.receipt();
        for reply in batch.into_iter().filter_map(|job| job.reply) {
            let _ = reply.send(Ok(receipt.clone()));
        }
        return (Hand::Sound(sound), Vec::new());
    }
    let followed = core.records.receiver_count() > 0;
    match sound.commit(&batch, followed) {
        Committed::Done { mut sound, results, lines } => {
            core.stand_by(&mut sound);
            answer(batch, results, lines, sound.frame(), core);
            sound.finish();
            core.hear(&mut sound);
            (Hand::Sound(sound), Vec::new())
        }
        Committed::NotNow { sound, error } => {
            let (appended, waited): (Vec<Job>, Vec<Job>) = batch.into_iter().partition(|job| job.reply.is_none());
            core.set_trouble(error.clone());
            refuse(waited, &error, core);
            (Hand::Sound(sound), appended)
        }
        Committed::Failed(error) => {
            let failed = core.fail(&error);
            refuse(batch, &failed, core);
            (Hand::Failed(failed), Vec::new())
        }
    }
}

/// Tells followers and callers what is durable, in the order of the file.
fn answer(
    batch: Vec<Job>,
    results: Vec<Result<Receipt, JournalError>>,
    lines: Vec<EntryLines>,
    frame: &Frame,
    core: &Core,
) {
    let mut lines = lines.into_iter();
    for (job, result) in batch.into_iter().zip(results) {
        match &result {
            Ok(_) => {
                for (entry, written) in job.entries.into_iter().zip(lines.by_ref()) {
                    for record in written.records(entry, frame) {
                        // Nobody may be listening any more: that is theirs to say.
                        let _ = core.records.send(Arc::new(record));
                    }
                }
            }
            Err(error) if job.reply.is_none() => {
                core.set_trouble(error.clone());
                core.keep(job.entries);
            }
            Err(_) => core.keep(job.entries),
        }
        if let Some(reply) = job.reply {
            let _ = reply.send(result);
        }
    }
}

/// Answers a whole batch with one error; its entries stay in memory.
fn refuse(batch: Vec<Job>, error: &JournalError, core: &Core) {
    for job in batch {
        core.keep(job.entries);
        if let Some(reply) = job.reply {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

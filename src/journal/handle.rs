//! What the engine holds of a journal.
//!
//! ```text
//! Journal ──entries──▶ queue ──▶ the writer's task      commit waits for its answer, append does not
//!    └─ failed ─▶ break_glass ─▶ a Journal in memory that says so for ever
//! ```

mod source;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{
    ArmedStep, Body, Entry, IntendedStep, JournalError, Process, Record, RecordBody, Recorded, Stamp,
    commit::{Places, Sound},
    line::Frame,
    redact::redacted,
    sink::MemorySink,
    writer::{Alarm, Core, Hand, Job, Receipt, run},
};
use crate::domain::{IncidentId, OperationId, PlanHash, Step, StepId};
pub(super) use source::{Files, Source};

/// A clock that goes back by less is not noted: it is kept in step with others by small steps.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// A journal that is being written: of an incident, or of the host. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

/// What all clones share. The writer ends when the last one is gone and its queue is empty.
pub(super) struct Shared {
    jobs: mpsc::UnboundedSender<Job>,
    core: Arc<Core>,
    stamp: Stamp,
    source: Source,
    path: Option<PathBuf>,
    incident: Option<IncidentId>,
    process: Process,
    exercise: Option<String>,
    /// Break-glass: what this one goes on without, in memory only.
    without: Option<Without>,
    /// The wall clock when something was last handed over.
    last: Mutex<Timestamp>,
}

/// Why a journal is kept in memory only.
pub(super) enum Without {
    /// The journal that it goes on for: its older intents count.
    Journal(Journal),
    /// No journal could be opened at all, and why.
    Disk(String),
}

/// What a journal is opened with.
pub(super) struct Opening {
    /// `None`: the host's.
    pub(super) incident: Option<IncidentId>,
    /// The scenario's name.
    pub(super) exercise: Option<String>,
    /// Who writes.
    pub(super) process: Process,
    /// The clocks.
    pub(super) stamp: Stamp,
    /// Where it goes.
    pub(super) source: Source,
    /// Who follows.
    pub(super) records: broadcast::Sender<Arc<Record>>,
    /// Who is told of a lost place.
    pub(super) alarm: Option<Alarm>,
}

impl Journal {
    /// Opens it and starts its writer on the current runtime. Blocks as long as opening takes.
    pub(super) fn start(opening: Opening, places: Places, without: Option<Without>) -> Result<Self, JournalError> {
        let Opening { incident, exercise, process, stamp, source, records, alarm } = opening;
        let frame = Frame { incident, exercise: exercise.clone(), process: process.clone() };
        let (at, mono_ms) = stamped(&stamp);
        let mut sound = Sound::open(places, frame, at, mono_ms)?;
        if let Some(error) = sound.refusal() {
            return Err(error);
        }
        let core = Arc::new(Core::new(records, sound.receipt().lines, alarm));
        core.hear(&mut sound);
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(queue, Hand::Sound(Box::new(sound)), Arc::clone(&core)));
        let path = source.path();
        let last = Mutex::new(at);
        let shared = Shared { jobs, core, stamp, source, path, incident, process, exercise, without, last };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens one that is kept in memory only.
    pub(super) fn in_memory(
        incident: Option<IncidentId>,
        exercise: Option<String>,
        process: Process,
        stamp: Stamp,
        without: Without,
    ) -> Self {
        let sink = MemorySink::default();
        let source = Source::Memory(sink.clone());
        // Followers are told what is durable: nothing of this is.
        let records = broadcast::Sender::new(1);
        let opening = Opening { incident, exercise, process, stamp, source, records, alarm: None };
        Self::start(opening, Places::only(sink), Some(without)).expect("empty memory is neither locked nor damaged")
    }

    /// Commits entries together. Durable once returned: the lines are on disk, and so is the file's name.
    ///
    /// # Errors
    /// [`JournalError`]: none of them is on record. After [`JournalError::Failed`] none ever will be through this
    /// handle; they stay in memory ([`Journal::kept`]).
    pub async fn commit(&self, entries: Vec<Entry>) -> Result<Receipt, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(entries, Some(reply), false);
        answer.await.unwrap_or(Err(JournalError::Ended))
    }

    /// Hands an entry over, in order with commits, and does not wait. If it cannot be written, [`Journal::trouble`]
    /// says so.
    pub fn append(&self, entry: Entry) {
        self.hand_over(vec![entry], None, false);
    }

    /// Signs what there is now, if lines have come since the last checkpoint. The end of an operation does so by
    /// itself.
    ///
    /// # Errors
    /// [`JournalError`] if the journal is not durable any more, or takes no lines.
    pub async fn checkpoint(&self) -> Result<Receipt, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Vec::new(), Some(reply), true);
        answer.await.unwrap_or(Err(JournalError::Ended))
    }

    /// Waits for everything that was handed over before.
    ///
    /// # Errors
    /// [`JournalError`] if the journal is not durable any more.
    pub async fn flush(&self) -> Result<Receipt, JournalError> {
        self.commit(Vec::new()).await
    }

    /// Makes a plan's intent durable, together with what belongs before it, in one commit, and only then hands out
    /// its steps.
    ///
    /// # Errors
    /// [`JournalError`]: nothing is on record, so nothing may be sent. [`JournalError::Superseded`] if another process
    /// has the operation.
    pub async fn arm(
        &self,
        op: OperationId,
        epoch: u32,
        before: Vec<Entry>,
        hash: PlanHash,
        round: u32,
        steps: Vec<Step>,
    ) -> Result<Vec<ArmedStep>, JournalError> {
        let intended = |step: &Step| IntendedStep { step: step.clone(), key: op.key(&step.id) };
        let intent = Body::PlanIntent { hash, steps: steps.iter().map(intended).collect(), round };
        let mut entries = before;
        entries.push(Entry::of(op, epoch, intent));
        self.commit(entries).await?;
        Ok(steps.into_iter().map(|step| ArmedStep::new(step, op)).collect())
    }

    /// Arms steps again whose intent is in this journal, as it stands there: to repeat them, or to finish what another
    /// process left. A step without a durable intent is left out.
    ///
    /// # Errors
    /// [`JournalError`] if the journal cannot be read.
    pub async fn rearm(&self, op: OperationId, steps: Vec<StepId>) -> Result<Vec<ArmedStep>, JournalError> {
        // A journal that has failed may well hold older intents, so this may fail: what is durable is counted.
        let _ = self.flush().await;
        let recorded = self.shared.source.read_beside().await?;
        let durable = self.shared.core.durable_lines();
        let mut intended: HashMap<StepId, Step> = HashMap::new();
        for record in recorded.records.into_iter().filter(|record| record.op == Some(op) && record.seq < durable) {
            if let RecordBody::Known(Body::PlanIntent { steps, .. }) = record.body {
                intended.extend(steps.into_iter().map(|intended| (intended.step.id.clone(), intended.step)));
            }
        }
        let (mut armed, mut missing) = (Vec::with_capacity(steps.len()), Vec::new());
        for id in steps {
            match intended.remove(&id) {
                Some(step) => armed.push(ArmedStep::new(step, op)),
                None => missing.push(id),
            }
        }
        if let Some(Without::Journal(before)) = self.shared.without.as_ref().filter(|_| !missing.is_empty()) {
            armed.extend(Box::pin(before.rearm(op, missing)).await?);
        }
        Ok(armed)
    }

    /// Goes on in memory for a journal that cannot be written: the break-glass form, or a strike in whose middle the
    /// disk failed. It arms what was durable before and what is in memory, and says for ever that it is not durable.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn break_glass(&self) -> Self {
        let shared = &self.shared;
        shared.core.go_without();
        let (process, stamp) = (shared.process.clone(), Arc::clone(&shared.stamp));
        let without = Without::Journal(self.clone());
        Self::in_memory(shared.incident, shared.exercise.clone(), process, stamp, without)
    }

    /// Why it is not durable any more, if so: one sentence.
    pub fn trouble(&self) -> Option<String> {
        let why = match &self.shared.without {
            Some(Without::Journal(before)) => before.trouble(),
            Some(Without::Disk(why)) => Some(why.clone()),
            None => return self.shared.core.trouble().map(|error| error.to_string()),
        };
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("the record is kept in memory only and ends with this process{why}"))
    }

    /// Entries that were handed over and did not reach the disk, in order.
    pub fn kept(&self) -> Vec<Entry> {
        self.shared.core.kept()
    }

    /// The first segment's path; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    /// The incident; `None`: the host's journal.
    pub fn incident(&self) -> Option<IncidentId> {
        self.shared.incident
    }

    /// What is on record now, this process's and others'.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub async fn recorded(&self) -> Result<Recorded, JournalError> {
        self.shared.source.read_beside().await
    }

    /// Every record that this journal's process makes durable from now on.
    #[cfg(test)]
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.shared.core.subscribe()
    }

    fn hand_over(
        &self,
        entries: Vec<Entry>,
        reply: Option<oneshot::Sender<Result<Receipt, JournalError>>>,
        checkpoint: bool,
    ) {
        let (at, mono_ms) = stamped(&self.shared.stamp);
        let note = self.step_back(at).filter(|_| !entries.is_empty());
        let entries = note.into_iter().chain(entries).map(redacted).collect();
        if let Err(mpsc::error::SendError(job)) = self.shared.jobs.send(Job { at, mono_ms, entries, reply, checkpoint })
        {
            // The writer is gone with its runtime; who waits sees their answer dropped.
            self.shared.core.lose(job.entries);
        }
    }

    /// What an incident says of a clock that went back since the last line: times before and after do not compare.
    fn step_back(&self, at: Timestamp) -> Option<Entry> {
        let mut last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
        let back = last.duration_since(at);
        *last = at;
        drop(last);
        (back >= STEP && self.shared.incident.is_some()).then(|| {
            let text = format!("the wall clock of this host went back by {back:#}: order by seq, measure by mono_ms");
            Entry::general(Body::IncidentNote { text: text.as_str().into() })
        })
    }

    /// This journal, unless nothing may be appended to it any more.
    pub(super) fn still_open(self) -> Result<Self, JournalError> {
        match self.shared.core.refusal() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// For the store, which shares one journal among those who open it: whether its writer is alive and may go on.
    pub(super) fn is_usable(&self) -> bool {
        !self.shared.jobs.is_closed() && !self.shared.core.may_be_opened_again()
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

/// Both clocks, the wall's to the millisecond, as it is written.
fn stamped(stamp: &Stamp) -> (Timestamp, u64) {
    let (at, mono_ms) = stamp();
    (Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at), mono_ms)
}

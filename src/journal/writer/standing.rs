//! How a journal stands: what is durable, what is wrong, and what did not reach the disk. The writer says so, and
//! whoever holds the journal asks.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::broadcast;

use crate::journal::{Entry, JournalError, Record, commit::Sound};

/// Who is told that a place to record was lost, in one sentence.
pub(in crate::journal) type Alarm = Arc<dyn Fn(String) + Send + Sync>;

/// What the writer and its callers share.
pub(in crate::journal) struct Core {
    /// Why the journal is not durable, if so.
    trouble: Mutex<Option<JournalError>>,
    /// Why nothing may be appended any more, if so.
    refusal: Mutex<Option<JournalError>>,
    /// Entries that did not reach the disk.
    kept: Mutex<Vec<Entry>>,
    /// Lines that are durable.
    durable: AtomicU64,
    /// Whether a write failed, so that the file was cut back and can be opened anew; never after a failed sync.
    cut_back: AtomicBool,
    /// Who follows what is durable.
    pub(super) records: broadcast::Sender<Arc<Record>>,
    /// Who is told of a lost place.
    alarm: Option<Alarm>,
}

impl Core {
    pub(in crate::journal) fn new(records: broadcast::Sender<Arc<Record>>, lines: u64, alarm: Option<Alarm>) -> Self {
        Self {
            trouble: Mutex::default(),
            refusal: Mutex::default(),
            kept: Mutex::default(),
            durable: AtomicU64::new(lines),
            cut_back: AtomicBool::new(false),
            records,
            alarm,
        }
    }

    #[cfg(test)]
    pub(in crate::journal) fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.records.subscribe()
    }

    /// How many lines are durable.
    pub(in crate::journal) fn durable_lines(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Whether a new writer may take over from one that has failed.
    pub(in crate::journal) fn may_be_opened_again(&self) -> bool {
        self.cut_back.load(Ordering::Acquire)
    }

    /// Takes in entries that nobody will write.
    pub(in crate::journal) fn lose(&self, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.set_trouble(JournalError::Ended);
            self.keep(entries);
        }
    }

    /// Why nothing may be appended any more: the incident is closed, a newer estop has it, or the writer has failed.
    pub(in crate::journal) fn refusal(&self) -> Option<JournalError> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_refusal(&self, refusal: Option<JournalError>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    pub(in crate::journal) fn trouble(&self) -> Option<JournalError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_trouble(&self, trouble: JournalError) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    /// Takes in what a commit or an opening has to tell besides.
    pub(in crate::journal) fn hear(&self, sound: &mut Sound) {
        if let Some(loss) = sound.take_loss() {
            self.raise(&loss);
            self.set_trouble(loss);
        }
        if let Some(unsigned) = sound.take_unsigned() {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(unsigned);
        }
    }

    /// A commit is durable.
    pub(super) fn stand_by(&self, sound: &mut Sound) {
        self.regain();
        self.hear(sound);
        self.set_refusal(sound.refusal());
        self.durable.store(sound.receipt().lines, Ordering::Release);
    }

    /// Nothing more will be written; why, as everybody is told from now on.
    pub(super) fn fail(&self, error: &JournalError) -> JournalError {
        self.cut_back.store(matches!(error, JournalError::Io { what: "write", .. }), Ordering::Release);
        let failed = JournalError::Failed(error.to_string());
        self.raise(error);
        self.set_trouble(failed.clone());
        self.set_refusal(Some(failed.clone()));
        failed
    }

    /// Something is sent without a record: that is said for ever, also where only a lock was missing for a while.
    pub(in crate::journal) fn go_without(&self) {
        let why = match self.trouble() {
            Some(JournalError::Failed(_)) => return,
            Some(error) => error.to_string(),
            None => "its lock could not be had in time".to_owned(),
        };
        self.set_trouble(JournalError::Failed(why));
    }

    fn raise(&self, loss: &JournalError) {
        if let Some(alarm) = &self.alarm {
            alarm(loss.to_string());
        }
    }

    /// A commit has come through: what waited for a lock is on record too. Any other trouble stays.
    fn regain(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*trouble, Some(JournalError::Locked { .. })) {
            *trouble = None;
        }
    }

    pub(in crate::journal) fn kept(&self) -> Vec<Entry> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep(&self, entries: Vec<Entry>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
    }
}

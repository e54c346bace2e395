//! Where a writer records: the primary place, and the other one once that is lost.
//!
//! ```text
//! open ──▶ primary ── a call fails: sink.lost ──▶ fallback, for good ── fails too: no sink
//!   └── the fallback has begun already: there ──────▲
//! ```

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use super::Sound;
use crate::journal::{
    Body, Entry, JournalError,
    key::Signer,
    line::Frame,
    sink::{Sink, Spare},
    state::State,
};
/// What a writer is opened with.
pub(in crate::journal) struct Places {
    /// The primary, or why it cannot be opened.
    pub(in crate::journal) sink: Result<Box<dyn Sink>, JournalError>,
    /// Where it goes on when that is lost.
    pub(in crate::journal) spare: Option<Box<dyn Spare>>,
    /// Who signs checkpoints, or why nobody does; `None`: nobody is to.
    pub(in crate::journal) signer: Option<Result<Arc<Signer>, JournalError>>,
}

impl Places {
    /// One place, and no checkpoints.
    pub(in crate::journal) fn only(sink: impl Sink + 'static) -> Self {
        Self { sink: Ok(Box::new(sink)), spare: None, signer: None }
    }
}

impl Sound {
    /// Opens a journal: reads it whole, mends a torn tail, begins a further segment behind a damaged one. Where the
    /// primary is lost, or another process has gone on in the spare place, it goes on there.
    pub(in crate::journal) fn open(
        places: Places,
        frame: Frame,
        at: Timestamp,
        mono_ms: u64,
    ) -> Result<Self, JournalError> {
        let Places { sink, spare, signer } = places;
        let begun = spare.as_ref().is_some_and(|spare| spare.begun());
        let state = State::new(frame.process.id, signer.is_some());
        let (cause, spare) = match (sink, spare) {
            (Ok(sink), spare) if !begun => {
                let mut sound = Self::over(sink, spare, signer, frame, state);
                let opened = sound.open_here(at, mono_ms).or_else(|cause| sound.recover(cause, at, mono_ms));
                sound.unlock();
                return opened.map(|()| sound);
            }
            (Err(cause), Some(spare)) if !begun && cause.is_of_the_disk() => (Some(cause), spare),
            (_, Some(spare)) if begun => (None, spare),
            (Err(cause), _) => return Err(cause),
            (Ok(_), _) => return Err(JournalError::Ended),
        };
        let primary = spare.path();
        let opened = spare.open().map_err(|second| both(cause.clone(), second))?;
        let mut sound = Self::over(opened, None, signer, frame, state);
        sound.read_former(&spare.former());
        if let Some(cause) = &cause {
            sound.note_loss(cause, &primary);
        }
        sound.elsewhere = true;
        let locked = sound.sink.lock(at).and_then(|()| sound.find_end());
        let done = locked.and_then(|()| sound.settle_there(at, mono_ms));
        sound.unlock();
        done.map_err(|second| both(cause, second)).map(|()| sound)
    }

    fn open_here(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.sink.lock(at)?;
        self.find_end()?;
        self.catch_up(at, mono_ms)?;
        self.write_batch()
    }

    /// Goes on in the spare place, if the disk is at fault and there is one.
    pub(super) fn recover(&mut self, cause: JournalError, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        if self.spare.is_none() || !cause.is_of_the_disk() {
            return Err(cause);
        }
        self.go_on_elsewhere(Some(&cause), at)
            .and_then(|()| self.settle_there(at, mono_ms))
            .map_err(|second| both(Some(cause), second))
    }

    /// Leaves the sink for the spare one, whose lock it takes. The one that is left stays locked until the end of the
    /// commit, so that another process that waits for it sees what has begun.
    pub(super) fn go_on_elsewhere(&mut self, cause: Option<&JournalError>, at: Timestamp) -> Result<(), JournalError> {
        let Some(spare) = self.spare.take() else { return Err(JournalError::Ended) };
        let mut sink = spare.open()?;
        if let Some(cause) = cause {
            self.note_loss(cause, &spare.path());
        }
        sink.lock(at)?;
        self.left = Some(std::mem::replace(&mut self.sink, sink));
        self.elsewhere = true;
        self.find_end()
    }

    fn note_loss(&mut self, cause: &JournalError, fallback: &Path) {
        let path = cause.path().unwrap_or_else(|| self.sink.path()).to_owned();
        let why = cause.to_string();
        self.lost = Some(why.clone());
        self.loss = Some(JournalError::Lost { path, why, fallback: fallback.to_owned() });
    }

    /// Makes durable, in the other place, why the lines go on there.
    fn settle_there(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.catch_up(at, mono_ms)?;
        self.tell_loss(at, mono_ms);
        self.write_batch()
    }

    fn tell_loss(&mut self, at: Timestamp, mono_ms: u64) {
        if let Some(what) = self.lost.take()
            && self.refusal().is_none()
        {
            self.encode_entry(&Entry::general(Body::SinkLost { what }), at, mono_ms, None);
        }
    }
}

/// Both places fail.
fn both(first: Option<JournalError>, second: JournalError) -> JournalError {
    match first {
        Some(first) => JournalError::NoSink { first: Box::new(first), second: Box::new(second) },
        None => second,
    }
}

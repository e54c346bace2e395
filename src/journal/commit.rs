//! One commit, from lock to sync.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    Body, Checkpoint, Entry, JournalError, ProcRef, Record, RecordBody, VERSION,
    chain::{self, HASH_FIELD, Hash, Start, Tail, scan},
    controls,
    key::Signer,
    line::{Frame, LineMeta},
    sink::{Sink, Spare},
    split,
    state::{CHECKPOINT, Mark, State},
    writer::{Job, Receipt},
};

/// Lines behind the newest checkpoint after which the next one is due.
const CHECKPOINT_EVERY: u64 = 1000;

/// What a writer is opened with.
pub(super) struct Places {
    /// The primary, or why it cannot be opened.
    pub(super) sink: Result<Box<dyn Sink>, JournalError>,
    /// Where it goes on when that is lost.
    pub(super) spare: Option<Box<dyn Spare>>,
    /// Who signs checkpoints, or why nobody does; `None`: nobody is to.
    pub(super) signer: Option<Result<Arc<Signer>, JournalError>>,
}

impl Places {
    /// One place, and no checkpoints.
    pub(super) fn only(sink: impl Sink + 'static) -> Self {
        Self { sink: Ok(Box::new(sink)), spare: None, signer: None }
    }
}

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

/// The lines that one entry became.
#[derive(Debug)]
pub(super) struct EntryLines(Vec<(LineMeta, Hash)>);

impl Sound {
    /// Opens a journal: reads it whole, mends a torn tail, begins a further segment behind a damaged one. Where the
    /// primary is lost, or another process has gone on in the spare place, it goes on there.
    pub(super) fn open(places: Places, frame: Frame, at: Timestamp, mono_ms: u64) -> Result<Self, JournalError> {
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
            unsigned: None,
            frame,
            state,
            durable: None,
            mono_ms: 0,
            batch: Vec::new(),
            body: Vec::new(),
        }
    }

    fn open_here(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.sink.lock(at)?;
        self.find_end()?;
        self.catch_up(at, mono_ms)?;
        self.write_batch()
    }

    /// Goes on in the spare place, if the disk is at fault and there is one.
    fn recover(&mut self, cause: JournalError, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        if self.spare.is_none() || !cause.is_of_the_disk() {
            return Err(cause);
        }
        self.go_on_elsewhere(Some(&cause), at)
            .and_then(|()| self.settle_there(at, mono_ms))
            .map_err(|second| both(Some(cause), second))
    }

    /// Leaves the sink for the spare one, whose lock it takes. The one that is left stays locked until the end of the
    /// commit, so that another process that waits for it sees what has begun.
    fn go_on_elsewhere(&mut self, cause: Option<&JournalError>, at: Timestamp) -> Result<(), JournalError> {
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
        let path = match cause {
            JournalError::Io { path, .. }
            | JournalError::Odd { path, .. }
            | JournalError::Locked { path, .. }
            | JournalError::Altered { path, .. } => path.clone(),
            _ => self.sink.path().to_owned(),
        };
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
        let head = self.state.head.as_str().to_owned();
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
        self.unlock();
        match done {
            Ok(results) => Committed::Done { sound: self, results, lines },
            Err(error) => Committed::Failed(error),
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
        if let Some(note) = signed
            && let Err(error) = self.sink.keep_checkpoint(&note)
        {
            self.unsigned = Some(JournalError::Unsigned(error.to_string()));
        }
        Ok(results)
    }

    /// Puts a checkpoint over everything so far into the batch, and gives back the note that covers that line too.
    fn encode_checkpoint(&mut self, at: Timestamp, mono_ms: u64) -> Option<String> {
        if self.state.uncovered == 0 || self.state.newer.is_some() {
            return None;
        }
        let signer = match self.signer.as_ref()? {
            Ok(signer) => Arc::clone(signer),
            Err(error) => {
                self.unsigned = Some(JournalError::Unsigned(error.to_string()));
                return None;
            }
        };
        let sign = |sound: &Self| {
            let tree = sound.state.tree.as_ref()?;
            Some(signer.sign(&sound.stem(), tree.size(), tree.root()))
        };
        let checkpoint = sign(self)?;
        if self.state.closed {
            // Nothing is appended to a closed incident: the note beside the file covers it.
            return Some(checkpoint.note);
        }
        let Checkpoint { size, note, root, .. } = checkpoint;
        let root = BASE64_STANDARD.encode(root);
        self.encode_entry(&Entry::general(Body::Checkpoint { size, root, note }), at, mono_ms, None);
        sign(self).map(|checkpoint| checkpoint.note)
    }

    /// The name of the open file as its log's origin has it.
    fn stem(&self) -> String {
        let name =
            self.sink.path().file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
        let incident = || self.frame.incident.map_or_else(|| "host".to_owned(), |incident| incident.to_string());
        name.map_or_else(incident, str::to_owned)
    }

    /// Puts a job's lines into the batch, unless it may not be appended.
    fn encode(&mut self, job: &Job, mut lines: Option<&mut Vec<EntryLines>>) -> Result<Receipt, JournalError> {
        if let Some(error) = self.refusal().or_else(|| self.superseded(&job.entries)) {
            return Err(error);
        }
        let first_seq = self.state.next_seq;
        for entry in &job.entries {
            let mut written = lines.as_ref().map(|_| Vec::new());
            self.encode_entry(entry, job.at, job.mono_ms, written.as_mut());
            if let (Some(lines), Some(written)) = (lines.as_mut(), written) {
                lines.push(EntryLines(written));
            }
        }
        Ok(Receipt { first_seq: first_seq.min(self.receipt().last_seq), ..self.receipt() })
    }

    /// A claim must be newer than all before it, and a plan must be that of the newest: what leads to requests is
    /// refused to a process that was left behind. Its answers are recorded all the same, and stay without effect.
    fn superseded(&self, entries: &[Entry]) -> Option<JournalError> {
        entries.iter().find_map(|entry| {
            let op = entry.op?;
            let Some(newest) = self.state.claim(op) else {
                // Of a restore that would cut in, an isolation; of two isolations of one bot, the second.
                let Body::OpClaim { bot, .. } = &entry.body else { return None };
                return self.state.works_elsewhere(bot).map(|op| JournalError::Claimed { op });
            };
            let behind = match entry.body {
                Body::OpClaim { .. } => entry.epoch <= newest,
                Body::PlanIntent { .. } => entry.epoch < newest,
                _ => false,
            };
            behind.then_some(JournalError::Superseded { op, epoch: newest })
        })
    }

    fn encode_entry(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        mono_ms: u64,
        mut into: Option<&mut Vec<(LineMeta, Hash)>>,
    ) {
        self.state.wrote(entry);
        self.mono_ms = self.mono_ms.max(mono_ms);
        let kind = entry.body.kind();
        let lane = entry.body.step().and_then(|step| self.state.lane(step));
        let controls = controls::cited(&entry.body, lane, self.state.is_restore(entry.op));
        let mut tagged = std::mem::take(&mut self.body);
        tagged.clear();
        serde_json::to_writer(&mut tagged, &entry.body).expect("plain data with text keys is always JSON");
        let whole = split::inner(&tagged, kind);
        let mut put = |body: &[u8]| {
            let (seq, mono_ms, prev) = (self.state.next_seq, self.mono_ms, self.state.head);
            let introduces = !self.state.introduced;
            let (op, epoch) = (entry.op, entry.epoch);
            let meta = LineMeta { seq, at, mono_ms, op, epoch, kind, controls, introduces, prev };
            let from = self.batch.len();
            let hash = self.frame.write(&mut self.batch, &meta, body);
            self.state.grow(&self.batch[from..self.batch.len() - 1], kind == CHECKPOINT);
            self.state.head = hash;
            self.state.next_seq += 1;
            self.state.introduced = true;
            if let Some(into) = into.as_mut() {
                into.push((meta, hash));
            }
        };
        if whole.len() <= split::MAX_BODY {
            put(whole);
        } else {
            for part in split::parts(&entry.body, whole) {
                put(&part);
            }
        }
        self.body = tagged;
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

    /// Finds the open segment's beginning: behind the ones before it. In another place the first of them says itself
    /// what it follows.
    fn find_end(&mut self) -> Result<(), JournalError> {
        self.sink.move_on()?;
        let former = self.sink.former()?;
        let mut start = if self.elsewhere {
            let first = if former.is_empty() { &self.sink.read_from(0)? } else { &former[0] };
            let here = Start { prev: self.state.head, seq: self.state.next_seq, or_higher: false };
            chain::link(first).unwrap_or(here)
        } else {
            Start::FIRST
        };
        for former in former {
            scan(&former, start, |line, head| self.state.read(line, head));
            start = behind(&former, start);
        }
        self.state.begin_segment(start);
        Ok(())
    }

    /// Reads what there is of the segments that the other place follows.
    fn read_former(&mut self, segments: &[Vec<u8>]) {
        let mut start = Start::FIRST;
        for (number, bytes) in segments.iter().enumerate() {
            let found = scan(bytes, start, |line, head| self.state.read(line, head));
            let whole = !matches!(found.tail, Tail::Damaged { .. }) && number + 1 == segments.len();
            let last = Start { prev: found.head, seq: found.next_seq, or_higher: false };
            start = if whole { last } else { behind(bytes, start) };
        }
        self.state.begin_segment(start);
    }

    /// Reads what is new since this process last had the lock, and mends what a crash left. What that takes is put in
    /// front of the batch.
    fn catch_up(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.batch.clear();
        if self.sink.move_on()? {
            if !self.elsewhere {
                self.state = State::new(self.frame.process.id, self.signer.is_some());
            }
            self.find_end()?;
        }
        self.durable = Some(self.state.mark());
        let length = self.sink.len()?;
        let overlap = self.state.len.min((HASH_FIELD.len() + 64 + 3) as u64);
        let bytes = self.sink.read_from(self.state.len - overlap)?;
        let added = usize::try_from(overlap).ok().and_then(|overlap| self.same_head(bytes.split_at_checked(overlap)?));
        let Some(added) = added.filter(|_| length >= self.state.len) else {
            let what = format!("it does not hold the {} bytes any more that were there", self.state.len);
            return Err(JournalError::Altered { path: self.sink.path().to_owned(), what });
        };
        if added.is_empty() { Ok(()) } else { self.take_in(added, at, mono_ms) }
    }

    /// What follows the head last seen, if it is still there.
    fn same_head<'a>(&self, (end, added): (&[u8], &'a [u8])) -> Option<&'a [u8]> {
        let same = end.is_empty()
            || end.strip_prefix(HASH_FIELD).and_then(|end| end.strip_suffix(b"\"}\n"))
                == Some(self.state.head.as_str().as_bytes());
        same.then_some(added)
    }

    /// Takes in lines behind those that are known.
    fn take_in(&mut self, added: &[u8], at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        let start = Start {
            prev: self.state.head,
            seq: self.state.next_seq,
            or_higher: self.state.len == 0 && self.state.head != Hash::ZERO,
        };
        let found = scan(added, start, |line, head| self.state.read(line, head));
        (self.state.head, self.state.next_seq) = (found.head, found.next_seq);
        self.durable = Some(self.state.mark());
        match found.tail {
            Tail::Clean => self.state.len += added.len() as u64,
            Tail::Unterminated => {
                self.state.len += added.len() as u64;
                self.batch.push(b'\n');
            }
            Tail::Torn { offset, unterminated } => {
                self.state.len += offset as u64;
                if unterminated {
                    self.batch.push(b'\n');
                }
                self.set_aside(&added[offset..], at, mono_ms)?;
            }
            Tail::Damaged { .. } => {
                self.sink.begin_segment()?;
                self.find_end()?;
            }
        }
        Ok(())
    }

    /// Sets torn bytes aside, cuts them off and records it.
    fn set_aside(&mut self, torn: &[u8], at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        let offset = self.state.len;
        self.sink.set_aside(offset, torn)?;
        self.sink
            .truncate(offset)
            .and_then(|()| self.sink.sync())
            .map_err(|error| JournalError::io("cut the torn tail off", self.sink.path(), &error))?;
        if self.refusal().is_some() {
            // Nothing may be appended here, not even that: the bytes beside the journal say it.
            return Ok(());
        }
        let sha256 = Hash::of(torn).as_str().to_owned();
        let recovered = Body::Recovered { offset, length: torn.len() as u64, sha256 };
        self.encode_entry(&Entry::general(recovered), at, mono_ms, None);
        Ok(())
    }
}

/// Both places fail.
fn both(first: Option<JournalError>, second: JournalError) -> JournalError {
    match first {
        Some(first) => JournalError::NoSink { first: Box::new(first), second: Box::new(second) },
        None => second,
    }
}

/// What a segment behind this one must link to.
pub(super) fn behind(former: &[u8], start: Start) -> Start {
    Start { prev: Hash::of(former), seq: chain::seq_behind(former, start), or_higher: true }
}

impl EntryLines {
    /// The records of an entry that is durable: its parts, if it has several, and the whole.
    pub(super) fn records(self, entry: Entry, frame: &Frame) -> Vec<Record> {
        let parts = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let part = |part| RecordBody::Part { part, parts };
        let bodies = (1..parts).map(part).chain([RecordBody::Known(entry.body)]);
        self.0.iter().zip(bodies).map(|((meta, hash), body)| record(frame, meta, *hash, body)).collect()
    }
}

fn record(frame: &Frame, meta: &LineMeta, hash: Hash, body: RecordBody) -> Record {
    let process = &frame.process;
    let proc = if meta.introduces {
        let (host, version, start) = (process.host.clone(), process.version.clone(), process.start.clone());
        ProcRef::Whole { id: process.id, host, pid: process.pid, version, start }
    } else {
        ProcRef::Id(process.id)
    };
    Record {
        v: VERSION,
        seq: meta.seq,
        at: meta.at,
        mono_ms: meta.mono_ms,
        incident: frame.incident,
        exercise: frame.exercise.clone(),
        proc,
        op: meta.op,
        epoch: meta.epoch,
        who: meta.introduces.then(|| process.who.clone()),
        kind: meta.kind.to_owned(),
        controls: meta.controls.iter().map(|id| (*id).to_owned()).collect(),
        body,
        prev: meta.prev.as_str().to_owned(),
        h: hash.as_str().to_owned(),
    }
}

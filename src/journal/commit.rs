//! One commit, from lock to sync.

use jiff::Timestamp;

use super::{
    Body, Entry, JournalError, ProcRef, Record, RecordBody, VERSION,
    chain::{self, HASH_FIELD, Hash, Start, Tail, scan},
    controls,
    line::{Frame, LineMeta},
    sink::Sink,
    split,
    state::State,
    writer::{Job, Receipt},
};

/// A writer of which everything that it was given is durable.
pub(super) struct Sound {
    sink: Box<dyn Sink>,
    frame: Frame,
    state: State,
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
    /// Opens a journal: reads it whole, mends a torn tail, begins a further segment behind a damaged one.
    pub(super) fn open(sink: Box<dyn Sink>, frame: Frame, at: Timestamp, mono_ms: u64) -> Result<Self, JournalError> {
        let state = State::new(frame.process.id);
        let mut sound = Self { sink, frame, state, mono_ms: 0, batch: Vec::new(), body: Vec::new() };
        sound.sink.lock(at)?;
        let opened = sound.find_end().and_then(|()| sound.catch_up(at, mono_ms)).and_then(|()| sound.write_batch());
        sound.sink.unlock();
        opened.map(|()| sound)
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
        if let Err(error) = self.sink.lock(first.at) {
            return match error {
                JournalError::Locked { .. } => Committed::NotNow { sound: self, error },
                error => Committed::Failed(error),
            };
        }
        let mut lines = Vec::new();
        let done = self.catch_up(first.at, first.mono_ms).and_then(|()| {
            let results = batch.iter().map(|job| self.encode(job, followed.then_some(&mut lines))).collect();
            self.write_batch().map(|()| results)
        });
        self.sink.unlock();
        match done {
            Ok(results) => Committed::Done { sound: self, results, lines },
            Err(error) => Committed::Failed(error),
        }
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
            let newest = self.state.claim(op)?;
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
            let hash = self.frame.write(&mut self.batch, &meta, body);
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
            // Where even this fails, the next one who reads finds a torn tail, or lines that nobody was promised.
            let _ = self.sink.truncate(before);
            JournalError::io(what, self.sink.path(), &error)
        })?;
        self.state.len += self.batch.len() as u64;
        self.batch.clear();
        Ok(())
    }

    /// Finds the open segment's beginning: behind the ones before it.
    fn find_end(&mut self) -> Result<(), JournalError> {
        self.sink.move_on()?;
        let mut start = Start::FIRST;
        for former in self.sink.former()? {
            scan(&former, start, |_, head| self.state.read(head));
            start = behind(&former, start);
        }
        self.state.begin_segment(start);
        Ok(())
    }

    /// Reads what is new since this process last had the lock, and mends what a crash left. What that takes is put in
    /// front of the batch.
    fn catch_up(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.batch.clear();
        if self.sink.move_on()? {
            self.state = State::new(self.frame.process.id);
            self.find_end()?;
        }
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
        let found = scan(added, start, |_, head| self.state.read(head));
        (self.state.head, self.state.next_seq) = (found.head, found.next_seq);
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
        let (host, version) = (process.host.clone(), process.version.clone());
        ProcRef::Whole { id: process.id, host, pid: process.pid, version }
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

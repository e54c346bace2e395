//! Entries become lines: numbered, chained and hashed in the batch, if they may be appended at all.
//!
//! ```text
//! Job ─▶ superseded? closed? ─▶ Entry ─▶ body, in parts if it is long ─▶ line ─▶ batch
//!                                                             checkpoint, if due ──▲
//! ```

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::Sound;
use crate::journal::{
    Body, Checkpoint, Entry, Introduction, JournalError, ProcRef, Record, RecordBody, VERSION, controls, file,
    hash::Hash,
    line::{Frame, LineMeta},
    split,
    state::CHECKPOINT,
    writer::{Job, Receipt},
};
/// The lines that one entry became.
#[derive(Debug)]
pub(in crate::journal) struct EntryLines(Vec<(LineMeta, Hash)>);

impl Sound {
    /// Puts a checkpoint over everything so far into the batch, and gives back the note that covers that line too.
    pub(super) fn encode_checkpoint(&mut self, at: Timestamp, mono_ms: u64) -> Option<String> {
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
    pub(super) fn stem(&self) -> String {
        let name =
            self.sink.path().file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
        name.map_or_else(|| file::stem(self.frame.incident), str::to_owned)
    }

    /// Puts a job's lines into the batch, unless it may not be appended.
    pub(super) fn encode(
        &mut self,
        job: &Job,
        mut lines: Option<&mut Vec<EntryLines>>,
    ) -> Result<Receipt, JournalError> {
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
    pub(super) fn superseded(&self, entries: &[Entry]) -> Option<JournalError> {
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

    pub(super) fn encode_entry(
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
}

impl EntryLines {
    /// The records of an entry that is durable: its parts, if it has several, and the whole.
    pub(in crate::journal) fn records(self, entry: Entry, frame: &Frame) -> Vec<Record> {
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
        ProcRef::Whole(Box::new(Introduction { id: process.id, host, pid: process.pid, version, start }))
    } else {
        ProcRef::Id(process.id)
    };
    Record {
        v: VERSION,
        seq: meta.seq,
        at: meta.at,
        mono_ms: meta.mono_ms,
        incident: frame.incident,
        exercise: frame.exercise.as_deref().map(Arc::from),
        proc,
        op: meta.op,
        epoch: meta.epoch,
        who: meta.introduces.then(|| Box::new(process.who.clone())),
        kind: meta.kind.into(),
        controls: meta.controls.iter().map(|id| (*id).to_owned()).collect(),
        body,
        prev: meta.prev,
        h: hash,
    }
}

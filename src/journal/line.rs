//! One line, written: the fields in the order of the format, hashed as the bytes that go to disk.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::{Process, VERSION, Who, chain::HASH_FIELD, hash::Hash};
use crate::domain::{IncidentId, OperationId};

/// What is the same in every line of a journal that this process writes.
#[derive(Debug)]
pub(super) struct Frame {
    /// `None`: the host's journal.
    pub(super) incident: Option<IncidentId>,
    /// The scenario's name.
    pub(super) exercise: Option<String>,
    /// Who writes.
    pub(super) process: Process,
}

/// What differs from line to line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineMeta {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) mono_ms: u64,
    pub(super) op: Option<OperationId>,
    pub(super) epoch: u32,
    pub(super) kind: &'static str,
    pub(super) controls: &'static [&'static str],
    /// Whether it is the process's first line of the file.
    pub(super) introduces: bool,
    pub(super) prev: Hash,
}

/// Everything before the body, in the order of the format.
#[derive(Serialize)]
struct Before<'a> {
    v: u32,
    seq: u64,
    #[serde(serialize_with = "milliseconds")]
    at: Timestamp,
    mono_ms: u64,
    incident: Option<IncidentId>,
    exercise: Option<&'a str>,
    proc: Proc<'a>,
    op: Option<OperationId>,
    epoch: u32,
    who: Option<&'a Who>,
    kind: &'a str,
    controls: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Proc<'a> {
    Id(Uuid),
    Whole {
        id: Uuid,
        host: &'a str,
        pid: u32,
        version: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        start: Option<&'a str>,
    },
}

fn milliseconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

impl Frame {
    /// Appends a line with its newline to `out`, and tells its hash.
    pub(super) fn write(&self, out: &mut Vec<u8>, meta: &LineMeta, body: &[u8]) -> Hash {
        let start = out.len();
        let Process { id, host, pid, version, start: began, who } = &self.process;
        let before = Before {
            v: VERSION,
            seq: meta.seq,
            at: meta.at,
            mono_ms: meta.mono_ms,
            incident: self.incident,
            exercise: self.exercise.as_deref(),
            proc: if meta.introduces {
                Proc::Whole { id: *id, host, pid: *pid, version, start: began.as_deref() }
            } else {
                Proc::Id(*id)
            },
            op: meta.op,
            epoch: meta.epoch,
            who: meta.introduces.then_some(who),
            kind: meta.kind,
            controls: meta.controls,
        };
        serde_json::to_writer(&mut *out, &before).expect("plain data is always JSON");
        out.pop();
        out.extend_from_slice(b",\"body\":");
        out.extend_from_slice(body);
        out.extend_from_slice(b",\"prev\":\"");
        out.extend_from_slice(&meta.prev.digits());
        out.push(b'"');
        let hash = Hash::of(&out[start..]);
        out.extend_from_slice(HASH_FIELD);
        out.extend_from_slice(&hash.digits());
        out.extend_from_slice(b"\"}\n");
        hash
    }
}

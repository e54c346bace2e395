//! One line, read.

mod quick;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeSeed as _};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Body, Who, hash::Hash};
use crate::domain::{IncidentId, OperationId};
pub(super) use quick::may_be_part;
use quick::{OfKind, Quick};

/// Which process wrote a line: whole in its first line of a file, afterwards its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProcRef {
    /// The id of a process that an earlier line of the file introduces.
    Id(Uuid),
    /// The process, introduced.
    Whole(Box<Introduction>),
}

/// What a process says of itself in its first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Unique.
    pub id: Uuid,
    /// The host's name.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// estop's version.
    pub version: String,
    /// When it began, as the kernel counts; `None`: written before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

impl ProcRef {
    /// The id in either form.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Id(id) => *id,
            Self::Whole(introduction) => introduction.id,
        }
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordBody {
    /// A kind that this estop knows.
    Known(Body),
    /// A line of a record that was too long for one. The last of them carries the whole as [`RecordBody::Known`], if
    /// all are there; if not, the record does not count.
    Part {
        /// Which, from 1.
        part: u32,
        /// Of how many.
        parts: u32,
    },
    /// A kind, a version or a shape that this estop does not know: kept, shown as unknown.
    Unknown(serde_json::Value),
}

impl RecordBody {
    /// The body, where it is known and whole.
    pub const fn known(&self) -> Option<&Body> {
        match self {
            Self::Known(body) => Some(body),
            Self::Part { .. } | Self::Unknown(_) => None,
        }
    }
}

/// One line of a journal, its place in the chain checked. There may be a million of them: what they share is shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The format's version.
    pub v: u32,
    /// 0, 1, 2 … over all segments.
    pub seq: u64,
    /// Wall time, for people.
    pub at: Timestamp,
    /// Milliseconds since its process began; never going back.
    pub mono_ms: u64,
    /// `None` in the host's journal.
    pub incident: Option<IncidentId>,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<Arc<str>>,
    /// Who wrote it.
    pub proc: ProcRef,
    /// The operation.
    pub op: Option<OperationId>,
    /// The claim under which it was written.
    pub epoch: u32,
    /// For whom, in the process's first line of the file.
    pub who: Option<Box<Who>>,
    /// What kind.
    pub kind: Cow<'static, str>,
    /// The controls it cites.
    pub controls: Arc<[String]>,
    /// What it says.
    pub body: RecordBody,
    /// The hash of the line before.
    pub prev: Hash,
    /// Its own hash.
    pub h: Hash,
}

/// A line as it stands in the file.
#[derive(Deserialize)]
struct Line<'a> {
    v: u32,
    seq: u64,
    at: Timestamp,
    mono_ms: u64,
    incident: Option<IncidentId>,
    exercise: Option<String>,
    proc: ProcRef,
    op: Option<OperationId>,
    epoch: u32,
    who: Option<Box<Who>>,
    kind: String,
    controls: Vec<String>,
    #[serde(borrow)]
    body: &'a RawValue,
    prev: String,
    h: String,
}

/// What is in a body that is one of several.
#[derive(Deserialize)]
struct Piece {
    #[serde(rename = "part")]
    number: u32,
    parts: u32,
    text: Option<String>,
}

/// Reads lines one after the other and joins what was split.
#[derive(Default)]
pub(super) struct Joiner {
    /// The kind and what there is of it so far; the next part must be this one.
    open: Option<(String, u32, Gathered)>,
    quick: Quick,
}

enum Gathered {
    /// Bodies that are whole but for a list that goes on.
    Lists(Box<Body>),
    /// Pieces of the body's JSON.
    Text(String),
}

impl Joiner {
    /// Reads one line whose hash has been checked. `None`: it has not even what every version has.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Record> {
        self.read_ours(line).or_else(|| Self::foreign(line))
    }

    /// Reads a line that has the fields of this version; their content may be a newer one's.
    pub(super) fn read_ours(&mut self, line: &[u8]) -> Option<Record> {
        if let Some(record) = self.quick.read(line) {
            self.open = None;
            return Some(record);
        }
        self.read_long(line)
    }

    /// The long way, which takes fields in any order, parts of records and kinds that are not known.
    fn read_long(&mut self, line: &[u8]) -> Option<Record> {
        let line: Line<'_> = serde_json::from_slice(line).ok()?;
        let (prev, h) = (Hash::parse(line.prev.as_bytes())?, Hash::parse(line.h.as_bytes())?);
        let body = self.body(line.v, &line.kind, line.body.get());
        Some(Record {
            v: line.v,
            seq: line.seq,
            at: line.at,
            mono_ms: line.mono_ms,
            incident: line.incident,
            exercise: line.exercise.map(Arc::from),
            proc: line.proc,
            op: line.op,
            epoch: line.epoch,
            who: line.who,
            kind: line.kind.into(),
            controls: line.controls.into(),
            body,
            prev,
            h,
        })
    }

    /// A line of a newer version whose fields have other shapes: what can be told of it.
    fn foreign(line: &[u8]) -> Option<Record> {
        let value: serde_json::Value = serde_json::from_slice(line).ok()?;
        let text = |name: &str| value.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        Some(Record {
            v: value.get("v")?.as_u64()?.try_into().ok()?,
            seq: value.get("seq")?.as_u64()?,
            at: text("at").and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH),
            mono_ms: value.get("mono_ms").and_then(serde_json::Value::as_u64).unwrap_or(0),
            incident: text("incident").and_then(|id| id.parse().ok()),
            exercise: text("exercise").map(Arc::from),
            proc: ProcRef::Id(Uuid::nil()),
            op: text("op").and_then(|id| id.parse().ok()),
            epoch: 0,
            who: None,
            kind: text("kind").unwrap_or_default().into(),
            controls: Arc::default(),
            prev: Hash::parse(text("prev")?.as_bytes())?,
            h: Hash::parse(text("h")?.as_bytes())?,
            body: RecordBody::Unknown(value),
        })
    }

    fn body(&mut self, v: u32, kind: &str, raw: &str) -> RecordBody {
        if v != super::VERSION || !Body::KINDS.contains(&kind) {
            self.open = None;
            return RecordBody::Unknown(serde_json::from_str(raw).unwrap_or_default());
        }
        if let Some(piece) = as_part(raw) {
            return self.part(kind, raw, piece);
        }
        self.open = None;
        typed(kind, raw)
            .map_or_else(|| RecordBody::Unknown(serde_json::from_str(raw).unwrap_or_default()), RecordBody::Known)
    }

    fn part(&mut self, kind: &str, raw: &str, piece: Piece) -> RecordBody {
        let this = RecordBody::Part { part: piece.number, parts: piece.parts };
        let more = match piece.text {
            Some(text) => Some(Gathered::Text(text)),
            None => typed(kind, raw).map(|body| Gathered::Lists(Box::new(body))),
        };
        let gathered = match (self.open.take(), more) {
            (_, Some(more)) if piece.number == 1 => more,
            (Some((open, before, gathered)), Some(more)) if open == kind && before + 1 == piece.number => {
                match gathered.join(more) {
                    Some(gathered) => gathered,
                    None => return this,
                }
            }
            _ => return this,
        };
        if piece.number < piece.parts {
            self.open = Some((kind.to_owned(), piece.number, gathered));
            return this;
        }
        match gathered {
            Gathered::Lists(body) => RecordBody::Known(*body),
            Gathered::Text(text) => typed(kind, &text).map_or(this, RecordBody::Known),
        }
    }
}

impl Gathered {
    fn join(self, more: Self) -> Option<Self> {
        match (self, more) {
            (Self::Text(mut text), Self::Text(more)) => {
                text.push_str(&more);
                Some(Self::Text(text))
            }
            (Self::Lists(mut body), Self::Lists(more)) => body.join(*more).then_some(Self::Lists(body)),
            _ => None,
        }
    }
}

/// A body that says it is a part. The look at its ends keeps other bodies from being read twice.
fn as_part(raw: &str) -> Option<Piece> {
    let tail = raw.get(raw.len().saturating_sub(48)..).unwrap_or(raw);
    if !raw.starts_with("{\"part\":") && !tail.contains(",\"parts\":") {
        return None;
    }
    serde_json::from_str(raw).ok()
}

/// The body of a kind.
fn typed(kind: &str, raw: &str) -> Option<Body> {
    let mut json = serde_json::Deserializer::from_str(raw);
    let body = OfKind(kind).deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(body)
}

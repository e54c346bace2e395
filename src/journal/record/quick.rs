//! The quick way through a line as this estop writes it: one pass, each value built once, from the line's own bytes.
//!
//! ```text
//! {"v":1,"seq":…,"proc":… ,"controls":… ,"kind":K,"body":…            ,"prev":"…","h":"…"}
//!                   └─ known from the line before ─┘       └─ read as K at once
//! ```
//!
//! Whatever is not exactly so (a newer version, another order, a part of a record) is left to the long way, which takes
//! everything and says the same about these.

use std::{borrow::Cow, fmt, sync::Arc};

use memchr::memmem::Finder;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error as _, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, MapAccessDeserializer},
    },
};
use serde_json::value::RawValue;

use super::{ProcRef, Record, RecordBody};
use crate::journal::{Body, VERSION, hash::Hash};

/// What is in a body that may be a part of a record: `"part":` or `"parts":`, one of them as it stands.
const PART: &[u8] = b"\"part";
/// Values that are kept of one field: a file that has more of them is read no slower than without.
const KEPT: usize = 32;

/// Reads lines, and keeps what many of them share.
pub(super) struct Quick {
    parts: Finder<'static>,
    procs: Kept<ProcRef>,
    exercises: Kept<Option<Arc<str>>>,
    controls: Kept<Arc<[String]>>,
}

impl Default for Quick {
    fn default() -> Self {
        let (procs, exercises, controls) = (Kept::default(), Kept::default(), Kept::default());
        Self { parts: Finder::new(PART), procs, exercises, controls }
    }
}

impl Quick {
    /// `None`: this line needs the long way.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Record> {
        let text = std::str::from_utf8(line).ok()?;
        if self.parts.find(line).is_some() {
            return None;
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let record = json.deserialize_map(self).ok()?;
        json.end().ok()?;
        Some(record)
    }
}

/// Values of a field by their JSON.
struct Kept<T>(Vec<(Box<str>, T)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Kept<T> {
    fn get(&mut self, raw: &str, read: impl FnOnce(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
        if let Some((_, value)) = self.0.iter().find(|(known, _)| **known == *raw) {
            return Ok(value.clone());
        }
        let value = read(raw)?;
        if self.0.len() < KEPT {
            self.0.push((raw.into(), value.clone()));
        }
        Ok(value)
    }
}

impl<'de> Visitor<'de> for &mut Quick {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of a journal")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let map = &mut map;
        let v = field(map, "v")?;
        if v != VERSION {
            return Err(A::Error::custom("another version"));
        }
        let (seq, at, mono_ms) = (field(map, "seq")?, field(map, "at")?, field(map, "mono_ms")?);
        let incident = field(map, "incident")?;
        let exercise = self
            .exercises
            .get(raw(map, "exercise")?, |raw| Ok(serde_json::from_str::<Option<String>>(raw)?.map(Arc::from)));
        let proc = self.procs.get(raw(map, "proc")?, |raw| serde_json::from_str(raw));
        let (op, epoch, who) = (field(map, "op")?, field(map, "epoch")?, field(map, "who")?);
        let kind: &str = field(map, "kind")?;
        let kind = Body::KINDS.iter().find(|known| **known == kind).ok_or_else(|| A::Error::custom("another kind"))?;
        let controls =
            self.controls.get(raw(map, "controls")?, |raw| serde_json::from_str::<Vec<String>>(raw).map(Arc::from));
        named(map, "body")?;
        let body = RecordBody::Known(map.next_value_seed(OfKind(kind))?);
        let (prev, h) = (hash(map, "prev")?, hash(map, "h")?);
        if map.next_key::<&str>()?.is_some() {
            return Err(A::Error::custom("another field"));
        }
        let (exercise, proc) = (exercise.map_err(A::Error::custom)?, proc.map_err(A::Error::custom)?);
        let (controls, kind) = (controls.map_err(A::Error::custom)?, Cow::Borrowed(*kind));
        Ok(Record { v, seq, at, mono_ms, incident, exercise, proc, op, epoch, who, kind, controls, body, prev, h })
    }
}

fn named<'de, A: MapAccess<'de>>(map: &mut A, name: &str) -> Result<(), A::Error> {
    if map.next_key::<&str>()? == Some(name) { Ok(()) } else { Err(A::Error::custom("another order")) }
}

fn field<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, name: &str) -> Result<T, A::Error> {
    named(map, name)?;
    map.next_value()
}

fn raw<'de, A: MapAccess<'de>>(map: &mut A, name: &str) -> Result<&'de str, A::Error> {
    field::<A, &RawValue>(map, name).map(RawValue::get)
}

fn hash<'de, A: MapAccess<'de>>(map: &mut A, name: &str) -> Result<Hash, A::Error> {
    let digits: &str = field(map, name)?;
    Hash::parse(digits.as_bytes()).ok_or_else(|| A::Error::custom("no hash"))
}

/// Whether a line may be a part of a record: one that is none ends what came before it.
pub(in crate::journal) fn may_be_part(line: &[u8]) -> bool {
    memchr::memmem::find(line, PART).is_some()
}

/// A body of that kind.
pub(super) struct OfKind<'k>(pub(super) &'k str);

impl<'de> DeserializeSeed<'de> for OfKind<'de> {
    type Value = Body;

    fn deserialize<D: Deserializer<'de>>(self, body: D) -> Result<Body, D::Error> {
        Body::deserialize(MapAccessDeserializer::new(Tagged { kind: Some(self.0), body: Some(body) }))
    }
}

/// `{"kind":K,"body":…}` without the text of it.
struct Tagged<'de, D> {
    kind: Option<&'de str>,
    body: Option<D>,
}

impl<'de, D: Deserializer<'de>> MapAccess<'de> for Tagged<'de, D> {
    type Error = D::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, D::Error> {
        let key = match (self.kind, &self.body) {
            (Some(_), _) => "kind",
            (None, Some(_)) => "body",
            (None, None) => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, D::Error> {
        if let Some(kind) = self.kind.take() {
            return seed.deserialize(BorrowedStrDeserializer::new(kind));
        }
        let body = self.body.take().ok_or_else(|| D::Error::custom("a body is read once"))?;
        seed.deserialize(body)
    }
}

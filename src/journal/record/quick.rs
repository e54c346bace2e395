//! The quick way through a line as this estop writes it: each value is built once, from the line's own bytes.
//!
//! ```text
//! {"v":1,"seq":…,"at":…,"mono_ms":…,"incident":… … "who":…,"kind":… ,"controls":…,"body":…            ,"prev":"…","h":"…"}
//!                                   └─ known from a former line ─┘└─ from another ─┘└─ read as its kind ─┘└─ a fixed end ─┘
//! ```
//!
//! Whatever is not exactly so (a newer version, another order, a part of a record) is left to the long way, which takes
//! everything and says the same about these.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use memchr::memmem::{self, Finder};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error as _, MapAccess,
        value::{BorrowedStrDeserializer, MapAccessDeserializer},
    },
};

use super::{ProcRef, Record, RecordBody, typed};
use crate::{
    domain::{IncidentId, OperationId},
    journal::{Body, VERSION, Who, hash::Hash},
};

/// How a line begins.
const START: &str = "{\"v\":1,\"seq\":";
const _: () = assert!(VERSION == 1, "that is the version that a line begins with");
/// What stands before the kind, and before the body. Within a string these quotes would be escaped.
const KIND: &str = ",\"kind\":";
const BODY: &str = ",\"body\":";
/// `,"prev":"`, 64 digits, `","h":"`, 64 digits, `"}`.
const END: usize = 9 + 64 + 7 + 64 + 2;
/// What is in a body that may be a part of a record: `"part":` or `"parts":`, one of them as it stands.
const PART: &[u8] = b"\"part";
/// Stretches that are kept: a file that has more of them is read no slower than without.
const KEPT: usize = 64;

/// Reads lines, and keeps what many of them share.
pub(super) struct Quick {
    part: Finder<'static>,
    origins: Kept<Origin>,
    classes: Kept<Class>,
    /// When the line before was written, as it stands there: lines come in groups.
    at: Option<(String, Timestamp)>,
}

/// Where a line comes from: the fields between the clocks and the kind.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    incident: Option<IncidentId>,
    #[serde(deserialize_with = "shared")]
    exercise: Option<Arc<str>>,
    proc: ProcRef,
    op: Option<OperationId>,
    epoch: u32,
    who: Option<Box<Who>>,
}

/// What a line is: the fields between its origin and its body.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    #[serde(deserialize_with = "known")]
    kind: Cow<'static, str>,
    #[serde(deserialize_with = "listed")]
    controls: Arc<[String]>,
}

fn shared<'de, D: Deserializer<'de>>(name: D) -> Result<Option<Arc<str>>, D::Error> {
    Ok(Option::<String>::deserialize(name)?.map(Arc::from))
}

fn listed<'de, D: Deserializer<'de>>(list: D) -> Result<Arc<[String]>, D::Error> {
    Vec::deserialize(list).map(Arc::from)
}

fn known<'de, D: Deserializer<'de>>(kind: D) -> Result<Cow<'static, str>, D::Error> {
    let kind = <&str>::deserialize(kind)?;
    let known = Body::KINDS.iter().find(|known| **known == kind);
    known.map(|known| Cow::Borrowed(*known)).ok_or_else(|| D::Error::custom("another kind"))
}

impl Default for Quick {
    fn default() -> Self {
        Self { part: Finder::new(PART), origins: Kept(Vec::new()), classes: Kept(Vec::new()), at: None }
    }
}

impl Quick {
    /// `None`: this line needs the long way.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Record> {
        let line = std::str::from_utf8(line).ok()?;
        let (line, end) = line.split_at_checked(line.len().checked_sub(END)?)?;
        let (seq, rest) = number(line.strip_prefix(START)?)?;
        let (at, rest) = rest.strip_prefix(",\"at\":\"")?.split_once('"')?;
        let (mono_ms, rest) = number(rest.strip_prefix(",\"mono_ms\":")?)?;
        let (origin, rest) = self.origins.get(rest, KIND)?;
        let (class, rest) = self.classes.get(rest, BODY)?;
        let body = rest.strip_prefix(BODY)?;
        if self.part.find(body.as_bytes()).is_some() {
            return None;
        }
        let (prev, h) = links(end.as_bytes())?;
        let Origin { incident, exercise, proc, op, epoch, who } = origin;
        let Class { kind, controls } = class;
        let (at, body) = (self.time(at)?, RecordBody::Known(typed(&kind, body)?));
        Some(Record {
            v: VERSION,
            seq,
            at,
            mono_ms,
            incident,
            exercise,
            proc,
            op,
            epoch,
            who,
            kind,
            controls,
            body,
            prev,
            h,
        })
    }

    /// A time as it stands in a line.
    fn time(&mut self, text: &str) -> Option<Timestamp> {
        if let Some((_, time)) = self.at.as_ref().filter(|(former, _)| former == text) {
            return Some(*time);
        }
        let time = text.parse().ok()?;
        self.at = Some((text.to_owned(), time));
        Some(time)
    }
}

/// A number as JSON has it, and what is behind it.
fn number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits > 1 && number.starts_with('0') {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// The hashes at a line's end.
fn links(end: &[u8]) -> Option<(Hash, Hash)> {
    let (prev, end) = end.strip_prefix(b",\"prev\":\"")?.split_at_checked(64)?;
    let h = end.strip_prefix(b"\",\"h\":\"")?.strip_suffix(b"\"}")?;
    Some((Hash::parse(prev)?, Hash::parse(h)?))
}

/// What stretches of fields say, by their bytes and the name of the field behind them.
struct Kept<T>(Vec<(Box<str>, T)>);

impl<T: Clone + for<'de> Deserialize<'de>> Kept<T> {
    /// Reads the fields up to another one, and gives back the text from there on.
    fn get<'a>(&mut self, text: &'a str, until: &str) -> Option<(T, &'a str)> {
        if let Some((stretch, value)) = self.0.iter().find(|(stretch, _)| text.starts_with(&**stretch)) {
            return Some((value.clone(), &text[stretch.len() - until.len()..]));
        }
        // Fields that end within a nested object, at a field of that name, are no JSON.
        let end = memmem::find(text.as_bytes(), until.as_bytes())?;
        let value: T = serde_json::from_str(&format!("{{{}}}", text.get(..end)?.strip_prefix(',')?)).ok()?;
        if self.0.len() < KEPT {
            self.0.push((text[..end + until.len()].into(), value.clone()));
        }
        Some((value, &text[end..]))
    }
}

/// Whether a line may be a part of a record: one that is none ends what came before it.
pub(in crate::journal) fn may_be_part(line: &[u8]) -> bool {
    memmem::find(line, PART).is_some()
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

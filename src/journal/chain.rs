//! The chain, read from bytes: which lines hold, and how the file ends.
//!
//! ```text
//! line … line │ (end)                        Clean
//! line … line │ whole line, no newline       Unterminated: kept, the newline is added
//! line … line │ fragment, NULs               Torn: set aside, cut off, `recovered`
//! line … line │ wrong line \n …              Damaged: never repaired, the next segment begins
//! ```
//!
//! A crash leaves the first three; anything else was done to the file.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{MAX_LINE, VERSION, hash::Hash};
use crate::domain::OperationId;

/// What stands between a line's bytes and its hash.
pub(super) const HASH_FIELD: &[u8] = b",\"h\":\"";
/// `,"h":"…"}`: the end of every line.
pub(super) const HASH_END: usize = HASH_FIELD.len() + 64 + 2;

/// What the first line must link to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Its `prev`.
    pub(super) prev: Hash,
    /// Its `seq`.
    pub(super) seq: u64,
    /// Whether `seq` may be higher: behind a damaged segment some numbers are lost.
    pub(super) or_higher: bool,
}

impl Start {
    /// Of the first segment.
    pub(super) const FIRST: Self = Self { prev: Hash::ZERO, seq: 0, or_higher: false };
}

/// What the chain needs of a line. A newer version may lack all but the first two and the last two.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    pub(super) v: u32,
    pub(super) seq: u64,
    #[serde(borrow, default)]
    pub(super) proc: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) op: Option<OperationId>,
    #[serde(default)]
    pub(super) epoch: u32,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) body: Option<&'a RawValue>,
    #[serde(borrow)]
    prev: Cow<'a, str>,
}

impl Head<'_> {
    /// What this estop does not know about the line.
    pub(super) fn unknown(&self) -> Option<String> {
        if self.v != VERSION {
            return Some(format!("format version {}", self.v));
        }
        (!super::Body::KINDS.contains(&&*self.kind)).then(|| format!("kind {:?}", self.kind))
    }
}

/// How a file ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a newline, or empty.
    Clean,
    /// The last line is whole but for its newline.
    Unterminated,
    /// What a broken-off write leaves, from this offset. `unterminated`: the line before lacks its newline.
    Torn { offset: usize, unterminated: bool },
    /// Something else: the first bad line, from 1, its offset, what is wrong.
    Damaged { line: u64, offset: usize, what: String },
}

/// What a scan found.
#[derive(Debug)]
pub(super) struct Scan {
    /// Lines that hold.
    pub(super) lines: u64,
    /// The number of the next one.
    pub(super) next_seq: u64,
    /// The hash of the last one, or what the start said.
    pub(super) head: Hash,
    /// How it ends.
    pub(super) tail: Tail,
}

/// Reads lines as long as they hold; `visit` gets each.
pub(super) fn scan<'a>(bytes: &'a [u8], start: Start, mut visit: impl FnMut(&'a [u8], &Head<'a>)) -> Scan {
    let mut scan = Scan { lines: 0, next_seq: start.seq, head: start.prev, tail: Tail::Clean };
    let mut expected = start;
    let mut offset = 0;
    let mut take = |line: &'a [u8], expected: &mut Start| -> Result<(), String> {
        let (head, hash) = check(line, expected)?;
        visit(line, &head);
        *expected = Start { prev: hash, seq: head.seq.saturating_add(1), or_higher: false };
        Ok(())
    };
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let end = memchr::memchr(b'\n', rest);
        let taken = match end {
            Some(end) => take(&rest[..end], &mut expected).map(|()| end + 1),
            None => Err("it has no newline".to_owned()),
        };
        match taken {
            Ok(length) => {
                offset += length;
                scan.lines += 1;
            }
            Err(what) => {
                scan.tail = judge(rest, end, offset, scan.lines + 1, what);
                if let Some(whole) = whole_line(rest, &scan.tail, &expected) {
                    take(&rest[..whole], &mut expected).expect("it was checked");
                    scan.lines += 1;
                    scan.tail = if offset + whole == bytes.len() {
                        Tail::Unterminated
                    } else {
                        Tail::Torn { offset: offset + whole, unterminated: true }
                    };
                }
                break;
            }
        }
    }
    (scan.head, scan.next_seq) = (expected.prev, expected.seq);
    scan
}

/// Torn or damaged? Torn: no newline behind it, or the last line and NULs in it, as after a power cut.
fn judge(rest: &[u8], newline: Option<usize>, offset: usize, line: u64, what: String) -> Tail {
    match newline {
        None => Tail::Torn { offset, unterminated: false },
        Some(end) if rest[..end].contains(&0) && rest[end + 1..].iter().all(|byte| *byte == 0) => {
            Tail::Torn { offset, unterminated: false }
        }
        Some(_) => Tail::Damaged { line, offset, what },
    }
}

/// The length of a whole line at the beginning of a torn tail: it was written, only what follows it was not.
fn whole_line(rest: &[u8], tail: &Tail, expected: &Start) -> Option<usize> {
    if !matches!(tail, Tail::Torn { .. }) {
        return None;
    }
    let mut from = 0;
    while let Some(found) = rest[from..].windows(HASH_FIELD.len()).position(|window| window == HASH_FIELD) {
        let end = from + found + HASH_END;
        if rest.get(..end).is_some_and(|line| check(line, expected).is_ok()) {
            return Some(end);
        }
        from += found + 1;
    }
    None
}

/// Checks one line, newline excluded: its hash, its link, its number.
fn check<'a>(line: &'a [u8], expected: &Start) -> Result<(Head<'a>, Hash), String> {
    if line.len() > MAX_LINE {
        return Err(format!("it is longer than {MAX_LINE} bytes"));
    }
    let (content, end) = line.split_at(line.len().checked_sub(HASH_END).ok_or("it is too short for a line")?);
    let hash = Hash::of(content);
    let own = end.strip_prefix(HASH_FIELD).and_then(|end| end.strip_suffix(b"\"}"));
    if own.and_then(Hash::parse) != Some(hash) {
        return Err("its hash is not that of its bytes".to_owned());
    }
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| "it is not a line of a journal".to_owned())?;
    if Hash::parse(head.prev.as_bytes()) != Some(expected.prev) {
        return Err("it does not follow the line before".to_owned());
    }
    if head.seq != expected.seq && !(expected.or_higher && head.seq > expected.seq) {
        return Err(format!("its number is {}, not {}", head.seq, expected.seq));
    }
    Ok((head, hash))
}

/// What a file's first line says that it follows. `None`: there is no whole line at its beginning.
pub(super) fn link(bytes: &[u8]) -> Option<Start> {
    let line = &bytes[..bytes.iter().position(|byte| *byte == b'\n')?];
    let head: Head<'_> = serde_json::from_slice(line).ok()?;
    let prev = Hash::parse(head.prev.as_bytes())?;
    Some(Start { prev, seq: head.seq, or_higher: false })
}

/// Where the numbers go on behind a damaged segment: past every line that it may have had.
///
/// Lines are counted by their newlines and by how they begin; damage may have taken one or the other. Rather a gap
/// behind damage than a number twice.
pub(super) fn seq_behind(bytes: &[u8], start: Start) -> u64 {
    const BEGINNING: &[u8] = b"{\"v\":";
    let ends = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    let beginnings = bytes
        .windows(BEGINNING.len())
        .enumerate()
        .filter(|(at, window)| *window == BEGINNING && number_follows(&bytes[at + BEGINNING.len()..]))
        .count();
    start.seq.saturating_add(ends.max(beginnings) as u64)
}

/// Whether this goes on as a line does: `1,"seq":0,`.
fn number_follows(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(b",\"seq\":")
}

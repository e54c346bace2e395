//! The check of a journal, offline, by code of its own.
//!
//! It shares nothing with the writer and with the reader behind the screens, so that a mistake in one does not vouch
//! for itself in the other. Everything is derived again from the raw bytes of the file.

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

/// A file that is bigger is no journal: a sparse one must not take all memory.
const LIMIT: u64 = 1 << 30;
/// The longest line, by the format.
const LONGEST_LINE: usize = 65_536;
/// `,"prev":"`, 64 digits, `","h":"`, 64 digits, `"}`.
const LINK: usize = 9 + 64 + 7 + 64 + 2;
/// `,"h":"`, 64 digits, `"}`: what a line's own hash does not cover.
const OWN_HASH: usize = 6 + 64 + 2;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// Every line holds, and each follows the one before.
    Sound {
        /// How many.
        lines: u64,
        /// How many of them no checkpoint covers: cutting these off the end would not be seen.
        uncovered: u64,
        /// The hash of the last line.
        head: String,
        /// Lines of a newer format version.
        newer: u64,
        /// Something to know besides.
        note: Option<String>,
    },
    /// The file cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
    /// All lines hold but for what a broken-off write leaves at the end.
    Torn {
        /// Lines that hold.
        lines: u64,
        /// Where the torn bytes begin.
        offset: u64,
        /// How many they are; 0: nothing is lost, the last line merely lacks its newline.
        length: u64,
    },
    /// A line was changed, removed or put in.
    Damaged {
        /// The first bad line, from 1.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
        /// The segment that continues behind the damage and names this file as it is.
        continued: Option<PathBuf>,
    },
}

impl Verification {
    /// The exit code of `estop journal verify`.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Sound { .. } => 0,
            Self::Unreadable { .. } => 1,
            Self::Torn { .. } => 3,
            Self::Damaged { .. } => 4,
        }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Sound { lines, uncovered, newer, note, .. } => {
                let mut text = format!("sound: {lines} lines, of which no checkpoint covers {uncovered}");
                if *newer > 0 {
                    let _ = write!(text, "; {newer} of a newer estop");
                }
                if let Some(note) = note {
                    let _ = write!(text, "; {note}");
                }
                text
            }
            Self::Unreadable { why } => format!("unreadable: {why}"),
            Self::Torn { lines, length: 0, .. } => {
                format!("torn: {lines} lines hold, the last one lacks its newline; the next writer adds it")
            }
            Self::Torn { lines, offset, length } => format!(
                "torn: {lines} lines hold, then {length} bytes of a broken-off write from byte {offset}; the next \
                 writer sets them aside"
            ),
            Self::Damaged { line, offset, what, continued } => {
                let mut text = format!("damaged: line {line} (byte {offset}): {what}");
                if let Some(path) = continued {
                    let _ = write!(text, "; {} continues behind it", path.display());
                }
                text
            }
        }
    }
}

/// Checks one file: its chain from the first line to the last, and its link to the segment before, if it is a further
/// one. No lock, no repair.
pub fn verify(path: &Path) -> Verification {
    verify_each(path, None, &mut |_| {})
}

/// The same, and shows each line that holds. `before`: where the journal is that a file of the fallback follows, if
/// not beside it.
pub(super) fn verify_each(path: &Path, before: Option<&Path>, visit: &mut dyn FnMut(&[u8])) -> Verification {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(why) => return Verification::Unreadable { why: format!("{}: {why}", path.display()) },
    };
    let (first, note) = match former(path) {
        None if is_fallback(path) => match behind_the_primary(path, before, &bytes) {
            Ok(found) => found,
            Err(what) => return Verification::Damaged { line: 1, offset: 0, what, continued: None },
        },
        None => (Expected { prev: [b'0'; 64], seq: Some(0) }, None),
        Some(former) => match read(&former) {
            Ok(former) => (Expected { prev: digest(&former), seq: None }, None),
            Err(why) => {
                let link = first_link(&bytes).unwrap_or([b'0'; 64]);
                let note = format!("the segment before it, {}, was not read ({why})", former.display());
                (Expected { prev: link, seq: None }, Some(note))
            }
        },
    };
    match check(&bytes, first, note, visit) {
        Verification::Damaged { line, offset, what, .. } => {
            Verification::Damaged { line, offset, what, continued: continuation(path, &bytes) }
        }
        verification => verification,
    }
}

/// Whether a file's name says that it goes on where the primary place was lost.
fn is_fallback(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(".fallback.jsonl"))
}

/// What the first line of the fallback must say: that it follows a line of the primary, or a damaged primary as it was
/// found, or that there was nothing.
fn behind_the_primary(path: &Path, before: Option<&Path>, bytes: &[u8]) -> Result<(Expected, Option<String>), String> {
    let Some(prev) = first_link(bytes) else { return Ok((Expected { prev: [b'0'; 64], seq: None }, None)) };
    let expected = Expected { prev, seq: None };
    if prev == [b'0'; 64] {
        return Ok((Expected { seq: Some(0), ..expected }, None));
    }
    let stem = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".fallback.jsonl"));
    let stem = stem.unwrap_or_default();
    let mut seen = false;
    for directory in path.parent().into_iter().chain(before) {
        for number in 0.. {
            let name = if number == 0 { format!("{stem}.jsonl") } else { format!("{stem}.{number}.jsonl") };
            let Ok(primary) = read(&directory.join(name)) else { break };
            seen = true;
            if digest(&primary) == prev || primary.split(|byte| *byte == b'\n').any(|line| ends_in(line, prev)) {
                return Ok((expected, None));
            }
        }
    }
    if seen {
        return Err("it follows no line that there is in the journal before it".to_owned());
    }
    Ok((expected, Some(format!("the journal that it follows, {stem}.jsonl, was not read"))))
}

fn ends_in(line: &[u8], hash: [u8; 64]) -> bool {
    links(line).is_some_and(|(_, h)| h == hash)
}

/// What the next line must say.
#[derive(Debug, Clone, Copy)]
struct Expected {
    prev: [u8; 64],
    /// `None`: whatever the first line of a further segment says.
    seq: Option<u64>,
}

fn check(bytes: &[u8], first: Expected, note: Option<String>, visit: &mut dyn FnMut(&[u8])) -> Verification {
    let mut expected = first;
    let (mut lines, mut newer, mut offset) = (0, 0, 0);
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let newline = rest.iter().position(|byte| *byte == b'\n');
        let line = newline.map_or(rest, |end| &rest[..end]);
        match (follow(line, expected), newline) {
            (Ok(held), Some(end)) => {
                visit(line);
                (lines, offset) = (lines + 1, offset + end + 1);
                newer += u64::from(held.version > 1);
                expected = held.next;
            }
            (Ok(_), None) => {
                visit(line);
                return Verification::Torn { lines: lines + 1, offset: bytes.len() as u64, length: 0 };
            }
            (Err(what), newline) => return broken(rest, newline, offset, lines, expected, what),
        }
    }
    let head = String::from_utf8_lossy(&expected.prev).into_owned();
    Verification::Sound { lines, uncovered: lines, head, newer, note }
}

/// A crash leaves a last line without newline, or one with NULs in it. Whole lines before that are kept.
fn broken(
    rest: &[u8],
    newline: Option<usize>,
    offset: usize,
    lines: u64,
    expected: Expected,
    what: String,
) -> Verification {
    let crashed = newline.is_none_or(|end| rest[..end].contains(&0) && rest[end..].iter().skip(1).all(|b| *b == 0));
    if !crashed {
        return Verification::Damaged { line: lines + 1, offset: offset as u64, what, continued: None };
    }
    let whole = (LINK..=rest.len().min(LONGEST_LINE))
        .filter(|end| rest[..*end].ends_with(b"\"}"))
        .find(|end| follow(&rest[..*end], expected).is_ok());
    let (kept, whole) = (u64::from(whole.is_some()), whole.unwrap_or(0));
    let length = (rest.len() - whole) as u64;
    Verification::Torn { lines: lines + kept, offset: (offset + whole) as u64, length }
}

/// A line that holds.
struct Held {
    version: u64,
    next: Expected,
}

fn follow(line: &[u8], expected: Expected) -> Result<Held, String> {
    if line.len() > LONGEST_LINE {
        return Err(format!("it has {} bytes, more than {LONGEST_LINE}", line.len()));
    }
    let (version, seq) = numbers(line).ok_or("it does not begin as a line does")?;
    let (prev, h) = links(line).ok_or("it does not end as a line does")?;
    if digest(&line[..line.len() - OWN_HASH]) != h {
        return Err("its hash is not that of its bytes".to_owned());
    }
    if serde_json::from_slice::<IgnoredAny>(line).is_err() {
        return Err("it is not JSON".to_owned());
    }
    if prev != expected.prev {
        return Err("it does not follow the line before".to_owned());
    }
    match expected.seq {
        Some(number) if number != seq => Err(format!("its number is {seq}, not {number}")),
        _ => Ok(Held { version, next: Expected { prev: h, seq: Some(seq + 1) } }),
    }
}

/// `{"v":N,"seq":N,`
fn numbers(line: &[u8]) -> Option<(u64, u64)> {
    let (version, rest) = number(line.strip_prefix(b"{\"v\":")?)?;
    let (seq, rest) = number(rest.strip_prefix(b",\"seq\":")?)?;
    rest.starts_with(b",").then_some((version, seq))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// `,"prev":"…","h":"…"}`
fn links(line: &[u8]) -> Option<([u8; 64], [u8; 64])> {
    let end = line.get(line.len().checked_sub(LINK)?..)?;
    let (prev, rest) = end.strip_prefix(b",\"prev\":\"")?.split_first_chunk::<64>()?;
    let (h, rest) = rest.strip_prefix(b"\",\"h\":\"")?.split_first_chunk::<64>()?;
    (rest == b"\"}").then_some((*prev, *h))
}

fn first_link(bytes: &[u8]) -> Option<[u8; 64]> {
    links(bytes.split(|byte| *byte == b'\n').next()?).map(|(prev, _)| prev)
}

fn digest(bytes: &[u8]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(Sha256::digest(bytes)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    // Asked before it is opened: a FIFO would keep us waiting for its writer.
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if found.len() > LIMIT {
        return Err(format!("it has {} bytes, too many for a journal", found.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// `STEM` and `N` of `STEM.N.jsonl`; N is 0 for `STEM.jsonl`.
fn segment(path: &Path) -> Option<(&str, u64)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    match name.rsplit_once('.') {
        Some((stem, number)) => number.parse().ok().map(|number| (stem, number)),
        None => Some((name, 0)),
    }
}

/// The segment before.
fn former(path: &Path) -> Option<PathBuf> {
    let (stem, number) = segment(path)?;
    match number {
        0 => None,
        1 => Some(path.with_file_name(format!("{stem}.jsonl"))),
        number => Some(path.with_file_name(format!("{stem}.{}.jsonl", number - 1))),
    }
}

/// The segment behind, if its first line names these bytes.
fn continuation(path: &Path, bytes: &[u8]) -> Option<PathBuf> {
    let (stem, number) = segment(path)?;
    let next = path.with_file_name(format!("{stem}.{}.jsonl", number + 1));
    (first_link(&read(&next).ok()?)? == digest(bytes)).then_some(next)
}

//! One file's lines: each hashes to what it says, and follows the one before.

use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

use super::Verification;

/// The longest line, by the format.
const LONGEST_LINE: usize = 65_536;
/// `,"prev":"`, 64 digits, `","h":"`, 64 digits, `"}`.
const LINK: usize = 9 + 64 + 7 + 64 + 2;
/// `,"h":"`, 64 digits, `"}`: what a line's own hash does not cover.
const OWN_HASH: usize = 6 + 64 + 2;

/// What the next line must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) prev: [u8; 64],
    /// `None`: whatever the first line of a further segment says.
    pub(super) seq: Option<u64>,
}

pub(super) fn check(bytes: &[u8], first: Expected, note: Option<String>, visit: &mut dyn FnMut(&[u8])) -> Verification {
    let mut expected = first;
    let (mut lines, mut newer, mut offset) = (0, 0, 0);
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let newline = memchr::memchr(b'\n', rest);
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
        _ => Ok(Held { version, next: Expected { prev: h, seq: Some(seq.saturating_add(1)) } }),
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

pub(super) fn first_link(bytes: &[u8]) -> Option<[u8; 64]> {
    links(bytes.split(|byte| *byte == b'\n').next()?).map(|(prev, _)| prev)
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(Sha256::digest(bytes)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// Whether a line has that hash.
pub(super) fn ends_in(line: &[u8], hash: [u8; 64]) -> bool {
    links(line).is_some_and(|(_, h)| h == hash)
}

//! The check of a journal, offline, by code of its own.
//!
//! It shares nothing with the writer and with the reader behind the screens, so that a mistake in one does not vouch
//! for itself in the other. Everything is derived again from the raw bytes of the file.

mod chain;
mod segment;

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use chain::{Expected, check, digest, first_link};
use segment::{behind_the_primary, continuation, former, is_fallback};

/// A file that is bigger is no journal: a sparse one must not take all memory.
const LIMIT: u64 = 1 << 30;

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

/// A whole regular file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    // Asked before it is opened: a FIFO would keep us waiting for its writer.
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if found.len() > LIMIT {
        return Err(format!("it has {} bytes, too many for a journal", found.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

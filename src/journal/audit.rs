//! The four answers of `estop journal verify`, apart: is the chain intact, does it agree with the newest checkpoint
//! here, with one that is given, and which lines does no checkpoint cover.
//!
//! ```text
//! lines ─▶ chain (verify) ─▶ tree of its own ─┬─ at each checkpoint's line: the root it claims
//!                                             ├─ at the size of the note beside the file
//!                                             └─ at the size of the note that is given
//! ```
//!
//! Like the check of the chain it shares nothing with the writer: its own tree, its own reading of notes.

mod note;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

use note::Note;
use tree::Counter;

use super::verify::{self, Verification};

/// What a check is given besides the file.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// A checkpoint that was kept elsewhere.
    pub checkpoint: Option<PathBuf>,
    /// The verifier key of whoever signed, `NAME+ID+KEY`; without one, no signature is checked.
    pub key: Option<String>,
    /// The directory of the journals, where a file of the fallback follows one there.
    pub before: Option<PathBuf>,
}

/// How a file and a checkpoint go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// There is no checkpoint.
    Absent,
    /// The lines are those that were signed.
    Agrees {
        /// How many it covers.
        size: u64,
        /// Whether the signature was checked.
        signed: bool,
    },
    /// Lines that were signed are gone.
    Missing {
        /// How many were signed.
        size: u64,
        /// How many of them are gone.
        missing: u64,
    },
    /// There are as many lines, but they are not those that were signed.
    Differs {
        /// How many were signed.
        size: u64,
    },
    /// The signature does not hold.
    Forged {
        /// Why.
        why: String,
    },
    /// It is of another journal.
    Foreign {
        /// Of which.
        origin: String,
    },
    /// It cannot be read, or is no checkpoint.
    Unreadable {
        /// Why.
        why: String,
    },
}

impl Agreement {
    /// Whether the file is at odds with it.
    pub const fn is_at_odds(&self) -> bool {
        !matches!(self, Self::Absent | Self::Agrees { .. } | Self::Unreadable { .. })
    }

    /// One word, for tools.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Agrees { .. } => "agrees",
            Self::Missing { .. } => "missing",
            Self::Differs { .. } => "differs",
            Self::Forged { .. } => "forged",
            Self::Foreign { .. } => "foreign",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Absent => "there is none".to_owned(),
            Self::Agrees { size, signed: true } => format!("agrees with {size} lines, and its signature holds"),
            Self::Agrees { size, signed: false } => {
                format!("agrees with {size} lines; its signature was not checked, for want of the signer's key")
            }
            Self::Missing { size, missing } => format!("{missing} of the {size} lines that it covers are missing"),
            Self::Differs { size } => format!("the first {size} lines are not those that it covers"),
            Self::Forged { why } => format!("it cannot be trusted: {why}"),
            Self::Foreign { origin } => format!("it is of another journal: {origin}"),
            Self::Unreadable { why } => format!("it cannot be read: {why}"),
        }
    }
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The chain.
    pub chain: Verification,
    /// The newest checkpoint beside the file or in it.
    pub newest: Agreement,
    /// The one that was given.
    pub given: Option<Agreement>,
    /// The name of the log that signed, as the newest checkpoint here says.
    pub origin: Option<String>,
}

impl Audit {
    /// The exit code of `estop journal verify`: at odds with a checkpoint is 4, whatever the chain says.
    pub fn exit_code(&self) -> u8 {
        let agreements = || std::iter::once(&self.newest).chain(&self.given);
        if agreements().any(Agreement::is_at_odds) || self.chain.exit_code() == 4 {
            return 4;
        }
        let unreadable = agreements().any(|agreement| matches!(agreement, Agreement::Unreadable { .. }));
        if unreadable { 1 } else { self.chain.exit_code() }
    }
}

/// Checks a file and what has been signed of it. No lock, no repair.
pub fn audit(path: &Path, given: &Given) -> Audit {
    let beside = read_note(&path.with_extension("checkpoint"));
    let other = given.checkpoint.as_deref().map(|path| read_note(path).unwrap_or_else(|| Err("no such file".into())));
    let wanted = [&beside, &other].into_iter().filter_map(|note| note.as_ref()?.as_ref().ok());
    let mut lines = Lines {
        tree: Counter::default(),
        wanted: wanted.map(|note| (note.size, None)).collect(),
        embedded: None,
        odd: None,
        first: None,
        key: given.key.as_deref(),
    };
    let mut chain = verify::verify_each(path, given.before.as_deref(), &mut |line| lines.take(line));
    if matches!(chain, Verification::Unreadable { .. }) {
        return Audit { chain, newest: Agreement::Absent, given: None, origin: None };
    }
    let newest = lines.newest(beside);
    let origin = newest.1;
    let newest = newest.0;
    let given = other.map(|note| note.map_or_else(|why| Agreement::Unreadable { why }, |note| lines.judge(&note)));
    if let Verification::Sound { lines: all, uncovered, .. } = &mut chain {
        let covered = |agreement: &Agreement| match agreement {
            Agreement::Agrees { size, .. } => *size,
            _ => 0,
        };
        let covered = covered(&newest).max(given.as_ref().map_or(0, covered));
        *uncovered = all.saturating_sub(covered);
    }
    Audit { chain, newest, given, origin }
}

/// What the lines that hold come to.
struct Lines<'a> {
    tree: Counter,
    /// The sizes of which a root will be asked, and the root once it is known.
    wanted: Vec<(u64, Option<[u8; 32]>)>,
    /// The newest checkpoint that is a line of the file.
    embedded: Option<Note>,
    /// The first of them that the lines before it belie.
    odd: Option<Agreement>,
    /// What the first line says of itself.
    first: Option<serde_json::Value>,
    key: Option<&'a str>,
}

impl Lines<'_> {
    fn take(&mut self, line: &[u8]) {
        if self.first.is_none() {
            self.first = serde_json::from_slice(line).ok();
        }
        if let Some(note) = embedded(line) {
            self.check_embedded(note);
        }
        self.tree.push(line);
        let size = self.tree.size();
        for (_, root) in self.wanted.iter_mut().filter(|(wanted, _)| *wanted == size) {
            *root = Some(self.tree.root());
        }
    }

    fn check_embedded(&mut self, note: Result<Note, String>) {
        let judged = match &note {
            Err(why) => Agreement::Forged { why: why.clone() },
            Ok(note) if note.size != self.tree.size() => Agreement::Differs { size: note.size },
            Ok(note) => self.compare(note, Some(self.tree.root())),
        };
        if judged.is_at_odds() {
            self.odd.get_or_insert(judged);
        }
        self.embedded = note.ok().or(self.embedded.take());
    }

    /// The newest checkpoint here, and whose log it says it is of.
    fn newest(&self, beside: Option<Result<Note, String>>) -> (Agreement, Option<String>) {
        let embedded = self.embedded.as_ref().map(|note| (note.size, note.origin.clone()));
        let origin = embedded.as_ref().map(|(_, origin)| origin.clone());
        if let Some(odd) = &self.odd {
            return (odd.clone(), origin);
        }
        let in_file = match (&embedded, &self.embedded) {
            (Some((size, _)), Some(note)) => Agreement::Agrees { size: *size, signed: note.is_checkable(self.key) },
            _ => Agreement::Absent,
        };
        match beside {
            None => (in_file, origin),
            Some(Err(why)) => (Agreement::Unreadable { why }, origin),
            // The note beside the file covers the newest line of that kind too, unless a crash came between.
            Some(Ok(note)) if embedded.as_ref().is_some_and(|(size, _)| *size >= note.size) => {
                let judged = self.judge(&note);
                (if judged.is_at_odds() { judged } else { in_file }, Some(note.origin))
            }
            Some(Ok(note)) => (self.judge(&note), Some(note.origin)),
        }
    }

    fn judge(&self, note: &Note) -> Agreement {
        let root = self.wanted.iter().find(|(size, _)| *size == note.size).and_then(|(_, root)| *root);
        self.compare(note, root)
    }

    fn compare(&self, note: &Note, root: Option<[u8; 32]>) -> Agreement {
        if !self.is_of_this_journal(&note.origin) {
            return Agreement::Foreign { origin: note.origin.clone() };
        }
        let signed = match note.is_signed(self.key) {
            Ok(signed) => signed,
            Err(why) => return Agreement::Forged { why },
        };
        let size = note.size;
        match root {
            Some(root) if root == note.root => Agreement::Agrees { size, signed },
            None if size > self.tree.size() => Agreement::Missing { size, missing: size - self.tree.size() },
            _ => Agreement::Differs { size },
        }
    }

    /// Whether an origin names the incident and the kind of journal that the first line does.
    fn is_of_this_journal(&self, origin: &str) -> bool {
        let Some(first) = &self.first else { return true };
        let exercise = !first["exercise"].is_null();
        let stem = first["incident"].as_str().unwrap_or("host");
        let named = origin.rsplit_once('/').map_or(origin, |(_, name)| name);
        let same = named.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        same && origin.starts_with(if exercise { "estop-exercise/" } else { "estop/" })
    }
}

/// The note in a checkpoint's line.
fn embedded(line: &[u8]) -> Option<Result<Note, String>> {
    const KIND: &[u8] = b",\"kind\":\"checkpoint\",";
    if !line.windows(KIND.len()).any(|window| window == KIND) {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    if value["kind"] != "checkpoint" {
        return None;
    }
    Some(Note::parse(value["body"]["note"].as_str().unwrap_or_default()))
}

/// `None`: there is no such file.
fn read_note(path: &Path) -> Option<Result<Note, String>> {
    if std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return None;
    }
    let text = verify::read(path).and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not text".to_owned()));
    Some(text.and_then(|text| Note::parse(&text)))
}

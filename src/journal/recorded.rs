//! A journal, read without a lock: for screens, commands and the fold.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    JournalError, Record, Who,
    chain::{self, Start, Tail, scan},
    hash::Hash,
    parallel::{self, Text},
    record::Joiner,
};

/// How the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Every line holds.
    Sound,
    /// The end is what a broken-off write leaves; the next writer sets it aside.
    Torn {
        /// In which file.
        path: PathBuf,
        /// From here on.
        offset: u64,
        /// So many bytes.
        length: u64,
    },
    /// A line was changed, or the segments do not belong together. Nothing is repaired; what is before it holds.
    Damaged {
        /// In which file.
        path: PathBuf,
        /// The first bad line, from 1.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The lines that hold, over all segments.
    pub records: Vec<Record>,
    /// The worst that was found.
    pub health: Health,
    /// The segments, oldest first.
    pub paths: Vec<PathBuf>,
}

impl Recorded {
    /// Reads segments, oldest first.
    pub(super) fn from_segments(segments: Vec<(PathBuf, Vec<u8>)>) -> Self {
        let mut read = Self { records: Vec::new(), health: Health::Sound, paths: Vec::new() };
        read.take_in_all(segments, Start::FIRST);
        read
    }

    /// Reads the first segment of a journal from its file, where it is sound from the first byte to the last. `None`: it
    /// is not, or so short that it may as well be read whole.
    pub(super) fn sound(path: &Path, file: &File, length: usize) -> Option<Self> {
        let (records, _) = parallel::read(Text::File(file, length), Start::FIRST)?;
        Some(Self { records, health: Health::Sound, paths: vec![path.to_owned()] })
    }

    /// Reads, behind these segments, those of the place where the journal went on.
    pub(super) fn followed_by(mut self, segments: Vec<(PathBuf, Vec<u8>)>) -> Self {
        let Some((path, bytes)) = segments.first() else { return self };
        let link = chain::link(bytes);
        if let Some(link) = link.filter(|link| !self.leads_to(link)) {
            let what = format!("it follows no line that there is in the journal before it (number {})", link.seq);
            self.worsen(Health::Damaged { path: path.clone(), line: 1, offset: 0, what });
        }
        self.take_in_all(segments, link.unwrap_or(Start::FIRST));
        self
    }

    /// Says that one place cannot be read.
    pub(super) fn unreadable(mut self, error: &JournalError) -> Self {
        let path = error.path().map(Path::to_owned).unwrap_or_default();
        self.worsen(Health::Damaged { path, line: 1, offset: 0, what: error.to_string() });
        self
    }

    /// Whether a file that begins so goes on behind one of these lines, or behind a damaged file, or began where no line
    /// was durable yet. Where nothing could be read, any may.
    fn leads_to(&self, link: &Start) -> bool {
        let behind = |record: &Record| record.h == link.prev && record.seq.checked_add(1) == Some(link.seq);
        self.paths.is_empty()
            || (link.prev == Hash::ZERO && link.seq == 0)
            || matches!(self.health, Health::Damaged { .. })
            || self.records.iter().rev().any(behind)
    }

    fn take_in_all(&mut self, segments: Vec<(PathBuf, Vec<u8>)>, first: Start) {
        let mut start = first;
        let mut segments = segments.into_iter().peekable();
        while let Some((path, bytes)) = segments.next() {
            let next_seq = self.take_in(&path, &bytes, start);
            self.paths.push(path);
            // Only what a further segment links to: the hash of a whole file is not free.
            if segments.peek().is_some() {
                start = Start { prev: Hash::of(&bytes), seq: next_seq, or_higher: true };
            }
        }
    }

    /// Reads one segment, and tells the number behind it.
    fn take_in(&mut self, path: &Path, bytes: &[u8], start: Start) -> u64 {
        if let Some((records, next_seq)) = parallel::read(Text::Held(bytes), start) {
            if self.records.is_empty() {
                self.records = records;
            } else {
                self.records.extend(records);
            }
            return next_seq;
        }
        let mut joiner = Joiner::default();
        let mut odd = None;
        let records = &mut self.records;
        let found = scan(bytes, start, |line, head| match joiner.read(line) {
            Some(record) => records.push(record),
            None => odd = odd.or(Some(head.seq)),
        });
        let path = path.to_owned();
        match found.tail {
            Tail::Clean | Tail::Unterminated => {}
            Tail::Torn { offset, .. } => {
                let length = (bytes.len() - offset) as u64;
                self.worsen(Health::Torn { path: path.clone(), offset: offset as u64, length });
            }
            Tail::Damaged { line, offset, what } => {
                self.worsen(Health::Damaged { path: path.clone(), line, offset: offset as u64, what });
            }
        }
        if let Some(seq) = odd {
            let what = format!("the line of number {seq} hashes well but is no record");
            self.worsen(Health::Damaged { path, line: seq.saturating_sub(start.seq) + 1, offset: 0, what });
        }
        found.next_seq
    }

    fn worsen(&mut self, health: Health) {
        if !matches!((&self.health, &health), (Health::Damaged { .. }, _)) {
            self.health = health;
        }
    }

    /// For whom a process wrote: as its first line says.
    pub fn who(&self, process: Uuid) -> Option<&Who> {
        self.records.iter().find(|record| record.proc.id() == process && record.who.is_some())?.who.as_deref()
    }

    /// Whether the incident has ended.
    pub fn is_closed(&self) -> bool {
        self.records.iter().any(|record| matches!(record.body.known(), Some(super::Body::IncidentClose { .. })))
    }

    /// The kinds and versions that this estop does not know.
    pub fn unknown(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| matches!(record.body, super::RecordBody::Unknown(_)))
    }
}

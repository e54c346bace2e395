//! A journal, read without a lock: for screens, commands and the fold.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{
    Record, Who,
    chain::{Hash, Start, Tail, scan},
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
        let mut start = Start::FIRST;
        for (path, bytes) in segments {
            start = read.take_in(&path, &bytes, start);
            read.paths.push(path);
        }
        read
    }

    /// Reads one segment, and tells what the next must link to.
    fn take_in(&mut self, path: &Path, bytes: &[u8], start: Start) -> Start {
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
        Start { prev: Hash::of(bytes), seq: found.next_seq, or_higher: true }
    }

    fn worsen(&mut self, health: Health) {
        if !matches!((&self.health, &health), (Health::Damaged { .. }, _)) {
            self.health = health;
        }
    }

    /// For whom a process wrote: as its first line says.
    pub fn who(&self, process: Uuid) -> Option<&Who> {
        self.records.iter().find(|record| record.proc.id() == process && record.who.is_some())?.who.as_ref()
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

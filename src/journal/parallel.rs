//! The quick way through a sound file: every processor takes runs of lines, and each line is parsed once.
//!
//! ```text
//! file ──▶ run 0 │ run 1 │ run 2 │ …     read, hashed, linked and parsed by whoever is free, while it is in the cache
//! runs ──in their order──▶ records        the links between them
//! ```
//!
//! No more of a file is in memory than the runs that are being read. Whatever is odd about it makes this give up: the
//! slow way then says what and where.

mod cutter;

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread,
};

use super::{
    MAX_LINE, Record,
    chain::{HASH_END, HASH_FIELD, Start},
    hash::Hash,
    record::Joiner,
};
use cutter::Cutter;
pub(super) use cutter::Text;

/// Below this, threads cost more than they save.
const WORTHWHILE: usize = 1 << 20;
/// Bytes of a run, at least: it stays in a processor's own cache from the read to the last check.
const RUN: usize = 256 << 10;

/// A run of lines that hold together.
struct Run {
    /// How long it is.
    bytes: usize,
    records: Vec<Record>,
    /// What its first line follows.
    first: (Hash, u64),
    /// What the line behind it must follow.
    next: (Hash, u64),
}

/// The records of a file that is sound from its first byte to its last, and the number behind them. `None`: it is
/// empty, small, or not sound.
pub(super) fn read(text: Text<'_>, start: Start) -> Option<(Vec<Record>, u64)> {
    if text.len() < WORTHWHILE {
        return None;
    }
    read_in(thread::available_parallelism().map_or(1, NonZero::get), RUN, text, start)
}

/// The same by so many threads and in runs of about so many bytes, however small it is.
pub(super) fn read_in(threads: usize, run: usize, text: Text<'_>, start: Start) -> Option<(Vec<Record>, u64)> {
    if !text.ends_with_newline() {
        return None;
    }
    let cutter = Mutex::new(Cutter::new(text, run));
    let joined = Mutex::new(Joined::behind(start, text.len()));
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(&cutter, &joined))).collect();
        work(&cutter, &joined);
        // One that panicked has left a run out, or a lock poisoned: that is seen below.
        for other in others {
            drop(other.join());
        }
    });
    let joined = joined.into_inner().ok()?;
    let whole = !joined.odd && joined.waiting.is_empty() && cutter.into_inner().ok()?.all() == Some(joined.taken);
    (whole && !joined.records.is_empty()).then_some((joined.records, joined.expected.seq))
}

/// Reads runs as long as there are some.
fn work(cutter: &Mutex<Cutter<'_>>, joined: &Mutex<Joined>) {
    let (mut reader, mut room, mut list) = (Joiner::default(), Vec::new(), Vec::new());
    loop {
        let cut = cutter.lock().unwrap_or_else(PoisonError::into_inner).next(&mut room);
        let (number, run) = match cut {
            Ok(Some((number, text))) => (number, read_run(text, &mut reader, list)),
            Ok(None) => return,
            Err(_) => (0, None),
        };
        match joined.lock().unwrap_or_else(PoisonError::into_inner).take_in(number, run) {
            Some(empty) => list = empty,
            None => return,
        }
    }
}

/// What has been read, in the order of the file.
struct Joined {
    records: Vec<Record>,
    /// What the next run must follow.
    expected: Start,
    /// Runs that are in `records`.
    taken: usize,
    /// Runs that were read before one that stands in front of them.
    waiting: BTreeMap<usize, Run>,
    /// Lists that are empty again: room for a run is made once.
    emptied: Vec<Vec<Record>>,
    /// Bytes of the file.
    length: usize,
    /// Whether the file needs the slow way.
    odd: bool,
}

impl Joined {
    fn behind(start: Start, length: usize) -> Self {
        let (records, waiting, emptied) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { records, expected: start, taken: 0, waiting, emptied, length, odd: false }
    }

    /// Takes in a run (`None`: it does not hold), and gives a list for the next one. `None`: there is no need for it.
    fn take_in(&mut self, number: usize, run: Option<Run>) -> Option<Vec<Record>> {
        let Some(run) = run else {
            self.odd = true;
            return None;
        };
        self.waiting.insert(number, run);
        while let Some(mut run) = self.waiting.remove(&self.taken) {
            let (prev, seq) = run.first;
            let follows = seq == self.expected.seq || (self.expected.or_higher && seq > self.expected.seq);
            self.odd |= prev != self.expected.prev || !follows;
            let (prev, seq) = run.next;
            self.expected = Start { prev, seq, or_higher: false };
            self.taken += 1;
            if self.records.is_empty() {
                // As many in each run, or a few more: what is not needed is never touched.
                let lines = run.records.len().saturating_mul(self.length / run.bytes + 1);
                self.records.reserve(lines.saturating_add(lines / 64));
            }
            self.records.append(&mut run.records);
            self.emptied.push(run.records);
        }
        (!self.odd).then(|| self.emptied.pop().unwrap_or_default())
    }
}

/// `records`: an empty list.
fn read_run(run: &[u8], joiner: &mut Joiner, mut records: Vec<Record>) -> Option<Run> {
    let mut first = None;
    let mut last: Option<(Hash, u64)> = None;
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', run) {
        let line = &run[from..end];
        from = end + 1;
        let own = own_hash(line)?;
        let record = joiner.read_ours(line)?;
        let (prev, seq) = (record.prev, record.seq);
        if record.h != own {
            return None;
        }
        match last {
            Some(last) if last != (prev, seq) => return None,
            _ => first = first.or(Some((prev, seq))),
        }
        last = Some((own, seq.saturating_add(1)));
        records.push(record);
    }
    Some(Run { bytes: run.len(), records, first: first?, next: last? })
}

/// The hash at a line's end, if it is that of its bytes.
fn own_hash(line: &[u8]) -> Option<Hash> {
    if line.len() > MAX_LINE {
        return None;
    }
    let (content, end) = line.split_at(line.len().checked_sub(HASH_END)?);
    let own = Hash::parse(end.strip_prefix(HASH_FIELD)?.strip_suffix(b"\"}")?)?;
    (Hash::of(content) == own).then_some(own)
}

//! The quick way through a sound file: every processor takes a run of lines, and each line is parsed once.
//!
//! ```text
//! file │ run 1 │ run 2 │ …     hash, link and number of each line; then the links between the runs
//! ```
//!
//! Whatever is odd about a file makes it give up: the slow way then says what and where.

use std::{num::NonZero, thread};

use super::{
    MAX_LINE, Record,
    chain::{HASH_END, HASH_FIELD, Start},
    hash::Hash,
    record::{Joiner, may_be_part},
};

/// Below this, threads cost more than they save.
const WORTHWHILE: usize = 1 << 20;

/// A run of lines that hold together.
struct Run {
    records: Vec<Record>,
    /// What its first line follows.
    first: (Hash, u64),
    /// What the line behind it must follow.
    next: (Hash, u64),
}

/// The records of a file that is sound from its first byte to its last, and the number behind them. `None`: it is
/// empty, small, or not sound.
pub(super) fn read(bytes: &[u8], start: Start) -> Option<(Vec<Record>, u64)> {
    if bytes.len() < WORTHWHILE {
        return None;
    }
    read_in(thread::available_parallelism().map_or(1, NonZero::get), bytes, start)
}

/// The same by so many threads, however small it is.
pub(super) fn read_in(threads: usize, bytes: &[u8], start: Start) -> Option<(Vec<Record>, u64)> {
    let runs = cut(bytes.ends_with(b"\n").then_some(bytes)?, threads)?;
    let runs: Vec<Option<Run>> = thread::scope(|scope| {
        // The records of all runs end up in the first one's list: it has room for them.
        let shares = std::iter::once(runs.len()).chain(std::iter::repeat(1));
        let workers = runs.into_iter().zip(shares).map(|(run, share)| scope.spawn(move || read_run(run, share)));
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|worker| worker.join().ok().flatten()).collect()
    });
    let mut all = Vec::new();
    let mut expected: Option<(Hash, u64)> = None;
    for run in runs {
        let run = run?;
        match expected {
            Some(expected) if run.first != expected => return None,
            None if run.first.0 != start.prev => return None,
            None if run.first.1 != start.seq && !(start.or_higher && run.first.1 > start.seq) => return None,
            _ => {}
        }
        expected = Some(run.next);
        if all.is_empty() {
            all = run.records;
        } else {
            all.extend(run.records);
        }
    }
    expected.map(|(_, next_seq)| (all, next_seq))
}

/// Cuts a file into runs of about the same length, at the ends of lines. No run begins within a record of several
/// lines.
fn cut(bytes: &[u8], runs: usize) -> Option<Vec<&[u8]>> {
    let mut cut = Vec::with_capacity(runs);
    let mut from = 0;
    for number in 1..runs {
        let mut at = line_end(bytes, (bytes.len() / runs * number).max(from))?;
        while let Some(end) = line_end(bytes, at).filter(|end| *end > at) {
            if !may_be_part(&bytes[at..end]) {
                break;
            }
            at = end;
        }
        cut.push(&bytes[from..at]);
        from = at;
    }
    cut.push(&bytes[from..]);
    cut.retain(|run| !run.is_empty());
    Some(cut)
}

/// The offset behind the newline at or after this one.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().take(2 * MAX_LINE).position(|byte| *byte == b'\n').map(|end| from + end + 1)
}

fn lines(run: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', run).count()
}

/// `share`: for how many runs of about this length there is to be room.
fn read_run(run: &[u8], share: usize) -> Option<Run> {
    let mut joiner = Joiner::default();
    let own = lines(run);
    let mut records: Vec<Record> = Vec::with_capacity(own * share + own / 64 * (share - 1));
    let mut first = None;
    let mut last: Option<(Hash, u64)> = None;
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', run) {
        let line = &run[from..end];
        from = end + 1;
        let own = own_hash(line)?;
        let record = joiner.read_ours(line).filter(|record| record.h == own)?;
        let (prev, seq) = (record.prev, record.seq);
        match last {
            Some(last) if last != (prev, seq) => return None,
            _ => first = first.or(Some((prev, seq))),
        }
        last = Some((own, seq.saturating_add(1)));
        records.push(record);
    }
    Some(Run { records, first: first?, next: last? })
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

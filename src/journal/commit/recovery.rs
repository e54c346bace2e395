//! What is in the file already: read before anything is appended, and mended where a crash has torn it.
//!
//! ```text
//! behind the head last seen:  nothing │ others' lines: taken in │ a torn tail: set aside, cut off, `recovered`
//!                             damage: the next segment begins   │ that head is gone: altered
//! ```

use jiff::Timestamp;

use super::Sound;
use crate::journal::{
    Body, Entry, JournalError,
    chain::{self, HASH_FIELD, Start, Tail, scan},
    hash::Hash,
    state::State,
};

impl Sound {
    /// Finds the open segment's beginning: behind the ones before it. In another place the first of them says itself
    /// what it follows.
    pub(super) fn find_end(&mut self) -> Result<(), JournalError> {
        self.sink.move_on()?;
        let former = self.sink.former()?;
        let mut start = if self.elsewhere {
            let first = if former.is_empty() { &self.sink.read_from(0)? } else { &former[0] };
            let here = Start { prev: self.state.head, seq: self.state.next_seq, or_higher: false };
            chain::link(first).unwrap_or(here)
        } else {
            Start::FIRST
        };
        for former in former {
            scan(&former, start, |line, head| self.state.read(line, head));
            start = behind(&former, start);
        }
        self.state.begin_segment(start);
        Ok(())
    }

    /// Reads what there is of the segments that the other place follows.
    pub(super) fn read_former(&mut self, segments: &[Vec<u8>]) {
        let mut start = Start::FIRST;
        for (number, bytes) in segments.iter().enumerate() {
            let found = scan(bytes, start, |line, head| self.state.read(line, head));
            let whole = !matches!(found.tail, Tail::Damaged { .. }) && number + 1 == segments.len();
            let last = Start { prev: found.head, seq: found.next_seq, or_higher: false };
            start = if whole { last } else { behind(bytes, start) };
        }
        self.state.begin_segment(start);
    }

    /// Reads what is new since this process last had the lock, and mends what a crash left. What that takes is put in
    /// front of the batch.
    pub(super) fn catch_up(&mut self, at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        self.batch.clear();
        if self.sink.move_on()? {
            if !self.elsewhere {
                self.state = State::new(self.frame.process.id, self.signer.is_some());
            }
            self.find_end()?;
        }
        self.durable = Some(self.state.mark());
        let length = self.sink.len()?;
        let overlap = self.state.len.min((HASH_FIELD.len() + 64 + 3) as u64);
        let bytes = self.sink.read_from(self.state.len - overlap)?;
        let added = usize::try_from(overlap).ok().and_then(|overlap| self.same_head(bytes.split_at_checked(overlap)?));
        let Some(added) = added.filter(|_| length >= self.state.len) else {
            let what = format!("it does not hold the {} bytes any more that were there", self.state.len);
            return Err(JournalError::Altered { path: self.sink.path().to_owned(), what });
        };
        if added.is_empty() { Ok(()) } else { self.take_in(added, at, mono_ms) }
    }

    /// What follows the head last seen, if it is still there.
    pub(super) fn same_head<'a>(&self, (end, added): (&[u8], &'a [u8])) -> Option<&'a [u8]> {
        let same = end.is_empty()
            || end.strip_prefix(HASH_FIELD).and_then(|end| end.strip_suffix(b"\"}\n"))
                == Some(&self.state.head.digits()[..]);
        same.then_some(added)
    }

    /// Takes in lines behind those that are known.
    pub(super) fn take_in(&mut self, added: &[u8], at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        let start = Start {
            prev: self.state.head,
            seq: self.state.next_seq,
            or_higher: self.state.len == 0 && self.state.head != Hash::ZERO,
        };
        let found = scan(added, start, |line, head| self.state.read(line, head));
        (self.state.head, self.state.next_seq) = (found.head, found.next_seq);
        self.durable = Some(self.state.mark());
        match found.tail {
            Tail::Clean => self.state.len += added.len() as u64,
            Tail::Unterminated => {
                self.state.len += added.len() as u64;
                self.batch.push(b'\n');
            }
            Tail::Torn { offset, unterminated } => {
                self.state.len += offset as u64;
                if unterminated {
                    self.batch.push(b'\n');
                }
                self.set_aside(&added[offset..], at, mono_ms)?;
            }
            Tail::Damaged { .. } => {
                self.sink.begin_segment()?;
                self.find_end()?;
            }
        }
        Ok(())
    }

    /// Sets torn bytes aside, cuts them off and records it.
    pub(super) fn set_aside(&mut self, torn: &[u8], at: Timestamp, mono_ms: u64) -> Result<(), JournalError> {
        let offset = self.state.len;
        self.sink.set_aside(offset, torn)?;
        self.sink
            .truncate(offset)
            .and_then(|()| self.sink.sync())
            .map_err(|error| JournalError::io("cut the torn tail off", self.sink.path(), &error))?;
        if self.refusal().is_some() {
            // Nothing may be appended here, not even that: the bytes beside the journal say it.
            return Ok(());
        }
        let sha256 = Hash::of(torn).to_string();
        let recovered = Body::Recovered { offset, length: torn.len() as u64, sha256 };
        self.encode_entry(&Entry::general(recovered), at, mono_ms, None);
        Ok(())
    }
}

/// What a segment behind this one must link to.
fn behind(former: &[u8], start: Start) -> Start {
    Start { prev: Hash::of(former), seq: chain::seq_behind(former, start), or_higher: true }
}

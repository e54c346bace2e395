//! A file in runs of whole lines, one behind the other. No run begins within a record of several lines.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use crate::journal::record::may_be_part;

/// The bytes of a journal.
#[derive(Clone, Copy)]
pub(in crate::journal) enum Text<'a> {
    /// In memory.
    Held(&'a [u8]),
    /// In a file, the first so many of it.
    File(&'a File, usize),
}

impl<'a> Text<'a> {
    /// How many.
    pub(in crate::journal) const fn len(self) -> usize {
        match self {
            Self::Held(bytes) => bytes.len(),
            Self::File(_, length) => length,
        }
    }

    /// Whether the last line is whole.
    pub(super) fn ends_with_newline(self) -> bool {
        let (to, mut room) = (self.len(), Vec::new());
        to.checked_sub(1).is_some_and(|from| self.stretch(from, to, &mut room).is_ok_and(|last| last == b"\n"))
    }

    /// Bytes from one offset to another; those of a file are read into `room`.
    fn stretch<'r>(self, from: usize, to: usize, room: &'r mut Vec<u8>) -> io::Result<&'r [u8]>
    where
        'a: 'r,
    {
        self.fill(from, to, room)?;
        Ok(self.filled(from, to, room))
    }

    fn fill(self, from: usize, to: usize, room: &mut Vec<u8>) -> io::Result<()> {
        let Self::File(file, _) = self else { return Ok(()) };
        if room.len() < to - from {
            room.resize(to - from, 0);
        }
        file.read_exact_at(&mut room[..to - from], from as u64)
    }

    fn filled<'r>(self, from: usize, to: usize, room: &'r [u8]) -> &'r [u8]
    where
        'a: 'r,
    {
        match self {
            Self::Held(bytes) => &bytes[from..to],
            Self::File(..) => &room[..to - from],
        }
    }
}

/// Cuts a text into runs.
pub(super) struct Cutter<'a> {
    text: Text<'a>,
    /// Bytes of a run, about.
    run: usize,
    /// Where the next one begins.
    from: usize,
    /// Runs so far.
    runs: usize,
}

impl<'a> Cutter<'a> {
    pub(super) const fn new(text: Text<'a>, run: usize) -> Self {
        Self { text, run, from: 0, runs: 0 }
    }

    /// How many runs there were, once there are no more.
    pub(super) const fn all(&self) -> Option<usize> {
        if self.from == self.text.len() { Some(self.runs) } else { None }
    }

    /// The next run with its number, from 0. `None`: that was all.
    pub(super) fn next<'r>(&mut self, room: &'r mut Vec<u8>) -> io::Result<Option<(usize, &'r [u8])>>
    where
        'a: 'r,
    {
        let (from, rest) = (self.from, self.text.len() - self.from);
        let mut length = self.run.min(rest);
        let to = loop {
            let found = self.text.stretch(from, from + length, room)?;
            let end = if length == rest { Some(rest) } else { cut(found) };
            match end {
                Some(0) => return Ok(None),
                Some(end) => break from + end,
                None => length = length.saturating_mul(2).min(rest),
            }
        };
        let number = self.runs;
        (self.from, self.runs) = (to, number + 1);
        Ok(Some((number, self.text.filled(from, to, room))))
    }
}

/// The offset behind the last line that ends here and is no part of a record: what follows it begins one.
fn cut(found: &[u8]) -> Option<usize> {
    let mut to = memchr::memrchr(b'\n', found)?;
    loop {
        let from = memchr::memrchr(b'\n', &found[..to]);
        if !may_be_part(&found[from.map_or(0, |end| end + 1)..to]) {
            return Some(to + 1);
        }
        to = from?;
    }
}

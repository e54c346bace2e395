//! One row: what has changed, runs of the same and blanks in as few bytes as they take.

use ratatui::buffer::Buffer;

use super::{
    Level, Writer,
    canonical::{columns, is_certain, is_erasable},
    pen::Pen,
};

/// What it takes to erase to the end of the line.
const ERASE_LINE: &str = "\x1b[K";
/// From so many of the same on, a sequence is shorter than to write them.
const RUN: u16 = 6;

impl Writer {
    /// One row; `turn`: only what is written with the pen of that number.
    pub(super) fn row(&mut self, shown: &Buffer, next: &Buffer, y: u16, turn: Option<(&[Pen], usize)>) {
        let (left, right) = (next.area.left(), next.area.right());
        let has_its_turn = |cell| turn.is_none_or(|(pens, number)| Pen::of(cell, pens) == Some(number));
        let erased_from = self.erased_from(shown, next, y);
        let end = erased_from.unwrap_or(right);
        // Where whole rows are looked at, a wide character may reach into what has not changed.
        let same = |x: &u16| shown[(*x, y)] == next[(*x, y)];
        let mut x = if turn.is_some() { (left..end).find(|x| !same(x)).unwrap_or(end) } else { left };
        while x < end {
            let cell = &next[(x, y)];
            let width = columns(cell);
            // A wide character is written again when either of its halves has changed.
            let changed = (x..x + width).any(|x| shown[(x, y)] != next[(x, y)]);
            // What a wide character leaves uncovered must be written, though the cell itself has not changed.
            let uncovered = x > left && columns(&shown[(x - 1, y)]) > 1 && columns(&next[(x - 1, y)]) < 2;
            let due = (changed || uncovered) && has_its_turn(cell);
            x += if due { self.cells(shown, next, (x, y), end) } else { width };
        }
        if let Some(from) = erased_from.filter(|from| has_its_turn(&next[(*from, y)])) {
            self.go(from, y, Some(next));
            self.ink_to_erase(next[(from, y)].bg);
            self.out.extend_from_slice(ERASE_LINE.as_bytes());
        }
    }

    /// Where the line is erased from, if that is shorter than to write blanks.
    fn erased_from(&self, shown: &Buffer, next: &Buffer, y: u16) -> Option<u16> {
        let (left, right) = (next.area.left(), next.area.right());
        let last = &next[(right - 1, y)];
        if !is_erasable(last) || !self.erases_to(last) {
            return None;
        }
        let blank_from = (left..right).rev().take_while(|x| next[(*x, y)] == *last).last()?;
        // Behind a wide character that is still there its second half comes first.
        let blank_from =
            if blank_from > left && columns(&next[(blank_from - 1, y)]) > 1 { blank_from + 1 } else { blank_from };
        let stale = |x: &u16| shown[(*x, y)] != next[(*x, y)];
        let first = (blank_from..right).find(stale)?;
        let past = (blank_from..right).rev().find(stale).map_or(right, |last| last + 1);
        (past - first > 3).then_some(first)
    }

    fn erases_to(&self, cell: &ratatui::buffer::Cell) -> bool {
        cell.bg == ratatui::style::Color::Reset || self.dialect.erases_in_colour
    }

    /// Writes what stands at a place, with those right of it that are the same; how many columns that was.
    fn cells(&mut self, shown: &Buffer, next: &Buffer, (x, y): (u16, u16), end: u16) -> u16 {
        let cell = &next[(x, y)];
        self.go(x, y, Some(next));
        let width = columns(cell);
        let run = if width == 1 { same(next, x, y, end) } else { 1 };
        // What is the same before and after needs no byte at the end of a run.
        let past = (x..x + run).rev().find(|x| shown[(*x, y)] != next[(*x, y)]).map_or(x + 1, |last| last + 1);
        let run = if run > 1 { past - x } else { run };
        let is_last = x + run == next.area.right();
        if run >= RUN && is_erasable(cell) && self.erases_to(cell) && self.dialect.level >= Level::Vt220 {
            // The cursor stays: worth it only where it need not come along.
            let stay = format!("\x1b[{run}X");
            if stay.len() + 4 < usize::from(run) || is_last {
                self.ink_to_erase(cell.bg);
                self.out.extend_from_slice(stay.as_bytes());
                return run;
            }
        }
        self.ink_for(cell);
        self.out.extend_from_slice(cell.symbol().as_bytes());
        let repeat = format!("\x1b[{}b", run - 1);
        let plain = usize::from(run - 1) * cell.symbol().len();
        let repeated = self.dialect.repeats && run > 1 && is_certain(cell) && repeat.len() < plain;
        let written = if repeated {
            self.out.extend_from_slice(repeat.as_bytes());
            run
        } else {
            width
        };
        // Behind the last column, and behind what terminals do not agree on, the place is not known.
        let at = x + written;
        self.at = (at < next.area.right() && is_certain(cell)).then_some((at, y));
        written
    }
}

/// How many cells from a place on are the same.
fn same(next: &Buffer, x: u16, y: u16, end: u16) -> u16 {
    let cell = &next[(x, y)];
    let count = (x..end).take_while(|x| next[(*x, y)] == *cell).count();
    u16::try_from(count).unwrap_or(1)
}

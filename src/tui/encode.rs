//! A frame to bytes: only what has changed, in the shortest moves, with the fewest colour changes.
//!
//! ```text
//! next ─canonical─▶ rows that moved? ─yes─▶ scroll region + what is left ┐
//!                                    ─no──▶ row by row ──────────────────┴─▶ the shorter one ─▶ bytes, ESC[5n
//! ```
//!
//! The diff is made against what was written last, not against what was drawn last: a frame that a newer one replaced
//! before its turn leaves no trace. That is why this is not the library's `Backend`: a backend is handed single cells
//! after a diff against the last drawn frame, and no rows to find a shift in.

mod canonical;
mod dialect;
mod pen;
mod row;
mod scroll;
#[cfg(test)]
mod tests;
mod travel;

use std::io::Write as _;

use ratatui::buffer::Buffer;

pub use canonical::Settled;
pub use dialect::{Dialect, Level};
use pen::{PLAIN, Pen};

/// The status query at the end of each frame (ECMA-48 DSR 5): the answer says that the frame has been worked off.
pub const QUERY: &[u8] = b"\x1b[5n";
/// A frame between these is shown at once, where the terminal says that it can (DEC private mode 2026).
const TOGETHER: [&[u8]; 2] = [b"\x1b[?2026h", b"\x1b[?2026l"];
const HIDE: &[u8] = b"\x1b[?25l";
const SHOW: &[u8] = b"\x1b[?25h";
/// A frame up to this size comes in one piece: hiding the cursor and showing it together would cost more than it gives.
const AT_ONCE: usize = 256;

/// What the terminal shows, as far as it was written.
#[derive(Debug)]
pub struct Encoder {
    dialect: Dialect,
    synchronized: bool,
    shown: Option<Settled>,
    writer: Writer,
    cursor: bool,
}

/// Where the terminal's cursor is, what it writes with, and the bytes so far.
#[derive(Debug, Clone)]
struct Writer {
    dialect: Dialect,
    pen: Pen,
    /// `None`: not known, as behind the last column.
    at: Option<(u16, u16)>,
    out: Vec<u8>,
}

impl Encoder {
    /// A screen of which nothing is known, of a terminal that understands so much.
    pub fn new(dialect: Dialect) -> Self {
        let writer = Writer { dialect, pen: PLAIN, at: None, out: Vec::new() };
        Self { dialect, synchronized: false, shown: None, writer, cursor: false }
    }

    /// The terminal has said that it shows frames at once where they are marked.
    pub fn synchronize(&mut self) {
        self.synchronized = true;
    }

    /// The bytes that lead from what is shown to `next`, with the query at the end. `clear`: from an empty screen.
    pub fn encode(&mut self, next: impl Into<Settled>, clear: bool, cursor: Option<(u16, u16)>) -> Vec<u8> {
        let next = next.into();
        let known = self.shown.take().filter(|shown| !clear && shown.area == next.area);
        let shown = known.unwrap_or_else(|| {
            self.writer.clear();
            Buffer::empty(next.area).into()
        });
        let changed = canonical::changed_rows(&shown, &next);
        if !changed.is_empty() {
            self.writer.frame(&shown, &next, &changed);
        }
        let large = self.writer.out.len() > AT_ONCE;
        let hidden = self.cursor && large && !self.synchronized;
        if let Some((x, y)) = cursor {
            self.writer.go(x, y, None);
            if !self.cursor || hidden {
                self.writer.out.extend_from_slice(SHOW);
            }
        } else if self.cursor && !hidden {
            self.writer.out.extend_from_slice(HIDE);
        }
        self.cursor = cursor.is_some();
        self.shown = Some(next);
        let body = std::mem::take(&mut self.writer.out);
        let mut bytes = Vec::with_capacity(body.len() + 32);
        let marked = self.synchronized && large;
        bytes.extend_from_slice(if marked { TOGETHER[0] } else { b"" });
        bytes.extend_from_slice(if hidden { HIDE } else { b"" });
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(if marked { TOGETHER[1] } else { b"" });
        bytes.extend_from_slice(QUERY);
        bytes
    }

    /// What the terminal understands.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

impl Writer {
    fn clear(&mut self) {
        self.pen = PLAIN;
        self.at = None;
        self.out.extend_from_slice(b"\x1b[0m\x1b[2J");
    }

    /// From one frame to the next, by moving rows where that is shorter.
    fn frame(&mut self, shown: &Buffer, next: &Buffer, changed: &[u16]) {
        let shift = self.dialect.regions.then(|| scroll::find(shown, next, changed)).flatten();
        let Some(shift) = shift else { return self.rows(shown, next, changed) };
        let mut moved = self.clone();
        self.rows(shown, next, changed);
        let mut shown = shown.clone();
        moved.shift(shift);
        shift.apply(&mut shown);
        moved.rows(&shown, next, &canonical::changed_rows(&shown, next));
        if moved.out.len() < self.out.len() {
            *self = moved;
        }
    }

    /// Row by row, or pen by pen where that is shorter: a table changes column by column.
    fn rows(&mut self, shown: &Buffer, next: &Buffer, rows: &[u16]) {
        let mut by_pen = self.clone();
        for y in rows {
            self.row(shown, next, *y, None);
        }
        // Which half of a wide character is written first matters; then the order is from left to right.
        if canonical::has_wide(shown, rows) || canonical::has_wide(next, rows) {
            return;
        }
        let pens = by_pen.pens(shown, next, rows);
        // Most rows need few of them: the others have nothing to look for there.
        let wanted: Vec<Vec<bool>> = rows.iter().map(|y| pen::wanted(shown, next, *y, &pens)).collect();
        for number in 0..pens.len() {
            for (y, wanted) in rows.iter().zip(&wanted) {
                if wanted[number] {
                    by_pen.row(shown, next, *y, Some((&pens, number)));
                }
            }
        }
        if by_pen.out.len() < self.out.len() {
            *self = by_pen;
        }
    }

    /// Writing to a vector cannot fail.
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(text);
    }
}

//! Rows that are still there, one or more lines higher or lower: moved by the terminal instead of written again.

use ratatui::buffer::{Buffer, Cell};

use super::{
    Writer,
    canonical::{is_blank, row},
};

/// Fewer rows that are found elsewhere than this are not worth a look.
const LEAST: usize = 2;

/// Rows from `top` to before `bottom` move `by` rows: up where it is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    pub top: u16,
    pub bottom: u16,
    pub by: i32,
}

impl Shift {
    /// What the terminal does, done to what it shows.
    pub fn apply(self, shown: &mut Buffer) {
        let rows = self.top..self.bottom;
        let order: Vec<u16> = if self.by > 0 { rows.collect() } else { rows.rev().collect() };
        for y in order {
            let from = i32::from(y) + self.by;
            let from = u16::try_from(from).ok().filter(|from| (self.top..self.bottom).contains(from));
            for x in shown.area.left()..shown.area.right() {
                shown[(x, y)] = from.map_or(Cell::EMPTY, |from| shown[(x, from)].clone());
            }
        }
    }
}

impl Writer {
    /// Moves the rows: a region, line feeds at its last row or reverse ones at its first, and the region taken back.
    pub(super) fn shift(&mut self, shift: Shift) {
        let Shift { top, bottom, by } = shift;
        // What comes in is erased.
        self.ink_to_erase(ratatui::style::Color::Reset);
        self.put(format_args!("\x1b[{};{bottom}r", top + 1));
        // Home, says the standard; the region's first row, say some.
        self.at = None;
        let count = usize::try_from(by.unsigned_abs()).unwrap_or(0);
        if by > 0 {
            self.go(0, bottom - 1, None);
            self.out.extend(std::iter::repeat_n(b'\n', count));
        } else {
            self.go(0, top, None);
            self.out.extend_from_slice(&b"\x1bM".repeat(count));
        }
        self.out.extend_from_slice(b"\x1b[r");
        self.at = None;
    }
}

/// The move that saves most, if one saves anything.
pub(super) fn find(shown: &Buffer, next: &Buffer, changed: &[u16]) -> Option<Shift> {
    if changed.len() <= LEAST {
        return None;
    }
    let height = next.area.height;
    // Of the text alone and weak: what is found by it is weighed cell by cell. FxHash's step.
    let hash = |buffer: &Buffer, y: u16| {
        let bytes = row(buffer, y).iter().flat_map(|cell| cell.symbol().bytes());
        bytes.fold(0_u64, |hash, byte| (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95))
    };
    let before: Vec<u64> = (0..height).map(|y| hash(shown, y)).collect();
    let after: Vec<u64> = (0..height).map(|y| hash(next, y)).collect();
    let height = i32::from(height);
    let moved = |by: i32| {
        let rows = (0..height).filter(|y| (0..height).contains(&(y + by)));
        let index = |y: i32| usize::try_from(y).unwrap_or(0);
        let found = rows.filter(|y| after[index(*y)] == before[index(y + by)] && after[index(*y)] != before[index(*y)]);
        found.count()
    };
    let candidates = (1 - height..height).filter(|by| *by != 0).map(|by| (moved(by), by));
    let (count, by) = candidates.max_by_key(|(count, by)| (*count, -by.abs()))?;
    if count < LEAST { None } else { best(shown, next, by) }
}

fn differences(a: &[Cell], b: &[Cell]) -> i32 {
    let count = a.iter().zip(b).filter(|(a, b)| a != b).count();
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The stretch of rows for which a move is worth most: what it saves in the rows that it brings, less what it spoils
/// in those that it empties.
fn best(shown: &Buffer, next: &Buffer, by: i32) -> Option<Shift> {
    let height = i32::from(next.area.height);
    let at = |y: i32| u16::try_from(y).unwrap_or(0);
    let index = |y: i32| usize::try_from(y).unwrap_or(0);
    let stays: Vec<i32> = (0..next.area.height).map(|y| differences(row(shown, y), row(next, y))).collect();
    // Of all rows before each.
    let mut emptied = vec![0];
    for (y, stays) in (0..next.area.height).zip(&stays) {
        let filled = row(next, y).iter().filter(|cell| !is_blank(cell)).count();
        emptied.push(emptied[usize::from(y)] + stays - i32::try_from(filled).unwrap_or(0));
    }
    let emptied_in = |from: i32, to: i32| emptied[index(to)] - emptied[index(from)];
    let mut best: Option<(i32, Shift)> = None;
    // Destination rows; the sources lie `by` further.
    let (mut from, mut sum) = (None, 0);
    for y in (0..height).filter(|y| (0..height).contains(&(y + by))) {
        let gain = stays[index(y)] - differences(row(shown, at(y + by)), row(next, at(y)));
        if sum <= 0 {
            (from, sum) = (None, 0);
        }
        let start = *from.get_or_insert(y);
        sum += gain;
        let (top, bottom) = if by > 0 { (start, y + by) } else { (start + by, y) };
        let spoilt = if by > 0 { emptied_in(y + 1, y + by + 1) } else { emptied_in(top, start) };
        let total = sum + spoilt;
        if total > 0 && best.is_none_or(|(most, _)| total > most) {
            best = Some((total, Shift { top: at(top), bottom: at(bottom + 1), by }));
        }
    }
    best.map(|(_, shift)| shift)
}

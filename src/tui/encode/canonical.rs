//! Buffers that show the same made the same, so that what nobody sees costs no byte.

use std::{ops::Deref, sync::Arc};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// What shows on a blank, too.
const ON_BLANKS: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED);
/// What is ever written; the rest has no code here.
const KNOWN: Modifier = ON_BLANKS.union(Modifier::BOLD).union(Modifier::DIM).union(Modifier::ITALIC);

/// The cells of a frame, each as it is written. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled(Arc<Buffer>);

impl From<Buffer> for Settled {
    fn from(mut buffer: Buffer) -> Self {
        settle(&mut buffer);
        Self(Arc::new(buffer))
    }
}

impl Deref for Settled {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.0
    }
}

/// Every cell becomes what is written for it. The library's cells filter nothing: what is no character may not reach
/// the terminal, and what has no width of its own would be drawn over its neighbour.
pub(super) fn settle(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width.max(1));
    for row in buffer.content.chunks_mut(width) {
        let mut rest = row;
        while let Some((cell, behind)) = rest.split_first_mut() {
            settle_cell(cell);
            if usize::from(columns(cell)) > 1 + behind.len() {
                // Half of it would go to the next row.
                cell.set_symbol("?");
            }
            let (covered, after) = behind.split_at_mut(usize::from(columns(cell) - 1));
            for half in covered {
                half.reset();
                half.set_bg(cell.bg);
            }
            rest = after;
        }
    }
}

fn settle_cell(cell: &mut Cell) {
    cell.modifier &= KNOWN;
    let symbol = cell.symbol();
    let plain = symbol.len() == 1 && !symbol.as_bytes()[0].is_ascii_control();
    if !plain && (symbol.is_empty() || symbol.chars().any(char::is_control) || symbol.width() == 0) {
        cell.set_symbol("?");
    }
    if is_blank(cell) && !cell.modifier.intersects(ON_BLANKS) {
        cell.fg = Color::Reset;
        cell.modifier = Modifier::empty();
    }
}

/// The cells of a row.
pub(super) fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    let from = usize::from(y) * width;
    &buffer.content[from..from + width]
}

/// The rows that are not the same.
pub(super) fn changed_rows(shown: &Buffer, next: &Buffer) -> Vec<u16> {
    (0..next.area.height).filter(|y| row(shown, *y) != row(next, *y)).collect()
}

/// Whether a wide character stands in one of the rows.
pub(super) fn has_wide(buffer: &Buffer, rows: &[u16]) -> bool {
    rows.iter().any(|y| row(buffer, *y).iter().any(|cell| columns(cell) > 1))
}

/// Whether there is nothing on it but a background, a line or its reverse.
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// Whether erasing it leaves what it is to show.
pub(super) fn is_erasable(cell: &Cell) -> bool {
    is_blank(cell) && !cell.modifier.intersects(ON_BLANKS)
}

/// How many columns a cell takes.
pub(super) fn columns(cell: &Cell) -> u16 {
    if cell.symbol().len() == 1 { 1 } else { u16::try_from(cell.symbol().width().max(1)).unwrap_or(1) }
}

/// Whether every terminal agrees on how far it moves the cursor: not where a character is joined from several.
pub(super) fn is_certain(cell: &Cell) -> bool {
    cell.symbol().chars().nth(1).is_none()
}

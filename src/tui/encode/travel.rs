//! The cursor's way from one place to another: of all that lead there, the shortest.

use ratatui::buffer::Buffer;

use super::{
    Level, Writer,
    canonical::{columns, is_certain},
};

impl Writer {
    /// Moves. `over`: what is shown already, which may be written once more where that is shorter than to jump it.
    pub(super) fn go(&mut self, x: u16, y: u16, over: Option<&Buffer>) {
        if self.at == Some((x, y)) {
            return;
        }
        let way = self.way(x, y);
        if let Some(rewritten) = over.and_then(|over| self.rewritten(x, y, over))
            && rewritten.len() <= way.len()
        {
            self.out.extend_from_slice(rewritten.as_bytes());
        } else {
            self.out.extend_from_slice(way.as_bytes());
        }
        self.at = Some((x, y));
    }

    /// What lies between the cursor and a place further right, where the pen in hand suits all of it.
    fn rewritten(&self, x: u16, y: u16, over: &Buffer) -> Option<String> {
        let (mut from, row) = self.at?;
        // More than this is never shorter. Behind a wide character nobody knows whether this is its second half.
        if row != y || from >= x || x - from > 8 || (from > 0 && columns(&over[(from - 1, y)]) > 1) {
            return None;
        }
        let mut text = String::new();
        while from < x {
            let cell = &over[(from, y)];
            if !self.pen.suits(cell) || !is_certain(cell) {
                return None;
            }
            text.push_str(cell.symbol());
            from += columns(cell);
        }
        (from == x).then_some(text)
    }

    fn way(&self, x: u16, y: u16) -> String {
        let absolute = match (x, y) {
            (0, 0) => "\x1b[H".to_owned(),
            (0, y) => format!("\x1b[{}H", y + 1),
            (x, y) => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        let Some((from, row)) = self.at else { return absolute };
        let mut ways = vec![absolute];
        for vertical in self.vertical(row, y) {
            for horizontal in self.horizontal(from, x, vertical.ends_with('\n')) {
                ways.push(vertical.clone() + &horizontal);
            }
        }
        ways.into_iter().min_by_key(String::len).unwrap_or_default()
    }

    fn vertical(&self, from: u16, to: u16) -> Vec<String> {
        let mut ways = vec![relative(from, to, 'B', 'A')];
        if let Some(rows @ ..=4) = to.checked_sub(from) {
            // Never below the last row, so nothing moves but the cursor.
            ways.push("\n".repeat(usize::from(rows)));
        }
        if self.dialect.level >= Level::Vt220 && from != to {
            ways.push(format!("\x1b[{}d", to + 1));
        }
        ways
    }

    fn horizontal(&self, from: u16, to: u16, after_a_line_feed: bool) -> Vec<String> {
        let mut ways = vec![relative(from, to, 'C', 'D'), format!("\r{}", relative(0, to, 'C', 'D'))];
        // Behind text a backspace would look like one that somebody has put into it.
        if let Some(columns @ ..=4) = from.checked_sub(to).filter(|_| after_a_line_feed) {
            ways.push("\x08".repeat(usize::from(columns)));
        }
        if self.dialect.level >= Level::Vt220 {
            ways.push(format!("\x1b[{}G", to + 1));
        }
        ways
    }
}

fn relative(from: u16, to: u16, more: char, less: char) -> String {
    let letter = if to > from { more } else { less };
    match to.abs_diff(from) {
        0 => String::new(),
        1 => format!("\x1b[{letter}"),
        count => format!("\x1b[{count}{letter}"),
    }
}

//! The columns of a list: what stands above each, how wide it is, how a text is cut to it, which have room.
//!
//! ```text
//! width ─▶ Room: least widths in the order of their worth, then more for some ─▶ Column ─▶ head, cells
//! ```

use crate::tui::{paint::Piece, state::Look, theme::Role};

/// What gives way where a text is longer than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The end: the first letters tell enough.
    End,
    /// The middle: what tells a name from its like is at its ends.
    Middle,
    /// Nothing: a figure, at the right end of its column.
    Figure,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    title: &'static str,
    width: usize,
    cut: Cut,
}

impl Column {
    /// Of words; `width` is in columns with the blank behind it, zero where it is not shown.
    pub const fn text(title: &'static str, width: usize) -> Self {
        Self { title, width, cut: Cut::End }
    }

    /// Of names and ids.
    pub const fn name(title: &'static str, width: usize) -> Self {
        Self { title, width, cut: Cut::Middle }
    }

    /// Of figures.
    pub const fn figure(title: &'static str, width: usize) -> Self {
        Self { title, width, cut: Cut::Figure }
    }

    /// What stands above it.
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// Columns that a text of it has.
    pub const fn room(self) -> usize {
        self.width.saturating_sub(1)
    }

    /// A text as it stands in the column, with the blank behind it.
    pub fn cell(self, look: &Look, text: &str) -> String {
        let Some(room) = self.width.checked_sub(1) else { return String::new() };
        match self.cut {
            Cut::End => format!("{} ", look.cell(text, room)),
            Cut::Middle => format!("{} ", look.cell_middle(text, room)),
            Cut::Figure => format!("{text:>room$} "),
        }
    }

    /// The same, as a piece of a role.
    pub fn piece(self, look: &Look, role: Role, text: &str) -> Piece {
        Piece { role, text: self.cell(look, text) }
    }
}

/// What stands above columns, from the first on.
pub fn head(look: &Look, columns: &[Column]) -> String {
    columns.iter().map(|column| column.cell(look, column.title)).collect()
}

/// The columns of the screen that are not given to anything yet.
#[derive(Debug)]
pub struct Room(pub usize);

impl Room {
    /// So many, or none where there are not as many: half a column tells nothing.
    pub fn take(&mut self, wanted: usize) -> usize {
        let taken = if self.0 >= wanted { wanted } else { 0 };
        self.0 -= taken;
        taken
    }

    /// More for a column that is shown, up to `most`.
    pub fn grow(&mut self, column: &mut usize, most: usize) {
        if *column > 0 {
            let more = most.saturating_sub(*column).min(self.0);
            *column += more;
            self.0 -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Capability, Glyphs, Theme};

    #[test]
    fn a_text_is_as_wide_as_its_column_and_cut_where_it_tells_least() {
        let look = Look {
            theme: Theme::built_in(Capability::None),
            themes_dir: None,
            capability: Capability::None,
            glyphs: Glyphs::UNICODE,
        };
        for (column, text, cell) in [
            (Column::text("ENV", 8), "production", "produc… "),
            (Column::text("ENV", 12), "production", "production  "),
            (Column::name("BOT", 9), "support-001", "supp…001 "),
            (Column::figure("LINES", 8), "96", "     96 "),
            (Column::text("ENV", 0), "production", ""),
            (Column::figure("LINES", 0), "96", ""),
        ] {
            assert_eq!(column.cell(&look, text), cell, "{column:?}");
        }
        assert_eq!(head(&look, &[Column::figure("SEQ", 5), Column::text("TIME", 6)]), " SEQ TIME  ");
    }

    #[test]
    fn room_is_given_whole_or_not() {
        let mut room = Room(10);
        let mut first = room.take(4);
        assert_eq!((first, room.take(7), room.0), (4, 0, 6), "seven columns are not there");
        room.grow(&mut first, 8);
        let mut none = 0;
        room.grow(&mut none, 8);
        assert_eq!((first, none, room.0), (8, 0, 2), "what is not shown does not grow");
        room.grow(&mut first, 20);
        assert_eq!((first, room.0), (10, 0));
    }
}

//! What is written with, and the shortest way from one pen to another.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::{
    Level, Writer,
    canonical::{is_erasable, row},
};

/// Colours and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    pub fg: Color,
    pub bg: Color,
    pub modifier: Modifier,
}

/// What a terminal writes with after a reset.
pub(super) const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl From<&Cell> for Pen {
    fn from(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

impl Pen {
    /// Whether a cell written with it looks as it should. A blank shows its background alone.
    pub fn suits(self, cell: &Cell) -> bool {
        if is_erasable(cell) { self.erases(cell.bg) } else { self == Self::from(cell) }
    }

    /// Which of several a cell is written with: the first that suits it.
    pub fn of(cell: &Cell, pens: &[Self]) -> Option<usize> {
        pens.iter().position(|pen| pen.suits(cell))
    }

    /// Whether what it erases is plain background of that colour.
    pub fn erases(self, bg: Color) -> bool {
        self.bg == bg && !self.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED)
    }
}

/// Each attribute, the code that sets it and the one that ends it; bold and dim end together.
const MODIFIERS: [(Modifier, &str, &str); 5] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::REVERSED, "7", "27"),
];

impl Writer {
    /// The pens that what has changed needs, the one in hand first.
    pub(super) fn pens(&self, shown: &Buffer, next: &Buffer, rows: &[u16]) -> Vec<Pen> {
        let mut pens = vec![self.pen];
        for y in rows {
            let changed = row(shown, *y).iter().zip(row(next, *y)).filter(|(shown, next)| shown != next);
            for (_, cell) in changed {
                if Pen::of(cell, &pens).is_none() {
                    pens.push(Pen::from(cell));
                }
            }
        }
        pens
    }

    /// Takes the pen that a cell needs, if it is not in hand.
    pub(super) fn ink_for(&mut self, cell: &Cell) {
        if !self.pen.suits(cell) {
            // Of a blank's pen only the background matters: what need not change does not.
            let pen = if is_erasable(cell) { self.erasing(cell.bg) } else { Pen::from(cell) };
            self.ink(pen);
        }
    }

    /// Takes a pen that erases to a background.
    pub(super) fn ink_to_erase(&mut self, bg: Color) {
        if !self.pen.erases(bg) {
            self.ink(self.erasing(bg));
        }
    }

    fn erasing(&self, bg: Color) -> Pen {
        if bg == Color::Reset {
            return PLAIN;
        }
        Pen { bg, modifier: self.pen.modifier - Modifier::REVERSED - Modifier::UNDERLINED, ..self.pen }
    }

    fn ink(&mut self, next: Pen) {
        let anew = codes(PLAIN, next);
        let anew = if anew.is_empty() { anew } else { format!("0;{anew}") };
        let step = self.dialect.level >= Level::Vt220 || next.modifier.contains(self.pen.modifier);
        let change = step.then(|| codes(self.pen, next)).filter(|change| change.len() <= anew.len());
        // Without a parameter everything is reset.
        let codes = change.filter(|change| !change.is_empty()).unwrap_or(anew);
        self.put(format_args!("\x1b[{codes}m"));
        self.pen = next;
    }
}

/// Of several pens, which one row needs for what has changed in it.
pub(super) fn wanted(shown: &Buffer, next: &Buffer, y: u16, pens: &[Pen]) -> Vec<bool> {
    let mut wanted = vec![false; pens.len()];
    let changed = row(shown, y).iter().zip(row(next, y)).filter(|(shown, next)| shown != next);
    for number in changed.filter_map(|(_, cell)| Pen::of(cell, pens)) {
        wanted[number] = true;
    }
    wanted
}

/// The parameters that lead from one pen to another.
fn codes(from: Pen, to: Pen) -> String {
    let mut codes = String::new();
    let mut add = |code: &str| {
        if !codes.is_empty() {
            codes.push(';');
        }
        codes.push_str(code);
    };
    let mut kept = from.modifier;
    let mut ended = "";
    for (modifier, _, end) in MODIFIERS {
        if from.modifier.contains(modifier) && !to.modifier.contains(modifier) {
            if end != ended {
                add(end);
            }
            ended = end;
            kept -= if end == "22" { Modifier::BOLD | Modifier::DIM } else { modifier };
        }
    }
    for (modifier, code, _) in MODIFIERS {
        if to.modifier.contains(modifier) && !kept.contains(modifier) {
            add(code);
        }
    }
    if to.fg != from.fg {
        add(&colour(to.fg, 30));
    }
    if to.bg != from.bg {
        add(&colour(to.bg, 40));
    }
    codes
}

/// A colour's parameters (ECMA-48 SGR, ITU T.416 for the longer ones); `base` is 30 for text, 40 for background.
fn colour(colour: Color, base: u8) -> String {
    let plain = |offset: u8| (base + offset).to_string();
    let bright = |offset: u8| (base + 60 + offset).to_string();
    match colour {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => {
            let mut codes = format!("{};2;{r}", base + 8);
            // Writing to a String cannot fail.
            let _ = write!(codes, ";{g};{b}");
            codes
        }
    }
}

//! A frame to bytes: only what has changed, in the shortest moves, with the fewest colour changes.
//!
//! The diff is made against what was written last, not against what was drawn last: a frame that a newer one replaced
//! before its turn leaves no trace.

use std::io::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// The status query at the end of each frame (ECMA-48 DSR 5): the answer says that the frame has been worked off.
pub const QUERY: &[u8] = b"\x1b[5n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl From<&Cell> for Pen {
    fn from(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// What the terminal shows, as far as it was written.
#[derive(Debug)]
pub struct Encoder {
    shown: Option<Buffer>,
    pen: Pen,
    at: Option<(u16, u16)>,
    cursor: bool,
    out: Vec<u8>,
}

impl Encoder {
    /// A screen of which nothing is known.
    pub fn new() -> Self {
        Self { shown: None, pen: PLAIN, at: None, cursor: false, out: Vec::new() }
    }

    /// The bytes that lead from what is shown to `next`, with the query at the end. `clear`: from an empty screen.
    pub fn encode(&mut self, next: Buffer, clear: bool, cursor: Option<(u16, u16)>) -> Vec<u8> {
        let known = self.shown.take().filter(|shown| !clear && shown.area == next.area);
        let shown = known.unwrap_or_else(|| {
            self.pen = PLAIN;
            self.at = None;
            self.out.extend_from_slice(b"\x1b[0m\x1b[2J");
            Buffer::empty(next.area)
        });
        if self.cursor && shown != next {
            self.out.extend_from_slice(b"\x1b[?25l");
            self.cursor = false;
        }
        for y in next.area.top()..next.area.bottom() {
            self.row(&shown, &next, y);
        }
        if let Some((x, y)) = cursor {
            self.go(x, y);
            if !self.cursor {
                self.out.extend_from_slice(b"\x1b[?25h");
            }
        } else if self.cursor {
            self.out.extend_from_slice(b"\x1b[?25l");
        }
        self.cursor = cursor.is_some();
        self.out.extend_from_slice(QUERY);
        self.shown = Some(next);
        std::mem::take(&mut self.out)
    }

    fn row(&mut self, shown: &Buffer, next: &Buffer, y: u16) {
        let (left, right) = (next.area.left(), next.area.right());
        // Behind the last character, both halves of a wide one included.
        let last = (left..right).rev().find(|x| next[(*x, y)] != Cell::EMPTY);
        let blank_from = last.map_or(left, |x| (x + columns(&next[(x, y)])).min(right));
        let stale = (blank_from..right).filter(|x| shown[(*x, y)] != Cell::EMPTY).count();
        let erase = stale > 3;
        let end = if erase { blank_from } else { right };
        let mut x = left;
        while x < end {
            let cell = &next[(x, y)];
            let width = columns(cell);
            // A wide character is written again when either of its halves has changed.
            let changed = (x..(x + width).min(right)).any(|x| shown[(x, y)] != next[(x, y)]);
            // What a wide character leaves uncovered must be written, though the cell itself has not changed.
            let uncovered = x > left && columns(&shown[(x - 1, y)]) > 1 && columns(&next[(x - 1, y)]) < 2;
            if changed || uncovered {
                self.go(x, y);
                self.put(cell);
                self.at = (x + width < right).then_some((x + width, y));
            }
            x += width;
        }
        if erase {
            self.go(blank_from, y);
            self.ink(PLAIN);
            self.out.extend_from_slice(b"\x1b[K");
        }
    }

    fn put(&mut self, cell: &Cell) {
        self.ink(Pen::from(cell));
        self.out.extend_from_slice(symbol(cell).as_bytes());
    }

    /// Moves by the shortest sequence.
    fn go(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        // Writing to a vector cannot fail.
        let _ = match self.at {
            Some((from, row)) if row == y && x > from && x - from == 1 => self.out.write_all(b"\x1b[C"),
            Some((from, row)) if row == y && x > from => write!(self.out, "\x1b[{}C", x - from),
            Some((_, row)) if x == 0 && y == row + 1 => self.out.write_all(b"\r\n"),
            _ if x == 0 => write!(self.out, "\x1b[{}H", y + 1),
            _ => write!(self.out, "\x1b[{};{}H", y + 1, x + 1),
        };
        self.at = Some((x, y));
    }

    fn ink(&mut self, next: Pen) {
        if self.pen == next {
            return;
        }
        let mut codes: Vec<String> = Vec::new();
        let mut from = self.pen;
        if !next.modifier.contains(from.modifier) || (next == PLAIN) {
            // There is no code that takes away one modifier and means the same everywhere.
            codes.push(if next == PLAIN { String::new() } else { "0".to_owned() });
            from = PLAIN;
        }
        for (modifier, code) in MODIFIERS {
            if next.modifier.contains(modifier) && !from.modifier.contains(modifier) {
                codes.push(code.to_owned());
            }
        }
        if next.fg != from.fg {
            codes.push(colour(next.fg, 30));
        }
        if next.bg != from.bg {
            codes.push(colour(next.bg, 40));
        }
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "\x1b[{}m", codes.join(";"));
        self.pen = next;
    }
}

/// What is written for a cell. The library's cells filter nothing; what is no character may not reach the terminal.
fn symbol(cell: &Cell) -> &str {
    let symbol = cell.symbol();
    if symbol.is_empty() || symbol.chars().any(char::is_control) { "?" } else { symbol }
}

fn columns(cell: &Cell) -> u16 {
    u16::try_from(symbol(cell).width().max(1)).unwrap_or(1)
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

const MODIFIERS: [(Modifier, &str); 5] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::REVERSED, "7"),
];

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
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    const AREA: Rect = Rect::new(0, 0, 24, 4);

    fn screen(lines: &[(u16, &str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(AREA);
        for (y, text, style) in lines {
            buffer.set_string(0, *y, text, *style);
        }
        buffer
    }

    fn terminal() -> vt100::Parser {
        let cells = |count| std::num::NonZero::new(count).unwrap();
        vt100::Parser::new(cells(AREA.height), cells(AREA.width), 0)
    }

    /// What a terminal shows after the bytes.
    fn contents(parser: &vt100::Parser) -> Vec<String> {
        parser.screen().rows(0, AREA.width).map(|row| format!("{row:<24}")).collect()
    }

    fn text(buffer: &Buffer) -> Vec<String> {
        (0..AREA.height)
            .map(|y| {
                let mut row = String::new();
                let mut x = 0;
                while x < AREA.width {
                    let symbol = buffer[(x, y)].symbol();
                    row.push_str(symbol);
                    x += u16::try_from(symbol.width().max(1)).unwrap();
                }
                row
            })
            .collect()
    }

    #[test]
    fn an_unchanged_screen_costs_only_the_query() {
        let mut encoder = Encoder::new();
        let buffer = screen(&[(1, "helpdesk", Style::default())]);
        encoder.encode(buffer.clone(), false, None);
        assert_eq!(encoder.encode(buffer, false, None), QUERY);
    }

    #[test]
    fn a_moved_marker_is_a_few_bytes() {
        let mut encoder = Encoder::new();
        encoder.encode(screen(&[(1, "> helpdesk", Style::default()), (2, "  sales", Style::default())]), false, None);
        let bytes = encoder.encode(
            screen(&[(1, "  helpdesk", Style::default()), (2, "> sales", Style::default())]),
            false,
            None,
        );
        assert!(bytes.len() < 24, "{:?}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn nothing_but_characters_reaches_the_terminal() {
        let mut buffer = Buffer::empty(AREA);
        buffer[(0, 0)].set_symbol("\x1b]52;c;aGk=\x07");
        buffer[(1, 0)].set_symbol("\u{9b}2J");
        let bytes = Encoder::new().encode(buffer, false, None);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("52;c") && !text.contains('\u{9b}') && text.contains("??"), "{text:?}");
    }

    fn arbitrary_screen() -> impl Strategy<Value = Buffer> {
        let style = prop_oneof![
            Just(Style::default()),
            Just(Style::default().fg(Color::Red).add_modifier(Modifier::BOLD)),
            Just(Style::default().bg(Color::Indexed(20))),
            Just(Style::default().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::REVERSED)),
        ];
        proptest::collection::vec((0u16..4, 0u16..20, "[a-z日本 ]{0,10}", style), 0..8).prop_map(|lines| {
            let mut buffer = Buffer::empty(AREA);
            for (y, x, text, style) in lines {
                buffer.set_string(x, y, text, style);
            }
            buffer
        })
    }

    proptest! {
        #[test]
        fn any_sequence_of_frames_ends_in_the_last_one(frames in proptest::collection::vec(arbitrary_screen(), 1..6)) {
            let mut encoder = Encoder::new();
            let mut parser = terminal();
            for frame in &frames {
                parser.process(&encoder.encode(frame.clone(), false, None));
            }
            let mut fresh = terminal();
            let last = frames.last().unwrap();
            fresh.process(&Encoder::new().encode(last.clone(), true, None));
            prop_assert_eq!(contents(&parser), contents(&fresh));
            let trimmed = |rows: Vec<String>| rows.iter().map(|row| row.trim_end().to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(trimmed(contents(&parser)), trimmed(text(last)));
            for y in 0..AREA.height {
                for x in 0..AREA.width {
                    let (a, b) = (parser.screen().cell(y, x).unwrap(), fresh.screen().cell(y, x).unwrap());
                    prop_assert_eq!((a.bgcolor(), a.inverse()), (b.bgcolor(), b.inverse()), "{},{}", x, y);
                }
            }
        }
    }
}

//! What the bytes make of a terminal that is not ours.

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use super::*;

const AREA: Rect = Rect::new(0, 0, 24, 8);

/// Each combination that a terminal may be of.
fn dialects() -> Vec<Dialect> {
    let both = [false, true];
    let mut all = Vec::new();
    for level in [Level::Vt100, Level::Vt220] {
        for regions in both {
            for erases_in_colour in both {
                for repeats in both {
                    all.push(Dialect { level, regions, erases_in_colour, repeats });
                }
            }
        }
    }
    all
}

fn screen(lines: &[(u16, &str, Style)]) -> Buffer {
    let mut buffer = Buffer::empty(AREA);
    for (y, text, style) in lines {
        buffer.set_string(0, *y, text, *style);
    }
    buffer
}

fn terminal(area: Rect) -> vt100::Parser {
    let cells = |count| std::num::NonZero::new(count).unwrap();
    vt100::Parser::new(cells(area.height), cells(area.width), 0)
}

/// Whether a terminal shows what a buffer says, cell by cell: characters, colours, attributes.
fn shows(parser: &vt100::Parser, wanted: &Buffer) -> Result<(), TestCaseError> {
    let mut wanted = wanted.clone();
    canonical::settle(&mut wanted);
    for y in 0..wanted.area.height {
        let mut x = 0;
        while x < wanted.area.width {
            let (cell, found) = (&wanted[(x, y)], parser.screen().cell(y, x).unwrap());
            let symbol = if found.contents().is_empty() { " " } else { found.contents() };
            prop_assert_eq!(symbol, cell.symbol(), "at {},{}", x, y);
            prop_assert_eq!(found.bgcolor(), colour(cell.bg), "background at {},{}", x, y);
            let has = |modifier| cell.modifier.contains(modifier);
            prop_assert_eq!(found.inverse(), has(Modifier::REVERSED), "reverse at {},{}", x, y);
            prop_assert_eq!(found.underline(), has(Modifier::UNDERLINED), "line at {},{}", x, y);
            if !canonical::is_erasable(cell) {
                prop_assert_eq!(found.fgcolor(), colour(cell.fg), "colour at {},{}", x, y);
                prop_assert_eq!(found.italic(), has(Modifier::ITALIC), "italic at {},{}", x, y);
                // Of bold and dim together the emulator keeps one.
                let both = has(Modifier::BOLD) && has(Modifier::DIM);
                prop_assert!(both || found.bold() == has(Modifier::BOLD), "bold at {},{}", x, y);
                prop_assert!(both || found.dim() == has(Modifier::DIM), "dim at {},{}", x, y);
            }
            x += canonical::columns(cell);
        }
    }
    Ok(())
}

fn colour(colour: Color) -> vt100::Color {
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Red => vt100::Color::Idx(1),
        Color::LightCyan => vt100::Color::Idx(14),
        Color::Indexed(index) => vt100::Color::Idx(index),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        other => panic!("{other} is not used here"),
    }
}

#[test]
fn an_unchanged_screen_costs_only_the_query() {
    let mut encoder = Encoder::new(Dialect::MOST);
    let buffer = screen(&[(1, "helpdesk", Style::default())]);
    encoder.encode(buffer.clone(), false, None);
    assert_eq!(encoder.encode(buffer, false, None), QUERY);
}

#[test]
fn a_moved_marker_is_a_few_bytes() {
    let mut encoder = Encoder::new(Dialect::MOST);
    encoder.encode(screen(&[(1, "> helpdesk", Style::default()), (2, "  sales", Style::default())]), false, None);
    let bytes =
        encoder.encode(screen(&[(1, "  helpdesk", Style::default()), (2, "> sales", Style::default())]), false, None);
    // Back to the first, a blank; down and back, a marker; the query.
    assert!(bytes.len() <= 20, "{:?}", String::from_utf8_lossy(&bytes));
}

#[test]
fn what_nobody_sees_costs_nothing() {
    let mut encoder = Encoder::new(Dialect::MOST);
    encoder.encode(screen(&[]), false, None);
    let blanks = screen(&[(2, "        ", Style::default().fg(Color::Red).add_modifier(Modifier::BOLD))]);
    assert_eq!(encoder.encode(blanks, false, None), QUERY);
}

#[test]
fn nothing_but_characters_reaches_the_terminal() {
    let mut buffer = Buffer::empty(AREA);
    buffer[(0, 0)].set_symbol("\x1b]52;c;aGk=\x07");
    buffer[(1, 0)].set_symbol("\u{9b}2J");
    buffer[(2, 0)].set_symbol("\u{301}");
    let bytes = Encoder::new(Dialect::MOST).encode(buffer, false, None);
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("52;c") && !text.contains('\u{9b}') && text.contains("???"), "{text:?}");
}

fn log(from: usize) -> Buffer {
    let lines: Vec<String> = (from..from + 8).map(|n| format!("{n:03} {:x}", n * 7_919_191)).collect();
    let mut buffer = Buffer::empty(AREA);
    for (y, text) in lines.iter().enumerate() {
        buffer.set_string(0, u16::try_from(y).unwrap(), text, Style::default());
    }
    buffer
}

#[test]
fn a_scrolled_screen_is_moved_by_a_terminal_that_can() {
    for (to, most) in [(1, 50), (3, 80)] {
        for (before, after) in [(log(0), log(to)), (log(to), log(0))] {
            let bytes = |dialect| {
                let mut encoder = Encoder::new(dialect);
                encoder.encode(before.clone(), false, None);
                encoder.encode(after.clone(), false, None)
            };
            let (moved, written) = (bytes(Dialect::MOST), bytes(Dialect { regions: false, ..Dialect::MOST }));
            assert!(moved.len() <= most, "{} by {to}: {:?}", moved.len(), String::from_utf8_lossy(&moved));
            assert!(written.len() > moved.len() && !String::from_utf8_lossy(&written).contains("\x1b[r"));
            assert!(String::from_utf8_lossy(&moved).contains("\x1b[r"), "the region is taken back");
        }
    }
}

#[test]
fn a_frame_is_marked_only_where_the_terminal_asked_for_it_and_it_is_large() {
    let mut encoder = Encoder::new(Dialect::LEAST);
    let is_marked = |bytes: &[u8]| bytes.starts_with(TOGETHER[0]) && bytes.ends_with(b"\x1b[?2026l\x1b[5n");
    assert!(!is_marked(&encoder.encode(log(0), true, None)));
    encoder.synchronize();
    let large = Buffer::filled(Rect::new(0, 0, 60, 20), ratatui::buffer::Cell::new("x"));
    assert!(is_marked(&encoder.encode(large.clone(), true, None)));
    let mut small = large;
    small[(3, 3)].set_symbol("y");
    assert!(!is_marked(&encoder.encode(small, false, None)));
}

fn arbitrary_style() -> impl Strategy<Value = Style> {
    let colours = || {
        prop_oneof![
            3 => Just(Color::Reset),
            1 => Just(Color::Red),
            1 => Just(Color::LightCyan),
            1 => Just(Color::Indexed(120)),
            1 => Just(Color::Rgb(1, 2, 3)),
        ]
    };
    let modifiers = prop_oneof![3 => Just(0u16), 1 => 0u16..0b10_0000_0000];
    (colours(), colours(), modifiers)
        .prop_map(|(fg, bg, bits)| Style::default().fg(fg).bg(bg).add_modifier(Modifier::from_bits_truncate(bits)))
}

type Piece = (u16, u16, String, Style);

fn arbitrary_pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = prop_oneof!["[a-z日本 ]{0,10}", "(=|─| |e\u{301}|日){0,24}", "[a-c]{24}", " {0,24}"];
    proptest::collection::vec((0u16..8, 0u16..24, text, arbitrary_style()), 0..12)
}

fn drawn(area: Rect, pieces: &[Piece]) -> Buffer {
    let mut buffer = Buffer::empty(area);
    for (y, x, text, style) in pieces.iter().filter(|(y, x, ..)| *y < area.height && *x < area.width) {
        buffer.set_string(*x, *y, text, *style);
    }
    buffer
}

/// What happens between two frames.
#[derive(Debug, Clone)]
enum Change {
    Drawn(Vec<Piece>),
    /// Rows from one to another move, with more drawn over them.
    Moved(u16, u16, i32, Vec<Piece>),
    Resized(u16, u16),
}

fn arbitrary_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => arbitrary_pieces().prop_map(Change::Drawn),
        5 => (0u16..7, 1u16..9, -7i32..8, proptest::collection::vec(
            (0u16..8, 0u16..24, "[a-z ]{0,10}", arbitrary_style()), 0..3))
            .prop_map(|(top, rows, by, pieces)| Change::Moved(top, (top + rows).min(8), by, pieces)),
        1 => (1u16..30, 1u16..12).prop_map(|(width, height)| Change::Resized(width, height)),
    ]
}

proptest! {
    // Failing seeds are kept beside the source and replayed first.
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn any_sequence_of_frames_is_shown_by_every_terminal(
        dialect in proptest::sample::select(dialects()),
        changes in proptest::collection::vec(arbitrary_change(), 1..8),
        cursor in proptest::option::of((0u16..24, 0u16..8)),
    ) {
        let mut encoder = Encoder::new(dialect);
        let mut buffer = Buffer::empty(AREA);
        let mut parser = terminal(AREA);
        parser.process(HIDE);
        for change in &changes {
            match change {
                Change::Drawn(pieces) => buffer = drawn(buffer.area, pieces),
                Change::Moved(top, bottom, by, pieces) => {
                    let bottom = (*bottom).min(buffer.area.height);
                    scroll::Shift { top: *top, bottom, by: *by }.apply(&mut buffer);
                    for (y, x, text, style) in pieces {
                        if *y < buffer.area.height && *x < buffer.area.width {
                            buffer.set_string(*x, *y, text, *style);
                        }
                    }
                }
                Change::Resized(width, height) => {
                    buffer = Buffer::empty(Rect::new(0, 0, *width, *height));
                    let cells = |count: &u16| std::num::NonZero::new(*count).unwrap();
                    parser.screen_mut().set_size(cells(height), cells(width));
                }
            }
            let cursor = cursor.filter(|(x, y)| *x < buffer.area.width && *y < buffer.area.height);
            parser.process(&encoder.encode(buffer.clone(), false, cursor));
            shows(&parser, &buffer)?;
            prop_assert_eq!(parser.screen().hide_cursor(), cursor.is_none());
            if let Some((x, y)) = cursor {
                prop_assert_eq!(parser.screen().cursor_position(), (y, x));
            }
        }
    }
}

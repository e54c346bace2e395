//! Screens as text, compared with files; `UPDATE_GOLDEN=1` writes them anew.

use std::{fmt::Write as _, path::PathBuf};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// What a person sees, without colours.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).unwrap();
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The text, and below it the styles: one letter a cell, explained underneath.
pub fn styled(buffer: &Buffer) -> String {
    let mut out = text(buffer);
    let mut legend: Vec<String> = Vec::new();
    out.push_str("--- styles\n");
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let name = name(&buffer[(x, y)]);
            if name.is_empty() {
                line.push(' ');
                continue;
            }
            let index = legend.iter().position(|known| *known == name).unwrap_or_else(|| {
                legend.push(name);
                legend.len() - 1
            });
            line.push(char::from(b'a' + u8::try_from(index).unwrap()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for (index, name) in legend.iter().enumerate() {
        writeln!(out, "{} = {name}", char::from(b'a' + u8::try_from(index).unwrap())).unwrap();
    }
    out
}

fn name(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{}", cell.fg).to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg).to_lowercase());
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// Compares with `tests/golden/NAME.txt`.
pub fn assert(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{name} is not as in {}:\n{found}", path.display());
}

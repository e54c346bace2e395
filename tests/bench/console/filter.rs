//! Half a million rows, filtered letter by letter.

use std::time::{Duration, Instant};

use super::{
    measure::{self, Percentiles},
    program::Program,
    pty::Pty,
};

/// What is typed, and taken back by three letters.
const TYPED: [&str; 9] = [
    "payroll",
    "exporter eu-west",
    "supsum",
    "0417",
    "crawler-lab-0",
    "zzz",
    "gateway 99",
    "it-desk bridge",
    "notifier us 12",
];
/// So many of them in the short form.
const SHORT: usize = 3;
/// One letter after the other, faster than a filter of so many rows.
const APART: Duration = Duration::from_millis(10);
/// The rows are exact when the screen has not changed for so long.
const EXACT: Duration = Duration::from_millis(500);
/// An echo that takes longer never comes.
const LOST: Duration = Duration::from_secs(10);
const BACKSPACE: &str = "\x7f";

/// A program's filter.
pub struct Filtered {
    /// From a key to the exact rows, each key when the one before is done.
    pub exact: Percentiles,
    /// From a key to its letter, while the ones before are at work.
    pub echo: Percentiles,
}

fn texts(short: bool) -> impl Iterator<Item = &'static str> {
    TYPED.into_iter().take(if short { SHORT } else { TYPED.len() })
}

pub fn filter(program: &Program, short: bool) -> Filtered {
    let mut pty = measure::ready(program);
    let mut exact = Vec::new();
    let mut echo = Vec::new();
    let [open, prompt, close] = program.filter;
    for text in texts(short) {
        pty.press(open);
        let mut typed = String::new();
        for letter in text.chars() {
            typed.push(letter);
            exact.extend(to_exact(&mut pty, letter.encode_utf8(&mut [0; 4])));
        }
        for _ in 0..3.min(typed.len() - 1) {
            exact.extend(to_exact(&mut pty, BACKSPACE));
        }
        pty.press(close);
        pty.settle();
    }
    for text in texts(short) {
        pty.press(open);
        for end in 1..=text.len() {
            echo.push(to_echo(&mut pty, &text[end - 1..end], &format!("{prompt}{}", &text[..end])));
        }
        pty.press(close);
        pty.settle();
    }
    Filtered { exact: Percentiles::of(exact), echo: Percentiles::of(echo) }
}

/// Presses a key and waits until the screen rests: when it changed last.
fn to_exact(pty: &mut Pty, key: &str) -> Option<Duration> {
    let mut shown = pty.watched();
    let pressed = Instant::now();
    pty.write(key.as_bytes());
    let mut changed = None;
    while let Some((at, _)) = pty.read(changed.unwrap_or(pressed) + EXACT) {
        let text = pty.watched();
        if text != shown {
            (shown, changed) = (text, Some(at));
        }
    }
    changed.map(|at| at - pressed)
}

/// Presses a key and waits until what has been typed stands behind the prompt, then a moment until the next is due.
fn to_echo(pty: &mut Pty, key: &str, typed: &str) -> Duration {
    let pressed = Instant::now();
    pty.write(key.as_bytes());
    let mut took = LOST;
    while let Some((at, _)) = pty.read(pressed + LOST) {
        let text = pty.screen.screen().contents();
        if text.lines().any(|line| line.trim_start().starts_with(typed)) {
            took = at - pressed;
            break;
        }
    }
    let next = pressed + APART;
    while pty.read(next).is_some() {}
    took
}

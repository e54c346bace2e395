//! Terminal bytes to keys, pasted text and answers, in the order in which they came.
//!
//! ```text
//! bytes of one read ─frame─▶ ESC[0n           ─▶ Answered
//!                           ESC[200~ … ESC[201~ ─▶ Pasted
//!                           anything else     ─▶ terminput ─▶ Key (alone, or with others)
//! ```
//!
//! crossterm cannot do this: it throws the answer to `ESC[5n` away together with its buffer.

use std::fmt;

use terminput::Event;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    mouse::{self, Mouse},
    press::{Pasted, Press},
};

/// More pasted text than this is cut off: no field takes that much.
const MAX_PENDING: usize = 64 * 1024;
/// Room for what is not whole yet.
const LEAST_PENDING: usize = 4096;
const PASTE: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// One thing that came from the terminal's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key. `alone`: no other key came in the same read.
    Key {
        /// Which.
        key: Press,
        /// Whether it came by itself.
        alone: bool,
    },
    /// Text in brackets.
    Pasted(Pasted),
    /// The mouse was clicked, or its wheel turned.
    Mouse(Mouse),
    /// The terminal answered a status query; the n-th answer belongs to the n-th query.
    Answered,
    /// The terminal says that it shows frames at once that are marked so (mode 2026).
    Synchronizes,
    /// A frame's last byte was written.
    Written(u64),
    /// The terminal is gone; why.
    Lost(String),
}

enum Framed {
    /// So many bytes belong together.
    Whole(usize),
    /// More must come.
    Part,
}

/// Keeps what is not whole yet from one read to the next; what was taken out is wiped.
#[derive(Default)]
pub struct Decoder {
    pending: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder(***)")
    }
}

impl Decoder {
    /// Takes the bytes of one read.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.grow(bytes.len());
        self.pending.extend_from_slice(bytes);
        self.take(false)
    }

    /// Makes room without leaving a copy behind.
    fn grow(&mut self, by: usize) {
        let needed = self.pending.len() + by;
        if needed > self.pending.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(LEAST_PENDING) * 2));
            larger.extend_from_slice(&self.pending);
            self.pending = larger;
        }
    }

    /// Whether something is not whole yet: a lone escape is a key if nothing follows soon.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty() && !self.pending.starts_with(PASTE)
    }

    /// Nothing followed: what is left is taken as it is.
    pub fn flush(&mut self) -> Vec<Input> {
        self.take(true)
    }

    fn take(&mut self, all: bool) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut from = 0;
        while from < self.pending.len() {
            let rest = &self.pending[from..];
            let length = match frame(rest) {
                Framed::Whole(length) => length,
                Framed::Part if rest.starts_with(PASTE) && rest.len() > MAX_PENDING => rest.len(),
                Framed::Part if all && !rest.starts_with(PASTE) => 1,
                Framed::Part => break,
            };
            inputs.extend(decode(&rest[..length]));
            from += length;
        }
        let left = self.pending.len() - from;
        self.pending.copy_within(from.., 0);
        self.pending[left..].zeroize();
        self.pending.truncate(left);
        let keys =
            inputs.iter().filter(|input| matches!(input, Input::Key { .. } | Input::Pasted(_) | Input::Mouse(_)));
        let keys = keys.count();
        // Bytes that wait for more may be a key of the same burst.
        let by_itself = keys == 1 && self.pending.is_empty();
        for input in &mut inputs {
            if let Input::Key { alone, .. } = input {
                *alone = by_itself;
            }
        }
        inputs
    }
}

/// How many bytes at the start belong together.
fn frame(bytes: &[u8]) -> Framed {
    match bytes {
        [0x1b] | [0x1b, b'O'] => Framed::Part,
        [0x1b, b'[', rest @ ..] => control_sequence(bytes, rest),
        [0x1b, b'O', _, ..] => Framed::Whole(3),
        // Operating system commands and device strings: answers that nobody asked for; swallowed to their end.
        [0x1b, b']' | b'P' | b'_' | b'^', rest @ ..] => string_sequence(rest),
        // An escape before an escape is the key of that name.
        [0x1b, 0x1b, ..] => Framed::Whole(1),
        [0x1b, rest @ ..] => match character(rest) {
            Framed::Whole(length) => Framed::Whole(length + 1),
            Framed::Part => Framed::Part,
        },
        _ => character(bytes),
    }
}

fn control_sequence(bytes: &[u8], rest: &[u8]) -> Framed {
    if bytes.starts_with(PASTE) {
        let end = bytes.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        return end.map_or(Framed::Part, |at| Framed::Whole(at + PASTE_END.len()));
    }
    match rest {
        // The console of Linux names F1 to F5 so; X10 mouse reports have three bytes that may be anything.
        [b'[', _, ..] => Framed::Whole(4),
        [b'M', _, _, _, ..] => Framed::Whole(6),
        [b'[' | b'M', ..] => Framed::Part,
        _ => match rest.iter().position(|byte| !(0x20..0x40).contains(byte)) {
            Some(at) if (0x40..0x7f).contains(&rest[at]) => Framed::Whole(at + 3),
            // A control character inside a sequence breaks it off.
            Some(at) => Framed::Whole(at + 2),
            None => Framed::Part,
        },
    }
}

fn string_sequence(rest: &[u8]) -> Framed {
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            0x07 => return Framed::Whole(at + 3),
            0x1b if rest.get(at + 1) == Some(&b'\\') => return Framed::Whole(at + 4),
            _ => {}
        }
    }
    Framed::Part
}

fn character(bytes: &[u8]) -> Framed {
    let wanted = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    if bytes.len() >= wanted { Framed::Whole(wanted) } else { Framed::Part }
}

fn decode(bytes: &[u8]) -> Option<Input> {
    match bytes {
        // "Ready" or "malfunction": either way it has come as far as the query.
        b"\x1b[0n" | b"\x1b[3n" => return Some(Input::Answered),
        [0x1b, b'[', b'<', .., b'M' | b'm'] => return mouse::parse(bytes).map(Input::Mouse),
        // Set or reset: known. Any other answer means that it is not, or that it cannot be changed (DECRPM).
        b"\x1b[?2026;1$y" | b"\x1b[?2026;2$y" => return Some(Input::Synchronizes),
        // Strings, and other mouse reports, which nobody asked for: terminput 0.5 computes with a column 0 that no terminal has.
        [0x1b, b']' | b'P' | b'_' | b'^', _, ..] | [0x1b, b'[', b'M', ..] | [0x1b, b'[', .., b'M' | b'm'] => {
            return None;
        }
        _ => {}
    }
    if let Some(text) = bytes.strip_prefix(PASTE) {
        let text = text.strip_suffix(PASTE_END).unwrap_or(text);
        return Some(Input::Pasted(Pasted::of(text)));
    }
    match Event::parse_from(bytes) {
        Ok(Some(Event::Key(key))) => Some(Input::Key { key: key.into(), alone: false }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terminput::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    fn key(code: KeyCode, alone: bool) -> Input {
        let modifiers = match code {
            KeyCode::Char(character) if character.is_uppercase() => KeyModifiers::SHIFT,
            _ => KeyModifiers::NONE,
        };
        Input::Key { key: KeyEvent::new(code).modifiers(modifiers).into(), alone }
    }

    fn fed(bytes: &[u8]) -> Vec<Input> {
        Decoder::default().feed(bytes)
    }

    #[test]
    fn answers_are_taken_out_in_order() {
        assert_eq!(fed(b"\x1b[0nX"), [Input::Answered, key(KeyCode::Char('X'), true)]);
        assert_eq!(fed(b"X\x1b[0n"), [key(KeyCode::Char('X'), true), Input::Answered]);
        assert_eq!(
            fed(b"j\x1b[0nX"),
            [key(KeyCode::Char('j'), false), Input::Answered, key(KeyCode::Char('X'), false)]
        );
    }

    #[test]
    fn an_unbracketed_paste_is_a_burst() {
        assert!(fed(b"fooXbar").iter().all(|input| matches!(input, Input::Key { alone: false, .. })));
        // A key whose read ends in the middle of another one did not come alone.
        assert_eq!(fed(b"X\xc3"), [key(KeyCode::Char('X'), false)]);
    }

    #[test]
    fn a_bracketed_paste_is_text_however_it_is_cut() {
        let bytes = b"\x1b[200~X\x1b[0n\r\x1b[201~";
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let mut inputs = decoder.feed(&bytes[..cut]);
            inputs.extend(decoder.feed(&bytes[cut..]));
            assert_eq!(inputs, [Input::Pasted(Pasted::of(b"X\x1b[0n\r"))], "cut at {cut}");
        }
    }

    #[test]
    fn an_answer_may_come_in_pieces() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b[0"), []);
        assert!(decoder.is_pending());
        assert_eq!(decoder.feed(b"n"), [Input::Answered]);
    }

    #[test]
    fn a_lone_escape_is_a_key_once_nothing_follows() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert_eq!(decoder.flush(), [key(KeyCode::Esc, true)]);
        assert_eq!(fed(b"\x1b[A"), [key(KeyCode::Up, true)]);
        assert_eq!(fed(b"\x1bOB"), [key(KeyCode::Down, true)]);
        assert_eq!(fed(b"\x1b[5~"), [key(KeyCode::PageUp, true)]);
    }

    #[test]
    fn a_key_beside_a_click_did_not_come_alone() {
        let click = Input::Mouse(Mouse::Clicked { column: 4, row: 6 });
        assert_eq!(fed(b"\x1b[<0;5;7MX"), [click, key(KeyCode::Char('X'), false)]);
        assert_eq!(
            fed(b"\x1b[<0;5;7m\x1b[<35;5;7MX"),
            [key(KeyCode::Char('X'), true)],
            "releases and motions are nothing"
        );
    }

    #[test]
    fn the_answer_about_marked_frames_is_taken_out() {
        assert_eq!(
            fed(b"\x1b[?2026;2$y\x1b[0nX"),
            [Input::Synchronizes, Input::Answered, key(KeyCode::Char('X'), true)]
        );
        assert_eq!(fed(b"\x1b[?2026;0$y\x1b[?2026;4$y\x1b[0n"), [Input::Answered], "not known, or never to be set");
    }

    #[test]
    fn answers_that_nobody_asked_for_are_swallowed() {
        assert_eq!(fed(b"\x1b]11;rgb:00/00/00\x07\x1bP1$r0m\x1b\\\x1b[?62;c\x1b[0n"), [Input::Answered]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hang(chunks in proptest::collection::vec(any::<Vec<u8>>(), 0..8)) {
            let mut decoder = Decoder::default();
            for chunk in &chunks {
                decoder.feed(chunk);
            }
            decoder.flush();
            prop_assert!(decoder.pending.is_empty() || decoder.pending.starts_with(PASTE));
        }

        #[test]
        fn no_key_of_a_burst_counts_as_alone(text in "[a-zA-Z]{2,9}") {
            let alone = fed(text.as_bytes()).iter().any(|input| matches!(input, Input::Key { alone: true, .. }));
            prop_assert!(!alone);
        }
    }
}

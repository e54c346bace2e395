//! Text that somebody else chose.
//!
//! Names, descriptions and messages of a provider may be the attacker's. They get a type of their own at the edge of
//! the domain, are shown with visible escapes and never stripped silently: two different names never look alike.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Bytes of a provider's string that are kept; more is cut, visibly.
const MAX_BYTES: usize = 4096;
/// Bytes that one shown grapheme may have: stacked combining marks are escaped beyond it.
const MAX_GRAPHEME_BYTES: usize = 24;

/// A string of a provider or of a journal: shown escaped, compared as it is, without `Display`.
///
/// It leaves only as [`Untrusted::shown`], as JSON (where escapes are JSON's own), or as bytes to hash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(Box<str>);

impl Untrusted {
    /// Takes in a string, cut to 4 KiB at a character boundary with a visible mark.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_BYTES {
            let cut = text.floor_char_boundary(MAX_BYTES);
            text.truncate(cut);
            text.push('…');
        }
        // Without room to grow: there may be half a million of them.
        Self(text.into_boxed_str())
    }

    /// The string as it came: for comparing, hashing and requests, never for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole string, safe for a terminal: controls as `\x1b`, other invisible characters as `<U+202E>`.
    pub fn shown(&self) -> String {
        escape(&self.0)
    }

    /// [`Untrusted::shown`], cut to `width` columns with `…` at the end.
    pub fn shown_in(&self, width: usize) -> String {
        fit(&self.shown(), width, "…")
    }
}

impl std::fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

fn escape(text: &str) -> String {
    // Nearly every text: nothing of it is to be escaped or joined.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        let oversized = grapheme.len() > MAX_GRAPHEME_BYTES;
        for (index, character) in grapheme.chars().enumerate() {
            escape_character(&mut out, character, oversized && index > 0);
        }
    }
    out
}

fn escape_character(out: &mut String, character: char, force: bool) {
    use GeneralCategory as C;
    let number = character as u32;
    // Writing to a String cannot fail.
    let _ = match get_general_category(character) {
        C::Control => write!(out, "\\x{number:02x}"),
        C::Format | C::LineSeparator | C::ParagraphSeparator | C::PrivateUse | C::Surrogate | C::Unassigned => {
            write!(out, "<U+{number:04X}>")
        }
        C::SpaceSeparator if character != ' ' => write!(out, "<U+{number:04X}>"),
        // Variation selectors, fillers and other characters that take no room of their own.
        _ if is_invisible(character) || force => write!(out, "<U+{number:04X}>"),
        _ => {
            out.push(character);
            Ok(())
        }
    };
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{034F}' | '\u{17B4}' | '\u{17B5}' | '\u{2800}'
        | '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Cuts text that is already safe to `width` columns, by grapheme, with a mark of one column where something is missing.
pub fn fit(text: &str, width: usize, mark: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let next = grapheme.width();
        if used + next + 1 > width {
            break;
        }
        out.push_str(grapheme);
        used += next;
    }
    if width > 0 {
        out.push_str(mark);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_text_is_shown_not_stripped() {
        for (raw, shown) in [
            ("plain name", "plain name"),
            ("a\u{1b}[2Jb", "a\\x1b[2Jb"),
            ("a\u{202e}b", "a<U+202E>b"),
            ("a\u{200d}b", "a<U+200D>b"),
            ("tab\tnew\n", "tab\\x09new\\x0a"),
            ("c1\u{9b}", "c1\\x9b"),
            ("nbsp\u{a0}", "nbsp<U+00A0>"),
            ("\u{e0041}", "<U+E0041>"),
            ("日本", "日本"),
        ] {
            assert_eq!(Untrusted::new(raw).shown(), shown, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_string_comes_out_printable_and_within_its_width(text in any::<String>(), width in 0usize..40) {
            let shown = Untrusted::new(text).shown_in(width);
            prop_assert!(shown.width() <= width);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}

//! Checkpoints: the state of a file, signed.
//!
//! ```text
//! estop/jump1/0192f7a1-…            origin: one log a file
//! 64                                lines
//! CsUYapGGPo4d…=                    RFC 6962 root of their bytes
//!
//! — estop/jump1/0192f7a1-… Az3g…    key id and Ed25519 signature, base64
//! ```
//!
//! A C2SP tlog-checkpoint in a C2SP signed note. The line `checkpoint` in the file covers what is before it; the note
//! beside the file covers that line too.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bip39::Language;

use super::merkle::Node;

/// Words that a root is read aloud as: 8 of 11 bits.
const WORDS: usize = 8;
/// Bits of a word: the list has 2,048.
const WORD_BITS: usize = 11;

/// A signed note over a file's first lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `estop/HOST/INCIDENT`.
    pub origin: String,
    /// How many lines it covers.
    pub size: u64,
    /// Their RFC 6962 root.
    pub root: [u8; 32],
    /// The note, whole.
    pub note: String,
}

impl Checkpoint {
    /// What goes under the signature.
    pub(super) fn text(origin: &str, size: u64, root: &Node) -> String {
        format!("{origin}\n{size}\n{}\n", BASE64_STANDARD.encode(root))
    }

    /// Reads a note, without a look at its signature. `None`: it is no checkpoint.
    pub fn parse(note: &str) -> Option<Self> {
        let (text, _signatures) = note.split_once("\n\n")?;
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let root = BASE64_STANDARD.decode(root).ok()?.try_into().ok()?;
        Some(Self { origin: origin.to_owned(), size: size.parse().ok()?, root, note: note.to_owned() })
    }

    /// The root, base64.
    pub fn root_base64(&self) -> String {
        BASE64_STANDARD.encode(self.root)
    }

    /// The first 88 bits of the root as eight words of the English list of BIP 39, to be read aloud.
    pub fn words(&self) -> String {
        let list = Language::English.word_list();
        let bit = |at: usize| usize::from(self.root[at / 8] >> (7 - at % 8) & 1);
        let word = |word: usize| {
            let bits = word * WORD_BITS..(word + 1) * WORD_BITS;
            list[bits.fold(0, |index, at| index << 1 | bit(at))]
        };
        (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_read_aloud_from_its_first_bits() {
        let checkpoint = |root| Checkpoint { origin: String::new(), size: 0, root, note: String::new() };
        let mut root = [0; 32];
        assert_eq!(checkpoint(root).words(), ["abandon"; 8].join(" "));
        root[1] = 0b0010_0000; // the last of the first 11 bits
        root[10] = 1; // the 88th
        root[11] = 0xff; // beyond
        let words = checkpoint(root).words();
        assert_eq!(words, "ability abandon abandon abandon abandon abandon abandon ability");
        assert_eq!(checkpoint([0xff; 32]).words(), ["zoo"; 8].join(" "));
    }
}

//! The terminal's clipboard: OSC 52, wrapped so that it comes through tmux and screen.
//!
//! ```text
//! text ─▶ capped ─▶ ESC ] 52 ; c ; BASE64 BEL ─┬─ plain
//!                                              ├─ tmux: as it is (set-clipboard), and in ESC P tmux; … ESC \ (passthrough)
//!                                              └─ screen: in device strings of at most 250 bytes
//! ```
//!
//! No terminal tells whether it took it, so the flash always names the command that prints the same.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Several terminals take no more than 100,000 bytes of a sequence: so much text in BASE64, and its frame.
pub const MOST: usize = 74_994;
/// screen keeps device strings of at most 256 bytes in its older versions.
const SCREEN_CHUNK: usize = 250;

/// The way to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Straight.
    Plain,
    /// Through tmux.
    Tmux,
    /// Through GNU screen.
    Screen,
}

impl Route {
    /// Reads the environment; `None`: what this terminal makes of such a sequence is text on the screen.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        // tmux calls itself screen too: its own variable goes first.
        if set("TMUX") || term.starts_with("tmux") {
            Some(Self::Tmux)
        } else if set("STY") || term.starts_with("screen") {
            Some(Self::Screen)
        } else if term == "linux" || term.starts_with("vt") || term == "cygwin" {
            None
        } else {
            Some(Self::Plain)
        }
    }

    /// The bytes that put a text there.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes();
        match self {
            Self::Plain => plain,
            Self::Tmux => {
                let mut out = plain.clone();
                out.extend_from_slice(b"\x1bPtmux;");
                for byte in plain {
                    // Inside, every escape is doubled.
                    out.extend(std::iter::repeat_n(byte, if byte == 0x1b { 2 } else { 1 }));
                }
                out.extend_from_slice(b"\x1b\\");
                out
            }
            Self::Screen => {
                let wrapped = plain.chunks(SCREEN_CHUNK).flat_map(|part| [b"\x1bP", part, b"\x1b\\"].concat());
                wrapped.collect()
            }
        }
    }
}

/// As many whole lines as a clipboard takes.
pub fn capped(text: &str) -> &str {
    if text.len() <= MOST {
        return text;
    }
    let fits = text.match_indices('\n').map(|(at, _)| at + 1).take_while(|end| *end <= MOST).last();
    &text[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_read_from_the_environment() {
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color")][..], Some(Route::Plain)),
            (&[("TERM", "tmux-256color")], Some(Route::Tmux)),
            (&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")], Some(Route::Tmux)),
            (&[("TERM", "screen.xterm-256color"), ("STY", "1.pts")], Some(Route::Screen)),
            (&[("TERM", "xterm"), ("TMUX", "")], Some(Route::Plain)),
            (&[("TERM", "linux")], None),
            (&[("TERM", "vt220")], None),
        ] {
            let found =
                Route::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
            assert_eq!(found, expected, "{pairs:?}");
        }
    }

    #[test]
    fn each_way_carries_the_same_bytes() {
        let plain = b"\x1b]52;c;aGk=\x07";
        assert_eq!(Route::Plain.bytes("hi"), plain);
        assert_eq!(Route::Tmux.bytes("hi"), b"\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(Route::Screen.bytes("hi"), b"\x1bP\x1b]52;c;aGk=\x07\x1b\\");
        // Longer than one device string: what screen unwraps is the sequence again.
        let long = "x".repeat(1000);
        let bytes = Route::Screen.bytes(&long);
        let text = String::from_utf8(bytes).unwrap();
        let parts: Vec<&str> = text.split("\x1b\\").filter(|part| !part.is_empty()).collect();
        assert!(parts.len() > 4 && parts.iter().all(|part| part.len() <= SCREEN_CHUNK + 2));
        let unwrapped: String = parts.iter().map(|part| part.strip_prefix("\x1bP").unwrap()).collect();
        assert_eq!(unwrapped.into_bytes(), Route::Plain.bytes(&long));
    }

    #[test]
    fn whatever_is_copied_no_byte_of_it_is_a_control() {
        for text in ["a\x07b\x1b\\c\n", "\u{9c}\u{202e}", ""] {
            let bytes = Route::Plain.bytes(text);
            let inside = &bytes[7..bytes.len() - 1];
            assert!(inside.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)));
        }
    }

    #[test]
    fn too_much_is_cut_at_a_line() {
        let text = "a line of it\n".repeat(10_000);
        let cut = capped(&text);
        assert!(cut.len() <= MOST && cut.len() > MOST - 13 && cut.ends_with('\n'));
        assert_eq!(capped("short"), "short");
        assert!(STANDARD.encode("x".repeat(MOST)).len() < 100_000);
    }
}

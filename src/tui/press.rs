//! What hands type and paste, on its way to the state: either may be a secret that leaked.
//!
//! ```text
//! tty bytes (wiped) ─▶ Press, Pasted (wiped when dropped, print nothing) ─▶ update ─▶ a text field, or SecretField
//! ```
//!
//! Channels keep what was moved out of them until they write there again: hence a character lies behind a pointer, in
//! memory that is wiped.

use std::fmt;

use terminput::{KeyCode, KeyEvent};
use zeroize::Zeroizing;

/// A key that was pressed. Tells no character to whoever prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Press {
    /// With a placeholder where it is a character.
    event: KeyEvent,
    character: Option<Box<Zeroizing<u32>>>,
}

impl Press {
    /// The key.
    pub fn event(&self) -> KeyEvent {
        match self.character.as_ref().and_then(|character| char::from_u32(***character)) {
            Some(character) => KeyEvent { code: KeyCode::Char(character), ..self.event },
            None => self.event,
        }
    }
}

impl From<KeyEvent> for Press {
    fn from(event: KeyEvent) -> Self {
        match event.code {
            KeyCode::Char(character) => Self {
                event: KeyEvent { code: KeyCode::Char('*'), ..event },
                character: Some(Box::new(Zeroizing::new(u32::from(character)))),
            },
            _ => Self { event, character: None },
        }
    }
}

impl fmt::Debug for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event.code {
            KeyCode::Char(_) => f.write_str("Press(a character)"),
            code => write!(f, "Press({code:?})"),
        }
    }
}

/// Text that was pasted in brackets. Prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Pasted(Zeroizing<String>);

impl Pasted {
    /// Of what came between the brackets; what is no text becomes a mark.
    pub fn of(bytes: &[u8]) -> Self {
        // Allocated once, at its size: growing would leave copies behind. A mark has three bytes.
        let invalid: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
        let mut text = Zeroizing::new(String::with_capacity(bytes.len() + 2 * invalid));
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Self(text)
    }

    /// The text, for the field that takes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pasted(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_typed_or_pasted_is_printed() {
        let press = Press::from(KeyEvent::new(KeyCode::Char('§')));
        assert_eq!(press.event().code, KeyCode::Char('§'));
        assert!(!format!("{press:?}").contains('§'));
        assert_eq!(format!("{:?}", Press::from(KeyEvent::new(KeyCode::Enter))), "Press(Enter)");
        let pasted = Pasted::of(b"a\xffb");
        assert_eq!(pasted.expose(), "a\u{fffd}b");
        assert_eq!(format!("{pasted:?}"), "Pasted(***)");
    }
}

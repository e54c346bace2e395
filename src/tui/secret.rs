//! The field that takes a leaked secret, and what became known of one.
//!
//! ```text
//! keys, paste ─▶ SecretField (one buffer, wiped) ─Enter─▶ LeakedSecret ─▶ Engine::identify ─▶ Leak
//!                                                                  └─▶ handed over to the engine, for X
//! ```

use std::{fmt, time::Duration};

use secrecy::SecretBox;
use zeroize::Zeroizing;

use crate::domain::{BotName, Identified, LeakedSecret, Owner, ProbeKind, Probed};

/// More is no secret: bytes.
const MOST: usize = 64 * 1024;

/// What is typed or pasted into it is shown nowhere, not even how much of it there is.
pub struct SecretField {
    text: Zeroizing<String>,
    overflowed: bool,
}

impl Default for SecretField {
    fn default() -> Self {
        // Allocated once: growing would leave copies behind.
        Self { text: Zeroizing::new(String::with_capacity(MOST)), overflowed: false }
    }
}

impl fmt::Debug for SecretField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretField(***)")
    }
}

impl SecretField {
    /// Whether it is empty: all that it ever tells.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a character.
    pub fn push(&mut self, character: char) {
        if self.text.len() + character.len_utf8() > MOST {
            self.overflowed = true;
        } else {
            self.text.push(character);
        }
    }

    /// Adds what was pasted; terminals send a carriage return for a line's end.
    pub fn paste(&mut self, text: &str) {
        let mut before = ' ';
        for character in text.chars() {
            match (before, character) {
                ('\r', '\n') => {}
                (_, '\r') => self.push('\n'),
                (_, other) => self.push(other),
            }
            before = character;
        }
    }

    /// Takes the last character back.
    pub fn pop(&mut self) {
        self.text.pop();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The secret that it has.
    ///
    /// # Errors
    /// There is none, or it is none. No sentence has a word of it.
    pub fn secret(&self) -> Result<LeakedSecret, String> {
        if self.overflowed {
            return Err(format!("that is more than {MOST} bytes, and no single secret: Ctrl-U empties the field"));
        }
        match self.text.trim() {
            "" => Err("nothing was typed or pasted yet".to_owned()),
            text => Ok(LeakedSecret::new(SecretBox::new(Box::from(text)))),
        }
    }
}

/// Whether a use that makes a new credential was agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has asked.
    No,
    /// It was asked, as this question, at this time.
    Asked(u64, Duration),
    /// Somebody has agreed.
    Yes,
}

/// A leaked secret that is at hand, and what is known of it.
#[derive(Debug)]
pub struct Leak {
    /// The thing itself: wiped when it is forgotten and nothing in the engine uses it any more.
    pub secret: LeakedSecret,
    /// What it is, and whose.
    pub identified: Identified,
    /// Which of its bots is shown.
    pub at: usize,
    /// Whether it is being used right now.
    pub trying: bool,
    /// What using it has shown.
    pub tried: Vec<(Owner, Probed)>,
    /// Whether it may be used where that makes a new credential.
    pub consent: Consent,
}

impl Leak {
    /// Nothing was tried yet.
    pub fn new(secret: LeakedSecret, identified: Identified) -> Self {
        Self { secret, identified, at: 0, trying: false, tried: Vec::new(), consent: Consent::No }
    }

    /// The bots that it opens, each once.
    pub fn bots(&self) -> Vec<&BotName> {
        let mut bots: Vec<&BotName> = Vec::new();
        for bot in self.identified.owners.iter().filter_map(|owner| owner.bot.as_ref()) {
            if !bots.contains(&bot) {
                bots.push(bot);
            }
        }
        bots
    }

    /// The bot that is shown: the one that `X` is about.
    pub fn bot(&self) -> Option<&BotName> {
        self.bots().get(self.at).copied()
    }

    /// Whether it can be used at all.
    pub fn can_try(&self) -> bool {
        self.identified.owners.iter().any(|owner| owner.probe != ProbeKind::None)
    }

    /// Whether some use of it makes a new credential.
    pub fn mints(&self) -> bool {
        self.identified.owners.iter().any(|owner| owner.probe == ProbeKind::Mints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_takes_a_block_and_tells_nothing() {
        let mut field = SecretField::default();
        assert!(field.secret().is_err());
        field.paste("-----BEGIN X-----\r\nAA\rBB\n");
        field.push('c');
        field.pop();
        assert_eq!(field.secret().unwrap().expose(), "-----BEGIN X-----\nAA\nBB");
        assert_eq!(format!("{field:?}"), "SecretField(***)");
        field.clear();
        assert!(field.is_empty());
    }

    #[test]
    fn too_much_is_no_secret_and_nothing_grows() {
        let mut field = SecretField::default();
        let before = field.text.capacity();
        field.paste(&"é".repeat(MOST));
        assert_eq!(field.text.capacity(), before);
        assert!(field.secret().unwrap_err().contains("no single secret"));
        field.clear();
        field.paste(" x \n");
        assert_eq!(field.secret().unwrap().expose(), "x");
    }
}

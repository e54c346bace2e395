//! A key as a configuration writes it: `x`, `X`, `/`, `space`, `enter`, `page-up`, `f5`, `ctrl-r`.

use terminput::KeyCode;

use super::Key;

/// Keys with a name; the help's short forms are taken too.
const NAMED: [(&str, KeyCode); 19] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("page-up", KeyCode::PageUp),
    ("page-down", KeyCode::PageDown),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

/// What a terminal sends for some letters with Ctrl is another key's byte.
const TAKEN: [(char, &str); 4] = [('h', "Backspace"), ('i', "Tab"), ('j', "Enter"), ('m', "Enter")];

/// Reads a key.
///
/// # Errors
/// One sentence: it is none, or one that no terminal can tell from another.
pub(super) fn parse(text: &str) -> Result<Key, String> {
    let mut characters = text.chars();
    if let (Some(character), None) = (characters.next(), characters.next())
        && !character.is_control()
        && !character.is_whitespace()
    {
        return Ok(Key { code: KeyCode::Char(character), ctrl: false });
    }
    let lower = text.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("ctrl-") {
        let mut letters = rest.chars();
        let Some(letter) = letters.next().filter(|letter| letter.is_ascii_lowercase() && letters.next().is_none())
        else {
            return Err("after ctrl- comes one letter from a to z".to_owned());
        };
        return match TAKEN.iter().find(|(taken, _)| *taken == letter) {
            Some((_, name)) => Err(format!("terminals cannot tell ctrl-{letter} from {name}: take another key")),
            None => Ok(Key { code: KeyCode::Char(letter), ctrl: true }),
        };
    }
    let function = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
    if let Some(number @ 1..=12) = function {
        return Ok(Key { code: KeyCode::F(number), ctrl: false });
    }
    let named = NAMED.iter().find(|(name, _)| *name == lower);
    named.map(|(_, code)| Key { code: *code, ctrl: false }).ok_or_else(|| {
        let known: Vec<&str> = NAMED.iter().take(15).map(|(name, _)| *name).collect();
        format!("a key is one character, {}, f1 to f12, or ctrl- and a letter", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::DEFAULT;

    #[test]
    fn every_key_of_the_table_can_be_written_as_the_help_writes_it() {
        for key in DEFAULT.iter().flat_map(|binding| binding.keys) {
            assert_eq!(parse(&key.label()), Ok(*key), "{}", key.label());
        }
    }

    #[test]
    fn what_is_no_key_says_what_one_is() {
        for (text, says) in [
            ("", "one character"),
            ("xx", "one character"),
            ("f13", "f1 to f12"),
            ("ctrl-", "one letter"),
            ("ctrl-up", "one letter"),
            ("ctrl-i", "Tab"),
            ("alt-x", "one character"),
            ("\u{1b}", "one character"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}

//! What may stand in a path: an id is checked against a grammar before it is encoded.
//!
//! Encoding alone does not do: URL libraries drop `.`, `..` and tabs from a path, and the request then hits the
//! parent, which is often the bulk endpoint.

/// The longest segment that a provider's own names may have.
const MAX_SEGMENT: usize = 1024;
/// The longest id.
const MAX_ID: usize = 128;

/// Why a text may not stand in a path. It does not repeat the text, which somebody else chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdProblem {
    /// Nothing, or too much.
    #[error("an id in the request is empty or too long")]
    Length,
    /// `.` or `..`: it would name the parent.
    #[error("an id in the request consists of dots")]
    Dots,
    /// A character that the provider's ids never have.
    #[error("an id in the request has a character that no id has")]
    Character,
}

/// Checks an opaque id (UUID, session id): letters, digits, `-`, `_`, `.` and `~`, at most 128 of them.
///
/// # Errors
/// [`IdProblem`], where the text is none.
pub fn check_id(id: &str) -> Result<(), IdProblem> {
    check_segment(id)?;
    if id.len() > MAX_ID {
        return Err(IdProblem::Length);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if id.bytes().all(plain) { Ok(()) } else { Err(IdProblem::Character) }
}

/// Checks any name that will be percent-encoded: not empty, no dots alone, no control characters.
pub(super) fn check_segment(text: &str) -> Result<(), IdProblem> {
    if text.is_empty() || text.len() > MAX_SEGMENT {
        return Err(IdProblem::Length);
    }
    if text.bytes().all(|byte| byte == b'.') {
        return Err(IdProblem::Dots);
    }
    if text.chars().any(char::is_control) { Err(IdProblem::Character) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_would_choose_another_path_are_refused() {
        for (id, expected) in [
            ("0bf6722d-90d4-46d8-a6a0-48b29510b870", Ok(())),
            ("eQ2_WcZA41rAC_s43H9iiweI", Ok(())),
            ("", Err(IdProblem::Length)),
            (".", Err(IdProblem::Dots)),
            ("..", Err(IdProblem::Dots)),
            ("...", Err(IdProblem::Dots)),
            ("a/b", Err(IdProblem::Character)),
            ("a?b", Err(IdProblem::Character)),
            ("a#b", Err(IdProblem::Character)),
            ("a%2fb", Err(IdProblem::Character)),
            ("a\tb", Err(IdProblem::Character)),
            ("a\nb", Err(IdProblem::Character)),
            ("bücher", Err(IdProblem::Character)),
        ] {
            assert_eq!(check_id(id), expected, "{id:?}");
        }
        assert_eq!(check_id(&"a".repeat(129)), Err(IdProblem::Length));
    }

    #[test]
    fn names_may_have_anything_but_dots_alone_and_controls() {
        for (name, expected) in [
            ("https://bot.example/app?x#y", Ok(())),
            ("a b", Ok(())),
            ("..", Err(IdProblem::Dots)),
            ("a\u{0}b", Err(IdProblem::Character)),
            ("a\tb", Err(IdProblem::Character)),
        ] {
            assert_eq!(check_segment(name), expected, "{name:?}");
        }
    }
}

//! The mouse, where it is asked for: a click selects, the wheel scrolls. Neither can cut: no report becomes a key.
//!
//! Reports are SGR's (modes 1000 and 1006: `ESC [ < button ; column ; row M`): the older form has bytes that may be any.

/// What was done with it; columns and rows from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The left button went down.
    Clicked {
        /// Where.
        column: u16,
        /// Where.
        row: u16,
    },
    /// The wheel was turned by one notch.
    Wheeled {
        /// Where.
        column: u16,
        /// Where.
        row: u16,
        /// Towards the hand: what is further down comes.
        down: bool,
    },
}

/// Switches the reports on.
pub(super) const ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// The same backwards.
pub(super) const OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Reads a report; `None`: it is none, or one of a button, a motion or a release that means nothing here.
pub(super) fn parse(bytes: &[u8]) -> Option<Mouse> {
    let report = bytes.strip_prefix(b"\x1b[<")?.strip_suffix(b"M")?;
    let mut numbers = std::str::from_utf8(report).ok()?.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    match button {
        0 => Some(Mouse::Clicked { column, row }),
        64 | 65 => Some(Mouse::Wheeled { column, row, down: button == 65 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_and_everything_else_is_not() {
        for (bytes, expected) in [
            (&b"\x1b[<0;5;7M"[..], Some(Mouse::Clicked { column: 4, row: 6 })),
            (b"\x1b[<64;1;1M", Some(Mouse::Wheeled { column: 0, row: 0, down: false })),
            (b"\x1b[<65;300;80M", Some(Mouse::Wheeled { column: 299, row: 79, down: true })),
            (b"\x1b[<0;5;7m", None),
            (b"\x1b[<2;5;7M", None),
            (b"\x1b[<32;5;7M", None),
            (b"\x1b[<0;0;7M", None),
            (b"\x1b[<0;99999;7M", None),
            (b"\x1b[<0;5M", None),
            (b"\x1b[<0;5;7;9M", None),
            (b"\x1b[<;;M", None),
            (b"\x1b[M !!", None),
            (b"\x1b[A", None),
        ] {
            assert_eq!(parse(bytes), expected, "{bytes:?}");
        }
    }
}

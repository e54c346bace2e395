//! Takes a leaked secret from standard input: never from an argument or the environment, never echoed, never kept.
//!
//! ```text
//! terminal ─echo off─▶ one secret ─┐
//! pipe, file ────────▶ to its end ─┴▶ one buffer, wiped ─▶ LeakedSecret, wiped with its last owner
//! ```

use std::os::fd::BorrowedFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use secrecy::SecretBox;
use zeroize::Zeroizing;

use super::{Stop, output::Output};
use crate::domain::LeakedSecret;

/// More is no secret: bytes.
const MOST: usize = 64 * 1024;
/// A terminal gives no longer line; the rest is lost without a word.
const LONGEST_TYPED_LINE: usize = 4095;

/// Echo is off as long as this lives; whatever ends the reading puts it back.
struct Silence {
    before: Termios,
}

impl Silence {
    fn on(terminal: BorrowedFd<'_>) -> Result<Self, Stop> {
        let failed = |error| Stop::failed(format!("the terminal's echo cannot be turned off: {error}"));
        let before = tcgetattr(terminal).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON);
        // What was typed before the question is no answer to it.
        tcsetattr(terminal, OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs none.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// One secret of at most 64 KiB: from a pipe or a file all of it, from a terminal one line, or a whole PEM block.
///
/// # Errors
/// There is none, or it is none. No error has a word of it.
pub(super) async fn read(output: &Output) -> Result<LeakedSecret, Stop> {
    let typed = isatty(rustix::stdio::stdin());
    let silence = if typed {
        let silence = Silence::on(rustix::stdio::stdin())?;
        output.ask("the leaked secret (it is not shown):");
        Some(silence)
    } else {
        None
    };
    let read = tokio::task::spawn_blocking(move || take(typed)).await;
    drop(silence);
    read.map_err(|_| Stop::failed("standard input cannot be read"))?
}

/// Reads straight into the one buffer: what a library buffers is not wiped.
fn take(typed: bool) -> Result<LeakedSecret, Stop> {
    let mut buffer = Zeroizing::new(vec![0_u8; MOST + 1]);
    let mut length = 0;
    loop {
        let read = match rustix::io::read(rustix::stdio::stdin(), &mut buffer[length..]) {
            Ok(read) => read,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(Stop::failed(format!("standard input cannot be read: {error}"))),
        };
        if typed && read >= LONGEST_TYPED_LINE {
            return Err(Stop::usage("a terminal takes no line of that length: pipe the secret in"));
        }
        length += read;
        if length > MOST {
            return Err(Stop::usage(format!("standard input has more than {MOST} bytes: that is no single secret")));
        }
        if read == 0 || typed && is_whole(&buffer[..length]) {
            return secret(&buffer[..length]);
        }
    }
}

/// A line, or a block from its first to its last line.
fn is_whole(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let has = |mark: &[u8]| text.windows(mark.len()).any(|window| window == mark);
    !text.is_empty() && (!text.starts_with(b"-----BEGIN ") || has(b"-----END ") && text.ends_with(b"-----"))
}

fn secret(bytes: &[u8]) -> Result<LeakedSecret, Stop> {
    let text = std::str::from_utf8(bytes.trim_ascii())
        .map_err(|_| Stop::usage("what is on standard input is not text: give one secret"))?;
    if text.is_empty() {
        return Err(Stop::usage("standard input is empty: give the leaked secret there"));
    }
    // Allocated once, at its size: growing would leave copies behind.
    Ok(LeakedSecret::new(SecretBox::new(Box::from(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_without_its_line_end() {
        assert_eq!(secret(b" tok en\r\n").unwrap().expose(), "tok en");
        for bytes in [&b""[..], b"\n \n", b"\xff\xfe"] {
            let stop = secret(bytes).unwrap_err();
            assert_eq!(stop.exit.code(), 2, "{stop}");
        }
    }

    #[test]
    fn a_typed_block_is_read_to_its_end() {
        for (text, whole) in [
            ("token\n", true),
            ("\n", false),
            ("-----BEGIN PRIVATE KEY-----\n", false),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END", false),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", true),
        ] {
            assert_eq!(is_whole(text.as_bytes()), whole, "{text}");
        }
    }
}

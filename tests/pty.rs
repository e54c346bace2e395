//! The console as a terminal meets it: the real binary on a pseudo-terminal, its keys, its bytes, its end.
//!
//! Everything runs on the embedded exercise, in a home and a state directory of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

#[path = "pty/cached.rs"]
mod cached;
#[path = "pty/endings.rs"]
mod endings;
#[path = "pty/hands.rs"]
mod hands;
#[path = "pty/leak.rs"]
mod leak;
#[path = "pty/look.rs"]
mod look;
#[path = "pty/pinned.rs"]
mod pinned;
#[path = "pty/place.rs"]
mod place;
#[path = "pty/selfcheck.rs"]
mod selfcheck;
#[path = "pty/sessions.rs"]
mod sessions;
#[path = "pty/shell.rs"]
mod shell;
#[path = "pty/stops.rs"]
mod stops;
#[path = "pty/stream.rs"]
mod stream;
#[expect(dead_code, reason = "the live tests go through ssh as well")]
#[path = "pty/terminal.rs"]
mod terminal;
#[path = "pty/triggers.rs"]
mod triggers;

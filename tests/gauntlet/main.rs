//! The gauntlet: the real binary against one fault at a time, and what must hold afterwards.
//!
//! ```text
//! tests/gauntlet/run [--full] [CASE…] ─▶ this binary, ignored tests only
//!   Stage ── home, configuration, state directory ── estop (the real binary, also under strace or in a pty)
//!     └─ three fault servers on loopback, each a simulated Keycloak that keeps the truth
//!   case: rule or injection ─▶ run ─▶ the fault fired? ─▶ stage.holds(&ran) ─▶ stage.converges()
//! ```
//!
//! Every case is ignored by a plain `cargo test`: some need root, a mount namespace, strace. The short form runs all of
//! them too, with points of the long sweeps drawn by seed.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed case, wherever it stands")]
#![expect(clippy::format_push_string, reason = "configurations and heads are put together line by line")]
#![expect(clippy::unnecessary_debug_formatting, reason = "a quoted path is how TOML has it")]
#![expect(clippy::unused_self, reason = "the oracles are one family, whatever each looks at")]

mod disk;
mod harness;
mod network;
mod people;
mod process;
mod pty;

//! estop, the emergency stop for chatbot identities.
//!
//! The library behind the binary. Its layers point one way; a test fails on an import that does not:
//!
//! ```text
//! domain  <-  journal  <-  engine  <-  providers  <-  tabletop  <-  tui, cli  <-  main
//!   ^-- config (sees only domain)                       ("may be imported by")
//! ```
//!
//! The trip of one keystroke: key → `Action::Isolate(bot)` → `update` returns `Effect::Isolate` →
//! [`engine::Engine::isolate`] takes the plan already computed for that bot → [`journal::Journal::arm`] makes every
//! intent durable in one commit and returns the armed steps → each: attempt record → [`engine::Provider::perform`]
//! → outcome record → [`engine::EngineEvent`] → `update` → screen.

/// A place where a test build panics when `FAILPOINTS` says so; otherwise nothing, not even code.
macro_rules! failpoint {
    ($($name:tt)+) => {
        #[cfg(feature = "failpoints")]
        let _: Option<()> = fail::eval(&format!($($name)+), |_| ());
    };
}

pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod providers;
pub mod tabletop;
pub mod tui;

//! The console.
//!
//! One loop, one message enum, a pure `update`, a pure `draw`; the isolation runs elsewhere and never waits for it.
//!
//! ```text
//! tty bytes ─input thread──▶ keys, answers ─┐
//! engine, journal, signals ─────────────────┼▶ Message ─▶ update(&mut State) ─▶ Vec<Effect> ─▶ effect ─┐
//! state's own wake-up ──────────────────────┘                 │                                        │
//!                                                             ▼                         Message ◀──────┘
//!                              draw(&State) ─▶ Buffer ─newest wins─▶ output thread ─▶ tty, then ESC[5n
//! ```

pub mod action;
pub mod app;
pub mod clipboard;
pub mod command;
pub mod copy;
pub mod decode;
pub mod detail;
pub mod effect;
pub mod encode;
pub mod fleet;
pub mod forms;
pub mod incidents;
mod input;
pub mod journal;
pub mod keymap;
pub mod message;
pub mod mouse;
pub mod operation;
pub mod operator;
pub mod output;
pub mod paint;
pub mod press;
pub mod restore;
mod run;
pub mod screen;
pub mod secret;
pub mod signals;
pub mod state;
pub mod strike;
mod terminal;
pub mod theme;
pub mod update;
pub mod whole;

pub use run::{ExitState, Options, run};
pub use terminal::can_open;

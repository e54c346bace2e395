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
pub mod fleet;
pub mod keymap;
pub mod message;
pub mod operation;
pub mod paint;
pub mod screen;
pub mod state;
pub mod strike;
pub mod theme;
pub mod update;

//! The one way to speak HTTP: no redirect, no retry, no ambient proxy, deadlines, caps, typed answers.
//!
//! ```text
//! Call ──Client──▶ http::Request ──Transport──▶ Reply ─┬─ reads ──────▶ T or ProviderError
//!       (base URL, encoded path, bearer)               └─ mutations ──▶ Answer
//! ```
//!
//! The bodies of answers never reach an error, and are wiped when they have been decoded: some listings hold secrets.

mod classify;
mod client;
mod date;
mod network;
mod segment;

pub use classify::{Grounds, answer_to, error_of};
pub use client::{BodyCap, Call, Client, Reply};
pub use date::ServerClock;
pub use network::{NetworkOptions, NetworkTransport};
pub use segment::{IdProblem, check_id};

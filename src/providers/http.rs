//! The one way to speak HTTP: no redirect, no ambient proxy, deadlines, caps, typed answers; each request admitted to
//! its provider's budget; a mutation never retried, a read where it is worth it.
//!
//! ```text
//! Call ──Client──▶ http::Request ──Transport──▶ Reply ─┬─ reads ──────▶ T or ProviderError ──Patience──▶ once more
//!       (budget, encoded path, bearer)     │           └─ mutations ──▶ Answer
//!          ▲──── 429, rate headers ────────┘
//! ```
//!
//! The bodies of answers never reach an error, and are wiped when they have been decoded: some listings hold secrets.

mod account;
mod classify;
mod client;
mod date;
mod network;
mod patience;
mod rate;
mod segment;

pub use account::{Account, SecretSource, TokenHeader, unsent};
pub use classify::{Grounds, answer_to, error_of};
pub use client::{Admission, BodyCap, Call, Client, Reply};
pub use date::ServerClock;
pub use network::{NetworkOptions, NetworkTransport};
pub use patience::Patience;
pub use segment::{IdProblem, check_id};

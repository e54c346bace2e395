//! Exercises: the real provider code over simulated transports.
//!
//! ```text
//! fleet.toml ─▶ Fleet ─┬▶ SimulatedKeycloak (a Transport) ─▶ providers::keycloak ─▶ engine, as ever
//! docs-db.toml         └▶ SimulatedPostgres (a Provider) ───────────────────────────────┘
//! ```
//!
//! Nothing in here opens a connection: a simulator answers for one host of its own, under a name that exists nowhere.

mod exercise;
pub mod fleet;
pub mod keycloak;
pub mod postgres;
mod registry;

pub use exercise::{BotEntry, DATA_STORE, Exercise, PROVIDER, Selector, exercise};
pub use fleet::Fleet;
pub use keycloak::SimulatedKeycloak;
pub use postgres::SimulatedPostgres;
pub use registry::ExerciseRegistry;

//! Each request that estop sends, against the description that the provider publishes.
//!
//! The descriptions are not part of this project: `ESTOP_SPECS` names the folder with them. Without it these tests say
//! that they were skipped.
//!
//! ```text
//! engine ─▶ provider ─▶ Recorder ─▶ simulator
//!                          └▶ Sent ─▶ Description::check: path, method, query, headers, body
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod description;
mod drive;
mod keycloak;
mod recorder;

//! Tests against real servers: `tests/live/keycloak`, `tests/live/postgres` and `tests/live/sshd` start them.
//!
//! A plain `cargo test` leaves them out. With the servers running, and the five variables
//! `ESTOP_LAB_KEYCLOAK_URL`, `ESTOP_LAB_KEYCLOAK_STATE`, `ESTOP_LAB_POSTGRES_URL`, `ESTOP_LAB_POSTGRES_STATE` and
//! `ESTOP_LAB_SSH_CONFIG` set: `cargo test --test live -- --ignored`.

mod badinput;
mod compare;
mod crash;
mod estop;
mod events_off;
mod faults;
mod identify;
mod isolate;
// The library serves more tests than any one build has.
#[allow(dead_code)]
mod lab;
mod permissions;
mod postgres;
mod pty;
mod reenable;
mod restore;
mod scene;
mod see;
mod selfcheck;
mod ssh;
mod wire;

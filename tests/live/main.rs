//! Tests against real servers: the scripts beside this file start them, `tests/live/run` all of them.
//!
//! A plain `cargo test` leaves them out. Each server reaches its tests as `ESTOP_LAB_NAME` (its address) and
//! `ESTOP_LAB_NAME_STATE` (the folder that it was started in).

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
mod matrix;
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

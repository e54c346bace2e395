//! The console: golden screens, the real loop with a stream of keys, and properties.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

#[path = "exercise/bench.rs"]
#[expect(dead_code, reason = "shared with the exercise's own tests")]
mod bench;
#[path = "console/bytes.rs"]
mod bytes;
#[path = "console/cached.rs"]
mod cached;
#[path = "console/command.rs"]
mod command;
#[path = "console/copy.rs"]
mod copy;
#[path = "console/detail.rs"]
mod detail;
#[path = "console/disk.rs"]
mod disk;
#[path = "console/drill.rs"]
mod drill;
#[path = "console/fake.rs"]
mod fake;
#[path = "console/golden.rs"]
mod golden;
#[path = "console/incidents.rs"]
mod incidents;
#[path = "console/keys.rs"]
mod keys;
#[path = "console/list.rs"]
mod list;
#[path = "console/loop.rs"]
mod loop_;
#[path = "console/mouse.rs"]
mod mouse;
#[path = "console/pictures.rs"]
mod pictures;
#[path = "console/properties.rs"]
mod properties;
#[path = "console/rebound.rs"]
mod rebound;
#[path = "console/record.rs"]
mod record;
#[path = "console/restore.rs"]
mod restore;
#[path = "console/sample.rs"]
mod sample;
#[path = "console/screens.rs"]
mod screens;
#[path = "console/secret.rs"]
mod secret;
#[path = "console/sizes.rs"]
mod sizes;
#[path = "console/story.rs"]
mod story;
#[path = "bench/fleet/world.rs"]
mod world;

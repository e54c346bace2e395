//! The console: golden screens, the real loop with a stream of keys, and properties.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

#[path = "exercise/bench.rs"]
#[expect(dead_code, reason = "shared with the exercise's own tests")]
mod bench;
#[path = "console/detail.rs"]
mod detail;
#[path = "console/fake.rs"]
mod fake;
#[path = "console/golden.rs"]
mod golden;
#[path = "console/loop.rs"]
mod loop_;
#[path = "console/properties.rs"]
mod properties;
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
#[path = "console/story.rs"]
mod story;

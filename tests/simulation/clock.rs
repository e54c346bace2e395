//! One time for several processes that live one after the other, each in a paused runtime of its own.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use estop::engine::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The world's clock. It stands still between two processes, and jumps by how long nobody ran.
#[derive(Debug)]
pub struct WorldClock(Mutex<Anchor>);

#[derive(Debug)]
struct Anchor {
    /// Since the world began, at the anchor.
    elapsed: Duration,
    /// Tokio's time at the anchor; `None`: nobody runs.
    since: Option<Instant>,
}

impl WorldClock {
    pub fn new() -> Self {
        Self(Mutex::new(Anchor { elapsed: Duration::ZERO, since: None }))
    }

    fn anchor(&self) -> MutexGuard<'_, Anchor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process begins: from now on tokio's time counts. To be called inside its runtime.
    pub fn start(&self) {
        self.anchor().since = Some(Instant::now());
    }

    /// The process is gone, and so much time passes until the next one. To be called inside its runtime.
    pub fn stop(&self, idle: Duration) {
        let elapsed = self.monotonic() + idle;
        *self.anchor() = Anchor { elapsed, since: None };
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let began: Timestamp = "2026-11-24T12:00:00Z".parse().expect("it is a time");
        let elapsed = SignedDuration::try_from(self.monotonic()).expect("a simulation is short");
        let now = began.checked_add(elapsed).expect("a simulation is short");
        Timestamp::from_millisecond(now.as_millisecond()).expect("it is a time")
    }

    fn monotonic(&self) -> Duration {
        let anchor = self.anchor();
        anchor.elapsed + anchor.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

//! Time, injected: the engine never asks the system itself.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Wall time for people and requests, and a monotonic clock for order and limits.
///
/// Waiting is tokio's: under paused time both move together.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall time, to the millisecond.
    fn now(&self) -> Timestamp;
    /// Time since the process began, never going back.
    fn monotonic(&self) -> Duration;
    /// What the wall clock would show had nobody set it since the process began: another host's clock is measured
    /// against this one, so that a measurement stays right when ours leaps.
    fn steady(&self) -> Timestamp {
        self.now()
    }
}

/// The system's wall clock and tokio's monotonic one.
#[derive(Debug)]
pub struct SystemClock {
    start: tokio::time::Instant,
    /// The wall clock at the start, and the time since boot.
    began: (Timestamp, Duration),
}

impl SystemClock {
    /// A clock whose monotonic side starts now.
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now(), began: (truncate(Timestamp::now()), since_boot()) }
    }
}

/// Time since boot, that of a host asleep included.
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        truncate(Timestamp::now())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn steady(&self) -> Timestamp {
        let (wall, boot) = self.began;
        let since = SignedDuration::try_from(since_boot().saturating_sub(boot)).unwrap_or(SignedDuration::ZERO);
        truncate(wall.checked_add(since).unwrap_or(wall))
    }
}

/// A wall clock that starts at a given instant and moves with tokio's time, plus what is added by hand: exercises and
/// tests.
#[derive(Debug, Clone)]
pub struct ManualClock {
    epoch: Timestamp,
    start: tokio::time::Instant,
    ahead: Arc<Mutex<Duration>>,
}

impl ManualClock {
    /// A clock that says `epoch` now.
    pub fn at(epoch: Timestamp) -> Self {
        Self { epoch, start: tokio::time::Instant::now(), ahead: Arc::default() }
    }

    /// Moves the wall clock ahead, without waiting.
    pub fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = SignedDuration::try_from(self.start.elapsed() + ahead).unwrap_or(SignedDuration::ZERO);
        truncate(self.epoch.checked_add(elapsed).unwrap_or(self.epoch))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

fn truncate(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

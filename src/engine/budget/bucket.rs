//! A token bucket: one token a request.

use std::time::Duration;

/// Holds at most `capacity` tokens and is refilled steadily.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    filled: Duration,
}

impl Bucket {
    pub(super) fn full(capacity: f64, per_second: f64, now: Duration) -> Self {
        let capacity = capacity.max(1.0);
        Self { tokens: capacity, capacity, per_second, filled: now }
    }

    fn fill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.capacity);
        self.filled = self.filled.max(now);
    }

    /// When the next token is there; not before `now`.
    pub(super) fn ready_at(&mut self, now: Duration) -> Duration {
        self.fill(now);
        // A thousandth is rounding, not a request.
        if self.tokens >= 0.999 {
            return now;
        }
        now + Duration::from_secs_f64((1.0 - self.tokens) / self.per_second.max(0.001))
    }

    /// Takes one; below zero where somebody may not be kept waiting.
    pub(super) fn take(&mut self, now: Duration) {
        self.fill(now);
        self.tokens -= 1.0;
    }

    /// Another speed from now on.
    pub(super) fn set_pace(&mut self, capacity: f64, per_second: f64, now: Duration) {
        self.fill(now);
        (self.capacity, self.per_second) = (capacity.max(1.0), per_second);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// Nothing is left: what was saved up was too much.
    pub(super) fn empty(&mut self, now: Duration) {
        self.fill(now);
        self.tokens = self.tokens.min(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_steady_rate() {
        let mut bucket = Bucket::full(3.0, 10.0, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut times = Vec::new();
        for _ in 0..6 {
            now = bucket.ready_at(now);
            bucket.take(now);
            times.push(now.as_millis());
        }
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::full(1.0, 1.0, Duration::from_secs(10));
        bucket.take(Duration::from_secs(10));
        assert!(bucket.ready_at(Duration::from_secs(5)) > Duration::from_secs(5));
        assert_eq!(bucket.ready_at(Duration::from_secs(11)), Duration::from_secs(11));
    }
}

//! How fast a provider turns out to be: slower at once when it says that it is too much, faster again bit by bit.
//!
//! ```text
//! 429 ─▶ seven tenths of what it has taken lately ─▶ a second without 429 ─▶ a bit more … the declared rate, or none
//! ```

use std::{collections::VecDeque, time::Duration};

/// After a 429, of what the provider took lately, so much is sent.
const SLOWER: f64 = 0.7;
/// After a second without a 429, so much more is sent.
const FASTER: f64 = 1.2;
/// It is never slower than this, in requests a second: something has to find out that it is over.
const SLOWEST: f64 = 1.0;
/// Without a declared rate, a limit that was learned is forgotten after so long without a 429.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// Answers of this long tell how much it takes.
const LATELY: Duration = Duration::from_secs(1);
/// A shorter stretch says nothing about a rate.
const SHORTEST: f64 = 0.1;

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    declared: Option<f64>,
    limit: Option<f64>,
    lowered: Option<Duration>,
    changed: Duration,
    /// When each request went that was answered with anything but a 429, lately.
    taken: VecDeque<Duration>,
}

impl Pace {
    pub(super) fn new(declared: Option<f64>, now: Duration) -> Self {
        Self { declared, limit: declared, lowered: None, changed: now, taken: VecDeque::new() }
    }

    /// Requests a second, now; `None`: no limit is known.
    pub(super) fn limit(&mut self, now: Duration) -> Option<f64> {
        self.recover(now);
        self.limit
    }

    pub(super) fn took(&mut self, now: Duration) {
        self.taken.push_back(now);
        self.forget(now);
    }

    /// A request of `sent` came back with a 429. Whether the pace is another one now: those that had left before it
    /// was lowered say nothing new.
    pub(super) fn too_fast(&mut self, sent: Duration, now: Duration) -> bool {
        if self.lowered.is_some_and(|lowered| sent < lowered) {
            return false;
        }
        self.recover(now);
        let lately = self.lately(now);
        let limit = self.limit.map_or(lately, |limit| limit.min(lately)) * SLOWER;
        self.limit = Some(limit.max(SLOWEST.min(self.declared.unwrap_or(SLOWEST))));
        (self.lowered, self.changed) = (Some(now), now);
        true
    }

    /// What it took lately, in requests a second.
    fn lately(&mut self, now: Duration) -> f64 {
        self.forget(now);
        let count = u32::try_from(self.taken.len()).unwrap_or(u32::MAX).max(1);
        let since = self.taken.front().map_or(0.0, |first| now.saturating_sub(*first).as_secs_f64());
        f64::from(count) / since.clamp(SHORTEST, LATELY.as_secs_f64())
    }

    fn forget(&mut self, now: Duration) {
        while self.taken.front().is_some_and(|at| now.saturating_sub(*at) > LATELY) {
            self.taken.pop_front();
        }
    }

    fn recover(&mut self, now: Duration) {
        let Some(lowered) = self.lowered else { return };
        while self.changed + LATELY <= now && self.limit != self.declared {
            self.changed += LATELY;
            let faster = self.limit.map(|limit| limit * FASTER);
            self.limit = match (faster, self.declared) {
                (Some(limit), Some(declared)) => Some(limit.min(declared)),
                (_, None) if self.changed.saturating_sub(lowered) >= FORGOTTEN => None,
                (limit, _) => limit,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_of_refusals_lowers_it_once_and_quiet_brings_the_declared_rate_back() {
        let mut pace = Pace::new(Some(100.0), at(0));
        for ms in 0..50 {
            pace.took(at(ms * 20));
        }
        assert!(pace.too_fast(at(990), at(1000)));
        let lowered = pace.limit(at(1000)).expect("declared");
        assert!((30.0..=36.0).contains(&lowered), "{lowered}");
        assert!(!pace.too_fast(at(995), at(1010)), "it had left before the pace was lowered");
        assert_eq!(pace.limit(at(1010)), Some(lowered));
        assert_eq!(pace.limit(at(20_000)), Some(100.0));
    }

    #[test]
    fn where_nothing_is_declared_a_limit_is_learned_and_forgotten() {
        let mut pace = Pace::new(None, at(0));
        assert_eq!(pace.limit(at(0)), None);
        assert!(pace.too_fast(at(0), at(50)));
        assert!(pace.limit(at(50)).is_some_and(|limit| (1.0..=10.0).contains(&limit)));
        assert_eq!(pace.limit(at(70_000)), None);
    }

    #[test]
    fn it_never_stops_altogether() {
        let mut pace = Pace::new(Some(0.5), at(0));
        for second in 1..20 {
            pace.too_fast(at(second * 10), at(second * 10));
        }
        assert_eq!(pace.limit(at(200)), Some(0.5));
    }
}

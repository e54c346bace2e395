//! What a provider declares about its rate, and what its answers say of it.

use std::time::Duration;

/// How many requests a provider takes in a time: no stretch of `per` holds more than `requests`, of which `burst` may
/// go at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The most that any stretch of `per` holds; at least 1.
    pub requests: u32,
    /// The time.
    pub per: Duration,
    /// So many may go at once; at least 1 and at most `requests`.
    pub burst: u32,
    /// Whether more is refused. A rate that is only recommended does not hold up a gate.
    pub hard: bool,
}

impl Rate {
    /// A hard limit of so many a second, a tenth of which may go at once.
    pub fn per_second(requests: u32) -> Self {
        let requests = requests.max(1);
        Self { requests, per: Duration::from_secs(1), burst: (requests / 10).max(1), hard: true }
    }

    /// Requests a second at which the budget is filled again: what is left of the rate beside a burst, so that a full
    /// bucket and its refill stay within it together.
    pub(super) fn refill(&self) -> f64 {
        let steady = self.requests.saturating_sub(self.burst.max(1)).saturating_add(1).max(1);
        f64::from(steady) / self.per.as_secs_f64().max(0.001)
    }
}

/// The names of the headers by which a provider says how much of its rate is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateHeaders {
    /// How many requests the window holds.
    pub limit: &'static str,
    /// How many of them are left.
    pub remaining: &'static str,
    /// When the window ends: seconds from now, or, above a hundred million, seconds since 1970.
    pub reset: &'static str,
}

impl RateHeaders {
    /// `X-RateLimit-*`, as proxies and many services send it.
    pub const X_RATELIMIT: Self =
        Self { limit: "x-ratelimit-limit", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset" };
    /// `RateLimit-*` of the IETF's draft.
    pub const RATELIMIT: Self =
        Self { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" };
}

/// What one answer says about the rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it says that there were too many requests.
    pub throttled: bool,
    /// For how long to stay away, where it says.
    pub retry_after: Option<Duration>,
    /// What is left of the window, where headers tell.
    pub left: Option<Left>,
}

/// What is left of a provider's own window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Requests that it still takes.
    pub remaining: u64,
    /// Of so many, where it says.
    pub limit: Option<u64>,
    /// Until then.
    pub resets_in: Duration,
}

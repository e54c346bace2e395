//! How far the server's clock is ahead of ours, from the `Date` headers of its answers or from other time stamps.
//!
//! A `Date` names the second in which an answer was made, and the answer was made between sending and receiving:
//! each one bounds the difference from both sides, and many of them narrow it to a few milliseconds.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

static PARSER: DateTimeParser = DateTimeParser::new();

/// A time as HTTP writes it (RFC 9110 §5.6.7); `None`: it is none.
pub(super) fn parse_http_date(text: &str) -> Option<Timestamp> {
    PARSER.parse_timestamp(text).ok()
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    least: i64,
    most: i64,
}

/// The difference between two clocks, in milliseconds, as far as it is known.
#[derive(Debug, Default)]
pub struct ServerClock {
    bounds: Mutex<Option<Bounds>>,
}

impl ServerClock {
    /// Takes in the `Date` of an answer to a request that was sent and answered at these times.
    pub fn observe(&self, headers: &HeaderMap, sent: Timestamp, received: Timestamp) {
        let date = headers.get(header::DATE).and_then(|value| value.to_str().ok()).and_then(parse_http_date);
        if let Some(date) = date {
            self.observe_second(date.as_second(), sent, received);
        }
    }

    /// Takes in a second that the server's clock showed between these times: the time stamp of something it made.
    pub fn observe_second(&self, second: i64, sent: Timestamp, received: Timestamp) {
        let second = second.saturating_mul(1000);
        let new = Bounds { least: second - received.as_millisecond(), most: second + 999 - sent.as_millisecond() };
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        *bounds = Some(match *bounds {
            Some(old) if old.least.max(new.least) <= old.most.min(new.most) => {
                Bounds { least: old.least.max(new.least), most: old.most.min(new.most) }
            }
            // The first answer, or one of the clocks was set since.
            _ => new,
        });
    }

    /// How far it is ahead; 0 where nothing speaks against it, `None` where no answer told.
    pub fn ahead_ms(&self) -> Option<i64> {
        let bounds = (*self.bounds.lock().unwrap_or_else(PoisonError::into_inner))?;
        if bounds.least <= 0 && bounds.most >= 0 {
            return Some(0);
        }
        Some(i64::midpoint(bounds.least, bounds.most))
    }

    /// The latest that its clock can show when ours shows `now`, in seconds since 1970.
    pub fn latest_second(&self, now: Timestamp) -> i64 {
        let most = self.bounds.lock().unwrap_or_else(PoisonError::into_inner).map_or(0, |bounds| bounds.most);
        (now.as_millisecond() + most).div_euclid(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(date: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::DATE, HeaderValue::from_str(date).expect("a header"))])
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("in range")
    }

    /// `Tue, 24 Nov 2026 12:00:00 GMT`.
    const NOON: i64 = 1_795_521_600_000;

    #[test]
    fn equal_clocks_are_zero_ahead() {
        let clock = ServerClock::default();
        assert_eq!(clock.ahead_ms(), None);
        clock.observe(&headers("Tue, 24 Nov 2026 12:00:00 GMT"), at(NOON + 700), at(NOON + 720));
        assert_eq!(clock.ahead_ms(), Some(0));
        assert_eq!(clock.latest_second(at(NOON + 800)), NOON / 1000 + 1, "the bound is not narrow yet");
        clock.observe(&headers("Tue, 24 Nov 2026 12:00:01 GMT"), at(NOON + 1990), at(NOON + 1999));
        assert_eq!(clock.latest_second(at(NOON + 2500)), NOON / 1000 + 2);
    }

    #[test]
    fn a_difference_is_found_and_a_step_forgets_the_past() {
        let clock = ServerClock::default();
        clock.observe(&headers("Tue, 24 Nov 2026 12:00:10 GMT"), at(NOON), at(NOON + 10));
        let ahead = clock.ahead_ms().expect("known");
        assert!((9_990..=10_999).contains(&ahead), "{ahead}");
        assert_eq!(clock.latest_second(at(NOON)), NOON / 1000 + 10);
        clock.observe(&headers("Tue, 24 Nov 2026 12:00:00 GMT"), at(NOON + 20), at(NOON + 30));
        assert_eq!(clock.ahead_ms(), Some(0));
    }

    #[test]
    fn garbage_is_no_date() {
        let clock = ServerClock::default();
        clock.observe(&headers("yesterday"), at(NOON), at(NOON));
        assert_eq!(clock.ahead_ms(), None);
    }
}

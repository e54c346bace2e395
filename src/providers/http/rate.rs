//! What an answer says about the rate: too many, for how long to stay away, how much is left.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::classify::retry_after;
use crate::engine::{Feedback, Left, RateHeaders};

/// A reset above this is an instant in seconds since 1970 (this one is in 1973), below it a number of seconds.
const INSTANT: i64 = 100_000_000;

/// Of status and headers; the first set of rate headers that is there in full counts.
pub(super) fn feedback(status: StatusCode, headers: &HeaderMap, declared: &[RateHeaders], now: Timestamp) -> Feedback {
    let throttled = status == StatusCode::TOO_MANY_REQUESTS;
    Feedback {
        throttled,
        retry_after: if throttled { retry_after(headers, now) } else { None },
        left: declared.iter().find_map(|names| left(headers, names, now)),
    }
}

fn left(headers: &HeaderMap, names: &RateHeaders, now: Timestamp) -> Option<Left> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let remaining = u64::try_from(number(names.remaining)?).ok()?;
    let reset = number(names.reset)?;
    let seconds = if reset > INSTANT { reset.saturating_sub(now.as_second()) } else { reset };
    Some(Left {
        remaining,
        limit: number(names.limit).and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0),
        resets_in: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        pairs.iter().map(pair).collect()
    }

    fn left_of(pairs: &[(&'static str, &str)]) -> Option<Left> {
        let now = "2026-11-24T12:00:00Z".parse().expect("a time");
        let declared = [RateHeaders::X_RATELIMIT, RateHeaders::RATELIMIT];
        feedback(StatusCode::OK, &headers(pairs), &declared, now).left
    }

    #[test]
    fn what_is_left_is_read_from_any_declared_set_and_nonsense_is_not_there() {
        let left = |remaining, limit, seconds| Some(Left { remaining, limit, resets_in: Duration::from_secs(seconds) });
        let noon = "1795521600";
        let later = "1795521630";
        for (pairs, expected) in [
            (&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", later)][..], left(3, None, 30)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", noon)], left(0, None, 0)),
            (
                &[("ratelimit-limit", "100"), ("ratelimit-remaining", "7"), ("ratelimit-reset", "12")],
                left(7, Some(100), 12),
            ),
            (&[("x-ratelimit-remaining", "3")], None),
            (&[("x-ratelimit-remaining", "-3"), ("x-ratelimit-reset", "5")], None),
            (&[("x-ratelimit-remaining", "many"), ("x-ratelimit-reset", "5")], None),
            (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "-5")], left(1, None, 0)),
            (&[("x-ratelimit-remaining", "99999999999999999999"), ("x-ratelimit-reset", "5")], None),
        ] {
            assert_eq!(left_of(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn only_429_is_too_many() {
        let now = Timestamp::UNIX_EPOCH;
        let asked = headers(&[("retry-after", "2")]);
        let of = |status| feedback(status, &asked, &[], now);
        let throttled = Feedback { throttled: true, retry_after: Some(Duration::from_secs(2)), left: None };
        assert_eq!(of(StatusCode::TOO_MANY_REQUESTS), throttled);
        assert_eq!(of(StatusCode::SERVICE_UNAVAILABLE), Feedback::default(), "that is no verdict on our pace");
    }
}

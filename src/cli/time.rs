//! Instants and durations, as documents and people have them.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// An instant: RFC 3339, UTC, always three digits behind the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// Of an instant that may be unknown.
    pub fn maybe(at: Option<Timestamp>) -> Option<Self> {
        at.map(Self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How long ago, in the one unit that matters: `12s`, `5m`, `3h`, `8d`; `-` where it is not known.
pub fn age(at: Option<Moment>, now: Timestamp) -> String {
    let Some(Moment(at)) = at else { return "-".to_owned() };
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Reads `90s`, `5m`, `2h`, `500ms`, or plain seconds.
///
/// # Errors
/// One sentence that says what is taken.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is a number with ms, s, m, h or d, such as 90s or 5m".to_owned();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)
}

/// A point in the past: an instant (RFC 3339), or how long ago (`90s`, `2h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// That instant.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

impl Since {
    /// The instant, as seen from `now`.
    pub fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => SignedDuration::try_from(ago)
                .ok()
                .and_then(|ago| now.checked_sub(ago).ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let sentence = "a time is like 2026-08-21T09:00:00Z, or how long ago: 90s, 15m, 2h, 7d";
        parse_duration(text).map(Self::Ago).map_err(|_| sentence.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_three_digits() {
        for (at, shown) in [
            ("2026-08-21T09:00:00Z", "2026-08-21T09:00:00.000Z"),
            ("2026-08-21T09:00:00.1239Z", "2026-08-21T09:00:00.123Z"),
            ("2026-08-21T11:00:00+02:00", "2026-08-21T09:00:00.000Z"),
        ] {
            assert_eq!(Moment(at.parse().unwrap()).to_string(), shown);
        }
    }

    #[test]
    fn durations_and_times_are_read() {
        for (text, expected) in [("90s", Some(90_000)), ("5m", Some(300_000)), ("7", Some(7000)), ("250ms", Some(250))]
        {
            assert_eq!(parse_duration(text).ok().map(|read| read.as_millis()), expected);
        }
        for text in ["", "s", "-5s", "5 s", "5x", "99999999999999999999s", "9999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        let now: Timestamp = "2026-08-21T09:00:00Z".parse().unwrap();
        let ago: Since = "2h".parse().unwrap();
        assert_eq!(ago.instant(now).to_string(), "2026-08-21T07:00:00Z");
        assert!("yesterday".parse::<Since>().is_err());
    }
}

//! How long to wait between two attempts.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::LONGEST_PAUSE;

/// The first wait between two attempts; doubled each time, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The waits before each further attempt, as many as there are.
///
/// The jitter is drawn from what is attempted: the same run waits the same times, and what failed together does not
/// come back together.
pub fn backoff(attempts: usize, of: impl Hash) -> ExponentialBackoff {
    let mut seed = DefaultHasher::new();
    of.hash(&mut seed);
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(attempts.saturating_sub(1))
        .with_jitter()
        .with_jitter_seed(seed.finish())
        .build()
}

//! How often a read is asked again, and how long each attempt may take.
//!
//! A mutation is never sent again here: that is the engine's, which has put it on record.

use std::{hash::Hash, time::Duration};

use super::Reply;
use crate::{
    engine::{LONGEST_PAUSE, ProviderError, backoff},
    providers::transport::TransportError,
};

/// Attempts of one read.
const ATTEMPTS: usize = 4;

/// The attempts of one read: quick failures are tried again a few times; one that hangs is given up after a third of
/// the deadline and tried once more with the rest of it, so that a mute server costs one deadline.
pub struct Patience {
    deadline: Duration,
    hung: bool,
    waits: Box<dyn Iterator<Item = Duration> + Send>,
}

impl Patience {
    /// For one read, within this time for its requests.
    pub fn new(deadline: Duration, of: impl Hash) -> Self {
        Self { deadline, hung: false, waits: Box::new(backoff(ATTEMPTS, of)) }
    }

    /// How long the next attempt may take. What is left of the deadline is for the pause between them.
    pub fn limit(&self) -> Duration {
        if self.hung { self.deadline * 3 / 5 } else { self.deadline / 3 }
    }

    /// Waits until the read may be asked again; `false`: it should not be.
    pub async fn again(&mut self, result: &Result<Reply, TransportError>, error: &ProviderError) -> bool {
        let asked = match error {
            ProviderError::RateLimited { retry_after, .. } => retry_after.unwrap_or_default(),
            ProviderError::Transient(_) => Duration::ZERO,
            _ => return false,
        };
        let hangs = result.as_ref().err().is_some_and(TransportError::is_timeout);
        if hangs && self.hung {
            return false;
        }
        self.hung |= hangs;
        let Some(wait) = self.waits.next() else { return false };
        tokio::time::sleep(wait.max(asked.min(LONGEST_PAUSE))).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    #[expect(clippy::unnecessary_wraps, reason = "what a transport gives")]
    fn answered(status: StatusCode) -> Result<Reply, TransportError> {
        Ok(Reply::new(status, HeaderMap::new(), Bytes::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_twice_is_given_up_and_what_fails_fast_is_tried_a_few_times() {
        let (hung, failed) = (Err(TransportError::timeout()), ProviderError::Transient("x".to_owned()));
        let mut patience = Patience::new(Duration::from_secs(15), "a");
        assert_eq!(patience.limit(), Duration::from_secs(5));
        assert!(patience.again(&hung, &failed).await);
        assert_eq!(patience.limit(), Duration::from_secs(9));
        assert!(!patience.again(&hung, &failed).await);

        let (busy, mut patience) =
            (answered(StatusCode::SERVICE_UNAVAILABLE), Patience::new(Duration::from_secs(15), "b"));
        for again in [true, true, true, false] {
            assert_eq!(patience.again(&busy, &failed).await, again);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_as_asked_up_to_a_cap_and_never_for_what_will_not_pass() {
        let began = tokio::time::Instant::now();
        let limited = |seconds| ProviderError::RateLimited {
            what: "x".to_owned(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let result = answered(StatusCode::TOO_MANY_REQUESTS);
        let mut patience = Patience::new(Duration::from_secs(15), "a");
        assert!(patience.again(&result, &limited(2)).await);
        assert_eq!(began.elapsed().as_secs(), 2);
        assert!(patience.again(&result, &limited(86_400)).await);
        assert_eq!(began.elapsed().as_secs(), 7);
        for error in [
            ProviderError::Gone("x".to_owned()),
            ProviderError::Auth("x".to_owned()),
            ProviderError::BadData("x".to_owned()),
            ProviderError::Unreachable("x".to_owned()),
        ] {
            assert!(!Patience::new(Duration::from_secs(15), "a").again(&result, &error).await, "{error:?}");
        }
    }
}

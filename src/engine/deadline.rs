//! One deadline for the whole of something that asks a provider many questions: carried around the provider's code, so
//! that its client need not be told with each call.
//!
//! ```text
//! refresh ─▶ Allowance ─┬─ listing ──────────────────────────┐ each question has what is left, never more; when
//!                       ├─ reading ─ question ─ question … ──┤ nothing is left, it is over without being asked
//!                       └─ reading …  in time: the allowance begins anew
//! ```

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

tokio::task_local! {
    static UNTIL: Instant;
}

/// What is left for the next question; `None`: nobody has set a deadline.
pub fn time_left() -> Option<Duration> {
    UNTIL.try_with(|until| until.saturating_duration_since(Instant::now())).ok()
}

/// The time that a provider has for a whole refresh.
///
/// Whoever answers something in full and in time is well, and has as long again for the rest: a big fleet takes its
/// time, and a server that answers a byte at a time does not.
pub(super) struct Allowance {
    pub whole: Duration,
    until: Mutex<Instant>,
}

impl Allowance {
    pub fn new(whole: Duration) -> Self {
        Self { whole, until: Mutex::new(Instant::now() + whole) }
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something whose questions end before the allowance does, early enough for what was answered to be put
    /// together; `None`: it did not end by itself.
    pub async fn run<F: Future>(&self, work: F) -> Option<F::Output> {
        let until = self.until();
        let margin = self.whole / 15;
        let work = UNTIL.scope(until.checked_sub(margin).unwrap_or(until), work);
        tokio::time::timeout_at(until, work).await.ok()
    }

    /// An answer came that had no need of the deadline.
    pub fn renew(&self) {
        let until = Instant::now() + self.whole;
        let mut held = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = until.max(*held);
    }

    /// Whether hardly anything is left of it.
    pub fn is_spent(&self) -> bool {
        self.until().saturating_duration_since(Instant::now()) <= self.whole / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn questions_share_one_deadline_and_a_good_answer_renews_it() {
        let allowance = Allowance::new(Duration::from_secs(15));
        assert_eq!(time_left(), None);
        let ask = || async {
            let left = time_left().unwrap();
            tokio::time::sleep(left.min(Duration::from_secs(8))).await;
            left.as_secs()
        };
        assert_eq!(allowance.run(async { [ask().await, ask().await, ask().await] }).await, Some([14, 6, 0]));
        assert!(allowance.is_spent());
        assert_eq!(allowance.run(ask()).await, Some(0));
        assert_eq!(allowance.run(std::future::pending::<()>()).await, None);
        allowance.renew();
        assert!(!allowance.is_spent());
        assert_eq!(allowance.run(ask()).await, Some(14));
    }
}

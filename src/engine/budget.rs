//! The rate budget of one provider: who may ask next, and how fast.
//!
//! ```text
//! gate, mutation ─┐                  ┌─ slots (writes, reads at the same time)
//! proof read ─────┼─▶ queue ─▶ grant ┼─ rate (requests a time; reads at most half) ─▶ request ─▶ answer
//! ordinary read ──┘   by place       └─ pauses, pace                                              │
//!                                          ▲──── 429, Retry-After, rate headers ◀─────────────────┘
//! ```
//!
//! One budget is shared by everything that asks one provider: all isolations, refreshes, checks, and estop's own token
//! fetches. It is the engine's own code rather than a rate-limiting crate because who goes first is the point: gates,
//! then what mints, then by level and recency, then the reads that prove, then everybody else.
//!
//! Whoever sends does not pass its purpose along by hand: the engine runs a provider's code *on behalf of* a
//! [`Purpose`], and the provider's client admits each request to its budget under that purpose.

mod backoff;
mod bucket;
mod errand;
mod estimate;
mod pace;
mod permit;
mod queue;
mod rate;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use super::{Clock, Limits};

pub use backoff::backoff;
pub(super) use errand::{OneMutation, performing};
pub use errand::{Purpose, Urgency, on_behalf};
pub use estimate::Estimate;
pub use permit::{Permit, Turn};
pub use rate::{Feedback, Left, Rate, RateHeaders};

use permit::{Granted, Slot};
use queue::{Readiness, State};

/// No provider is waited for longer than this, whatever it asks for: in a step, a read, or the whole budget.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The budget of one provider. Cheap to clone; clones are the same budget.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Limits,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Budget {
    /// A full budget within these limits.
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::new(State::new(&limits, clock.monotonic()));
        Self { inner: Arc::new(Inner { limits, clock, state }) }
    }

    /// The limits that it keeps.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Waits until one request may leave that is sent on behalf of the [`Purpose`] around this call.
    ///
    /// The one request that a strike has been admitted for (`mutation`) leaves at once: it has waited already. Other
    /// requests that its step needs take from the rate, but no slot. Without a purpose it is an ordinary read.
    pub async fn admit(&self, mutation: bool) -> Permit {
        let errand = errand::current();
        if mutation && errand.spend() {
            return self.permit(Granted { slot: Slot::None, at: self.now(), read: false });
        }
        let slot = match errand.purpose {
            Purpose::Access | Purpose::Strike(_) => Slot::None,
            Purpose::Proof | Purpose::Ordinary => Slot::Read,
        };
        self.enqueue(errand.purpose, slot).await
    }

    /// A place in the line for one mutation, taken now: whoever stands in line first with equal urgency goes first.
    pub fn line_up(&self, urgency: Urgency) -> Turn {
        self.enqueue(Purpose::Strike(urgency), Slot::Write)
    }

    /// Waits until no mutation waits for its turn any more, or until none has had its turn for [`LONGEST_PAUSE`].
    pub async fn caught_up(&self) {
        let mut changes = self.state().changes();
        while self.state().mutation_waits() {
            let moved = tokio::time::timeout(LONGEST_PAUSE, changes.changed()).await;
            if !matches!(moved, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Learns from an answer.
    pub fn observe(&self, permit: &Permit, feedback: &Feedback) {
        self.state().observe(permit.granted(), feedback, self.now());
        self.pump();
    }

    /// How many requests a second are allowed now: the declared rate, or less after the provider said that it is too
    /// much. `None`: as many as there are slots.
    pub fn requests_per_second(&self) -> Option<f64> {
        self.state().pace(self.now())
    }

    fn now(&self) -> Duration {
        self.inner.clock.monotonic()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, purpose: Purpose, slot: Slot) -> Turn {
        let (granting, granted) = tokio::sync::oneshot::channel();
        let place = self.state().enqueue(purpose, slot, granting);
        self.pump();
        Turn::new(self.clone(), place, granted)
    }

    fn permit(&self, granted: Granted) -> Permit {
        Permit::new(self.clone(), granted)
    }

    /// Grants all that may be granted now, and sees to it that the next is granted when its time comes.
    fn pump(&self) {
        loop {
            let (granted, alarm) = {
                let now = self.now();
                let mut state = self.state();
                match state.next(now) {
                    Readiness::Now => (state.grant(now), None),
                    Readiness::At(at) => (None, state.set_alarm(at, now).then(|| at.saturating_sub(now))),
                    Readiness::OnRelease => (None, None),
                }
            };
            if let Some(wait) = alarm {
                self.wake_in(wait);
            }
            let Some((waiter, granted)) = granted else { return };
            // Who waits no longer drops the permit, which gives its slot back.
            let _ = waiter.send(self.permit(granted));
        }
    }

    fn wake_in(&self, wait: Duration) {
        // Outside a runtime nobody waits either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let budget: Weak<Inner> = Arc::downgrade(&self.inner);
            runtime.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Some(inner) = budget.upgrade() {
                    Self { inner }.pump();
                }
            });
        }
    }

    fn release(&self, granted: Granted) {
        self.state().release(granted.slot);
        self.pump();
    }

    fn leave(&self, place: &queue::Place) {
        if self.state().leave(place) {
            self.pump();
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

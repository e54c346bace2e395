//! Who stands where in line, and what the first of them waits for. No waiting happens here.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use tokio::sync::{oneshot, watch};

use super::{
    Feedback, LONGEST_PAUSE, Left, Permit, Purpose, Rate, Urgency,
    bucket::Bucket,
    pace::Pace,
    permit::{Granted, Slot},
};
use crate::engine::Limits;

/// After a 429 that does not say for how long to stay away.
const SHORT_PAUSE: Duration = Duration::from_millis(250);
/// Ordinary reads leave the last three tenths of a provider's window to isolations, for no longer than this.
const LONGEST_YIELD: Duration = Duration::from_secs(30);

/// A place in line: the least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    class: Class,
    urgency: Reverse<Option<Urgency>>,
    number: u64,
}

/// The first order of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// What others wait for: estop's own token.
    Access,
    /// What a step that is on its way needs. It holds a slot, so it stands before those that wait for one.
    OnItsWay,
    Mutation,
    Proof,
    Ordinary,
}

struct Waiter {
    slot: Slot,
    granting: oneshot::Sender<Permit>,
}

/// When the first in line may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Now,
    At(Duration),
    /// When somebody gives a slot back, or joins the line.
    OnRelease,
}

/// See the module.
pub(super) struct State {
    writes: usize,
    reads: usize,
    rate: Option<Rate>,
    writing: usize,
    reading: usize,
    pace: Pace,
    /// Everything draws on it; there is none until a rate is declared or learned.
    all: Option<Bucket>,
    /// Reads draw on it as well: half of the rate.
    half: Option<Bucket>,
    in_force: Option<f64>,
    paused: Duration,
    reads_paused: Duration,
    refreshes_paused: Duration,
    line: BTreeMap<Place, Waiter>,
    joined: u64,
    alarm: Option<Duration>,
    changed: watch::Sender<()>,
}

impl State {
    pub(super) fn new(limits: &Limits, now: Duration) -> Self {
        let pace = Pace::new(limits.rate.as_ref().map(Rate::refill), now);
        let mut state = Self {
            writes: limits.concurrent_writes.max(1),
            reads: limits.concurrent_reads.max(1),
            rate: limits.rate,
            writing: 0,
            reading: 0,
            pace,
            all: None,
            half: None,
            in_force: None,
            paused: now,
            reads_paused: now,
            refreshes_paused: now,
            line: BTreeMap::new(),
            joined: 0,
            alarm: None,
            changed: watch::channel(()).0,
        };
        state.keep_pace(now);
        state
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn mutation_waits(&self) -> bool {
        self.line.keys().any(|place| place.class == Class::Mutation)
    }

    pub(super) fn pace(&mut self, now: Duration) -> Option<f64> {
        self.pace.limit(now)
    }

    pub(super) fn enqueue(&mut self, purpose: Purpose, slot: Slot, granting: oneshot::Sender<Permit>) -> Place {
        let (class, urgency) = match (purpose, slot) {
            (Purpose::Access, _) => (Class::Access, None),
            (Purpose::Strike(urgency), Slot::Write) => (Class::Mutation, Some(urgency)),
            (Purpose::Strike(urgency), _) => (Class::OnItsWay, Some(urgency)),
            (Purpose::Proof, _) => (Class::Proof, None),
            (Purpose::Ordinary, _) => (Class::Ordinary, None),
        };
        self.joined += 1;
        let place = Place { class, urgency: Reverse(urgency), number: self.joined };
        self.line.insert(place, Waiter { slot, granting });
        place
    }

    /// Whether it still stood there.
    pub(super) fn leave(&mut self, place: &Place) -> bool {
        let left = self.line.remove(place).is_some();
        if left {
            self.changed.send_replace(());
        }
        left
    }

    pub(super) fn release(&mut self, slot: Slot) {
        match slot {
            Slot::Write => self.writing = self.writing.saturating_sub(1),
            Slot::Read => self.reading = self.reading.saturating_sub(1),
            Slot::None => {}
        }
    }

    /// What the first in line waits for. Nobody overtakes it: what it waits for, those behind would take away.
    pub(super) fn next(&mut self, now: Duration) -> Readiness {
        self.keep_pace(now);
        let Some((place, waiter)) = self.line.first_key_value() else { return Readiness::OnRelease };
        let gate = place.urgency.0.is_some_and(Urgency::is_gate);
        let (class, slot) = (place.class, waiter.slot);
        let occupied = match slot {
            Slot::Write => self.writing >= self.writes,
            Slot::Read => self.reading >= self.reads || (class == Class::Ordinary && self.writing > 0),
            Slot::None => false,
        };
        if occupied {
            return Readiness::OnRelease;
        }
        // One request too many costs less than an open door: no pause holds up a gate, and no recommendation or guess.
        let exempt = gate || class == Class::Access;
        let mut at = if exempt { now } else { self.paused };
        if !exempt || self.rate.is_some_and(|rate| rate.hard) {
            at = at.max(self.all.as_mut().map_or(now, |bucket| bucket.ready_at(now)));
        }
        if slot == Slot::Read {
            at = at.max(self.reads_paused).max(self.half.as_mut().map_or(now, |bucket| bucket.ready_at(now)));
        }
        if class == Class::Ordinary {
            at = at.max(self.refreshes_paused);
        }
        if at <= now { Readiness::Now } else { Readiness::At(at) }
    }

    /// Lets the first in line go.
    pub(super) fn grant(&mut self, now: Duration) -> Option<(oneshot::Sender<Permit>, Granted)> {
        let (place, waiter) = self.line.pop_first()?;
        match waiter.slot {
            Slot::Write => self.writing += 1,
            Slot::Read => self.reading += 1,
            Slot::None => {}
        }
        let read = matches!(place.class, Class::Proof | Class::Ordinary);
        if let Some(bucket) = &mut self.all {
            bucket.take(now);
        }
        if let (true, Some(bucket)) = (read, &mut self.half) {
            bucket.take(now);
        }
        self.changed.send_replace(());
        Some((waiter.granting, Granted { slot: waiter.slot, at: now, read }))
    }

    /// Notes that somebody will look again then; whether that is news.
    pub(super) fn set_alarm(&mut self, at: Duration, now: Duration) -> bool {
        let news = self.alarm.is_none_or(|set| at < set || set <= now);
        if news {
            self.alarm = Some(at);
        }
        news
    }

    pub(super) fn observe(&mut self, granted: Granted, feedback: &Feedback, now: Duration) {
        if let Some(left) = &feedback.left {
            self.heed(left, now);
        }
        if !feedback.throttled {
            self.pace.took(now);
            return;
        }
        if self.pace.too_fast(granted.at, now) {
            self.keep_pace(now);
            for bucket in [&mut self.all, &mut self.half].into_iter().flatten() {
                bucket.empty(now);
            }
        }
        let until = now + feedback.retry_after.unwrap_or(SHORT_PAUSE).min(LONGEST_PAUSE);
        self.reads_paused = self.reads_paused.max(until);
        // What a read was refused for is no reason to keep a revocation waiting.
        if !granted.read {
            self.paused = self.paused.max(until);
        }
    }

    /// What a provider says is left: none for anybody until its window ends, or too little for refreshes.
    fn heed(&mut self, left: &Left, now: Duration) {
        if left.remaining == 0 {
            let until = now + left.resets_in.min(LONGEST_PAUSE);
            self.paused = self.paused.max(until);
            self.reads_paused = self.reads_paused.max(until);
        }
        let low = left.limit.is_some_and(|limit| left.remaining.saturating_mul(10) < limit.saturating_mul(3));
        let until = if low { now + left.resets_in.min(LONGEST_YIELD) } else { now };
        self.refreshes_paused = until;
    }

    /// Fills the buckets at the pace in force.
    fn keep_pace(&mut self, now: Duration) {
        let pace = self.pace.limit(now);
        if pace == self.in_force {
            return;
        }
        self.in_force = pace;
        let Some(pace) = pace else {
            (self.all, self.half) = (None, None);
            return;
        };
        let burst = self.rate.map_or(1.0, |rate| f64::from(rate.burst.clamp(1, rate.requests.max(1))));
        // At less than the declared pace, less is saved up as well.
        let share = self.rate.map_or(1.0, |rate| (pace / rate.refill()).min(1.0));
        let burst = burst * share;
        match (&mut self.all, &mut self.half) {
            (Some(all), Some(half)) => {
                all.set_pace(burst, pace, now);
                half.set_pace(burst / 2.0, pace / 2.0, now);
            }
            _ => {
                self.all = Some(Bucket::full(burst, pace, now));
                self.half = Some(Bucket::full(burst / 2.0, pace / 2.0, now));
            }
        }
    }
}

//! The queues of a strike: one object's steps in order, each with the retries that its answers ask for.
//!
//! ```text
//! queue ─object held─▶ step ─turn of the budget─▶ attempt ─▶ answer ─┬─▶ next step
//!                            ▲                                       │ throttled, transient, no answer
//!                            └────────────── deferred ◀──────────────┘
//! ```

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{AGAIN, Leave, Ledger};
use crate::domain::{Answer, AnswerKind, ObjectId, ProviderName, StepId};
use crate::engine::{
    Budget, Feedback, LONGEST_PAUSE, Provider, Turn, Urgency, backoff,
    budget::{OneMutation, performing},
    fleet::Fleet,
    isolation::is_settled,
    work::Work,
};
use crate::journal::{ArmedStep, Journal};

/// A step that was declared to come after another waits for its answer no longer than this.
const AFTER_WAIT: Duration = Duration::from_secs(2);

/// What every queue shares.
pub(super) struct Lane {
    fleet: Arc<Fleet>,
    pub journal: Journal,
    pub ledger: Arc<Ledger>,
    /// `None`: nothing stops an isolation.
    leave: Option<Arc<dyn Leave>>,
    /// What may be sent again: the journal made each once.
    armed: Mutex<HashMap<StepId, Arc<ArmedStep>>>,
    objects: Mutex<HashMap<ObjectId, Arc<AsyncMutex<()>>>>,
    /// Providers at which a step was given up for silence, and that have not answered since.
    mute: Mutex<HashSet<ProviderName>>,
    /// How often each step was sent by this process.
    tries: Mutex<HashMap<StepId, usize>>,
    /// What would be sent again and has not begun is not begun any more.
    over: AtomicBool,
}

/// How urgent a queue is: as its most urgent step, which waits for those before it.
pub(super) fn urgency(queue: &[Arc<ArmedStep>]) -> Option<Urgency> {
    queue.iter().map(|armed| Urgency::of(armed.step())).max()
}

/// The object of a queue, held, and the turn of its first step.
type Ready = (OwnedMutexGuard<()>, Turn);

/// One step on its way.
struct Errand<'a> {
    provider: &'a dyn Provider,
    budget: &'a Budget,
    armed: &'a ArmedStep,
    urgency: Urgency,
}

impl Lane {
    pub fn new(work: &Work, ledger: Arc<Ledger>, leave: Option<Arc<dyn Leave>>) -> Self {
        Self {
            fleet: work.fleet.clone(),
            journal: work.journal.clone(),
            ledger,
            leave,
            armed: Mutex::default(),
            objects: Mutex::default(),
            mute: Mutex::default(),
            tries: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// Steps that may be sent again.
    pub fn kept(&self, steps: &[StepId]) -> Vec<Arc<ArmedStep>> {
        let known = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        steps.iter().filter_map(|id| known.get(id).cloned()).collect()
    }

    /// How often a step was sent by this process.
    pub fn tries(&self, step: &StepId) -> usize {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied().unwrap_or(0)
    }

    /// From now on nothing is sent again.
    pub fn stop(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub fn keep(&self, armed: &Arc<ArmedStep>) {
        let mut known = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(armed.step().id.clone(), armed.clone());
    }

    /// A turn for the first step of a queue, where nothing but the budget keeps it waiting.
    pub fn line_up(&self, queue: &[Arc<ArmedStep>]) -> Option<Ready> {
        let first = queue.first().filter(|first| first.step().after.is_empty())?.step();
        let object = self.mutex(&first.object).try_lock_owned().ok()?;
        let budget = self.fleet.budget(first.identity.provider())?;
        Some((object, budget.line_up(urgency(queue)?)))
    }

    pub fn mute(&self) -> MutexGuard<'_, HashSet<ProviderName>> {
        self.mute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object's steps in order.
    pub async fn run(&self, queue: Vec<Arc<ArmedStep>>, mut ready: Option<Ready>, attempts: usize) {
        for (index, armed) in queue.iter().enumerate() {
            let (_object, turn) = match ready.take() {
                Some((object, turn)) => (object, Some(turn)),
                None => (self.mutex(&armed.step().object).lock_owned().await, None),
            };
            if attempts == AGAIN && self.is_over() && self.has_tried(armed) {
                continue;
            }
            self.wait_for(&armed.step().after).await;
            let name = armed.step().identity.provider();
            match (self.fleet.provider(name), self.fleet.budget(name), urgency(&queue[index..])) {
                (Some(provider), Some(budget), Some(urgency)) => {
                    let errand = Errand { provider: provider.as_ref(), budget, armed, urgency };
                    self.perform(errand, turn, attempts).await;
                }
                _ => {
                    let attempt = self.ledger.attempt(&armed.step().id);
                    let answer = Answer::new(AnswerKind::Unreachable, "", "");
                    self.ledger.answer(&armed.step().id, attempt, answer, Duration::ZERO);
                }
            }
        }
    }

    pub fn mutex(&self, object: &ObjectId) -> Arc<AsyncMutex<()>> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.entry(object.clone()).or_default().clone()
    }

    async fn wait_for(&self, after: &[StepId]) {
        let mut changes = self.ledger.changes();
        let answered = async {
            loop {
                let open =
                    after.iter().filter_map(|id| self.ledger.record(id)).any(|record| !is_settled(&record.state));
                if !open || changes.changed().await.is_err() {
                    return;
                }
            }
        };
        // Nothing waits for ever: what was to come first has had its time.
        let _ = tokio::time::timeout(AFTER_WAIT, answered).await;
    }

    /// One step, with the retries that its answers ask for.
    ///
    /// The first attempt has a third of the provider's deadline, the one after a time-out two thirds, so that a request
    /// that hangs is sent again soon; all of them together have twice the deadline.
    /// Once that has passed in silence, every other step at the provider is tried once: one silence is not waited out
    /// again and again, and the sweep sends again what is open.
    async fn perform(&self, errand: Errand<'_>, mut turn: Option<Turn>, attempts: usize) {
        let (id, clock) = (&errand.armed.step().id, self.fleet.clock.as_ref());
        let deadline = errand.provider.limits().deadline;
        let mut waits = backoff(attempts, errand.armed.key());
        let (mut began, mut hung) = (None, 0);
        loop {
            if let Some(leave) = &self.leave
                && !leave.may_send().await
            {
                return;
            }
            let turn = turn.take().unwrap_or_else(|| errand.budget.line_up(errand.urgency));
            let Some(kind) = self.attempt(&errand, turn, deadline * (1 + hung).min(3) / 3, &mut began).await else {
                // The time that it took was wait enough.
                hung += 1;
                let spent = began.map_or(Duration::ZERO, |began| clock.monotonic().saturating_sub(began));
                let name = errand.provider.name();
                if waits.next().is_none() || spent >= deadline * 2 {
                    self.mute().insert(name.clone());
                    return;
                }
                if self.mute().contains(name) || self.is_over() {
                    return;
                }
                self.defer(id, Duration::ZERO);
                continue;
            };
            let asked = match kind {
                AnswerKind::Throttled { retry_after_ms } => Duration::from_millis(retry_after_ms.unwrap_or(0)),
                AnswerKind::Transient | AnswerKind::Unknown | AnswerKind::Unreachable => Duration::ZERO,
                _ => return,
            };
            let Some(wait) = waits.next() else { return };
            // Never sooner than by our own reckoning: a provider that asks for no wait at all is asked no faster.
            let wait = wait.max(asked).min(LONGEST_PAUSE);
            let spent = began.map_or(Duration::ZERO, |began| clock.monotonic().saturating_sub(began));
            if spent + wait >= deadline * 2 || self.is_over() {
                return;
            }
            self.defer(id, wait);
            tokio::time::sleep(wait).await;
        }
    }

    /// Nobody reads any more what another attempt would do: what has been tried is left to `resume`.
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn has_tried(&self, armed: &ArmedStep) -> bool {
        self.ledger.record(&armed.step().id).is_some_and(|record| record.attempts > 0)
    }

    /// The next attempt follows in so long: until then the step is on its way for everybody who looks.
    fn defer(&self, id: &StepId, wait: Duration) {
        let (now, wait) = (self.fleet.clock.now(), jiff::SignedDuration::try_from(wait).unwrap_or_default());
        let attempt = self.ledger.record(id).map_or(0, |record| record.attempts);
        self.ledger.defer(id, attempt, now.checked_add(wait).unwrap_or(now));
    }

    /// One attempt; `None`: no answer in time.
    async fn attempt(
        &self,
        errand: &Errand<'_>,
        turn: Turn,
        limit: Duration,
        first_began: &mut Option<Duration>,
    ) -> Option<AnswerKind> {
        let permit = turn.await;
        let id = &errand.armed.step().id;
        let attempt = self.ledger.attempt(id);
        *self.tries.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default() += 1;
        let began = self.fleet.clock.monotonic();
        first_began.get_or_insert(began);
        let mutation = OneMutation::new();
        let performing = performing(errand.urgency, &mutation, async {
            failpoint!("strike-{}", errand.provider.name());
            errand.provider.perform(errand.armed, attempt).await
        });
        let performing = AssertUnwindSafe(performing).catch_unwind();
        let performed = tokio::time::timeout(limit, performing).await;
        let answer = match performed {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => unknown("the provider's code panicked".to_owned()),
            // Still waiting for its access token: a provider with a budget sends nothing that it does not admit.
            Err(_) if errand.provider.budget().is_some() && !mutation.has_left() => {
                nothing(AnswerKind::Unreachable, format!("not sent: no access within {} ms", limit.as_millis()))
            }
            Err(_) => unknown(format!("no answer within {} ms", limit.as_millis())),
        };
        if errand.provider.budget().is_none() {
            errand.budget.observe(&permit, &feedback(&answer.kind));
        }
        drop(permit);
        let (kind, took) = (answer.kind.clone(), self.fleet.clock.monotonic().saturating_sub(began));
        let nothing = matches!(kind, AnswerKind::Unknown | AnswerKind::Unreachable);
        // A limit further in may have been as long as this one, and have ended it first.
        let hung = nothing && took >= errand.provider.limits().deadline / 3;
        if !nothing {
            self.mute().remove(errand.provider.name());
        }
        self.ledger.answer(id, attempt, answer, took);
        (!hung).then_some(kind)
    }
}

/// What an answer says about the rate, where no client has told the budget.
fn feedback(kind: &AnswerKind) -> Feedback {
    match kind {
        AnswerKind::Throttled { retry_after_ms } => {
            Feedback { throttled: true, retry_after: retry_after_ms.map(Duration::from_millis), left: None }
        }
        _ => Feedback::default(),
    }
}

/// It was sent, and what came of it is not known.
fn unknown(why: String) -> Answer {
    nothing(AnswerKind::Unknown, why)
}

/// No answer came.
fn nothing(kind: AnswerKind, why: String) -> Answer {
    let mut answer = Answer::new(kind, "", "");
    answer.detail = Some(why.into());
    answer
}

//! The parallel pass: one queue per written object, everything else at once.
//!
//! Measured on a real server, parallel writes on one object lost each other while every answer was 2xx. So steps on
//! the same object run in order, gate first; different objects go in parallel, each in a task of its own. A panic in a
//! provider's code is an unknown answer of one step and nothing else.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::FutureExt as _;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    task::JoinSet,
};

use super::{Ledger, Work, ledger::is_settled};
use crate::domain::{Answer, AnswerKind, ObjectId, OperationId, PlanHash, ProviderName, Step, StepId, StepState};
use crate::engine::{
    Budget, Feedback, LONGEST_PAUSE, Provider, Turn, Urgency, backoff,
    budget::{OneMutation, performing},
    fleet::Fleet,
};
use crate::journal::{ArmedStep, Entry, Journal, JournalError, Operation};

/// Attempts of one step when it is first sent. When a sweep finds it alive or open it is sent once more a round: the
/// sweep is the retry then.
const ATTEMPTS: usize = 5;
/// Attempts of one step that a sweep sends again.
const AGAIN: usize = 1;
/// A step that was declared to come after another waits for its answer no longer than this.
const AFTER_WAIT: Duration = Duration::from_secs(2);

/// Asked before each attempt: whoever must give way to others stops here.
#[async_trait]
pub(in crate::engine) trait Leave: Send + Sync {
    /// Whether a request may still leave.
    async fn may_send(&self) -> bool;
}

/// Sends armed steps.
pub(in crate::engine) struct Strike {
    lane: Arc<Lane>,
    tasks: AsyncMutex<JoinSet<()>>,
    op: OperationId,
    epoch: u32,
}

/// What every queue shares.
struct Lane {
    fleet: Arc<Fleet>,
    journal: Journal,
    ledger: Arc<Ledger>,
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

impl Strike {
    pub fn new(work: &Work, ledger: Arc<Ledger>, leave: Option<Arc<dyn Leave>>) -> Self {
        let fleet = work.fleet.clone();
        let journal = work.journal.clone();
        let lane = Lane {
            fleet,
            journal,
            ledger,
            leave,
            armed: Mutex::default(),
            objects: Mutex::default(),
            mute: Mutex::default(),
            tries: Mutex::default(),
            over: AtomicBool::new(false),
        };
        Self { lane: Arc::new(lane), tasks: AsyncMutex::default(), op: work.op, epoch: work.epoch }
    }

    pub fn ledger(&self) -> &Ledger {
        &self.lane.ledger
    }

    /// Makes intents durable, together with what has to stand before them, and lets the steps go.
    pub async fn arm(
        &self,
        before: Vec<Entry>,
        hash: PlanHash,
        round: u32,
        steps: Vec<Step>,
    ) -> Result<(), JournalError> {
        if steps.is_empty() && before.is_empty() {
            return Ok(());
        }
        // What is struck already keeps its place: an intent is written once.
        let ledger = &self.lane.ledger;
        let steps: Vec<Step> = steps
            .into_iter()
            .filter(|step| ledger.record(&step.id).is_none_or(|record| record.step.params != step.params))
            .collect();
        let journal = &self.lane.journal;
        let (entries, hash_again) = (before.clone(), hash.clone());
        let first = journal.arm(self.op, self.epoch, before, hash, round, steps.clone()).await;
        let armed = match first {
            // Others write to it, and nothing is lost yet: once more, before it goes on without the record.
            Err(JournalError::Locked { .. }) if !ledger.records().is_empty() => {
                let (entries, hash) = (entries.clone(), hash_again.clone());
                journal.arm(self.op, self.epoch, entries, hash, round, steps.clone()).await
            }
            first => first,
        };
        let armed = match armed {
            Ok(armed) => armed,
            // Superseded: another process has it. Before the strike: nothing is on record, so nothing may be sent.
            Err(error @ JournalError::Superseded { .. }) => return Err(error),
            Err(error) if ledger.records().is_empty() => return Err(error),
            // In mid-strike the disk failed: what the sweep found is cut all the same, and the outcome says so.
            Err(_) => {
                let memory = journal.break_glass();
                memory.arm(self.op, self.epoch, entries, hash_again, round, steps.clone()).await?
            }
        };
        ledger.take(&steps);
        let (by_hand, armed): (Vec<_>, Vec<_>) = armed.into_iter().partition(|armed| armed.step().by_hand);
        for asked in by_hand {
            ledger.ask(asked.step());
        }
        self.send(armed.into_iter().map(Arc::new).collect(), ATTEMPTS).await;
        Ok(())
    }

    /// Sends again what another process left, under its keys.
    pub async fn take_over(&self, left: &Operation) -> Result<(), JournalError> {
        self.lane.ledger.restore(&left.steps);
        // What was used after dark came by a way that no read shows: everything goes once more.
        let all = !left.after_dark.is_empty();
        let by_hand = |state: &StepState| matches!(state, StepState::Manual | StepState::Attested);
        let sendable = left.steps.values().filter(|record| !by_hand(&record.state) && !record.step.by_hand);
        let armed = self.lane.journal.rearm(self.op, sendable.map(|record| record.step.id.clone()).collect()).await?;
        let armed: Vec<Arc<ArmedStep>> = armed.into_iter().map(Arc::new).collect();
        // What is proved dead is kept at hand too, for the sweep may find it alive again.
        for armed in &armed {
            self.lane.keep(armed);
        }
        let proved = |id: &StepId| left.steps.get(id).is_some_and(|record| record.state == StepState::Verified);
        let open = armed.into_iter().filter(|armed| all || !proved(&armed.step().id));
        self.send(open.collect(), ATTEMPTS).await;
        Ok(())
    }

    /// Makes intents durable and keeps the steps for [`Strike::again`]: nothing is sent yet, and nothing ever is where
    /// no journal takes them.
    pub async fn hold(&self, before: Vec<Entry>, hash: PlanHash, steps: Vec<Step>) -> Result<(), JournalError> {
        let armed = self.lane.journal.arm(self.op, self.epoch, before, hash, 0, steps.clone()).await?;
        self.lane.ledger.take(&steps);
        armed.into_iter().map(Arc::new).for_each(|armed| self.lane.keep(&armed));
        Ok(())
    }

    /// What another process left, kept the same way, under its keys.
    pub async fn hold_left(&self, left: &Operation) -> Result<(), JournalError> {
        self.lane.ledger.restore(&left.steps);
        let armed = self.lane.journal.rearm(self.op, left.steps.keys().cloned().collect()).await?;
        armed.into_iter().map(Arc::new).for_each(|armed| self.lane.keep(&armed));
        Ok(())
    }

    /// A new attempt of steps that read as alive.
    pub async fn again(&self, steps: &[StepId]) {
        let armed: Vec<Arc<ArmedStep>> = {
            let known = self.lane.armed.lock().unwrap_or_else(PoisonError::into_inner);
            steps.iter().filter_map(|id| known.get(id).cloned()).collect()
        };
        self.send(armed, AGAIN).await;
    }

    /// One task per object. The most urgent objects line up first, here and now: a task that comes to run early must not
    /// take the turn of a gate.
    async fn send(&self, armed: Vec<Arc<ArmedStep>>, attempts: usize) {
        let mut queues: BTreeMap<ObjectId, Vec<Arc<ArmedStep>>> = BTreeMap::new();
        for step in armed {
            self.lane.keep(&step);
            queues.entry(step.step().object.clone()).or_default().push(step);
        }
        let mut queues: Vec<Vec<Arc<ArmedStep>>> = queues.into_values().collect();
        for queue in &mut queues {
            queue.sort_by(|a, b| (a.step().rank, &a.step().id).cmp(&(b.step().rank, &b.step().id)));
        }
        queues.sort_by_cached_key(|queue| std::cmp::Reverse(urgency(queue)));
        let mut tasks = self.tasks.lock().await;
        for queue in queues {
            let (lane, ready) = (self.lane.clone(), self.lane.line_up(&queue));
            tasks.spawn(async move { lane.run(queue, ready, attempts).await });
        }
    }

    /// Whether a step, or another on its object, is being sent: to line it up once more would only make the line longer.
    pub fn is_sending(&self, step: &StepId) -> bool {
        let record = self.lane.ledger.record(step);
        record.is_some_and(|record| self.lane.mutex(&record.step.object).try_lock().is_err())
    }

    /// Whether a provider does not answer: one request at a time finds out whether it does again.
    pub fn is_mute(&self, provider: &ProviderName) -> bool {
        self.lane.mute().contains(provider)
    }

    /// How often a step was sent by this process.
    pub fn tries(&self, step: &StepId) -> usize {
        self.lane.tries.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied().unwrap_or(0)
    }

    /// From now on nothing is sent again: nobody reads what it would do.
    pub fn send_no_more(&self) {
        self.lane.over.store(true, Ordering::Release);
    }

    /// Waits until everything that was sent is answered or given up.
    pub async fn finish(&self) {
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }
}

/// How urgent a queue is: as its most urgent step, which waits for those before it.
fn urgency(queue: &[Arc<ArmedStep>]) -> Option<Urgency> {
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
    fn keep(&self, armed: &Arc<ArmedStep>) {
        let mut known = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(armed.step().id.clone(), armed.clone());
    }

    /// A turn for the first step of a queue, where nothing but the budget keeps it waiting.
    fn line_up(&self, queue: &[Arc<ArmedStep>]) -> Option<Ready> {
        let first = queue.first().filter(|first| first.step().after.is_empty())?.step();
        let object = self.mutex(&first.object).try_lock_owned().ok()?;
        let budget = self.fleet.budget(first.identity.provider())?;
        Some((object, budget.line_up(urgency(queue)?)))
    }

    fn mute(&self) -> MutexGuard<'_, HashSet<ProviderName>> {
        self.mute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object's steps in order.
    async fn run(&self, queue: Vec<Arc<ArmedStep>>, mut ready: Option<Ready>, attempts: usize) {
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

    fn mutex(&self, object: &ObjectId) -> Arc<AsyncMutex<()>> {
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

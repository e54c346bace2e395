//! The parallel pass: one queue per written object, everything else at once.
//!
//! Measured on a real server, parallel writes on one object lost each other while every answer was 2xx. So steps on
//! the same object run in order, gate first; different objects go in parallel, each in a task of its own. A panic in a
//! provider's code is an unknown answer of one step and nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::FutureExt as _;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore},
    task::JoinSet,
};

use super::{Isolation, Ledger, ledger::is_settled};
use crate::domain::{Answer, AnswerKind, ObjectId, OperationId, PlanHash, ProviderName, Step, StepId, StepState};
use crate::engine::{Provider, fleet::Fleet};
use crate::journal::{ArmedStep, Entry, Journal, JournalError, Operation};

/// Attempts of one step in one pass.
const ATTEMPTS: usize = 5;
/// The first wait between two attempts; doubled each time, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait, also where a provider asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A step that was declared to come after another waits for its answer no longer than this.
const AFTER_WAIT: Duration = Duration::from_secs(2);

/// Sends armed steps.
pub(super) struct Strike {
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
    permits: BTreeMap<ProviderName, Arc<Semaphore>>,
    /// What may be sent again: the journal made each once.
    armed: Mutex<HashMap<StepId, Arc<ArmedStep>>>,
    objects: Mutex<HashMap<ObjectId, Arc<AsyncMutex<()>>>>,
}

impl Strike {
    pub fn new(isolation: &Isolation, ledger: Arc<Ledger>) -> Self {
        let fleet = isolation.fleet.clone();
        let permits = fleet
            .providers
            .iter()
            .map(|provider| {
                (provider.name().clone(), Arc::new(Semaphore::new(provider.limits().concurrent_writes.max(1))))
            })
            .collect();
        let journal = isolation.journal.clone();
        let lane = Lane { fleet, journal, ledger, permits, armed: Mutex::default(), objects: Mutex::default() };
        Self { lane: Arc::new(lane), tasks: AsyncMutex::default(), op: isolation.op, epoch: isolation.epoch }
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
        let armed = match journal.arm(self.op, self.epoch, before, hash, round, steps.clone()).await {
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
        self.send(armed.into_iter().map(Arc::new).collect()).await;
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
        self.send(armed.into_iter().filter(|armed| all || !proved(&armed.step().id)).collect()).await;
        Ok(())
    }

    /// A new attempt of steps that read as alive.
    pub async fn again(&self, steps: &[StepId]) {
        let armed: Vec<Arc<ArmedStep>> = {
            let known = self.lane.armed.lock().unwrap_or_else(PoisonError::into_inner);
            steps.iter().filter_map(|id| known.get(id).cloned()).collect()
        };
        self.send(armed).await;
    }

    /// One task per object; the most urgent objects first, for the case that a provider's permits bind.
    async fn send(&self, armed: Vec<Arc<ArmedStep>>) {
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
            let lane = self.lane.clone();
            tasks.spawn(async move { lane.run(queue).await });
        }
    }

    /// Waits until everything that was sent is answered or given up.
    pub async fn finish(&self) {
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }
}

/// The order in which objects ask for permits.
fn urgency(queue: &[Arc<ArmedStep>]) -> Option<(bool, bool, crate::domain::Level, Option<jiff::Timestamp>)> {
    queue.iter().map(|armed| armed.step().priority()).max()
}

impl Lane {
    fn keep(&self, armed: &Arc<ArmedStep>) {
        let mut known = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(armed.step().id.clone(), armed.clone());
    }

    async fn run(&self, queue: Vec<Arc<ArmedStep>>) {
        for armed in queue {
            let _object = self.object(&armed.step().object).await;
            self.wait_for(&armed.step().after).await;
            match self.fleet.provider(armed.step().identity.provider()) {
                Some(provider) => self.perform(provider.clone(), &armed).await,
                None => {
                    let attempt = self.ledger.attempt(&armed.step().id);
                    let answer = Answer::new(AnswerKind::Unreachable, "", "");
                    self.ledger.answer(&armed.step().id, attempt, answer, Duration::ZERO);
                }
            }
        }
    }

    async fn object(&self, object: &ObjectId) -> OwnedMutexGuard<()> {
        let queue = {
            let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            objects.entry(object.clone()).or_default().clone()
        };
        queue.lock_owned().await
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
    async fn perform(&self, provider: Arc<dyn Provider>, armed: &ArmedStep) {
        let id = &armed.step().id;
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(ATTEMPTS - 1)
            .with_jitter()
            .build();
        loop {
            let answer = self.attempt(provider.as_ref(), armed).await;
            let attempt = self.ledger.record(id).map_or(0, |record| record.attempts);
            let asked = match answer {
                AnswerKind::Throttled { retry_after_ms } => retry_after_ms.map(Duration::from_millis),
                AnswerKind::Transient | AnswerKind::Unknown | AnswerKind::Unreachable => None,
                _ => return,
            };
            let Some(wait) = waits.next() else { return };
            let wait = asked.unwrap_or(wait).min(LONGEST_WAIT);
            let until = jiff::SignedDuration::try_from(wait).unwrap_or_default();
            let now = self.fleet.clock.now();
            self.ledger.defer(id, attempt, now.checked_add(until).unwrap_or(now));
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, provider: &dyn Provider, armed: &ArmedStep) -> AnswerKind {
        let permit = match self.permits.get(provider.name()) {
            Some(permits) => permits.acquire().await.ok(),
            None => None,
        };
        let id = &armed.step().id;
        let attempt = self.ledger.attempt(id);
        let began = self.fleet.clock.monotonic();
        let deadline = provider.limits().deadline;
        let performing = AssertUnwindSafe(provider.perform(armed, attempt)).catch_unwind();
        let answer = match tokio::time::timeout(deadline, performing).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => unknown("the provider's code panicked".to_owned()),
            Err(_) => unknown(format!("no answer within {} s", deadline.as_secs())),
        };
        drop(permit);
        let kind = answer.kind.clone();
        self.ledger.answer(id, attempt, answer, self.fleet.clock.monotonic().saturating_sub(began));
        kind
    }
}

/// It was sent, and what came of it is not known.
fn unknown(why: String) -> Answer {
    let mut answer = Answer::new(AnswerKind::Unknown, "", "");
    answer.detail = Some(why.into());
    answer
}

//! The parallel pass: one queue per written object, everything else at once.
//!
//! Measured on a real server, parallel writes on one object lost each other while every answer was 2xx. So steps on
//! the same object run in order, gate first; different objects go in parallel, each in a task of its own. A panic in a
//! provider's code is an unknown answer of one step and nothing else.

mod lane;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use tokio::{sync::Mutex as AsyncMutex, task::JoinSet};

use super::Ledger;
use crate::domain::{ObjectId, OperationId, PlanHash, ProviderName, Step, StepId, StepState};
use crate::engine::work::Work;
use crate::journal::{ArmedStep, Entry, JournalError, Operation};
use lane::{Lane, urgency};

/// Attempts of one step when it is first sent. When a sweep finds it alive or open it is sent once more a round: the
/// sweep is the retry then.
const ATTEMPTS: usize = 5;
/// Attempts of one step that a sweep sends again.
const AGAIN: usize = 1;

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

impl Strike {
    pub fn new(work: &Work, ledger: Arc<Ledger>, leave: Option<Arc<dyn Leave>>) -> Self {
        Self {
            lane: Arc::new(Lane::new(work, ledger, leave)),
            tasks: AsyncMutex::default(),
            op: work.op,
            epoch: work.epoch,
        }
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
        self.send(self.lane.kept(steps), AGAIN).await;
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
        self.lane.tries(step)
    }

    /// From now on nothing is sent again: nobody reads what it would do.
    pub fn send_no_more(&self) {
        self.lane.stop();
    }

    /// Waits until everything that was sent is answered or given up.
    pub async fn finish(&self) {
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }
}

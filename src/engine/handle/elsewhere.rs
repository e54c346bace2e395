//! Other processes on the same state directory: their operations are followed from the journal.
//!
//! ```text
//! key pressed ─▶ another process isolates the bot ─▶ follow: steps and outcome as its journal tells them
//!                                                      └─ it dies or is stopped ─▶ take over: higher epoch, same keys
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::broadcast;

use super::{Engine, Inner, retry::again};
use crate::domain::{BotName, IncidentId, OperationId, StepId, StepState};
use crate::engine::{Ended, EngineEvent, isolation::Start};
use crate::journal::{Changes, Journal, JournalError, Operation, Presence};

/// Between two looks at the journal of an operation that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Least time between two looks at the directory for what others have begun.
const LOOK_AROUND_APART: Duration = Duration::from_secs(1);
/// A process that was stopped for so long has its operation taken over: whoever pressed the key waits for it no longer.
const STOPPED_FOR: Duration = Duration::from_secs(5);
/// The same for one that lives and writes nothing: no step takes so long.
const SILENT_FOR: Duration = Duration::from_mins(2);

/// Tells an operation of another process as this process's own are told.
#[derive(Default)]
struct Teller {
    started: bool,
    told: BTreeMap<StepId, (StepState, u32)>,
}

impl Teller {
    fn tell(
        &mut self,
        events: &broadcast::Sender<Arc<EngineEvent>>,
        incident: IncidentId,
        operation: &Operation,
        lines: &BTreeMap<StepId, u64>,
    ) {
        let op = operation.id;
        if !self.started {
            self.started = true;
            let (bot, at) = (operation.bot.clone(), operation.started_at);
            let _ = events.send(Arc::new(EngineEvent::Started { op, incident, bot, at }));
            if let Some(plan) = operation.restore_plan.as_ref().filter(|_| operation.restores.is_some()) {
                let _ = events.send(Arc::new(EngineEvent::Restoring { op, plan: Arc::new((**plan).clone()) }));
            }
        }
        let new = operation.steps.values().filter(|record| !self.told.contains_key(&record.step.id));
        let steps: Vec<_> = new.map(|record| record.step.clone()).collect();
        if !steps.is_empty() {
            let _ = events.send(Arc::new(EngineEvent::Planned { op, steps }));
        }
        for (step, record) in &operation.steps {
            let now = (record.state.clone(), record.attempts);
            if self.told.get(step) == Some(&now) {
                continue;
            }
            let at = record.answered_at.or(record.sent_at).unwrap_or(operation.started_at);
            let (state, attempt) = now.clone();
            let (seq, step, detail) = (lines.get(step).copied(), step.clone(), record.detail.clone());
            self.told.insert(step.clone(), now);
            let _ =
                events.send(Arc::new(EngineEvent::Step { op, step, state, attempt, answer: None, detail, seq, at }));
        }
    }
}

impl Engine {
    /// Follows another process's operation to its end, and takes it over where that process is gone, stopped or mute.
    pub(super) async fn follow(&self, incident: IncidentId, op: OperationId) -> Result<Ended, JournalError> {
        let mut teller = Teller::default();
        let clock = self.inner.fleet.clock.clone();
        let (mut moved, mut stopped) = (clock.monotonic(), None);
        let mut before = None;
        loop {
            let read = self.read_with_lines(incident, op).await?;
            let (operation, lines) = read.ok_or(JournalError::Missing(incident))?;
            teller.tell(&self.inner.events, incident, &operation, &lines);
            if let Some(ended) = Ended::of_another(&operation) {
                return Ok(ended);
            }
            let now = clock.monotonic();
            if before.as_ref() != Some(&operation) {
                moved = now;
            }
            let presence = operation.held_by.as_ref().map_or(Presence::Gone, crate::journal::Claimant::presence);
            stopped = (presence == Presence::Stopped).then(|| stopped.unwrap_or(now));
            let gone = presence == Presence::Gone
                || stopped.is_some_and(|since| now.saturating_sub(since) >= STOPPED_FOR)
                || now.saturating_sub(moved) >= SILENT_FOR;
            if gone {
                let journal = self.inner.store.open(incident).await?;
                match self.take_over_now(incident, journal, operation.clone()).await {
                    // Yet another one was quicker, or it woke up: then that one is followed.
                    Err(JournalError::Superseded { .. }) => (moved, stopped) = (now, None),
                    ended => return ended.map(|ended| Ended { followed: Some(op), ..ended }),
                }
            }
            before = Some(operation);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs what another process left, in this task.
    async fn take_over_now(
        &self,
        incident: IncidentId,
        journal: Journal,
        operation: Operation,
    ) -> Result<Ended, JournalError> {
        let pressed = self.inner.fleet.clock.monotonic();
        let (op, epoch) = (operation.id, operation.next_epoch());
        let isolation =
            self.isolation(again(&operation), super::admission::Opened::joined(incident, journal), op, epoch, pressed);
        isolation.run(Start::Left(Box::new(operation))).await
    }

    /// From now on, what other processes begin and end on this state directory shows here: bots that they isolate, their
    /// steps, their outcomes. Cheap: the system tells when somebody writes, and only what has changed is read.
    pub(super) fn look_around(&self) {
        if self.inner.looks_around.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let (mut seen, mut changes) = (None, Changes::default());
            while let Some(engine) = Weak::upgrade(&inner).map(|inner| Self { inner }) {
                // Before the look: what is written meanwhile is told.
                if !changes.are_told() {
                    changes = engine.inner.store.changes();
                }
                let looked = engine.look_once(&mut seen).await;
                drop(engine);
                tokio::time::sleep(LOOK_AROUND_APART).await;
                if looked && changes.are_told() {
                    changes.next().await;
                }
            }
        });
    }

    /// `false`: later, something else is more urgent.
    async fn look_once(&self, seen: &mut Option<u64>) -> bool {
        // While this process strikes, it does nothing else; what others did meanwhile is read afterwards.
        if self.inner.fleet.is_striking() {
            return false;
        }
        let store = self.inner.store.clone();
        let now = tokio::task::spawn_blocking(move || store.fingerprint()).await.ok();
        if now == *seen {
            return true;
        }
        *seen = now;
        self.recall().await;
        for operation in self.inner.fleet.operations() {
            let Some(incident) = self.elsewhere(&operation).and_then(|_| self.incident_of(operation.id)) else {
                continue;
            };
            let mut followed = self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner);
            if followed.insert((operation.id, operation.epoch)) {
                let (inner, op, bot) = (Arc::downgrade(&self.inner), operation.id, operation.bot.clone());
                tokio::spawn(async move { show(inner, incident, op, bot).await });
            }
        }
        true
    }
}

/// Shows an operation of another process until it ends or that process is gone. Takes nothing over: nobody asked.
async fn show(inner: Weak<Inner>, incident: IncidentId, op: OperationId, bot: BotName) {
    let mut teller = Teller::default();
    while let Some(engine) = inner.upgrade().map(|inner| Engine { inner }) {
        let Ok(Some((operation, lines))) = engine.read_with_lines(incident, op).await else { return };
        teller.tell(&engine.inner.events, incident, &operation, &lines);
        if let Some(ended) = Ended::of_another(&operation) {
            engine.recall().await;
            let _ = engine.inner.events.send(Arc::new(EngineEvent::Ended { op, bot, ended }));
            return;
        }
        if engine.elsewhere(&operation).is_none() {
            return engine.recall().await;
        }
        drop(engine);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

//! Striking again what failed, or what was found usable after dark: the same operation under a higher epoch and the
//! same keys; where its incident is closed, a new one that follows it.

use uuid::Uuid;

use super::{Engine, Right, Running};
use crate::domain::{BotName, BotState, OperationId, Outcome};
use crate::engine::{Order, Refusal, isolation::Start};
use crate::journal::{Body, Claimant, Entry, JournalError, Operation};

impl Engine {
    /// Strikes again what is left of a bot's newest isolation: refused, unreachable, unknown, contradicted, new.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was sent. [`Refusal::NothingToRetry`] where it is dark, or was never isolated.
    pub async fn retry(&self, bot: &BotName) -> Result<Running, Refusal> {
        if let Err(refusal) = self.may(Right::Retry) {
            self.record_refusal(Some(bot), &refusal).await;
            return Err(refusal);
        }
        self.recall().await;
        let nothing = || Refusal::NothingToRetry(bot.clone());
        let isolation = self.inner.fleet.operation(bot).filter(|operation| operation.restores.is_none());
        let operation = isolation.ok_or_else(nothing)?;
        if let Some(by) = self.elsewhere(&operation) {
            return Err(Refusal::Held { bot: bot.clone(), by: by.to_string() });
        }
        let state = self.snapshot().bot(bot).map(|view| view.state);
        let open =
            operation.ended.as_ref().is_none_or(|end| !matches!(end.outcome, Outcome::Dark | Outcome::DarkAt { .. }));
        if !open && state != Some(BotState::Contradicted) {
            return Err(nothing());
        }
        let incident = self.incident_of(operation.id).ok_or_else(nothing)?;
        self.begin(bot, operation.id)?;
        match self.inner.store.open(incident).await {
            Ok(journal) => Ok(self.take_over(incident, journal, operation)),
            Err(JournalError::Closed(_)) => {
                self.over(bot, operation.id);
                self.isolate_anew(&operation, incident).await
            }
            Err(error) => {
                self.over(bot, operation.id);
                Err(Refusal::NoSink(error.to_string()))
            }
        }
    }

    /// The same isolation in an incident of its own, which names the closed one.
    async fn isolate_anew(&self, old: &Operation, closed: crate::domain::IncidentId) -> Result<Running, Refusal> {
        let view = self.snapshot().bot(&old.bot).cloned();
        let view = view.ok_or_else(|| Refusal::UnknownBot(old.bot.shown()))?;
        let op = OperationId::from_uuid(Uuid::now_v7());
        self.begin(&old.bot, op)?;
        let incident = crate::domain::IncidentId::from_uuid(Uuid::now_v7());
        let pressed = self.inner.fleet.clock.monotonic();
        match self.inner.store.open(incident).await {
            Ok(journal) => {
                let title = Some(format!("isolation of {}", old.bot));
                let opening = vec![Entry::general(Body::IncidentOpen { title, follows: Some(closed) })];
                let opened = super::admission::Opened { incident, journal, opening, notice: None };
                let isolation = self.isolation(again(old), opened, op, 1, pressed);
                Ok(self.start(isolation, Start::Fresh(view)))
            }
            Err(error) => {
                self.over(&old.bot, op);
                Err(Refusal::NoSink(error.to_string()))
            }
        }
    }

    /// The process that has an operation, if it is another one and may be at work on it.
    pub(super) fn elsewhere(&self, operation: &Operation) -> Option<Claimant> {
        let by = operation.held_by.clone().filter(|_| operation.ended.is_none())?;
        (by.process != self.inner.store.process() && by.may_work()).then_some(by)
    }
}

/// The order that an operation was begun with.
pub(super) fn again(operation: &Operation) -> Order {
    let mut order = Order::isolate(operation.bot.clone());
    order.depth = operation.depth;
    order.reason.clone_from(&operation.reason);
    order
}

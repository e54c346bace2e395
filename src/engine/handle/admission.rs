//! How an isolation comes to run: guards, its incident, and a task of its own.
//!
//! ```text
//! Order ─▶ guard ─▶ begin (one a bot) ─▶ incident (open one, or new) ─▶ task ─▶ over
//! ```

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Engine, Running, history::newest_of_each_bot};
use crate::domain::{BotName, Depth, IncidentId, OperationId};
use crate::engine::{
    BotView, Ended, EngineEvent, Order, Purpose, Refusal,
    isolation::{Isolation, Start},
    on_behalf,
};
use crate::journal::{Body, Entry, Journal, JournalError, Operation};

/// An open incident's journal, as it was when the newest incident was `newest`.
pub(super) struct Ready {
    newest: IncidentId,
    incident: IncidentId,
    journal: Journal,
}

/// An incident, its journal, and the entries that open it where it is new.
struct Opened {
    incident: IncidentId,
    journal: Journal,
    opening: Vec<Entry>,
    /// Why the open incident was not joined.
    notice: Option<String>,
}

impl Opened {
    /// One that there was.
    const fn joined(incident: IncidentId, journal: Journal) -> Self {
        Self { incident, journal, opening: Vec::new(), notice: None }
    }
}

impl Engine {
    /// Opens the journal that the next isolation would join, so that the key finds it open. A console calls it; what
    /// only reads must not, for opening sets a torn tail aside.
    pub async fn make_ready(&self) {
        if self.inner.read_only || self.ready().await.is_some() {
            return;
        }
        let store = self.inner.store.clone();
        let looked = tokio::task::spawn_blocking(move || (store.incidents(), store.open_incident())).await;
        if let Ok((Ok(incidents), Ok(Some(incident)))) = looked
            && Some(incident) >= self.inner.since
            && let Some(newest) = incidents.last().copied()
            && let Ok(journal) = self.inner.store.open(incident).await
        {
            *self.inner.ready.lock().await = Some(Ready { newest, incident, journal });
        }
    }

    /// The journal that is held open, unless another process has opened a newer incident or closed this one.
    async fn ready(&self) -> Option<(IncidentId, Journal)> {
        let mut ready = self.inner.ready.lock().await;
        let held = ready.as_ref()?;
        let newest = self.inner.store.incidents().ok()?.last().copied();
        if newest == Some(held.newest) && held.journal.flush().await.is_ok() {
            return Some((held.incident, held.journal.clone()));
        }
        *ready = None;
        None
    }

    /// Says whether an order would be let in, without sending anything.
    ///
    /// # Errors
    /// The guard or the mistake that stops it.
    pub fn guard(&self, order: &Order) -> Result<Arc<BotView>, Refusal> {
        if self.inner.read_only {
            return Err(Refusal::ReadOnly);
        }
        let snapshot = self.snapshot();
        let Some(view) = snapshot.bot(&order.bot).cloned() else {
            return Err(Refusal::UnknownBot(order.bot.shown()));
        };
        if view.bot.identities.iter().any(|id| self.inner.fleet.is_own(id)) {
            return Err(Refusal::OwnIdentity(order.bot.clone()));
        }
        if view.bot.protected && !order.name_typed {
            return Err(Refusal::Protected(order.bot.clone()));
        }
        let plan = if order.depth == Depth::Burn { &view.burn } else { &view.plan };
        match &order.plan {
            Some(wanted) if *wanted != plan.hash => {
                Err(Refusal::PlanChanged { bot: order.bot.clone(), is: plan.hash.clone() })
            }
            _ => Ok(view),
        }
    }

    /// Isolates: guards, then a task of its own that no screen can stop.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was sent.
    pub async fn isolate(&self, order: Order) -> Result<Running, Refusal> {
        let pressed = self.inner.fleet.clock.monotonic();
        let view = match self.guard(&order) {
            Ok(view) => view,
            Err(refusal) => {
                self.record_refusal(&order, &refusal).await;
                return Err(refusal);
            }
        };
        let op = OperationId::from_uuid(Uuid::now_v7());
        self.begin(&order.bot, op)?;
        let opened = {
            let _door = self.inner.door.lock().await;
            self.open_incident(&order).await
        };
        match opened {
            Ok(mut opened) => {
                let notice = opened.notice.take();
                let isolation = self.isolation(order, opened, op, 1, pressed);
                Ok(Running { notice, ..self.start(isolation, Start::Fresh(view)) })
            }
            Err(refusal) => {
                self.over(&order.bot);
                Err(refusal)
            }
        }
    }

    /// Finishes what other processes left, under their keys.
    ///
    /// A console that only looks resumes nothing.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub async fn resume(&self, incident: Option<IncidentId>) -> Result<Vec<Running>, JournalError> {
        let incidents = match incident {
            Some(incident) => vec![incident],
            None => self.inner.store.incidents()?.into_iter().filter(|id| Some(*id) >= self.inner.since).collect(),
        };
        let mut started = Vec::new();
        if self.inner.read_only {
            return Ok(started);
        }
        for id in incidents {
            let folded = self.read_incident(id)?;
            if folded.closed_at.is_some() {
                continue;
            }
            for operation in newest_of_each_bot(folded).into_values().filter(Operation::is_unfinished) {
                if self.begin(&operation.bot, operation.id).is_err() {
                    continue;
                }
                let journal = match self.inner.store.open(id).await {
                    Ok(journal) => journal,
                    Err(error) => {
                        self.over(&operation.bot);
                        return Err(error);
                    }
                };
                let pressed = self.inner.fleet.clock.monotonic();
                let mut order = Order::isolate(operation.bot.clone());
                order.depth = operation.depth;
                order.reason.clone_from(&operation.reason);
                let (op, epoch) = (operation.id, operation.next_epoch());
                let start = Start::Left(Box::new(operation));
                let isolation = self.isolation(order, Opened::joined(id, journal), op, epoch, pressed);
                started.push(self.start(isolation, start));
            }
        }
        Ok(started)
    }

    fn begin(&self, bot: &BotName, op: OperationId) -> Result<(), Refusal> {
        let begun = self.inner.fleet.begin(bot, op);
        begun.map_err(|op| Refusal::Running { bot: bot.clone(), op })?;
        self.inner.running.send_modify(|running| *running += 1);
        Ok(())
    }

    fn over(&self, bot: &BotName) {
        self.inner.fleet.end(bot);
        self.inner.running.send_modify(|running| *running = running.saturating_sub(1));
    }

    /// The open incident, or a new one with the entry that opens it.
    async fn open_incident(&self, order: &Order) -> Result<Opened, Refusal> {
        let store = &self.inner.store;
        if let Some(incident) = order.incident {
            let journal = store.open(incident).await;
            return journal
                .map(|journal| Opened::joined(incident, journal))
                .map_err(|error| Refusal::NoIncident(format!("{incident}: {error}")));
        }
        if let Some((incident, journal)) = self.ready().await {
            return Ok(Opened::joined(incident, journal));
        }
        // An open incident that takes no more lines (held by a stopped process, written by a newer estop, put out of
        // reach) is left for a new one: the key works, and whoever pressed it is told.
        let open = store.open_incident().map(|open| open.filter(|incident| Some(*incident) >= self.inner.since));
        let out_of_reach = match open {
            Ok(None) => None,
            Ok(Some(incident)) => match store.open(incident).await {
                Ok(journal) => return Ok(Opened::joined(incident, journal)),
                Err(error) => Some(error),
            },
            Err(error) => Some(error),
        };
        let notice =
            out_of_reach.map(|error| format!("a new incident is opened, for the open one takes no lines: {error}"));
        let incident = IncidentId::from_uuid(Uuid::now_v7());
        let title = order.reason.clone().or_else(|| Some(format!("isolation of {}", order.bot)));
        let opening = vec![Entry::general(Body::IncidentOpen { title, follows: None })];
        match store.open(incident).await {
            Ok(journal) => {
                let held = Ready { newest: incident, incident, journal: journal.clone() };
                *self.inner.ready.lock().await = Some(held);
                Ok(Opened { incident, journal, opening, notice })
            }
            Err(error) if order.break_glass => match store.open_in_memory(incident, &error) {
                Ok(journal) => Ok(Opened { incident, journal, opening, notice }),
                Err(error) => Err(Refusal::NoSink(error.to_string())),
            },
            Err(error) => Err(Refusal::NoSink(error.to_string())),
        }
    }

    fn isolation(&self, order: Order, opened: Opened, op: OperationId, epoch: u32, pressed: Duration) -> Isolation {
        let Opened { incident, journal, opening, .. } = opened;
        let (fleet, events) = (self.inner.fleet.clone(), self.inner.events.clone());
        Isolation { fleet, journal, events, op, incident, epoch, order, opening, pressed }
    }

    /// Lets it run in a task of its own.
    fn start(&self, isolation: Isolation, start: Start) -> Running {
        let (op, incident, bot) = (isolation.op, isolation.incident, isolation.order.bot.clone());
        let (tell, ended) = oneshot::channel();
        let (engine, name) = (self.clone(), bot.clone());
        tokio::spawn(async move {
            // Its reads belong to the strike: they go before those of a refresh.
            let ended = on_behalf(Purpose::Proof, engine.run(isolation, start)).await;
            engine.inner.fleet.end(&name);
            engine.recall().await;
            let told = ended.clone().unwrap_or_else(|error| Ended::nothing_sent(&error.to_string()));
            let _ = engine.inner.events.send(EngineEvent::Ended { op, bot: name.clone(), ended: told });
            let _ = tell.send(ended);
            // Last, so that whoever waits for all to settle has been told each outcome.
            engine.over(&name);
        });
        Running { op, incident, bot, notice: None, ended }
    }

    /// Runs it; where another process has closed the incident since it was held open, in a new one; where the journal
    /// took nothing, without a record if the order says so. An error means that nothing was sent.
    async fn run(&self, isolation: Isolation, start: Start) -> Result<Ended, JournalError> {
        let (order, op, pressed) = (isolation.order.clone(), isolation.op, isolation.pressed);
        let (incident, opening) = (isolation.incident, isolation.opening.clone());
        let again = start.clone();
        let ended = isolation.run(start).await;
        let (Err(error), Start::Fresh(_)) = (&ended, &again) else { return ended };
        let opened = match error {
            JournalError::Closed(_) if order.incident.is_none() => {
                *self.inner.ready.lock().await = None;
                self.open_incident(&order).await.ok()
            }
            JournalError::Closed(_) | JournalError::Superseded { .. } => None,
            error if order.break_glass => {
                let memory = self.inner.store.open_in_memory(incident, error).ok();
                memory.map(|journal| Opened { incident, journal, opening, notice: None })
            }
            _ => None,
        };
        match opened {
            Some(opened) => self.isolation(order, opened, op, 1, pressed).run(again).await,
            None => ended,
        }
    }

    async fn record_refusal(&self, order: &Order, refusal: &Refusal) {
        if !refusal.is_guard() {
            return;
        }
        // A refusal that cannot be recorded is still a refusal.
        if let Ok(host) = self.inner.store.host().await {
            let body = Body::GuardRefused { bot: Some(order.bot.clone()), why: refusal.to_string() };
            let _ = host.commit(vec![Entry::general(body)]).await;
        }
    }
}

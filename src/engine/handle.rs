//! The engine as consoles and commands hold it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::{broadcast, oneshot, watch};
use uuid::Uuid;

use super::{
    BotView, Clock, Ended, EngineEvent, Order, Preflight, Provider, ProviderError, Rechecked, Refusal, Roster,
    Snapshot,
    fleet::{Fleet, judge_again},
    isolation::{Isolation, Start},
};
use crate::domain::{Activity, BotName, Depth, IdentityId, IncidentId, OperationId, ProviderName};
use crate::journal::{Body, Entry, Incident, Journal, JournalError, Operation, Store, fold};

/// Events that a slow console may be behind before it misses some; it then reads the snapshot and the journal again.
const EVENTS_KEPT: usize = 16_384;

/// What an engine is made of.
pub struct Parts {
    /// In the order of the configuration.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Which identities are bots.
    pub roster: Roster,
    /// The journals.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// Look only.
    pub read_only: bool,
}

/// The engine: cheap to clone, alive as long as an isolation runs.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    fleet: Arc<Fleet>,
    store: Store,
    events: broadcast::Sender<EngineEvent>,
    read_only: bool,
    /// How many isolations run.
    running: watch::Sender<usize>,
    /// One isolation is let in at a time, so that two of them join the same new incident.
    door: tokio::sync::Mutex<()>,
    /// An exercise's world begins with the process: older journals tell of other worlds.
    since: Option<IncidentId>,
}

/// An isolation that runs in its own task.
#[derive(Debug)]
pub struct Running {
    /// Its operation.
    pub op: OperationId,
    /// Its incident.
    pub incident: IncidentId,
    /// Its bot.
    pub bot: BotName,
    ended: oneshot::Receiver<Result<Ended, JournalError>>,
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    /// The journal took nothing: nothing was sent.
    pub async fn ended(self) -> Result<Ended, JournalError> {
        self.ended.await.unwrap_or(Err(JournalError::Ended))
    }
}

/// What preflight found at one provider.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its name.
    pub name: ProviderName,
    /// Its kind.
    pub kind: &'static str,
    /// What it found, or why it could not look.
    pub result: Result<Preflight, ProviderError>,
}

impl Engine {
    /// An engine that has read nothing yet.
    pub fn new(parts: Parts) -> Self {
        let since = parts.exercise.as_ref().map(|_| IncidentId::from_uuid(Uuid::now_v7()));
        let fleet = Fleet::new(parts.providers, parts.roster, parts.clock, parts.exercise);
        Self {
            inner: Arc::new(Inner {
                fleet: Arc::new(fleet),
                store: parts.store,
                events: broadcast::channel(EVENTS_KEPT).0,
                read_only: parts.read_only,
                running: watch::channel(0).0,
                door: tokio::sync::Mutex::default(),
                since,
            }),
        }
    }

    /// What is known now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.fleet.snapshot()
    }

    /// What is known, as it changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.inner.fleet.watch()
    }

    /// What happens in isolations from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.inner.events.subscribe()
    }

    /// The journals.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Whether it only looks.
    pub fn read_only(&self) -> bool {
        self.inner.read_only
    }

    /// Time, as the engine has it.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.fleet.clock.clone()
    }

    /// Lists and reads everything once; snapshots come as answers come.
    pub async fn refresh(&self) {
        self.recall().await;
        // Side by side: a server that is mute while it is warmed must not hold up anybody's listing.
        tokio::join!(self.warm(), self.inner.fleet.refresh());
    }

    /// Refreshes every so often, for as long as the future is polled. Reads pause while an isolation runs.
    pub async fn keep_fresh(&self, every: Duration) {
        loop {
            if !self.inner.fleet.is_striking() {
                self.refresh().await;
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Reads one bot's identities again.
    pub async fn refresh_bot(&self, bot: &BotName) {
        self.inner.fleet.refresh_bot(bot).await;
    }

    /// A fresh access token and warm connections at every provider, so that the key finds them.
    async fn warm(&self) {
        let warming = self.inner.fleet.providers.iter().map(|provider| provider.warm());
        // A provider that cannot be warmed shows as unreachable in its listing.
        let _ = futures::future::join_all(warming).await;
    }

    /// Reads the journals again: the newest operation of each bot decides its state.
    async fn recall(&self) {
        let (store, since) = (self.inner.store.clone(), self.inner.since);
        let read = tokio::task::spawn_blocking(move || newest_operations(&store, since)).await;
        if let Ok(operations) = read {
            self.inner.fleet.take_operations(operations);
        }
        self.inner.fleet.publish();
    }

    /// Preflight of every provider.
    pub async fn check(&self) -> Vec<Checked> {
        let checks = self.inner.fleet.providers.iter().map(|provider| async move {
            Checked { name: provider.name().clone(), kind: provider.kind(), result: provider.preflight().await }
        });
        futures::future::join_all(checks).await
    }

    /// What a bot's identities did, each with its provider's answer.
    pub async fn activity(
        &self,
        bot: &BotName,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Vec<(IdentityId, Result<Vec<Activity>, ProviderError>)> {
        let Some(view) = self.snapshot().bot(bot).cloned() else { return Vec::new() };
        let reads = view.family().into_iter().map(|identity| async move {
            let answer = match self.inner.fleet.provider(identity.id.provider()) {
                Some(provider) => provider.activity(&identity, since, limit).await,
                None => Err(ProviderError::BadData(format!("{}: no such provider is configured", identity.id))),
            };
            (identity.id, answer)
        });
        futures::future::join_all(reads).await
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
            Ok((incident, journal, opening)) => {
                Ok(self.start(order, incident, journal, opening, op, 1, pressed, Start::Fresh(view)))
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
                started.push(self.start(order, id, journal, Vec::new(), op, epoch, pressed, start));
            }
        }
        Ok(started)
    }

    /// Reads a bot again and says whether it is still what its isolation left. Changes nothing at a provider.
    ///
    /// # Errors
    /// No bot has that name.
    pub async fn recheck(&self, bot: &BotName) -> Result<Rechecked, Refusal> {
        self.recall().await;
        self.inner.fleet.refresh_bot(bot).await;
        let snapshot = self.snapshot();
        let view = snapshot.bot(bot).ok_or_else(|| Refusal::UnknownBot(bot.shown()))?;
        let operation = self.inner.fleet.operation(bot);
        let at = self.inner.fleet.clock.now();
        let identities = view.family();
        let claimed = operation.as_ref().map(|operation| operation.collateral.as_slice()).unwrap_or_default();
        let collateral = self.inner.fleet.still_open(view.plan.collateral.clone(), claimed);
        let outcome = judge_again(operation.as_ref(), &identities, &view.readings, &collateral, at);
        Ok(Rechecked {
            bot: bot.clone(),
            incident: operation.as_ref().and_then(|operation| self.incident_of(operation.id)),
            op: operation.map(|operation| operation.id),
            outcome,
            at,
        })
    }

    /// Waits until no isolation runs.
    pub async fn settle(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.inner.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// How many isolations run.
    pub fn running(&self) -> usize {
        *self.inner.running.borrow()
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
    async fn open_incident(&self, order: &Order) -> Result<(IncidentId, Journal, Vec<Entry>), Refusal> {
        let store = &self.inner.store;
        if let Some(incident) = order.incident {
            let journal = store.open(incident).await;
            return journal
                .map(|journal| (incident, journal, Vec::new()))
                .map_err(|error| Refusal::NoIncident(format!("{incident}: {error}")));
        }
        // An open incident that takes no more lines (damaged, written by a newer estop) is left for a new one.
        if let Ok(Some(incident)) = store.open_incident()
            && Some(incident) >= self.inner.since
            && let Ok(journal) = store.open(incident).await
        {
            return Ok((incident, journal, Vec::new()));
        }
        let incident = IncidentId::from_uuid(Uuid::now_v7());
        let title = order.reason.clone().or_else(|| Some(format!("isolation of {}", order.bot)));
        let opening = vec![Entry::general(Body::IncidentOpen { title, follows: None })];
        match store.open(incident).await {
            Ok(journal) => Ok((incident, journal, opening)),
            Err(error) if order.break_glass => match store.open_in_memory(incident, &error) {
                Ok(journal) => Ok((incident, journal, opening)),
                Err(error) => Err(Refusal::NoSink(error.to_string())),
            },
            Err(error) => Err(Refusal::NoSink(error.to_string())),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one isolation, put together in this one place")]
    fn start(
        &self,
        order: Order,
        incident: IncidentId,
        journal: Journal,
        opening: Vec<Entry>,
        op: OperationId,
        epoch: u32,
        pressed: Duration,
        start: Start,
    ) -> Running {
        let bot = order.bot.clone();
        let (tell, ended) = oneshot::channel();
        let isolation = Isolation {
            fleet: self.inner.fleet.clone(),
            journal,
            events: self.inner.events.clone(),
            op,
            incident,
            epoch,
            order,
            opening,
            pressed,
        };
        let engine = self.clone();
        let name = bot.clone();
        tokio::spawn(async move {
            let ended = isolation.run(start).await;
            engine.over(&name);
            engine.recall().await;
            if let Ok(ended) = &ended {
                let event = EngineEvent::Ended { op, bot: name, ended: ended.clone() };
                let _ = engine.inner.events.send(event);
            }
            let _ = tell.send(ended);
        });
        Running { op, incident, bot, ended }
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

    fn read_incident(&self, id: IncidentId) -> Result<Incident, JournalError> {
        Ok(fold(id, &self.inner.store.read(id)?.records))
    }

    fn incident_of(&self, op: OperationId) -> Option<IncidentId> {
        let incidents = self.inner.store.incidents().ok()?;
        let has = |id: &IncidentId| {
            self.read_incident(*id).is_ok_and(|incident| incident.operations.iter().any(|one| one.id == op))
        };
        incidents.into_iter().rev().find(has)
    }
}

fn newest_of_each_bot(incident: Incident) -> HashMap<BotName, Operation> {
    incident.operations.into_iter().map(|operation| (operation.bot.clone(), operation)).collect()
}

/// The newest operation of each bot over all incidents that can be read.
fn newest_operations(store: &Store, since: Option<IncidentId>) -> HashMap<BotName, Operation> {
    let mut newest = HashMap::new();
    for id in store.incidents().unwrap_or_default().into_iter().filter(|id| Some(*id) >= since) {
        if let Ok(recorded) = store.read(id) {
            newest.extend(newest_of_each_bot(fold(id, &recorded.records)));
        }
    }
    newest
}

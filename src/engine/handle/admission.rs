//! How an isolation comes to run: guards, its incident, and a task of its own.
//!
//! ```text
//! Order ─▶ guard ─▶ begin (one a bot) ─▶ incident (open one, or new) ─▶ task ─▶ over
//! ```

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Engine, Running, hold::Watched, retry::again};
use crate::domain::{BotName, Depth, IncidentId, OperationId, Outcome};
use crate::engine::{
    BotView, Ended, EngineEvent, Hold, Leaked, Login, Order, Purpose, Refusal, Right,
    isolation::{Isolation, Start},
    on_behalf,
    work::Work,
};
use crate::journal::{Body, Claimant, Entry, Journal, JournalError, Operation};

/// An open incident's journal, as it was when the newest incident was `newest`.
pub(super) struct Ready {
    newest: IncidentId,
    incident: IncidentId,
    journal: Journal,
}

/// An incident, its journal, and the entries that open it where it is new.
pub(super) struct Opened {
    pub(super) incident: IncidentId,
    pub(super) journal: Journal,
    pub(super) opening: Vec<Entry>,
    /// Why the open incident was not joined.
    pub(super) notice: Option<String>,
}

impl Opened {
    /// One that there was.
    pub(super) const fn joined(incident: IncidentId, journal: Journal) -> Self {
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
    pub(super) async fn ready(&self) -> Option<(IncidentId, Journal)> {
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
        self.may(Right::Isolate)?;
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
        if let Some(foreign) = order.leaked.iter().find(|leaked| leaked.owner.bot.as_ref() != Some(&order.bot)) {
            let fingerprint = foreign.secret.fingerprint();
            return Err(Refusal::NotItsSecret { bot: order.bot.clone(), fingerprint });
        }
        let (hits, cap) = (view.hits(), self.inner.rules.collateral_cap);
        if hits > cap && !order.name_typed {
            return Err(Refusal::Collateral { bot: order.bot.clone(), hits, cap });
        }
        let plan = if order.depth == Depth::Burn { &view.burn } else { &view.plan };
        match &order.plan {
            Some(wanted) if *wanted != plan.hash => {
                Err(Refusal::PlanChanged { bot: order.bot.clone(), is: plan.hash.clone() })
            }
            _ => Ok(view),
        }
    }

    /// What the name that was typed lets through: recorded with the intent.
    fn overridden(&self, order: &Order, view: &BotView) -> Vec<Entry> {
        let hits = view.hits();
        let guards = [
            view.bot.protected.then(|| "it is protected by the configuration".to_owned()),
            (hits > self.inner.rules.collateral_cap).then(|| format!("it hits {hits} other bots")),
        ];
        let typed = guards.into_iter().flatten().filter(|_| order.name_typed);
        let entry = |why: String| {
            let why = format!("{why}; its name was typed");
            Entry::general(Body::GuardOverride { bot: order.bot.clone(), why })
        };
        typed.map(entry).collect()
    }

    /// Isolates: guards, then a task of its own that no screen can stop.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was sent.
    pub async fn isolate(&self, order: Order) -> Result<Running, Refusal> {
        let pressed = self.inner.fleet.clock.monotonic();
        let order = self.with_leaked(order);
        let view = match self.guard(&order) {
            Ok(view) => view,
            Err(refusal) => {
                self.record_refusal(Some(&order.bot), &refusal).await;
                return Err(refusal);
            }
        };
        if let Some(theirs) = self.inner.fleet.operation(&order.bot).filter(|one| self.elsewhere(one).is_some())
            && let Some(incident) = self.incident_of(theirs.id)
            && !self.is_out_of_reach(incident).await
        {
            self.begin(&order.bot, theirs.id)?;
            let engine = self.clone();
            let followed = async move { engine.follow(incident, theirs.id).await };
            return Ok(self.spawn(theirs.id, incident, order.bot, order.hold, followed));
        }
        let op = OperationId::from_uuid(Uuid::now_v7());
        self.begin(&order.bot, op)?;
        let opened = {
            let _door = self.inner.door.lock().await;
            self.open_incident(&order).await
        };
        match opened {
            Ok(mut opened) => {
                opened.opening.extend(self.overridden(&order, &view));
                let notice = opened.notice.take();
                let isolation = self.isolation(order, opened, op, 1, pressed);
                Ok(Running { notice, ..self.start(isolation, Start::Fresh(view)) })
            }
            Err(refusal) => {
                self.over(&order.bot, op);
                Err(refusal)
            }
        }
    }

    /// Finishes what other processes left, under their keys. What a living process is at work on is left to it:
    /// [`Engine::held`] tells.
    ///
    /// A console that only looks resumes nothing.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub async fn resume(&self, incident: Option<IncidentId>) -> Result<Vec<Running>, JournalError> {
        self.resume_from(incident, false).await
    }

    /// The same; where somebody insists, also from processes that live: for one that hangs.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub async fn resume_from(
        &self,
        incident: Option<IncidentId>,
        take_over: bool,
    ) -> Result<Vec<Running>, JournalError> {
        let mut started = Vec::new();
        if self.may(Right::Resume).is_err() {
            return Ok(started);
        }
        let left = self.unfinished(incident)?;
        let incidents = self.incidents().await?;
        for (id, operation) in left {
            if self.elsewhere(&operation).is_some() && !take_over {
                continue;
            }
            let running = match operation.restores {
                Some(_) => self.resume_restore(id, operation, &incidents).await?,
                None => self.resume_isolation(id, operation).await?,
            };
            started.extend(running);
        }
        Ok(started)
    }

    async fn resume_isolation(&self, id: IncidentId, operation: Operation) -> Result<Option<Running>, JournalError> {
        if self.begin(&operation.bot, operation.id).is_err() {
            return Ok(None);
        }
        match self.inner.store.open(id).await {
            Ok(journal) => Ok(Some(self.take_over(id, journal, operation))),
            Err(error) => {
                self.over(&operation.bot, operation.id);
                Err(error)
            }
        }
    }

    /// The bots that living processes are at work on, and which.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn held(&self, incident: Option<IncidentId>) -> Result<Vec<(BotName, Claimant)>, JournalError> {
        let unfinished = self.unfinished(incident)?.into_iter();
        Ok(unfinished.filter_map(|(_, one)| Some((one.bot.clone(), self.elsewhere(&one)?))).collect())
    }

    /// Goes on with an operation under a higher epoch.
    pub(super) fn take_over(&self, incident: IncidentId, journal: Journal, operation: Operation) -> Running {
        let pressed = self.inner.fleet.clock.monotonic();
        let mut order = again(&operation);
        order.hold = Hold::AsNeeded;
        order.leaked = self.inner.fleet.leaked_of(&order.bot);
        let (op, epoch) = (operation.id, operation.next_epoch());
        let isolation = self.isolation(order, Opened::joined(incident, journal), op, epoch, pressed);
        self.start(isolation, Start::Left(Box::new(operation)))
    }

    /// What the order brings along is handed over, so that the plan ends it; what was handed over before comes along.
    fn with_leaked(&self, mut order: Order) -> Order {
        let (own, foreign): (Vec<Leaked>, Vec<Leaked>) = std::mem::take(&mut order.leaked)
            .into_iter()
            .partition(|leaked| leaked.owner.bot.as_ref() == Some(&order.bot));
        self.inner.fleet.hand_over(&order.bot, &own);
        order.leaked = self.inner.fleet.leaked_of(&order.bot);
        // The guard refuses these.
        order.leaked.extend(foreign);
        order
    }

    pub(super) fn begin(&self, bot: &BotName, op: OperationId) -> Result<(), Refusal> {
        let begun = self.inner.fleet.begin(bot, op);
        begun.map_err(|op| Refusal::Running { bot: bot.clone(), op })?;
        self.inner.running.send_modify(|running| *running += 1);
        Ok(())
    }

    pub(super) fn over(&self, bot: &BotName, op: OperationId) {
        self.inner.fleet.end(bot, op);
        self.inner.running.send_modify(|running| *running = running.saturating_sub(1));
    }

    /// Whether somebody has the lock of an incident's journal for longer than any commit takes: what is under way there
    /// is stuck, and is not waited for.
    async fn is_out_of_reach(&self, incident: IncidentId) -> bool {
        matches!(self.inner.store.open(incident).await, Err(JournalError::Locked { .. }))
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
        let _turn = store.turn().await;
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

    pub(super) fn isolation(
        &self,
        order: Order,
        opened: Opened,
        op: OperationId,
        epoch: u32,
        pressed: Duration,
    ) -> Isolation {
        let Opened { incident, journal, opening, .. } = opened;
        let work = self.work(&order.bot, op, incident, journal, epoch);
        Isolation { work, order, opening, pressed }
    }

    /// What an operation of a bot works with.
    pub(super) fn work(
        &self,
        bot: &BotName,
        op: OperationId,
        incident: IncidentId,
        journal: Journal,
        epoch: u32,
    ) -> Work {
        let (fleet, events) = (self.inner.fleet.clone(), self.inner.events.clone());
        let (store, bot) = (self.inner.store.clone(), bot.clone());
        Work { fleet, journal, store, events, bot, op, incident, epoch }
    }

    /// Lets it run in a task of its own.
    pub(super) fn start(&self, isolation: Isolation, start: Start) -> Running {
        let (op, incident, bot) = (isolation.work.op, isolation.work.incident, isolation.order.bot.clone());
        let hold = isolation.order.hold;
        let engine = self.clone();
        self.spawn(op, incident, bot, hold, async move {
            // Its reads belong to the strike: they go before those of a refresh.
            on_behalf(Purpose::Proof, engine.run(isolation, start)).await
        })
    }

    /// Lets something that ends as an isolation does run in a task of its own.
    fn spawn(
        &self,
        op: OperationId,
        incident: IncidentId,
        bot: BotName,
        hold: Hold,
        running: impl Future<Output = Result<Ended, JournalError>> + Send + 'static,
    ) -> Running {
        let (tell, ended) = oneshot::channel();
        let (engine, name) = (self.clone(), bot.clone());
        tokio::spawn(async move {
            let mut ended = running.await;
            engine.inner.fleet.end(&name, op);
            engine.recall().await;
            if let Ok(ended) = &mut ended {
                engine.hold_on(&name, hold, ended).await;
            }
            let told = ended.clone().unwrap_or_else(|error| Ended::nothing_sent(&error.to_string()));
            let _ = engine.inner.events.send(Arc::new(EngineEvent::Ended { op, bot: name.clone(), ended: told }));
            let _ = tell.send(ended);
            // Last, so that whoever waits for all to settle has been told each outcome.
            engine.inner.running.send_modify(|running| *running = running.saturating_sub(1));
        });
        Running { op, incident, bot, notice: None, ended }
    }

    /// Keeps the bot dark for as long as the order says. What is found goes into the outcome, where the order waits.
    async fn hold_on(&self, bot: &BotName, hold: Hold, ended: &mut Ended) {
        let dark = matches!(ended.outcome, Outcome::Dark | Outcome::DarkAt { .. });
        let Some(operation) = self.inner.fleet.operation(bot).filter(|_| dark && hold != Hold::No) else { return };
        let Some(incident) = self.incident_of(operation.id) else { return };
        let watch = Watched { incident, op: operation.id, bot: bot.clone() };
        match hold {
            Hold::No => {}
            Hold::AsNeeded => {
                if let Some(left) = self.needed(bot) {
                    self.watch_beside(watch, left);
                }
            }
            Hold::For(length) => {
                let alive = self.hold(&watch, length).await;
                if !alive.is_empty() {
                    ended.outcome = Outcome::Contradicted { alive, reasons: Vec::new() };
                    ended.time_to_dark_ms = None;
                }
            }
        }
    }

    /// Runs it; where another process has closed the incident since it was held open, in a new one; where another
    /// process isolates the same bot, nothing is sent and that one is followed; where no disk took the intent, without a
    /// record if the order says so. An error means that nothing was sent.
    async fn run(&self, isolation: Isolation, start: Start) -> Result<Ended, JournalError> {
        let (order, op, pressed) = (isolation.order.clone(), isolation.work.op, isolation.pressed);
        let (incident, opening) = (isolation.work.incident, isolation.opening.clone());
        let again = start.clone();
        let ended = isolation.run(start).await;
        let opened = match (&ended, &again) {
            (Err(JournalError::Claimed { op } | JournalError::Superseded { op, .. }), _) => {
                return self.follow(incident, *op).await;
            }
            (Err(JournalError::Closed(_)), Start::Fresh(_)) if order.incident.is_none() => {
                *self.inner.ready.lock().await = None;
                self.open_incident(&order).await.ok()
            }
            (Err(JournalError::Closed(_) | JournalError::Ended), _) => None,
            (Err(error), Start::Fresh(_)) if order.break_glass => {
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

    /// Puts a guard's refusal on record in the host's journal, with the person. A refusal that cannot be recorded is
    /// still a refusal.
    pub async fn record_refusal(&self, bot: Option<&BotName>, refusal: &Refusal) {
        if !refusal.is_guard() {
            return;
        }
        if let Ok(host) = self.inner.store.host().await {
            let Login { uid, name } = self.inner.rules.people.login();
            let body = Body::GuardRefused { bot: bot.cloned(), why: format!("{refusal} (asked by {name}, uid {uid})") };
            let _ = host.commit(vec![Entry::general(body)]).await;
        }
    }
}

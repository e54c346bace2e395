//! The engine as consoles and commands hold it.

mod admission;
mod elsewhere;
mod history;
mod hold;
mod identify;
mod inventory;
mod record;
mod restore;
mod retry;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, oneshot, watch};
use uuid::Uuid;

use admission::Ready;
use hold::WatchedEnds;
use inventory::Keeper;
pub use record::{Confirmed, WaitingStep};

use super::{
    Clock, Ended, EngineEvent, Preflight, Provider, ProviderError, Rechecked, Refusal, Right, Roster, Rules, Snapshot,
    deadline::Allowance,
    fleet::{Fleet, judge_again},
    people,
};
use crate::domain::{Activity, BotName, Identity, IdentityId, IncidentId, OperationId, ProviderName};
use crate::journal::{JournalError, Store};

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
    /// Who may do what.
    pub rules: Rules,
}

/// The engine: cheap to clone, alive as long as an isolation runs.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    fleet: Arc<Fleet>,
    store: Store,
    events: broadcast::Sender<Arc<EngineEvent>>,
    read_only: bool,
    rules: Rules,
    /// Why the person only views, found out once: on the way from the key to the wire no directory is asked. Whoever
    /// joins or leaves the group is let in or kept out from the next start on, as with any login.
    viewer: std::sync::OnceLock<Option<String>>,
    /// How many operations run.
    running: watch::Sender<usize>,
    /// One isolation is let in at a time, so that two of them join the same new incident.
    door: tokio::sync::Mutex<()>,
    /// The journal that the next isolation joins, held open so that the key does not wait for it to be read.
    ready: tokio::sync::Mutex<Option<Ready>>,
    /// An exercise's world begins with the process: older journals tell of other worlds.
    since: Option<IncidentId>,
    /// Ends of operations that are watched here.
    watched: WatchedEnds,
    /// Operations of other processes that are shown here.
    followed: WatchedEnds,
    /// Whether other processes are looked for.
    looks_around: std::sync::atomic::AtomicBool,
    /// The inventory on disk.
    keeper: Keeper,
    /// Whether the journals were read once.
    journal_read: watch::Sender<bool>,
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
    /// Why it is in an incident of its own although one was open.
    pub notice: Option<String>,
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
        let fleet = Fleet::new(parts.providers, parts.roster, parts.clock, parts.exercise, parts.rules.policy());
        Self {
            inner: Arc::new(Inner {
                fleet: Arc::new(fleet),
                store: parts.store,
                events: broadcast::channel(EVENTS_KEPT).0,
                read_only: parts.read_only,
                rules: parts.rules,
                viewer: std::sync::OnceLock::new(),
                running: watch::channel(0).0,
                door: tokio::sync::Mutex::default(),
                ready: tokio::sync::Mutex::default(),
                since,
                watched: WatchedEnds::default(),
                followed: WatchedEnds::default(),
                looks_around: std::sync::atomic::AtomicBool::new(false),
                keeper: Keeper::default(),
                journal_read: watch::Sender::new(false),
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
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<EngineEvent>> {
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

    /// Whether the person in front of it may do something: what a screen shows as off, and why.
    ///
    /// # Errors
    /// [`Refusal::ReadOnly`] or [`Refusal::Viewer`].
    pub fn may(&self, right: Right) -> Result<(), Refusal> {
        if self.inner.read_only {
            return Err(Refusal::ReadOnly);
        }
        match self.inner.viewer.get_or_init(|| self.inner.rules.viewer()) {
            None => Ok(()),
            Some(why) => Err(people::refused(right, why)),
        }
    }

    /// Who may do what.
    pub fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// Time, as the engine has it.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.fleet.clock.clone()
    }

    /// Lists and reads everything once; snapshots come as answers come. While an isolation runs, ordinary reads pause.
    pub async fn refresh(&self) {
        if self.inner.fleet.is_striking() {
            return;
        }
        self.recall().await;
        // Side by side: a server that is mute while it is warmed must not hold up anybody's listing.
        tokio::join!(self.warm(), self.inner.fleet.refresh());
    }

    /// Reads one bot's identities again.
    pub async fn refresh_bot(&self, bot: &BotName) {
        self.inner.fleet.refresh_bot(bot).await;
    }

    /// A fresh access token and warm connections at every provider, so that the key finds them.
    async fn warm(&self) {
        let warming = self
            .inner
            .fleet
            .providers
            .iter()
            .map(|provider| async move { Allowance::new(provider.limits().deadline).run(provider.warm()).await });
        // A provider that cannot be warmed shows as unreachable in its listing.
        let _ = futures::future::join_all(warming).await;
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
                Some(provider) => self.activity_at(provider.as_ref(), &identity, since, limit).await,
                None => Err(ProviderError::BadData(format!("{}: no such provider is configured", identity.id))),
            };
            (identity.id, answer)
        });
        futures::future::join_all(reads).await
    }

    /// Whoever has kept the refresh before this waiting is not waited for once more.
    async fn activity_at(
        &self,
        provider: &dyn Provider,
        identity: &Identity,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Activity>, ProviderError> {
        let name = provider.name();
        if self.inner.fleet.has_used_up_its_time(name) {
            return Err(ProviderError::Transient(format!("{name} did not answer in time: try again")));
        }
        let answer = Allowance::new(provider.limits().deadline).run(provider.activity(identity, since, limit)).await;
        answer.unwrap_or_else(|| Err(ProviderError::Transient(format!("{name} did not answer in time: try again"))))
    }

    /// Reads a bot again and says whether it is still what its isolation left. Changes nothing at a provider.
    ///
    /// # Errors
    /// No bot has that name.
    pub async fn recheck(&self, bot: &BotName) -> Result<Rechecked, Refusal> {
        self.recall().await;
        let unknown = || Refusal::UnknownBot(bot.shown());
        let family = self.snapshot().bot(bot).ok_or_else(unknown)?.family();
        let operation = self.inner.fleet.operation(bot).filter(|operation| operation.restores.is_none());
        // What the isolation found stays under watch, also where the provider's log no longer tells whose child it is.
        let recorded = operation.iter().flat_map(|operation| &operation.snapshot).map(|reading| &reading.identity);
        let identities = recorded.fold(family, |mut all, one| {
            if !all.iter().any(|known| known.id == one.id) {
                all.push(one.clone());
            }
            all
        });
        self.inner.fleet.read_all(identities.clone()).await;
        self.inner.fleet.publish();
        let snapshot = self.snapshot();
        let view = snapshot.bot(bot).ok_or_else(unknown)?;
        let at = self.inner.fleet.clock.now();
        let claimed = operation.as_ref().map(|operation| operation.collateral.as_slice()).unwrap_or_default();
        let collateral = self.inner.fleet.still_open(view.plan.collateral.clone(), claimed);
        let readings = self.inner.fleet.readings_of(&identities);
        let outcome = judge_again(operation.as_ref(), &identities, &readings, &collateral, at);
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
}

//! Holding bots dark: a task each, which reads on after the isolation and puts what contradicts it on record.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Engine, Right};
use crate::domain::{
    BotName, BotState, Contradiction, IncidentId, OperationId, Outcome, ProbeKind, Reading, ReadingSet, StepId,
};
use crate::engine::{
    EngineEvent,
    fleet::{self, judge_again},
    hold::{Baseline, pause, residual_ends, used, uses, watched, watched_until},
    identify::use_for,
};
use crate::journal::{Body, Entry, JournalError, Operation, fold};

/// Activity that one look asks for.
const ACTIVITY: usize = 50;

/// What is watched.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub incident: IncidentId,
    pub op: OperationId,
    pub bot: BotName,
}

impl Engine {
    /// What a console does after each refresh: watches every bot that is dark and whose time is not over, whoever
    /// isolated it, and puts on record what the refresh found alive. From the first call on it follows what other
    /// processes write. Who only looks watches nothing, for it could not record anything.
    pub async fn keep_watch(&self) {
        self.look_around();
        if self.may(Right::Isolate).is_err() {
            return;
        }
        let now = self.inner.fleet.clock.now();
        for operation in self.inner.fleet.operations() {
            let Some(until) = watched_until(&operation, self.propagation(&operation)) else { continue };
            let Some(incident) = self.incident_of(operation.id) else { continue };
            let watch = Watched { incident, op: operation.id, bot: operation.bot.clone() };
            let state = self.snapshot().bot(&operation.bot).map(|view| view.state);
            if state == Some(BotState::Contradicted) && operation.after_dark.is_empty() {
                let found = self.judged(&operation);
                self.contradict(&watch, found).await;
            }
            if let Ok(left) = Duration::try_from(until.duration_since(now))
                && !left.is_zero()
            {
                self.watch_beside(watch, left);
            }
        }
    }

    /// Watches in a task of its own, once for each end of an operation.
    pub(super) fn watch_beside(&self, watch: Watched, left: Duration) {
        let Some(operation) = self.inner.fleet.operation(&watch.bot).filter(|one| one.id == watch.op) else { return };
        let key = (operation.id, operation.epoch);
        if !self.inner.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key) {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move { engine.hold(&watch, left).await });
    }

    /// Until when a bot is held dark; `None`: it is not dark, or its time is over.
    pub fn watched_until(&self, bot: &BotName) -> Option<Timestamp> {
        let operation = self.inner.fleet.operation(bot).filter(|operation| operation.restores.is_none())?;
        let until = watched_until(&operation, self.propagation(&operation))?;
        (until > self.inner.fleet.clock.now()).then_some(until)
    }

    /// How long a console watches what has just ended.
    pub(super) fn needed(&self, bot: &BotName) -> Option<Duration> {
        let operation = self.inner.fleet.operation(bot)?;
        let until = watched_until(&operation, self.propagation(&operation))?;
        Duration::try_from(until.duration_since(self.inner.fleet.clock.now())).ok()
    }

    fn propagation(&self, operation: &Operation) -> Duration {
        let providers = operation.identities.iter().filter_map(|one| self.inner.fleet.provider(one.id.provider()));
        providers.map(|provider| provider.propagation()).max().unwrap_or_default()
    }

    /// Reads on for so long; ends early where somebody strikes the bot again or takes it back. What was found is on
    /// record by then: everything that is usable, as [`Operation::after_dark`] has it.
    pub(super) async fn hold(&self, watch: &Watched, length: Duration) -> Vec<Contradiction> {
        let clock = self.inner.fleet.clock.clone();
        let began = clock.monotonic();
        let mut found = Vec::new();
        let Some(first) = self.inner.fleet.operation(&watch.bot).filter(|one| one.id == watch.op) else { return found };
        let known = watched(&first, &self.inner.fleet.readings_of(&watched(&first, &ReadingSet::default())));
        let mut baseline = Baseline::of(&self.inner.fleet.readings_of(&known));
        let mut residual = residual_ends(&first.residual);
        let mut last_use = None;
        loop {
            let since = clock.monotonic().saturating_sub(began);
            let left = length.saturating_sub(since);
            // A restore opens on purpose what the watch would ring for.
            if self.inner.fleet.runs(&watch.bot).is_some() {
                return found;
            }
            // Whoever is being struck comes first: a look waits.
            if !self.inner.fleet.is_striking() {
                let same = |one: &Operation| one.id == first.id && one.epoch == first.epoch;
                let Some(operation) = self.inner.fleet.operation(&watch.bot).filter(same) else { return found };
                let mut alive = self.look(&operation, &mut baseline).await;
                let is_over = residual.is_some_and(|ends| ends <= clock.now());
                if uses(since, last_use, is_over || left.is_zero()) {
                    last_use = Some(since);
                    alive.extend(self.use_again(watch, &operation).await);
                }
                found.extend(self.contradict(watch, alive).await);
                if is_over {
                    residual = None;
                    self.went_dark(watch, &first, found.is_empty()).await;
                }
            }
            if left.is_zero() {
                return found;
            }
            tokio::time::sleep(pause(since).min(left)).await;
        }
    }

    /// One look: everything is read again, and its activity since the cut.
    async fn look(&self, operation: &Operation, baseline: &mut Baseline) -> Vec<Contradiction> {
        let fleet = &self.inner.fleet;
        let known = watched(operation, &fleet.readings_of(&watched(operation, &ReadingSet::default())));
        fleet.read_all(known.clone()).await;
        fleet.publish();
        let readings = fleet.readings_of(&watched(operation, &fleet.readings_of(&known)));
        baseline.learn(&readings, &known);
        let mut alive = self.judged(operation);
        for new in baseline.appeared(&readings) {
            if !alive.iter().any(|one| one.step == new.step) {
                alive.push(new);
            }
        }
        let gates = fleet::gates(&operation.steps);
        for identity in &known {
            let Some(provider) = fleet.provider(identity.id.provider()) else { continue };
            let ended = operation.ended.as_ref().map_or(operation.started_at, |end| end.at);
            let cut = gates.get(&identity.id).map_or_else(|| ended.as_second(), fleet::GateAnswer::second);
            let cut = cut.saturating_add(i64::try_from(provider.propagation().as_secs()).unwrap_or(i64::MAX));
            let since = Timestamp::from_second(cut).ok();
            if let Ok(activity) = provider.activity(identity, since, ACTIVITY).await {
                alive.extend(used(identity, &activity, cut));
            }
        }
        alive
    }

    /// Uses what leaked once more, where that makes nothing; what was let in.
    async fn use_again(&self, watch: &Watched, operation: &Operation) -> Vec<Contradiction> {
        let mut let_in = Vec::new();
        let leaked = self.inner.fleet.leaked_of(&watch.bot);
        for leaked in leaked.iter().filter(|one| one.owner.probe == ProbeKind::ReadOnly) {
            let used = use_for(&self.inner.fleet, watch.op, &watch.bot, leaked).await;
            self.record_watch(watch, operation, used.record).await;
            let _ = self.inner.events.send(Arc::new(used.told));
            let_in.extend(used.let_in);
        }
        let_in
    }

    /// With the operation; where its incident takes no more lines, in the host's own record. What cannot be recorded is
    /// told all the same.
    async fn record_watch(&self, watch: &Watched, operation: &Operation, body: Body) {
        let entry = Entry::of(operation.id, operation.epoch, body.clone());
        if self.commit_to(watch.incident, entry).await.is_err()
            && let Ok(host) = self.inner.store.host().await
        {
            let _ = host.commit(vec![Entry::general(body)]).await;
        }
    }

    /// Puts one line into an incident's journal.
    pub(super) async fn commit_to(&self, incident: IncidentId, entry: Entry) -> Result<(), JournalError> {
        self.inner.store.open(incident).await?.commit(vec![entry]).await.map(drop)
    }

    /// What the newest readings prove to be alive.
    fn judged(&self, operation: &Operation) -> Vec<Contradiction> {
        let fleet = &self.inner.fleet;
        let identities = watched(operation, &fleet.readings_of(&watched(operation, &ReadingSet::default())));
        let readings = fleet.readings_of(&identities);
        let current = self.snapshot().bot(&operation.bot).map(|view| view.plan.collateral.clone()).unwrap_or_default();
        let collateral = fleet.still_open(current, &operation.collateral);
        match judge_again(Some(operation), &identities, &readings, &collateral, fleet.clock.now()) {
            Outcome::Contradicted { alive, .. } => alive,
            _ => Vec::new(),
        }
    }

    /// Puts on record what is not there yet, tells, and opens the plan again; what was new.
    async fn contradict(&self, watch: &Watched, alive: Vec<Contradiction>) -> Vec<Contradiction> {
        if alive.is_empty() {
            return alive;
        }
        // Another console may have seen the same: what is on record is told once.
        let Ok(Some(operation)) = self.read_operation(watch.incident, watch.op).await else { return Vec::new() };
        if self.is_being_restored(&watch.bot).await {
            return Vec::new();
        }
        let is_new = |one: &Contradiction| !operation.after_dark.iter().any(|known| known.step == one.step);
        let alive: Vec<Contradiction> = alive.into_iter().filter(is_new).collect();
        if alive.is_empty() {
            return alive;
        }
        let entry = Entry::of(operation.id, operation.epoch, Body::Contradicted { alive: alive.clone() });
        if let Err(JournalError::Closed(_)) = self.commit_to(watch.incident, entry).await {
            // Nothing is appended to a closed incident: another one names it. What cannot be recorded is told all the
            // same.
            let _ = self.follow_up(watch, &operation, &alive).await;
        }
        self.recall().await;
        let told = EngineEvent::Contradicted { op: watch.op, bot: watch.bot.clone(), alive: alive.clone() };
        let _ = self.inner.events.send(Arc::new(told));
        alive
    }

    /// Whether somebody, in whichever process, takes the bot back: what opens then opens on purpose.
    async fn is_being_restored(&self, bot: &BotName) -> bool {
        let Ok(incidents) = self.incidents().await else { return false };
        let operations = incidents.iter().flat_map(|incident| &incident.operations).filter(|one| one.bot == *bot);
        operations.max_by_key(|one| one.last_at).is_some_and(|newest| newest.restores.is_some())
    }

    /// A new incident that names the closed one, with the operation that is to be struck again.
    async fn follow_up(&self, watch: &Watched, old: &Operation, alive: &[Contradiction]) -> Result<(), JournalError> {
        let (incident, op) = (IncidentId::from_uuid(Uuid::now_v7()), OperationId::from_uuid(Uuid::now_v7()));
        let readings = self.inner.fleet.readings_of(&watched(old, &ReadingSet::default()));
        let journal = self.inner.store.open(incident).await?;
        let title = Some(format!("{} is usable after dark", old.bot));
        let mut entries = vec![Entry::general(Body::IncidentOpen { title, follows: Some(watch.incident) })];
        let claim = Body::OpClaim {
            bot: old.bot.clone(),
            depth: old.depth,
            reason: old.reason.clone(),
            identities: watched(old, &readings),
            collateral: old.collateral.clone(),
            resumed: false,
            restores: None,
        };
        let snapshot = |reading: &Reading| Body::snapshot(&old.bot, reading);
        let detail = Outcome::Contradicted { alive: alive.to_vec(), reasons: Vec::new() };
        let end = Body::OpEnd {
            bot: old.bot.clone(),
            outcome: detail.word().to_owned(),
            detail,
            cut_at: old.cut_at,
            time_to_first_cut_ms: None,
            time_to_verified_ms: None,
        };
        let said = Body::Contradicted { alive: alive.to_vec() };
        let bodies = [claim].into_iter().chain(readings.iter().map(snapshot)).chain([end, said]);
        entries.extend(bodies.map(|body| Entry::of(op, 1, body)));
        journal.commit(entries).await.map(drop)
    }

    /// The last residual is over. Dark is said only where nothing was found.
    async fn went_dark(&self, watch: &Watched, operation: &Operation, quiet: bool) {
        if !quiet || !operation.after_dark.is_empty() {
            return;
        }
        // Where it cannot be recorded, clock and residual tell the same.
        if let Ok(journal) = self.inner.store.open(watch.incident).await {
            let body = Body::ResidualDark { at: self.inner.fleet.clock.now() };
            let _ = journal.commit(vec![Entry::of(operation.id, operation.epoch, body)]).await;
        }
        self.recall().await;
    }

    /// An operation as its journal has it now.
    pub(super) async fn read_operation(
        &self,
        incident: IncidentId,
        op: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        Ok(self.read_with_lines(incident, op).await?.map(|(operation, _)| operation))
    }

    /// The same, with the newest line of each of its steps.
    pub(super) async fn read_with_lines(
        &self,
        incident: IncidentId,
        op: OperationId,
    ) -> Result<Option<(Operation, BTreeMap<StepId, u64>)>, JournalError> {
        let store = self.inner.store.clone();
        let read =
            tokio::task::spawn_blocking(move || store.read(incident)).await.map_err(|_| JournalError::Ended)??;
        let mine = read.records.iter().filter(|record| record.op == Some(op));
        let lines = mine.filter_map(|record| Some((record.body.known()?.step()?.clone(), record.seq))).collect();
        Ok(fold(incident, &read.records).operation(op).map(|operation| (operation.clone(), lines)))
    }
}

/// Which ends of operations are watched already in this process.
pub(super) type WatchedEnds = Arc<std::sync::Mutex<std::collections::HashSet<(OperationId, u32)>>>;

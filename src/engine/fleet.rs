//! The fleet: per-provider refresh with a deadline, staleness, correlation.
//!
//! ```text
//! inventory ─▶ listings ─┐
//! holdings ──▶ readings ─┼─▶ assemble ─▶ Snapshot (plans, states, collateral)
//! journal ───▶ records ──┘
//! ```
//!
//! A dead provider costs a badge, never a wait: its old listing stays, marked with its age and error.

mod assemble;
mod leaked;
mod recalled;
mod refresh;
mod state;

use recalled::Recalled;
pub(super) use state::{GateAnswer, gates, judge_again, sent};

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Budget, Clock, LONGEST_PAUSE, Leaked, Others, Provider, ProviderError, Roster, Snapshot, backoff, roster::Census,
};
use crate::domain::{
    BotName, Collateral, Identity, IdentityId, IdentityState, OperationId, Policy, ProviderName, Reading, ReadingSet,
};
use crate::journal::Operation;

/// A provider that has not answered a whole listing by then is shown as unreachable.
const REFRESH_DEADLINE: Duration = Duration::from_mins(1);
/// Attempts of one read that an isolation stands on.
const READ_ATTEMPTS: usize = 3;

/// What is known, and how to learn more.
pub(super) struct Fleet {
    pub providers: Vec<Arc<dyn Provider>>,
    pub roster: Roster,
    pub clock: Arc<dyn Clock>,
    pub exercise: Option<String>,
    /// Thresholds of the findings.
    policy: Policy,
    /// One a provider, shared by all isolations and refreshes.
    budgets: BTreeMap<ProviderName, Budget>,
    known: Mutex<Known>,
    published: watch::Sender<Arc<Snapshot>>,
}

/// Everything that was read, by whom it was read.
#[derive(Default)]
struct Known {
    revision: u64,
    listings: HashMap<ProviderName, Listed>,
    readings: BTreeMap<IdentityId, Reading>,
    errors: HashMap<IdentityId, String>,
    own: HashMap<ProviderName, IdentityId>,
    /// Providers that have used up their time in the newest refresh.
    spent: HashSet<ProviderName>,
    /// The newest operation of each bot, as the journal has it.
    operations: HashMap<BotName, Operation>,
    /// Bots whose isolation or restore runs in this process.
    running: HashMap<BotName, Run>,
    /// Bots that another process isolates.
    elsewhere: HashSet<BotName>,
    /// Leaked secrets that were handed over, of each bot.
    leaked: HashMap<BotName, Vec<Leaked>>,
    /// What is of an earlier process.
    recalled: Recalled,
}

/// What runs.
struct Run {
    op: OperationId,
    /// A restore is told by this to give way; an isolation gives way to nobody.
    gives_way: Option<CancellationToken>,
}

#[derive(Default)]
struct Listed {
    census: Census,
    read_at: Option<Timestamp>,
    error: Option<String>,
    /// Whether it is of an earlier process: this one has had no listing yet.
    recalled: bool,
}

impl Listed {
    /// Whether the newest listing was answered, in this process.
    fn is_fresh(&self) -> bool {
        self.read_at.is_some() && self.error.is_none() && !self.recalled
    }
}

impl Known {
    /// As its provider lists it.
    fn listed(&self, id: &IdentityId) -> Option<&Identity> {
        self.listings.get(id.provider()).and_then(|listed| listed.census.get(id))
    }

    /// With the hints that are on record: what a provider has to remember outlives the process that read it.
    fn with_recorded_hints(&self, identity: &Identity) -> Identity {
        let recorded = self.recorded(&identity.id).flat_map(|recorded| recorded.hints.clone());
        let mut whole = identity.clone();
        whole.hints.extend(recorded);
        whole
    }

    /// The identity as isolations have recorded it: as it was listed, then as it was read before it was cut.
    fn recorded(&self, id: &IdentityId) -> impl Iterator<Item = &Identity> {
        let listed = self.operations.values().flat_map(|operation| &operation.identities);
        let read = self.operations.values().flat_map(|operation| &operation.snapshot).map(|reading| &reading.identity);
        listed.chain(read).filter(move |identity| identity.id == *id)
    }

    /// Gone is what was there once. What nobody has ever seen is a name that was not resolved, or a mistake in the
    /// configuration: calling that dead would call a living bot dark.
    fn unless_never_seen(&self, reading: Reading) -> Result<Reading, ProviderError> {
        let id = &reading.identity.id;
        let listed = || self.listed(id).is_some();
        // Unknown is what the configuration names and nobody has listed.
        let is_there = |identity: &Identity| matches!(identity.state, IdentityState::Live | IdentityState::Gated);
        let seen = reading.identity.state != IdentityState::Gone
            || reading.identity.child_of.is_some()
            || self.readings.contains_key(id)
            || listed()
            || self.recorded(id).any(is_there);
        if seen {
            return Ok(reading);
        }
        Err(ProviderError::BadData(format!("{id}: nothing of that id is there or was ever seen: check the id")))
    }
}

impl Fleet {
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        roster: Roster,
        clock: Arc<dyn Clock>,
        exercise: Option<String>,
        policy: Policy,
    ) -> Self {
        let empty = Snapshot {
            revision: 0,
            generated_at: clock.now(),
            exercise: exercise.clone(),
            bots: Vec::new(),
            others: Others::default(),
            providers: Vec::new(),
            notices: Vec::new(),
        };
        let (published, _) = watch::channel(Arc::new(empty));
        let budget = |provider: &Arc<dyn Provider>| {
            provider.budget().unwrap_or_else(|| Budget::new(provider.limits(), clock.clone()))
        };
        let budgets = providers.iter().map(|provider| (provider.name().clone(), budget(provider))).collect();
        let fleet = Self { providers, roster, clock, exercise, policy, budgets, known: Mutex::default(), published };
        fleet.publish();
        fleet
    }

    pub fn provider(&self, name: &ProviderName) -> Option<&Arc<dyn Provider>> {
        self.providers.iter().find(|provider| provider.name() == name)
    }

    /// What every request to that provider is admitted to.
    pub fn budget(&self, name: &ProviderName) -> Option<&Budget> {
        self.budgets.get(name)
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.published.subscribe()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the snapshot together again and hands it out.
    pub fn publish(&self) {
        let snapshot = {
            let mut known = self.known();
            known.revision += 1;
            assemble::assemble(self, &known)
        };
        self.published.send_replace(Arc::new(snapshot));
    }

    /// One live read, kept.
    pub async fn read_one(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        let Some(provider) = self.provider(identity.id.provider()) else {
            return Err(ProviderError::BadData(format!("{}: no such provider is configured", identity.id)));
        };
        let identity = &self.known().with_recorded_hints(identity);
        let answer = asked(provider, provider.holdings(identity)).await;
        let mut known = self.known();
        let answer = answer.and_then(|reading| known.unless_never_seen(reading)).map(|reading| known.marked(reading));
        match &answer {
            Ok(reading) => {
                known.errors.remove(&identity.id);
                known.readings.insert(identity.id.clone(), reading.clone());
            }
            Err(error) => {
                known.errors.insert(identity.id.clone(), error.to_string());
            }
        }
        answer
    }

    /// One live read, asked again where the trouble is the provider's own and passing, until it has had a whole deadline:
    /// who is mute has had it with the first.
    pub async fn read_patiently(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        let mut waits = backoff(READ_ATTEMPTS, &identity.id);
        let began = self.clock.monotonic();
        loop {
            let answer = self.read_one(identity).await;
            let asked = match &answer {
                Err(ProviderError::RateLimited { retry_after, .. }) => retry_after.unwrap_or_default(),
                Err(ProviderError::Transient(_)) => Duration::ZERO,
                _ => return answer,
            };
            let Some(wait) = waits.next() else { return answer };
            let deadline = self.provider(identity.id.provider()).map_or(REFRESH_DEADLINE, |one| one.limits().deadline);
            // Less than a whole one: what it waited for may have been asked by others before.
            if self.clock.monotonic().saturating_sub(began) >= deadline * 2 / 3 {
                return answer;
            }
            tokio::time::sleep(wait.max(asked.min(LONGEST_PAUSE))).await;
        }
    }

    /// The newest readings of identities, but for those whose newest read failed, or was an earlier process's.
    pub fn readings_of(&self, identities: &[Identity]) -> ReadingSet {
        let known = self.known();
        let answered = identities.iter().filter(|identity| !known.errors.contains_key(&identity.id));
        let newest = answered.filter_map(|identity| known.readings.get(&identity.id));
        newest.filter(|reading| !known.recalled.has(reading)).cloned().collect()
    }

    /// Keeps readings that an isolation took.
    pub fn keep(&self, readings: &ReadingSet) {
        let mut known = self.known();
        for reading in readings.iter() {
            known.errors.remove(&reading.identity.id);
            known.readings.insert(reading.identity.id.clone(), reading.clone());
        }
    }

    /// Reads one bot again, children included.
    pub async fn refresh_bot(&self, bot: &BotName) {
        let Some(view) = self.snapshot().bot(bot).cloned() else { return };
        self.read_all(view.family()).await;
        self.publish();
    }

    /// Collateral now, and what an operation claimed: a burned key is in no reading any more, and whoever stole it still
    /// has it.
    pub fn still_open(&self, current: Vec<Collateral>, claimed: &[Collateral]) -> Vec<Collateral> {
        assemble::still_open(&self.known(), current, claimed)
    }

    /// The console's own identity at a provider, once preflight has told.
    pub fn is_own(&self, identity: &IdentityId) -> bool {
        self.known().is_own(identity)
    }

    /// Takes the journal's newest operation of each bot.
    pub fn take_operations(&self, operations: HashMap<BotName, Operation>) {
        let mut known = self.known();
        known.operations = operations;
        known.recalled.journal_read = true;
    }

    /// Takes the bots that other processes isolate.
    pub fn take_elsewhere(&self, bots: HashSet<BotName>) {
        self.known().elsewhere = bots;
    }

    /// The newest operation of every bot.
    pub fn operations(&self) -> Vec<Operation> {
        self.known().operations.values().cloned().collect()
    }

    /// The newest operation of a bot.
    pub fn operation(&self, bot: &BotName) -> Option<Operation> {
        self.known().operations.get(bot).cloned()
    }

    /// Marks an isolation as running in this process; the running one, if there is one already. A restore that runs is
    /// told to stop and waited for by nobody.
    pub fn begin(&self, bot: &BotName, op: OperationId) -> Result<(), OperationId> {
        let mut known = self.known();
        match known.running.get(bot) {
            Some(Run { op, gives_way: None }) => return Err(*op),
            Some(Run { gives_way: Some(token), .. }) => token.cancel(),
            None => {}
        }
        known.running.insert(bot.clone(), Run { op, gives_way: None });
        Ok(())
    }

    /// Marks a restore as running in this process, with what tells it to stop; whatever runs, if something does.
    pub fn begin_restore(&self, bot: &BotName, op: OperationId) -> Result<CancellationToken, OperationId> {
        let mut known = self.known();
        if let Some(run) = known.running.get(bot) {
            return Err(run.op);
        }
        let token = CancellationToken::new();
        known.running.insert(bot.clone(), Run { op, gives_way: Some(token.clone()) });
        Ok(token)
    }

    /// What runs of a bot in this process: the operation, and whether it is an isolation.
    pub fn runs(&self, bot: &BotName) -> Option<(OperationId, bool)> {
        self.known().running.get(bot).map(|run| (run.op, run.gives_way.is_none()))
    }

    /// Marks an operation as over, unless another has taken the bot over from it.
    pub fn end(&self, bot: &BotName, op: OperationId) {
        let mut known = self.known();
        if known.running.get(bot).is_some_and(|run| run.op == op) {
            known.running.remove(bot);
        }
    }

    /// Whether any isolation runs: ordinary refreshes pause.
    pub fn is_striking(&self) -> bool {
        !self.known().running.is_empty()
    }
}

/// A provider's answer, or that it did not come in time. A panic in a provider's code is that provider's trouble: the
/// others are read all the same, and the isolation that asked goes on.
async fn asked<T>(
    provider: &Arc<dyn Provider>,
    question: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let name = provider.name();
    let question = AssertUnwindSafe(question.inspect(|_| {
        failpoint!("read-{name}");
    }));
    match tokio::time::timeout(REFRESH_DEADLINE, question.catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ProviderError::BadData(format!("{name}: the provider's code panicked"))),
        Err(_) => {
            let limit = REFRESH_DEADLINE.as_secs();
            Err(ProviderError::Transient(format!("{name} did not answer within {limit} s")))
        }
    }
}

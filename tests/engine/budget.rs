//! Faults and a rate limit, in virtual time: everything ends dead, few requests are refused, and who goes first is who
//! should.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use estop::{
    domain::{
        Activity, Answer, AnswerKind, Depth, Identity, IdentityId, Level, ObjectId, Outcome, ProviderName, Reading,
        Step, StepState,
    },
    engine::{
        Budget, Coverage, Engine, Feedback, Limits, Listing, ManualClock, Order, Parts, Preflight, Provider,
        ProviderError, Rate, backoff,
    },
    journal::{ArmedStep, RecordBody, fold},
};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    clock,
    fake::{Behaviour, Fake},
    helpdesk, roster, store_in_memory,
};

/// Requests that the server takes in any second.
const LIMIT: usize = 200;
/// Steps of the plan, gate included.
const STEPS: u32 = 200;
/// Time of one request.
const LATENCY: Duration = Duration::from_millis(50);
/// Time-out of one.
const DEADLINE: Duration = Duration::from_secs(2);
/// Requests of one reading.
const PAGES: usize = 3;

/// How a request fares, drawn in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Throttled,
    Busy,
    /// The connection is lost, before or after it was done.
    Dropped {
        done: bool,
    },
    Hung,
}

/// One request as the server saw it.
#[derive(Debug, Clone)]
struct Arrived {
    at: Duration,
    /// The step's number in the plan's order of urgency; `None`: a read.
    step: Option<(bool, Level, Option<Timestamp>)>,
    fate: Fate,
}

/// A server with a limit and faults, in front of the fake.
struct Shaky {
    fake: Arc<Fake>,
    name: ProviderName,
    limits: Limits,
    budget: Budget,
    /// In thousandths: 503, dropped, hung.
    faults: [u64; 3],
    limit: usize,
    seed: Mutex<u64>,
    began: Instant,
    window: Mutex<VecDeque<Instant>>,
    arrived: Mutex<Vec<Arrived>>,
}

impl Shaky {
    fn new(
        steps: u32,
        limits: Limits,
        limit: usize,
        faults: [u64; 3],
        seed: u64,
        clock: &Arc<ManualClock>,
    ) -> Arc<Self> {
        let behaviour = Behaviour { sessions: steps - 1, latency: Duration::ZERO, ..Behaviour::default() };
        Arc::new(Self {
            fake: Fake::new("a", behaviour, clock.clone()),
            name: ProviderName::new("a"),
            limits,
            budget: Budget::new(limits, clock.clone()),
            faults,
            limit,
            seed: Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            began: Instant::now(),
            window: Mutex::default(),
            arrived: Mutex::default(),
        })
    }

    /// A number below so much (xorshift64*).
    fn draw(&self, below: u64) -> u64 {
        let mut seed = self.seed.lock().unwrap();
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        (seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    fn fate(&self) -> Fate {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap();
        while window.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            window.pop_front();
        }
        if window.len() >= self.limit {
            return Fate::Throttled;
        }
        window.push_back(now);
        let [busy, dropped, hung] = self.faults;
        match self.draw(1000) {
            n if n < busy => Fate::Busy,
            n if n < busy + dropped => Fate::Dropped { done: n % 2 == 0 },
            n if n < busy + dropped + hung => Fate::Hung,
            _ => Fate::Fine,
        }
    }

    /// One request, as a client of the budget sends it.
    async fn request(&self, step: Option<&Step>) -> Fate {
        let permit = self.budget.admit(step.is_some()).await;
        let fate = self.fate();
        let step = step.map(|step| (step.gate, step.level, step.last_used_at));
        self.arrived.lock().unwrap().push(Arrived { at: self.began.elapsed(), step, fate });
        if fate == Fate::Hung {
            // Longer than any deadline of a step or a read.
            tokio::time::sleep(Duration::from_hours(1)).await;
        }
        tokio::time::sleep(LATENCY).await;
        let throttled = fate == Fate::Throttled;
        let retry_after = throttled.then_some(Duration::from_secs(1));
        if !matches!(fate, Fate::Dropped { .. }) {
            self.budget.observe(&permit, &Feedback { throttled, retry_after, left: None });
        }
        fate
    }

    /// One read of several, given up early and asked again, as the client does.
    async fn page(&self) -> Result<(), ProviderError> {
        let what = || "a: reading".to_owned();
        let mut waits = backoff(3, *self.seed.lock().unwrap());
        loop {
            let error = match tokio::time::timeout(DEADLINE / 3, self.request(None)).await {
                Ok(Fate::Fine) => return Ok(()),
                Ok(Fate::Throttled) => {
                    let retry_after = Some(Duration::from_secs(1));
                    ProviderError::RateLimited { what: what(), retry_after }
                }
                _ => ProviderError::Transient(what()),
            };
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    fn forget(&self) -> Duration {
        self.arrived.lock().unwrap().clear();
        self.began.elapsed()
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

#[async_trait]
impl Provider for Shaky {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "shaky"
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn budget(&self) -> Option<Budget> {
        Some(self.budget.clone())
    }

    fn coverage(&self) -> Coverage {
        Coverage::default()
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        self.fake.preflight().await
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        self.fake.inventory().await
    }

    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        for _ in 0..PAGES {
            self.page().await?;
        }
        self.fake.holdings(identity).await
    }

    async fn activity(&self, _: &Identity, _: Option<Timestamp>, _: usize) -> Result<Vec<Activity>, ProviderError> {
        Ok(Vec::new())
    }

    fn gate(&self, identity: &Identity) -> Vec<Step> {
        self.fake.gate(identity)
    }

    /// Each on an object of its own, of all levels and ages.
    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step> {
        let mut steps = self.fake.steps(reading, depth);
        for step in steps.iter_mut().filter(|step| !step.gate) {
            let number: i64 = step.target.raw().parse().unwrap();
            step.object = ObjectId::of(&self.name, "session", step.target.raw());
            step.level = [Level::Read, Level::Write, Level::Export, Level::Admin][usize::try_from(number % 4).unwrap()];
            step.last_used_at = Timestamp::from_second(1_000 + number * 7 % 11).ok();
        }
        steps
    }

    async fn perform(&self, armed: &ArmedStep, attempt: u32) -> Answer {
        match self.request(Some(armed.step())).await {
            Fate::Fine => self.fake.perform(armed, attempt).await,
            Fate::Throttled => Answer::new(AnswerKind::Throttled { retry_after_ms: Some(1_000) }, "fake", "429"),
            Fate::Busy => Answer::new(AnswerKind::Transient, "fake", "503"),
            Fate::Dropped { done } => {
                if done {
                    self.fake.perform(armed, attempt).await;
                }
                Answer::new(AnswerKind::Unknown, "fake", "")
            }
            Fate::Hung => Answer::new(AnswerKind::Unknown, "fake", ""),
        }
    }
}

async fn engine(shaky: &Arc<Shaky>, clock: &Arc<ManualClock>) -> Engine {
    let providers = vec![shaky.clone() as Arc<dyn Provider>];
    let (store, roster) = (store_in_memory(clock), roster(&["a"], &[]));
    let parts = Parts { providers, roster, store, clock: clock.clone(), exercise: None, read_only: false };
    let engine = Engine::new(parts);
    engine.refresh().await;
    let bot = IdentityId::new(ProviderName::new("a"), "bot");
    while engine.snapshot().bot(&helpdesk()).is_none_or(|view| view.readings.get(&bot).is_none()) {
        engine.refresh().await;
    }
    engine
}

/// A twentieth of what properties run, or of `PROPTEST_CASES`.
fn seeds() -> std::ops::RangeInclusive<u64> {
    1..=u64::from(proptest::test_runner::Config::default().cases / 20)
}

fn limits(rate: Option<Rate>, concurrent_writes: usize) -> Limits {
    Limits { concurrent_writes, concurrent_reads: 8, deadline: DEADLINE, rate, ..Limits::default() }
}

/// One isolation under the faults of the target. All it promises is checked, and the seed is named.
async fn survives(limits: Limits, seed: u64) {
    let clock = clock();
    let shaky = Shaky::new(STEPS, limits, LIMIT, [30, 20, 10], seed, &clock);
    let engine = engine(&shaky, &clock).await;
    shaky.forget();
    let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "seed {seed}");
    assert_eq!(shaky.fake.world.lock().unwrap().sessions, Vec::<u32>::new(), "seed {seed}");
    let arrived = shaky.arrived();
    let throttled = arrived.iter().filter(|request| request.fate == Fate::Throttled).count();
    assert!(throttled * 10 <= arrived.len(), "seed {seed}: {throttled} of {} were refused", arrived.len());
    let faults = arrived.iter().filter(|request| !matches!(request.fate, Fate::Fine | Fate::Throttled)).count();
    assert!(faults > 0, "seed {seed}: nothing failed");

    let limiter = Duration::from_secs(u64::from(STEPS)) / u32::try_from(LIMIT).unwrap();
    let bound = limiter.max(DEADLINE + LATENCY);
    let verified = Duration::from_millis(ended.time_to_verified_ms.unwrap());
    assert!(verified <= bound * 2, "seed {seed}: proved after {verified:?}, the bound is {bound:?}");

    let incident = engine.store().incidents().unwrap()[0];
    let records = engine.store().read(incident).unwrap().records;
    let operation = &fold(incident, &records).operations[0];
    let verified = operation.steps.values().filter(|record| record.state == StepState::Verified).count();
    assert_eq!(verified, usize::try_from(STEPS).unwrap(), "seed {seed}");
    let mut keys = std::collections::BTreeMap::new();
    for record in &records {
        if let RecordBody::Known(estop::journal::Body::StepAttempt { step, key, .. }) = &record.body {
            assert_eq!(*keys.entry(step.clone()).or_insert(*key), *key, "seed {seed}: {step:?} has two keys");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_rate_is_kept_and_faults_leave_nothing_alive() {
    for seed in seeds() {
        survives(limits(Some(Rate::per_second(200)), 100), seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_nobody_declared_is_learned_and_faults_leave_nothing_alive() {
    for seed in seeds() {
        survives(limits(None, 16), seed).await;
    }
}

/// Everybody refreshes as fast as they can while the key is pressed.
#[tokio::test(start_paused = true)]
async fn reads_never_starve_revocations() {
    let (clock, rate) = (clock(), Rate::per_second(20));
    let shaky = Shaky::new(40, limits(Some(rate), 100), usize::MAX, [0; 3], 1, &clock);
    let engine = engine(&shaky, &clock).await;
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                loop {
                    engine.refresh_bot(&helpdesk()).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let quiet = shaky.arrived();
    let pressed = shaky.forget();
    for request in &quiet {
        let second =
            quiet.iter().filter(|other| other.at >= request.at && other.at < request.at + Duration::from_secs(1));
        assert!(second.count() <= 10, "reads take at most half of twenty");
    }
    let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(ended.outcome, Outcome::Dark);
    let arrived = shaky.arrived();
    let strikes: Vec<Duration> = arrived
        .iter()
        .filter(|request| request.step.is_some())
        .map(|request| request.at.saturating_sub(pressed))
        .collect();
    assert_eq!(strikes.len(), 40);
    // At 19 a second, as if nobody read: what is on the wire when the key is pressed has had its share.
    assert!(strikes[39] <= Duration::from_millis(2_300), "{strikes:?}");
    let last = strikes[39] + pressed;
    let between = arrived.iter().filter(|request| request.step.is_none() && request.at < last).count();
    assert!(between <= 1, "{between} reads went before a revocation that waited");
}

#[tokio::test(start_paused = true)]
async fn when_the_budget_binds_the_most_urgent_go_first() {
    let clock = clock();
    let rate = Rate { requests: 5, per: Duration::from_secs(1), burst: 1, hard: true };
    let shaky = Shaky::new(30, limits(Some(rate), 100), usize::MAX, [0; 3], 1, &clock);
    let engine = engine(&shaky, &clock).await;
    shaky.forget();
    let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "a slow strike uses up no rounds: {ended:?}");
    let order: Vec<_> = shaky.arrived().into_iter().filter_map(|request| request.step).collect();
    assert_eq!(order.len(), 30);
    assert!(order[0].0, "the gate goes first: {order:?}");
    assert!(order[1..].is_sorted_by(|a, b| (a.1, a.2) >= (b.1, b.2)), "{order:?}");
}

/// A read that fails twice in a row is no reason for `partial`.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_cannot_read_for_a_while_goes_on() {
    for seed in seeds() {
        let clock = clock();
        let shaky = Shaky::new(3, limits(None, 16), usize::MAX, [150, 100, 50], seed, &clock);
        let engine = engine(&shaky, &clock).await;
        let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
        assert_eq!(ended.outcome, Outcome::Dark, "seed {seed}");
    }
}

//! A provider whose identity can be shut and whose sessions can be ended, with an adversary inside that mints at the
//! worst moments: right after each listing, and right before each step.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use estop::{
    domain::{
        Action, Activity, Answer, AnswerKind, Depth, Fact, Family, Holding, HoldingId, HoldingState, Identity,
        IdentityId, IdentityKind, IdentityState, Lane, Level, ObjectId, Postcondition, ProviderName, Reading,
        Reversibility, Step, StepId,
    },
    engine::{Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Whoami},
    journal::ArmedStep,
};
use jiff::Timestamp;

/// How the server behaves.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault that a test turns on by name")]
pub struct Behaviour {
    /// Sessions at the start.
    pub sessions: u32,
    /// How many more the adversary may mint while the gate is open.
    pub mints: u32,
    /// From the gate's answer until it holds.
    pub gate_lag: Duration,
    /// The gate is refused: we may not.
    pub gate_refused: bool,
    /// Ending a session says yes and does nothing.
    pub fake_success: bool,
    /// Nothing reaches it.
    pub down: bool,
    /// Ending a session panics.
    pub panics: bool,
    /// Time of each request.
    pub latency: Duration,
    /// Time until it says that it is warm.
    pub warming: Duration,
    /// Its id for the bot; `bot` is the name in any case.
    pub native: &'static str,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            sessions: 3,
            mints: 0,
            gate_lag: Duration::ZERO,
            gate_refused: false,
            fake_success: false,
            down: false,
            panics: false,
            latency: Duration::from_millis(20),
            warming: Duration::ZERO,
            native: "bot",
        }
    }
}

/// What is true at the server.
#[derive(Debug, Default)]
pub struct World {
    /// When the gate holds, by tokio's clock.
    shut_from: Option<tokio::time::Instant>,
    pub sessions: Vec<u32>,
    next: u32,
    pub mints: u32,
    /// Each mutation: object, when it began and ended.
    pub log: Vec<(String, Duration, Duration)>,
}

impl World {
    pub fn is_shut(&self) -> bool {
        self.shut_from.is_some_and(|from| tokio::time::Instant::now() >= from)
    }

    fn mint(&mut self) {
        if self.mints > 0 && !self.is_shut() {
            self.mints -= 1;
            self.next += 1;
            self.sessions.push(self.next);
        }
    }
}

pub struct Fake {
    name: ProviderName,
    pub behaviour: Mutex<Behaviour>,
    pub world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
    pub requests: AtomicU32,
    /// The hints of each identity that it was asked for.
    pub asked: Mutex<Vec<BTreeMap<String, String>>>,
}

impl Fake {
    pub fn new(name: &str, behaviour: Behaviour, clock: Arc<dyn Clock>) -> Arc<Self> {
        let sessions = (1..=behaviour.sessions).collect();
        let world = World { sessions, next: behaviour.sessions, mints: behaviour.mints, ..World::default() };
        Arc::new(Self {
            name: ProviderName::new(name),
            behaviour: Mutex::new(behaviour),
            world: Arc::new(Mutex::new(world)),
            clock,
            requests: AtomicU32::new(0),
            asked: Mutex::default(),
        })
    }

    pub fn bot(&self) -> IdentityId {
        IdentityId::new(self.name.clone(), self.behaviour().native)
    }

    fn identity(&self, state: IdentityState) -> Identity {
        Identity {
            id: self.bot(),
            name: "bot".into(),
            kind: IdentityKind::ServiceAccount,
            state,
            attributes: BTreeMap::new(),
            hints: BTreeMap::new(),
            child_of: None,
            last_active_at: None,
        }
    }

    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().unwrap().clone()
    }

    async fn reach(&self) -> Result<(), ProviderError> {
        let behaviour = self.behaviour();
        tokio::time::sleep(behaviour.latency).await;
        if behaviour.down {
            Err(ProviderError::Unreachable(format!("{}: connection refused", self.name)))
        } else {
            Ok(())
        }
    }

    fn session(&self, number: u32) -> HoldingId {
        HoldingId::new(self.bot(), "session", number.to_string())
    }

    fn step(&self, action: &str, qualifier: Option<&str>, object: ObjectId, postcondition: Postcondition) -> Step {
        Step {
            id: StepId::of(&self.bot(), action, qualifier),
            identity: self.bot(),
            lane: Lane::Tokens,
            action: Action::new(action),
            target: qualifier.unwrap_or("bot").into(),
            object,
            rank: 1,
            after: Vec::new(),
            holdings: Vec::new(),
            gate: false,
            mint_cut: false,
            level: Level::Read,
            last_used_at: None,
            reversible: Reversibility::Irreversible,
            postcondition,
            proof: "GET bot".to_owned(),
            manual: None,
            by_hand: false,
            missing_permission: None,
            params: BTreeMap::new(),
        }
    }
}

#[async_trait]
impl Provider for Fake {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "fake"
    }

    fn limits(&self) -> Limits {
        Limits { concurrent_writes: 64, concurrent_reads: 8, deadline: Duration::from_secs(5), ..Limits::default() }
    }

    fn coverage(&self) -> Coverage {
        Coverage::default()
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        tokio::time::sleep(self.behaviour().warming).await;
        Ok(())
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        let own = IdentityId::new(self.name.clone(), "estop");
        let whoami = Whoami { identity: Some(own), name: "estop".into() };
        Ok(Preflight { whoami, lanes: Vec::new(), clock_ahead_ms: None, notices: Vec::new() })
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        self.reach().await?;
        let mut own = self.identity(IdentityState::Live);
        own.id = IdentityId::new(self.name.clone(), "estop");
        own.name = "estop".into();
        Ok(Listing { identities: vec![self.identity(IdentityState::Live), own], gaps: Vec::new() })
    }

    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        let read_at = self.clock.now();
        self.reach().await?;
        if identity.id != self.bot() {
            return Ok(Reading::of(Identity { state: IdentityState::Gone, ..identity.clone() }, read_at));
        }
        self.asked.lock().unwrap().push(identity.hints.clone());
        let mut world = self.world.lock().unwrap();
        let shut = world.is_shut();
        let state = if shut { IdentityState::Gated } else { IdentityState::Live };
        let mut reading = Reading::of(Identity { state, ..identity.clone() }, read_at);
        reading.facts.insert("enabled".to_owned(), Fact::Bool(!shut));
        if !shut {
            reading.identity.hints.insert("was-open".to_owned(), "true".to_owned());
        }
        reading.holdings = world
            .sessions
            .iter()
            .map(|number| Holding {
                id: self.session(*number),
                lane: Lane::Tokens,
                family: Family::Token,
                name: format!("session {number}").into(),
                scopes: Vec::new(),
                issued_at: None,
                expires_at: None,
                last_used_at: None,
                fingerprint: None,
                on_behalf_of: None,
                state: HoldingState::Live,
            })
            .collect();
        // The worst moment: the listing has just been taken.
        world.mint();
        Ok(reading)
    }

    async fn activity(&self, _: &Identity, _: Option<Timestamp>, _: usize) -> Result<Vec<Activity>, ProviderError> {
        Ok(Vec::new())
    }

    fn gate(&self, identity: &Identity) -> Vec<Step> {
        if identity.id != self.bot() {
            return Vec::new();
        }
        let object = ObjectId::of(&self.name, "identity", "bot");
        let postcondition = Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) };
        let mut gate = self.step("disable", None, object, postcondition);
        (gate.gate, gate.rank, gate.lane) = (true, 0, Lane::Identity);
        gate.reversible = Reversibility::Reversible;
        vec![gate]
    }

    fn steps(&self, reading: &Reading, _: Depth) -> Vec<Step> {
        let mut steps = self.gate(&reading.identity);
        for holding in &reading.holdings {
            let number = holding.id.native();
            // Half of them share an object, so that queues are exercised.
            let object = if number.len() % 2 == 0 { "odd" } else { number };
            let object = ObjectId::of(&self.name, "session", object);
            let absent = Postcondition::Absent { holding: holding.id.clone() };
            let mut step = self.step("end-session", Some(number), object, absent);
            step.holdings = vec![holding.id.clone()];
            steps.push(step);
        }
        steps
    }

    async fn perform(&self, armed: &ArmedStep, _: u32) -> Answer {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let began = self.clock.monotonic();
        let behaviour = self.behaviour();
        assert!(!behaviour.panics || armed.step().gate, "the provider's code panics on purpose");
        // The other worst moment: the step is about to run.
        self.world.lock().unwrap().mint();
        if self.reach().await.is_err() {
            return Answer::new(AnswerKind::Unreachable, "fake", "");
        }
        let mut world = self.world.lock().unwrap();
        world.log.push((armed.step().object.to_string(), began, self.clock.monotonic()));
        if armed.step().gate {
            if behaviour.gate_refused {
                return Answer::new(AnswerKind::Refused { permission: Some("disable-bots".to_owned()) }, "fake", "403");
            }
            let from = tokio::time::Instant::now() + behaviour.gate_lag;
            world.shut_from.get_or_insert(from);
            return Answer::new(AnswerKind::Accepted, "fake", "204");
        }
        let number: u32 = armed.step().holdings[0].native().parse().unwrap();
        if !behaviour.fake_success {
            let before = world.sessions.len();
            world.sessions.retain(|session| *session != number);
            if world.sessions.len() == before {
                return Answer::new(AnswerKind::Gone, "fake", "404");
            }
        }
        Answer::new(AnswerKind::Accepted, "fake", "204")
    }
}

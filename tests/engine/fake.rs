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
        Action, Activity, Answer, AnswerKind, Depth, Fact, Family, Fingerprint, Holding, HoldingId, HoldingState,
        Identity, IdentityId, IdentityKind, IdentityState, Lane, LeakedSecret, ObjectId, Owner, Postcondition,
        ProbeKind, Probed, ProviderName, Reading, Recognised, Residual, Restoration, RestoreMode, Reversibility, Step,
        StepId, StepRecord,
    },
    engine::{Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Whoami, owners_by_fingerprint},
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
    /// One more step that only a person can do.
    pub by_hand: bool,
    /// Access that outlives the cut by so long.
    pub residual: Option<Duration>,
    /// Long-lived secrets at the start.
    pub secrets: &'static [&'static str],
    /// What using a secret comes to.
    pub uses: Uses,
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
            by_hand: false,
            residual: None,
            secrets: &[],
            uses: Uses::Honest,
            native: "bot",
        }
    }
}

/// What using a secret comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// It is let in while the gate is open and it has not been ended.
    Honest,
    /// It is let in whatever was done.
    LetIn,
    /// The same, and each use makes a session.
    Minting,
    /// The server does not tell.
    Untold,
    /// The provider's code panics.
    Panics,
}

/// What is true at the server.
#[derive(Debug, Default)]
pub struct World {
    /// When the gate holds, by tokio's clock.
    shut_from: Option<tokio::time::Instant>,
    pub sessions: Vec<u32>,
    pub secrets: Vec<&'static str>,
    /// How often a secret was used.
    pub used: u32,
    next: u32,
    pub mints: u32,
    /// What its log says that the bot did.
    pub activity: Vec<Activity>,
    /// Roles that the bot was given, harmless behind its gate.
    pub roles: Vec<u32>,
    /// Each mutation: object, when it began and ended.
    pub log: Vec<(String, Duration, Duration)>,
}

impl World {
    pub fn is_shut(&self) -> bool {
        self.shut_from.is_some_and(|from| tokio::time::Instant::now() >= from)
    }

    /// Somebody enables the bot again.
    pub fn reopen(&mut self) {
        self.shut_from = None;
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
        let (next, mints, secrets) = (behaviour.sessions, behaviour.mints, behaviour.secrets.to_vec());
        let world = World { sessions, secrets, next, mints, ..World::default() };
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
        Identity::new(self.bot(), "bot", IdentityKind::ServiceAccount, state)
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

    fn secret(&self, secret: &str, state: HoldingState) -> Holding {
        let fingerprint = Fingerprint::of(secret.as_bytes());
        Holding {
            fingerprint: Some(fingerprint.clone()),
            ..Holding::new(
                HoldingId::new(self.bot(), "secret", fingerprint.as_str()),
                Lane::Tokens,
                Family::Secret,
                "secret",
                state,
            )
        }
    }

    fn session(&self, number: u32) -> HoldingId {
        HoldingId::new(self.bot(), "session", number.to_string())
    }

    fn step(&self, action: &str, qualifier: Option<&str>, object: ObjectId, postcondition: Postcondition) -> Step {
        Step {
            target: qualifier.unwrap_or("bot").into(),
            proof: "GET bot".to_owned(),
            ..Step::new(
                StepId::of(&self.bot(), action, qualifier),
                self.bot(),
                Action::new(action),
                object,
                postcondition,
            )
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
        self.asked.lock().unwrap().push((*identity.hints).clone());
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
            .map(|number| {
                Holding::new(
                    self.session(*number),
                    Lane::Tokens,
                    Family::Token,
                    format!("session {number}"),
                    HoldingState::Live,
                )
            })
            .collect();
        let role = |number: &u32| {
            Holding::new(
                HoldingId::new(self.bot(), "role", number.to_string()),
                Lane::Connectors,
                Family::Role,
                format!("role {number}"),
                if shut { HoldingState::Gated } else { HoldingState::Live },
            )
        };
        reading.holdings.extend(world.roles.iter().map(role));
        let lifetime = self.behaviour.lock().unwrap().residual;
        reading.residual.extend(lifetime.map(|lifetime| Residual {
            identity: self.bot(),
            what: "tokens checked locally".to_owned(),
            until: None,
            lifetime_ms: i64::try_from(lifetime.as_millis()).ok(),
            source: "the test".to_owned(),
        }));
        let state = if shut { HoldingState::Gated } else { HoldingState::Live };
        reading.holdings.extend(world.secrets.iter().map(|secret| self.secret(secret, state)));
        // The worst moment: the listing has just been taken.
        world.mint();
        Ok(reading)
    }

    async fn activity(&self, _: &Identity, _: Option<Timestamp>, _: usize) -> Result<Vec<Activity>, ProviderError> {
        Ok(self.world.lock().unwrap().activity.clone())
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
        if self.behaviour().by_hand {
            let why = "only a person sees the vault".to_owned();
            let object = ObjectId::of(&self.name, "vault", "bot");
            let mut step = self.step("empty-vault", None, object, Postcondition::Unreadable { why });
            (step.by_hand, step.manual) = (true, Some("take the key out of the vault".to_owned()));
            steps.push(step);
        }
        for holding in reading.holdings.iter().filter(|holding| holding.family != Family::Role) {
            let absent = Postcondition::Absent { holding: holding.id.clone() };
            if holding.id.class() == "secret" {
                if holding.leaked {
                    let object = ObjectId::of(&self.name, "identity", "bot");
                    let mut step = self.step("end-secret", Some(holding.id.native()), object, absent);
                    step.holdings = vec![holding.id.clone()];
                    steps.push(step);
                }
                continue;
            }
            let number = holding.id.native();
            // Half of them share an object, so that queues are exercised.
            let object = if number.len() % 2 == 0 { "odd" } else { number };
            let object = ObjectId::of(&self.name, "session", object);
            let mut step = self.step("end-session", Some(number), object, absent);
            step.holdings = vec![holding.id.clone()];
            steps.push(step);
        }
        steps
    }

    /// This world has no way back.
    fn restore(&self, _: &Reading, _: &Reading, _: &[StepRecord], _: RestoreMode) -> Restoration {
        Restoration::default()
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
        if armed.step().action.word() == "end-secret" {
            let ended = armed.step().holdings[0].native();
            world.secrets.retain(|secret| Fingerprint::of(secret.as_bytes()).as_str() != ended);
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

    fn owners(
        &self,
        secret: &LeakedSecret,
        _: &[Recognised],
        listing: &[&Identity],
        readings: &[&Reading],
    ) -> Vec<Owner> {
        let minting = self.behaviour().uses == Uses::Minting;
        let probe = if minting { ProbeKind::Mints } else { ProbeKind::ReadOnly };
        owners_by_fingerprint(&secret.fingerprint(), listing, readings, &|_| "its fingerprint".to_owned(), &|_| probe)
    }

    async fn probe(&self, secret: &LeakedSecret, _: &Owner, _: bool) -> Probed {
        let uses = self.behaviour().uses;
        assert!(uses != Uses::Panics, "the provider's code panics on purpose");
        let reached = self.reach().await;
        let mut world = self.world.lock().unwrap();
        world.used += 1;
        let honest = !world.is_shut() && world.secrets.iter().any(|one| *one == secret.expose());
        let alive = match uses {
            _ if reached.is_err() => None,
            Uses::Honest => Some(honest),
            Uses::LetIn => Some(true),
            Uses::Minting => {
                world.next += 1;
                let minted = world.next;
                world.sessions.push(minted);
                Some(true)
            }
            Uses::Untold | Uses::Panics => None,
        };
        Probed { at: self.name.clone(), alive, said: "asked".to_owned() }
    }
}

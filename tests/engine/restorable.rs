//! A provider whose identity can be taken apart and put back: a gate, roles, a secret, and sessions that never come
//! back.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use estop::{
    domain::{
        Action, Activity, Answer, AnswerKind, Change, Depth, Fact, Family, Fingerprint, Holding, HoldingId,
        HoldingState, Identity, IdentityId, IdentityKind, IdentityState, Lane, Lost, ObjectId, Postcondition,
        ProviderName, Reading, Reissue, Restoration, RestoreMode, Reversibility, Step, StepId, StepRecord,
    },
    engine::{Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Whoami},
    journal::ArmedStep,
};
use jiff::Timestamp;
use tokio::sync::Semaphore;

/// What is true at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    pub enabled: bool,
    pub roles: BTreeSet<String>,
    pub sessions: BTreeSet<u32>,
    pub secret: Option<u32>,
}

impl World {
    pub fn with(roles: &[&str], sessions: u32) -> Self {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Self { enabled: true, roles, sessions: (0..sessions).collect(), secret: Some(1) }
    }

    /// Whether the stolen secret opens it.
    pub fn opens(&self, secret: u32) -> bool {
        self.enabled && self.secret == Some(secret)
    }
}

pub struct Restorable {
    name: ProviderName,
    clock: Arc<dyn Clock>,
    pub world: Mutex<World>,
    /// Each mutation that arrived: its action and target.
    pub log: Mutex<Vec<String>>,
    /// Actions that are refused.
    pub refused: Mutex<BTreeSet<&'static str>>,
    /// Actions that say yes and do nothing.
    pub silent: Mutex<BTreeSet<&'static str>>,
    /// Isolating it takes a person as well.
    pub by_hand: Mutex<bool>,
    /// Nothing reaches it.
    pub down: Mutex<bool>,
    /// Actions that wait for a permit here before they are done.
    pub held: Mutex<BTreeSet<&'static str>>,
    pub release: Semaphore,
}

impl Restorable {
    pub fn new(name: &str, world: World, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            name: ProviderName::new(name),
            clock,
            world: Mutex::new(world),
            log: Mutex::default(),
            refused: Mutex::default(),
            silent: Mutex::default(),
            by_hand: Mutex::default(),
            down: Mutex::default(),
            held: Mutex::default(),
            release: Semaphore::new(0),
        })
    }

    pub fn bot(&self) -> IdentityId {
        IdentityId::new(self.name.clone(), "bot")
    }

    pub fn world(&self) -> World {
        self.world.lock().unwrap().clone()
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn identity(&self, state: IdentityState) -> Identity {
        Identity::new(self.bot(), "bot", IdentityKind::ServiceAccount, state)
    }

    async fn reach(&self) -> Result<(), ProviderError> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let down = *self.down.lock().unwrap();
        if down { Err(ProviderError::Unreachable(format!("{}: connection refused", self.name))) } else { Ok(()) }
    }

    fn holding(&self, class: &str, native: &str, family: Family, state: HoldingState) -> Holding {
        let secret = family == Family::Secret;
        Holding {
            fingerprint: secret.then(|| Fingerprint::parse(&format!("sha256:{native:0>12}")).unwrap()),
            ..Holding::new(
                HoldingId::new(self.bot(), class, native),
                if family == Family::Role { Lane::Connectors } else { Lane::Tokens },
                family,
                format!("{class} {native}"),
                state,
            )
        }
    }

    fn step(&self, action: &str, target: &str, lane: Lane, postcondition: Postcondition) -> Step {
        Step {
            lane,
            target: target.into(),
            reversible: Reversibility::Reversible,
            proof: "GET bot".to_owned(),
            ..Step::new(
                StepId::of(&self.bot(), action, Some(target)),
                self.bot(),
                Action::new(action),
                ObjectId::of(&self.name, action, target),
                postcondition,
            )
        }
    }

    fn ends_secret(&self) -> Step {
        let gone = Postcondition::Equal { fact: "secret".to_owned(), value: Fact::Bool(false) };
        self.step("end-secret", "secret", Lane::Tokens, gone)
    }
}

fn equal(fact: impl Into<String>, value: bool) -> Postcondition {
    Postcondition::Equal { fact: fact.into(), value: Fact::Bool(value) }
}

#[async_trait]
impl Provider for Restorable {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "restorable"
    }

    fn limits(&self) -> Limits {
        Limits { concurrent_writes: 8, concurrent_reads: 8, deadline: Duration::from_secs(5), ..Limits::default() }
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
        let whoami = Whoami { identity: None, name: "estop".into() };
        Ok(Preflight { whoami, lanes: Vec::new(), clock_ahead_ms: None, notices: Vec::new() })
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        self.reach().await?;
        Ok(Listing { identities: vec![self.identity(IdentityState::Live)], gaps: Vec::new() })
    }

    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        let read_at = self.clock.now();
        self.reach().await?;
        let world = self.world();
        let state = if world.enabled { IdentityState::Live } else { IdentityState::Gated };
        let alive = if world.enabled { HoldingState::Live } else { HoldingState::Gated };
        let mut reading = Reading::of(Identity { state, ..identity.clone() }, read_at);
        reading.facts.insert("enabled".to_owned(), Fact::Bool(world.enabled));
        reading.facts.insert("secret".to_owned(), Fact::Bool(world.secret.is_some()));
        for role in ["admin", "reader", "writer"] {
            reading.facts.insert(format!("role.{role}"), Fact::Bool(world.roles.contains(role)));
        }
        let roles = world.roles.iter().map(|role| self.holding("role", role, Family::Role, alive));
        let sessions = world.sessions.iter();
        let sessions = sessions.map(|one| self.holding("session", &one.to_string(), Family::Token, HoldingState::Live));
        let secret = world.secret.iter().map(|one| self.holding("secret", &one.to_string(), Family::Secret, alive));
        reading.holdings = roles.chain(sessions).chain(secret).collect();
        Ok(reading)
    }

    async fn activity(&self, _: &Identity, _: Option<Timestamp>, _: usize) -> Result<Vec<Activity>, ProviderError> {
        Ok(Vec::new())
    }

    fn gate(&self, _: &Identity) -> Vec<Step> {
        let mut gate = self.step("disable", "bot", Lane::Identity, equal("enabled", false));
        (gate.gate, gate.rank) = (true, 0);
        vec![gate]
    }

    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step> {
        let mut steps = self.gate(&reading.identity);
        if *self.by_hand.lock().unwrap() {
            let unreadable = Postcondition::Unreadable { why: "a vault has no interface".to_owned() };
            let mut step = self.step("take-out", "vault", Lane::Tokens, unreadable);
            (step.by_hand, step.manual) = (true, Some("take the key out of the vault".to_owned()));
            steps.push(step);
        }
        for holding in &reading.holdings {
            let native = holding.id.native();
            let absent = Postcondition::Absent { holding: holding.id.clone() };
            match holding.family {
                Family::Role => steps.push(self.step("remove-role", native, Lane::Connectors, absent)),
                Family::Token => steps.push(self.step("end-session", native, Lane::Tokens, absent)),
                _ if depth == Depth::Burn => steps.push(self.ends_secret()),
                _ => {}
            }
        }
        steps
    }

    fn restore(&self, before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
        let mut restoration = Restoration::default();
        let was_done = |action: &str, target: &str| {
            done.iter().any(|record| record.step.action.word() == action && record.step.target.raw() == target)
        };
        if mode == RestoreMode::Rotate {
            if now.holdings.iter().any(|holding| holding.family == Family::Secret) {
                restoration.first.push(self.ends_secret());
            }
            let place = "Bots > bot > Secret".to_owned();
            restoration.reissue.push(Reissue { what: "secret".into(), place, by: "owner".to_owned() });
        }
        for holding in before.holdings.iter().filter(|holding| now.holding(&holding.id).is_none()) {
            let native = holding.id.native();
            if holding.family == Family::Role && was_done("remove-role", native) {
                let there = equal(format!("role.{native}"), true);
                restoration.then.push(self.step("add-role", native, Lane::Connectors, there));
            } else if holding.family == Family::Token {
                restoration.lost.push(Lost { what: holding.name.clone(), why: "a session is never made again".into() });
            }
        }
        if was_done("disable", "bot") && now.facts.get("enabled") == Some(&Fact::Bool(false)) {
            restoration.then.push(self.step("enable", "bot", Lane::Identity, equal("enabled", true)));
            let (off, on) = ("false".to_owned(), "true".to_owned());
            restoration.changes.push(Change { what: "bot: enabled".into(), now: off, then: on });
        }
        restoration
    }

    async fn perform(&self, armed: &ArmedStep, _: u32) -> Answer {
        let step = armed.step();
        let action = step.action.word();
        let held = self.held.lock().unwrap().contains(action);
        if held {
            self.release.acquire().await.unwrap().forget();
        }
        if self.reach().await.is_err() {
            return Answer::new(AnswerKind::Unreachable, "fake", "");
        }
        self.log.lock().unwrap().push(format!("{action} {}", step.target.raw()));
        if self.refused.lock().unwrap().contains(action) {
            return Answer::new(AnswerKind::Refused { permission: Some(action.to_owned()) }, "fake", "403");
        }
        let mut world = self.world.lock().unwrap();
        if !self.silent.lock().unwrap().contains(action) {
            let target = step.target.raw();
            match action {
                "disable" => world.enabled = false,
                "enable" => world.enabled = true,
                "remove-role" => drop(world.roles.remove(target)),
                "add-role" => drop(world.roles.insert(target.to_owned())),
                "end-session" => drop(world.sessions.remove(&target.parse().unwrap())),
                "end-secret" => world.secret = None,
                other => panic!("{other} is no action"),
            }
        }
        Answer::new(AnswerKind::Accepted, "fake", "204")
    }
}

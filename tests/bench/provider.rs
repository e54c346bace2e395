//! A provider of N sessions behind the real HTTP client: what is timed is the engine, the journal and the wire.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use estop::{
    domain::{
        Action, Activity, Answer, AnswerKind, Depth, Fact, Family, Holding, HoldingId, HoldingState, Identity,
        IdentityId, IdentityKind, IdentityState, Lane, ObjectId, Postcondition, ProviderName, Reading, Restoration,
        RestoreMode, Reversibility, Step, StepId, StepRecord,
    },
    engine::{Budget, Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Whoami},
    journal::ArmedStep,
    providers::http::{Call, Client, Grounds, NetworkOptions, NetworkTransport, Patience, answer_to, error_of},
};
use http::Method;
use jiff::Timestamp;

use crate::server::Server;

/// Mutations at the same time.
pub const CONCURRENT: usize = 100;

pub struct Bench {
    name: ProviderName,
    client: Client,
    clock: Arc<dyn Clock>,
    sessions: Mutex<BTreeSet<String>>,
    shut: Mutex<bool>,
    limits: Limits,
    /// Where what is alive is read back over the wire, within this.
    budget: Option<Budget>,
}

/// What the server lists.
#[derive(serde::Deserialize)]
struct Listed {
    shut: bool,
    alive: BTreeSet<String>,
}

impl Bench {
    pub fn new(server: &Server, sessions: usize, clock: Arc<dyn Clock>) -> Self {
        let deadline = Duration::from_secs(10);
        let limits = Limits { concurrent_writes: CONCURRENT, concurrent_reads: 8, deadline, ..Limits::default() };
        Self::at(&server.url(), sessions, limits, clock)
    }

    /// One that reads back what is alive, within limits.
    pub fn reading(url: &str, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let budget = Budget::new(limits, clock.clone());
        let bench = Self::at(url, 0, limits, clock);
        Self { client: bench.client.clone().budgeted(budget.clone()), budget: Some(budget), ..bench }
    }

    fn at(url: &str, sessions: usize, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let transport = Arc::new(NetworkTransport::new(&NetworkOptions::default()).unwrap());
        Self {
            name: ProviderName::new("bench"),
            client: Client::new(url.parse().unwrap(), transport, clock.clone()),
            clock,
            sessions: Mutex::new((0..sessions).map(|number| number.to_string()).collect()),
            shut: Mutex::new(false),
            limits,
            budget: None,
        }
    }

    /// What the server says is alive.
    async fn read_back(&self) -> Result<(), ProviderError> {
        let what = "bench: reading what is alive";
        let grounds = Grounds { what, permission: "" };
        let mut patience = Patience::new(self.limits.deadline, what);
        loop {
            let result = self.client.send(Call::get(["list"]).within(patience.limit()), None).await;
            let error = match (error_of(&result, grounds, self.clock.now()), &result) {
                (None, Ok(reply)) => {
                    let listed: Listed = reply.json(what)?;
                    *self.sessions.lock().unwrap() = listed.alive;
                    *self.shut.lock().unwrap() = listed.shut;
                    return Ok(());
                }
                (Some(error), _) => error,
                (None, Err(error)) => ProviderError::Transient(error.to_string()),
            };
            if !patience.again(&result, &error).await {
                return Err(error);
            }
        }
    }

    fn bot(&self) -> IdentityId {
        IdentityId::new(self.name.clone(), "bot")
    }

    fn identity(&self) -> Identity {
        let shut = *self.shut.lock().unwrap();
        Identity::new(
            self.bot(),
            "bot",
            IdentityKind::ServiceAccount,
            if shut { IdentityState::Gated } else { IdentityState::Live },
        )
    }

    fn step(&self, action: &str, target: &str, postcondition: Postcondition) -> Step {
        Step {
            target: target.into(),
            rank: 0,
            gate: action == "gate",
            reversible: Reversibility::Reversible,
            proof: "the list".to_owned(),
            ..Step::new(
                StepId::of(&self.bot(), action, Some(target)),
                self.bot(),
                Action::new(action),
                ObjectId::of(&self.name, action, target),
                postcondition,
            )
        }
    }
}

#[async_trait]
impl Provider for Bench {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "bench"
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn budget(&self) -> Option<Budget> {
        self.budget.clone()
    }

    fn coverage(&self) -> Coverage {
        Coverage::default()
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    /// Opens as many connections as will be used at once.
    async fn warm(&self) -> Result<(), ProviderError> {
        if self.budget.is_some() {
            return Ok(());
        }
        let opening = (0..CONCURRENT).map(|_| self.client.send(Call::get(["warm"]), None));
        futures::future::join_all(opening).await;
        Ok(())
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        let whoami = Whoami { identity: None, name: "bench".into() };
        Ok(Preflight { whoami, lanes: Vec::new(), clock_ahead_ms: None, notices: Vec::new() })
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        Ok(Listing { identities: vec![self.identity()], gaps: Vec::new() })
    }

    async fn holdings(&self, _: &Identity) -> Result<Reading, ProviderError> {
        let read_at = self.clock.now();
        if self.budget.is_some() {
            self.read_back().await?;
        }
        let mut reading = Reading::of(self.identity(), read_at);
        reading.facts.insert("shut".to_owned(), Fact::Bool(*self.shut.lock().unwrap()));
        for number in self.sessions.lock().unwrap().iter() {
            reading.holdings.push(Holding::new(
                HoldingId::new(self.bot(), "session", number.clone()),
                Lane::Tokens,
                Family::Token,
                number.as_str(),
                HoldingState::Live,
            ));
        }
        Ok(reading)
    }

    async fn activity(&self, _: &Identity, _: Option<Timestamp>, _: usize) -> Result<Vec<Activity>, ProviderError> {
        Ok(Vec::new())
    }

    fn gate(&self, _: &Identity) -> Vec<Step> {
        let postcondition = Postcondition::Equal { fact: "shut".to_owned(), value: Fact::Bool(true) };
        vec![self.step("gate", "bot", postcondition)]
    }

    fn steps(&self, reading: &Reading, _: Depth) -> Vec<Step> {
        let mut steps = self.gate(&reading.identity);
        steps.extend(reading.holdings.iter().map(|holding| {
            let absent = Postcondition::Absent { holding: holding.id.clone() };
            self.step("revoke", holding.id.native(), absent)
        }));
        steps
    }

    /// This world has no way back.
    fn restore(&self, _: &Reading, _: &Reading, _: &[StepRecord], _: RestoreMode) -> Restoration {
        Restoration::default()
    }

    async fn perform(&self, armed: &ArmedStep, _: u32) -> Answer {
        let step = armed.step();
        let call = Call::new(Method::POST, [step.action.word(), step.target.raw()]).key(armed.key());
        let reply = self.client.send(call, None).await;
        let answer = answer_to(&reply, "", self.clock.now());
        if answer.kind == AnswerKind::Accepted && self.budget.is_none() {
            match step.action.word() {
                "gate" => *self.shut.lock().unwrap() = true,
                _ => {
                    self.sessions.lock().unwrap().remove(step.target.raw());
                }
            }
        }
        answer
    }
}

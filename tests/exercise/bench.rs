//! The embedded exercise with the real engine over it.

use std::sync::{Arc, MutexGuard};

use estop::{
    domain::{BotName, Depth},
    engine::{BotEntry, BotView, Clock, Ended, Engine, Inventory, ManualClock, Order, Parts, Roster, Rules},
    journal::{Process, Stamp, Store},
    tabletop::{Exercise, Fleet, SimulatedPostgres, keycloak::Credential, postgres::World},
};

/// The bots that the exercise names.
pub const BOTS: [&str; 6] =
    ["helpdesk", "knowledge", "sales", "engineering-staging", "engineering-production", "compliance"];

pub struct Bench {
    pub exercise: Exercise,
    pub engine: Engine,
}

pub fn name(bot: &str) -> BotName {
    BotName::new(bot)
}

/// The `clientId` of a bot.
pub fn client(bot: &str) -> &'static str {
    match bot {
        "helpdesk" => "bot-helpdesk",
        "knowledge" => "bot-knowledge",
        "sales" => "bot-sales",
        "engineering-staging" => "bot-engineering-staging",
        "engineering-production" => "bot-engineering-prod",
        "compliance" => "bot-compliance",
        other => panic!("no bot {other}"),
    }
}

impl Bench {
    /// An engine that has read the fleet once.
    pub async fn new() -> Self {
        let bench = Self::at("2026-11-24T12:00:00Z", None);
        bench.engine.refresh().await;
        bench
    }

    /// An engine that has read nothing yet.
    pub fn at(time: &str, inventory: Option<Inventory>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(time.parse().unwrap()));
        let exercise = Exercise::of(&Fleet::embedded(), clock.clone()).unwrap();
        let scenario = Some(exercise.scenario.clone());
        let engine = Engine::new(Parts {
            providers: exercise.providers(),
            roster: roster(&exercise),
            store: Store::in_memory(scenario.clone(), stamp(&clock), Process::this()),
            clock,
            exercise: scenario,
            read_only: false,
            rules: Rules::default(),
        });
        let engine = match inventory {
            Some(inventory) => engine.with_inventory(inventory),
            None => engine,
        };
        Self { exercise, engine }
    }

    pub async fn isolate(&self, bot: &str, depth: Depth) -> Ended {
        let order = Order { depth, name_typed: true, ..Order::isolate(name(bot)) };
        self.engine.isolate(order).await.unwrap().ended().await.unwrap()
    }

    pub fn view(&self, bot: &str) -> Arc<BotView> {
        self.engine.snapshot().bot(&name(bot)).cloned().unwrap()
    }

    pub fn postgres(&self) -> Arc<SimulatedPostgres> {
        self.exercise.postgres.clone().unwrap()
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.exercise.postgres.as_ref().unwrap().world()
    }

    pub fn now_us(&self) -> i64 {
        self.exercise.clock.now().as_microsecond()
    }

    /// What leads back to the bot's client and would be accepted, whoever knows of it.
    pub fn alive_in_truth(&self, bot: &str) -> Vec<Credential> {
        self.exercise.keycloak.alive(client(bot))
    }
}

fn roster(exercise: &Exercise) -> Roster {
    let bots = exercise.bots.iter().map(|bot| BotEntry {
        name: bot.name.clone(),
        owner: bot.owner.clone(),
        contact: bot.contact.clone(),
        environment: bot.environment.clone(),
        identities: bot.identities.iter().map(ToString::to_string).collect(),
    });
    Roster::new(&exercise.select.names, &exercise.select.attributes, bots.collect(), []).unwrap()
}

fn stamp(clock: &Arc<dyn Clock>) -> Stamp {
    let clock = clock.clone();
    Arc::new(move || (clock.now(), u64::try_from(clock.monotonic().as_millis()).unwrap()))
}

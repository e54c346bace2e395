//! Everything that an engine asks of a provider: list, read, isolate, both ways back, burn.

use std::sync::Arc;

use estop::{
    domain::{BotName, Depth, RestoreMode},
    engine::{BotEntry, Clock, Engine, ManualClock, Order, Parts, Provider, RestoreOrder, Roster, Rules},
    journal::{Process, Stamp, Store},
};

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap()))
}

/// One bot of these identities, from the first look to the end of every credential.
pub async fn whole_life(provider: Arc<dyn Provider>, clock: Arc<dyn Clock>, identities: &[&str]) {
    provider.warm().await.unwrap();
    provider.preflight().await.unwrap();
    let engine = engine(provider.clone(), clock, identities);
    engine.refresh().await;
    for identity in &provider.inventory().await.unwrap().identities {
        provider.activity(identity, None, 10).await.unwrap();
    }
    for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
        strike(&engine, Depth::Isolate).await;
        let order = RestoreOrder { bot: bot(), mode, plan: None, name_typed: true, reason: None };
        engine.restore(order).await.unwrap().ended().await.unwrap();
    }
    strike(&engine, Depth::Burn).await;
}

fn bot() -> BotName {
    BotName::new("bot")
}

async fn strike(engine: &Engine, depth: Depth) {
    let order = Order { depth, name_typed: true, ..Order::isolate(bot()) };
    engine.isolate(order).await.unwrap().ended().await.unwrap();
}

fn engine(provider: Arc<dyn Provider>, clock: Arc<dyn Clock>, identities: &[&str]) -> Engine {
    let identities = identities.iter().map(|id| (*id).to_owned()).collect();
    let entry = BotEntry { name: "bot".to_owned(), identities, ..BotEntry::default() };
    let now = clock.clone();
    let stamp: Stamp = Arc::new(move || (now.now(), u64::try_from(now.monotonic().as_millis()).unwrap()));
    Engine::new(Parts {
        providers: vec![provider],
        roster: Roster::new(&[], &[], vec![entry], []).unwrap(),
        store: Store::in_memory(None, stamp, Process::this()),
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    })
}

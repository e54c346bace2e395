//! The same fleet from its file: what a console that starts has to do before it can show it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use estop::{
    config::{ProviderConfig, Sources, load},
    domain::BotName,
    engine::{BotEntry, Clock, Engine, Inventory, Listing, Part, Parts, Roster, Rules, Snapshot, SystemClock},
    journal::{Process, Store},
    providers::registry,
};

use super::world;

/// What one start took: the file alone, and until the engine has handed out a fleet.
pub struct Took {
    /// Bytes of the file.
    pub bytes: u64,
    /// Taking the file in.
    pub load: Vec<Duration>,
    /// The same, and putting the fleet together: bots, plans, states.
    pub fleet: Vec<Duration>,
    /// What was handed out.
    pub snapshot: Arc<Snapshot>,
}

/// Nobody listens there, and nobody is asked.
fn config(names: &[&str]) -> String {
    let provider = |name: &&str| {
        format!(
            "[[provider]]\nname = \"{name}\"\nkind = \"keycloak\"\nbase_url = \"http://127.0.0.1:9\"\n\
             realm = \"bots\"\nclient_id = \"estop\"\nclient_secret = {{ env = \"ESTOP_NONE\" }}\n"
        )
    };
    names.iter().map(provider).collect()
}

fn parts(snapshot: &Snapshot) -> Vec<Part> {
    let part = |status: &estop::engine::ProviderStatus| {
        let mine = snapshot.bots.iter().flat_map(|view| &view.identities).chain(snapshot.others.iter());
        let mut identities: Vec<_> = mine.filter(|one| *one.id.provider() == status.name).cloned().collect();
        identities.sort_by(|a, b| a.id.cmp(&b.id));
        let readings = snapshot.bots.iter().flat_map(|view| view.readings.iter());
        Part {
            name: status.name.clone(),
            read_at: world::now(),
            listing: Arc::new(Listing { identities, gaps: Vec::new() }),
            own: None,
            readings: readings.filter(|one| *one.identity.id.provider() == status.name).cloned().collect(),
        }
    };
    snapshot.providers.iter().map(part).collect()
}

/// Writes it and reads it again, a few times.
pub fn measure(snapshot: &Snapshot) -> Took {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("estop.toml");
    let names: Vec<&str> = snapshot.providers.iter().map(|one| one.name.as_str()).collect();
    std::fs::write(&file, config(&names)).unwrap();
    let sources = Sources { system: directory.path().join("none"), user: Some(file), named: true };
    let (read, _) = load(&sources, &[]).unwrap().unwrap();
    let state = directory.path().join("state");
    let inventory = Inventory::at(&state, read.providers.iter().map(ProviderConfig::place));
    inventory.keep(&parts(snapshot)).unwrap();
    let bytes = std::fs::metadata(inventory.path()).unwrap().len();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut times, mut fleet, mut last) = (Vec::new(), Vec::new(), None);
    for _ in 0..5 {
        let began = Instant::now();
        let parts = inventory.load().unwrap();
        times.push(began.elapsed());
        drop(parts);
        let engine = runtime.block_on(engine(snapshot, &read, &state, inventory.clone()));
        let began = Instant::now();
        assert_eq!(runtime.block_on(engine.recall_inventory()), None);
        fleet.push(began.elapsed());
        last = Some(engine.snapshot());
    }
    Took { bytes, load: times, fleet, snapshot: last.unwrap() }
}

/// One that has read its journals, as a start does beside this.
async fn engine(snapshot: &Snapshot, read: &estop::config::Config, state: &Path, inventory: Inventory) -> Engine {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entry = |view: &Arc<estop::engine::BotView>| BotEntry {
        name: view.bot.name.raw().to_owned(),
        identities: view.bot.identities.iter().map(ToString::to_string).collect(),
        ..BotEntry::default()
    };
    let roster = Roster::new(&[], &[], snapshot.bots.iter().map(entry).collect(), []).unwrap();
    let time = clock.clone();
    let stamp: estop::journal::Stamp = Arc::new(move || (time.now(), 0));
    let engine = Engine::new(Parts {
        providers: registry::providers(&read.providers, &clock).await.unwrap(),
        roster,
        store: Store::at(state, None, stamp, Process::this()),
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    })
    .with_inventory(inventory);
    assert!(engine.recheck(&BotName::new("nobody")).await.is_err());
    engine
}

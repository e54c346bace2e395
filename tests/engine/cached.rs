//! The inventory on disk: a second process begins with what the first has read, and takes none of it for a fresh read.

use std::{os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration};

use estop::{
    domain::{BotName, BotState, IdentityId, Outcome, ProviderName},
    engine::{
        BotEntry, Engine, Inventory, ManualClock, Order, Parts, Provider, ProviderStatus, Refusal, Roster, Rules,
    },
    journal::{Process, Store},
};

use super::{Behaviour, fake::Fake, helpdesk, stamp};

/// One process after another on the same state directory: each with its own providers, at its own time.
struct Place {
    directory: tempfile::TempDir,
}

struct Console {
    engine: Engine,
    fakes: Vec<Arc<Fake>>,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    fn inventory(&self) -> Inventory {
        Inventory::at(&self.state(), ["a, b".to_owned()])
    }

    fn open(&self, at: &str, behaviours: Vec<Behaviour>) -> Console {
        let clock = Arc::new(ManualClock::at(at.parse().unwrap()));
        let store = Store::at(self.state(), None, stamp(&clock), Process::this());
        let fakes = behaviours.into_iter().zip(["a", "b"]);
        let fakes: Vec<Arc<Fake>> = fakes.map(|(behaviour, name)| Fake::new(name, behaviour, clock.clone())).collect();
        let providers = fakes.iter().map(|fake| fake.clone() as Arc<dyn Provider>).collect();
        let entry = |name: &str, of: &str| BotEntry {
            name: name.to_owned(),
            identities: fakes.iter().map(|fake| format!("{}:{of}", fake.name())).collect(),
            ..BotEntry::default()
        };
        // Of the console itself nobody knows before a provider has told who it is.
        let roster = Roster::new(&["estop".to_owned()], &[], vec![entry("helpdesk", "bot")], []).unwrap();
        let engine = Engine::new(Parts {
            providers,
            roster,
            store,
            clock,
            exercise: None,
            read_only: false,
            rules: Rules::default(),
        });
        Console { engine: engine.with_inventory(self.inventory()), fakes }
    }

    /// What an earlier console has left, at three o'clock.
    async fn left(&self, behaviours: Vec<Behaviour>) {
        let console = self.open("2026-03-01T03:00:00Z", behaviours);
        console.engine.refresh().await;
        console.engine.keep_inventory().await;
        assert!(self.inventory().path().exists());
    }
}

impl Console {
    async fn recall(&self) {
        assert_eq!(self.engine.recall_inventory().await, None);
    }

    fn status(&self, name: &str) -> ProviderStatus {
        let snapshot = self.engine.snapshot();
        snapshot.providers.iter().find(|one| one.name.as_str() == name).unwrap().clone()
    }

    async fn isolate(&self) -> estop::engine::Ended {
        self.engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap()
    }

    fn reads(&self) -> usize {
        self.fakes.iter().map(|fake| fake.asked.lock().unwrap().len()).sum()
    }

    fn kinds(&self) -> Vec<String> {
        let incident = self.engine.store().incidents().unwrap()[0];
        let records = self.engine.store().read(incident).unwrap().records;
        records.iter().map(|record| record.kind.to_string()).collect()
    }
}

fn two() -> Vec<Behaviour> {
    vec![Behaviour::default(), Behaviour::default()]
}

#[tokio::test(start_paused = true)]
async fn the_next_process_knows_what_was_read_and_that_it_is_old() {
    let place = Place::new();
    place.left(two()).await;
    let console = place.open("2026-03-01T03:14:00Z", two());
    assert!(console.engine.snapshot().bot(&helpdesk()).unwrap().readings.is_empty());
    console.recall().await;
    let view = console.engine.snapshot().bot(&helpdesk()).unwrap().clone();
    assert_eq!((view.identities.len(), view.readings.len()), (2, 2));
    assert!(view.plan.steps.len() > 2 && view.is_stale("2026-03-01T03:14:00Z".parse().unwrap()));
    for name in ["a", "b"] {
        let status = console.status(name);
        assert!(!status.reachable && !status.complete && status.error.is_none(), "{status:?}");
        let read_at = status.read_at.unwrap().to_string();
        assert!(read_at.starts_with("2026-03-01T03:00:00"), "{read_at}");
    }
    assert!(!console.engine.snapshot().is_complete());
    assert_eq!(console.reads(), 0, "nobody was asked");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_replaces_its_part_and_a_dead_provider_keeps_its_own() {
    let place = Place::new();
    place.left(two()).await;
    let fewer = Behaviour { sessions: 1, ..Behaviour::default() };
    let down = Behaviour { down: true, ..Behaviour::default() };
    let console = place.open("2026-03-01T03:14:00Z", vec![fewer, down]);
    console.recall().await;
    console.engine.refresh().await;
    let (alive, dead) = (console.status("a"), console.status("b"));
    assert!(alive.reachable && alive.complete && alive.read_at > dead.read_at, "{alive:?}");
    assert!(!dead.reachable && !dead.complete && dead.error.unwrap().contains("connection refused"));
    let view = console.engine.snapshot().bot(&helpdesk()).unwrap().clone();
    let holdings = |at: usize| view.readings.get(&console.fakes[at].bot()).unwrap().holdings.len();
    assert_eq!((holdings(0), holdings(1)), (1, 3), "the living one's is new, the dead one's is as it was");
    assert!(view.error.is_some());
    // What is kept now has both, each with its own time; and so it goes on.
    console.engine.keep_inventory().await;
    let kept = place.inventory().load().unwrap().unwrap();
    assert!(kept[0].read_at > kept[1].read_at, "{kept:?}");
    assert!(kept[1].readings.iter().any(|reading| reading.holdings.len() == 3), "{kept:?}");
    let third = place.open("2026-03-01T04:00:00Z", two());
    third.recall().await;
    assert_eq!(third.status("b").read_at, dead.read_at);
}

/// Within the minute in which a reading of one's own would do.
#[tokio::test(start_paused = true)]
async fn a_young_reading_of_an_earlier_process_is_no_snapshot() {
    let place = Place::new();
    place.left(two()).await;
    let console = place.open("2026-03-01T03:00:05Z", two());
    console.recall().await;
    let view = console.engine.snapshot().bot(&helpdesk()).unwrap().clone();
    assert!(view.recalled && view.is_stale("2026-03-01T03:00:05Z".parse().unwrap()));
    let ended = console.isolate().await;
    assert_eq!(ended.outcome, Outcome::Dark);
    assert!(ended.time_to_first_cut_ms.unwrap() < 60, "the gate waited for a read: {ended:?}");
    let kinds = console.kinds();
    let first = |wanted: &str| kinds.iter().position(|kind| kind == wanted).unwrap();
    assert!(first("plan.intent") < first("evidence.snapshot"), "the gate goes first, alone: {kinds:?}");
    for fake in &console.fakes {
        assert!(fake.world.lock().unwrap().sessions.is_empty());
    }
    // With readings of its own as young as that, the snapshot comes first.
    let other = Place::new();
    let own = other.open("2026-03-01T03:00:00Z", two());
    own.engine.refresh().await;
    own.isolate().await;
    let kinds = own.kinds();
    let first = |wanted: &str| kinds.iter().position(|kind| kind == wanted).unwrap();
    assert!(first("evidence.snapshot") < first("plan.intent"), "{kinds:?}");
}

/// The reading that was waited for did not come: what is on record is of the earlier process, with its time.
#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_makes_nothing_dark() {
    let place = Place::new();
    place.left(two()).await;
    let down = Behaviour { down: true, ..Behaviour::default() };
    let console = place.open("2026-03-01T03:00:05Z", vec![Behaviour::default(), down]);
    console.recall().await;
    let ended = console.isolate().await;
    assert!(matches!(ended.outcome, Outcome::Partial { .. }), "{ended:?}");
    assert!(console.fakes[0].world.lock().unwrap().sessions.is_empty());
}

/// What the name stood for is gone, and the name is another identity's by now: that one is the bot.
#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_again_where_what_it_stood_for_is_gone() {
    let place = Place::new();
    let native = |native| Behaviour { native, ..Behaviour::default() };
    place.left(vec![native("16384")]).await;
    let console = place.open("2026-03-01T03:14:00Z", vec![native("24576")]);
    console.recall().await;
    let before = console.engine.snapshot().bot(&helpdesk()).unwrap().clone();
    assert_eq!(before.bot.identities, [IdentityId::new(ProviderName::new("a"), "16384")]);
    assert_eq!(console.isolate().await.outcome, Outcome::Dark);
    let world = console.fakes[0].world.lock().unwrap();
    assert!(world.is_shut() && world.sessions.is_empty(), "dark was said of the wrong one");
}

#[tokio::test(start_paused = true)]
async fn the_console_is_itself_before_any_provider_says_so() {
    let place = Place::new();
    place.left(vec![Behaviour::default()]).await;
    let console = place.open("2026-03-01T03:14:00Z", vec![Behaviour::default()]);
    console.recall().await;
    let own = BotName::new("estop");
    let refused = console.engine.isolate(Order::isolate(own.clone())).await.unwrap_err();
    assert_eq!(refused, Refusal::OwnIdentity(own));
}

/// It was isolated after the inventory was kept: the journal says so, not what was read before.
#[tokio::test(start_paused = true)]
async fn what_was_isolated_since_is_not_shown_as_it_was_before() {
    let place = Place::new();
    let first = place.open("2026-03-01T03:00:00Z", vec![Behaviour { fake_success: true, ..Behaviour::default() }]);
    first.engine.refresh().await;
    first.engine.keep_inventory().await;
    let ended = first.isolate().await;
    assert!(!matches!(ended.outcome, Outcome::Dark), "{ended:?}");
    let state = first.engine.snapshot().bot(&helpdesk()).unwrap().state;
    drop(first);
    let down = Behaviour { down: true, ..Behaviour::default() };
    let console = place.open("2026-03-01T03:20:00Z", vec![down]);
    // The journal is not read yet: nobody knows.
    console.recall().await;
    assert_eq!(console.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Unknown);
    console.engine.refresh().await;
    assert_eq!(console.engine.snapshot().bot(&helpdesk()).unwrap().state, state);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_told_in_one_sentence_and_changes_nothing() {
    let place = Place::new();
    place.left(two()).await;
    let path = place.inventory().path().to_owned();
    let whole = std::fs::read(&path).unwrap();
    let console = place.open("2026-03-01T03:14:00Z", two());
    let before = console.engine.snapshot();
    let cut = whole[..whole.len() - 1].to_vec();
    for (bytes, why) in [(cut, "it is damaged"), (b"something else".to_vec(), "it is damaged")] {
        std::fs::write(&path, bytes).unwrap();
        let said = console.engine.recall_inventory().await.unwrap();
        assert!(said.starts_with("the cached inventory ") && said.ends_with(why), "{said}");
    }
    std::fs::write(&path, &whole).unwrap();
    let early = place.open("2026-03-01T02:59:00Z", two());
    assert!(early.engine.recall_inventory().await.unwrap().contains("a time that is still to come"));
    let other = Inventory::at(path.parent().unwrap_or(Path::new("")), ["others".to_owned()]);
    let stranger = place.open("2026-03-01T03:14:00Z", two()).engine;
    assert!(Arc::ptr_eq(&before, &console.engine.snapshot()));
    assert!(other.load().is_err() && stranger.recall_inventory().await.is_none());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(console.engine.recall_inventory().await, None, "none is no mistake");
}

#[tokio::test(start_paused = true)]
async fn it_is_written_seldom_and_only_when_something_was_read() {
    let place = Place::new();
    let console = place.open("2026-03-01T03:00:00Z", vec![Behaviour::default()]);
    let written = || std::fs::metadata(place.inventory().path()).map(|found| found.ino()).ok();
    console.engine.keep_inventory().await;
    assert_eq!(written(), None, "nothing was read yet");
    console.engine.refresh().await;
    console.engine.keep_inventory().await;
    let first = written();
    assert!(first.is_some());
    console.engine.refresh().await;
    console.engine.keep_inventory().await;
    assert_eq!(written(), first, "just now");
    // Longer than the writing takes, by far: it is measured in real time.
    tokio::time::sleep(Duration::from_hours(1)).await;
    console.engine.keep_inventory().await;
    let second = written();
    assert_ne!(second, first);
    tokio::time::sleep(Duration::from_hours(1)).await;
    console.engine.keep_inventory().await;
    assert_eq!(written(), second, "nothing was read since");
}

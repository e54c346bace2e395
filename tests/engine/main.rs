//! The engine under paused time, against a provider that fights back.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod approvals;
mod budget;
mod cached;
mod fake;
mod findings;
mod hold;
mod identify;
mod people;
mod restorable;
mod restore;
mod retry;
mod two;

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{BotName, BotState, Depth, Outcome, Reason, StepState},
    engine::{BotEntry, Ended, Engine, EngineEvent, ManualClock, Order, Parts, Provider, Refusal, Roster, Rules},
    journal::{Body, Process, RecordBody, Store, fold},
};
use fake::{Behaviour, Fake};
use jiff::Timestamp;
use proptest::prelude::*;

struct Bench {
    engine: Engine,
    fakes: Vec<Arc<Fake>>,
}

fn store_in_memory(clock: &Arc<ManualClock>) -> Store {
    Store::in_memory(None, stamp(clock), Process::this())
}

fn stamp(clock: &Arc<ManualClock>) -> estop::journal::Stamp {
    use estop::engine::Clock as _;
    let clock = clock.clone();
    Arc::new(move || (clock.now(), u64::try_from(clock.monotonic().as_millis()).unwrap()))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-03-01T03:00:00Z".parse::<Timestamp>().unwrap()))
}

fn roster(names: &[&str], protected: &[&str]) -> Roster {
    let identities = names.iter().map(|name| format!("{name}:bot")).collect();
    let entry = BotEntry { name: "helpdesk".to_owned(), identities, ..BotEntry::default() };
    let console =
        BotEntry { name: "console".to_owned(), identities: vec!["a:estop".to_owned()], ..BotEntry::default() };
    Roster::new(&[], &[], vec![entry, console], protected.iter().map(|id| (*id).to_owned())).unwrap()
}

async fn bench(behaviours: Vec<Behaviour>) -> Bench {
    let clock = clock();
    let store = store_in_memory(&clock);
    bench_with(behaviours, clock, store, false, &[]).await
}

async fn bench_with(
    behaviours: Vec<Behaviour>,
    clock: Arc<ManualClock>,
    store: Store,
    read_only: bool,
    protected: &[&str],
) -> Bench {
    let names = ["a", "b", "c"];
    let fakes: Vec<Arc<Fake>> =
        behaviours.into_iter().zip(names).map(|(behaviour, name)| Fake::new(name, behaviour, clock.clone())).collect();
    let providers = fakes.iter().map(|fake| fake.clone() as Arc<dyn Provider>).collect();
    let roster = roster(&names[..fakes.len()], protected);
    let engine =
        Engine::new(Parts { providers, roster, store, clock, exercise: None, read_only, rules: Rules::default() });
    engine.refresh().await;
    Bench { engine, fakes }
}

fn helpdesk() -> BotName {
    BotName::new("helpdesk")
}

impl Bench {
    async fn isolate(&self) -> Ended {
        self.engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_goes_dark_and_the_record_says_how() {
    let bench = bench(vec![Behaviour::default()]).await;
    let mut events = bench.engine.subscribe();
    let ended = bench.isolate().await;
    assert_eq!(ended.outcome, Outcome::Dark);
    assert!(ended.time_to_first_cut_ms.unwrap() < 100, "{ended:?}");
    assert!(bench.fakes[0].world.lock().unwrap().sessions.is_empty());
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Dark);

    let incident = bench.engine.store().incidents().unwrap()[0];
    let records = bench.engine.store().read(incident).unwrap().records;
    let kinds: Vec<&str> = records.iter().map(|record| &*record.kind).collect();
    assert_eq!(&kinds[..4], ["incident.open", "op.claim", "evidence.snapshot", "plan.intent"]);
    assert_eq!(kinds.last(), Some(&"op.end"));
    let operation = &fold(incident, &records).operations[0];
    assert!(operation.steps.values().all(|record| record.state == StepState::Verified), "{operation:?}");
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let EngineEvent::Step { state, .. } = &*event {
            seen.push(state.word());
        }
    }
    assert!(seen.contains(&"sent") && seen.contains(&"accepted") && seen.contains(&"verified"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn steps_on_one_object_never_overlap() {
    let bench = bench(vec![Behaviour { sessions: 30, ..Behaviour::default() }]).await;
    assert_eq!(bench.isolate().await.outcome, Outcome::Dark);
    let world = bench.fakes[0].world.lock().unwrap();
    for (index, (object, began, ended)) in world.log.iter().enumerate() {
        for (other, later, _) in &world.log[index + 1..] {
            assert!(other != object || later >= ended || began >= ended, "{object} overlaps");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_gate_ends_in_partial_still_minting() {
    let behaviour = Behaviour { gate_refused: true, mints: 1_000, ..Behaviour::default() };
    let bench = bench(vec![behaviour]).await;
    let Outcome::Partial { reasons, .. } = bench.isolate().await.outcome else { panic!("not partial") };
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::StillMinting { .. })), "{reasons:?}");
    let permission = Some("disable-bots".to_owned());
    assert!(
        reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Refused { permission: named, .. } if *named == permission))
    );
}

#[tokio::test(start_paused = true)]
async fn a_yes_that_changes_nothing_is_contradicted() {
    let bench = bench(vec![Behaviour { fake_success: true, ..Behaviour::default() }]).await;
    let Outcome::Contradicted { alive, .. } = bench.isolate().await.outcome else { panic!("not contradicted") };
    assert_eq!(alive.len(), 3);
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Contradicted);
}

#[tokio::test(start_paused = true)]
async fn a_dead_provider_holds_up_nobody_and_resume_finishes() {
    let bench = bench(vec![Behaviour::default(), Behaviour::default()]).await;
    bench.fakes[1].behaviour.lock().unwrap().down = true;
    let ended = bench.isolate().await;
    let Outcome::Partial { reasons, .. } = &ended.outcome else { panic!("{ended:?}") };
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::Unreachable { .. })), "{reasons:?}");
    assert!(bench.fakes[0].world.lock().unwrap().sessions.is_empty());

    bench.fakes[1].behaviour.lock().unwrap().down = false;
    let mut resumed = bench.engine.resume(None).await.unwrap();
    assert_eq!(resumed.len(), 1);
    let ended = resumed.remove(0).ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "{ended:?}");
    assert!(bench.engine.resume(None).await.unwrap().is_empty(), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_provider_is_one_unknown_step() {
    let bench =
        bench(vec![Behaviour { panics: true, sessions: 1, ..Behaviour::default() }, Behaviour::default()]).await;
    let Outcome::Partial { reasons, .. } = bench.isolate().await.outcome else { panic!("not partial") };
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::Unknown { .. })), "{reasons:?}");
    assert!(bench.fakes[1].world.lock().unwrap().sessions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stale_plan_sends_the_gate_before_it_reads() {
    let bench = bench(vec![Behaviour::default()]).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    let ended = bench.isolate().await;
    assert_eq!(ended.outcome, Outcome::Dark);
    assert!(ended.time_to_first_cut_ms.unwrap() < 60, "the gate waited for a read: {ended:?}");
}

#[tokio::test(start_paused = true)]
async fn guards_refuse_before_anything_is_sent() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let bench = bench_with(vec![Behaviour::default()], clock, store, false, &["a:bot"]).await;
    let refused = |order: Order| async { bench.engine.isolate(order).await.unwrap_err() };
    assert_eq!(refused(Order::isolate(helpdesk())).await, Refusal::Protected(helpdesk()));
    let console = BotName::new("console");
    assert_eq!(refused(Order::isolate(console.clone())).await, Refusal::OwnIdentity(console));
    let nobody = refused(Order::isolate(BotName::new("nobody"))).await;
    assert_eq!(nobody, Refusal::UnknownBot("nobody".to_owned()));
    let hash = bench.engine.snapshot().bot(&helpdesk()).unwrap().burn.hash.clone();
    let order = Order { name_typed: true, plan: Some(hash), ..Order::isolate(helpdesk()) };
    assert!(matches!(refused(order).await, Refusal::PlanChanged { .. }));
    assert_eq!(bench.fakes[0].requests.load(std::sync::atomic::Ordering::SeqCst), 0);
    let host = bench.engine.store().host().await.unwrap();
    host.flush().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn read_only_refuses() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let bench = bench_with(vec![Behaviour::default()], clock, store, true, &[]).await;
    assert_eq!(bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap_err(), Refusal::ReadOnly);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_after_dark_is_contradicted() {
    let bench = bench(vec![Behaviour::default()]).await;
    assert_eq!(bench.isolate().await.outcome, Outcome::Dark);
    bench.fakes[0].world.lock().unwrap().sessions.push(99);
    let rechecked = bench.engine.recheck(&helpdesk()).await.unwrap();
    assert!(matches!(rechecked.outcome, Outcome::Contradicted { .. }), "{rechecked:?}");
    assert!(rechecked.incident.is_some());
}

#[tokio::test(start_paused = true)]
async fn two_orders_for_one_bot_are_one_isolation() {
    let bench = bench(vec![Behaviour::default()]).await;
    let first = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    let second = bench.engine.isolate(Order::isolate(helpdesk())).await;
    assert!(matches!(second, Err(Refusal::Running { op, .. }) if op == first.op));
    assert_eq!(first.ended().await.unwrap().outcome, Outcome::Dark);
}

/// The console holds the journal open that the key will join; what others do to the incident meanwhile is noticed.
#[tokio::test(start_paused = true)]
async fn the_key_joins_the_incident_that_is_held_open_and_leaves_a_closed_one() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let incident = estop::domain::IncidentId::from_uuid(uuid::Uuid::now_v7());
    let journal = store.open(incident).await.unwrap();
    let open = estop::journal::Entry::general(Body::IncidentOpen { title: None, follows: None });
    journal.commit(vec![open]).await.unwrap();
    let bench = bench_with(vec![Behaviour::default()], clock, store.clone(), false, &[]).await;
    bench.engine.make_ready().await;
    let running = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    assert_eq!(running.incident, incident);
    assert_eq!(running.ended().await.unwrap().outcome, Outcome::Dark);

    bench.engine.make_ready().await;
    let close = estop::journal::Entry::general(Body::IncidentClose { note: None });
    journal.commit(vec![close]).await.unwrap();
    let ended = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "{ended:?}");
    let incidents = store.incidents().unwrap();
    assert_eq!(incidents.len(), 2);
    let kinds = |incident| store.read(incident).unwrap().records.into_iter().map(|record| record.kind);
    assert_eq!(kinds(incidents[0]).next_back().as_deref(), Some("incident.close"));
    assert_eq!(kinds(incidents[1]).next_back().as_deref(), Some("op.end"));
}

/// What `kill -9` leaves: intents on record, nobody working on them.
#[tokio::test(start_paused = true)]
async fn resume_takes_over_under_the_same_keys() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let bench = bench_with(vec![Behaviour::default()], clock, store.clone(), false, &[]).await;
    bench.isolate().await;
    let incident = store.incidents().unwrap()[0];
    let whole = store.read(incident).unwrap().records;
    let until = whole.iter().position(|record| record.kind == "step.answer").unwrap();

    let clock = self::clock();
    let torn = store_in_memory(&clock);
    let journal = torn.open(incident).await.unwrap();
    for record in &whole[..until] {
        let RecordBody::Known(body) = &record.body else { panic!("unknown kind") };
        let entry = estop::journal::Entry { op: record.op, epoch: record.epoch, body: body.clone() };
        journal.commit(vec![entry]).await.unwrap();
    }
    drop(journal);
    let bench = bench_with(vec![Behaviour::default()], clock, torn.clone(), false, &[]).await;
    let mut resumed = bench.engine.resume(None).await.unwrap();
    let running = resumed.remove(0);
    assert_eq!(running.op, whole[1].op.unwrap());
    assert_eq!(running.ended().await.unwrap().outcome, Outcome::Dark);
    let records = torn.read(incident).unwrap().records;
    let mut keys = std::collections::BTreeMap::new();
    for record in &records {
        if let RecordBody::Known(Body::StepAttempt { step, key, .. }) = &record.body {
            assert_eq!(*keys.entry(step.clone()).or_insert(*key), *key, "{step:?} has two keys");
        }
    }
    assert!(records.iter().any(|record| record.epoch == 2));
}

#[tokio::test(start_paused = true)]
async fn a_mute_server_holds_up_nobodys_listing() {
    let clock = clock();
    let mute = Behaviour { warming: Duration::from_secs(15), latency: Duration::from_secs(15), ..Behaviour::default() };
    let fakes = [Behaviour::default(), mute].into_iter().zip(["a", "b"]);
    let fakes: Vec<Arc<Fake>> = fakes.map(|(behaviour, name)| Fake::new(name, behaviour, clock.clone())).collect();
    let providers = fakes.iter().map(|fake| fake.clone() as Arc<dyn Provider>).collect();
    let (store, roster) = (store_in_memory(&clock), roster(&["a", "b"], &[]));
    let engine = Engine::new(Parts {
        providers,
        roster,
        store,
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    });
    assert!(tokio::time::timeout(Duration::from_secs(1), engine.refresh()).await.is_err(), "one is mute");
    let view = engine.snapshot().bot(&helpdesk()).unwrap().clone();
    assert!(view.readings.get(&fakes[0].bot()).is_some(), "the other was read meanwhile");
}

/// The configuration has names; the server that could tell whose they are was down when the operation began.
#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_could_resolve_is_never_dark_and_resume_finishes() {
    let named = Behaviour { native: "16384", down: true, ..Behaviour::default() };
    let bench = bench(vec![Behaviour::default(), named]).await;
    let ended = bench.isolate().await;
    let Outcome::Partial { reasons, .. } = &ended.outcome else { panic!("it was never found: {ended:?}") };
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::Unread { .. })), "{reasons:?}");
    assert!(!bench.fakes[1].world.lock().unwrap().sessions.is_empty());

    bench.fakes[1].behaviour.lock().unwrap().down = false;
    bench.engine.refresh().await;
    let mut resumed = bench.engine.resume(None).await.unwrap();
    assert_eq!(resumed.remove(0).ended().await.unwrap().outcome, Outcome::Dark);
    assert!(bench.fakes[1].world.lock().unwrap().sessions.is_empty());
}

/// The same, and it is back while the sweep goes on: it is struck in the same run.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_resolved_late_is_struck_when_it_is() {
    let named = Behaviour { native: "16384", down: true, ..Behaviour::default() };
    let bench = bench(vec![Behaviour::default(), named]).await;
    bench.fakes[1].behaviour.lock().unwrap().down = false;
    assert_eq!(bench.isolate().await.outcome, Outcome::Dark);
    let world = bench.fakes[1].world.lock().unwrap();
    assert!(world.is_shut() && world.sessions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_ever_seen_is_not_dark() {
    let misspelt = Behaviour { native: "bto", ..Behaviour::default() };
    let clock = clock();
    let fake = Fake::new("a", misspelt, clock.clone());
    let entry = BotEntry { name: "helpdesk".to_owned(), identities: vec!["a:b0t".to_owned()], ..BotEntry::default() };
    let roster = Roster::new(&[], &[], vec![entry], []).unwrap();
    let (providers, store) = (vec![fake as Arc<dyn Provider>], store_in_memory(&clock));
    let engine = Engine::new(Parts {
        providers,
        roster,
        store,
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    });
    engine.refresh().await;
    assert_eq!(engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Unknown);
    let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    assert!(matches!(ended.outcome, Outcome::Partial { .. }), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_has_to_remember_outlives_the_process() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let bench = bench_with(vec![Behaviour::default()], clock.clone(), store.clone(), false, &[]).await;
    bench.isolate().await;
    let providers = vec![bench.fakes[0].clone() as Arc<dyn Provider>];
    let parts = Parts {
        providers,
        roster: roster(&["a"], &[]),
        store,
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    };
    let later = Engine::new(parts);
    later.refresh().await;
    later.recheck(&helpdesk()).await.unwrap();
    let asked = bench.fakes[0].asked.lock().unwrap();
    assert_eq!(asked.last().unwrap().get("was-open").map(String::as_str), Some("true"), "{asked:?}");
}

proptest! {
    // Each case is a whole isolation: a quarter of what the other properties run, or of PROPTEST_CASES.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    /// However the adversary mints and however late the gate bites: nothing is left, and dark is never a lie.
    #[test]
    fn an_adversary_that_mints_ends_with_nothing(
        sessions in 0u32..6, mints in 0u32..40, lag in 0u64..4_000, latency in 1u64..400, burn in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let behaviour = Behaviour {
                sessions,
                mints,
                gate_lag: Duration::from_millis(lag),
                latency: Duration::from_millis(latency),
                ..Behaviour::default()
            };
            let bench = bench(vec![behaviour]).await;
            let depth = if burn { Depth::Burn } else { Depth::Isolate };
            let order = Order { depth, ..Order::isolate(helpdesk()) };
            let ended = bench.engine.isolate(order).await.unwrap().ended().await.unwrap();
            let world = bench.fakes[0].world.lock().unwrap();
            prop_assert!(world.is_shut());
            prop_assert_eq!(&world.sessions, &Vec::<u32>::new());
            prop_assert_eq!(ended.outcome, Outcome::Dark);
            Ok(())
        })?;
    }
}

/// A queue that is so slow that the sweep ends while a step is on its way: what it comes to is read, too.
#[tokio::test(start_paused = true)]
async fn what_is_answered_after_the_last_listing_is_read_once_more() {
    let slow =
        Behaviour { fake_success: true, sessions: 20, latency: Duration::from_millis(1_500), ..Behaviour::default() };
    let bench = bench(vec![slow]).await;
    let ended = bench.isolate().await;
    let Outcome::Contradicted { alive, .. } = &ended.outcome else { panic!("{ended:?}") };
    assert_eq!(alive.len(), 20, "{ended:?}");
    let incident = bench.engine.store().incidents().unwrap()[0];
    let operation = fold(incident, &bench.engine.store().read(incident).unwrap().records).operations.remove(0);
    let open: Vec<_> = operation.steps.values().filter(|record| record.state == StepState::Accepted).collect();
    assert!(open.is_empty(), "{open:#?}");
}

//! After dark somebody keeps watching.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{Activity, BotState, IncidentId, LeakedSecret, Outcome},
    engine::{EngineEvent, Hold, Order},
    journal::{Body, Entry, RecordBody, Store, fold},
};
use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;

use crate::{
    Behaviour, Bench, bench_with, clock,
    fake::{Uses, World},
    helpdesk, store_in_memory,
};

async fn watched_bench(behaviour: Behaviour) -> (Bench, Store) {
    let clock = clock();
    let store = store_in_memory(&clock);
    (bench_with(vec![behaviour], clock, store.clone(), false, &[]).await, store)
}

fn watching() -> Order {
    Order { hold: Hold::AsNeeded, ..Order::isolate(helpdesk()) }
}

/// Waits for the next contradiction, as long as a console watches at least.
async fn contradicted(events: &mut Receiver<Arc<EngineEvent>>) -> Vec<String> {
    let next = async {
        loop {
            if let EngineEvent::Contradicted { alive, .. } = &*events.recv().await.unwrap() {
                return alive.iter().map(|one| one.what.clone()).collect();
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(5), next).await.expect("a contradiction")
}

fn contradictions(store: &Store, incident: IncidentId) -> usize {
    store.read(incident).unwrap().records.iter().filter(|record| record.kind == "contradiction").count()
}

fn login(at: Timestamp, outcome: &str) -> Activity {
    Activity {
        at,
        action: "CLIENT_LOGIN".into(),
        resource: None,
        on_behalf_of: None,
        session: None,
        from: Some("203.0.113.7".into()),
        outcome: outcome.into(),
    }
}

/// Everything that may happen after dark rings once, is on record, and shows.
#[tokio::test(start_paused = true)]
async fn what_happens_after_dark_is_contradicted_once() {
    type Happens = fn(&mut World, Timestamp);
    let happenings: [(&str, Happens); 4] = [
        ("usable after dark", |world, _| world.sessions.push(99)),
        ("enabled is true", |world, _| world.reopen()),
        ("CLIENT_LOGIN", |world, now| world.activity.push(login(now, "success"))),
        ("appeared after dark", |world, _| world.roles.push(7)),
    ];
    for (said, happens) in happenings {
        let (bench, store) = watched_bench(Behaviour::default()).await;
        let mut events = bench.engine.subscribe();
        let running = bench.engine.isolate(watching()).await.unwrap();
        let incident = running.incident;
        assert_eq!(running.ended().await.unwrap().outcome, Outcome::Dark);
        tokio::time::sleep(Duration::from_secs(20)).await;
        happens(&mut bench.fakes[0].world.lock().unwrap(), bench.engine.clock().now());
        let alive = contradicted(&mut events).await;
        assert!(alive.iter().any(|what| what.contains(said)), "{said}: {alive:?}");
        let state = || bench.engine.snapshot().bot(&helpdesk()).unwrap().state;
        assert_eq!(state(), BotState::Contradicted, "{said}");
        tokio::time::sleep(Duration::from_mins(10)).await;
        bench.engine.refresh().await;
        bench.engine.keep_watch().await;
        assert_eq!(contradictions(&store, incident), 1, "{said}: told once");
        assert_eq!(state(), BotState::Contradicted, "{said}: until it is struck again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_and_what_came_before_the_cut_are_no_use() {
    let (bench, store) = watched_bench(Behaviour::default()).await;
    let before = bench.engine.clock().now();
    let running = bench.engine.isolate(watching()).await.unwrap();
    let incident = running.incident;
    assert_eq!(running.ended().await.unwrap().outcome, Outcome::Dark);
    let now = bench.engine.clock().now();
    let seen = [login(before, "success"), login(now, "client_disabled")];
    bench.fakes[0].world.lock().unwrap().activity.extend(seen);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(contradictions(&store, incident), 0);
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Dark);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_residual_is_dark_and_on_record() {
    let residual = Some(Duration::from_mins(8));
    let (bench, store) = watched_bench(Behaviour { residual, ..Behaviour::default() }).await;
    let running = bench.engine.isolate(watching()).await.unwrap();
    let incident = running.incident;
    assert!(matches!(running.ended().await.unwrap().outcome, Outcome::DarkAt { .. }));
    let lines = || store.read(incident).unwrap().records;
    let dark = || lines().iter().filter(|record| record.kind == "residual.dark").count();
    tokio::time::sleep(Duration::from_mins(7)).await;
    assert_eq!(dark(), 0);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(dark(), 1);
    let operation = fold(incident, &lines()).operations.remove(0);
    assert_eq!(operation.ended.unwrap().outcome, Outcome::Dark);
}

/// The reads are few: a look every 5 s at first, every 30 s in the end, and none when the time is over.
#[tokio::test(start_paused = true)]
async fn looks_are_few_and_end() {
    let (bench, _) = watched_bench(Behaviour::default()).await;
    bench.engine.isolate(watching()).await.unwrap().ended().await.unwrap();
    let looks = || bench.fakes[0].asked.lock().unwrap().len();
    let at_first = looks();
    tokio::time::sleep(Duration::from_mins(6)).await;
    let watched = looks() - at_first;
    assert!((12..60).contains(&watched), "{watched} looks");
    let over = looks();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(looks(), over, "it is over");
}

/// Headless, the order waits and its outcome says what was found.
#[tokio::test(start_paused = true)]
async fn a_headless_hold_is_the_same_watch() {
    let (bench, store) = watched_bench(Behaviour::default()).await;
    let order = Order { hold: Hold::For(Duration::from_mins(1)), ..Order::isolate(helpdesk()) };
    let running = bench.engine.isolate(order).await.unwrap();
    let (incident, world) = (running.incident, bench.fakes[0].world.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        world.lock().unwrap().sessions.push(99);
    });
    let began = bench.engine.clock().now();
    let Outcome::Contradicted { alive, .. } = running.ended().await.unwrap().outcome else { panic!("it came back") };
    assert_eq!(alive.len(), 1, "{alive:?}");
    assert!(bench.engine.clock().now().duration_since(began).as_secs() >= 60);
    assert_eq!(contradictions(&store, incident), 1);
}

/// A console that opens later watches what the journal says is dark, and records what its ordinary refresh sees.
#[tokio::test(start_paused = true)]
async fn a_console_watches_what_others_left_dark() {
    let (bench, store) = watched_bench(Behaviour::default()).await;
    let running = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    let incident = running.incident;
    running.ended().await.unwrap();
    bench.engine.refresh().await;
    bench.engine.keep_watch().await;
    let mut events = bench.engine.subscribe();
    tokio::time::sleep(Duration::from_secs(30)).await;
    bench.fakes[0].world.lock().unwrap().sessions.push(99);
    contradicted(&mut events).await;

    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(contradictions(&store, incident), 1);
    let again = bench.engine.retry(&helpdesk()).await.unwrap().ended().await.unwrap();
    assert_eq!(again.outcome, Outcome::Dark);
    tokio::time::sleep(Duration::from_hours(1)).await;
    bench.fakes[0].world.lock().unwrap().sessions.push(100);
    bench.engine.refresh().await;
    assert_eq!(contradictions(&store, incident), 1, "what only reads records nothing");
    bench.engine.keep_watch().await;
    assert_eq!(contradictions(&store, incident), 2, "a console does, also when its watch is over");
}

#[tokio::test(start_paused = true)]
async fn a_closed_incident_gets_one_that_follows_it() {
    let (bench, store) = watched_bench(Behaviour::default()).await;
    let running = bench.engine.isolate(watching()).await.unwrap();
    let closed = running.incident;
    running.ended().await.unwrap();
    let journal = store.open(closed).await.unwrap();
    journal.commit(vec![Entry::general(Body::IncidentClose { note: None })]).await.unwrap();
    let mut events = bench.engine.subscribe();
    bench.fakes[0].world.lock().unwrap().sessions.push(99);
    contradicted(&mut events).await;
    let newer = *store.incidents().unwrap().last().unwrap();
    assert_ne!(newer, closed);
    let records = store.read(newer).unwrap().records;
    let RecordBody::Known(Body::IncidentOpen { follows, .. }) = &records[0].body else { panic!("{:?}", records[0]) };
    assert_eq!(*follows, Some(closed));
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Contradicted);
    let again = bench.engine.retry(&helpdesk()).await.unwrap();
    assert_eq!(again.incident, newer);
    assert_eq!(again.ended().await.unwrap().outcome, Outcome::Dark);
    let world: Arc<_> = bench.fakes[0].world.clone();
    assert!(world.lock().unwrap().sessions.is_empty());
}

const LEAKED: &str = "hunter2-hunter2-hunter2-hunter2!";

/// What every use of the leaked secret came to, as the incident has it.
fn uses_on_record(store: &Store, incident: IncidentId) -> Vec<Option<bool>> {
    let records = store.read(incident).unwrap().records;
    let alive = |body: &RecordBody| match body {
        RecordBody::Known(Body::ProbeResult { alive, .. }) => Some(*alive),
        _ => None,
    };
    records.iter().filter_map(|record| alive(&record.body)).collect()
}

/// Nothing that is read shows it: only whoever uses the secret again sees that it is let in.
#[tokio::test(start_paused = true)]
async fn what_leaked_is_used_again_while_the_bot_is_held() {
    let (bench, store) = watched_bench(Behaviour { secrets: &[LEAKED], ..Behaviour::default() }).await;
    let mut events = bench.engine.subscribe();
    let secret = LeakedSecret::new(LEAKED.to_owned().into());
    assert_eq!(bench.engine.hand_over(&helpdesk(), &secret, false).len(), 1);
    let running = bench.engine.isolate(watching()).await.unwrap();
    let incident = running.incident;
    assert_eq!(running.ended().await.unwrap().outcome, Outcome::Dark);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let refused = uses_on_record(&store, incident);
    assert!((4..=6).contains(&refused.len()) && refused.iter().all(|alive| *alive == Some(false)), "{refused:?}");

    bench.fakes[0].behaviour.lock().unwrap().uses = Uses::LetIn;
    let alive = contradicted(&mut events).await;
    assert!(alive.iter().any(|what| what.contains(secret.fingerprint().as_str())), "{alive:?}");
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Contradicted);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(contradictions(&store, incident), 1, "told once");
    let used = uses_on_record(&store, incident);
    assert!(used.contains(&Some(true)) && used.len() < 20, "{used:?}");
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(uses_on_record(&store, incident).len(), used.len(), "its time is over");
}

/// However short the hold, its last look uses the secret; so does the one at the end of the residual.
#[tokio::test(start_paused = true)]
async fn a_hold_ends_with_a_use_of_what_leaked() {
    let (bench, store) = watched_bench(Behaviour { secrets: &[LEAKED], ..Behaviour::default() }).await;
    bench.engine.hand_over(&helpdesk(), &LeakedSecret::new(LEAKED.to_owned().into()), false);
    let order = Order { hold: Hold::For(Duration::from_secs(8)), ..Order::isolate(helpdesk()) };
    let running = bench.engine.isolate(order).await.unwrap();
    let incident = running.incident;
    let behaviour = bench.fakes[0].clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        behaviour.behaviour.lock().unwrap().uses = Uses::LetIn;
    });
    let Outcome::Contradicted { alive, .. } = running.ended().await.unwrap().outcome else { panic!("it was let in") };
    assert!(alive[0].what.contains("let in"), "{alive:?}");
    assert_eq!(uses_on_record(&store, incident), [Some(false), Some(true)]);
}

#[tokio::test(start_paused = true)]
async fn a_use_that_mints_is_none_of_the_holds() {
    let behaviour = Behaviour { secrets: &[LEAKED], uses: Uses::Minting, ..Behaviour::default() };
    let (bench, store) = watched_bench(behaviour).await;
    bench.engine.hand_over(&helpdesk(), &LeakedSecret::new(LEAKED.to_owned().into()), false);
    let running = bench.engine.isolate(watching()).await.unwrap();
    let incident = running.incident;
    running.ended().await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(uses_on_record(&store, incident), [None], "once after the strike: it waits for consent");
    assert_eq!(bench.fakes[0].world.lock().unwrap().used, 0);
}

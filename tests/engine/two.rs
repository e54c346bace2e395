//! Two processes on one state directory. Here they are two engines with stores of their own over one directory: to each
//! other they are other processes.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{BotState, Outcome},
    engine::{Engine, EngineEvent, ManualClock, Order, Parts, Provider, Rules},
    journal::{Body, Entry, Process, RecordBody, Store, Verification, fold, verify},
};

use crate::{Behaviour, clock, fake::Fake, helpdesk, roster, stamp};

/// A responder at the same host and server.
fn responder(directory: &std::path::Path, fake: &Arc<Fake>, clock: &Arc<ManualClock>, process: Process) -> Engine {
    let store = Store::at(directory, None, stamp(clock), process);
    let (providers, roster) = (vec![fake.clone() as Arc<dyn Provider>], roster(&["a"], &[]));
    let (clock, rules) = (clock.clone(), Rules::default());
    Engine::new(Parts { providers, roster, store, clock, exercise: None, read_only: false, rules })
}

/// Fifty rounds: both press the key at the same moment.
#[tokio::test(start_paused = true)]
async fn two_people_press_the_key_and_it_is_one_operation() {
    for round in 0..50 {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let fake = Fake::new("a", Behaviour { mints: 2, ..Behaviour::default() }, clock.clone());
        let one = responder(directory.path(), &fake, &clock, Process::this());
        let other = responder(directory.path(), &fake, &clock, Process::this());
        tokio::join!(one.refresh(), other.refresh());
        let press = |engine: Engine, after: u64| async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap()
        };
        let (first, second) = tokio::join!(press(one.clone(), 0), press(other.clone(), round % 10));
        assert_eq!((&first.outcome, &second.outcome), (&Outcome::Dark, &Outcome::Dark), "round {round}");
        assert!(fake.world.lock().unwrap().sessions.is_empty(), "round {round}");
        let incidents = one.store().incidents().unwrap();
        assert_eq!(incidents.len(), 1, "round {round}: one incident");
        let folded = fold(incidents[0], &one.store().read(incidents[0]).unwrap().records);
        assert_eq!(folded.operations.len(), 1, "round {round}: one operation");
        assert_eq!([&first, &second].iter().filter(|ended| ended.followed.is_some()).count(), 1, "round {round}");
        for engine in [&one, &other] {
            engine.refresh().await;
            assert_eq!(engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Dark);
        }
        let verified = verify(&one.store().path(incidents[0]));
        assert!(matches!(verified, Verification::Sound { .. }), "round {round}: {verified:?}");
    }
}

/// What `kill -9` leaves of a process: a claim, and nobody.
async fn left_by(engine: &Engine, process: Process, clock: &Arc<ManualClock>) -> estop::domain::IncidentId {
    let directory = engine.store().directory().unwrap().parent().unwrap().to_owned();
    let store = Store::at(directory, None, stamp(clock), process);
    let incident = estop::domain::IncidentId::from_uuid(uuid::Uuid::now_v7());
    let op = estop::domain::OperationId::from_uuid(uuid::Uuid::now_v7());
    let view = engine.snapshot().bot(&helpdesk()).unwrap().clone();
    let claim = Body::OpClaim {
        bot: helpdesk(),
        depth: estop::domain::Depth::Isolate,
        reason: None,
        identities: view.identities.clone(),
        collateral: Vec::new(),
        resumed: false,
        restores: None,
    };
    let open = Entry::general(Body::IncidentOpen { title: None, follows: None });
    let journal = store.open(incident).await.unwrap();
    let plan = &view.plan;
    journal.arm(op, 1, vec![open, Entry::of(op, 1, claim)], plan.hash.clone(), 0, plan.steps.clone()).await.unwrap();
    incident
}

#[tokio::test(start_paused = true)]
async fn resume_leaves_to_a_living_process_what_it_is_at() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let fake = Fake::new("a", Behaviour::default(), clock.clone());
    let engine = responder(directory.path(), &fake, &clock, Process::this());
    engine.refresh().await;
    left_by(&engine, Process::this(), &clock).await;
    assert!(engine.resume(None).await.unwrap().is_empty());
    let held = engine.held(None).unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].1.to_string().contains(&std::process::id().to_string()), "{held:?}");
    engine.refresh().await;
    assert_eq!(engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Isolating);
    let refused = engine.retry(&helpdesk()).await.unwrap_err();
    assert!(refused.to_string().contains("--take-over"), "{refused}");
    let taken = engine.resume_from(None, true).await.unwrap().remove(0);
    assert_eq!(taken.ended().await.unwrap().outcome, Outcome::Dark);
}

/// The number of a process that is gone may be somebody else's by now.
#[tokio::test(start_paused = true)]
async fn what_a_dead_process_left_is_resumed_and_the_key_takes_it_over() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let fake = Fake::new("a", Behaviour::default(), clock.clone());
    let engine = responder(directory.path(), &fake, &clock, Process::this());
    engine.refresh().await;
    let reused = Process { start: Some("0000:1".to_owned()), ..Process::this() };
    left_by(&engine, reused, &clock).await;
    assert!(engine.held(None).unwrap().is_empty());
    let resumed = engine.resume(None).await.unwrap().remove(0);
    assert_eq!(resumed.ended().await.unwrap().outcome, Outcome::Dark);
    assert!(fake.world.lock().unwrap().sessions.is_empty());
}

/// The winner lives and never says another word: whoever pressed the key does not wait for ever.
#[tokio::test(start_paused = true)]
async fn a_mute_winner_is_taken_over_from() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let fake = Fake::new("a", Behaviour::default(), clock.clone());
    let engine = responder(directory.path(), &fake, &clock, Process::this());
    engine.refresh().await;
    let incident = left_by(&engine, Process::this(), &clock).await;
    let ended = engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark);
    assert!(fake.world.lock().unwrap().sessions.is_empty());
    let records = engine.store().read(incident).unwrap().records;
    assert_eq!(fold(incident, &records).operations.len(), 1);
    let claims = records.iter().filter(|one| matches!(one.body, RecordBody::Known(Body::OpClaim { .. }))).count();
    assert_eq!(claims, 2);
}

/// A console shows what another process does, and how it ended.
#[tokio::test(start_paused = true)]
async fn a_console_follows_what_another_process_isolates() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let slow = Behaviour { latency: Duration::from_secs(2), ..Behaviour::default() };
    let fake = Fake::new("a", slow, clock.clone());
    let worker = responder(directory.path(), &fake, &clock, Process::this());
    let screen = responder(directory.path(), &fake, &clock, Process::this());
    tokio::join!(worker.refresh(), screen.refresh());
    screen.keep_watch().await;
    let mut events = screen.subscribe();
    let running = worker.isolate(Order::isolate(helpdesk())).await.unwrap();
    let op = running.op;
    let mut seen = Vec::new();
    loop {
        match &*events.recv().await.unwrap() {
            EngineEvent::Started { op: told, .. } => {
                assert_eq!(*told, op);
                assert_eq!(screen.snapshot().bot(&helpdesk()).unwrap().state, BotState::Isolating);
            }
            EngineEvent::Step { state, .. } => seen.push(state.word()),
            EngineEvent::Ended { op: told, ended, .. } => {
                assert_eq!((*told, &ended.outcome), (op, &Outcome::Dark));
                break;
            }
            _ => {}
        }
    }
    assert!(seen.contains(&"verified"), "{seen:?}");
    running.ended().await.unwrap();
    screen.refresh().await;
    assert_eq!(screen.snapshot().bot(&helpdesk()).unwrap().state, BotState::Dark);
}

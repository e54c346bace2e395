//! Striking again.

use std::collections::BTreeMap;

use estop::{
    domain::{BotState, Outcome, Reason, RestoreMode, StepState},
    engine::{Engine, EngineEvent, Hold, Order, Refusal},
    journal::{Body, RecordBody, fold},
};

use crate::{
    Behaviour, bench, helpdesk,
    restorable::World,
    restore::{Host, isolate, restore},
};

#[tokio::test(start_paused = true)]
async fn what_was_refused_goes_again_under_its_key() {
    let bench = bench(vec![Behaviour { gate_refused: true, ..Behaviour::default() }]).await;
    let first = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    let (op, incident) = (first.op, first.incident);
    assert!(matches!(first.ended().await.unwrap().outcome, Outcome::Partial { .. }));
    bench.fakes[0].behaviour.lock().unwrap().gate_refused = false;
    let again = bench.engine.retry(&helpdesk()).await.unwrap();
    assert_eq!((again.op, again.incident), (op, incident), "the same operation");
    assert_eq!(again.ended().await.unwrap().outcome, Outcome::Dark);
    let records = bench.engine.store().read(incident).unwrap().records;
    let mut keys = BTreeMap::new();
    for record in &records {
        if let RecordBody::Known(Body::StepAttempt { step, key, .. }) = &record.body {
            assert_eq!(*keys.entry(step.clone()).or_insert(*key), *key);
        }
    }
    assert_eq!(fold(incident, &records).operations[0].epoch, 2);
    let nothing = bench.engine.retry(&helpdesk()).await.unwrap_err();
    assert_eq!(nothing, Refusal::NothingToRetry(helpdesk()));
}

/// The gate was proved shut once; somebody opens it again, and the thief is back.
#[tokio::test(start_paused = true)]
async fn what_came_back_after_dark_is_struck_again() {
    let bench = bench(vec![Behaviour::default()]).await;
    let order = Order { hold: Hold::AsNeeded, ..Order::isolate(helpdesk()) };
    bench.engine.isolate(order).await.unwrap().ended().await.unwrap();
    let mut events = bench.engine.subscribe();
    {
        let mut world = bench.fakes[0].world.lock().unwrap();
        world.reopen();
        world.sessions.push(99);
    }
    while !matches!(*events.recv().await.unwrap(), EngineEvent::Contradicted { .. }) {}
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Contradicted);
    let ended = bench.engine.retry(&helpdesk()).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "{ended:?}");
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Dark);
    let world = bench.fakes[0].world.lock().unwrap();
    assert!(world.is_shut() && world.sessions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_manual_step_is_attested_and_never_dark() {
    let bench = bench(vec![Behaviour { by_hand: true, ..Behaviour::default() }]).await;
    let running = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    let incident = running.incident;
    let Outcome::Partial { reasons, .. } = running.ended().await.unwrap().outcome else { panic!("a person must") };
    assert!(matches!(reasons[..], [Reason::Manual { .. }]), "{reasons:?}");
    let open = || fold(incident, &bench.engine.store().read(incident).unwrap().records).operations.remove(0);
    let id = open().steps.values().find(|record| record.state == StepState::Manual).unwrap().step.id.to_string();
    assert_eq!(bench.engine.confirm("no-such", None).await.unwrap_err(), Refusal::NoStep("no-such".to_owned()));
    assert_eq!(bench.engine.confirm("", None).await.unwrap_err(), Refusal::NoStep(String::new()));
    let confirmed = bench.engine.confirm(&id, Some("done".to_owned())).await.unwrap();
    assert_eq!((confirmed.incident, confirmed.bot), (incident, helpdesk()));
    let Outcome::Partial { reasons, .. } = open().ended.unwrap().outcome else { panic!("attested is no proof") };
    assert!(matches!(reasons[..], [Reason::AttestedOnly { .. }]), "{reasons:?}");
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Partial);
    assert!(!open().is_unfinished());
}

#[tokio::test(start_paused = true)]
async fn a_handover_tells_the_next_in_under_twelve_lines() {
    let behaviour = Behaviour { by_hand: true, gate_refused: true, ..Behaviour::default() };
    let bench = bench(vec![behaviour]).await;
    let running = bench.engine.isolate(Order::isolate(helpdesk())).await.unwrap();
    let incident = running.incident;
    running.ended().await.unwrap();
    bench.engine.note(None, "the token was in a gist").await.unwrap();
    let lines = bench.engine.hand_over_incident(None, Some("bob".to_owned()), None).await.unwrap();
    assert!(lines.len() < 12, "{lines:#?}");
    let text = lines.join("\n");
    for part in ["helpdesk partial", "estop confirm", "disable-bots", "the token was in a gist"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let folded = fold(incident, &bench.engine.store().read(incident).unwrap().records);
    let [note, handover] = &folded.notes[..] else { panic!("{:?}", folded.notes) };
    assert!(note.hands_over.is_none() && handover.hands_over.as_ref().unwrap().as_ref().unwrap().raw() == "bob");
}

/// What an isolation still waited for would take a bot apart again that was given back.
#[tokio::test(start_paused = true)]
async fn an_isolation_that_was_lifted_is_left_alone() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    *host.servers[0].by_hand.lock().unwrap() = true;
    let engine = Engine::new(host.parts(false));
    engine.refresh().await;
    assert!(matches!(isolate(&engine).await.outcome, Outcome::Partial { .. }));
    let waits = |record: &&estop::domain::StepRecord| record.state == StepState::Manual;
    let id = host.operations()[0].steps.values().find(waits).unwrap().step.id.to_string();
    assert!(matches!(restore(&engine, RestoreMode::FalseAlarm).await.outcome, Outcome::Restored { .. }));
    let restored = (host.servers[0].world(), host.servers[0].log().len());
    assert_eq!(engine.confirm(&id, None).await.unwrap_err(), Refusal::NoStep(id.clone()));
    assert_eq!(engine.retry(&helpdesk()).await.unwrap_err(), Refusal::NothingToRetry(helpdesk()));
    assert_eq!((host.servers[0].world(), host.servers[0].log().len()), restored);
    assert!(matches!(isolate(&engine).await.outcome, Outcome::Partial { .. }));
    assert!(engine.confirm(&id, None).await.is_ok(), "the next isolation waits for it anew");
}

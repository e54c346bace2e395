//! Who may do what.

use std::sync::{Arc, atomic::Ordering};

use estop::{
    domain::BotName,
    engine::{Engine, Login, Order, Parts, People, Provider, Refusal, Right, Rules},
    journal::{Body, RecordBody},
};

use crate::{Behaviour, clock, fake::Fake, helpdesk, roster, store_in_memory};

#[derive(Debug)]
struct Crew(&'static [&'static str]);

impl People for Crew {
    fn login(&self) -> Login {
        Login { uid: 4242, name: "vera".to_owned() }
    }

    fn is_root(&self) -> bool {
        false
    }

    fn is_member(&self, group: &str) -> Result<bool, String> {
        Ok(self.0.contains(&group))
    }
}

async fn engine(groups: &'static [&'static str]) -> (Engine, Arc<Fake>) {
    let clock = clock();
    let store = store_in_memory(&clock);
    let fake = Fake::new("a", Behaviour::default(), clock.clone());
    let rules = Rules { responder_group: Some("ir".to_owned()), people: Arc::new(Crew(groups)), ..Rules::default() };
    let providers = vec![fake.clone() as Arc<dyn Provider>];
    let roster = roster(&["a"], &[]);
    let engine = Engine::new(Parts { providers, roster, store, clock, exercise: None, read_only: false, rules });
    engine.refresh().await;
    (engine, fake)
}

#[tokio::test(start_paused = true)]
async fn a_viewer_may_only_view_and_the_attempt_is_on_record() {
    let (engine, fake) = engine(&["staff"]).await;
    let viewer = |right| Refusal::Viewer { right, why: "vera is not of the group ir".to_owned() };
    assert_eq!(engine.may(Right::Close), Err(viewer(Right::Close)));
    let typed = Order { name_typed: true, ..Order::isolate(helpdesk()) };
    assert_eq!(engine.isolate(typed).await.unwrap_err(), viewer(Right::Isolate));
    assert_eq!(engine.retry(&helpdesk()).await.unwrap_err(), viewer(Right::Retry));
    assert_eq!(engine.confirm("x", None).await.unwrap_err(), viewer(Right::Confirm));
    assert_eq!(engine.note(None, "x").await.unwrap_err(), viewer(Right::Note));
    assert_eq!(engine.hand_over_incident(None, None, None).await.unwrap_err(), viewer(Right::HandOver));
    assert!(engine.resume(None).await.unwrap().is_empty());
    assert_eq!(fake.requests.load(Ordering::SeqCst), 0);
    let host = engine.store().read_host().unwrap().records;
    let said: Vec<&str> = host
        .iter()
        .filter_map(|record| match &record.body {
            RecordBody::Known(Body::GuardRefused { why, .. }) => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(said.iter().all(|why| why.contains("uid 4242")), "{said:?}");
    assert!(engine.store().incidents().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_responder_isolates() {
    let (engine, _) = engine(&["ir"]).await;
    assert_eq!(engine.may(Right::Isolate), Ok(()));
    engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap();
}

/// What a typed name lets through is on record with the intent.
#[tokio::test(start_paused = true)]
async fn an_override_is_on_record() {
    let clock = clock();
    let store = store_in_memory(&clock);
    let bench = crate::bench_with(vec![Behaviour::default()], clock, store.clone(), false, &["a:bot"]).await;
    let order = Order { name_typed: true, ..Order::isolate(helpdesk()) };
    let running = bench.engine.isolate(order).await.unwrap();
    let incident = running.incident;
    running.ended().await.unwrap();
    let records = store.read(incident).unwrap().records;
    let at = |kind: &str| records.iter().position(|record| record.kind == kind).unwrap();
    assert!(at("guard.override") < at("step.attempt"));
    assert_eq!(bench.engine.snapshot().bot(&BotName::new("helpdesk")).unwrap().hits(), 0);
}

//! Findings through the engine: by the thresholds of the house, on record with the isolation, and of a bot that came back.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{BotState, Outcome, Policy, Rule, Suppression},
    engine::{Engine, Parts, Provider, Rules},
    journal::{Body, Record, RecordBody},
};
use jiff::SignedDuration;

use super::{
    Bench, bench, clock,
    fake::{Behaviour, Fake},
    helpdesk, roster, store_in_memory,
};

/// The ids of the rules that have fired.
fn fired(engine: &Engine) -> Vec<String> {
    let snapshot = engine.snapshot();
    snapshot.bot(&helpdesk()).unwrap().findings.fired.iter().map(|finding| finding.rule.id()).collect()
}

async fn with_policy(policy: Policy, collateral_cap: usize) -> Bench {
    let clock = clock();
    let behaviour = Behaviour { residual: Some(Duration::from_hours(2)), ..Behaviour::default() };
    let fake = Fake::new("a", behaviour, clock.clone());
    let providers = vec![fake.clone() as Arc<dyn Provider>];
    let rules = Rules { policy, collateral_cap, ..Rules::default() };
    let (roster, store) = (roster(&["a"], &[]), store_in_memory(&clock));
    let engine = Engine::new(Parts { providers, roster, store, clock, exercise: None, read_only: false, rules });
    engine.refresh().await;
    Bench { engine, fakes: vec![fake] }
}

#[tokio::test(start_paused = true)]
async fn the_thresholds_of_the_house_decide_what_is_a_finding() {
    let usual = fired(&with_policy(Policy::default(), 3).await.engine);
    assert!(usual.contains(&"F703".to_owned()), "tokens of two hours live longer than one: {usual:?}");
    let lenient = Policy { access_life: SignedDuration::from_hours(3), ..Policy::default() };
    let lenient = fired(&with_policy(lenient, 3).await.engine);
    assert!(!lenient.contains(&"F703".to_owned()), "{lenient:?}");
    assert!(lenient.iter().all(|rule| usual.contains(rule)), "nothing else fires for it: {lenient:?}");
}

fn raised(record: &Record) -> Option<&Body> {
    match &record.body {
        RecordBody::Known(body @ Body::FindingRaise { .. }) => Some(body),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_wrong_before_the_cut_is_on_record_behind_the_one_commit_that_the_requests_wait_for() {
    let bench = with_policy(Policy::default(), 3).await;
    let before = bench.engine.snapshot().bot(&helpdesk()).unwrap().findings.clone();
    assert!(before.len() > 1);
    bench.isolate().await;
    let incident = bench.engine.store().incidents().unwrap()[0];
    let records = bench.engine.store().read(incident).unwrap().records;
    let kinds: Vec<&str> = records.iter().map(|record| &*record.kind).collect();
    assert_eq!(&kinds[..4], ["incident.open", "op.claim", "evidence.snapshot", "plan.intent"]);
    assert_eq!(kinds.last(), Some(&"op.end"));
    let bodies: Vec<Body> = records.iter().filter_map(raised).cloned().collect();
    let wanted: Vec<Body> = before.fired.iter().map(|finding| Body::raised(&helpdesk(), finding)).collect();
    assert_eq!(bodies, wanted);
    let of_the_operation = records.iter().filter(|record| raised(record).is_some()).all(|record| record.op.is_some());
    assert!(of_the_operation);
    let Some(Body::FindingRaise { rule, severity, cites, .. }) =
        bodies.iter().find(|body| matches!(body, Body::FindingRaise { rule, .. } if rule == "F703"))
    else {
        panic!("{bodies:?}")
    };
    assert_eq!((&**rule, &**severity), ("F703", "medium"));
    assert_eq!(cites.as_slice(), ["NHI7:2025", "PR.AA-01", "PR.AA-04", "ZT-3"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_house_lives_with_is_on_record_with_its_reason() {
    let until = "2026-03-02T00:00:00Z".parse().unwrap();
    let suppress = Suppression {
        rule: Rule::of("F703").unwrap(),
        bot: helpdesk(),
        until,
        reason: "the vendor has no other".into(),
    };
    let policy = Policy { suppress: vec![suppress], ..Policy::default() };
    let bench = with_policy(policy, 3).await;
    assert!(!fired(&bench.engine).contains(&"F703".to_owned()), "{:?}", fired(&bench.engine));
    bench.isolate().await;
    let incident = bench.engine.store().incidents().unwrap()[0];
    let records = bench.engine.store().read(incident).unwrap().records;
    let said: Vec<&Body> = records
        .iter()
        .filter(|record| &*record.kind == "finding.suppress")
        .filter_map(|one| one.body.known())
        .collect();
    let [Body::FindingSuppress { rule, until: end, reason, .. }] = said[..] else { panic!("{said:?}") };
    assert_eq!((&**rule, *end, reason.raw()), ("F703", until, "the vendor has no other"));
    // A day later the decision is over.
    tokio::time::sleep(Duration::from_hours(24)).await;
    bench.engine.refresh().await;
    assert!(fired(&bench.engine).contains(&"F703".to_owned()), "{:?}", fired(&bench.engine));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_comes_alive_again_has_a_contradiction_and_an_open_window() {
    let bench = bench(vec![Behaviour::default()]).await;
    assert!(!fired(&bench.engine).iter().any(|rule| rule.starts_with("F12")));
    assert_eq!(bench.isolate().await.outcome, Outcome::Dark);
    assert!(!fired(&bench.engine).iter().any(|rule| rule == "F1202" || rule == "F1203"), "{:?}", fired(&bench.engine));
    bench.fakes[0].world.lock().unwrap().sessions.push(99);
    let rechecked = bench.engine.recheck(&helpdesk()).await.unwrap();
    assert!(matches!(rechecked.outcome, Outcome::Contradicted { .. }), "{rechecked:?}");
    bench.engine.refresh().await;
    let snapshot = bench.engine.snapshot();
    let view = snapshot.bot(&helpdesk()).unwrap();
    assert_eq!(view.state, BotState::Contradicted);
    let said = |rule: &str| view.findings.fired.iter().find(|one| one.rule.id() == rule).map(|one| one.why.as_str());
    assert_eq!(said("F1203"), Some("isolated, and something of it is proved alive"));
    assert!(said("F1202").is_some_and(|why| why.contains("usable after it was called cut")), "{:?}", said("F1202"));
}

/// What outlives the cut by a known time keeps the window open until then, and no longer.
#[tokio::test(start_paused = true)]
async fn the_window_of_what_outlives_the_cut_closes_with_it() {
    let bench = with_policy(Policy::default(), 3).await;
    assert!(matches!(bench.isolate().await.outcome, Outcome::DarkAt { .. }));
    let snapshot = bench.engine.snapshot();
    let view = snapshot.bot(&helpdesk()).unwrap();
    let BotState::DarkAt(at) = view.state else { panic!("{:?}", view.state) };
    let window = view.findings.fired.iter().find(|one| one.rule.id() == "F1203").expect("F1203");
    assert!(window.why.contains(&at.to_string()), "{}", window.why);
    tokio::time::sleep(Duration::from_hours(3)).await;
    bench.engine.refresh().await;
    assert!(!fired(&bench.engine).contains(&"F1203".to_owned()), "{:?}", fired(&bench.engine));
}

//! Findings through the engine: by the thresholds of the house.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::Policy,
    engine::{Engine, Parts, Provider, Rules},
};
use jiff::SignedDuration;

use super::{
    Bench, clock,
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

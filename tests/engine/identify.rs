//! A leaked secret that was handed over: ended where others stay gated, and used once more as the proof.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use estop::{
    domain::{BotName, BotState, LeakedSecret, Outcome, ProbeKind},
    engine::{Ended, Leaked, Order, Refusal},
    journal::{Body, RecordBody},
};
use secrecy::SecretString;

use super::{Bench, bench, fake::*, helpdesk};

const LEAKED: &str = "hunter2-hunter2-hunter2-hunter2!";
const OTHER: &str = "another-secret-of-the-same-bot-1";

fn secret(text: &str) -> LeakedSecret {
    LeakedSecret::new(SecretString::from(text.to_owned()))
}

async fn of(uses: Uses) -> Bench {
    bench(vec![Behaviour { secrets: &[LEAKED, OTHER], uses, ..Behaviour::default() }]).await
}

async fn isolated(bench: &Bench, consent: bool) -> Ended {
    assert_eq!(bench.engine.hand_over(&helpdesk(), &secret(LEAKED), consent).len(), 1);
    bench.isolate().await
}

fn used(bench: &Bench) -> u32 {
    bench.fakes[0].world.lock().unwrap().used
}

/// The uses that the open incident has on record.
fn on_record(bench: &Bench) -> Vec<Option<bool>> {
    let incident = bench.engine.store().incidents().unwrap()[0];
    let records = bench.engine.store().read(incident).unwrap().records;
    let alive = |body: &RecordBody| match body {
        RecordBody::Known(Body::ProbeResult { alive, .. }) => Some(*alive),
        _ => None,
    };
    records.iter().filter_map(|record| alive(&record.body)).collect()
}

#[tokio::test(start_paused = true)]
async fn it_is_identified_without_being_used() {
    let bench = of(Uses::Honest).await;
    let identified = bench.engine.identify(&secret(LEAKED));
    let [owner] = identified.owners.as_slice() else { panic!("{identified:?}") };
    assert_eq!((owner.bot.as_ref(), owner.probe), (Some(&helpdesk()), ProbeKind::ReadOnly));
    assert_eq!(identified.fingerprint, secret(LEAKED).fingerprint());
    assert!(bench.engine.identify(&secret("nobody's")).owners.is_empty());
    assert_eq!(used(&bench), 0);
    let probed = bench.engine.probe(&secret(LEAKED), &identified, false).await;
    assert_eq!((probed[0].1.alive, used(&bench)), (Some(true), 1));
}

#[tokio::test(start_paused = true)]
async fn what_leaked_is_ended_and_refused_and_the_other_secret_stays_gated() {
    let bench = of(Uses::Honest).await;
    let shown = bench.engine.snapshot().bot(&helpdesk()).unwrap().plan.clone();
    bench.engine.hand_over(&helpdesk(), &secret(LEAKED), false);
    let plan = bench.engine.snapshot().bot(&helpdesk()).unwrap().plan.clone();
    assert_eq!((plan.steps.len(), plan.hash == shown.hash), (shown.steps.len() + 1, false));
    let ended = bench.isolate().await;
    assert_eq!(ended.outcome, Outcome::Dark);
    assert_eq!(bench.fakes[0].world.lock().unwrap().secrets, [OTHER]);
    assert_eq!((used(&bench), on_record(&bench)), (1, vec![Some(false)]));
    bench.engine.forget(&helpdesk());
    assert!(!bench.engine.has_leaked(&helpdesk()));
}

#[tokio::test(start_paused = true)]
async fn an_order_brings_its_secret_along() {
    let bench = of(Uses::Honest).await;
    let identified = bench.engine.identify(&secret(LEAKED));
    let owner = identified.owners[0].clone();
    let leaked = Leaked { secret: secret(LEAKED), rule: "secret".to_owned(), owner, consent: false };
    let order = Order { leaked: vec![leaked], ..Order::isolate(helpdesk()) };
    let ended = bench.engine.isolate(order).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark);
    assert_eq!(bench.fakes[0].world.lock().unwrap().secrets, [OTHER]);
}

#[tokio::test(start_paused = true)]
async fn what_is_let_in_after_the_strike_is_contradicted_for_good() {
    let bench = of(Uses::LetIn).await;
    let ended = isolated(&bench, false).await;
    let Outcome::Contradicted { alive, .. } = &ended.outcome else { panic!("{ended:?}") };
    assert!(alive[0].what.contains(secret(LEAKED).fingerprint().as_str()), "{alive:?}");
    assert_eq!(on_record(&bench), [Some(true)]);
    assert_eq!(bench.engine.snapshot().bot(&helpdesk()).unwrap().state, BotState::Contradicted);
    let rechecked = bench.engine.recheck(&helpdesk()).await.unwrap();
    assert!(matches!(rechecked.outcome, Outcome::Contradicted { .. }), "no reading takes it back: {rechecked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_on_record_and_is_no_reason() {
    for uses in [Uses::Untold, Uses::Panics] {
        let bench = of(uses).await;
        assert_eq!(isolated(&bench, false).await.outcome, Outcome::Dark);
        assert_eq!(on_record(&bench), [None], "{uses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_use_that_mints_waits_for_consent_and_what_it_made_joins_the_sweep() {
    let bench = of(Uses::Minting).await;
    assert_eq!(isolated(&bench, false).await.outcome, Outcome::Dark);
    assert_eq!((used(&bench), on_record(&bench)), (0, vec![None]));

    let bench = of(Uses::Minting).await;
    let ended = isolated(&bench, true).await;
    assert!(matches!(ended.outcome, Outcome::Contradicted { .. }), "{ended:?}");
    assert_eq!(used(&bench), 1);
    assert!(bench.fakes[0].world.lock().unwrap().sessions.is_empty(), "what the use made was ended");
}

#[tokio::test(start_paused = true)]
async fn another_bots_secret_is_not_kept() {
    let bench = of(Uses::Honest).await;
    assert!(bench.engine.hand_over(&BotName::new("console"), &secret(LEAKED), false).is_empty());
    assert!(bench.engine.hand_over(&helpdesk(), &secret("nobody's"), false).is_empty());
    let owner = bench.engine.identify(&secret(LEAKED)).owners[0].clone();
    let leaked = Leaked { secret: secret(LEAKED), rule: "secret".to_owned(), owner, consent: false };
    let wrong = Order { leaked: vec![leaked], ..Order::isolate(BotName::new("other")) };
    assert!(matches!(bench.engine.isolate(wrong).await, Err(Refusal::UnknownBot(_))));
    assert_eq!(bench.isolate().await.outcome, Outcome::Dark);
    assert_eq!((used(&bench), on_record(&bench).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_record_has_its_fingerprint_only() {
    let bench = of(Uses::LetIn).await;
    let identified = bench.engine.identify(&secret(LEAKED));
    bench.engine.probe(&secret(LEAKED), &identified, false).await;
    isolated(&bench, false).await;
    let incident = bench.engine.store().incidents().unwrap()[0];
    let text = format!("{:?} {:?}", bench.engine.store().read(incident).unwrap().records, bench.engine.snapshot());
    assert!(text.contains(secret(LEAKED).fingerprint().as_str()));
    let encoded = percent_encoding::utf8_percent_encode(LEAKED, percent_encoding::NON_ALPHANUMERIC).to_string();
    // The last characters of Base64 hang on what follows.
    let base64 = BASE64_STANDARD.encode(LEAKED);
    for spelling in [LEAKED, &encoded, &base64[..base64.len() - 4], &hex::encode(LEAKED)] {
        assert!(!text.contains(spelling), "{spelling}");
    }
}

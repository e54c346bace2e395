//! Every bot of the exercise fleet, isolated and burned by the real engine under paused time, through nothing but the
//! public API. The proof is the attacker's hand: what was stolen, and what was made at the worst moment, is used again.
//!
//! ```text
//! steal everything ─▶ isolate, while the thief mints right before and right after each cut ─▶ use it all again
//!                                                                         neighbours: used again too
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[path = "exercise/bench.rs"]
mod bench;
#[path = "exercise/neighbours.rs"]
mod neighbours;
#[path = "exercise/server.rs"]
mod server;
#[path = "exercise/thief.rs"]
mod thief;

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use bench::{BOTS, Bench};
use estop::{
    domain::{BotState, Depth, Outcome, Reason},
    tabletop::postgres::{Denied, SessionSeed},
};
use serde_json::json;
use server::Administrator;
use thief::{Stolen, Thief};

/// The bots that share a key, and with which.
const SHARED: [(&str, &str); 2] =
    [("engineering-staging", "engineering-production"), ("engineering-production", "engineering-staging")];

/// Dark but for tokens that end by themselves; or partial, because the key opens the sibling, and nothing else.
fn assert_ended(bot: &str, outcome: &Outcome) {
    let shared = SHARED.iter().find(|(one, _)| *one == bot);
    match (shared, outcome) {
        (None, Outcome::DarkAt { residual, .. }) => assert!(!residual.is_empty(), "{bot}"),
        (Some((_, sibling)), Outcome::Partial { reasons, .. }) => {
            let only = |reason: &Reason| matches!(reason, Reason::OpensToo { name, .. } if name == sibling);
            assert!(!reasons.is_empty() && reasons.iter().all(only), "{bot}: {reasons:?}");
        }
        _ => panic!("{bot}: {outcome:?}"),
    }
}

fn still_works(bench: &Bench, loot: &[Stolen]) -> Vec<String> {
    loot.iter().filter(|stolen| stolen.works(bench)).map(|stolen| stolen.what.clone()).collect()
}

/// Steals, isolates under ambush, uses everything again.
async fn run(bot: &'static str, depth: Depth) -> (Bench, Vec<Stolen>) {
    let bench = Bench::new().await;
    let thief = Thief::of(&bench, bot);
    let mut loot = thief.steal_everything(&bench).await;
    assert_eq!(still_works(&bench, &loot).len(), loot.len(), "{bot}: what was stolen works");
    let neighbours = neighbours::of(&bench, bot);
    assert_eq!(still_works(&bench, &neighbours).len(), neighbours.len());
    bench.engine.refresh().await;

    thief.lie_in_wait(&bench);
    let knocking = thief.knock_at_the_data_store(&bench);
    let ended = bench.isolate(bot, depth).await;
    bench.exercise.keycloak.no_more_ambushes();
    let sneaked_in = knocking.stop().await;
    assert_ended(bot, &ended.outcome);

    let minted = thief.minted();
    assert!(!minted.is_empty(), "{bot}: the thief got something in between");
    loot.extend(minted);
    loot.extend(sneaked_in);
    let (expected, own): (Vec<_>, Vec<_>) = loot.into_iter().partition(|stolen| stolen.as_sibling);
    assert_eq!(still_works(&bench, &own), [""; 0], "{bot}, {depth:?}");
    assert_eq!(still_works(&bench, &expected).len(), expected.len(), "{bot}: named by the outcome");
    assert_eq!(bench.alive_in_truth(bot), [], "{bot}, {depth:?}");
    let living = still_works(&bench, &neighbours).len();
    assert_eq!(living, neighbours.len(), "{bot}: {:?}", still_works(&bench, &neighbours));
    (bench, own)
}

#[tokio::test(start_paused = true)]
async fn isolated_bots_are_dead_and_their_neighbours_live() {
    for bot in BOTS {
        let (bench, _) = run(bot, Depth::Isolate).await;
        let state = bench.view(bot).state;
        assert!(matches!(state, BotState::DarkAt(_) | BotState::Partial), "{bot}: {state:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn burned_bots_stay_dead_when_somebody_opens_them_again() {
    for bot in BOTS {
        let (bench, loot) = run(bot, Depth::Burn).await;
        let administrator = Administrator::of(&bench).await;
        let client = bench::client(bot);
        let uuid = bench.exercise.keycloak.client_uuid(client).unwrap();
        let account = bench.exercise.keycloak.user_id(&format!("service-account-{client}")).unwrap();
        let open = json!({ "enabled": true, "attributes": {} });
        assert_eq!(administrator.send("PUT", &format!("/clients/{uuid}"), &open).await.0, 204);
        let open = json!({ "enabled": true });
        assert_eq!(administrator.send("PUT", &format!("/users/{account}"), &open).await.0, 204);
        // The gate of the realm is open again; what the bot made and the data store are not.
        assert_eq!(still_works(&bench, &loot), [""; 0], "{bot}");
    }
}

#[tokio::test(start_paused = true)]
async fn isolated_but_not_burned_only_the_secrets_come_back_with_the_gate() {
    let (bench, loot) = run("helpdesk", Depth::Isolate).await;
    let administrator = Administrator::of(&bench).await;
    let uuid = bench.exercise.keycloak.client_uuid("bot-helpdesk").unwrap();
    let account = bench.exercise.keycloak.user_id("service-account-bot-helpdesk").unwrap();
    administrator.send("PUT", &format!("/clients/{uuid}"), &json!({ "enabled": true, "attributes": {} })).await;
    administrator.send("PUT", &format!("/users/{account}"), &json!({ "enabled": true })).await;
    let back: BTreeSet<_> = still_works(&bench, &loot).into_iter().collect();
    let gated = ["client secret", "registration token"].map(str::to_owned);
    assert_eq!(back, BTreeSet::from(gated), "a false alarm can be undone, and no token wakes with it");
}

#[tokio::test(start_paused = true)]
async fn one_key_cuts_the_knowledge_bot_at_both_providers() {
    let (bench, _) = run("knowledge", Depth::Isolate).await;
    let incident = bench.engine.store().incidents().unwrap()[0];
    let records = bench.engine.store().read(incident).unwrap().records;
    let operation = estop::journal::fold(incident, &records).operations.remove(0);
    let providers: BTreeSet<_> =
        operation.steps.values().map(|record| record.step.identity.provider().as_str().to_owned()).collect();
    assert_eq!(providers, BTreeSet::from(["docs-db", "exercise-sso"].map(str::to_owned)));
    let now = bench.now_us();
    let client = SessionSeed { client: "203.0.113.66".to_owned(), ..SessionSeed::default() };
    assert_eq!(bench.world().log_in("kb_reader", &client, now), Err(Denied::NoLogin));
    let (burned, _) = run("knowledge", Depth::Burn).await;
    assert_eq!(burned.world().log_in("kb_reader", &client, burned.now_us()), Err(Denied::Password));
}

#[tokio::test(start_paused = true)]
async fn a_colleague_who_became_the_bot_before_the_strike_is_named() {
    let bench = Bench::new().await;
    let now = bench.now_us();
    let client = SessionSeed { client: "198.51.100.25".to_owned(), ..SessionSeed::default() };
    let pid = bench.world().log_in("erin", &client, now).unwrap();
    bench.world().set_role(pid, "kb_reader").unwrap();
    bench.engine.refresh().await;
    let ended = bench.isolate("knowledge", Depth::Isolate).await;
    assert_eq!(bench.world().query(pid, "SELECT", now).as_deref(), Ok("kb_reader"), "no API ends what it is");
    let Outcome::Partial { reasons, .. } = ended.outcome else { panic!("{ended:?}") };
    let named = |reason: &Reason| matches!(reason, Reason::Unlisted { what } if what.contains("erin"));
    assert!(reasons.iter().all(named) && reasons.len() == 1, "{reasons:?}");
    bench.world().hang_up(pid);
    let rechecked = bench.engine.recheck(&bench::name("knowledge")).await.unwrap();
    assert!(matches!(rechecked.outcome, Outcome::DarkAt { .. }), "{rechecked:?}");
}

#[tokio::test(start_paused = true)]
async fn writes_on_one_client_lose_each_other_unless_they_are_in_order() {
    let bench = Bench::new().await;
    bench.exercise.keycloak.crowd(40);
    let administrator = Administrator::of(&bench).await;
    let thief = bench.exercise.keycloak.as_attacker();
    let mut wrong = 0;
    for number in (0..40).step_by(2) {
        let name = format!("service-{number:05}");
        let path = format!("/clients/{}", bench.exercise.keycloak.client_uuid(&name).unwrap());
        let secret = thief.steal_secret(&name).unwrap();
        let shut = json!({ "enabled": false, "attributes": {} });
        let (regenerate, nothing) = (format!("{path}/client-secret"), json!({}));
        let (one, other) =
            futures::join!(administrator.send("PUT", &path, &shut), administrator.send("POST", &regenerate, &nothing),);
        assert!(one.0 < 300 && other.0 < 300, "every answer is a success");
        let same = thief.steal_secret(&name).unwrap() == secret;
        let (_, now) = administrator.send("GET", &path, &json!(null)).await;
        wrong += usize::from(same || now["enabled"] == json!(true));
    }
    assert!(wrong > 0, "the trap is set in every test of this file");
}

/// Somebody saves the bot's client in the server's own console all through the strike: their writes and the engine's
/// overlap, and one may put the other's old state back.
#[tokio::test(start_paused = true)]
async fn a_strike_wins_against_writes_that_undo_it() {
    let mut undone = 0;
    for offset in 0..12 {
        let bench = Bench::new().await;
        let thief = Thief::of(&bench, "sales");
        let loot = thief.steal_everything(&bench).await;
        bench.engine.refresh().await;
        let revivals = thief.watch_for_revivals(&bench);
        let meddling =
            Administrator::of(&bench).await.keep_saving(&bench, "bot-sales", Duration::from_millis(offset * 5));
        let ended = bench.isolate("sales", Depth::Burn).await;
        meddling.await.unwrap();
        bench.exercise.keycloak.no_more_ambushes();
        undone += revivals.load(Ordering::Relaxed);
        assert_ended("sales", &ended.outcome);
        assert_eq!(still_works(&bench, &loot), [""; 0], "offset {offset}");
        assert_eq!(bench.alive_in_truth("sales"), []);
    }
    assert!(undone > 0, "no write was lost: nothing was shown");
}

//! Servers that are not there, do not answer, or are other ones; and estop's own credential, refused.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::net::TcpListener;

use super::refused;
use crate::estop::{Estop, Ran, SELECT, bot, keycloak, keycloak_at};
use crate::lab::attacker::steal_everything;
use crate::lab::keycloak::{Lab, Realm};
use crate::lab::own_server::free_port;
use crate::scene::{assert_dead, entry, list};

/// The sound provider `sso` beside a second one that is not.
fn beside(realm: &Realm, second: &str, client_id: &str, secret: &str) -> Result<Estop> {
    let estop = Estop::of_realm(realm, second)?;
    estop.secret(client_id, secret)?;
    Ok(estop)
}

fn provider<'a>(ran: &'a Ran, name: &str) -> Result<&'a Value> {
    entry(list(ran.document(), "providers")?, "name", name)
}

/// The second provider is told, the first one goes on: list, check, and an isolation.
async fn the_other_goes_on(realm: &Realm, estop: &Estop, told: &[&str]) -> Result<()> {
    let listed = refused(estop.run(&["list"]).await?, 3, told);
    anyhow::ensure!(list(listed.document(), "bots")?.len() == 6, "{listed}");
    anyhow::ensure!(provider(&listed, "other")?["complete"] == false && provider(&listed, "sso")?["complete"] == true);
    anyhow::ensure!(provider(&listed, "other")?["error"].is_string(), "{listed}");
    let checked = refused(estop.run(&["check"]).await?, 3, told);
    anyhow::ensure!(provider(&checked, "other")?["reachable"] == false, "{checked}");

    let loot = steal_everything(realm, "bot-compliance").await?;
    estop.run(&["isolate", "bot-compliance", "--yes"]).await?.expect(0);
    assert_dead(loot.iter()).await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_unreachable_server_costs_its_own_bots_only() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let address = format!("http://127.0.0.1:{}", free_port()?);
    let estop = beside(&realm, &keycloak_at("other", &address, &realm.name, "estop"), "estop", "s")?;
    the_other_goes_on(&realm, &estop, &["other", "127.0.0.1"]).await?;
    refused(estop.run(&["isolate", "no-such-bot", "--yes"]).await?, 2, &["no-such-bot", "other"]);
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_wrong_client_secret_is_told_without_quoting_it() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let wrong = "wrong-secret-of-the-operator";
    let other = realm.operator_without(&[]).await?;
    let estop = beside(&realm, &keycloak("other", &realm, &other), &other.client_id, wrong)?;
    let listed = refused(estop.run(&["list"]).await?, 3, &["other", &other.client_id, "secret"]);
    anyhow::ensure!(!listed.stderr.contains(wrong) && !listed.stdout.contains(wrong), "{listed}");
    the_other_goes_on(&realm, &estop, &["other", &other.client_id]).await?;
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_wrong_realm_is_told_and_never_an_empty_fleet() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let wrong = keycloak_at("other", &realm.admin.base_url, "no-such-realm", &realm.operator.client_id);
    let estop = Estop::of_realm(&realm, &wrong)?;
    the_other_goes_on(&realm, &estop, &["other", "realm"]).await?;
    estop.configure(&format!("{SELECT}\n{}", wrong.replace("other", "sso")))?;
    refused(estop.run(&["list"]).await?, 3, &["sso", "realm"]);
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_server_that_never_answers_does_not_hold_up_the_strike() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    // It takes connections and says nothing: the kernel does that for whoever listens and does not accept.
    let mute = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", mute.local_addr()?);
    let second = keycloak_at("other", &address, &realm.name, "estop");
    let estop = beside(&realm, &second, "estop", "s")?;
    let loot = steal_everything(&realm, "bot-compliance").await?;
    let began = Instant::now();
    let ran = estop.run(&["isolate", "bot-compliance", "--yes"]).await?.expect(0);
    anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "{:?}: {ran}", began.elapsed());
    anyhow::ensure!(ran.outcome()["time_to_first_cut_ms"].as_u64() < Some(2_000), "{ran}");
    assert_dead(loot.iter()).await?;
    let listed = refused(estop.run(&["list"]).await?, 3, &["other"]);
    anyhow::ensure!(list(listed.document(), "bots")?.len() == 6, "{listed}");
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn half_a_bot_behind_an_unreachable_server_is_partial_and_unfinished() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let address = format!("http://127.0.0.1:{}", free_port()?);
    let id = "5e0c1f9a-0000-4000-8000-000000000001";
    let second = [
        keycloak_at("other", &address, &realm.name, "estop"),
        bot("sales", &["sso:bot-sales", &format!("other:{id}")]),
    ];
    let estop = beside(&realm, &second.concat(), "estop", "s")?;
    let loot = steal_everything(&realm, "bot-sales").await?;
    let ran = refused(estop.run(&["isolate", "sales", "--yes"]).await?, 3, &["sales", "other"]);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    assert_dead(loot.iter()).await.context("what can be reached is cut")?;
    let status = estop.run(&["status"]).await?.expect(0);
    let operations = list(&list(status.document(), "incidents")?[0], "operations")?;
    anyhow::ensure!(operations[0]["unfinished"] == true, "{status}");
    refused(estop.run(&["resume"]).await?, 3, &["sales", "unfinished"]);
    realm.remove().await
}

/// The configuration says names; the server that could tell whose they are comes back later.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_name_that_could_not_be_resolved_is_never_dark_and_resume_finishes() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let loot = steal_everything(&realm, "bot-sales").await?;
    let dead = format!("http://127.0.0.1:{}", free_port()?);
    let at = |address: &str| {
        let provider = keycloak_at("sso", address, &realm.name, &realm.operator.client_id);
        [provider, bot("sales", &["sso:bot-sales"])].concat()
    };
    let estop = Estop::new(&at(&dead))?;
    estop.secret(&realm.operator.client_id, &realm.operator.secret)?;
    let ran = refused(estop.run(&["isolate", "sales", "--yes"]).await?, 3, &["sales", "sso"]);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    crate::scene::assert_live(loot.iter()).await?;

    estop.configure(&at(&realm.admin.base_url))?;
    let resumed = estop.run(&["resume"]).await?.expect(0);
    assert_dead(loot.iter()).await.with_context(|| resumed.to_string())?;
    estop.run(&["recheck", "sales"]).await?.expect(0);
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_bot_that_no_provider_has_is_never_dark() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let misspelt = bot("ghost", &["sso:bot-salse"]);
    let estop = Estop::of_realm(&realm, &misspelt)?;
    let listed = estop.run(&["list"]).await?;
    anyhow::ensure!(entry(list(listed.document(), "bots")?, "name", "ghost")?["state"] == "unknown", "{listed}");
    let ran = refused(estop.run(&["isolate", "ghost", "--yes"]).await?, 3, &["ghost", "bot-salse"]);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    realm.remove().await
}

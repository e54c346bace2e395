//! After an isolation somebody enables the bot again, in a hurry: what may come back, and what must not.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;

use crate::lab::keycloak::Realm;
use crate::lab::stolen::{Belongs, Loot, Stolen};
use crate::scene::{Scene, assert_dead, assert_live};

/// Long-lived, and left by an isolation that is to be undone after a false alarm: behind a shut gate it is useless.
fn is_gated_only(stolen: &Stolen) -> bool {
    let long_lived = matches!(stolen.loot(), Loot::Login(_) | Loot::Registration { .. });
    long_lived && stolen.belongs == Belongs::Bot
}

/// Isolates, enables again, and uses everything once more.
async fn gated_is_not_revoked(bot: &str) -> Result<Scene> {
    let scene = Scene::robbed(bot).await?;
    scene.isolate(&[]).await?;
    assert_dead(scene.owned()).await?;
    scene.enable_again(bot).await?;

    let (secrets, rest): (Vec<&Stolen>, Vec<&Stolen>) = scene.owned().partition(|stolen| is_gated_only(stolen));
    assert_dead(rest.into_iter()).await.context("tokens, sessions, grants and children stay dead")?;
    assert_live(secrets.into_iter()).await.context("what was gated only works again: the client is enabled")?;
    scene.assert_others_live().await?;
    let rechecked = scene.read("recheck").await?.expect(4);
    rechecked.says(&[bot, "STILL LIVE"]);
    anyhow::ensure!(rechecked.document()["outcome"] == "contradicted", "{rechecked}");
    Ok(scene)
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn users_grants_stay_dead_when_the_bot_is_enabled_again() -> Result<()> {
    gated_is_not_revoked("bot-helpdesk").await?.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn old_tokens_stay_dead_when_the_bot_is_enabled_again() -> Result<()> {
    gated_is_not_revoked("bot-sales").await?.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn children_and_power_stay_dead_when_the_bot_is_enabled_again() -> Result<()> {
    let bot = "bot-engineering-staging";
    let scene = gated_is_not_revoked(bot).await?;
    // Its key mints again, and what it mints administers nothing.
    let Realm { oidc, admin, name, .. } = &scene.realm;
    let token = oidc.mint(&scene.realm.login(bot)?, "").await?.text("access_token")?;
    let power = Loot::Power { admin: admin.clone(), realm: name.clone(), token };
    assert_dead([&Stolen::new(oidc, bot, Belongs::Bot, "administration by a new token", power)].into_iter()).await?;
    scene.clear().await
}

/// Burns, enables everything again, children too, and uses everything once more: nothing works.
async fn burned_stays_dead(bot: &str) -> Result<()> {
    let scene = Scene::robbed(bot).await?;
    let ran = scene.isolate(&["--burn"]).await?;
    assert_dead(scene.owned()).await?;
    scene.enable_again(bot).await?;
    let clients = scene.realm.admin.get(&format!("/{}/clients", scene.realm.name)).await?;
    for client in clients.as_array().context("no list of clients")?.iter().filter(|client| client["enabled"] == false) {
        let path = format!("/{}/clients/{}", scene.realm.name, client["id"].as_str().unwrap_or_default());
        let body = json!({"enabled": true, "attributes": {}});
        scene.realm.admin.call(Method::PUT, &path, Some(&body)).await?.ok()?;
    }
    assert_dead(scene.owned()).await.context("burned, and enabled again")?;
    scene.assert_others_live().await?;
    anyhow::ensure!(ran.outcome()["not_restorable"].as_u64() >= Some(2), "{ran}");
    scene.read("recheck").await?.expect(4);
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_burned_delegate_stays_dead() -> Result<()> {
    burned_stays_dead("bot-helpdesk").await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn both_burned_secrets_of_a_rotation_stay_dead() -> Result<()> {
    burned_stays_dead("bot-sales").await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_burned_key_and_burned_children_stay_dead() -> Result<()> {
    burned_stays_dead("bot-engineering-staging").await
}

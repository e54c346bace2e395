//! A realm that keeps no events: what a bot made there cannot be found, and is never called dark.

use anyhow::Result;
use serde_json::json;

use crate::lab::keycloak::{Lab, Realm};
use crate::scene::{Scene, assert_dead, list};

async fn silent_realm() -> Result<Realm> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let silent = json!({"eventsEnabled": false, "adminEventsEnabled": false, "enabledEventTypes": []});
    let path = format!("/{}/events/config", realm.name);
    realm.admin.put(&path, &silent).await?;
    let config = realm.admin.get(&path).await?;
    anyhow::ensure!(config["eventsEnabled"] == false && config["adminEventsEnabled"] == false, "{config}");
    Ok(realm)
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_bot_that_could_mint_is_partial_and_says_what_may_be_hidden() -> Result<()> {
    let bot = "bot-engineering-staging";
    let scene = Scene::robbed_in(silent_realm().await?, bot, &[bot], "").await?;
    let ran = scene.isolate(&[]).await?.expect(3);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    ran.says(&[bot, "unlisted"]);
    anyhow::ensure!(ran.outcome()["counts"]["unlisted"].as_u64() >= Some(1), "{ran}");
    // What it holds itself is dead all the same. Its children may well live: that is what the outcome says.
    let own = |stolen: &&crate::lab::stolen::Stolen| stolen.belongs == crate::lab::stolen::Belongs::Bot;
    assert_dead(scene.owned().filter(own)).await?;
    scene.assert_others_live().await?;
    let rechecked = scene.read("recheck").await?.expect(3);
    rechecked.says(&[bot, "unlisted"]);

    let checked = scene.estop.run(&["check"]).await?.expect(0);
    let notices = list(&list(checked.document(), "providers")?[0], "notices")?;
    anyhow::ensure!(
        notices.iter().any(|notice| notice.as_str().is_some_and(|text| text.contains("no admin events"))),
        "{checked}"
    );
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_bot_that_cannot_mint_goes_dark_without_events() -> Result<()> {
    let bot = "bot-knowledge";
    let scene = Scene::robbed_in(silent_realm().await?, bot, &[bot], "").await?;
    let ran = scene.isolate(&[]).await?.expect(0);
    // Nothing tells when its last token was minted: the residual is a whole lifetime from the cut.
    let dark = ran.outcome()["time_to_dark_ms"].as_u64();
    anyhow::ensure!(ran.outcome()["outcome"] == "dark-at" && dark >= Some(36_000_000), "{ran}");
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    scene.clear().await
}

/// Its session of a user can be found without events; who consented cannot be asked of the client.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn delegated_sessions_are_found_without_events() -> Result<()> {
    let bot = "bot-helpdesk";
    let scene = Scene::robbed_in(silent_realm().await?, bot, &[bot], "").await?;
    scene.isolate(&[]).await?;
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    scene.clear().await
}

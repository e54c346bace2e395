//! The main job, through the real binary: everything that a bot holds is stolen, the bot is isolated, and every
//! stolen credential is used again.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::estop::{Estop, Ran, bot};
use crate::lab::attacker::{PORTAL_REDIRECT, steal_everything};
use crate::lab::browser::grant;
use crate::lab::keycloak::Lab;
use crate::lab::stolen::{Belongs, Loot, Stolen};
use crate::scene::{Scene, assert_dead, assert_live, entry, list};

/// How an isolation may end: the exit code, and the words that go with it.
struct End {
    code: i32,
    outcomes: &'static [&'static str],
}

const DARK: End = End { code: 0, outcomes: &["dark", "dark-at"] };
/// A credential of the bot still works as another identity.
const OPENS_ANOTHER: End = End { code: 3, outcomes: &["partial"] };

/// Isolates the bot and proves it by use; then everything that is said afterwards has to fit.
async fn isolate_and_prove(scene: &Scene, end: &End) -> Result<Ran> {
    let ran = scene.isolate(&[]).await?.expect(end.code);
    let outcome = ran.outcome();
    let word = outcome["outcome"].as_str().unwrap_or_default();
    anyhow::ensure!(end.outcomes.contains(&word), "{ran}");
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;

    anyhow::ensure!(outcome["bot"] == scene.name.as_str() && outcome["journal_trouble"].is_null(), "{ran}");
    anyhow::ensure!(outcome["time_to_first_cut_ms"].as_u64() <= outcome["time_to_verified_ms"].as_u64(), "{ran}");
    anyhow::ensure!(outcome["counts"]["verified"].as_u64() >= Some(3), "{ran}");
    for residual in list(outcome, "residual")? {
        let named =
            ["what", "source"].iter().all(|field| residual[*field].as_str().is_some_and(|text| !text.is_empty()));
        anyhow::ensure!(named, "{residual}");
        anyhow::ensure!(word != "dark-at" || residual["until"].as_str() <= outcome["dark_at"].as_str(), "{ran}");
    }
    anyhow::ensure!(word != "dark-at" || !list(outcome, "residual")?.is_empty(), "{ran}");
    said_afterwards(scene, end).await?;
    Ok(ran)
}

/// `recheck`, `list`, `status` and the journal say the same as the outcome did.
async fn said_afterwards(scene: &Scene, end: &End) -> Result<()> {
    let rechecked = scene.read("recheck").await?.expect(end.code);
    anyhow::ensure!(end.outcomes.iter().any(|word| rechecked.document()["outcome"] == *word), "{rechecked}");
    let listed = scene.estop.run(&["list"]).await?.expect(0);
    let row = entry(list(listed.document(), "bots")?, "name", &scene.name)?;
    anyhow::ensure!(end.outcomes.iter().any(|word| row["state"] == *word), "{row}");

    let status = scene.estop.run(&["status"]).await?.expect(0);
    let incidents = list(status.document(), "incidents")?;
    anyhow::ensure!(incidents.len() == 1 && incidents[0]["closed_at"].is_null(), "{status}");
    let operation = entry(list(&incidents[0], "operations")?, "bot", &scene.name)?;
    anyhow::ensure!(operation["unfinished"] == false, "{operation}");
    anyhow::ensure!(end.outcomes.iter().any(|word| operation["outcome"] == *word), "{operation}");
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()
}

fn owned_by<'a>(loot: &'a [Stolen], what: &'a str) -> impl Iterator<Item = &'a Stolen> {
    loot.iter().filter(move |stolen| stolen.what().contains(what))
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn helpdesk_loses_what_users_delegated() -> Result<()> {
    let scene = Scene::robbed("bot-helpdesk").await?;
    let portal = scene.realm.login("portal-web")?;
    let own = grant(&scene.realm.oidc, &portal, &scene.realm.alice, PORTAL_REDIRECT, "openid").await?;
    let own = Loot::Refresh { login: portal, token: own.refresh };
    let own = Stolen::new(&scene.realm.oidc, "portal-web", Belongs::Exposed, "alice's session with the portal", own);
    assert_live([&own].into_iter()).await?;

    isolate_and_prove(&scene, &DARK).await?;
    for what in ["alice's offline token", "token exchanged from alice's", "registration access token"] {
        anyhow::ensure!(owned_by(&scene.loot, what).count() > 0, "{what} was not stolen");
    }
    assert_live([&own].into_iter()).await.context("alice did nothing wrong")?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn knowledge_leaves_nothing_but_its_long_tokens() -> Result<()> {
    let scene = Scene::robbed("bot-knowledge").await?;
    let ran = isolate_and_prove(&scene, &DARK).await?;
    // Ten hours: what a resource server that checks tokens by itself goes on accepting.
    let residual = list(ran.outcome(), "residual")?;
    anyhow::ensure!(ran.outcome()["outcome"] == "dark-at" && residual.len() == 1, "{ran}");
    let dark = ran.outcome()["time_to_dark_ms"].as_u64().context("no time to dark")?;
    anyhow::ensure!((35_900_000..=36_030_000).contains(&dark), "{ran}");
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn sales_loses_both_of_its_secrets() -> Result<()> {
    let scene = Scene::robbed("bot-sales").await?;
    isolate_and_prove(&scene, &DARK).await?;
    anyhow::ensure!(owned_by(&scene.loot, "client secret").count() == 2, "the secret was not rotated");
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn compliance_is_cut_by_the_plan_that_was_shown() -> Result<()> {
    let scene = Scene::robbed("bot-compliance").await?;
    let shown = scene.read("plan").await?.expect(0);
    let hash = shown.document()["hash"].as_str().context("no hash")?;
    let other =
        scene.isolate(&["--plan", &hash.replace(['0', '1', '2', '3', '4', '5', '6', '7'], "8")]).await?.expect(5);
    other.says(&["bot-compliance", "changed"]);
    assert_live(scene.loot.iter()).await.context("nothing may be sent for a plan that is another one")?;

    let ran = scene.isolate(&["--plan", hash]).await?.expect(0);
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    anyhow::ensure!(ran.lines.iter().all(|line| line["bot"] == "bot-compliance"), "{ran}");
    said_afterwards(&scene, &DARK).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn staging_loses_its_children_and_names_whom_it_exposed() -> Result<()> {
    let scene = Scene::robbed("bot-engineering-staging").await?;
    let ran = isolate_and_prove(&scene, &OPENS_ANOTHER).await?;
    anyhow::ensure!(scene.loot.iter().filter(|stolen| stolen.belongs == Belongs::Child).count() >= 3);
    ran.says(&["opens bot-engineering-prod too"]);
    let reasons = list(ran.outcome(), "reasons")?;
    anyhow::ensure!(reasons.len() == 1, "nothing else is missing: {reasons:?}");

    // It may read every secret of the realm.
    let exposure = list(ran.outcome(), "exposure")?;
    for client in ["bot-knowledge", "bot-helpdesk", "bot-sales", "bot-compliance", "batch-report", "tool-gateway"] {
        let exposed = entry(exposure, "identity", &scene.id(client))?;
        anyhow::ensure!(!client.starts_with("bot-") || exposed["bot"] == client, "{exposed}");
    }
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn production_is_cut_and_staging_lives_by_the_same_key() -> Result<()> {
    let scene = Scene::robbed("bot-engineering-prod").await?;
    let ran = isolate_and_prove(&scene, &OPENS_ANOTHER).await?;
    ran.says(&["opens bot-engineering-staging too"]);
    anyhow::ensure!(owned_by(&scene.loot, "used as bot-engineering-staging").count() == 1);
    anyhow::ensure!(scene.neighbours.iter().any(|stolen| stolen.from == "bot-engineering-staging"));
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn both_engineering_identities_as_one_bot_go_dark_together() -> Result<()> {
    let clients = ["bot-engineering-staging", "bot-engineering-prod"];
    let config = bot("engineering", &clients.map(|client| format!("sso:{client}")).each_ref().map(String::as_str));
    let scene = Scene::robbed_as("engineering", &clients, &config).await?;
    let ran = scene.isolate(&[]).await?.expect(0);
    assert_dead(scene.owned()).await?;
    assert_dead(owned_by(&scene.loot, "signing key")).await?;
    assert_live(scene.neighbours.iter()).await?;
    anyhow::ensure!(list(ran.outcome(), "reasons")?.is_empty(), "{ran}");
    said_afterwards(&scene, &DARK).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn several_bots_go_dark_in_one_command() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let bots = ["bot-helpdesk", "bot-knowledge", "bot-sales"];
    let mut loot = Vec::new();
    for bot in bots {
        loot.extend(steal_everything(&realm, bot).await?);
    }
    let estop = Estop::of_realm(&realm, "")?;
    let all = [&["isolate", "--yes"], bots.as_slice()].concat();
    estop.run(&all).await?.expect(2).says(&["--count 3"]);
    assert_live(loot.iter()).await.context("nothing may be sent without the count")?;

    let ran = estop.run(&[all.as_slice(), &["--count", "3"]].concat()).await?.expect(0);
    let outcomes: Vec<&Value> = ran.lines.iter().filter(|line| line["schema"] == "estop.outcome/1").collect();
    anyhow::ensure!(outcomes.len() == 3, "{ran}");
    assert_dead(loot.iter()).await?;
    realm.remove().await
}

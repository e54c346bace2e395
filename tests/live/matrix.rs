//! A bot's account on a real Synapse: every token that a thief has of it is used again after one command.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;

use crate::estop::{Estop, bot};
use crate::lab::Use;
use crate::lab::matrix::{Account, Homeserver, Stolen};
use crate::scene::{assert_no_secret, list};

/// A bot that was robbed, a neighbour that was not, and a responder.
struct Scene {
    server: Homeserver,
    bot: Account,
    loot: Vec<Stolen>,
    neighbour: Vec<Stolen>,
    estop: Estop,
    token: String,
}

/// estop on the server, with one bot of one account.
async fn estop(server: &Homeserver, account: &Account, more: serde_json::Value) -> Result<(Estop, String)> {
    let own = server.account("estop", more).await?;
    let token = server.log_in(&own, false).await?.0;
    let provider = format!(
        "[[provider]]\nname = \"chat\"\nkind = \"matrix\"\nhomeserver = \"{}\"\n\
         access_token = {{ file = \"chat.secret\" }}\n",
        server.url
    );
    let estop = Estop::new(&format!("{provider}{}", bot("helpdesk", &[&format!("chat:{}", account.id)])))?;
    estop.secret("chat", &token)?;
    Ok((estop, token))
}

impl Scene {
    async fn robbed() -> Result<Self> {
        let server = Homeserver::from_env().await?;
        let bot = server.account("helpdesk", json!({ "user_type": "bot" })).await?;
        let other = server.account("sales", json!({ "user_type": "bot" })).await?;
        let (estop, token) = estop(&server, &bot, json!({ "admin": true })).await?;
        let loot = server.steal_everything(&bot).await?;
        let mut neighbour = server.steal_everything(&other).await?;
        neighbour.retain(|one| one.what != "a refresh token");
        Ok(Self { server, bot, loot, neighbour, estop, token })
    }

    async fn assert_dead(&self) -> Result<()> {
        for stolen in &self.loot {
            let seen = stolen.still_works().await;
            anyhow::ensure!(seen.refused(), "{}: {seen}", stolen.what);
        }
        Ok(())
    }

    async fn alive(&self) -> Vec<&'static str> {
        let mut alive = Vec::new();
        for stolen in &self.loot {
            if stolen.still_works().await.works() {
                alive.push(stolen.what);
            }
        }
        alive
    }

    async fn finish(self) -> Result<()> {
        for stolen in &self.neighbour {
            let seen = stolen.still_works().await;
            anyhow::ensure!(seen.works(), "the neighbour's {}: {seen}", stolen.what);
        }
        self.estop.run(&["journal", "verify"]).await?.expect(0);
        let mut secrets: Vec<String> = self.loot.iter().map(|stolen| stolen.secret().to_owned()).collect();
        secrets.push(self.token);
        assert_no_secret(&self.estop, &secrets, "helpdesk")
    }
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn one_command_takes_the_account_off_the_air() -> Result<()> {
    let scene = Scene::robbed().await?;
    let shown = scene.estop.run(&["show", "helpdesk"]).await?.expect(0);
    anyhow::ensure!(shown.stdout.contains("tokens that an admin made for it"), "{shown}");
    let ran = scene.estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "dark", "{ran}");
    scene.assert_dead().await?;
    anyhow::ensure!(scene.server.devices(&scene.bot).await? == 0, "a device is left");
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn what_the_obvious_cuts_leave_alive() -> Result<()> {
    let scene = Scene::robbed().await?;
    let (server, id) = (&scene.server, &scene.bot.id);
    server.set_locked(&scene.bot, true).await?;
    // The refresh token is exchanged behind the lock, and what it gave lives behind it.
    let refresh = scene.loot.iter().find(|one| one.what == "a refresh token").context("none")?;
    anyhow::ensure!(refresh.still_works().await.refused(), "refused while it is locked");
    server.set_locked(&scene.bot, false).await?;
    let path = format!("/_synapse/admin/v1/reset_password/{id}");
    server.admin(Method::POST, &path, json!({ "new_password": "another", "logout_devices": true })).await?;
    anyhow::ensure!(scene.alive().await == ["a token that an admin made"], "{:?}", scene.alive().await);
    server.admin(Method::POST, &format!("/_synapse/admin/v1/deactivate/{id}"), json!({ "erase": false })).await?;
    anyhow::ensure!(scene.alive().await == ["a token that an admin made"], "{:?}", scene.alive().await);
    let ran = scene.estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "dark", "{ran}");
    scene.assert_dead().await?;
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_false_alarm_opens_the_lock_and_says_what_wakes_with_it() -> Result<()> {
    let scene = Scene::robbed().await?;
    scene.estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(0);
    let shown = scene.estop.run(&["restore", "helpdesk", "--mode", "false-alarm"]).await?.expect(0);
    anyhow::ensure!(shown.stdout.contains("what an admin once made for it works again"), "{shown}");
    anyhow::ensure!(!list(shown.document(), "lost")?.is_empty(), "{shown}");
    scene.assert_dead().await.context("to show the difference changes nothing")?;
    let ran = scene.estop.run(&["restore", "helpdesk", "--mode", "false-alarm", "--yes"]).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "restored", "{ran}");
    anyhow::ensure!(scene.alive().await == ["a token that an admin made", "the password"], "as it was said: {ran}");
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn to_rotate_the_lock_stays_until_the_admins_have_logged_out() -> Result<()> {
    let scene = Scene::robbed().await?;
    scene.estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(0);
    let ran = scene.estop.run(&["restore", "helpdesk", "--mode", "rotate", "--yes"]).await?.expect(3);
    anyhow::ensure!(ran.stdout.contains("logout/all"), "{ran}");
    scene.assert_dead().await?;
    scene.server.set_locked(&scene.bot, false).await?;
    anyhow::ensure!(scene.alive().await == ["a token that an admin made"], "the password is another");
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn burned_it_is_deactivated_and_stays_locked() -> Result<()> {
    let scene = Scene::robbed().await?;
    let ran = scene.estop.run(&["isolate", "helpdesk", "--yes", "--burn"]).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "dark", "{ran}");
    scene.assert_dead().await?;
    let user = format!("/_synapse/admin/v2/users/{}", scene.bot.id);
    let user = scene.server.admin(Method::GET, &user, serde_json::Value::Null).await?;
    anyhow::ensure!(user["locked"] == true && user["deactivated"] == true, "{user}");
    let ran = scene.estop.run(&["restore", "helpdesk", "--mode", "false-alarm", "--yes"]).await?.expect(3);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "it does not come back by itself: {ran}");
    scene.assert_dead().await?;
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn the_leaked_token_is_recognised_and_used_once_more() -> Result<()> {
    let scene = Scene::robbed().await?;
    let made_by_admin = scene.loot.iter().find(|one| one.what == "a token that an admin made").context("none")?;
    let identified = scene.estop.given(made_by_admin.secret(), &["identify"]).await?.expect(0);
    anyhow::ensure!(list(identified.document(), "owners")?.iter().any(|owner| owner["bot"] == "helpdesk"));
    let leaked = &["isolate", "helpdesk", "--yes", "--leaked"];
    let ran = scene.estop.given(made_by_admin.secret(), leaked).await?.expect(0);
    let used: Vec<_> = ran.lines.iter().filter(|line| line["schema"] == "estop.probe/1").collect();
    anyhow::ensure!(!used.is_empty() && used.iter().all(|one| one["alive"] == false), "{ran}");
    scene.assert_dead().await?;
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn whoever_logs_in_while_it_is_struck_is_left_with_nothing() -> Result<()> {
    let scene = Scene::robbed().await?;
    let (mint, mut mints) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..3 {
        let (server, bot, mint) = (scene.server.clone(), scene.bot.clone(), mint.clone());
        tokio::spawn(async move {
            while let Ok((token, _)) = server.log_in(&bot, true).await {
                let _ = mint.send(token);
            }
        });
    }
    drop(mint);
    // They are at it.
    let mut minted = vec![mints.recv().await.context("no login")?];
    let ran = scene.estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(0);
    while let Some(token) = mints.recv().await {
        minted.push(token);
    }
    anyhow::ensure!(ran.outcome()["outcome"] == "dark", "{ran}");
    anyhow::ensure!(scene.server.devices(&scene.bot).await? == 0, "a device is left");
    scene.assert_dead().await?;
    // Nor do they wake with the lock.
    scene.server.set_locked(&scene.bot, false).await?;
    for token in &minted {
        anyhow::ensure!(scene.server.with(token).still_works().await.refused(), "one of {} lives", minted.len());
    }
    scene.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_application_service_goes_on_and_is_named() -> Result<()> {
    let server = Homeserver::from_env().await?;
    let account = server.served().await?;
    let (estop, _) = estop(&server, &account, json!({ "admin": true })).await?;
    let hand = server.service_on(&account);
    anyhow::ensure!(hand.still_works().await.works(), "it works before");
    let ran = estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(3);
    anyhow::ensure!(matches!(hand.still_works().await, Use::Works), "no API ends it");
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    anyhow::ensure!(ran.stdout.contains("app_service_config_files"), "{ran}");
    assert_no_secret(&estop, std::slice::from_ref(&server.service), "helpdesk")
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn whoever_is_no_admin_is_told_so() -> Result<()> {
    let server = Homeserver::from_env().await?;
    let account = server.account("helpdesk", json!({ "user_type": "bot" })).await?;
    let (estop, _) = estop(&server, &account, json!({})).await?;
    let checked = estop.run(&["check"]).await?;
    anyhow::ensure!(checked.code != 0 && checked.stdout.contains("server admin"), "{checked}");
    let ran = estop.run(&["isolate", "helpdesk", "--yes"]).await?.expect(3);
    anyhow::ensure!(ran.stdout.contains("server admin"), "{ran}");
    Ok(())
}

//! Names that nobody has, that several have, and that were made to hurt whoever reads them.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::refused;
use crate::estop::{Estop, SELECT, keycloak};
use crate::lab::attacker::steal_everything;
use crate::lab::keycloak::{Lab, Realm};
use crate::lab::new_secret;
use crate::lab::oidc::Login;
use crate::scene::{assert_dead, assert_live, list};

/// Clears a screen, turns text around, hides in a name, breaks a line.
const HOSTILE: [&str; 4] =
    ["help\u{1b}[2J\u{7}desk", "ksed\u{202e}pleh", "bot-help\u{200b}desk", "bot\u{85}\u{9b}31mred"];

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_unknown_or_ambiguous_name_lists_the_nearest_and_sends_nothing() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let loot = steal_everything(&realm, "bot-helpdesk").await?;
    let estop = Estop::of_realm(&realm, "")?;
    for command in ["show", "plan", "activity", "recheck"] {
        refused(estop.run(&[command, "bot-helpdsk"]).await?, 2, &["bot-helpdsk", "bot-helpdesk"]);
    }
    refused(estop.run(&["isolate", "bot-helpdsk", "--yes"]).await?, 2, &["bot-helpdsk", "bot-helpdesk"]);
    refused(estop.run(&["isolate", "sso:batch-report", "--yes"]).await?, 2, &["batch-report"]);
    refused(estop.run(&["isolate", "bot-helpdesk"]).await?, 2, &["--yes"]);
    refused(estop.run(&["--read-only", "isolate", "bot-helpdesk", "--yes"]).await?, 5, &["read-only"]);

    let twice = [keycloak("sso-a", &realm, &realm.operator), keycloak("sso-b", &realm, &realm.operator)].concat();
    estop.configure(&format!("{SELECT}\n{twice}"))?;
    let id = &realm.ids["bot-helpdesk"];
    let (a, b) = (format!("sso-a:{id}"), format!("sso-b:{id}"));
    refused(estop.run(&["isolate", "bot-helpdesk", "--yes"]).await?, 2, &["bot-helpdesk", &a, &b]);
    assert_live(loot.iter()).await.context("nothing may be sent")?;
    // The same realm under two names: by the other one, the secret would still be the bot's.
    estop.run(&["isolate", &a, "--yes"]).await?.expect(3).says(&[&a, &format!("opens {b} too")]);
    assert_dead(loot.iter()).await?;
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_protected_bot_is_not_cut_by_yes_alone() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let loot = steal_everything(&realm, "bot-compliance").await?;
    let protect = format!("[console]\nprotected = [\"sso:{}\"]\n", realm.ids["bot-compliance"]);
    let estop = Estop::of_realm(&realm, &protect)?;
    refused(estop.run(&["isolate", "bot-compliance", "--yes"]).await?, 5, &["bot-compliance", "protected"]);
    refused(estop.run(&["isolate", "bot-compliance", "bot-sales", "--yes", "--count", "2"]).await?, 5, &["protected"]);
    assert_live(loot.iter()).await?;
    realm.remove().await
}

/// A bot with that name and a secret; nothing where the server does not take the name.
async fn made(realm: &Realm, name: &str) -> Result<Option<Login>> {
    let secret = new_secret();
    let client = json!({
        "clientId": name, "name": name, "secret": secret, "serviceAccountsEnabled": true,
        "attributes": {"chatbot": "true", "owner": name, "environment": name},
    });
    let path = format!("/{}/clients", realm.name);
    let answer = realm.admin.call(Method::POST, &path, Some(&client)).await?;
    Ok((answer.status == 201).then(|| Login::secret(name, &secret)))
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_hostile_name_is_shown_escaped_and_its_bot_can_be_cut() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let estop = Estop::of_realm(&realm, "")?;
    let mut logins = Vec::new();
    for name in HOSTILE {
        logins.extend(made(&realm, name).await?);
    }
    anyhow::ensure!(logins.len() >= 2, "the server takes no hostile name: {} of {}", logins.len(), HOSTILE.len());

    let listed = estop.run(&["list"]).await?.expect(0);
    listed.is_calm();
    for login in &logins {
        let name = login.client_id();
        let bots = list(listed.document(), "bots")?;
        let row = bots.iter().find(|bot| list(bot, "identities").is_ok_and(|all| all[0]["name"] == name));
        let id =
            row.and_then(|row| row["identities"][0]["id"].as_str()).with_context(|| format!("{name:?}: {listed}"))?;
        for command in ["list", "show", "plan", "activity"] {
            let arguments: &[&str] = if command == "list" { &[command] } else { &[command, id] };
            let ran = estop.plain(arguments).await?;
            anyhow::ensure!(ran.code == 0, "{ran:?}");
            ran.is_calm();
        }
        anyhow::ensure!(realm.oidc.mint(login, "").await?.status == 200, "{name:?} does not work");
        let ran = estop.plain(&["isolate", id, "--yes", "--reason", name]).await?;
        anyhow::ensure!(ran.code == 0, "{ran:?}");
        ran.is_calm();
        anyhow::ensure!(realm.oidc.mint(login, "").await?.status == 401, "{name:?} still mints");
    }
    for command in
        [&["status"][..], &["journal", "show"], &["journal", "list"], &["journal", "verify"], &["incident", "list"]]
    {
        let ran = estop.plain(command).await?;
        anyhow::ensure!(ran.code == 0, "{ran:?}");
        ran.is_calm();
    }
    // The record keeps the name as it was.
    let keeps =
        |name: &str, value: &Value| value.to_string().contains(&serde_json::to_string(name).unwrap_or_default());
    let records = estop.records()?;
    anyhow::ensure!(records.iter().any(|record| keeps(logins[0].client_id(), record)), "the journal has another name");
    realm.remove().await
}

//! A configuration that is missing, misspelt, or holds what it must not.

use anyhow::Result;

use super::refused;
use crate::estop::{Estop, SELECT, bot, keycloak, keycloak_at};
use crate::lab::attacker::steal_everything;
use crate::lab::keycloak::Lab;
use crate::scene::assert_live;

const COMMANDS: [&[&str]; 4] =
    [&["list"], &["check"], &["isolate", "bot-helpdesk", "--yes"], &["recheck", "bot-helpdesk"]];

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_broken_configuration_stops_every_command_before_anything_is_sent() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let loot = steal_everything(&realm, "bot-helpdesk").await?;
    let estop = Estop::of_realm(&realm, "")?;
    let sound = format!("{SELECT}\n{}", keycloak("sso", &realm, &realm.operator));
    let literal = format!("client_secret = \"{}\"", realm.operator.secret);
    let by_file = format!("client_secret = {{ file = \"{}.secret\" }}", realm.operator.client_id);
    for (broken, parts) in [
        (sound.replace("base_url", "base_ulr"), &["config.toml", "base_ulr", "base_url"][..]),
        (sound.replace("[select]", "[selekt]"), &["config.toml", "selekt", "select"]),
        (sound.replace(&by_file, &literal), &["config.toml", "client_secret", "file"]),
        (sound.replace("http://127.0.0.1", "http://192.0.2.1"), &["config.toml", "https"]),
        (format!("{sound}\n{}", keycloak("sso", &realm, &realm.operator)), &["config.toml", "sso"]),
        (format!("{sound}\n{}", bot("ghost", &["nowhere:x"])), &["config.toml", "nowhere"]),
        (format!("{sound}\n[[bot]]\nname ="), &["config.toml"]),
    ] {
        anyhow::ensure!(broken != sound, "nothing was broken: {parts:?}");
        estop.configure(&broken)?;
        for command in COMMANDS {
            let ran = refused(estop.plain(command).await?, 2, parts);
            anyhow::ensure!(ran.stdout.is_empty() && ran.stderr.lines().count() == 1, "{ran}");
            anyhow::ensure!(!ran.stderr.contains(&realm.operator.secret), "the secret was quoted");
        }
    }
    assert_live(loot.iter()).await?;
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn without_a_configuration_nothing_falls_back_to_the_exercise() -> Result<()> {
    let estop = Estop::new("")?;
    // The file that was named is there and empty: it configures no provider.
    refused(estop.plain(&["check"]).await?, 3, &["no provider"]);
    for command in COMMANDS {
        let ran = estop.plain(command).await?;
        anyhow::ensure!(!ran.stdout.to_lowercase().contains("exercise") && !ran.stdout.contains("helpdesk"), "{ran}");
        anyhow::ensure!(command.len() == 1 || ran.code == 2, "{ran}");
    }
    std::fs::remove_file(estop.config())?;
    for command in COMMANDS {
        let ran = refused(estop.plain(command).await?, 2, &["config.toml"]);
        anyhow::ensure!(ran.stdout.is_empty(), "{ran}");
        refused(estop.unconfigured(command).await?, 2, &["estop init"]);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_secret_that_cannot_be_read_costs_its_provider_only() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let lost = keycloak_at("lost", &realm.admin.base_url, &realm.name, "nobody");
    let estop = Estop::of_realm(&realm, &lost)?;
    refused(estop.run(&["list"]).await?, 3, &["lost", "nobody.secret"]);
    estop.write("nobody.secret", &realm.operator.secret, 0o644)?;
    let ran = refused(estop.run(&["list"]).await?, 3, &["lost", "nobody.secret", "0644"]);
    let bots = crate::scene::list(ran.document(), "bots")?;
    anyhow::ensure!(bots.len() == 6, "the other provider goes on: {ran}");
    anyhow::ensure!(!ran.stderr.contains(&realm.operator.secret), "the secret was quoted");
    realm.remove().await
}

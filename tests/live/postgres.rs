//! One bot with identities at two providers that have nothing in common: one command, both dark.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::estop::{Estop, Ran, SELECT, bot, keycloak, postgres};
use crate::lab::Use;
use crate::lab::attacker::{neighbours, steal_everything};
use crate::lab::keycloak::{Lab, Realm};
use crate::lab::own_server::OwnServer;
use crate::lab::postgres::{Right, Scene, Server, Stolen};
use crate::scene::{assert_dead, assert_live, assert_no_secret, entry, list};

const CLIENT: &str = "bot-knowledge";

/// The bot `knowledge`: a client of a realm and a role of a server.
struct Both {
    realm: Realm,
    scene: Scene,
    estop: Estop,
}

impl Both {
    async fn of(server: &Server) -> Result<Self> {
        let realm = Lab::from_env()?.fresh_realm().await?;
        let scene = server.fresh_scene(&Right::LEAST).await?;
        let config = [
            SELECT.to_owned(),
            keycloak("sso", &realm, &realm.operator),
            postgres("docs-db", server, &scene.estop),
            bot("knowledge", &[&format!("sso:{CLIENT}"), &format!("docs-db:{}", scene.bot.name)]),
        ];
        let estop = Estop::new(&config.join("\n"))?;
        estop.secret(&realm.operator.client_id, &realm.operator.secret)?;
        estop.secret(&scene.estop.name, &scene.estop.password)?;
        Ok(Self { realm, scene, estop })
    }

    async fn isolate(&self) -> Result<Ran> {
        self.estop.run(&["isolate", "knowledge", "--yes"]).await
    }

    fn assert_no_secret(&self) -> Result<()> {
        let mut secrets = self.realm.known_secrets()?;
        let Scene { bot, colleague, neighbour, estop, .. } = &self.scene;
        secrets.extend([bot, colleague, neighbour, estop].map(|role| role.password.clone()));
        assert_no_secret(&self.estop, &secrets, "knowledge")
    }
}

/// Fails unless each was refused by the server's word. A session that was cut says why; a login that fails, too.
async fn assert_refused(loot: &[Stolen]) -> Result<()> {
    for stolen in loot {
        let seen = stolen.still_works().await;
        anyhow::ensure!(seen.refused(), "{}: {seen}", stolen.describe());
    }
    Ok(())
}

async fn assert_works(others: &[Stolen]) -> Result<()> {
    for other in others {
        let seen = other.still_works().await;
        anyhow::ensure!(seen.works(), "{}: {seen}", other.describe());
    }
    Ok(())
}

/// When steps of a provider were last answered with yes, by the JSON lines.
fn last_yes<'a>(ran: &'a Ran, provider: &str) -> Option<&'a str> {
    let of_provider =
        |line: &&Value| line["step"].as_str().is_some_and(|step| step.starts_with(&format!("{provider}:")));
    let yes =
        ran.lines.iter().filter(of_provider).filter(|line| line["state"] == "accepted" || line["state"] == "gone");
    yes.filter_map(|line| line["at"].as_str()).max()
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn one_command_takes_it_off_the_air_in_both_servers() -> Result<()> {
    let server = Server::from_env()?;
    let both = Both::of(&server).await?;
    let tokens = steal_everything(&both.realm, CLIENT).await?;
    let others = neighbours(&both.realm, CLIENT).await?;
    let loot = both.scene.steal_everything().await?;
    let database_others = both.scene.neighbours().await?;

    let shown = both.estop.run(&["show", "knowledge"]).await?.expect(0);
    let identities = list(&list(shown.document(), "bots")?[0], "identities")?;
    let role = entry(identities, "name", &both.scene.bot.name)?;
    anyhow::ensure!(identities.len() == 2 && role["provider"] == "docs-db", "{shown}");
    for class in ["session", "member"] {
        entry(list(role, "holdings")?, "class", class)?;
    }
    let reads = |holding: &Value| {
        list(holding, "scopes").is_ok_and(|scopes| scopes.iter().any(|scope| scope["level"] == "read"))
    };
    anyhow::ensure!(list(role, "holdings")?.iter().any(reads), "{role}");

    let ran = both.isolate().await?;
    assert_dead(tokens.iter()).await?;
    assert_live(others.iter()).await?;
    assert_works(&database_others).await?;
    // The colleague's session that had become the role is the one survivor that no statement tells apart from the
    // colleague's own: it is ended, or named.
    let (taken, rest): (Vec<Stolen>, Vec<Stolen>) =
        loot.into_iter().partition(|stolen| stolen.describe() == "a colleague's session in the bot's role");
    assert_refused(&rest).await?;
    let ended = taken[0].still_works().await;
    let named = list(ran.outcome(), "reasons")?
        .iter()
        .chain(list(ran.outcome(), "residual")?)
        .any(|reason| reason.to_string().contains(&both.scene.colleague.name));
    anyhow::ensure!(matches!(ended, Use::Refused { .. }) || (ended.works() && named), "{ended}: {ran}");
    let expected: &[&str] = if ended.works() { &["partial", "dark-at"] } else { &["dark", "dark-at"] };
    anyhow::ensure!(expected.iter().any(|word| ran.outcome()["outcome"] == *word), "{ran}");
    in_the_time_of_the_slower(&ran)?;
    both.estop.run(&["journal", "verify"]).await?.expect(0);
    both.assert_no_secret()?;
    both.realm.remove().await
}

/// Neither side waited for the other: each was answered before the proof of both.
fn in_the_time_of_the_slower(ran: &Ran) -> Result<()> {
    let first = |provider: &str| {
        let of = |line: &&Value| line["step"].as_str().is_some_and(|step| step.starts_with(&format!("{provider}:")));
        ran.lines.iter().filter(of).find(|line| line["state"] == "sent").and_then(|line| line["at"].as_str())
    };
    let (sso, database) = (first("sso").context("nothing was sent")?, first("docs-db").context("nothing was sent")?);
    let (sso_done, database_done) =
        (last_yes(ran, "sso").context("no yes")?, last_yes(ran, "docs-db").context("no yes")?);
    anyhow::ensure!(sso < database_done && database < sso_done, "one after the other: {ran}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn with_one_server_down_the_other_goes_dark_and_resume_finishes() -> Result<()> {
    let mut own = OwnServer::start().await?;
    let both = Both::of(own.server()).await?;
    let tokens = steal_everything(&both.realm, CLIENT).await?;
    let others = neighbours(&both.realm, CLIENT).await?;
    both.estop.run(&["list"]).await?.expect(0);
    own.halt().await?;

    let ran = both.isolate().await?.expect(3);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    ran.says(&["knowledge", "docs-db"]);
    assert_dead(tokens.iter()).await.context("the server that is up")?;
    assert_live(others.iter()).await?;
    let resumed = both.estop.run(&["resume"]).await?.expect(3);
    resumed.says(&["unfinished"]);

    own.again().await?;
    let loot = both.scene.steal_everything().await.context("nobody has cut it there yet")?;
    let database_others = both.scene.neighbours().await?;
    let resumed = both.estop.run(&["resume"]).await?;
    anyhow::ensure!(resumed.code == 0 || resumed.code == 3, "{resumed}");
    let (_, rest): (Vec<Stolen>, Vec<Stolen>) =
        loot.into_iter().partition(|stolen| stolen.describe() == "a colleague's session in the bot's role");
    assert_refused(&rest).await.with_context(|| format!("{resumed}"))?;
    assert_works(&database_others).await?;
    assert_dead(tokens.iter()).await?;
    let status = both.estop.run(&["status"]).await?.expect(0);
    let operations = list(&list(status.document(), "incidents")?[0], "operations")?;
    anyhow::ensure!(operations.len() == 1 && operations[0]["unfinished"] == false, "{status}");
    both.estop.run(&["journal", "verify"]).await?.expect(0);
    both.assert_no_secret()?;
    both.realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn check_names_the_right_that_is_missing_at_the_database() -> Result<()> {
    let server = Server::from_env()?;
    for (left_out, lane, name) in [
        (Right::CreateRole, "identity", "CREATEROLE"),
        (Right::SignalBackend, "tokens", "pg_signal_backend"),
        (Right::ReadAllStats, "tokens", "pg_read_all_stats"),
    ] {
        let rights: Vec<Right> = Right::LEAST.into_iter().filter(|right| *right != left_out).collect();
        let scene = server.fresh_scene(&rights).await?;
        let estop = Estop::new(&postgres("docs-db", &server, &scene.estop))?;
        estop.secret(&scene.estop.name, &scene.estop.password)?;
        let checked = estop.run(&["check"]).await?.expect(3);
        let provider = entry(list(checked.document(), "providers")?, "name", "docs-db")?;
        let found = entry(list(provider, "lanes")?, "lane", lane)?;
        assert_eq!(found["missing"], serde_json::json!([name]), "{checked}");
        checked.says(&["docs-db", lane, name]);
    }
    Ok(())
}

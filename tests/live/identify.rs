//! A responder has found a secret: whose it is, without sending it; that `X` with it ends that very secret; and that it
//! stays dead when somebody enables the bot again.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::estop::{Estop, Ran, SELECT, bot, postgres};
use crate::lab::keycloak::Lab;
use crate::lab::oidc::Login;
use crate::lab::postgres::{Right, Scene as Database, Server};
use crate::lab::stolen::{Loot, Stolen};
use crate::lab::{Use, setting};
use crate::scene::{Scene, assert_dead, assert_live, assert_no_secret, list};
use crate::wire::{Wire, has};

/// A robbed bot behind a line that tells what estop sends.
struct Found {
    scene: Scene,
    wire: Wire,
    /// What the responder has found.
    text: String,
}

/// The text of a stolen thing, as it would stand in a paste.
fn text_of(stolen: &Stolen) -> Result<String> {
    match stolen.loot() {
        Loot::Login(Login::Key { key, .. }) => key.pem(),
        _ => stolen.secret().map(str::to_owned).context("it has no text"),
    }
}

impl Found {
    async fn of(client: &str, what: &str) -> Result<Self> {
        let url = setting("ESTOP_LAB_KEYCLOAK")?;
        let port = url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok());
        let wire = Wire::to(port.context("the server's URL has no port")?).await?;
        let password = std::fs::read_to_string(format!("{}/admin.password", setting("ESTOP_LAB_KEYCLOAK_STATE")?))?;
        let lab = Lab::connect(&format!("http://127.0.0.1:{}", wire.port), password.trim())?;
        let scene = Scene::robbed_in(lab.fresh_realm().await?, client, &[client], "").await?;
        let text = text_of(scene.loot.iter().find(|stolen| stolen.what() == what).context("nothing of that kind")?)?;
        Ok(Self { scene, wire, text })
    }

    /// What no line that is sent may have: of a key, its middle; of a token, its signature.
    fn mark(&self) -> &str {
        let line = self.text.lines().max_by_key(|line| line.len()).unwrap_or_default();
        line.rsplit('.').next().unwrap_or(line)
    }

    /// Identified, and not sent.
    async fn identified(&self, code: i32) -> Result<Ran> {
        self.wire.take();
        let ran = self.scene.estop.given(&self.text, &["identify"]).await?.expect(code);
        let sent = self.wire.take();
        anyhow::ensure!(has(&sent, "/admin/realms/"), "the recorder sees nothing");
        anyhow::ensure!(!has(&sent, self.mark()), "it was sent");
        anyhow::ensure!(ran.document()["schema"] == "estop.identify/1" && ran.document()["probes"].is_null(), "{ran}");
        let plain = self.scene.estop.given_plain(&self.text, &["identify"]).await?.expect(code);
        anyhow::ensure!(plain.stdout.contains(fingerprint(&ran)?), "{plain}");
        Ok(ran)
    }

    /// Used once, and what came of it.
    async fn probed(&self) -> Result<Ran> {
        self.scene.estop.given(&self.text, &["identify", "--probe"]).await
    }

    async fn isolate(&self, more: &[&str]) -> Result<Ran> {
        let arguments = [&["isolate", &self.scene.name, "--yes", "--leaked"], more].concat();
        self.scene.estop.given(&self.text, &arguments).await
    }

    /// The record has each use by fingerprint, and nobody has the text.
    async fn finish(self, fingerprint: &str) -> Result<()> {
        let records = self.scene.estop.records()?;
        let uses: Vec<&Value> = records.iter().filter(|record| record["kind"] == "probe.result").collect();
        anyhow::ensure!(!uses.is_empty(), "{} uses are on record", uses.len());
        for used in uses {
            anyhow::ensure!(used["body"]["fingerprint"] == fingerprint && used["body"]["alive"] == false, "{used}");
        }
        for (place, text) in self.scene.estop.everything()? {
            anyhow::ensure!(!text.contains(self.mark()), "the secret is in {place}");
        }
        self.scene.assert_journal_is_sound().await?;
        self.scene.assert_no_secret_was_written()?;
        self.scene.clear().await
    }
}

fn fingerprint(identified: &Ran) -> Result<&str> {
    identified.document()["fingerprint"].as_str().context("no fingerprint")
}

/// The one owner that is a bot, with what the secret is.
fn owner<'a>(ran: &'a Ran, name: &str) -> Result<&'a Value> {
    let owners = list(ran.document(), "owners")?;
    owners.iter().find(|owner| owner["bot"] == name).with_context(|| format!("not of {name}: {ran}"))
}

/// Each use after the strike was refused.
fn refused(ran: &Ran) -> Result<()> {
    let uses: Vec<&Value> = ran.lines.iter().filter(|line| line["schema"] == "estop.probe/1").collect();
    anyhow::ensure!(!uses.is_empty() && uses.iter().all(|used| used["alive"] == false), "{ran}");
    Ok(())
}

fn dark(ran: &Ran) -> Result<()> {
    let outcome = ran.outcome()["outcome"].as_str().unwrap_or_default();
    anyhow::ensure!(ran.code == 0 && outcome.starts_with("dark"), "{ran}");
    refused(ran)
}

/// From the paste to the proof, for what is stolen from one bot alone.
async fn found_and_ended(client: &str, what: &str, class: Option<&str>) -> Result<Found> {
    let found = Found::of(client, what).await?;
    let identified = found.identified(0).await?;
    let owner = owner(&identified, client)?;
    let holding = owner["holding"].as_str();
    match class {
        Some(class) => anyhow::ensure!(holding.is_some_and(|id| id.contains(class)), "{owner}"),
        None => anyhow::ensure!(holding.is_none(), "{owner}"),
    }
    let alive = found.probed().await?.expect(0);
    anyhow::ensure!(list(alive.document(), "probes")?.iter().all(|used| used["alive"] == true), "{alive}");
    dark(&found.isolate(&[]).await?)?;
    assert_dead(found.scene.owned()).await?;
    let dead = found.probed().await?.expect(0);
    anyhow::ensure!(list(dead.document(), "probes")?.iter().all(|used| used["alive"] == false), "{dead}");
    Ok(found)
}

async fn ended(client: &str, what: &str, class: Option<&str>) -> Result<()> {
    let found = found_and_ended(client, what, class).await?;
    found.scene.assert_others_live().await?;
    let print = fingerprint(&found.identified_again().await?)?.to_owned();
    found.finish(&print).await
}

impl Found {
    /// Whoever it is now, its fingerprint is the same.
    async fn identified_again(&self) -> Result<Ran> {
        self.scene.estop.given(&self.text, &["identify"]).await
    }
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_stolen_access_token() -> Result<()> {
    ended("bot-helpdesk", "service-account token", None).await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_users_access_token() -> Result<()> {
    ended("bot-helpdesk", "alice's access token", Some("user-session")).await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_stolen_offline_token() -> Result<()> {
    ended("bot-helpdesk", "alice's offline token", Some("offline-session")).await
}

/// The handed-over secret is dead for good, and nothing else long-lived was spent.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_client_secret_that_stays_dead_when_the_bot_is_enabled_again() -> Result<()> {
    let bot = "bot-knowledge";
    let found = Found::of(bot, "client secret").await?;
    let identified = found.identified(0).await?;
    anyhow::ensure!(owner(&identified, bot)?["probe"] == "read-only", "{identified}");
    let print = fingerprint(&identified)?.to_owned();
    let alive = found.probed().await?.expect(0);
    anyhow::ensure!(list(alive.document(), "probes")?[0]["alive"] == true, "{alive}");
    let plan = found.scene.estop.given(&found.text, &["plan", bot, "--leaked"]).await?.expect(0);
    let hash = plan.document()["hash"].as_str().context("no hash")?.to_owned();
    anyhow::ensure!(plan.to_string().contains("regenerate-secret"), "{plan}");
    dark(&found.isolate(&["--plan", &hash]).await?)?;
    assert_dead(found.scene.owned()).await?;
    found.scene.enable_again(bot).await?;
    let (registration, rest): (Vec<&Stolen>, Vec<&Stolen>) =
        found.scene.owned().partition(|stolen| matches!(stolen.loot(), Loot::Registration { .. }));
    assert_dead(rest.into_iter()).await.context("handed over, and enabled again")?;
    assert_live(registration.into_iter()).await.context("what nobody handed over was gated only")?;
    found.scene.assert_others_live().await?;
    found.finish(&print).await
}

/// Of the two secrets of a rotation, only the one that leaked is ended.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_rotated_secret_and_leave_the_other_gated() -> Result<()> {
    let bot = "bot-sales";
    let found = Found::of(bot, "rotated client secret").await?;
    let identified = found.identified(0).await?;
    let holding = owner(&identified, bot)?["holding"].as_str().unwrap_or_default();
    anyhow::ensure!(holding.contains("rotated-secret"), "{identified}");
    let print = fingerprint(&identified)?.to_owned();
    dark(&found.isolate(&[]).await?)?;
    assert_dead(found.scene.owned()).await?;
    found.scene.enable_again(bot).await?;
    let of = |what: &str| found.scene.loot.iter().filter(move |stolen| stolen.what() == what).collect::<Vec<_>>();
    assert_dead(of("rotated client secret").into_iter()).await.context("handed over, and enabled again")?;
    assert_live(of("client secret").into_iter()).await.context("the other one was gated only")?;
    found.finish(&print).await
}

/// A key that two bots sign with: it is ended for the one, and the outcome names the other.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_private_key_by_its_public_half() -> Result<()> {
    let bot = "bot-engineering-prod";
    let found = Found::of(bot, "signing key").await?;
    let identified = found.identified(3).await?;
    for name in [bot, "bot-engineering-staging"] {
        let owner = owner(&identified, name)?;
        anyhow::ensure!(owner["holding"].as_str().is_some_and(|id| id.contains("signing-key")), "{identified}");
    }
    let print = fingerprint(&identified)?.to_owned();
    found.wire.take();
    let alive = found.probed().await?.expect(3);
    anyhow::ensure!(list(alive.document(), "probes")?.iter().all(|used| used["alive"] == true), "{alive}");
    anyhow::ensure!(!has(&found.wire.take(), found.mark()), "an assertion is sent, never the key");
    let ran = found.isolate(&[]).await?.expect(3);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    ran.says(&[bot, "bot-engineering-staging"]);
    refused(&ran)?;
    assert_dead(found.scene.owned()).await?;
    found.scene.enable_again(bot).await?;
    let key: Vec<&Stolen> = found.scene.owned().filter(|stolen| stolen.what() == "signing key").collect();
    assert_dead(key.into_iter()).await.context("handed over, and enabled again")?;
    found.scene.assert_others_live().await?;
    found.finish(&print).await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_refuses_to_isolate_a_bot_by_anothers_secret() -> Result<()> {
    let found = Found::of("bot-knowledge", "client secret").await?;
    let others = found.scene.realm.secrets["bot-compliance"].clone();
    let arguments = ["isolate", "bot-knowledge", "--yes", "--leaked"];
    let ran = found.scene.estop.given(&others, &arguments).await?.expect(2);
    ran.says(&["bot-compliance", "nothing was sent"]);
    let nobodys = found.scene.estop.given("4f1c0d5e-nobody-knows-it", &["identify"]).await?.expect(3);
    anyhow::ensure!(list(nobodys.document(), "owners")?.is_empty(), "{nobodys}");
    found.scene.estop.given("", &["identify"]).await?.expect(2);
    found.scene.estop.given(&"x".repeat(65 * 1024), &["identify"]).await?.expect(2);
    found.scene.estop.given(&found.text, &[&arguments[..], &["bot-sales", "--count", "2"]].concat()).await?.expect(2);
    assert_live(found.scene.owned()).await?;
    for (place, text) in found.scene.estop.everything()? {
        anyhow::ensure!(!text.contains(&others) && !text.contains(found.mark()), "a secret is in {place}");
    }
    found.scene.clear().await
}

/// A robbed role behind a line that tells what estop sends.
struct Role {
    database: Database,
    estop: Estop,
    wire: Wire,
    url: String,
}

impl Role {
    async fn of(rights: &[Right]) -> Result<Self> {
        let server = Server::from_env()?;
        let wire = Wire::to(server.port).await?;
        let mut before = server.clone();
        before.port = wire.port;
        let database = server.fresh_scene(rights).await?;
        let of_bot = bot("knowledge", &[&format!("docs-db:{}", database.bot.name)]);
        let estop = Estop::new(&[SELECT.to_owned(), postgres("docs-db", &before, &database.estop), of_bot].join("\n"))?;
        estop.secret(&database.estop.name, &database.estop.password)?;
        let url =
            format!("postgres://{}:{}@localhost:{}/postgres", database.bot.name, database.bot.password, wire.port);
        Ok(Self { database, estop, wire, url })
    }

    /// The start of a session as the bot, as the protocol has it.
    fn login(&self) -> String {
        format!("user\0{}\0", self.database.bot.name)
    }

    async fn log_in_again(&self, server: &Server) -> Result<Use> {
        let sql = format!("ALTER ROLE {} LOGIN", self.database.bot.name);
        server.session(&server.superuser()).await?.client.batch_execute(&sql).await?;
        Ok(match server.session(&self.database.bot).await {
            Ok(_) => Use::Works,
            Err(error) => match error.as_db_error() {
                Some(said) => Use::Refused { status: said.code().code().to_owned(), hint: said.message().to_owned() },
                None => Use::unclear(error),
            },
        })
    }

    fn assert_no_secret(&self) -> Result<()> {
        let secrets = [&self.database.bot, &self.database.estop].map(|role| role.password.clone());
        assert_no_secret(&self.estop, &secrets, "knowledge")
    }
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_database_password_that_stays_dead_when_the_login_is_allowed_again() -> Result<()> {
    let server = Server::from_env()?;
    let role = Role::of(&Right::LEAST).await?;
    role.wire.take();
    let identified = role.estop.given(&role.url, &["identify"]).await?.expect(0);
    let holding = owner(&identified, "knowledge")?["holding"].as_str().unwrap_or_default();
    anyhow::ensure!(holding.contains("password"), "{identified}");
    let sent = role.wire.take();
    anyhow::ensure!(!sent.is_empty() && !has(&sent, &role.login()), "the password was used");
    let alive = role.estop.given(&role.url, &["identify", "--probe"]).await?.expect(0);
    anyhow::ensure!(list(alive.document(), "probes")?[0]["alive"] == true, "{alive}");
    anyhow::ensure!(has(&role.wire.take(), &role.login()), "the recorder does not see a login");

    let ran = role.estop.given(&role.url, &["isolate", "knowledge", "--yes", "--leaked"]).await?;
    anyhow::ensure!(ran.code == 0 || ran.code == 3, "{ran}");
    refused(&ran)?;
    let seen = role.log_in_again(&server).await?;
    anyhow::ensure!(matches!(&seen, Use::Refused { status, .. } if status == "28P01"), "{seen}");
    role.estop.run(&["journal", "verify"]).await?.expect(0);
    role.assert_no_secret()
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_burned_password_stays_dead_when_the_login_is_allowed_again() -> Result<()> {
    let server = Server::from_env()?;
    let role = Role::of(&Right::LEAST).await?;
    let ran = role.estop.run(&["isolate", "knowledge", "--yes"]).await?;
    anyhow::ensure!(ran.code == 0 || ran.code == 3, "{ran}");
    anyhow::ensure!(role.log_in_again(&server).await?.works(), "isolating alone leaves the password behind the gate");
    let ran = role.estop.run(&["isolate", "knowledge", "--yes", "--burn"]).await?;
    anyhow::ensure!(ran.code == 0 || ran.code == 3, "{ran}");
    let seen = role.log_in_again(&server).await?;
    anyhow::ensure!(matches!(&seen, Use::Refused { status, .. } if status == "28P01"), "{seen}");
    role.assert_no_secret()
}

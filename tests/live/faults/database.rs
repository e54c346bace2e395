//! The faults in front of a real PostgreSQL.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::line::{Fault, Line};
use super::proxy::Meeting;
use super::{ended_dark, is_verified, told};
use crate::estop::{Estop, Ran, SELECT, bot, postgres};
use crate::lab::own_server::OwnServer;
use crate::lab::postgres::{Right, Scene, Server, Stolen};
use crate::scene::{assert_no_secret, list};

const BOT: &str = "knowledge";
/// Shuts a role.
const GATE: &str = " NOLOGIN";
/// Ends a session.
const TERMINATE: &str = "pg_terminate_backend";

/// One role, one responder, and the line between.
struct Case {
    scene: Scene,
    line: Line,
    estop: Estop,
    loot: Vec<Stolen>,
    others: Vec<Stolen>,
    /// Whether it was said to be dark, and was.
    dark: Cell<bool>,
}

impl Case {
    async fn of(server: &Server) -> Result<Self> {
        let line = Line::to(server.port).await?;
        let mut before = server.clone();
        before.port = line.port;
        let scene = server.fresh_scene(&Right::LEAST).await?;
        let of_bot = bot(BOT, &[&format!("docs-db:{}", scene.bot.name)]);
        let estop = Estop::new(&[SELECT.to_owned(), postgres("docs-db", &before, &scene.estop), of_bot].join("\n"))?;
        estop.secret(&scene.estop.name, &scene.estop.password)?;
        let (loot, others) = (scene.steal_what_ends().await?, scene.neighbours().await?);
        Ok(Self { scene, line, estop, loot, others, dark: Cell::new(false) })
    }

    async fn isolate(&self) -> Result<Ran> {
        self.estop.run(&["isolate", BOT, "--yes"]).await
    }

    /// Isolates; once the login is about to be shut, something happens, and only then it goes on.
    async fn isolate_while(&self, happens: impl Future<Output = Result<()>>) -> Result<Ran> {
        let meeting = Arc::new(Meeting::default());
        self.line.breaks(1, Fault::Meet(meeting.clone()), GATE);
        let happening = async {
            meeting.reached().await?;
            happens.await?;
            meeting.go_on();
            anyhow::Ok(())
        };
        let (ran, ()) = tokio::try_join!(self.isolate(), happening)?;
        self.line.assert_fired("meet", 1)?;
        Ok(ran)
    }

    async fn is_refused(&self) -> Result<()> {
        for stolen in &self.loot {
            let seen = stolen.still_works().await;
            anyhow::ensure!(seen.refused(), "{}: {seen}", stolen.describe());
        }
        Ok(())
    }

    /// What it said is what the server says to the thief.
    async fn is_honest(&self, ran: &Ran) -> Result<bool> {
        let dark = told(ran, BOT)?.starts_with("dark");
        self.dark.set(dark);
        if dark {
            self.is_refused().await.with_context(|| format!("said to be dark: {ran}"))?;
        } else if is_verified(ran, "disable-login") {
            let seen = self.loot[0].still_works().await;
            anyhow::ensure!(seen.refused(), "the login is said to be shut: {seen}: {ran}");
        }
        Ok(dark)
    }

    async fn is_dark(&self, ran: &Ran) -> Result<()> {
        anyhow::ensure!(self.is_honest(ran).await?, "{ran}");
        Ok(())
    }

    /// It could not be done, which it says with this word of the server's.
    async fn is_partial(&self, ran: &Ran, word: &str) -> Result<()> {
        anyhow::ensure!(!self.is_honest(ran).await? && ran.outcome()["outcome"] == "partial", "{ran}");
        anyhow::ensure!(ran.to_string().contains(word), "no word of {word}: {ran}");
        anyhow::ensure!(self.loot[0].still_works().await.works(), "the fault did not keep estop from it: {ran}");
        Ok(())
    }

    /// The fault is gone: what is open is finished, and everything is dead.
    async fn finish(self) -> Result<()> {
        self.line.heal();
        if !self.dark.get() {
            let resumed = self.estop.run(&["resume"]).await?;
            if !ended_dark(&resumed) {
                let again = self.isolate().await?;
                self.is_dark(&again).await.with_context(|| format!("after {resumed}"))?;
            }
        }
        self.is_refused().await?;
        for other in &self.others {
            let seen = other.still_works().await;
            anyhow::ensure!(seen.works(), "{}: {seen}", other.describe());
        }
        self.record_is_sound().await
    }

    async fn record_is_sound(&self) -> Result<()> {
        let verified = self.estop.run(&["journal", "verify"]).await?.expect(0);
        anyhow::ensure!(list(verified.document(), "files")?.iter().all(|file| file["result"] == "sound"), "{verified}");
        let Scene { bot, colleague, neighbour, estop, .. } = &self.scene;
        let secrets = [bot, colleague, neighbour, estop].map(|role| role.password.clone());
        assert_no_secret(&self.estop, &secrets, BOT)
    }

    fn estops_role(&self) -> &str {
        &self.scene.estop.name
    }
}

async fn broken_connections(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    case.line.breaks(1, Fault::Drop, GATE);
    case.line.breaks(1, Fault::Half, GATE);
    case.line.breaks(1, Fault::Drop, TERMINATE);
    case.is_dark(&case.isolate().await?).await?;
    case.line.assert_fired("drop", 2)?;
    case.line.assert_fired("half", 1)?;
    case.finish().await
}

/// The server has done it, and its answer never comes.
async fn lost_answers(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    for text in [GATE, TERMINATE, "REVOKE "] {
        case.line.breaks(1, Fault::Lost, text);
    }
    case.is_dark(&case.isolate().await?).await?;
    case.line.assert_fired("lost", 3)?;
    case.finish().await
}

async fn a_silence(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    case.line.breaks(1, Fault::Silent(Duration::from_secs(7)), GATE);
    case.is_dark(&case.isolate().await?).await?;
    case.line.assert_fired("silent", 1)?;
    case.finish().await
}

/// Somebody ends every session of estop's own.
async fn estops_backends_are_ended(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    let end = format!(
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE usename = '{}'",
        case.estops_role()
    );
    let ran = case
        .isolate_while(async {
            let ended = server.rows(&end).await?;
            anyhow::ensure!(!ended.is_empty(), "estop has no session");
            Ok(())
        })
        .await?;
    case.is_dark(&ran).await?;
    case.finish().await
}

/// Defaults of its role that would keep estop from its work, or give it no time for it.
async fn defaults_that_are_in_the_way(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    let role = case.estops_role();
    server
        .run(&format!(
            "ALTER ROLE {role} SET default_transaction_read_only = on; ALTER ROLE {role} SET statement_timeout = '1ms'"
        ))
        .await?;
    case.is_dark(&case.isolate().await?).await?;
    case.finish().await
}

/// Another session changes the role and does not commit for a while.
async fn a_lock_that_is_let_go(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    let holder = server.session(&server.superuser()).await?;
    let lock = format!("BEGIN; ALTER ROLE {} CONNECTION LIMIT 50", case.scene.bot.name);
    holder.client.batch_execute(&lock).await?;
    let let_go = async {
        waits_for_a_lock(server, case.estops_role()).await?;
        // Longer than the server lets one attempt of estop's wait.
        tokio::time::sleep(Duration::from_secs(4)).await;
        holder.client.batch_execute("COMMIT").await.map_err(Into::into)
    };
    let (ran, ()) = tokio::try_join!(case.isolate(), let_go)?;
    case.is_dark(&ran).await?;
    case.finish().await
}

async fn waits_for_a_lock(server: &Server, role: &str) -> Result<()> {
    let asked = format!("SELECT pid::text FROM pg_stat_activity WHERE usename = '{role}' AND wait_event_type = 'Lock'");
    let wait = async {
        while server.rows(&asked).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_mins(1), wait).await.context("estop waits for no lock")?
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_that_pass_at_the_database_end_dark() -> Result<()> {
    let server = Server::from_env()?;
    tokio::try_join!(
        async { broken_connections(&server).await.context("broken connections") },
        async { lost_answers(&server).await.context("lost answers") },
        async { a_silence(&server).await.context("a silence") },
        async { estops_backends_are_ended(&server).await.context("estop's backends are ended") },
        async { defaults_that_are_in_the_way(&server).await.context("defaults") },
        async { a_lock_that_is_let_go(&server).await.context("a lock that is let go") },
    )?;
    Ok(())
}

/// Nobody lets go: each attempt is bounded, and what keeps it from going dark is said.
async fn a_lock_that_stays(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    let holder = server.session(&server.superuser()).await?;
    let lock = format!("BEGIN; ALTER ROLE {} CONNECTION LIMIT 50", case.scene.bot.name);
    holder.client.batch_execute(&lock).await?;
    let ran = case.isolate().await?;
    case.is_partial(&ran, "lock timeout").await?;
    holder.client.batch_execute("ROLLBACK").await?;
    case.finish().await
}

/// Estop has no connection left, from the gate on.
async fn a_connection_limit(server: &Server) -> Result<()> {
    let case = Case::of(server).await?;
    let role = case.estops_role();
    let end = format!("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE usename = '{role}'");
    let ran = case
        .isolate_while(async {
            server.run(&format!("ALTER ROLE {role} CONNECTION LIMIT 0")).await?;
            server.rows(&end).await.map(drop)
        })
        .await?;
    case.is_partial(&ran, "too many connections").await?;
    server.run(&format!("ALTER ROLE {role} CONNECTION LIMIT -1")).await?;
    case.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_that_last_at_the_database_are_told() -> Result<()> {
    let server = Server::from_env()?;
    tokio::try_join!(async { a_lock_that_stays(&server).await.context("a lock that stays") }, async {
        a_connection_limit(&server).await.context("a connection limit")
    },)?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_of_a_database_server_that_restarts_or_only_reads() -> Result<()> {
    let mut own = OwnServer::start().await?;
    let server = own.server().clone();
    let case = Case::of(&server).await?;
    let ran = case
        .isolate_while(async {
            own.halt().await?;
            own.again().await
        })
        .await?;
    case.is_dark(&ran).await.context("restarted in mid-strike")?;
    case.record_is_sound().await?;

    let mut case = Case::of(&server).await?;
    own.halt().await?;
    own.stand_by(true)?;
    own.again().await?;
    let ran = case.isolate().await?;
    case.is_partial(&ran, "read-only transaction").await.context("a standby")?;
    own.halt().await?;
    own.stand_by(false)?;
    own.again().await?;
    // Sessions of before are gone with the server that they were at.
    case.loot.truncate(1);
    case.others.truncate(1);
    case.finish().await
}

/// A bare password: whose it is, where estop may read the server's verifiers, and that it is ended.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn identify_a_bare_database_password_by_the_servers_verifier() -> Result<()> {
    let server = Server::from_env()?;
    for md5 in [false, true] {
        let case = Case::of(&server).await?;
        let (role, password) = (&case.scene.bot.name, &case.scene.bot.password);
        if md5 {
            server.run(&format!("SET password_encryption = md5; ALTER ROLE {role} PASSWORD '{password}'")).await?;
        }
        let unknown = case.estop.given(password, &["identify"]).await?.expect(3);
        anyhow::ensure!(list(unknown.document(), "owners")?.is_empty(), "{unknown}");
        server.run(&format!("GRANT SELECT (oid, rolpassword) ON pg_authid TO {}", case.estops_role())).await?;
        let identified = case.estop.given(password, &["identify"]).await?.expect(0);
        let owners = list(identified.document(), "owners")?;
        anyhow::ensure!(owners.len() == 1 && owners[0]["bot"] == BOT, "{identified}");
        anyhow::ensure!(owners[0]["holding"].as_str().is_some_and(|id| id.contains("password")), "{identified}");
        case.estop.given(&case.scene.neighbour.password, &["isolate", BOT, "--yes", "--leaked"]).await?.expect(2);
        let ran = case.estop.given(password, &["isolate", BOT, "--yes", "--leaked"]).await?;
        case.is_dark(&ran).await?;
        let used = ran.lines.iter().filter(|line| line["schema"] == "estop.probe/1");
        anyhow::ensure!(used.clone().count() > 0 && used.clone().all(|line| line["alive"] == false), "{ran}");
        server.run(&format!("ALTER ROLE {role} LOGIN")).await?;
        anyhow::ensure!(case.loot[0].still_works().await.refused(), "ended, and the login is allowed again");
        server.run(&format!("ALTER ROLE {role} NOLOGIN")).await?;
        server.run(&format!("REVOKE SELECT (oid, rolpassword) ON pg_authid FROM {}", case.estops_role())).await?;
        case.finish().await?;
    }
    Ok(())
}

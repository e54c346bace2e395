//! The faults in front of a real Keycloak.

mod held;
mod restart;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};

use super::proxy::{Fault, Meeting, Proxy};
use super::{ended_dark, is_verified, told};
use crate::estop::{Estop, Ran, SELECT, keycloak_at};
use crate::lab::attacker::steal_everything;
use crate::lab::keycloak::{Lab, Operator, Realm};
use crate::lab::next_second;
use crate::lab::oidc::Login;
use crate::lab::stolen::{Belongs, Loot, Stolen};
use crate::scene::{assert_dead, assert_live, assert_no_secret, list};

/// One bot, one responder, and the line between.
struct Case<'a> {
    realm: &'a Realm,
    bot: &'static str,
    /// Estop's own login, which no other case has.
    operator: Operator,
    proxy: Proxy,
    estop: Estop,
    loot: Vec<Stolen>,
    /// Made in the course of the case.
    new_secrets: Vec<String>,
    /// Whether it was said to be dark, and was.
    dark: Cell<bool>,
}

fn changes(method: &Method, path: &str) -> bool {
    *method != Method::GET && path.starts_with("/admin/")
}

impl<'a> Case<'a> {
    async fn of(realm: &'a Realm, bot: &'static str) -> Result<Self> {
        let proxy = Proxy::to(&realm.admin.base_url).await?;
        let operator = realm.operator_without(&[]).await?;
        let config = format!("{SELECT}\n{}", keycloak_at("sso", &proxy.url, &realm.name, &operator.client_id));
        let estop = Estop::new(&config)?;
        estop.secret(&operator.client_id, &operator.secret)?;
        let loot = steal_everything(realm, bot).await?;
        Ok(Self { realm, bot, operator, proxy, estop, loot, new_secrets: Vec::new(), dark: Cell::new(false) })
    }

    fn path(&self) -> String {
        format!("/clients/{}", self.realm.ids[self.bot])
    }

    /// The request that shuts the bot.
    fn gate(&self) -> impl Fn(&Method, &str) -> bool + Send + Sync + 'static {
        let path = self.path();
        move |method, asked| *method == Method::PUT && asked.ends_with(&path)
    }

    async fn isolate(&self, more: &[&str]) -> Result<Ran> {
        self.estop.run(&[&["isolate", self.bot, "--yes"], more].concat()).await
    }

    /// Isolates; once the first change is about to be made, something happens, and only then it goes on.
    async fn isolate_while(&self, happens: impl Future<Output = Result<()>>) -> Result<Ran> {
        let meeting = Arc::new(Meeting::default());
        self.proxy.breaks(usize::MAX, Fault::Meet(meeting.clone()), changes);
        let happening = async {
            meeting.reached().await?;
            happens.await?;
            meeting.go_on();
            anyhow::Ok(())
        };
        let (ran, ()) = tokio::try_join!(self.isolate(&[]), happening)?;
        self.proxy.assert_fired("meet", 1)?;
        Ok(ran)
    }

    fn owned(&self) -> impl Iterator<Item = &Stolen> {
        self.loot.iter().filter(|stolen| stolen.belongs != Belongs::Exposed)
    }

    fn logins(&self) -> impl Iterator<Item = &Stolen> {
        self.owned().filter(|stolen| matches!(stolen.loot(), Loot::Login(_)))
    }

    /// What it said is what the server says to the thief.
    async fn is_honest(&self, ran: &Ran) -> Result<bool> {
        let word = told(ran, self.bot)?;
        let dark = word.starts_with("dark");
        self.dark.set(dark);
        if dark {
            assert_dead(self.owned()).await.with_context(|| format!("said to be dark: {ran}"))?;
        } else if is_verified(ran, "disable-client") && word != "contradicted" {
            assert_dead(self.logins()).await.with_context(|| format!("the gate is said to be shut: {ran}"))?;
        }
        Ok(dark)
    }

    /// It went dark in spite of the fault.
    async fn is_dark(&self, ran: &Ran) -> Result<()> {
        anyhow::ensure!(self.is_honest(ran).await?, "{ran}");
        Ok(())
    }

    /// The fault is gone: what is open is finished, and everything is dead.
    async fn finish(self) -> Result<()> {
        self.proxy.heal();
        if !self.dark.get() {
            let resumed = self.estop.run(&["resume"]).await?;
            if !ended_dark(&resumed) {
                let again = self.isolate(&[]).await?;
                self.is_dark(&again).await.with_context(|| format!("after {resumed}"))?;
            }
        }
        assert_dead(self.owned()).await?;
        assert_live(self.others()?.iter()).await?;
        let verified = self.estop.run(&["journal", "verify"]).await?.expect(0);
        anyhow::ensure!(list(verified.document(), "files")?.iter().all(|file| file["result"] == "sound"), "{verified}");
        let mut secrets = self.realm.known_secrets()?;
        secrets.push(self.operator.secret.clone());
        secrets.extend(self.new_secrets.iter().cloned());
        secrets.extend(self.loot.iter().filter_map(Stolen::secret).map(str::to_owned));
        assert_no_secret(&self.estop, &secrets, self.bot)?;
        let admin = &self.realm.admin;
        admin.delete(&format!("/master/clients/{}", self.operator.id)).await
    }

    /// Nobody's bot, which must not notice.
    fn others(&self) -> Result<[Stolen; 1]> {
        let login = Loot::Login(self.realm.login("batch-report")?);
        Ok([Stolen::new(&self.realm.oidc, "batch-report", Belongs::Exposed, "login", login)])
    }
}

async fn dropped_requests(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-knowledge").await?;
    case.proxy.breaks(3, Fault::Drop, changes);
    case.is_dark(&case.isolate(&[]).await?).await?;
    case.proxy.assert_fired("drop", 3)?;
    case.finish().await
}

/// Every kind of change is applied and its answer lost, new secrets too.
async fn lost_answers(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-sales").await?;
    case.proxy.breaks(8, Fault::Lost, changes);
    case.is_dark(&case.isolate(&["--burn"]).await?).await?;
    case.proxy.assert_fired("lost", 3)?;
    case.finish().await
}

async fn throttled(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-helpdesk").await?;
    case.proxy.breaks(2, Fault::Status(503, Some(1)), changes);
    case.proxy.breaks(2, Fault::Status(429, Some(2)), changes);
    case.proxy.breaks(2, Fault::Status(503, None), |method, path| *method == Method::GET && path.contains("sessions"));
    case.is_dark(&case.isolate(&[]).await?).await?;
    case.proxy.assert_fired("status", 6)?;
    case.finish().await
}

async fn idle_connections_that_are_closed(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-compliance").await?;
    case.proxy.breaks(usize::MAX, Fault::HangUp, |_, _| true);
    case.is_dark(&case.isolate(&[]).await?).await?;
    case.proxy.assert_fired("hang-up", 10)?;
    case.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_that_pass_end_dark() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    tokio::try_join!(
        async { dropped_requests(&realm).await.context("dropped requests") },
        async { lost_answers(&realm).await.context("lost answers") },
        async { throttled(&realm).await.context("throttled") },
        async { idle_connections_that_are_closed(&realm).await.context("idle connections") },
    )?;
    realm.remove().await
}

async fn an_answer_past_the_deadline(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-knowledge").await?;
    case.proxy.breaks(1, Fault::Late(Duration::from_secs(6)), case.gate());
    case.is_dark(&case.isolate(&[]).await?).await?;
    case.proxy.assert_fired("late", 1)?;
    case.finish().await
}

/// From the gate on the server says nothing at all for a while.
async fn a_silence(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-sales").await?;
    let ran = case
        .isolate_while(async {
            let mute = Arc::new(Meeting::default());
            case.proxy.breaks(usize::MAX, Fault::Meet(mute.clone()), |_, _| true);
            tokio::time::sleep(Duration::from_secs(7)).await;
            case.proxy.heal();
            mute.go_on();
            Ok(())
        })
        .await?;
    case.is_dark(&ran).await?;
    case.finish().await
}

/// A proxy in between says yes to what shuts the client and its user, and never passes it on.
async fn a_lying_success(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-helpdesk").await?;
    let (client, user) = (case.path(), format!("/users/{}", realm.service_accounts[case.bot]));
    let shuts =
        move |method: &Method, path: &str| *method == Method::PUT && (path.ends_with(&client) || path.ends_with(&user));
    case.proxy.breaks(usize::MAX, Fault::Status(204, None), shuts);
    let ran = case.isolate(&[]).await?;
    anyhow::ensure!(!case.is_honest(&ran).await?, "the gate was never shut: {ran}");
    anyhow::ensure!(ran.outcome()["outcome"] == "contradicted", "{ran}");
    assert_live(case.logins()).await?;
    case.proxy.assert_fired("status", 2)?;
    case.finish().await
}

/// Its sessions cannot be listed to the end: that is not "none".
async fn a_listing_that_breaks_off(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-compliance").await?;
    let sessions = format!("{}/user-sessions", case.path());
    let listing = move |method: &Method, path: &str| *method == Method::GET && path.contains(&sessions);
    case.proxy.breaks(usize::MAX, Fault::Cut, listing);
    let ran = case.isolate(&[]).await?;
    anyhow::ensure!(!case.is_honest(&ran).await?, "its sessions were never listed: {ran}");
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    assert_dead(case.logins()).await?;
    case.proxy.assert_fired("cut", 2)?;
    case.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_that_last_are_told() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    tokio::try_join!(
        async { an_answer_past_the_deadline(&realm).await.context("an answer past the deadline") },
        async { a_silence(&realm).await.context("a silence") },
        async { a_lying_success(&realm).await.context("a lying success") },
        async { a_listing_that_breaks_off(&realm).await.context("a listing that breaks off") },
    )?;
    realm.remove().await
}

impl Case<'_> {
    /// Every token of estop's from before is refused.
    async fn revoke_own_token(&self) -> Result<()> {
        next_second().await;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let body = json!({"notBefore": now, "attributes": {}});
        self.realm.admin.put(&format!("/master/clients/{}", self.operator.id), &body).await
    }
}

async fn estops_token_is_revoked(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-sales").await?;
    let ran = case.isolate_while(case.revoke_own_token()).await?;
    case.is_dark(&ran).await?;
    case.finish().await
}

/// Somebody rotates estop's own secret, and its token goes with it: it says so, and finishes with the new one.
async fn estops_secret_is_rotated(realm: &Realm) -> Result<()> {
    let mut case = Case::of(realm, "bot-knowledge").await?;
    let path = format!("/master/clients/{}/client-secret", case.operator.id);
    let ran = case
        .isolate_while(async {
            realm.admin.post(&path, &json!({})).await?;
            case.revoke_own_token().await
        })
        .await?;
    anyhow::ensure!(!case.is_honest(&ran).await?, "nothing could be sent: {ran}");
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    assert_live(case.logins()).await.context("it was locked out before the gate")?;
    let new = realm.admin.get(&path).await?["value"].as_str().context("no new secret")?.to_owned();
    case.estop.secret(&case.operator.client_id, &new)?;
    case.new_secrets.push(new);
    let resumed = case.estop.run(&["resume"]).await?;
    case.is_dark(&resumed).await?;
    case.finish().await
}

async fn an_admin_deletes_the_client(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-compliance").await?;
    let ran = case.isolate_while(realm.admin.delete(&realm.client_path(case.bot))).await?;
    case.is_honest(&ran).await?;
    assert_dead(case.owned()).await?;
    let verified = case.estop.run(&["journal", "verify"]).await?.expect(0);
    anyhow::ensure!(list(verified.document(), "files")?.iter().all(|file| file["result"] == "sound"), "{verified}");
    let resumed = case.estop.run(&["resume"]).await?;
    anyhow::ensure!([0, 3].contains(&resumed.code), "{resumed}");
    Ok(())
}

/// Between strike and sweep somebody enables the bot, and the thief takes a new token and a new secret.
async fn the_thief_is_back_before_the_sweep(realm: &Realm) -> Result<()> {
    let mut case = Case::of(realm, "bot-helpdesk").await?;
    let (gate, sweep) = (Arc::new(Meeting::default()), Arc::new(Meeting::default()));
    case.proxy.breaks(1, Fault::Meet(gate.clone()), case.gate());
    let path = case.path();
    let thief = async {
        gate.reached().await?;
        let next_read = move |method: &Method, asked: &str| *method == Method::GET && asked.contains(&path);
        case.proxy.breaks(1, Fault::Meet(sweep.clone()), next_read);
        gate.go_on();
        sweep.reached().await?;
        while is_enabled(realm, case.bot).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        case.proxy.breaks(usize::MAX, Fault::Meet(sweep.clone()), |_, _| true);
        let taken = come_back(realm, case.bot).await?;
        sweep.go_on();
        Ok(taken)
    };
    let (ran, taken) = tokio::try_join!(case.isolate(&[]), thief)?;
    case.proxy.assert_fired("meet", 2)?;
    case.loot.extend(taken);
    case.is_dark(&ran).await?;
    case.estop.run(&["recheck", case.bot]).await?.expect(0);
    case.finish().await
}

/// Whether the client or its user is still open.
async fn is_enabled(realm: &Realm, bot: &str) -> Result<bool> {
    let client = realm.admin.get(&realm.client_path(bot)).await?;
    let user = realm.admin.get(&realm.service_account_path(bot)).await?;
    Ok(client["enabled"] == true || user["enabled"] == true)
}

async fn enable_user(realm: &Realm, bot: &str) -> Result<()> {
    let user = realm.service_account_path(bot);
    let mut body = realm.admin.get(&user).await?;
    body["enabled"] = Value::Bool(true);
    realm.admin.put(&user, &body).await
}

/// Opens the bot again, and what a thief takes then.
async fn come_back(realm: &Realm, bot: &str) -> Result<Vec<Stolen>> {
    realm.set_enabled(bot, true).await?;
    enable_user(realm, bot).await?;
    let login = Login::secret(bot, &realm.regenerate_secret(bot).await?);
    let have = |what, loot| Stolen::new(&realm.oidc, bot, Belongs::Bot, what, loot);
    // A step of the strike that is still on its way may end the first ones.
    let persists = async {
        loop {
            next_second().await;
            let token = realm.oidc.mint(&login, "").await?.text("access_token")?;
            let stolen = have("new token", Loot::Access { token, witness: None });
            if stolen.still_works().await.works() {
                return anyhow::Ok(stolen);
            }
        }
    };
    let stolen = tokio::time::timeout(Duration::from_secs(20), persists).await.context("no token lives")??;
    let loot = vec![have("new secret", Loot::Login(login)), stolen];
    assert_live(loot.iter()).await?;
    Ok(loot)
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_by_people_in_mid_strike() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    tokio::try_join!(
        async { estops_token_is_revoked(&realm).await.context("estop's token is revoked") },
        async { estops_secret_is_rotated(&realm).await.context("estop's secret is rotated") },
        async { an_admin_deletes_the_client(&realm).await.context("an admin deletes the client") },
        async { the_thief_is_back_before_the_sweep(&realm).await.context("the thief is back") },
    )?;
    realm.remove().await
}

/// Nobody is let in while the realm is off, which is no proof: it comes back.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_of_a_realm_that_is_disabled_in_mid_strike() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let case = Case::of(&realm, "bot-helpdesk").await?;
    let of_realm = format!("/{}", realm.name);
    let (off, on) = (json!({"enabled": false}), json!({"enabled": true}));
    let ran = case.isolate_while(realm.admin.put(&of_realm, &off)).await?;
    realm.admin.put(&of_realm, &on).await?;
    case.is_honest(&ran).await?;
    case.finish().await?;
    realm.remove().await
}

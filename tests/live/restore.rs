//! The way back on real servers: an innocent bot works again as it did, a robbed one only with what is issued anew.
//!
//! What the server says about the bot is compared field by field; what differs must have been named before.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::estop::{Estop, Ran, SELECT, bot, keycloak, postgres};
use crate::lab::attacker::{neighbours, steal_everything};
use crate::lab::keycloak::{Lab, Realm, created};
use crate::lab::new_secret;
use crate::lab::oidc::Login;
use crate::lab::postgres::{Right, Role, Server, Stolen as Taken};
use crate::lab::stolen::{Belongs, Loot, Stolen};
use crate::scene::{Scene, assert_dead, assert_live, assert_no_secret, list};

const FALSE_ALARM: &str = "false-alarm";
const ROTATE: &str = "rotate";

/// Restores a bot through the binary.
async fn restore(estop: &Estop, bot: &str, mode: &str) -> Result<Ran> {
    estop.run(&["restore", bot, "--mode", mode, "--yes", "--reason", "the owner has looked into it"]).await
}

/// Everything that the server's own console would show of a bot and its service account, in a fixed order.
async fn picture(realm: &Realm, client: &str) -> Result<Value> {
    let admin = &realm.admin;
    let (client, user) = (realm.client_path(client), realm.service_account_path(client));
    let mut whole = json!({
        "client": admin.get(&client).await?,
        "user": admin.get(&user).await?,
        "roles": admin.get(&format!("{user}/role-mappings")).await?,
        "groups": admin.get(&format!("{user}/groups")).await?,
        "links": admin.get(&format!("{user}/federated-identity")).await?,
        "default scopes": admin.get(&format!("{client}/default-client-scopes")).await?,
        "optional scopes": admin.get(&format!("{client}/optional-client-scopes")).await?,
        "mapped scopes": admin.get(&format!("{client}/scope-mappings")).await?,
        "mappers": admin.get(&format!("{client}/protocol-mappers/models")).await?,
    });
    sort(&mut whole);
    Ok(whole)
}

/// Lists come in no certain order.
fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(sort),
        _ => {}
    }
}

/// Where two pictures differ, as `client/notBefore`.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    fn walk(path: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                    let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                    walk(&format!("{path}/{key}"), a, b, found);
                }
            }
            (a, b) if a != b => found.push(path.trim_start_matches('/').to_owned()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    found
}

/// What a bot's token allows, as the token itself says.
async fn token_says(realm: &Realm, login: &Login) -> Result<Value> {
    let token = realm.oidc.mint(login, "").await?.text("access_token")?;
    let mut claims = crate::lab::oidc::claims(&token).context("no claims")?;
    for moving in ["exp", "iat", "jti", "auth_time", "sid"] {
        if let Some(claims) = claims.as_object_mut() {
            claims.remove(moving);
        }
    }
    sort(&mut claims);
    Ok(claims)
}

/// Gives the bot a group with a role and a link to the partner's identity provider: what else an isolation takes.
async fn belongs_somewhere(realm: &Realm, client: &str) -> Result<()> {
    let admin = &realm.admin;
    let group = created(&admin.post(&format!("/{}/groups", realm.name), &json!({"name": "night-shift"})).await?)?;
    let user = realm.service_account_path(client);
    admin.call(Method::PUT, &format!("{user}/groups/{group}"), None).await?.ok()?;
    let link = json!({"identityProvider": "partner-oidc", "userId": "partner-bot", "userName": "bot@partner.example"});
    admin.post(&format!("{user}/federated-identity/partner-oidc"), &link).await.map(drop)
}

/// Trust in an issuer whose assertions open the client.
async fn trusts_an_issuer(realm: &Realm, client: &str) -> Result<()> {
    let trust = json!({"jwt.credential.issuer": "https://issuer.example", "jwt.credential.sub": "system:bot"});
    realm.admin.put(&realm.client_path(client), &json!({"attributes": trust})).await
}

/// The names of what a document's list has.
fn whats(document: &Value, field: &str) -> Result<String> {
    let all = list(document, field)?.iter().map(|one| one["what"].as_str().unwrap_or_default().to_owned());
    Ok(all.collect::<Vec<_>>().join("; "))
}

/// An innocent bot: isolated, found innocent, restored. Its picture differs in nothing but not-before.
async fn innocent(client: &str, depth: &[&str]) -> Result<Scene> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    belongs_somewhere(&realm, client).await?;
    trusts_an_issuer(&realm, client).await?;
    let scene = Scene::robbed_in(realm, client, &[client], "").await?;
    // The thief has used up and changed the login: the owner has this one now.
    let login = owner_login(&scene, client)?;
    let (before, said) = (picture(&scene.realm, client).await?, token_says(&scene.realm, &login).await?);
    let ran = scene.isolate(depth).await?;
    anyhow::ensure!([0, 3].contains(&ran.code), "{ran}");
    assert_dead(scene.owned()).await?;

    let shown = scene.estop.run(&["restore", client, "--mode", FALSE_ALARM]).await?.expect(0);
    let lost = whats(shown.document(), "lost")?;
    anyhow::ensure!(lost.contains("access tokens"), "{shown}");
    assert_dead(scene.owned()).await.context("showing the difference changes nothing")?;

    let ran = restore(&scene.estop, client, FALSE_ALARM).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "restored", "{ran}");
    assert_live(
        [&Stolen::new(&scene.realm.oidc, client, Belongs::Bot, "own login", Loot::Login(login.clone()))].into_iter(),
    )
    .await?;
    let after = picture(&scene.realm, client).await?;
    let mut differs = differences(&before, &after);
    differs.retain(|field| field != "client/notBefore" && field != "user/notBefore");
    assert_eq!(differs, Vec::<String>::new(), "what differs was not named: {ran}");
    assert_eq!(token_says(&scene.realm, &login).await?, said, "roles and scopes as before");

    // Whatever is no long-lived secret stays dead, and so do the bot's children.
    let dead = scene.owned().filter(|one| {
        let long_lived = matches!(one.loot(), Loot::Login(_) | Loot::Registration { .. });
        !(long_lived && one.belongs == Belongs::Bot)
    });
    assert_dead(dead).await?;
    scene.assert_others_live().await?;
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()?;
    Ok(scene)
}

/// The login that its owner has, after whatever the thief did.
fn owner_login(scene: &Scene, client: &str) -> Result<Login> {
    let newest = scene.loot.iter().rev().find_map(|one| match one.loot() {
        Loot::Login(login) if one.belongs == Belongs::Bot && login.client_id() == client => Some(login.clone()),
        _ => None,
    });
    newest.context("no login")
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_innocent_service_account_works_as_before() -> Result<()> {
    let scene = innocent("bot-compliance", &[]).await?;
    let again = restore(&scene.estop, "bot-compliance", FALSE_ALARM).await?;
    anyhow::ensure!(again.code != 0 && again.code != 101, "there is nothing left to undo: {again}");
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_innocent_delegate_works_as_before_but_for_what_users_gave() -> Result<()> {
    let scene = innocent("bot-helpdesk", &[]).await?;
    let told = scene.estop.records()?;
    let told = told.iter().rev().find(|record| record["kind"] == "op.end").context("no end")?;
    let said = told.to_string();
    for what in ["consent of alice", "session"] {
        anyhow::ensure!(said.contains(what), "{what}: {said}");
    }
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_innocent_bot_under_rotation_keeps_both_of_its_secrets() -> Result<()> {
    innocent("bot-sales", &[]).await?.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_innocent_key_bot_gets_its_power_back_and_not_its_children() -> Result<()> {
    innocent("bot-engineering-staging", &[]).await?.clear().await
}

/// A robbed bot: the door opens, and everything from before stays refused.
async fn robbed(client: &str) -> Result<Scene> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    belongs_somewhere(&realm, client).await?;
    let scene = Scene::robbed_in(realm, client, &[client], "").await?;
    let before = picture(&scene.realm, client).await?;
    let ran = scene.isolate(&[]).await?;
    anyhow::ensure!([0, 3].contains(&ran.code), "{ran}");

    let ran = restore(&scene.estop, client, ROTATE).await?.expect(0);
    anyhow::ensure!(ran.outcome()["outcome"] == "restored", "{ran}");
    assert_dead(scene.owned()).await.context("the door is open, and everything from before is refused")?;
    scene.assert_others_live().await?;
    let after = picture(&scene.realm, client).await?;
    anyhow::ensure!(after["client"]["enabled"] == true && after["user"]["enabled"] == true, "{after}");
    for part in ["roles", "groups", "links", "default scopes", "optional scopes", "mapped scopes", "mappers"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let expected: &[&str] = match client {
        "bot-engineering-staging" => &["client secret", "signing key", "registration access token"],
        "bot-helpdesk" => &["client secret", "registration access token", "consent of alice"],
        _ => &["client secret", "registration access token"],
    };
    let reissue = whats(ran.outcome(), "reissue")?;
    for what in expected {
        anyhow::ensure!(reissue.contains(what), "{what} has to be issued anew: {reissue}");
    }
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()?;
    Ok(scene)
}

/// What the owner hands out anew opens it, and carries the roles of before.
async fn works_anew(scene: &Scene, client: &str, login: Login, power: bool) -> Result<()> {
    let new = Stolen::new(&scene.realm.oidc, client, Belongs::Bot, "what was issued anew", Loot::Login(login.clone()));
    assert_live([&new].into_iter()).await?;
    if power {
        let token = scene.realm.oidc.mint(&login, "").await?.text("access_token")?;
        let power = Loot::Power { admin: scene.realm.admin.clone(), realm: scene.realm.name.clone(), token };
        assert_live([&Stolen::new(&scene.realm.oidc, client, Belongs::Bot, "its power", power)].into_iter()).await?;
    }
    assert_dead(scene.owned()).await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_robbed_delegate_works_with_a_new_secret_only() -> Result<()> {
    let scene = robbed("bot-helpdesk").await?;
    let secret = scene.realm.regenerate_secret("bot-helpdesk").await?;
    works_anew(&scene, "bot-helpdesk", Login::secret("bot-helpdesk", &secret), false).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn both_secrets_of_a_robbed_bot_under_rotation_stay_refused() -> Result<()> {
    let scene = robbed("bot-sales").await?;
    let now = scene.realm.admin.get(&format!("{}/client-secret", scene.realm.client_path("bot-sales"))).await?;
    let secret = now["value"].as_str().context("no secret")?;
    works_anew(&scene, "bot-sales", Login::secret("bot-sales", secret), false).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_robbed_key_bot_works_with_a_new_key_only() -> Result<()> {
    let client = "bot-engineering-staging";
    let scene = robbed(client).await?;
    let key = tokio::task::spawn_blocking(crate::lab::oidc::SigningKey::generate).await?;
    let attributes = json!({"jwks.string": key.jwks()});
    scene.realm.admin.put(&scene.realm.client_path(client), &json!({"attributes": attributes})).await?;
    let login = Login::Key { client_id: client.to_owned(), key: std::sync::Arc::new(key) };
    works_anew(&scene, client, login, true).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn what_somebody_changed_in_between_stays() -> Result<()> {
    let client = "bot-knowledge";
    let scene = Scene::robbed(client).await?;
    let login = owner_login(&scene, client)?;
    scene.isolate(&[]).await?;
    let (path, user) = (scene.realm.client_path(client), scene.realm.service_account_path(client));
    let admin = &scene.realm.admin;
    admin
        .put(&path, &json!({"redirectUris": ["http://127.0.0.1:14549/new"], "attributes": {"owner": "docs-2"}}))
        .await?;
    let new_role = admin.get(&format!("/{}/roles/offline_access", scene.realm.name)).await?;
    admin.post(&format!("{user}/role-mappings/realm"), &json!([new_role])).await?;

    let ran = restore(&scene.estop, client, FALSE_ALARM).await?.expect(0);
    let after = picture(&scene.realm, client).await?;
    anyhow::ensure!(after["client"]["redirectUris"] == json!(["http://127.0.0.1:14549/new"]), "{ran}");
    anyhow::ensure!(after["client"]["attributes"]["owner"] == "docs-2", "{ran}");
    let roles = after["roles"]["realmMappings"].to_string();
    anyhow::ensure!(roles.contains("offline_access") && roles.contains("chatbot"), "{roles}");
    anyhow::ensure!(after["roles"]["clientMappings"]["doc-repository"].is_object(), "{after}");
    let journal = scene.estop.records()?;
    let diff = journal.iter().find(|record| record["kind"] == "restore.diff").context("no difference on record")?;
    anyhow::ensure!(diff.to_string().contains("given by somebody since"), "{diff}");
    let own = Stolen::new(&scene.realm.oidc, client, Belongs::Bot, "its own login", Loot::Login(login));
    assert_live([&own].into_iter()).await?;
    scene.clear().await
}

/// One bot at both servers.
struct Both {
    realm: Realm,
    server: Server,
    scene: crate::lab::postgres::Scene,
    estop: Estop,
}

impl Both {
    async fn of() -> Result<Self> {
        let server = Server::from_env()?;
        let realm = Lab::from_env()?.fresh_realm().await?;
        let scene = server.fresh_scene(&Right::LEAST).await?;
        let own = &scene.bot.name;
        // What a strike takes from the role itself, and options that have to come back.
        server
            .run(&format!(
                "GRANT pg_read_all_data TO {own}; GRANT {own} TO {} WITH ADMIN OPTION;",
                scene.colleague.name
            ))
            .await?;
        let config = [
            SELECT.to_owned(),
            keycloak("sso", &realm, &realm.operator),
            postgres("docs-db", &server, &scene.estop),
            bot("knowledge", &["sso:bot-knowledge", &format!("docs-db:{own}")]),
        ];
        let estop = Estop::new(&config.join("\n"))?;
        estop.secret(&realm.operator.client_id, &realm.operator.secret)?;
        estop.secret(&scene.estop.name, &scene.estop.password)?;
        Ok(Self { realm, server, scene, estop })
    }

    /// Role, memberships and grants, as the catalogs have them. Who granted a membership is left out: a server of
    /// version 15 lets nobody but a superuser name another.
    async fn picture(&self) -> Result<Vec<String>> {
        let own = &self.scene.bot.name;
        self.server
            .rows(&format!(
                "SELECT to_jsonb(a)::text FROM pg_authid a WHERE rolname = '{own}'
                 UNION ALL
                 SELECT format('%s to %s admin %s', roleid::regrole, member::regrole, admin_option)
                 FROM pg_auth_members WHERE '{own}'::regrole IN (roleid, member)
                 UNION ALL
                 SELECT format('%s %s', oid::regclass, relacl) FROM pg_class WHERE oid = '{}'::regclass
                 UNION ALL
                 SELECT format('%s %s', nspname, nspacl) FROM pg_namespace WHERE nspname = '{}'
                 ORDER BY 1",
                self.scene.table,
                self.scene.table.split('.').next().unwrap_or_default(),
            ))
            .await
    }

    fn assert_no_secret(&self) -> Result<()> {
        let mut secrets = self.realm.known_secrets()?;
        let crate::lab::postgres::Scene { bot, colleague, neighbour, estop, .. } = &self.scene;
        secrets.extend([bot, colleague, neighbour, estop].map(|role| role.password.clone()));
        assert_no_secret(&self.estop, &secrets, "knowledge")
    }
}

fn has_ended(taken: &Taken) -> bool {
    taken.describe() == "the bot's open session"
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_innocent_bot_at_two_servers_works_as_before() -> Result<()> {
    let both = Both::of().await?;
    let tokens = steal_everything(&both.realm, "bot-knowledge").await?;
    let others = neighbours(&both.realm, "bot-knowledge").await?;
    let before = both.picture().await?;
    let before_client = picture(&both.realm, "bot-knowledge").await?;
    let mut taken = both.scene.steal_everything().await?;
    let neighbours = both.scene.neighbours().await?;
    // Its session in the bot's role outlives the cut, which keeps the outcome from dark; here it is in nobody's way.
    taken.retain(|one| one.describe() != "a colleague's session in the bot's role");
    let ran = both.estop.run(&["isolate", "knowledge", "--yes"]).await?;
    anyhow::ensure!([0, 3].contains(&ran.code), "{ran}");
    for one in &taken {
        let seen = one.still_works().await;
        anyhow::ensure!(seen.refused(), "{}: {seen}", one.describe());
    }

    let ran = restore(&both.estop, "knowledge", FALSE_ALARM).await?.expect(0);
    assert_eq!(both.picture().await?, before, "{ran}");
    let mut differs = differences(&before_client, &picture(&both.realm, "bot-knowledge").await?);
    differs.retain(|field| !field.ends_with("/notBefore"));
    assert_eq!(differs, Vec::<String>::new());
    for one in taken.iter().filter(|one| !has_ended(one)) {
        let seen = one.still_works().await;
        anyhow::ensure!(seen.works(), "{}: {seen}", one.describe());
    }
    for one in &neighbours {
        anyhow::ensure!(one.still_works().await.works(), "{}", one.describe());
    }
    assert_live(others.iter()).await?;
    assert_live(tokens.iter().filter(|one| matches!(one.loot(), Loot::Login(_)))).await?;
    let lost = whats(ran.outcome(), "lost")?;
    for what in ["session", "who granted it", "access tokens"] {
        anyhow::ensure!(lost.contains(what), "{what}: {lost}");
    }
    both.estop.run(&["journal", "verify"]).await?.expect(0);
    both.assert_no_secret()?;
    both.realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_robbed_bot_at_two_servers_works_with_what_is_issued_anew_only() -> Result<()> {
    let both = Both::of().await?;
    let tokens = steal_everything(&both.realm, "bot-knowledge").await?;
    let mut taken = both.scene.steal_everything().await?;
    taken.retain(|one| one.describe() != "a colleague's session in the bot's role");
    let ran = both.estop.run(&["isolate", "knowledge", "--yes"]).await?;
    anyhow::ensure!([0, 3].contains(&ran.code), "{ran}");

    let ran = restore(&both.estop, "knowledge", ROTATE).await?.expect(0);
    assert_dead(tokens.iter()).await?;
    for one in taken.iter().filter(|one| !one.describe().contains("colleague")) {
        let seen = one.still_works().await;
        anyhow::ensure!(seen.refused(), "{}: {seen}", one.describe());
    }
    let reissue = whats(ran.outcome(), "reissue")?;
    for what in ["password of role", "client secret of bot-knowledge", "registration access token"] {
        anyhow::ensure!(reissue.contains(what), "{what}: {reissue}");
    }
    // A new password opens the role, with the privileges and members of before.
    let password = new_secret();
    both.server.run(&format!("ALTER ROLE {} PASSWORD '{password}'", both.scene.bot.name)).await?;
    let anew = Role { name: both.scene.bot.name.clone(), password };
    let session = both.server.session(&anew).await.context("a new password opens it")?;
    session.client.batch_execute(&format!("SELECT count(*) FROM {}", both.scene.table)).await?;
    let colleague = taken.iter().find(|one| one.describe().contains("colleague")).context("no colleague")?;
    anyhow::ensure!(colleague.still_works().await.works(), "a colleague may take the role again");
    both.estop.run(&["journal", "verify"]).await?.expect(0);
    both.assert_no_secret()?;
    both.realm.remove().await
}

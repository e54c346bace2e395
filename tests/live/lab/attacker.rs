//! The thief: takes everything that a bot holds, and has the bot make more.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{UserTokens, grant};
use super::keycloak::{BOTS, Realm, created, text};
use super::oidc::Login;
use super::stolen::{Belongs, Loot, Stolen};
use super::{new_secret, unique};

/// Where bot-helpdesk is sent back to; nothing listens there.
pub const HELPDESK_REDIRECT: &str = "http://127.0.0.1:14549/cb";
/// The same for portal-web.
pub const PORTAL_REDIRECT: &str = "http://127.0.0.1:14549/portal";

/// Everything a thief can have from this bot; each piece has worked once already.
pub async fn steal_everything(realm: &Realm, bot: &str) -> Result<Vec<Stolen>> {
    let thief = Thief { realm, bot };
    let mut loot = thief.logins().await?;
    loot.extend(thief.service_account_tokens().await?);
    loot.push(thief.registration_token(bot, Belongs::Bot).await?);
    match bot {
        "bot-helpdesk" => loot.extend(thief.delegated().await?),
        "bot-engineering-staging" => loot.extend(thief.abuse_of_power().await?),
        _ => {}
    }
    for stolen in &loot {
        let seen = stolen.still_works().await;
        anyhow::ensure!(seen.works(), "{stolen:?} was stolen, but {seen}");
    }
    Ok(loot)
}

/// Credentials in rightful hands, which must still work when this bot is isolated.
pub async fn neighbours(realm: &Realm, bot: &str) -> Result<Vec<Stolen>> {
    let mut innocent = Vec::new();
    for other in BOTS.iter().chain(&["batch-report"]).filter(|other| **other != bot) {
        let login = realm.login(other)?;
        let token = realm.oidc.mint(&login, "").await?.text("access_token")?;
        let keep = |what, loot| Stolen::new(&realm.oidc, other, Belongs::Exposed, what, loot);
        innocent.push(keep("login", Loot::Login(login)));
        // Tokens of the sales bot end within the minute.
        if *other != "bot-sales" {
            innocent.push(keep("service-account token", Loot::Access { token, witness: None }));
        }
    }
    let portal = realm.login("portal-web")?;
    let bob = grant(&realm.oidc, &portal, &realm.bob, PORTAL_REDIRECT, "openid").await?;
    let keep = |what, loot| Stolen::new(&realm.oidc, "portal-web", Belongs::Exposed, what, loot);
    innocent.push(keep("bob's access token", Loot::Access { token: bob.access, witness: None }));
    innocent.push(keep("bob's refresh token", Loot::Refresh { login: portal, token: bob.refresh }));
    for credential in &innocent {
        let seen = credential.still_works().await;
        anyhow::ensure!(seen.works(), "{credential:?} is in rightful hands, but {seen}");
    }
    Ok(innocent)
}

struct Thief<'a> {
    realm: &'a Realm,
    bot: &'a str,
}

impl Thief<'_> {
    fn have(&self, belongs: Belongs, what: &str, loot: Loot) -> Stolen {
        Stolen::new(&self.realm.oidc, self.bot, belongs, what, loot)
    }

    /// The secret or the key. The sales bot has two secrets: the one before the last change works still.
    async fn logins(&self) -> Result<Vec<Stolen>> {
        let login = self.realm.login(self.bot)?;
        let mut logins = Vec::new();
        match &login {
            Login::Key { key, .. } => {
                logins.push(self.have(Belongs::Bot, "signing key", Loot::Login(login.clone())));
                for other in BOTS.iter().filter(|b| b.starts_with("bot-engineering") && **b != self.bot) {
                    let as_other = Login::Key { client_id: (*other).to_owned(), key: key.clone() };
                    let what = format!("signing key, used as {other},");
                    logins.push(self.have(Belongs::Exposed, &what, Loot::Login(as_other)));
                }
            }
            _ if self.bot == "bot-sales" => {
                let newer = Login::secret(self.bot, &self.realm.regenerate_secret(self.bot).await?);
                logins.push(self.have(Belongs::Bot, "rotated client secret", Loot::Login(login)));
                logins.push(self.have(Belongs::Bot, "client secret", Loot::Login(newer)));
            }
            _ => logins.push(self.have(Belongs::Bot, "client secret", Loot::Login(login))),
        }
        Ok(logins)
    }

    /// A token of the service account, and one that the tool gateway got in exchange for it.
    async fn service_account_tokens(&self) -> Result<Vec<Stolen>> {
        let scope = if self.bot == "bot-helpdesk" { "audit" } else { "" };
        let login = self.realm.login(self.bot)?;
        let token = self.realm.oidc.mint(&login, scope).await?.text("access_token")?;
        let exchanged = self.exchanged(&token, "token exchanged from the service account's").await?;
        Ok(vec![self.access(token, "service-account token").await?, exchanged])
    }

    /// An access token, with a witness where one sees it alive.
    async fn access(&self, token: String, what: &str) -> Result<Stolen> {
        let witness = self.realm.login("rs-introspector")?;
        let sees = self.realm.oidc.introspect(&witness, &token).await?;
        let witness = sees.then_some(witness);
        Ok(self.have(Belongs::Bot, what, Loot::Access { token, witness }))
    }

    async fn exchanged(&self, subject_token: &str, what: &str) -> Result<Stolen> {
        let gateway = self.realm.login("tool-gateway")?;
        let answer = self.realm.oidc.exchange(&gateway, subject_token).await?;
        self.access(answer.text("access_token").context("token exchange")?, what).await
    }

    async fn registration_token(&self, client_id: &str, belongs: Belongs) -> Result<Stolen> {
        let path = format!("{}/registration-access-token", self.realm.client_path(client_id));
        let token = self.realm.admin.post(&path, &json!({})).await?.text("registrationAccessToken")?;
        let loot = Loot::Registration { client_id: client_id.to_owned(), token };
        Ok(self.have(belongs, "registration access token", loot))
    }

    /// What alice granted: a session, an offline token, and what was exchanged from it.
    async fn delegated(&self) -> Result<Vec<Stolen>> {
        let scope = "openid audit tickets.read tickets.write";
        let session = self.alice_grants(scope).await?;
        let offline = self.alice_grants(&format!("{scope} offline_access")).await?;
        let login = self.realm.login(self.bot)?;
        let refresh = |what, token| self.have(Belongs::Bot, what, Loot::Refresh { login: login.clone(), token });
        Ok(vec![
            self.exchanged(&session.access, "token exchanged from alice's").await?,
            self.access(session.access, "alice's access token").await?,
            refresh("alice's refresh token", session.refresh),
            self.access(offline.access, "access token of alice's offline session").await?,
            refresh("alice's offline token", offline.refresh),
        ])
    }

    async fn alice_grants(&self, scope: &str) -> Result<UserTokens> {
        let login = self.realm.login(self.bot)?;
        grant(&self.realm.oidc, &login, &self.realm.alice, HELPDESK_REDIRECT, scope).await
    }

    /// What `manage-clients` is good for: clients of its own, a token to register more, other bots' secrets.
    async fn abuse_of_power(&self) -> Result<Vec<Stolen>> {
        let Realm { admin, oidc, name: realm, .. } = self.realm;
        let login = self.realm.login(self.bot)?;
        let token = oidc.mint(&login, "").await?.text("access_token")?;
        let power = Loot::Power { admin: admin.clone(), realm: realm.clone(), token: token.clone() };
        let mut loot = vec![self.have(Belongs::Bot, "administration by its token", power)];

        let (child, secret) = (format!("nightly-sync-{}", unique()), new_secret());
        let path = format!("/{realm}/clients");
        let made = admin.call_as(&token, Method::POST, &path, Some(&second_client(&child, &secret))).await?;
        created(&made).context("the bot made no second client")?;
        loot.push(self.have(Belongs::Child, "second client", Loot::Login(Login::secret(&child, &secret))));

        let path = format!("/{realm}/clients-initial-access");
        let wanted = json!({"expiration": 86400, "count": 50});
        let made = admin.call_as(&token, Method::POST, &path, Some(&wanted)).await?;
        let initial = made.text("token")?;
        loot.push(self.have(Belongs::Child, "initial access token", Loot::InitialAccess { token: initial.clone() }));

        let (child, secret) = (format!("report-export-{}", unique()), new_secret());
        let registered = oidc.register(&initial, &second_client(&child, &secret)).await?.ok()?;
        let token_of_child = text(&registered, "registrationAccessToken")?;
        loot.push(self.have(Belongs::Child, "registered client", Loot::Login(Login::secret(&child, &secret))));
        let registration = Loot::Registration { client_id: child, token: token_of_child };
        loot.push(self.have(Belongs::Child, "registration token of a registered client", registration));

        let path = format!("/{realm}/clients");
        let seen = admin.call_as(&token, Method::GET, &path, None).await?.ok()?;
        let sibling = "bot-knowledge";
        let found = seen.as_array().and_then(|all| all.iter().find(|client| client["clientId"] == sibling));
        let secret = text(found.context("no sibling in the list")?, "secret")?;
        let login = Loot::Login(Login::secret(sibling, &secret));
        loot.push(self.have(Belongs::Exposed, "secret of bot-knowledge, in the hands", login));
        Ok(loot)
    }
}

fn second_client(client_id: &str, secret: &str) -> Value {
    json!({"clientId": client_id, "secret": secret, "serviceAccountsEnabled": true, "standardFlowEnabled": false})
}

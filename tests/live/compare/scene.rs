//! The same things happen in both realms before anybody looks: secrets rotate, people sign in, a bot makes clients.

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use estop::{
    providers::transport::Transport as _,
    tabletop::{
        SimulatedKeycloak,
        keycloak::{Attacker, BASE_URL},
    },
};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::lab::{
    attacker::{HELPDESK_REDIRECT, PORTAL_REDIRECT},
    browser::grant,
    keycloak::{BOTS, Realm},
};

/// What alice grants the helpdesk bot.
const GRANTED: &str = "openid audit tickets.read tickets.write";
const STAGING: &str = "bot-engineering-staging";

fn second_client(name: &str) -> Value {
    json!({ "clientId": name, "secret": format!("of-{name}"), "serviceAccountsEnabled": true, "standardFlowEnabled": false })
}

fn initial_access() -> Value {
    json!({ "expiration": 86400, "count": 5 })
}

pub async fn on_server(realm: &Realm) -> Result<()> {
    let mut rotated = realm.regenerate_secret("bot-sales").await?;
    for bot in BOTS {
        let login = match bot {
            "bot-sales" => crate::lab::oidc::Login::secret(bot, &std::mem::take(&mut rotated)),
            _ => realm.login(bot)?,
        };
        let token = realm.oidc.mint(&login, "").await?.text("access_token")?;
        if bot != "bot-helpdesk" {
            realm.oidc.exchange(&realm.login("tool-gateway")?, &token).await?.text("access_token")?;
        }
    }
    let helpdesk = realm.login("bot-helpdesk")?;
    grant(&realm.oidc, &helpdesk, &realm.alice, HELPDESK_REDIRECT, GRANTED).await?;
    let offline = format!("{GRANTED} offline_access");
    let held = grant(&realm.oidc, &helpdesk, &realm.alice, HELPDESK_REDIRECT, &offline).await?;
    realm.oidc.refresh(&helpdesk, &held.refresh).await?.text("access_token")?;
    grant(&realm.oidc, &realm.login("portal-web")?, &realm.bob, PORTAL_REDIRECT, "openid").await?;

    let power = realm.oidc.mint(&realm.login(STAGING)?, "").await?.text("access_token")?;
    let path = |rest: &str| format!("/{}{rest}", realm.name);
    let made =
        realm.admin.call_as(&power, Method::POST, &path("/clients"), Some(&second_client("night-shift"))).await?;
    anyhow::ensure!(made.status == 201, "no second client: {}", made.status);
    let made =
        realm.admin.call_as(&power, Method::POST, &path("/clients-initial-access"), Some(&initial_access())).await?;
    let registered = json!({ "clientId": "report-export", "serviceAccountsEnabled": true });
    realm.oidc.register(&made.text("token")?, &registered).await?.ok()?;
    Ok(())
}

pub async fn on_simulator(keycloak: &SimulatedKeycloak) -> Result<()> {
    let hand = keycloak.as_attacker();
    let administrator = administrator(keycloak).await?;
    let id = keycloak.client_uuid("bot-sales").context("no bot-sales")?;
    let path = format!("/clients/{id}/client-secret");
    anyhow::ensure!(hand.admin("POST", &path, &administrator, &json!({})).0 == 200, "no new secret");
    let gateway = hand.steal_secret("tool-gateway").context("no gateway")?;
    for bot in BOTS {
        let token = mint(&hand, bot)?;
        if bot != "bot-helpdesk" {
            hand.exchange("tool-gateway", &gateway, &token).map_err(refused("exchange"))?;
        }
    }
    hand.sign_in("alice", "bot-helpdesk", GRANTED).map_err(refused("alice's grant"))?;
    let offline = hand.sign_in("alice", "bot-helpdesk", &format!("{GRANTED} offline_access"));
    let held = offline.map_err(refused("alice's offline grant"))?.refresh.context("no offline token")?;
    let secret = hand.steal_secret("bot-helpdesk").context("no secret")?;
    hand.refresh("bot-helpdesk", &secret, &held).map_err(refused("refresh"))?;
    hand.sign_in("bob", "portal-web", "openid").map_err(refused("bob at the portal"))?;

    let power = mint(&hand, STAGING)?;
    let (status, _) = hand.admin("POST", "/clients", &power, &second_client("night-shift"));
    anyhow::ensure!(status == 201, "no second client: {status}");
    let (_, made) = hand.admin("POST", "/clients-initial-access", &power, &initial_access());
    let token = made["token"].as_str().context("no initial access token")?;
    hand.register(token, "report-export").map_err(refused("registration"))?;
    Ok(())
}

fn mint(hand: &Attacker<'_>, bot: &str) -> Result<String> {
    let tokens = match hand.steal_key(bot) {
        Some(key) => hand.mint_with_key(bot, &key),
        None => hand.mint(bot, &hand.steal_secret(bot).context("no secret")?),
    };
    Ok(tokens.map_err(refused(bot))?.access)
}

fn refused(what: &str) -> impl Fn(u16) -> anyhow::Error {
    move |status| anyhow!("{what}: {status}")
}

async fn administrator(keycloak: &SimulatedKeycloak) -> Result<String> {
    let (client_id, secret) = keycloak.operator().context("no operator")?;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", secret.expose_secret())];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = http::Request::post(format!("{BASE_URL}/realms/master/protocol/openid-connect/token"))
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))?;
    let answer: Value = serde_json::from_slice(keycloak.send(request).await?.body())?;
    Ok(answer["access_token"].as_str().context("no token")?.to_owned())
}

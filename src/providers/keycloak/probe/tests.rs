//! Exactly what is sent with a leaked secret, and what follows from the answers.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        Family, Fingerprint, HoldingState, Identity, IdentityId, IdentityKind, IdentityState, Lane, ProbeKind,
        ProviderName, Reading,
    },
    engine::Provider as _,
    providers::keycloak::{
        credentials::{class, holding},
        record::hint,
        testing::{Realm, keycloak},
    },
};

const BOT: &str = "11111111-aaaa-4bbb-8ccc-222222222222";

fn secret(text: &str) -> LeakedSecret {
    LeakedSecret::new(SecretString::from(text.to_owned()))
}

fn identity(native: &str, name: &str, account: &str) -> Identity {
    Identity {
        hints: [(hint::SERVICE_ACCOUNT.to_owned(), account.to_owned())].into(),
        ..Identity::new(
            IdentityId::new(ProviderName::new("sso"), native),
            name,
            IdentityKind::ServiceAccount,
            IdentityState::Live,
        )
    }
}

fn token(claims: &Value) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn owner() -> Owner {
    let bot = identity(BOT, "bot", "sa");
    let how = String::new();
    Owner { bot: None, identity: bot.id, name: bot.name, holding: None, how, probe: ProbeKind::ReadOnly }
}

async fn used(realm: &Arc<Realm>, text: &str) -> Probed {
    keycloak(realm.clone()).probe(&secret(text), &owner(), false).await
}

#[tokio::test(start_paused = true)]
async fn a_client_secret_is_used_by_asking_about_nothing() {
    for (status, body, alive) in [
        (200, json!({"active": false}), Some(true)),
        (401, json!({"error": "invalid_client", "error_description": "Client authentication failed."}), Some(false)),
        (401, json!({"error": "a proxy's own"}), None),
        (401, Value::Null, None),
        (400, json!({"error": "invalid_client", "error_description": "client_assertion_type is missing"}), None),
        (200, json!({"hello": 1}), None),
        (302, Value::Null, None),
        (503, Value::Null, None),
    ] {
        let answer = body.clone();
        let realm = Realm::new(&[], move |_| Ok((status, answer.clone())));
        let probed = used(&realm, "S3CR+T&").await;
        assert_eq!((probed.alive, probed.at.as_str()), (alive, "sso"), "{status} {body}: {}", probed.said);
        assert!(!probed.said.contains("S3CR"), "{}", probed.said);
        let seen = realm.seen();
        assert_eq!(realm.lines(), ["POST /realms/bots/protocol/openid-connect/token/introspect"]);
        assert_eq!(seen[0].bearer, None);
        assert_eq!(seen[0].body, format!("client_id=bot&client_secret=S3CR%2BT%26&token={NO_TOKEN}"));
        assert_eq!(realm.tokens(), 0, "nothing was minted, for us or for the thief");
    }
}

#[tokio::test(start_paused = true)]
async fn an_access_token_is_shown_to_userinfo_and_then_to_the_admin_interface() {
    let forbidden = || json!({"error": "HTTP 403 Forbidden"});
    let unauthorized = || json!({"error": "HTTP 401 Unauthorized"});
    for (userinfo, admin, alive) in [
        (200, None, Some(true)),
        (403, Some((403, forbidden())), Some(true)),
        (403, Some((401, unauthorized())), Some(false)),
        (401, Some((401, unauthorized())), Some(false)),
        (401, Some((200, json!({}))), Some(true)),
        (401, Some((403, Value::Null)), None),
        (401, Some((500, Value::Null)), None),
        (500, None, None),
    ] {
        let answer = admin.clone();
        let realm = Realm::new(&[], move |seen| {
            let of_admin = answer.clone().unwrap_or((500, Value::Null));
            Ok(if seen.line.ends_with("/userinfo") { (userinfo, Value::Null) } else { of_admin })
        });
        let text = token(&json!({"typ": "Bearer"}));
        let probed = used(&realm, &text).await;
        assert_eq!(probed.alive, alive, "{userinfo} {admin:?}: {}", probed.said);
        let lines = realm.lines();
        assert_eq!(lines[0], "GET /realms/bots/protocol/openid-connect/userinfo");
        assert_eq!(lines.get(1).map(String::as_str), admin.is_some().then_some("GET "));
        assert!(realm.seen().iter().all(|seen| seen.bearer == Some(format!("Bearer {text}"))), "never with our own");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_asked_about_as_its_own_client() {
    let live = || json!({"id": BOT, "clientId": "bot", "enabled": true, "secret": "0F-THE-CLIENT"});
    let disabled = || json!({"id": BOT, "clientId": "bot", "enabled": false, "secret": "0F-THE-CLIENT"});
    let keyed = || json!({"id": BOT, "clientId": "bot", "enabled": true, "clientAuthenticatorType": "client-jwt"});
    let refusal = || json!({"error": "invalid_client"});
    for (client, answer, alive) in [
        (live(), (200, json!({"active": true})), Some(true)),
        (live(), (200, json!({"active": false})), Some(false)),
        (live(), (401, refusal()), None),
        (disabled(), (401, refusal()), Some(false)),
        (live(), (403, json!({"error": "invalid_request"})), None),
        (keyed(), (500, Value::Null), None),
    ] {
        let (of_client, of_token) = (client.clone(), answer.clone());
        let realm = Realm::new(&["view-clients"], move |seen| {
            Ok(if seen.line.starts_with("GET /clients/") { (200, of_client.clone()) } else { of_token.clone() })
        });
        let text = token(&json!({"typ": "Offline"}));
        let probed = used(&realm, &text).await;
        assert_eq!(probed.alive, alive, "{client} {answer:?}: {}", probed.said);
        let seen = realm.seen();
        assert_eq!(seen[0].line, format!("GET /clients/{BOT}"));
        assert!(!seen[0].bearer.as_deref().unwrap_or_default().contains(&text));
        if let Some(asked) = seen.get(1) {
            assert_eq!(
                asked.body,
                format!("client_id=bot&client_secret=0F-THE-CLIENT&token={text}&token_type_hint=refresh_token")
            );
        }
    }
}

#[test]
fn owners_are_found_without_a_request() {
    let realm = Realm::new(&[], |seen| panic!("{} was sent", seen.line));
    let keycloak = keycloak(realm.clone());
    let (bot, gateway) = (identity(BOT, "bot", "sa"), identity("gateway-id", "gateway", "other"));
    let mut reading = Reading::of(bot.clone(), jiff::Timestamp::UNIX_EPOCH);
    let place = (Lane::Tokens, Family::Secret);
    let mut rotated = holding(&bot.id, (class::ROTATED, "sha256:aa"), place, "rotated", HoldingState::Live);
    rotated.fingerprint = Some(Fingerprint::of(b"OLD"));
    let session =
        holding(&bot.id, (class::OFFLINE, "alice/S1"), (Lane::Tokens, Family::Token), "s", HoldingState::Live);
    let initial = holding(&bot.id, (class::INITIAL, "j1"), (Lane::Tokens, Family::Token), "i", HoldingState::Live);
    reading.holdings = vec![rotated, session, initial];
    let mut listed = gateway.clone();
    listed.hints.insert(hint::FINGERPRINTS.to_owned(), Fingerprint::of(b"OF-GATEWAY").to_string());
    let issuer = "https://sso.example/realms/bots";
    let of = |text: &str| -> Vec<(String, Option<String>, ProbeKind)> {
        let owners = keycloak.owners(&secret(text), &[], &[&bot, &listed], &[&reading]);
        let row =
            |owner: Owner| (owner.name.raw().to_owned(), owner.holding.map(|id| id.class().to_owned()), owner.probe);
        owners.into_iter().map(row).collect()
    };
    let one = |name: &str, class: Option<&str>, probe| vec![(name.to_owned(), class.map(str::to_owned), probe)];
    let read = ProbeKind::ReadOnly;
    assert_eq!(of("OLD"), one("bot", Some(class::ROTATED), read));
    assert_eq!(of("OF-GATEWAY"), one("gateway", None, read));
    assert_eq!(of("UNKNOWN"), []);
    let claims = |more: Value| {
        let mut claims = json!({"iss": issuer, "typ": "Bearer"});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        token(&claims)
    };
    assert_eq!(of(&claims(json!({"azp": "bot", "sub": "sa"}))), one("bot", None, read));
    let offline = claims(json!({"azp": "bot", "typ": "Offline", "sid": "S1", "sub": "alice"}));
    assert_eq!(of(&offline), one("bot", Some(class::OFFLINE), read));
    assert_eq!(of(&claims(json!({"azp": "nobody", "sub": "sa"}))), one("bot", None, read));
    let exchanged = of(&claims(json!({"azp": "gateway", "sub": "sa"})));
    assert_eq!(exchanged.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["bot", "gateway"]);
    let minting = claims(json!({"typ": "InitialAccessToken", "jti": "j1"}));
    assert_eq!(of(&minting), one("bot", Some(class::INITIAL), ProbeKind::None));
    assert_eq!(of(&claims(json!({"azp": "bot", "typ": "ID"}))), one("bot", None, ProbeKind::None));
    for foreign in ["https://sso.example/realms/other", "https://evil.example/realms/bots", "https://sso.example"] {
        assert_eq!(of(&token(&json!({"iss": foreign, "typ": "Bearer", "azp": "bot"}))), [], "{foreign}");
    }
    assert!(realm.lines().is_empty());
}

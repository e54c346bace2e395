//! Uses a leaked secret once, by a request that mints nothing.
//!
//! ```text
//! client secret, key    introspection of a text that is no token, as that client      200 let in, 401 not
//! refresh, offline      introspection as its own client, which alone is told           active, or not
//! access token          userinfo; where it does not tell: the realm's admin interface  200/403 known, 401 not
//! ```
//!
//! Measured on 26.7.3. Introspection authenticates the client and makes nothing. It calls a refresh token active only
//! where its own client asks with the hint `refresh_token`; estop reads that client's secret for the moment. Userinfo
//! says 403 to a token without the scope `openid`, dead or alive; the admin interface then tells: it says 403 to a token
//! that it knows and 401 to one that is dead. Whatever else comes back proves nothing.

use http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{
    Keycloak,
    key::PrivateKey,
    leak::{Leak, TokenKind},
    record::Record,
    wire::{ClientWire, SecretText},
};
use crate::{
    domain::{LeakedSecret, Owner, Probed, Untrusted},
    providers::http::{Call, Grounds, Reply},
};

/// What stands in the place of a token where only the client's login is asked about.
const NO_TOKEN: &str = "estop-is-asking-whether-this-client-is-let-in";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the answers of these endpoints say, as far as it counts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    active: Option<bool>,
    error: Option<Untrusted>,
    error_description: Option<Untrusted>,
}

/// Alive or not, and what was said.
type Verdict = (Option<bool>, String);

pub(super) async fn probe(keycloak: &Keycloak, secret: &LeakedSecret, owner: &Owner) -> Probed {
    let text = secret.expose().trim();
    let (alive, said) = match Leak::of(text) {
        Leak::Secret => as_client(keycloak, owner, text).await,
        Leak::Key(key) => with_key(keycloak, owner, &key).await,
        Leak::Token(claims) => match claims.kind() {
            TokenKind::Access => access(keycloak, text).await,
            TokenKind::Refresh => refresh(keycloak, owner, text).await,
            TokenKind::InitialAccess | TokenKind::Other => {
                untold("a token of this kind cannot be used to ask anything")
            }
        },
    };
    Probed { at: keycloak.settings.name.clone(), alive, said }
}

fn untold(why: impl Into<String>) -> Verdict {
    (None, why.into())
}

async fn as_client(keycloak: &Keycloak, owner: &Owner, secret: &str) -> Verdict {
    let form = [("client_id", owner.name.raw()), ("client_secret", secret), ("token", NO_TOKEN)];
    match introspect(keycloak, &form).await {
        Err(why) => untold(why),
        Ok((StatusCode::OK, Said { active: Some(_), .. })) => {
            (Some(true), "introspection: the client is let in".into())
        }
        Ok((StatusCode::UNAUTHORIZED, said)) if is_client_refusal(&said) => {
            (Some(false), format!("introspection: 401 {}", shown(&said)))
        }
        Ok((status, said)) => untold(format!("introspection: {} {}", status.as_u16(), shown(&said))),
    }
}

/// The key signs an assertion; it is not sent itself.
async fn with_key(keycloak: &Keycloak, owner: &Owner, key: &PrivateKey) -> Verdict {
    let record = match client(keycloak, owner).await {
        Ok((record, _)) => record,
        Err(why) => return untold(why),
    };
    let trusted = record.keys.iter().find(|one| one.fingerprint == *key.fingerprint());
    let kid = trusted.map(|one| one.label.raw()).filter(|label| *label != super::record::WITHOUT_KID);
    let now = keycloak.server_clock().latest_second(keycloak.clock.steady());
    let Some(assertion) = key.assertion(owner.name.raw(), &keycloak.issuer(), kid, now) else {
        return untold("the key signs nothing");
    };
    let form = [
        ("client_id", owner.name.raw()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
        ("token", NO_TOKEN),
    ];
    match introspect(keycloak, &form).await {
        Err(why) => untold(why),
        Ok((StatusCode::OK, Said { active: Some(_), .. })) => (Some(true), "introspection: the key is let in".into()),
        Ok((StatusCode::UNAUTHORIZED, said)) if is_client_refusal(&said) => {
            (Some(false), format!("introspection: 401 {}", shown(&said)))
        }
        // A signature that the realm cannot check counts where the realm was told which key, or has none.
        Ok((StatusCode::BAD_REQUEST, said))
            if is_client_refusal(&said) && is_key_refusal(&said) && (kid.is_some() || record.keys.is_empty()) =>
        {
            (Some(false), format!("introspection: 400 {}", shown(&said)))
        }
        Ok((status, said)) => untold(format!("introspection: {} {}", status.as_u16(), shown(&said))),
    }
}

async fn refresh(keycloak: &Keycloak, owner: &Owner, token: &str) -> Verdict {
    let (record, secret) = match client(keycloak, owner).await {
        Ok(found) => found,
        Err(why) => return untold(why),
    };
    let Some(secret) = secret.filter(|_| matches!(record.authenticator.as_str(), "client-secret" | "")) else {
        return untold("only its client may ask about it, and that client has no secret that estop could ask with");
    };
    let form = [
        ("client_id", record.client_id.as_str()),
        ("client_secret", secret.expose()),
        ("token", token),
        ("token_type_hint", "refresh_token"),
    ];
    match introspect(keycloak, &form).await {
        Err(why) => untold(why),
        Ok((StatusCode::OK, Said { active: Some(true), .. })) => (Some(true), "introspection: active".into()),
        Ok((StatusCode::OK, Said { active: Some(false), .. })) => (Some(false), "introspection: not active".into()),
        // Only its own client can present it.
        Ok((StatusCode::UNAUTHORIZED, said)) if is_client_refusal(&said) && !record.enabled => {
            (Some(false), format!("introspection: its client is disabled and not let in: 401 {}", shown(&said)))
        }
        Ok((status, said)) => untold(format!("introspection: {} {}", status.as_u16(), shown(&said))),
    }
}

async fn access(keycloak: &Keycloak, token: &str) -> Verdict {
    let bearer = SecretString::from(token.to_owned());
    let realm = keycloak.settings.realm.as_str();
    let userinfo = Call::get(["realms", realm, "protocol", "openid-connect", "userinfo"]);
    let status = match keycloak.client.send(userinfo, Some(&bearer)).await {
        Ok(reply) => reply.status,
        Err(error) => return untold(format!("userinfo: {error}")),
    };
    match status {
        StatusCode::OK => return (Some(true), "userinfo: 200".into()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {}
        other => return untold(format!("userinfo: {}", other.as_u16())),
    }
    let reply = match keycloak.client.send(Call::get(keycloak.path(&[])), Some(&bearer)).await {
        Ok(reply) => reply,
        Err(error) => return untold(format!("userinfo: {}; admin interface: {error}", status.as_u16())),
    };
    let said = format!("userinfo: {}; admin interface: {}", status.as_u16(), reply.status.as_u16());
    match reply.status {
        StatusCode::OK => (Some(true), said),
        // A proxy's 403 has another body.
        StatusCode::FORBIDDEN if words(&reply).error.is_some() => (Some(true), said),
        StatusCode::UNAUTHORIZED if words(&reply).error.is_some() => (Some(false), said),
        _ => untold(said),
    }
}

/// The client as it is now, and its secret for the one question.
async fn client(keycloak: &Keycloak, owner: &Owner) -> Result<(Record, Option<SecretText>), String> {
    let call = || Call::get(keycloak.path(&["clients", owner.identity.native()]));
    let grounds = Grounds { what: "reading a client before its secret is used", permission: "view-clients" };
    let wire = keycloak.get::<ClientWire>(call, grounds).await.map_err(|error| error.to_string())?;
    let secret = wire.secret.clone().filter(|secret| !secret.expose().is_empty());
    Ok((Record::of(wire), secret))
}

async fn introspect(keycloak: &Keycloak, form: &[(&str, &str)]) -> Result<(StatusCode, Said), String> {
    let realm = keycloak.settings.realm.as_str();
    let call = Call::new(Method::POST, ["realms", realm, "protocol", "openid-connect", "token", "introspect"]);
    let body = Zeroizing::new(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
    let reply = keycloak.client.send(call.form(body.to_string()), None).await;
    let reply = reply.map_err(|error| format!("introspection: {error}"))?;
    Ok((reply.status, words(&reply)))
}

fn words(reply: &Reply) -> Said {
    serde_json::from_slice(reply.body()).unwrap_or_default()
}

fn is_client_refusal(said: &Said) -> bool {
    let error = said.error.as_ref().map(Untrusted::raw);
    matches!(error, Some("invalid_client" | "unauthorized_client"))
}

fn is_key_refusal(said: &Said) -> bool {
    let words = said.error_description.as_ref().map(Untrusted::raw).unwrap_or_default();
    ["Signature on JWT token failed validation", "Unable to load public key", "Error when loading public keys"]
        .iter()
        .any(|known| words.contains(known))
}

fn shown(said: &Said) -> String {
    said.error.as_ref().map(|error| error.shown_in(60)).unwrap_or_default()
}

#[cfg(test)]
mod tests;

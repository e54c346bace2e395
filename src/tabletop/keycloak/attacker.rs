//! The thief's hand, and the innocent's: uses credentials as anybody on the network could, past the console's eyes.
//!
//! Its requests take no time, meet no [`Fault`](super::Fault) and are not in the request log; the realm's own events
//! show them, as a real one would.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{BASE_URL, SimulatedKeycloak, answer::Answer, call::Call, client_auth::keys_of};

/// Tokens of one grant.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token, or the offline one; client credentials and exchanges give none.
    pub refresh: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(***)")
    }
}

/// A private key that was copied.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    thumbprint: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Somebody who uses credentials. An `Err` is the status of the refusal.
#[derive(Debug)]
pub struct Attacker<'a> {
    at: &'a SimulatedKeycloak,
    from: String,
}

impl SimulatedKeycloak {
    /// A thief, from an address of its own.
    pub fn as_attacker(&self) -> Attacker<'_> {
        Attacker { at: self, from: "203.0.113.66".to_owned() }
    }
}

impl Attacker<'_> {
    /// Copies a client's secret.
    pub fn steal_secret(&self, client_id: &str) -> Option<String> {
        self.at.lock().world.client_named(client_id)?.secret.clone()
    }

    /// Copies the secret before, where there is one.
    pub fn steal_rotated_secret(&self, client_id: &str) -> Option<String> {
        let now = self.at.clock.now().as_second();
        self.at.lock().world.client_named(client_id)?.rotated_secret(now).map(str::to_owned)
    }

    /// Copies the key that a client signs with.
    pub fn steal_key(&self, client_id: &str) -> Option<Key> {
        let keys = keys_of(self.at.lock().world.client_named(client_id)?);
        keys.into_iter().next().map(|(kid, thumbprint)| Key { kid, thumbprint })
    }

    /// Lets a user sign in to a client and grant the scopes; the tokens are what the client then holds.
    ///
    /// # Errors
    /// The status: 403 where the user or client is shut.
    pub fn sign_in(&self, user: &str, client_id: &str, scopes: &str) -> Result<Tokens, u16> {
        let code = self.code(user, client_id, scopes).ok_or(403_u16)?;
        let secret = self.steal_secret(client_id).unwrap_or_default();
        self.redeem(client_id, &secret, &code)
    }

    /// Only the first half of it: the code in flight.
    pub fn code(&self, user: &str, client_id: &str, scopes: &str) -> Option<String> {
        let call = self.call("GET", "/realms", None, Bytes::new());
        let now = self.at.clock.now();
        let world = &mut self.at.lock().world;
        world.now = now;
        world.sign_in(&call, user, client_id, scopes)
    }

    /// The second half.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn redeem(&self, client_id: &str, secret: &str, code: &str) -> Result<Tokens, u16> {
        let fields = [("grant_type", "authorization_code"), ("code", code)];
        self.token(&with_secret(client_id, secret, &fields))
    }

    /// Client credentials by secret.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn mint(&self, client_id: &str, secret: &str) -> Result<Tokens, u16> {
        let fields = [("grant_type", "client_credentials"), ("scope", "openid")];
        self.token(&with_secret(client_id, secret, &fields))
    }

    /// Client credentials by key.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn mint_with_key(&self, client_id: &str, key: &Key) -> Result<Tokens, u16> {
        let now = self.at.clock.now().as_second();
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.kid, "jkt": key.thumbprint });
        let claims = json!({ "iss": client_id, "sub": client_id, "aud": BASE_URL, "jti": now, "exp": now + 60 });
        let assertion = format!("{}.{}.", part(&header), part(&claims));
        self.token(&[
            ("grant_type", "client_credentials"),
            ("scope", "openid"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ])
    }

    /// A refresh or offline token, with the client's secret.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn refresh(&self, client_id: &str, secret: &str, refresh: &str) -> Result<Tokens, u16> {
        self.token(&with_secret(client_id, secret, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]))
    }

    /// Another client exchanges an access token for one of its own.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn exchange(&self, gateway: &str, secret: &str, access: &str) -> Result<Tokens, u16> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", access),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "openid"),
        ];
        self.token(&with_secret(gateway, secret, &fields))
    }

    /// The status of userinfo: 200 is a live token (with the scope openid), 401 a dead one.
    pub fn userinfo(&self, access: &str) -> u16 {
        self.request("GET", &self.path("/protocol/openid-connect/userinfo"), Some(access), Bytes::new()).status
    }

    /// Whether introspection by that client calls it active. `false` proves nothing by itself.
    pub fn introspects(&self, client_id: &str, secret: &str, token: &str) -> bool {
        let body = form(&with_secret(client_id, secret, &[("token", token)]));
        let answer = self.request("POST", &self.path("/protocol/openid-connect/token/introspect"), None, body);
        answer.value()["active"] == json!(true)
    }

    /// RFC 7009, with the client's own secret; the status.
    pub fn revoke(&self, client_id: &str, secret: &str, token: &str) -> u16 {
        let body = form(&with_secret(client_id, secret, &[("token", token)]));
        self.request("POST", &self.path("/protocol/openid-connect/revoke"), None, body).status
    }

    /// The admin API of the realm: status and answer. The path begins behind the realm: `/clients`.
    pub fn admin(&self, method: &str, path: &str, access: &str, body: &Value) -> (u16, Value) {
        let path = format!("/admin/realms/{}{path}", self.at.realm());
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let answer = self.request(method, &path, Some(access), body);
        (answer.status, answer.value())
    }

    /// A client registers another with an initial access token; gives its registration token.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn register(&self, initial_access: &str, client_id: &str) -> Result<String, u16> {
        let body = json!({ "clientId": client_id, "serviceAccountsEnabled": true });
        let path = self.path("/clients-registrations/default");
        let answer = self.request("POST", &path, Some(initial_access), Bytes::from(body.to_string()));
        text(&answer, "registrationAccessToken")
    }

    /// Uses a registration token; gives the next one.
    ///
    /// # Errors
    /// The status of the refusal.
    pub fn read_registration(&self, client_id: &str, registration: &str) -> Result<String, u16> {
        let path = self.path(&format!("/clients-registrations/default/{client_id}"));
        text(&self.request("GET", &path, Some(registration), Bytes::new()), "registrationAccessToken")
    }

    fn path(&self, rest: &str) -> String {
        format!("/realms/{}{rest}", self.at.realm())
    }

    fn token(&self, fields: &[(&str, &str)]) -> Result<Tokens, u16> {
        let path = self.path("/protocol/openid-connect/token");
        let answer = self.request("POST", &path, None, form(fields));
        let refresh = answer.value()["refresh_token"].as_str().map(str::to_owned);
        text(&answer, "access_token").map(|access| Tokens { access, refresh })
    }

    fn request(&self, method: &str, path: &str, bearer: Option<&str>, body: Bytes) -> Answer {
        self.at.apply(&self.call(method, path, bearer, body))
    }

    fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: Bytes) -> Call {
        let mut builder = http::Request::builder().method(method).uri(format!("{BASE_URL}{path}"));
        if let Some(bearer) = bearer {
            builder = builder.header(http::header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        Call::of(&builder.body(body).unwrap_or_default(), &self.from)
    }
}

fn with_secret<'a>(client_id: &'a str, secret: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("client_id", client_id), ("client_secret", secret)].into_iter().chain(fields.iter().copied()).collect()
}

fn form(fields: &[(&str, &str)]) -> Bytes {
    Bytes::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}

fn text(answer: &Answer, key: &str) -> Result<String, u16> {
    answer.value()[key].as_str().map(str::to_owned).ok_or(answer.status)
}

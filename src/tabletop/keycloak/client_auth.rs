//! Who asks at the token endpoint: a secret, or an assertion made with a key (RFC 7523).
//!
//! A key is compared, not computed: the assertion's header names the key's thumbprint, and who can name it holds it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    answer::Answer,
    call::{Call, Form},
    events::Event,
    world::{Client, World},
};

/// A client that proved who it is.
pub(super) struct Authenticated {
    /// Its internal id.
    pub(super) client: String,
    details: Vec<(&'static str, String)>,
}

impl Authenticated {
    /// An event of it, with how it proved itself.
    pub(super) fn event(&self, call: &Call, kind: &str, client_id: &str) -> Event {
        let event = Event::of(kind, call).client(client_id);
        self.details.iter().fold(event, |event, (key, value)| event.detail(key, value))
    }
}

pub(super) fn invalid_client() -> Answer {
    Answer::oauth(401, "invalid_client", "Invalid client or Invalid client credentials")
}

pub(super) fn wrong_secret() -> Answer {
    Answer::oauth(401, "unauthorized_client", "Invalid client or Invalid client credentials")
}

/// The id and secret, from either place.
pub(super) fn presented<'a>(call: &'a Call, form: &'a Form) -> (&'a str, Option<&'a str>) {
    match &call.basic {
        Some((id, secret)) => (id, Some(secret)),
        None => (form.get("client_id").unwrap_or_default(), form.get("client_secret")),
    }
}

/// What an assertion claims.
struct Assertion {
    kid: Option<String>,
    thumbprint: Option<String>,
    issuer: String,
    id: String,
    expires: i64,
}

impl World {
    /// The client behind a request to an endpoint for clients; a refusal is also an event of the kind named.
    pub(super) fn authenticate(&mut self, call: &Call, form: &Form, kind: &str) -> Result<Authenticated, Answer> {
        let assertion = form.get("client_assertion").and_then(read);
        let (id, secret) = presented(call, form);
        let id = assertion.as_ref().map_or(id, |assertion| &assertion.issuer).to_owned();
        let failed = Event::of(kind, call).client(&id);
        let failed = failed.detail("grant_type", form.get("grant_type").unwrap_or_default());
        let Some(client) = self.client_named(&id).cloned() else {
            self.record(failed.error("client_not_found"));
            return Err(invalid_client());
        };
        if !client.enabled {
            self.record(failed.error("client_disabled"));
            return Err(invalid_client());
        }
        let proof = if client.public {
            Ok(vec![("client_auth_method", "client-secret".to_owned())])
        } else if client.authenticator == "client-jwt" {
            self.proves_key(&client, assertion.as_ref())
        } else if client.accepts(secret.unwrap_or_default(), self.seconds()) {
            Ok(vec![("client_auth_method", "client-secret".to_owned())])
        } else {
            Err(wrong_secret())
        };
        match proof {
            Ok(details) => Ok(Authenticated { client: client.id, details }),
            Err(answer) => {
                self.record(failed.error("invalid_client_credentials"));
                Err(answer)
            }
        }
    }

    fn proves_key(
        &self,
        client: &Client,
        assertion: Option<&Assertion>,
    ) -> Result<Vec<(&'static str, String)>, Answer> {
        let keys = keys_of(client);
        if keys.is_empty() {
            return Err(Answer::oauth(400, "invalid_client", "Unable to load public key"));
        }
        let Some(assertion) = assertion.filter(|assertion| assertion.expires > self.seconds()) else {
            return Err(Answer::oauth(400, "invalid_client", "Parameter client_assertion is missing or expired"));
        };
        let known = keys
            .iter()
            .any(|(kid, thumbprint)| *kid == assertion.kid && Some(thumbprint) == assertion.thumbprint.as_ref());
        if !known {
            return Err(Answer::oauth(400, "invalid_client", "Signature on JWT token failed validation"));
        }
        Ok(vec![
            ("client_auth_method", "client-jwt".to_owned()),
            ("client_assertion_id", assertion.id.clone()),
            ("client_assertion_issuer", assertion.issuer.clone()),
            ("client_assertion_sub", assertion.issuer.clone()),
            ("client_jwt_kid", assertion.kid.clone().unwrap_or_default()),
        ])
    }
}

/// The keys that a client is trusted by: key id and thumbprint.
pub(super) fn keys_of(client: &Client) -> Vec<(Option<String>, String)> {
    let Some(text) = client.attribute("jwks.string") else { return Vec::new() };
    let set: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    keys.iter()
        .filter_map(|key| {
            let modulus = key["n"].as_str()?;
            let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(modulus));
            Some((key["kid"].as_str().map(str::to_owned), thumbprint))
        })
        .collect()
}

fn read(text: &str) -> Option<Assertion> {
    let mut parts = text.split('.');
    let mut part =
        || -> Option<Value> { serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok() };
    let (header, claims) = (part()?, part()?);
    Some(Assertion {
        kid: header["kid"].as_str().map(str::to_owned),
        thumbprint: header["jkt"].as_str().map(str::to_owned),
        issuer: claims["iss"].as_str()?.to_owned(),
        id: claims["jti"].as_str().unwrap_or_default().to_owned(),
        expires: claims["exp"].as_i64().unwrap_or(0),
    })
}

//! A realm in memory for tests: it answers by table and keeps what it was asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Keycloak, Settings};
use crate::{
    domain::ProviderName,
    engine::ManualClock,
    providers::transport::{Transport, TransportError},
};

/// `2026-11-24T12:00:00Z` in seconds.
pub(super) const NOON: i64 = 1_795_521_600;

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) key: Option<String>,
    pub(super) bearer: Option<String>,
    pub(super) body: String,
}

type Answers = Box<dyn Fn(&Seen) -> Result<(u16, Value), TransportError> + Send + Sync>;

/// Answers by a function of the request.
pub(super) struct Realm {
    answers: Answers,
    seen: Mutex<Vec<Seen>>,
    roles: Vec<&'static str>,
    /// The `iat` of its tokens, where they have one.
    stamp: Option<i64>,
}

impl Realm {
    pub(super) fn new(
        roles: &[&'static str],
        answers: impl Fn(&Seen) -> Result<(u16, Value), TransportError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), seen: Mutex::default(), roles: roles.to_vec(), stamp: None })
    }

    /// One whose clock shows this second, and which does as it is told.
    pub(super) fn stamping(second: i64, roles: &[&'static str]) -> Arc<Self> {
        let answers = Box::new(|_: &Seen| Ok((204, Value::Null)));
        Arc::new(Self { answers, seen: Mutex::default(), roles: roles.to_vec(), stamp: Some(second) })
    }

    /// Everything that was asked but tokens.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().expect("no test panics with it");
        seen.iter().filter(|seen| !seen.line.ends_with("/token")).cloned().collect()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// How often a token was fetched.
    pub(super) fn tokens(&self) -> usize {
        let seen = self.seen.lock().expect("no test panics with it");
        seen.iter().filter(|seen| seen.line.ends_with("/token")).count()
    }

    fn token(&self) -> Value {
        let claims = json!({ "iat": self.stamp, "resource_access": { "bots-realm": { "roles": self.roles } } });
        let serial = self.tokens();
        let token = format!("e30.{}.t{serial}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        json!({ "access_token": token, "expires_in": 60, "token_type": "Bearer" })
    }
}

#[async_trait]
impl Transport for Realm {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let seen = Seen {
            line: format!("{} {}", request.method(), path.replace("/admin/realms/bots", "")),
            key: header("idempotency-key"),
            bearer: header("authorization"),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        };
        self.seen.lock().expect("no test panics with it").push(seen.clone());
        let (status, body) = if seen.line.ends_with("/token") { (200, self.token()) } else { (self.answers)(&seen)? };
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        Ok(Response::builder().status(status).body(body).expect("a response"))
    }
}

/// The provider `sso` over such a realm, at noon.
pub(super) fn keycloak(realm: Arc<Realm>) -> Keycloak {
    let settings = Settings {
        name: ProviderName::new("sso"),
        base_url: "https://sso.example".parse().expect("a URL"),
        realm: "bots".to_owned(),
        auth_realm: "master".to_owned(),
        client_id: "estop".to_owned(),
        client_secret: Arc::new(|| Ok(SecretString::from("0wn-S3CRET".to_owned()))),
    };
    let noon = jiff::Timestamp::from_second(NOON).expect("a time");
    Keycloak::new(settings, realm, Arc::new(ManualClock::at(noon)))
}

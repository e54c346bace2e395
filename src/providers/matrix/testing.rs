//! A homeserver in memory for tests: it answers by a function and keeps what it was asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Matrix, Settings,
    facts::{class, fact},
};
use crate::{
    domain::{
        Fact, Family, Holding, HoldingId, HoldingState, Identity, IdentityId, IdentityKind, IdentityState, Lane,
        ProviderName, Reading,
    },
    engine::ManualClock,
    providers::transport::{Transport, TransportError},
};

type Answers = Box<dyn Fn(&str) -> (u16, Value) + Send + Sync>;

pub(super) struct Homeserver {
    answers: Answers,
    seen: Mutex<Vec<(String, String)>>,
}

impl Homeserver {
    pub(super) fn new(answers: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), seen: Mutex::default() })
    }

    /// Each request's line, and its body.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Homeserver {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path_and_query().unwrap().as_str();
        let line = format!("{} {}", request.method(), path.replace("/_synapse/admin", ""));
        self.seen.lock().unwrap().push((line.clone(), String::from_utf8_lossy(request.body()).into_owned()));
        let (status, body) = (self.answers)(&line);
        Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
    }
}

pub(super) fn matrix(server: Arc<Homeserver>) -> Matrix {
    let settings = Settings {
        name: ProviderName::new("chat"),
        homeserver: "https://chat.example".parse().unwrap(),
        access_token: Arc::new(|| Ok(SecretString::from("0wn-S3CRET".to_owned()))),
    };
    let noon = "2026-11-24T12:00:00Z".parse().unwrap();
    Matrix::new(settings, server, Arc::new(ManualClock::at(noon)), None)
}

pub(super) const BOT: &str = "@helpdesk:chat.example";

pub(super) fn bot(state: IdentityState) -> Identity {
    Identity::new(IdentityId::new(ProviderName::new("chat"), BOT), BOT, IdentityKind::ServiceAccount, state)
}

/// An account with two devices, as a strike leaves it or finds it.
pub(super) fn account(locked: bool, deactivated: bool, devices: &[&str]) -> Reading {
    let state = if locked { IdentityState::Gated } else { IdentityState::Live };
    let mut reading = Reading::of(bot(state), "2026-11-24T12:00:00Z".parse().unwrap());
    reading.facts = [(fact::LOCKED, locked), (fact::DEACTIVATED, deactivated)]
        .map(|(name, on)| (name.to_owned(), Fact::Bool(on)))
        .into();
    let id = reading.identity.id.clone();
    let one = |class: &str, native: &str, lane, family, state| {
        Holding::new(HoldingId::new(id.clone(), class, native), lane, family, format!("{class} {native}"), state)
    };
    let behind = if locked { HoldingState::Gated } else { HoldingState::Live };
    reading.holdings = devices
        .iter()
        .map(|device| one(class::DEVICE, device, Lane::Tokens, Family::Token, HoldingState::Live))
        .collect();
    if !deactivated {
        reading.holdings.push(one(class::PASSWORD, "password", Lane::Tokens, Family::Secret, behind));
    }
    let made = if locked { HoldingState::Gated } else { HoldingState::Unlisted };
    reading.holdings.push(one(class::ADMIN_MADE, "any", Lane::Tokens, Family::Secret, made));
    reading
}

/// As the server tells of it.
pub(super) fn user(locked: bool) -> Value {
    json!({
        "name": BOT, "user_type": "bot", "displayname": "Helpdesk", "admin": false, "deactivated": false,
        "locked": locked, "suspended": false, "last_seen_ts": 1_795_521_000_000_i64,
        "external_ids": [{ "auth_provider": "oidc", "external_id": "bot-7" }],
    })
}

//! An administrator of the realm who works over the wire, as the engine does: writes take time and may overlap.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use estop::{
    providers::transport::Transport as _,
    tabletop::{SimulatedKeycloak, keycloak::BASE_URL},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bench::Bench;

pub struct Administrator {
    keycloak: Arc<SimulatedKeycloak>,
    token: String,
}

impl Administrator {
    pub async fn of(bench: &Bench) -> Self {
        let keycloak = bench.exercise.keycloak.clone();
        let (client_id, secret) = keycloak.operator().unwrap();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", secret.expose_secret()),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = http::Request::post(format!("{BASE_URL}/realms/master/protocol/openid-connect/token"))
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        let answer: Value = serde_json::from_slice(keycloak.send(request).await.unwrap().body()).unwrap();
        Self { keycloak, token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    /// Status and answer; the path begins behind the realm.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let uri = format!("{BASE_URL}/admin/realms/{}{path}", self.keycloak.realm());
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header(http::header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap();
        let answer = self.keycloak.send(request).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// Saves a client again and again, beginning a little later, for the length of a strike.
    pub fn keep_saving(self, bench: &Bench, client: &str, later: Duration) -> JoinHandle<()> {
        let path = format!("/clients/{}", bench.exercise.keycloak.client_uuid(client).unwrap());
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            for number in 0..8 {
                let saved = json!({ "description": format!("saved {number}"), "attributes": {} });
                self.send("PUT", &path, &saved).await;
            }
        })
    }
}

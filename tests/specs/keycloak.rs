//! Keycloak's Admin REST API, and the endpoints of OpenID Connect, which no description has.

use std::sync::Arc;

use estop::{
    domain::ProviderName,
    providers::keycloak::{Keycloak, Settings},
    tabletop::{Exercise, Fleet, keycloak::BASE_URL},
};

use super::{description::description, drive, recorder::Recorder};

#[tokio::test(start_paused = true)]
async fn every_request_is_described() {
    let Some(description) = description("keycloak.openapi.json") else { return };
    let description =
        description.except("POST", "/realms/{realm}/protocol/openid-connect/token", "OpenID Connect Core 1.0 §3.1.3");
    let clock = drive::clock();
    for client in ["bot-helpdesk", "bot-knowledge", "bot-sales", "bot-engineering-prod", "bot-compliance"] {
        let exercise = Exercise::of(&Fleet::embedded(), clock.clone()).unwrap();
        let recorder = Recorder::before(exercise.keycloak.clone());
        let (client_id, secret) = exercise.keycloak.operator().unwrap();
        let settings = Settings {
            name: ProviderName::new("sso"),
            base_url: BASE_URL.parse().unwrap(),
            realm: exercise.keycloak.realm(),
            auth_realm: "master".to_owned(),
            client_id,
            client_secret: Arc::new(move || Ok(secret.clone())),
        };
        let provider = Arc::new(Keycloak::new(settings, recorder.clone(), clock.clone()));
        drive::whole_life(provider, clock.clone(), &[&format!("sso:{client}")]).await;
        description.check(&recorder.sent());
    }
}

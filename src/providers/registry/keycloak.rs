//! A realm of a Keycloak.

use std::sync::Arc;

use super::Wiring;
use crate::{
    config::KeycloakSettings,
    engine::Provider,
    providers::keycloak::{Keycloak, Settings},
};

pub(super) async fn connect(wiring: &Wiring<'_>, configured: &KeycloakSettings) -> Result<Arc<dyn Provider>, String> {
    let secret = wiring.secret(&configured.client_secret).await;
    let settings = Settings {
        name: wiring.name(),
        base_url: configured.server.url.clone(),
        realm: configured.realm.clone(),
        auth_realm: configured.auth_realm.clone(),
        client_id: configured.client_id.clone(),
        client_secret: Arc::new(move || secret.clone()),
    };
    let transport = wiring.transport(&configured.server).await?;
    Ok(Arc::new(Keycloak::new(settings, transport, wiring.clock()).with_rate(wiring.rate())))
}

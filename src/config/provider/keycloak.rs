//! `kind = "keycloak"`.

use super::{
    Kind, ProviderSettings,
    http::{self, HttpServer},
};
use crate::config::{ConfigError, SecretReference, section::Section};

const KEYS: &[&str] = &["base_url", "realm", "auth_realm", "client_id", "client_secret"];

pub(super) const KIND: Kind =
    Kind { word: "keycloak", keys: &[KEYS, http::KEYS], read: |section| read(section).map(ProviderSettings::Keycloak) };

/// A Keycloak realm, reached as a confidential client with a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakSettings {
    /// Without path behind the server's own: `https://sso.example.com`.
    pub server: HttpServer,
    /// The realm whose clients are looked at and cut.
    pub realm: String,
    /// The realm that estop's own client is in; by default the same. In `master`, no bot of `realm` can reach it.
    pub auth_realm: String,
    /// estop's own client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretReference,
}

impl KeycloakSettings {
    /// Where it is, and as whom estop looks at it. Quoted, so that no two places come to the same text.
    pub(super) fn place(&self) -> String {
        format!("{:?}", [self.server.url.as_str(), &self.realm, &self.auth_realm, &self.client_id])
    }
}

fn read(section: &Section<'_>) -> Result<KeycloakSettings, ConfigError> {
    let server = http::read(section, "base_url")?;
    let realm = section.required("realm")?.value;
    Ok(KeycloakSettings {
        server,
        auth_realm: section.text("auth_realm")?.map_or_else(|| realm.clone(), |realm| realm.value),
        realm,
        client_id: section.required("client_id")?.value,
        client_secret: section.required_secret("client_secret")?,
    })
}

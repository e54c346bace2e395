//! From the configuration to providers.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{
    http::{NetworkOptions, NetworkTransport},
    keycloak::{self, Keycloak},
    postgres::{self, Postgres},
    transport::{Transport, TransportError},
};
use crate::{
    config::{KeycloakSettings, PostgresSettings, ProviderConfig, ProviderSettings, read_certificates},
    engine::{Clock, Provider, Rate},
};

/// A certificate file is no bigger.
const MAX_CA_BYTES: u64 = 1 << 20;

/// A secret as it was resolved: where it could not be, its provider answers everything with the reason.
type Resolved = Result<SecretString, String>;

/// The providers of a configuration, in its order. Secrets are resolved here, once.
///
/// # Errors
/// One sentence: a certificate file, a proxy or a server's address cannot be used.
pub async fn providers(
    configured: &[ProviderConfig],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn Provider>>, String> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::with_capacity(configured.len());
    for provider in configured {
        let secret = match provider.secret() {
            Some(reference) => reference.resolve().await,
            None => Ok(SecretString::from("")),
        };
        let name = &provider.name;
        let secret = secret.map_err(|why| format!("{name}: {why}"));
        let made = match &provider.settings {
            ProviderSettings::Keycloak(settings) => {
                let identity = identity(settings).await.map_err(|why| format!("{name}: {why}"));
                over_http(provider, settings, secret, identity, clock)
            }
            ProviderSettings::Postgres(settings) => over_sql(provider, settings, secret, clock),
        };
        providers.push(made.map_err(|why| format!("provider {name}: {why}"))?);
    }
    Ok(providers)
}

fn over_http(
    provider: &ProviderConfig,
    settings: &KeycloakSettings,
    secret: Resolved,
    identity: Result<Option<SecretString>, String>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, String> {
    let ca_pem = settings.ca_file.as_deref().map(certificates).transpose()?;
    let options = NetworkOptions { proxy: settings.proxy.clone(), ca_pem, ..NetworkOptions::default() };
    let transport = transport(&options, identity)?;
    let settings = keycloak::Settings {
        name: provider.name.clone(),
        base_url: settings.base_url.clone(),
        realm: settings.realm.clone(),
        auth_realm: settings.auth_realm.clone(),
        client_id: settings.client_id.clone(),
        client_secret: Arc::new(move || secret.clone()),
    };
    Ok(Arc::new(Keycloak::new(settings, transport, clock.clone()).with_rate(rate(provider))))
}

/// Certificate and key of estop's own, where some are configured.
async fn identity(settings: &KeycloakSettings) -> Result<Option<SecretString>, String> {
    let Some(identity) = &settings.client_identity else { return Ok(None) };
    let key = identity.key.resolve_pem().await.map_err(|why| format!("client_key: {why}"))?;
    let cert = read_certificates(&identity.cert).map_err(|why| format!("client_cert: {why}"))?;
    Ok(Some(SecretString::from(format!("{cert}\n{}\n", key.expose_secret()))))
}

/// The network; without the client certificate that it should have, one provider is out of reach, and nothing is sent
/// to it: the others are struck.
fn transport(
    options: &NetworkOptions,
    identity: Result<Option<SecretString>, String>,
) -> Result<Arc<dyn Transport>, String> {
    let plain = NetworkTransport::new(options)?;
    Ok(match identity {
        Ok(None) => Arc::new(plain),
        Ok(identity_pem) => match NetworkTransport::new(&NetworkOptions { identity_pem, ..options.clone() }) {
            Ok(network) => Arc::new(network),
            Err(why) => Arc::new(OutOfReach(format!("client_cert and client_key cannot be used: {why}"))),
        },
        Err(why) => Arc::new(OutOfReach(why)),
    })
}

/// In the place of a network that cannot be used: sends nothing, and says why.
struct OutOfReach(String);

#[async_trait]
impl Transport for OutOfReach {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::Unreachable(self.0.clone()))
    }
}

fn over_sql(
    provider: &ProviderConfig,
    settings: &PostgresSettings,
    secret: Resolved,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, String> {
    let ca_file = settings.ca_file.as_deref().map(certificates).transpose()?;
    let password = Arc::new(move || secret.clone());
    let settings = postgres::Settings { name: provider.name.clone(), url: address(settings)?, password, ca_file };
    let postgres = Postgres::new(settings, clock.clone()).map_err(|error| error.to_string())?;
    Ok(Arc::new(postgres.with_rate(rate(provider))))
}

/// The rate that the configuration wants kept.
fn rate(provider: &ProviderConfig) -> Option<Rate> {
    provider.requests_per_second.map(Rate::per_second)
}

/// The address as the provider takes it, put together from parts so that each is encoded.
fn address(settings: &PostgresSettings) -> Result<Url, String> {
    let host = if settings.host.contains(':') { format!("[{}]", settings.host) } else { settings.host.clone() };
    let wrong = |_| format!("{host} is no host");
    let mut url = Url::parse(&format!("postgres://{host}")).map_err(wrong)?;
    let parts = url.set_username(&settings.user).and_then(|()| url.set_port(Some(settings.port)));
    parts.map_err(|()| format!("{host} cannot be addressed"))?;
    url.set_path(&settings.database);
    url.set_query(Some(if settings.tls { "sslmode=verify-full" } else { "sslmode=disable" }));
    Ok(url)
}

fn certificates(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|error| format!("ca_file {shown}: {error}"))?.len();
    if size > MAX_CA_BYTES {
        return Err(format!("ca_file {shown} has {size} bytes: it should hold a few certificates in PEM"));
    }
    fs::read(path).map_err(|error| format!("ca_file {shown}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_put_together_encoded() {
        let settings = PostgresSettings {
            host: "::1".to_owned(),
            port: 5433,
            user: "estop/ops".to_owned(),
            database: "docs".to_owned(),
            tls: false,
            password: None,
            ca_file: None,
        };
        assert_eq!(address(&settings).unwrap().as_str(), "postgres://estop%2Fops@[::1]:5433/docs?sslmode=disable");
        let settings = PostgresSettings { host: "db.example.com".to_owned(), tls: true, ..settings };
        let url = address(&settings).unwrap();
        assert_eq!(url.as_str(), "postgres://estop%2Fops@db.example.com:5433/docs?sslmode=verify-full");
    }
}

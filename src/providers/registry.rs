//! From the configuration to providers: one file and one line a kind.

mod keycloak;
mod matrix;
mod network;
mod postgres;

use std::{fs, path::Path, sync::Arc};

use secrecy::SecretString;

use super::transport::Transport;
use crate::{
    config::{HttpServer, ProviderConfig, ProviderSettings, SecretReference},
    domain::ProviderName,
    engine::{Clock, Provider, Rate},
};

/// A certificate file is no bigger.
const MAX_CA_BYTES: u64 = 1 << 20;

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
        let wiring = Wiring { provider, clock };
        let made = match &provider.settings {
            ProviderSettings::Keycloak(settings) => keycloak::connect(&wiring, settings).await,
            ProviderSettings::Matrix(settings) => matrix::connect(&wiring, settings).await,
            ProviderSettings::Postgres(settings) => postgres::connect(&wiring, settings).await,
        };
        providers.push(made.map_err(|why| format!("provider {}: {why}", provider.name))?);
    }
    Ok(providers)
}

/// What every kind of provider is wired with.
struct Wiring<'a> {
    provider: &'a ProviderConfig,
    clock: &'a Arc<dyn Clock>,
}

impl Wiring<'_> {
    fn name(&self) -> ProviderName {
        self.provider.name.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.clock)
    }

    /// The rate that the configuration wants kept.
    fn rate(&self) -> Option<Rate> {
        self.provider.requests_per_second.map(Rate::per_second)
    }

    /// A secret; where it cannot be resolved, its provider answers everything with the reason.
    async fn secret(&self, reference: &SecretReference) -> Result<SecretString, String> {
        reference.resolve().await.map_err(|why| format!("{}: {why}", self.provider.name))
    }

    /// The network to a server; without the client certificate that it should have, only this one is out of reach.
    async fn transport(&self, server: &HttpServer) -> Result<Arc<dyn Transport>, String> {
        network::to(self.provider.name.as_str(), server).await
    }
}

fn certificates(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|error| format!("ca_file {shown}: {error}"))?.len();
    if size > MAX_CA_BYTES {
        return Err(format!("ca_file {shown} has {size} bytes: it should hold a few certificates in PEM"));
    }
    fs::read(path).map_err(|error| format!("ca_file {shown}: {error}"))
}

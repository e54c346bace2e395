//! The network that a provider over HTTP is reached by.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::certificates;
use crate::{
    config::{HttpServer, read_certificates},
    providers::{
        http::{NetworkOptions, NetworkTransport},
        transport::{Transport, TransportError},
    },
};

/// As the configuration says that this server is reached. `of`: the provider, for what is said.
pub(super) async fn to(of: &str, server: &HttpServer) -> Result<Arc<dyn Transport>, String> {
    let identity = identity(server).await.map_err(|why| format!("{of}: {why}"));
    let ca_pem = server.ca_file.as_deref().map(certificates).transpose()?;
    network(&NetworkOptions { proxy: server.proxy.clone(), ca_pem, ..NetworkOptions::default() }, identity)
}

/// Certificate and key of estop's own, where some are configured.
async fn identity(server: &HttpServer) -> Result<Option<SecretString>, String> {
    let Some(identity) = &server.client_identity else { return Ok(None) };
    let key = identity.key.resolve_pem().await.map_err(|why| format!("client_key: {why}"))?;
    let cert = read_certificates(&identity.cert).map_err(|why| format!("client_cert: {why}"))?;
    Ok(Some(SecretString::from(format!("{cert}\n{}\n", key.expose_secret()))))
}

/// The network; without the client certificate that it should have, one provider is out of reach, and nothing is sent
/// to it: the others are struck.
fn network(
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

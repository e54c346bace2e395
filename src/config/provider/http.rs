//! How a server that speaks HTTP is reached: the keys that every such provider has.

use std::path::PathBuf;

use url::Url;

use super::address::{http_url, is_loopback};
use crate::config::{ConfigError, SecretReference, section::Section};

/// Its keys, beside the address.
pub(super) const KEYS: &[&str] = &["ca_file", "client_cert", "client_key", "proxy"];

/// A server that speaks HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpServer {
    /// Where it answers. `https`, except to loopback; without user, query and fragment.
    pub url: Url,
    /// A CA in PEM, added to the system's roots.
    pub ca_file: Option<PathBuf>,
    /// What estop shows where the server, or what stands before it, asks for a certificate of the client.
    pub client_identity: Option<Box<ClientIdentity>>,
    /// A proxy; never taken from the environment.
    pub proxy: Option<Url>,
}

/// A certificate of estop's own, for mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate in PEM, with those between it and the server's CA.
    pub cert: PathBuf,
    /// Its private key in PEM, not encrypted.
    pub key: SecretReference,
}

/// Reads it; `key` is that of the address.
pub(super) fn read(section: &Section<'_>, key: &str) -> Result<HttpServer, ConfigError> {
    let text = section.required(key)?;
    let url = http_url(section, key, &text)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        let what = format!("{key} must be https: only a loopback address may be spoken to in clear");
        return Err(section.error(&text.at, what));
    }
    let proxy = match section.text("proxy")? {
        Some(proxy) => Some(http_url(section, "proxy", &proxy)?),
        None => None,
    };
    Ok(HttpServer { url, ca_file: ca_file(section)?, client_identity: client_identity(section)?, proxy })
}

/// Both or neither: one alone says nothing.
fn client_identity(section: &Section<'_>) -> Result<Option<Box<ClientIdentity>>, ConfigError> {
    match (section.text("client_cert")?, section.secret("client_key")?) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(Box::new(ClientIdentity { cert: section.origin().path(&cert.value), key }))),
        (Some(_), None) => Err(section.missing("client_key")),
        (None, Some(_)) => Err(section.missing("client_cert")),
    }
}

pub(super) fn ca_file(section: &Section<'_>) -> Result<Option<PathBuf>, ConfigError> {
    Ok(section.text("ca_file")?.map(|file| section.origin().path(&file.value)))
}

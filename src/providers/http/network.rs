//! The real network. The only place that knows the HTTP library.

mod tls;

use std::{error::Error as _, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::client::BodyCap;
use crate::providers::transport::{Transport, TransportError};

/// The cap of a body where the request does not say: 1 MiB.
const DEFAULT_CAP: usize = 1 << 20;
/// Names and values of all headers of an answer, in bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// How many headers an answer may have.
const MAX_HEADERS: usize = 128;

/// How the network is used. Nothing is taken from the environment.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Time to a connection, TLS included.
    pub connect: Duration,
    /// Time for a whole request, connection to last byte.
    pub deadline: Duration,
    /// The proxy of the configuration.
    pub proxy: Option<Url>,
    /// Certificates in PEM that are trusted beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificate and private key in PEM that are shown where the server asks for one of the client.
    pub identity_pem: Option<SecretString>,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            deadline: Duration::from_secs(15),
            proxy: None,
            ca_pem: None,
            identity_pem: None,
        }
    }
}

/// Requests over TCP and TLS: `https`, or `http` to this very host.
#[derive(Debug, Clone)]
pub struct NetworkTransport {
    client: reqwest::Client,
}

impl NetworkTransport {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// One sentence, where the CA, the proxy or the client certificate of the configuration is none.
    pub fn new(options: &NetworkOptions) -> Result<Self, String> {
        // Fails only where one is installed already: ours, or the one that the embedding program wants.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .gzip(true)
            .connect_timeout(options.connect)
            .timeout(options.deadline)
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(64 << 10)
            .pool_max_idle_per_host(16)
            // Below what servers and balancers in between commonly keep, so that no dead connection meets the key.
            .pool_idle_timeout(Duration::from_secs(50))
            .tcp_nodelay(true)
            .user_agent(concat!("estop/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &options.proxy {
            let proxy = reqwest::Proxy::all(proxy.clone())
                .map_err(|_| "the configured proxy is not a URL that can be used: check `proxy`".to_owned())?;
            builder = builder.proxy(proxy);
        }
        if let Some(pem) = &options.ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| "the configured CA file holds no certificates in PEM: check `ca`".to_owned())?;
            if certificates.is_empty() {
                return Err("the configured CA file holds no certificate: check `ca`".to_owned());
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(pem) = &options.identity_pem {
            // The library's own error says no more than that it is none.
            let identity = reqwest::Identity::from_pem(pem.expose_secret().as_bytes()).map_err(|_| {
                "client_cert and client_key hold no certificate and private key in PEM: the key must not be encrypted"
                    .to_owned()
            })?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|error| format!("TLS cannot be set up: {}", sentence(error)))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for NetworkTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let cap = request.extensions().get::<BodyCap>().map_or(DEFAULT_CAP, |cap| cap.0);
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| TransportError::Unreachable("the request has no URL".to_owned()))?;
        if !may_go(&url) {
            return Err(TransportError::Unreachable("plain http goes to this host only: use an https URL".to_owned()));
        }
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        let response = self.client.execute(request).await.map_err(failure)?;
        collect(response, cap).await
    }
}

async fn collect(mut response: reqwest::Response, cap: usize) -> Result<Response<Bytes>, TransportError> {
    let header_bytes: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if header_bytes > MAX_HEADER_BYTES {
        return Err(TransportError::TooBig(format!("the headers have more than {MAX_HEADER_BYTES} bytes")));
    }
    let mut body = BytesMut::new();
    // Chunks come decompressed: a small answer may hide a huge one, and no length is announced for it.
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > cap {
            return Err(TransportError::TooBig(format!("the answer is bigger than {cap} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = Response::new(body.freeze());
    *whole.status_mut() = response.status();
    *whole.headers_mut() = std::mem::take(response.headers_mut());
    Ok(whole)
}

/// TLS everywhere but on this host itself.
fn may_go(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

fn failure(error: reqwest::Error) -> TransportError {
    // A handshake or a name that fails in time or by timeout: nothing of the request has left.
    let unsent = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    let place = error.url().map(place).unwrap_or_default();
    let text = sentence(error);
    match (unsent, timed_out) {
        (true, _) => TransportError::Unreachable(format!(
            "no connection{place} ({text}): check the address, the network and the server"
        )),
        (false, true) => TransportError::timeout(),
        (false, false) => TransportError::Lost(format!("the answer was lost: {text}")),
    }
}

/// ` to HOST:PORT`: of a URL, what may be shown.
fn place(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    url.host_str().map(|host| format!(" to {host}{port}")).unwrap_or_default()
}

/// The innermost cause, without the URL, whose query might hold anything.
fn sentence(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // An I/O error passes over what it wraps when it is asked for its source.
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = wrapped.and_then(|wrapped| wrapped.downcast_ref()).or_else(|| inner.downcast_ref()) {
            return tls::reason(tls);
        }
        text = inner.to_string();
        cause = inner.source();
    }
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;

//! Requests under one base URL, and their answers.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    Grounds, ServerClock, error_of,
    rate::feedback,
    segment::{IdProblem, check_segment},
};
use crate::{
    engine::{Budget, Clock, Permit, ProviderError},
    providers::transport::{Transport, TransportError},
};

/// The cap of an answer's body unless a call says otherwise: 1 MiB, counted after decompression.
const DEFAULT_CAP: usize = 1 << 20;
/// The cap of a page of a listing.
const LISTING_CAP: usize = 8 << 20;

/// How big the answer's body may be, in bytes after decompression: an extension of the request for the transport.
#[derive(Debug, Clone, Copy)]
pub struct BodyCap(pub usize);

/// One request, before it has a host: path segments are kept apart until they are encoded.
pub struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Bytes)>,
    key: Option<Uuid>,
    secrets: Vec<(HeaderName, SecretString)>,
    cap: usize,
    limit: Option<Duration>,
}

/// That one request may leave, until this is dropped.
#[must_use = "the request may leave only while the admission is held"]
#[derive(Debug)]
pub struct Admission(Option<Permit>);

impl Call {
    /// Of these path segments, which are encoded one by one.
    pub fn new<S: Into<String>>(method: Method, path: impl IntoIterator<Item = S>) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        let (query, secrets) = (Vec::new(), Vec::new());
        Self { method, path, query, body: None, key: None, secrets, cap: DEFAULT_CAP, limit: None }
    }

    /// A read.
    pub fn get<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::GET, path)
    }

    /// With a query parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With a JSON body.
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        let bytes = body.to_string();
        self.body = Some(("application/json", Bytes::from(bytes)));
        self
    }

    /// With a form as its body.
    pub fn form(mut self, body: String) -> Self {
        self.body = Some(("application/x-www-form-urlencoded", Bytes::from(body)));
        self
    }

    /// With the step's idempotency key.
    pub fn key(mut self, key: Uuid) -> Self {
        self.key = Some(key);
        self
    }

    /// With a secret in a header of its own.
    pub fn secret(mut self, header: HeaderName, secret: SecretString) -> Self {
        self.secrets.push((header, secret));
        self
    }

    /// To be answered within this time, where that is less than the transport allows.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// A page of a listing: its answer may have 8 MiB.
    pub fn listing(mut self) -> Self {
        self.cap = LISTING_CAP;
        self
    }
}

impl fmt::Debug for Call {
    /// Without query and body, which may hold what somebody typed or a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.path.join("/"))
    }
}

/// A whole answer. Its body is wiped when it is dropped, as far as this is its only owner.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// From its parts.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The body, decompressed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON. The decoder's own error may quote the body, hence it is dropped.
    ///
    /// # Errors
    /// [`ProviderError::BadData`], where it is not what the description says.
    pub fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = match error.classify() {
                serde_json::error::Category::Data => "has another shape than the API describes",
                _ => "is not JSON",
            };
            ProviderError::BadData(format!("{what}: the answer {kind}: check the base URL and the server's version"))
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Ok(mut bytes) = std::mem::take(&mut self.body).try_into_mut() {
            bytes.as_mut().zeroize();
        }
    }
}

/// Sends calls to one server.
#[derive(Clone)]
pub struct Client {
    base: Url,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    server_clock: Arc<ServerClock>,
    budget: Option<Budget>,
}

impl Client {
    /// Of everything under a base URL.
    pub fn new(base: Url, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { base, transport, clock, server_clock: Arc::default(), budget: None }
    }

    /// By which its answers are timed.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// How the server's clock stands against ours.
    pub fn server_clock(&self) -> &ServerClock {
        &self.server_clock
    }

    /// Admits each request to that budget, and tells it what answers say of the rate.
    pub fn budgeted(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Waits until one request may leave; `mutation`: the one that changes something, for which a strike has waited.
    pub async fn admit(&self, mutation: bool) -> Admission {
        Admission(match &self.budget {
            Some(budget) => Some(budget.admit(mutation).await),
            None => None,
        })
    }

    /// Sends one request when the budget admits it; any status is an answer.
    ///
    /// # Errors
    /// [`TransportError`], where no whole answer came; an id that may not stand in a path counts as unreachable:
    /// nothing was sent.
    pub async fn send(&self, call: Call, bearer: Option<&SecretString>) -> Result<Reply, TransportError> {
        let admission = self.admit(call.key.is_some()).await;
        self.send_admitted(admission, call, bearer).await
    }

    /// Sends one request that is admitted: for what must be put together when it leaves.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_admitted(
        &self,
        admission: Admission,
        call: Call,
        bearer: Option<&SecretString>,
    ) -> Result<Reply, TransportError> {
        let (cap, limit) = (call.cap, call.limit);
        let request = self.request(call, bearer)?;
        let sent = self.clock.steady();
        let sending = self.transport.send(request);
        let response = match limit {
            Some(limit) => {
                tokio::time::timeout(limit, sending).await.unwrap_or_else(|_| Err(TransportError::timeout()))
            }
            None => sending.await,
        }?;
        let (parts, body) = response.into_parts();
        let received = self.clock.steady();
        self.server_clock.observe(&parts.headers, sent, received);
        if let (Some(budget), Admission(Some(permit))) = (&self.budget, &admission) {
            let said = feedback(parts.status, &parts.headers, budget.limits().rate_headers, received);
            budget.observe(permit, &said);
        }
        if body.len() > cap {
            return Err(TransportError::TooBig(format!("the answer is bigger than {cap} bytes")));
        }
        Ok(Reply::new(parts.status, parts.headers, body))
    }

    /// Sends a read and decodes its answer.
    ///
    /// # Errors
    /// [`ProviderError`], without a word of the body.
    pub async fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        bearer: Option<&SecretString>,
        grounds: Grounds<'_>,
    ) -> Result<T, ProviderError> {
        let result = self.send(call, bearer).await;
        match (error_of(&result, grounds, self.clock.now()), result) {
            (None, Ok(reply)) => reply.json(grounds.what),
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(ProviderError::Transient(error.to_string())),
        }
    }

    fn request(&self, call: Call, bearer: Option<&SecretString>) -> Result<Request<Bytes>, TransportError> {
        let unsendable = |what: &str| TransportError::Unreachable(format!("the request was not sent: {what}"));
        let url = self.url(&call).map_err(|problem| unsendable(&problem.to_string()))?;
        let mut request = Request::builder()
            .method(call.method)
            .uri(url.as_str())
            .header(header::ACCEPT, "application/json")
            .extension(BodyCap(call.cap));
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key.to_string());
        }
        let sensitive = |text: &str| {
            let mut value =
                HeaderValue::try_from(text).map_err(|_| unsendable("estop's own access token is not one"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        if let Some(token) = bearer {
            let bearer = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
            request = request.header(header::AUTHORIZATION, sensitive(&bearer)?);
        }
        for (name, secret) in &call.secrets {
            request = request.header(name, sensitive(secret.expose_secret())?);
        }
        let body = match call.body {
            None => Bytes::new(),
            Some((content_type, bytes)) => {
                request = request.header(header::CONTENT_TYPE, content_type);
                bytes
            }
        };
        request.body(body).map_err(|_| unsendable("its URL is not one"))
    }

    fn url(&self, call: &Call) -> Result<Url, IdProblem> {
        let mut url = self.base.clone();
        for segment in &call.path {
            check_segment(segment)?;
        }
        url.path_segments_mut().map_err(|()| IdProblem::Character)?.pop_if_empty().extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

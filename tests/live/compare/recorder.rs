//! What goes over the wire, written down: method, path, body and status, never a header.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use estop::providers::transport::{Transport, TransportError};
use serde_json::Value;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    /// The names of its query's parameters.
    pub query: Vec<String>,
    /// `Null`: none, or a form.
    pub body: Value,
    pub status: u16,
}

impl Recorded {
    pub fn is_admin(&self) -> bool {
        self.path.starts_with("/admin/")
    }

    pub fn changes(&self) -> bool {
        self.is_admin() && self.method != "GET"
    }
}

/// A transport that writes down what another carries.
pub struct Recorder {
    inner: Arc<dyn Transport>,
    log: Mutex<Vec<Recorded>>,
}

impl Recorder {
    pub fn over(inner: Arc<dyn Transport>) -> Self {
        Self { inner, log: Mutex::default() }
    }

    /// What came since it was last asked.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or_default();
        let query = query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
        let query = query.map(str::to_owned).collect();
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let answer = self.inner.send(request).await?;
        let status = answer.status().as_u16();
        let recorded = Recorded { method, path, query, body, status };
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
        Ok(answer)
    }
}

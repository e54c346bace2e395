//! Between a provider and its simulator: every request is kept as it was sent.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use estop::providers::transport::{Transport, TransportError};
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;

/// One request as it went out.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    /// Its segments, decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    /// Of a form: an object of texts. `None`: it had none.
    pub body: Option<Value>,
    /// Of the body.
    pub content_type: Option<String>,
}

impl Sent {
    fn of(request: &Request<Bytes>) -> Self {
        let url = Url::parse(&request.uri().to_string()).unwrap();
        let segments = url.path_segments().unwrap();
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let content_type: Option<String> = header(http::header::CONTENT_TYPE);
        let body = request.body();
        let form = content_type.as_deref() == Some("application/x-www-form-urlencoded");
        Self {
            method: request.method().as_str().to_lowercase(),
            path: segments.map(decoded).collect(),
            query: url.query_pairs().into_owned().collect(),
            body: (!body.is_empty()).then(|| if form { fields(body) } else { serde_json::from_slice(body).unwrap() }),
            content_type,
        }
    }
}

fn fields(form: &[u8]) -> Value {
    url::form_urlencoded::parse(form).map(|(name, value)| (name.into_owned(), json!(value))).collect()
}

/// Keeps what passes.
pub struct Recorder {
    to: Arc<dyn Transport>,
    sent: Mutex<Vec<Sent>>,
}

impl Recorder {
    pub fn before(to: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { to, sent: Mutex::default() })
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.sent.lock().unwrap().push(Sent::of(&request));
        self.to.send(request).await
    }
}

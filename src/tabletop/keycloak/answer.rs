//! What the simulator says back, in the shapes of the real server.

use bytes::Bytes;
use serde_json::{Value, json};

/// One answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Body,
    location: Option<String>,
}

#[derive(Clone)]
enum Body {
    Empty,
    /// The plain-text, empty body of userinfo's refusals.
    Text,
    Json(Value),
    /// Errors say `application/json` without a character set, as measured.
    Error(Value),
}

/// `Err` is an answer too: it only ends the handling early.
pub(super) type Reply = Result<Answer, Answer>;

impl Answer {
    pub(super) const fn ok(value: Value) -> Self {
        Self { status: 200, body: Body::Json(value), location: None }
    }

    pub(super) const fn status(status: u16, value: Value) -> Self {
        Self { status, body: Body::Json(value), location: None }
    }

    pub(super) const fn created(location: String) -> Self {
        Self { status: 201, body: Body::Empty, location: Some(location) }
    }

    pub(super) const fn no_content() -> Self {
        Self { status: 204, body: Body::Empty, location: None }
    }

    pub(super) const fn text(status: u16) -> Self {
        Self { status, body: Body::Text, location: None }
    }

    pub(super) fn error(status: u16, message: &str) -> Self {
        Self { status, body: Body::Error(json!({ "error": message })), location: None }
    }

    /// The error of the token endpoint (RFC 6749 §5.2).
    pub(super) fn oauth(status: u16, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self { status, body: Body::Error(body), location: None }
    }

    pub(super) fn forbidden() -> Self {
        Self::error(403, "HTTP 403 Forbidden")
    }

    pub(super) fn unauthorized() -> Self {
        Self::error(401, "HTTP 401 Unauthorized")
    }

    pub(super) fn no_such_client() -> Self {
        Self::error(404, "Could not find client")
    }

    pub(super) fn unknown_error() -> Self {
        Self::oauth(500, "unknown_error", "For more on this error consult the server log.")
    }

    /// The body as JSON, for the attacker's hand.
    pub(super) fn value(&self) -> Value {
        match &self.body {
            Body::Json(value) | Body::Error(value) => value.clone(),
            Body::Empty | Body::Text => Value::Null,
        }
    }

    pub(super) fn into_http(self) -> http::Response<Bytes> {
        let mut builder = http::Response::builder().status(self.status);
        if let Some(location) = self.location {
            builder = builder.header(http::header::LOCATION, location);
        }
        let (kind, bytes) = match self.body {
            Body::Empty => (None, Bytes::new()),
            Body::Text => (Some("text/plain;charset=utf-8"), Bytes::new()),
            Body::Json(value) => (Some("application/json;charset=UTF-8"), Bytes::from(value.to_string())),
            Body::Error(value) => (Some("application/json"), Bytes::from(value.to_string())),
        };
        if let Some(kind) = kind {
            builder = builder.header(http::header::CONTENT_TYPE, kind);
        }
        builder.body(bytes).expect("status, header names and values are the simulator's own")
    }
}

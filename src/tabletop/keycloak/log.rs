//! The requests that came, without a secret in them, so that a test can compare them with those to a real server.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::Call;

/// Names whose values say what was asked and are never secret.
const OPEN: [&str; 4] = ["grant_type", "client_id", "client_assertion_type", "token_type_hint"];

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// When it came.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path, decoded.
    pub path: String,
    /// Its query, in its order.
    pub query: Vec<(String, String)>,
    /// Its body: names, flags and numbers as they are, texts as `…`. `Null`: none.
    pub body: Value,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// The status of the answer. `None`: there was none (yet).
    pub status: Option<u16>,
}

impl Logged {
    pub(super) fn of(call: &Call, headers: &HeaderMap, at: Timestamp) -> Self {
        Self {
            at,
            method: call.method.clone(),
            path: format!("/{}", call.path.join("/")),
            query: call.query.clone(),
            body: body(call, headers),
            key: headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned),
            status: None,
        }
    }

    /// Whether it asked for a change at the admin API.
    pub fn changes(&self) -> bool {
        self.method != "GET" && self.path.starts_with("/admin/")
    }
}

fn body(call: &Call, headers: &HeaderMap) -> Value {
    if call.body.is_empty() {
        return Value::Null;
    }
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let shown = |key: &str, value: &str| if OPEN.contains(&key) { json!(value) } else { json!("…") };
        let fields: Map<_, _> = call.form().pairs().map(|(key, value)| (key.to_owned(), shown(key, value))).collect();
        return Value::Object(fields);
    }
    shape(call.json())
}

fn shape(value: Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::String(text),
        Value::String(_) => json!("…"),
        Value::Array(items) => items.into_iter().map(shape).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (key, shape(value))).collect()),
        other => other,
    }
}

//! One request, taken apart.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What the handlers look at.
pub(super) struct Call {
    pub(super) method: String,
    /// Decoded segments, without empty ones.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) bearer: Option<String>,
    pub(super) basic: Option<(String, String)>,
    /// Where it came from: events show it.
    pub(super) from: String,
}

impl Call {
    pub(super) fn of(request: &http::Request<Bytes>, from: &str) -> Self {
        let uri = request.uri();
        let authorization = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self {
            method: request.method().as_str().to_owned(),
            path: segments(uri.path()),
            query: pairs(uri.query().unwrap_or_default().as_bytes()),
            body: request.body().clone(),
            bearer: authorization.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned),
            basic: authorization.and_then(|text| text.strip_prefix("Basic ")).and_then(basic),
            from: from.to_owned(),
        }
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.param(name).and_then(|text| text.parse().ok())
    }

    /// `first` and `max`, with the endpoint's own default for the latter.
    pub(super) fn page<T>(&self, items: impl Iterator<Item = T>, default_max: usize) -> Vec<T> {
        let (first, max) = (self.number("first").unwrap_or(0), self.number("max").unwrap_or(default_max));
        items.skip(first).take(max).collect()
    }

    /// The JSON body; `Null` where it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(super) fn form(&self) -> Form {
        Form(pairs(&self.body))
    }
}

/// A form body.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// RFC 6749 §2.3.1: both halves are form-encoded.
fn basic(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| percent_decode_str(&half.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((decode(id), decode(secret)))
}

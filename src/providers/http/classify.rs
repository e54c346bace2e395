//! What an answer, or its absence, means: for reads an error, for mutations a class.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use super::{Reply, date::parse_http_date};
use crate::{
    domain::{Answer, AnswerKind, Untrusted},
    engine::ProviderError,
    providers::transport::TransportError,
};

/// Longer than any outage that waiting makes sense for: a `Retry-After` beyond it is cut.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// Of a provider's own word for an error, so much is kept.
const MAX_DETAIL: usize = 120;

/// What a request was for, and the permission that it stands on: the words of an error.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// `corp-sso: reading clients`.
    pub what: &'a str,
    /// In the provider's own word.
    pub permission: &'a str,
}

/// The error that a failed read is; `None`: the answer is a 2xx.
pub fn error_of(result: &Result<Reply, TransportError>, grounds: Grounds<'_>, now: Timestamp) -> Option<ProviderError> {
    let what = grounds.what;
    let reply = match result {
        Ok(reply) => reply,
        Err(error) => return Some(error_without_answer(error, what)),
    };
    Some(match reply.status.as_u16() {
        200..=299 => return None,
        401 => ProviderError::Auth(format!(
            "{what}: the server does not accept estop's own access token (401): check the configured client"
        )),
        403 => ProviderError::Refused { what: what.to_owned(), permission: grounds.permission.to_owned() },
        404 | 410 => ProviderError::Gone(what.to_owned()),
        429 => ProviderError::RateLimited { what: what.to_owned(), retry_after: retry_after(&reply.headers, now) },
        // It says when it will be there again (RFC 9110 §15.6.4).
        503 if retry_after(&reply.headers, now).is_some() => {
            ProviderError::RateLimited { what: what.to_owned(), retry_after: retry_after(&reply.headers, now) }
        }
        408 | 425 => ProviderError::Transient(format!("{what}: the server had no time for it: try again")),
        status @ 500..=599 => ProviderError::Transient(format!("{what}: the server failed ({status}): try again")),
        status @ 300..=399 => ProviderError::BadData(format!(
            "{what}: the server redirects elsewhere ({status}), which estop does not follow: check the base URL"
        )),
        status => ProviderError::BadData(format!("{what}: the server rejects the request ({status})")),
    })
}

fn error_without_answer(error: &TransportError, what: &str) -> ProviderError {
    match error {
        TransportError::Unreachable(why) => ProviderError::Unreachable(format!("{what}: {why}")),
        TransportError::Lost(why) => ProviderError::Transient(format!("{what}: {why}")),
        TransportError::TooBig(why) => ProviderError::BadData(format!("{what}: {why}")),
    }
}

/// The class of a mutation's answer. Only the status decides; of the body, at most the provider's own error word is
/// kept for people.
pub fn answer_to(result: &Result<Reply, TransportError>, permission: &str, now: Timestamp) -> Answer {
    match result {
        Ok(reply) => {
            let mut answer = Answer::new(kind_of(reply, permission, now), "http", reply.status.as_str());
            answer.detail = detail_of(reply).or_else(|| hint(reply.status).map(Untrusted::from));
            answer
        }
        Err(error) => {
            let kind = match error {
                TransportError::Unreachable(_) => AnswerKind::Unreachable,
                // An answer that is too big came: the request was seen, and what it did is not known.
                TransportError::Lost(_) | TransportError::TooBig(_) => AnswerKind::Unknown,
            };
            let mut answer = Answer::new(kind, "http", "");
            answer.detail = Some(Untrusted::new(error.to_string()));
            answer
        }
    }
}

fn kind_of(reply: &Reply, permission: &str, now: Timestamp) -> AnswerKind {
    match reply.status {
        status if status.is_success() => AnswerKind::Accepted,
        StatusCode::NOT_FOUND | StatusCode::GONE => AnswerKind::Gone,
        StatusCode::UNAUTHORIZED => AnswerKind::Refused { permission: None },
        StatusCode::FORBIDDEN => AnswerKind::Refused { permission: Some(permission.to_owned()) },
        StatusCode::TOO_MANY_REQUESTS => {
            AnswerKind::Throttled { retry_after_ms: retry_after(&reply.headers, now).map(millis) }
        }
        // It says when it will be there again (RFC 9110 §15.6.4). The credential counts as alive until then.
        StatusCode::SERVICE_UNAVAILABLE if retry_after(&reply.headers, now).is_some() => {
            AnswerKind::Throttled { retry_after_ms: retry_after(&reply.headers, now).map(millis) }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => AnswerKind::Transient,
        status if status.is_server_error() => AnswerKind::Transient,
        _ => AnswerKind::Rejected,
    }
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

/// What to do about a status for which the server has no word of its own.
fn hint(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        401 => "the server does not accept estop's own access token: check the configured client",
        300..=399 => "the server redirects elsewhere, which estop does not follow: check the base URL",
        405 | 501 => "the server does not know this request: check the base URL and the server's version",
        409 => "the server sees a conflict with another change: look at the object, then strike again",
        400 | 422 => "the server rejects the request: check the server's version",
        _ => return None,
    })
}

/// The provider's own word for a failure: the `error` or `errorMessage` of a small JSON object, nothing else of it.
fn detail_of(reply: &Reply) -> Option<Untrusted> {
    #[derive(serde::Deserialize)]
    struct Failure {
        #[serde(alias = "errorMessage")]
        error: String,
    }
    if reply.status.is_success() || reply.body().len() > 4096 {
        return None;
    }
    let failure: Failure = serde_json::from_slice(reply.body()).ok()?;
    Some(Untrusted::new(failure.error.chars().take(MAX_DETAIL).collect::<String>()))
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); anything else is as if it were not there.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(parse_http_date(text)?.duration_since(now)).unwrap_or(Duration::ZERO),
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderValue;

    #[expect(clippy::unnecessary_wraps, reason = "what a transport gives")]
    fn reply(status: u16, retry: Option<&'static str>, body: &'static str) -> Result<Reply, TransportError> {
        let mut headers = HeaderMap::new();
        if let Some(retry) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(retry));
        }
        Ok(Reply::new(StatusCode::from_u16(status).expect("a status"), headers, Bytes::from_static(body.as_bytes())))
    }

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn mutations_are_classed_by_status() {
        let refused = |permission: Option<&str>| AnswerKind::Refused { permission: permission.map(str::to_owned) };
        for (status, kind) in [
            (200, AnswerKind::Accepted),
            (201, AnswerKind::Accepted),
            (202, AnswerKind::Accepted),
            (204, AnswerKind::Accepted),
            (299, AnswerKind::Accepted),
            (301, AnswerKind::Rejected),
            (302, AnswerKind::Rejected),
            (304, AnswerKind::Rejected),
            (307, AnswerKind::Rejected),
            (308, AnswerKind::Rejected),
            (400, AnswerKind::Rejected),
            (401, refused(None)),
            (403, refused(Some("manage-clients"))),
            (404, AnswerKind::Gone),
            (405, AnswerKind::Rejected),
            (408, AnswerKind::Transient),
            (409, AnswerKind::Rejected),
            (410, AnswerKind::Gone),
            (422, AnswerKind::Rejected),
            (429, AnswerKind::Throttled { retry_after_ms: None }),
            (500, AnswerKind::Transient),
            (502, AnswerKind::Transient),
            (503, AnswerKind::Transient),
        ] {
            let answer = answer_to(&reply(status, None, ""), "manage-clients", now());
            assert_eq!(answer.kind, kind, "{status}");
            assert_eq!(answer.code, status.to_string());
        }
        for (error, kind) in [
            (TransportError::Unreachable("refused".to_owned()), AnswerKind::Unreachable),
            (TransportError::Lost("reset".to_owned()), AnswerKind::Unknown),
            (TransportError::TooBig("cap".to_owned()), AnswerKind::Unknown),
        ] {
            assert_eq!(answer_to(&Err(error), "p", now()).kind, kind);
        }
    }

    #[test]
    fn who_is_asked_to_wait_is_told_for_how_long() {
        for (status, retry, wait) in [
            (429, "2", Some(2_000)),
            (429, "0", Some(0)),
            (429, "99999999", Some(86_400_000)),
            (429, "-1", None),
            (429, "1.5", None),
            (429, "99999999999999999999999", None),
            (429, "Tue, 24 Nov 2026 11:00:00 GMT", Some(0)),
            (429, "banana", None),
            (503, "2", Some(2_000)),
        ] {
            let answer = answer_to(&reply(status, Some(retry), ""), "p", now());
            assert_eq!(answer.kind, AnswerKind::Throttled { retry_after_ms: wait }, "{status} {retry}");
        }
        let garbage = answer_to(&reply(503, Some("banana"), ""), "p", now());
        assert_eq!(garbage.kind, AnswerKind::Transient);
    }

    #[test]
    fn a_refusal_without_a_word_says_what_to_do_next() {
        for status in [302, 400, 401, 405, 409, 422] {
            let answer = answer_to(&reply(status, None, ""), "p", now());
            assert!(answer.detail.is_some_and(|detail| detail.raw().len() > 20), "{status}");
        }
        let own = answer_to(&reply(422, None, "{\"error\":\"unsupported\"}"), "p", now());
        assert_eq!(own.detail.expect("its own word").raw(), "unsupported");
    }

    #[test]
    fn retry_after_takes_seconds_and_dates_and_ignores_garbage() {
        for (text, seconds) in [
            ("7", Some(7)),
            ("Tue, 24 Nov 2026 12:00:30 GMT", Some(30)),
            ("Tue, 24 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("99999999999", Some(86400)),
        ] {
            let result = reply(429, Some(text), "");
            let headers = &result.as_ref().expect("a reply").headers;
            assert_eq!(retry_after(headers, now()), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn reads_fail_with_a_sentence_that_never_quotes_the_body() {
        let grounds = Grounds { what: "sso: reading clients", permission: "view-clients" };
        for status in [302, 400, 401, 403, 404, 418, 429, 500] {
            let error = error_of(&reply(status, None, "{\"error\":\"s3cret\"}"), grounds, now()).expect("an error");
            let text = format!("{error} {error:?}");
            assert!(text.contains("sso: reading clients") && !text.contains("s3cret"), "{text}");
        }
        assert_eq!(error_of(&reply(200, None, ""), grounds, now()), None);
        let refused = error_of(&reply(403, None, ""), grounds, now()).expect("an error");
        assert!(refused.to_string().contains("view-clients"));
    }
}

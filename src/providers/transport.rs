//! What carries one HTTP request: the network, or a simulator in its place.

use async_trait::async_trait;
use bytes::Bytes;

/// Why no answer came. Displays as one sentence, without URL query, headers or body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing can have arrived: refused connection, unknown name, failed TLS handshake.
    #[error("{0}")]
    Unreachable(String),
    /// It was sent, and no (whole) answer came: reset, deadline. It may have been done.
    #[error("{0}")]
    Lost(String),
    /// The answer is bigger than the cap, after decompression.
    #[error("{0}")]
    TooBig(String),
}

/// What a lost answer says that did not come in time.
const NO_ANSWER: &str = "no answer in time";

impl TransportError {
    /// Sent, and no answer in time.
    pub fn timeout() -> Self {
        Self::Lost(NO_ANSWER.to_owned())
    }

    /// Whether the time was up, rather than the connection.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Lost(why) if why == NO_ANSWER)
    }
}

/// Carries one request to one server and brings the answer, bounded in time and size. No retry, no redirect.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    /// [`TransportError`], where no whole answer came. Any status is an answer.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>;
}

//! estop's own account at a server that takes one standing token with every request.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use http::HeaderName;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Call, Client, Grounds, Patience, Reply, answer_to, error_of};
use crate::{
    domain::{Answer, AnswerKind, Untrusted},
    engine::{ProviderError, time_left},
    providers::transport::TransportError,
};

/// Gives a secret of estop's own each time it is used; an error makes only its provider unreachable.
pub type SecretSource = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// Where a server looks for the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenHeader {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    Bearer,
    /// The token alone, in a header of the server's own.
    Named(HeaderName),
}

/// Sends requests with that token.
#[derive(Clone)]
pub struct Account {
    of: String,
    client: Client,
    header: TokenHeader,
    token: SecretSource,
    deadline: Duration,
}

impl Account {
    /// At the provider of that name; a read may take that long.
    pub fn new(
        of: impl Into<String>,
        client: Client,
        header: TokenHeader,
        token: SecretSource,
        deadline: Duration,
    ) -> Self {
        Self { of: of.into(), client, header, token, deadline }
    }

    /// A read, decoded; again where the trouble is the server's and passing.
    ///
    /// # Errors
    /// [`ProviderError`], without a word of the answer's body.
    pub async fn get<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> Call,
        grounds: Grounds<'_>,
    ) -> Result<T, ProviderError> {
        let what = format!("{}: {}", self.of, grounds.what);
        let grounds = Grounds { what: &what, ..grounds };
        let request = &request;
        let reply =
            self.client.patiently(self.deadline, grounds, |limit| self.send(false, move || request().within(limit)));
        reply.await?.json(grounds.what)
    }

    /// Sends one request when the budget admits it; any status is an answer. `mutation`: the one that changes
    /// something, for which a strike has waited.
    ///
    /// # Errors
    /// The outer one: there is no token, and nothing was sent.
    pub async fn send(
        &self,
        mutation: bool,
        request: impl FnOnce() -> Call,
    ) -> Result<Result<Reply, TransportError>, ProviderError> {
        let token = (self.token)().map_err(ProviderError::Auth)?;
        let admission = self.client.admit(mutation).await;
        Ok(match &self.header {
            TokenHeader::Bearer => self.client.send_admitted(admission, request(), Some(&token)).await,
            TokenHeader::Named(name) => {
                self.client.send_admitted(admission, request().secret(name.clone(), token), None).await
            }
        })
    }

    /// Sends one mutation with its step's key: what its answer means, and the answer, where there is one.
    pub async fn mutate(&self, call: Call, key: Uuid, permission: &str) -> (Answer, Option<Reply>) {
        match self.send(true, || call.key(key)).await {
            Ok(result) => (answer_to(&result, permission, self.client.clock().now()), result.ok()),
            Err(error) => (unsent(&error), None),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("of", &self.of).field("client", &self.client).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends a read until it is answered well, as often as is worth it, within the time that the caller has left:
    /// `send` gets how long the attempt may take.
    ///
    /// # Errors
    /// [`ProviderError`], without a word of the answer's body.
    pub async fn patiently<F>(
        &self,
        deadline: Duration,
        grounds: Grounds<'_>,
        send: impl Fn(Duration) -> F,
    ) -> Result<Reply, ProviderError>
    where
        F: Future<Output = Result<Result<Reply, TransportError>, ProviderError>>,
    {
        let what = grounds.what;
        let asking = async {
            let mut patience = Patience::new(deadline, what);
            loop {
                // A reading is dozens of these, each with its attempts: their states live apart.
                let result = Box::pin(send(patience.limit())).await?;
                let error = error_of(&result, grounds, self.clock().now());
                let (error, result) = match (error, result) {
                    (None, Ok(reply)) => return Ok(reply),
                    (None, Err(lost)) => (ProviderError::Transient(lost.to_string()), Err(lost)),
                    (Some(error), result) => (error, result),
                };
                if !patience.again(&result, &error).await {
                    return Err(error);
                }
            }
        };
        match time_left() {
            None => asking.await,
            // Not even begun: what is sent now nobody waits for.
            Some(Duration::ZERO) => Err(ProviderError::Transient(format!("{what}: no time was left for it"))),
            Some(left) => tokio::time::timeout(left, asking)
                .await
                .unwrap_or_else(|_| Err(ProviderError::Transient(format!("{what}: no answer in time")))),
        }
    }
}

/// The answer to a mutation that did not leave, because estop has no token of its own.
pub fn unsent(error: &ProviderError) -> Answer {
    let kind = match error {
        ProviderError::Auth(_) | ProviderError::Refused { .. } => AnswerKind::Refused { permission: None },
        ProviderError::RateLimited { retry_after, .. } => {
            AnswerKind::Throttled { retry_after_ms: retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()) }
        }
        _ => AnswerKind::Unreachable,
    };
    let mut answer = Answer::new(kind, "http", "");
    answer.detail = Some(Untrusted::from(error.to_string()));
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, Response, StatusCode};

    use super::*;
    use crate::{engine::SystemClock, providers::transport::Transport};

    /// Answers the requests in turn, and keeps what their headers were.
    struct Answers(Mutex<Vec<StatusCode>>, Mutex<Vec<http::HeaderMap>>);

    #[async_trait]
    impl Transport for Answers {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            self.1.lock().unwrap().push(request.headers().clone());
            let status = self.0.lock().unwrap().pop().unwrap_or(StatusCode::OK);
            Ok(Response::builder().status(status).body(Bytes::from_static(b"{}")).unwrap())
        }
    }

    fn account(statuses: &[StatusCode], header: TokenHeader, token: SecretSource) -> (Arc<Answers>, Account) {
        let transport = Arc::new(Answers(Mutex::new(statuses.to_vec()), Mutex::default()));
        let base = "https://vault.example.com/v1".parse().unwrap();
        let client = Client::new(base, transport.clone(), Arc::new(SystemClock::default()));
        (transport, Account::new("kv", client, header, token, Duration::from_secs(15)))
    }

    fn standing() -> SecretSource {
        Arc::new(|| Ok("t0ken".into()))
    }

    const GROUNDS: Grounds<'static> = Grounds { what: "reading", permission: "read" };

    #[tokio::test(start_paused = true)]
    async fn the_token_goes_where_the_server_looks_for_it_and_a_read_is_asked_again() {
        let own = TokenHeader::Named(HeaderName::from_static("x-vault-token"));
        for (header, name, value) in
            [(own, "x-vault-token", "t0ken"), (TokenHeader::Bearer, "authorization", "Bearer t0ken")]
        {
            let (transport, account) = account(&[StatusCode::BAD_GATEWAY], header, standing());
            let read: serde_json::Value = account.get(|| Call::get(["sys"]), GROUNDS).await.unwrap();
            assert!(read.is_object());
            let sent = transport.1.lock().unwrap();
            assert_eq!(sent.len(), 2);
            assert!(sent.iter().all(|headers| headers[name] == value && headers[name].is_sensitive()));
        }
    }

    #[tokio::test]
    async fn a_mutation_is_sent_once_with_its_key() {
        let (transport, account) = account(&[StatusCode::BAD_GATEWAY], TokenHeader::Bearer, standing());
        let (answer, reply) = account.mutate(Call::get(["sys"]), Uuid::nil(), "sudo").await;
        assert_eq!(answer.kind, AnswerKind::Transient);
        assert_eq!(reply.unwrap().status, StatusCode::BAD_GATEWAY);
        let sent = transport.1.lock().unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0]["idempotency-key"], Uuid::nil().to_string());
    }

    #[tokio::test]
    async fn without_a_token_nothing_is_sent() {
        let (transport, account) = account(&[], TokenHeader::Bearer, Arc::new(|| Err("kv: no file".to_owned())));
        let (answer, _) = account.mutate(Call::get(["sys"]), Uuid::nil(), "sudo").await;
        assert_eq!(answer.kind, AnswerKind::Refused { permission: None });
        let error = account.get::<serde_json::Value>(|| Call::get(["sys"]), GROUNDS).await.unwrap_err();
        assert_eq!(error, ProviderError::Auth("kv: no file".to_owned()));
        assert!(transport.1.lock().unwrap().is_empty());
    }
}

//! Our own access token: fetched by client credentials, kept until shortly before it ends.
//!
//! ```text
//! bearer() ── fresh ────────────────────────▶ cached
//!          ── due, still valid ── one caller fetches, the others take the cached one
//!          ── none, ended, or refused (401) ── all wait for one fetch
//! ```

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Settings, wire};
use crate::{
    domain::{OwnSecret, register},
    engine::{Clock, ProviderError, Purpose, on_behalf},
    providers::http::{Call, Client, Grounds, Patience, Reply, ServerClock, error_of},
};

/// A token is renewed when this much of its life is left, or a third where its life is short.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// A token as requests carry it.
#[derive(Clone)]
pub(super) struct Bearer {
    pub(super) secret: SecretString,
    serial: u64,
}

struct Cached {
    bearer: Bearer,
    renew_at: Duration,
    ends_at: Duration,
}

/// What our own token's claims say; `roles` is `None` where they do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// Admin roles in the target realm, composites expanded.
    pub(super) roles: Option<BTreeSet<String>>,
    /// `service-account-estop`.
    pub(super) username: Option<String>,
    /// When the server made the token, by its own clock.
    pub(super) made: Option<i64>,
    /// Who it says that made it: the realm of our own client, by the name that it has in public.
    pub(super) issuer: Option<String>,
}

impl Own {
    /// Whether we have the role, or one that includes it; `None`: not known.
    pub(super) fn has(&self, role: &str) -> Option<bool> {
        let roles = self.roles.as_ref()?;
        let manage = role.strip_prefix("view-").map(|what| format!("manage-{what}"));
        let included = manage.is_some_and(|manage| roles.contains(&manage));
        Some(included || roles.contains(role) || roles.contains("realm-admin"))
    }
}

/// Fetches and keeps the token.
pub(super) struct TokenSource {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Cached>>,
    own: Mutex<Own>,
    fetching: tokio::sync::Mutex<Fetched>,
    /// How often a fetch has ended, well or not.
    ended: AtomicU64,
    server_clock: ServerClock,
}

/// What the fetches so far came to.
#[derive(Default)]
struct Fetched {
    serial: u64,
    /// Why the newest one failed.
    failure: Option<ProviderError>,
}

impl TokenSource {
    pub(super) fn new(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock,
            cached: Mutex::default(),
            own: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
            ended: AtomicU64::new(0),
            server_clock: ServerClock::default(),
        }
    }

    /// What the newest token said of us.
    pub(super) fn own(&self) -> Own {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock of the server itself, from the time stamps of our tokens: Keycloak sends no `Date`, and what a proxy
    /// in between sends is another machine's.
    pub(super) fn server_clock(&self) -> &ServerClock {
        &self.server_clock
    }

    /// A token that the server should accept; fetched where there is none.
    pub(super) async fn bearer(&self, client: &Client) -> Result<Bearer, ProviderError> {
        if let Some(fresh) = self.cached_until(|cached| cached.renew_at) {
            return Ok(fresh);
        }
        let still_valid = self.cached_until(|cached| cached.ends_at);
        let ended = self.ended.load(Ordering::Acquire);
        let mut fetched = match still_valid.as_ref() {
            None => self.fetching.lock().await,
            Some(valid) => match self.fetching.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(valid.clone()),
            },
        };
        if let Some(fresh) = self.cached_until(|cached| cached.renew_at) {
            return Ok(fresh);
        }
        // A mute server costs one deadline, not one for each that waited in line for the same answer.
        let meanwhile = self.ended.load(Ordering::Acquire) != ended;
        if let (Some(failure), None, true) = (&fetched.failure, &still_valid, meanwhile) {
            return Err(failure.clone());
        }
        let answer = self.fetch(client, &mut fetched.serial).await;
        fetched.failure = answer.as_ref().err().cloned();
        self.ended.fetch_add(1, Ordering::Release);
        match (answer, still_valid) {
            (Ok(bearer), _) => Ok(bearer),
            (Err(_), Some(valid)) => Ok(valid),
            (Err(error), None) => Err(error),
        }
    }

    /// Drops the token that a server has just refused, unless it has been replaced since.
    pub(super) fn refuse(&self, refused: &Bearer) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_some_and(|cached| cached.bearer.serial == refused.serial) {
            *cached = None;
        }
    }

    fn cached_until(&self, limit: impl Fn(&Cached) -> Duration) -> Option<Bearer> {
        let now = self.clock.monotonic();
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|cached| now < limit(cached)).map(|cached| cached.bearer.clone())
    }

    async fn fetch(&self, client: &Client, serial: &mut u64) -> Result<Bearer, ProviderError> {
        let settings = &self.settings;
        let what = format!("{}: fetching estop's own access token", settings.name);
        let secret = (settings.client_secret)()
            .map_err(|why| ProviderError::Auth(format!("{what}: the client secret cannot be read: {why}")))?;
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &settings.client_id)
            .append_pair("client_secret", secret.expose_secret())
            .finish();
        let mut patience = Patience::new(super::DEADLINE, &what);
        let (before, sent, reply) = loop {
            let (before, sent) = (self.clock.monotonic(), self.clock.steady());
            let call = Call::new(
                http::Method::POST,
                ["realms", settings.auth_realm.as_str(), "protocol", "openid-connect", "token"],
            );
            let call = call.form(body.clone()).within(patience.limit());
            // Whoever needs it may itself be waited for.
            let result = on_behalf(Purpose::Access, client.send(call, None)).await;
            if let Some(error) = result.as_ref().ok().and_then(|reply| self.refusal(reply, &what)) {
                return Err(error);
            }
            let grounds = Grounds { what: &what, permission: "serviceAccountsEnabled" };
            match (error_of(&result, grounds, self.clock.now()), result) {
                (None, Ok(reply)) => break (before, sent, reply),
                (None, Err(error)) => return Err(ProviderError::Transient(error.to_string())),
                (Some(error), result) => {
                    if !patience.again(&result, &error).await {
                        return Err(error);
                    }
                }
            }
        };
        let token: wire::TokenWire = reply.json(&what)?;
        *serial += 1;
        let own = own_of(token.access_token.expose(), &settings.admin_container());
        if let Some(second) = own.made {
            self.server_clock.observe_second(second, sent, self.clock.steady());
        }
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
        Ok(self.keep(&token, *serial, before))
    }

    /// The token endpoint says 400 or 401 about the configured client, not about a token.
    fn refusal(&self, reply: &Reply, what: &str) -> Option<ProviderError> {
        let Settings { client_id, auth_realm, .. } = &*self.settings;
        matches!(reply.status.as_u16(), 400 | 401 | 403).then(|| {
            ProviderError::Auth(format!(
                "{what}: the server refuses client {client_id} of realm {auth_realm} ({}): check its secret, and that \
                 it is enabled and has a service account",
                reply.status.as_u16()
            ))
        })
    }

    fn keep(&self, token: &wire::TokenWire, serial: u64, before: Duration) -> Bearer {
        let life = Duration::from_secs(token.expires_in);
        register(OwnSecret::Obtained, token.access_token.expose());
        let bearer = Bearer { secret: SecretString::from(token.access_token.expose().to_owned()), serial };
        let cached = Cached {
            bearer: bearer.clone(),
            renew_at: before + life.saturating_sub(RENEW_BEFORE.min(life / 3)),
            ends_at: before + life,
        };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        bearer
    }
}

/// Reads our own token's claims. It came straight from the server that made it, so its signature is not checked;
/// nothing but hints for people hangs on them.
fn own_of(token: &str, container: &str) -> Own {
    let claims = token.split('.').nth(1).and_then(|payload| BASE64_URL_SAFE_NO_PAD.decode(payload).ok());
    let claims: wire::ClaimsWire = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let roles = claims
        .resource_access
        .map(|mut access| access.remove(container).map(|claim| claim.roles.into_iter().collect()).unwrap_or_default());
    Own { roles, username: claims.preferred_username, made: claims.iat, issuer: claims.iss }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::transport::{Transport, TransportError};

    fn token(claims: &serde_json::Value) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn own_roles_are_those_of_the_target_realms_container() {
        let claims = serde_json::json!({
            "preferred_username": "service-account-estop",
            "resource_access": { "chatbots-realm": { "roles": ["manage-clients", "view-users"] } },
        });
        let own = own_of(&token(&claims), "chatbots-realm");
        for (role, has) in
            [("manage-clients", true), ("view-clients", true), ("view-users", true), ("manage-users", false)]
        {
            assert_eq!(own.has(role), Some(has), "{role}");
        }
        assert_eq!(own_of(&token(&claims), "realm-management").has("view-users"), Some(false));
    }

    /// Takes ten seconds to say nothing.
    struct Mute(AtomicU64);

    #[async_trait::async_trait]
    impl Transport for Mute {
        async fn send(&self, _: http::Request<bytes::Bytes>) -> Result<http::Response<bytes::Bytes>, TransportError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(TransportError::Lost("no answer in time".to_owned()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_in_line_for_a_mute_server_shares_its_silence() {
        let settings = Settings {
            name: crate::domain::ProviderName::new("sso"),
            base_url: "https://sso.example".parse().expect("a URL"),
            realm: "bots".to_owned(),
            auth_realm: "master".to_owned(),
            client_id: "estop".to_owned(),
            client_secret: Arc::new(|| Ok(SecretString::from("S3CRET".to_owned()))),
        };
        let clock = Arc::new(crate::engine::ManualClock::at(jiff::Timestamp::UNIX_EPOCH));
        let mute = Arc::new(Mute(AtomicU64::new(0)));
        let client = Client::new(settings.base_url.clone(), mute.clone(), clock.clone());
        let source = TokenSource::new(Arc::new(settings), clock);
        let began = tokio::time::Instant::now();
        let (one, two, three) = tokio::join!(source.bearer(&client), source.bearer(&client), source.bearer(&client));
        assert!(one.is_err() && two.is_err() && three.is_err());
        // A third of the deadline, and once more with the rest of it.
        assert_eq!((began.elapsed().as_secs(), mute.0.load(Ordering::Relaxed)), (14, 2));
        assert!(source.bearer(&client).await.is_err(), "who comes later asks anew");
        assert_eq!(mute.0.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_token_without_claims_says_nothing() {
        for text in ["opaque", "a.b.c", "", &token(&serde_json::json!({"sub": "x"}))] {
            assert_eq!(own_of(text, "realm-management").has("manage-clients"), None, "{text}");
        }
    }
}

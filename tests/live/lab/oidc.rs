//! What any client may ask of a realm: tokens, introspection, userinfo, registration.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::Generate;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::sha2::Sha256;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

/// A status and a body; the body is text where it is not JSON.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub location: Option<String>,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Result<Self> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Self { status, body, location })
    }

    /// The body of a 2xx; an error otherwise.
    pub fn ok(self) -> Result<Value> {
        anyhow::ensure!((200..300).contains(&self.status), "status {}: {}", self.status, self.hint());
        Ok(self.body)
    }

    /// A text field of a 2xx.
    pub fn text(self, field: &str) -> Result<String> {
        let body = self.ok()?;
        body[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}"))
    }

    /// The error in a few words; never a token.
    pub fn hint(&self) -> String {
        let part = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", part("error"), part("error_description")).trim().to_owned()
    }
}

/// A client that follows no redirects and waits ten seconds at most.
pub fn http_client() -> Result<reqwest::Client> {
    // The client wants to know how to do TLS even where it never does; somebody else may have said so before.
    rustls::crypto::ring::default_provider().install_default().ok();
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()?)
}

/// The RSA key of a bot that signs its client assertions.
pub struct SigningKey {
    private: rsa::PrivateKey,
    kid: String,
}

impl SigningKey {
    /// A new key; it takes a second or two.
    pub fn generate() -> Self {
        Self { private: rsa::PrivateKey::generate(), kid: super::unique() }
    }

    /// The key set that the realm holds: the public half.
    pub fn jwks(&self) -> String {
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(self.private.n_bytes()), "e": URL_SAFE_NO_PAD.encode(self.private.e_bytes()),
        }]})
        .to_string()
    }

    /// The private half, as a thief would have it.
    pub fn pem(&self) -> Result<String> {
        Ok(self.private.to_pkcs1_pem(LineEnding::LF)?.to_string())
    }

    fn assertion(&self, client_id: &str, audience: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid});
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience,
            "jti": super::new_secret(), "iat": now, "exp": now + 60,
        });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.private.pkcs1v15_sign::<Sha256>(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// How a client proves who it is.
#[derive(Clone)]
pub enum Login {
    Secret { client_id: String, secret: String },
    Key { client_id: String, key: Arc<SigningKey> },
    Public { client_id: String },
}

impl Login {
    pub fn secret(client_id: &str, secret: &str) -> Self {
        Login::Secret { client_id: client_id.to_owned(), secret: secret.to_owned() }
    }

    pub fn client_id(&self) -> &str {
        match self {
            Login::Secret { client_id, .. } | Login::Key { client_id, .. } | Login::Public { client_id } => client_id,
        }
    }

    fn fields<'a>(&self, audience: &str) -> Result<Vec<(&'a str, String)>> {
        let mut fields = vec![("client_id", self.client_id().to_owned())];
        match self {
            Login::Secret { secret, .. } => fields.push(("client_secret", secret.clone())),
            Login::Key { client_id, key } => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                fields.push(("client_assertion_type", kind.to_owned()));
                fields.push(("client_assertion", key.assertion(client_id, audience)?));
            }
            Login::Public { .. } => {}
        }
        Ok(fields)
    }
}

/// The public side of one realm.
#[derive(Clone)]
pub struct Oidc {
    pub http: reqwest::Client,
    /// `http://HOST:PORT/realms/NAME`
    pub issuer: String,
}

impl Oidc {
    /// The token endpoint, with the client's login and the given fields.
    pub async fn token(&self, login: &Login, fields: &[(&str, &str)]) -> Result<Answer> {
        let mut form = login.fields(&self.issuer)?;
        form.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let url = format!("{}/protocol/openid-connect/token", self.issuer);
        Answer::of(self.http.post(url).form(&form)).await
    }

    /// A client-credentials token with the scope `openid`, which userinfo needs.
    pub async fn mint(&self, login: &Login, more_scope: &str) -> Result<Answer> {
        let scope = format!("openid {more_scope}");
        let fields = [("grant_type", "client_credentials"), ("scope", scope.trim())];
        self.token(login, &fields).await
    }

    pub async fn refresh(&self, login: &Login, refresh_token: &str) -> Result<Answer> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.token(login, &fields).await
    }

    pub async fn code(&self, login: &Login, code: &str, redirect_uri: &str) -> Result<Answer> {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        self.token(login, &fields).await
    }

    /// Exchanges another client's access token for one of the gateway's.
    pub async fn exchange(&self, gateway: &Login, subject_token: &str) -> Result<Answer> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject_token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "openid"),
        ];
        self.token(gateway, &fields).await
    }

    /// Whether the realm calls the token active; an error if it does not say.
    pub async fn introspect(&self, asking: &Login, token: &str) -> Result<bool> {
        let mut form = asking.fields(&self.issuer)?;
        form.push(("token", token.to_owned()));
        let url = format!("{}/protocol/openid-connect/token/introspect", self.issuer);
        let answer = Answer::of(self.http.post(url).form(&form)).await?;
        answer.ok()?["active"].as_bool().context("introspection does not say whether the token is active")
    }

    pub async fn userinfo(&self, token: &str) -> Result<Answer> {
        let url = format!("{}/protocol/openid-connect/userinfo", self.issuer);
        Answer::of(self.http.get(url).bearer_auth(token)).await
    }

    /// Reads a client with its registration access token.
    pub async fn registered(&self, client_id: &str, token: &str) -> Result<Answer> {
        let url = format!("{}/clients-registrations/default/{client_id}", self.issuer);
        Answer::of(self.http.get(url).bearer_auth(token)).await
    }

    /// Registers a client with an initial access token.
    pub async fn register(&self, token: &str, client: &Value) -> Result<Answer> {
        let url = format!("{}/clients-registrations/default", self.issuer);
        Answer::of(self.http.post(url).bearer_auth(token).json(client)).await
    }
}

/// When a token ends by itself, in seconds since 1970; nothing for one without an end.
pub fn end_of(token: &str) -> Option<u64> {
    claims(token)?["exp"].as_u64().filter(|end| *end > 0)
}

/// What a token says of itself, unchecked.
pub fn claims(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// Whether that moment has come.
pub fn has_ended(token: &str) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    end_of(token).is_some_and(|end| end <= now)
}

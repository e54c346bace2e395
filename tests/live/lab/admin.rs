//! The administrator of the server, who sets the scene and, where a test needs it, cuts without estop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use super::oidc::{Answer, Login, Oidc, http_client};

/// How long a token of the administrator is used again; it lives 60 s.
const TOKEN_AGE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Admin {
    pub base_url: String,
    http: reqwest::Client,
    password: String,
    token: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Admin {
    pub fn new(base_url: &str, password: &str) -> Result<Self> {
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http: http_client()?,
            password: password.to_owned(),
            token: Arc::default(),
        })
    }

    /// The public side of a realm on this server.
    pub fn oidc(&self, realm: &str) -> Oidc {
        Oidc { http: self.http.clone(), issuer: format!("{}/realms/{realm}", self.base_url) }
    }

    /// Makes a realm. One at a time: each keeps a small server busy for seconds.
    pub async fn create_realm(&self, representation: &Value) -> Result<()> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
        let _turn = ONE_AT_A_TIME.lock().await;
        let token = self.bearer().await?;
        let request = self.http.post(format!("{}/admin/realms", self.base_url)).timeout(Duration::from_mins(1));
        Answer::of(request.bearer_auth(token).json(representation)).await?.ok()?;
        // Rights in the new realm are not in a token from before it.
        *self.token.lock().await = None;
        Ok(())
    }

    /// One request; `path` begins behind `/admin/realms`.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let token = self.bearer().await?;
        self.call_as(&token, method, path, body).await
    }

    /// The same under somebody else's token.
    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let url = format!("{}/admin/realms{path}", self.base_url);
        // Removing a realm keeps a busy server as long as making one.
        let is_slow = method == Method::DELETE;
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if is_slow {
            request = request.timeout(Duration::from_mins(1));
        }
        Answer::of(request).await
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        answer.ok().with_context(|| format!("GET {path}"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let answer = self.call(Method::POST, path, Some(body)).await?;
        anyhow::ensure!(answer.status < 300, "POST {path}: {} {}", answer.status, answer.hint());
        Ok(answer)
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<()> {
        let answer = self.call(Method::PUT, path, Some(body)).await?;
        answer.ok().map(drop).with_context(|| format!("PUT {path}"))
    }

    pub async fn delete(&self, path: &str) -> Result<()> {
        let answer = self.call(Method::DELETE, path, None).await?;
        answer.ok().map(drop).with_context(|| format!("DELETE {path}"))
    }

    async fn bearer(&self) -> Result<String> {
        let mut held = self.token.lock().await;
        if let Some((token, since)) = &*held
            && since.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let login = Login::Public { client_id: "admin-cli".to_owned() };
        let fields = [("grant_type", "password"), ("username", "admin"), ("password", self.password.as_str())];
        let answer = self.oidc("master").token(&login, &fields).await?;
        let token = answer.text("access_token").context("the administrator's login")?;
        *held = Some((token.clone(), Instant::now()));
        Ok(token)
    }
}

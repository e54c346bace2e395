//! Accounts of a real Synapse, what a thief has of a bot there, and the admin that estop signs in as.

use std::path::Path;

use anyhow::{Context, Result};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::oidc::http_client;
use super::{Use, new_secret, setting, unique};

/// A running homeserver, as its first admin.
#[derive(Clone)]
pub struct Homeserver {
    pub url: String,
    /// The token of the application service whose accounts are `@irc_…`.
    pub service: String,
    admin: String,
    http: Client,
}

/// An account that can log in.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub password: String,
}

/// What a thief has.
#[derive(Debug, Clone)]
pub enum Loot {
    Access(String),
    /// Exchanged for an access token, which is used.
    Refresh(String),
    /// Logs in, and uses what comes of it.
    Password(Account),
    /// Acts as the account of that id.
    Service {
        token: String,
        id: String,
    },
}

#[derive(Clone)]
pub struct Stolen {
    pub what: &'static str,
    pub loot: Loot,
    server: Homeserver,
}

impl Homeserver {
    /// The server of `ESTOP_LAB_MATRIX`, whose passwords are in the folder `ESTOP_LAB_MATRIX_STATE`.
    pub async fn from_env() -> Result<Self> {
        let state = setting("ESTOP_LAB_MATRIX_STATE")?;
        let read = |name: &str| {
            let file = Path::new(&state).join(name);
            std::fs::read_to_string(&file)
                .with_context(|| file.display().to_string())
                .map(|text| text.trim().to_owned())
        };
        let (url, service) = (setting("ESTOP_LAB_MATRIX")?, read("service.token")?);
        let mut server = Self { url, service, admin: String::new(), http: http_client()? };
        let admin = Account { id: "@admin:lab.test".to_owned(), password: read("admin.password")? };
        server.admin = server.log_in(&admin, false).await?.0;
        Ok(server)
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        if !body.is_null() {
            request = request.body(body.to_string()).header("content-type", "application/json");
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }

    /// As the admin; any answer but a 2xx is an error.
    pub async fn admin(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let (status, answer) = self.ask(&self.admin, method, path, &body).await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {answer}");
        Ok(answer)
    }

    /// A new account.
    pub async fn account(&self, kind: &str, more: Value) -> Result<Account> {
        let account = Account { id: format!("@{kind}-{}:lab.test", unique()), password: new_secret() };
        let mut body = json!({ "password": account.password });
        body.as_object_mut().context("an object")?.extend(more.as_object().cloned().unwrap_or_default());
        self.admin(Method::PUT, &format!("/_synapse/admin/v2/users/{}", account.id), body).await?;
        Ok(account)
    }

    /// An account of the application service.
    pub async fn served(&self) -> Result<Account> {
        let local = format!("irc_{}", unique());
        let body = json!({ "type": "m.login.application_service", "username": local, "inhibit_login": true });
        let (status, answer) = self.ask(&self.service, Method::POST, "/_matrix/client/v3/register", &body).await?;
        anyhow::ensure!(status.is_success(), "{status} {answer}");
        Ok(Account { id: format!("@{local}:lab.test"), password: String::new() })
    }

    /// Access token, and refresh token where one was asked for.
    pub async fn log_in(&self, account: &Account, refresh: bool) -> Result<(String, Option<String>)> {
        let body = json!({
            "type": "m.login.password", "password": account.password, "refresh_token": refresh,
            "identifier": { "type": "m.id.user", "user": account.id },
        });
        let (status, answer) = self.ask("", Method::POST, "/_matrix/client/v3/login", &body).await?;
        anyhow::ensure!(status.is_success(), "{status} {}", answer["errcode"]);
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Ok((text("access_token").context("no token")?, text("refresh_token")))
    }

    /// A token that the admin makes for it: in no list.
    async fn log_in_as(&self, account: &Account) -> Result<String> {
        let path = format!("/_synapse/admin/v1/users/{}/login", account.id);
        let made = self.admin(Method::POST, &path, json!({})).await?;
        made["access_token"].as_str().map(str::to_owned).context("no token")
    }

    /// Everything that can be had of an account: each of it works.
    pub async fn steal_everything(&self, account: &Account) -> Result<Vec<Stolen>> {
        let stolen = |what, loot| Stolen { what, loot, server: self.clone() };
        let (access, refresh) = self.log_in(account, true).await?;
        let loot = vec![
            stolen("an access token", Loot::Access(self.log_in(account, false).await?.0)),
            stolen("an access token that ends", Loot::Access(access)),
            stolen("a refresh token", Loot::Refresh(refresh.context("no refresh token")?)),
            stolen("a token that an admin made", Loot::Access(self.log_in_as(account).await?)),
            stolen("the password", Loot::Password(account.clone())),
        ];
        for one in loot.iter().filter(|one| !matches!(one.loot, Loot::Refresh(_))) {
            let seen = one.still_works().await;
            anyhow::ensure!(seen.works(), "{}: {seen}", one.what);
        }
        Ok(loot)
    }

    /// The application service's hand on one of its accounts.
    pub fn service_on(&self, account: &Account) -> Stolen {
        let loot = Loot::Service { token: self.service.clone(), id: account.id.clone() };
        Stolen { what: "the application service", loot, server: self.clone() }
    }

    /// Whoever has this access token.
    pub fn with(&self, token: &str) -> Stolen {
        Stolen { what: "an access token", loot: Loot::Access(token.to_owned()), server: self.clone() }
    }

    pub async fn devices(&self, account: &Account) -> Result<usize> {
        let path = format!("/_synapse/admin/v2/users/{}/devices", account.id);
        Ok(self.admin(Method::GET, &path, Value::Null).await?["devices"].as_array().context("no list")?.len())
    }

    pub async fn set_locked(&self, account: &Account, locked: bool) -> Result<()> {
        let path = format!("/_synapse/admin/v2/users/{}", account.id);
        self.admin(Method::PUT, &path, json!({ "locked": locked })).await.map(drop)
    }

    async fn used(&self, token: &str, path: &str) -> Use {
        match self.ask(token, Method::GET, path, &Value::Null).await {
            Ok((StatusCode::OK, _)) => Use::Works,
            Ok((status, body)) if body["errcode"].is_string() && status.is_client_error() => refused(status, &body),
            Ok((status, _)) => Use::unclear(status),
            Err(error) => Use::unclear(error),
        }
    }
}

fn refused(status: StatusCode, body: &Value) -> Use {
    Use::Refused { status: status.to_string(), hint: body["errcode"].as_str().unwrap_or_default().to_owned() }
}

impl Stolen {
    /// Reads what the account is in.
    pub async fn still_works(&self) -> Use {
        const ROOMS: &str = "/_matrix/client/v3/joined_rooms";
        let server = &self.server;
        match &self.loot {
            Loot::Access(token) => server.used(token, ROOMS).await,
            Loot::Service { token, id } => server.used(token, &format!("{ROOMS}?user_id={id}")).await,
            Loot::Password(account) => match server.log_in(account, false).await {
                Ok((token, _)) => server.used(&token, ROOMS).await,
                Err(error) if error.to_string().starts_with("40") => {
                    Use::Refused { status: error.to_string(), hint: String::new() }
                }
                Err(error) => Use::unclear(error),
            },
            Loot::Refresh(token) => match self.exchange(token).await {
                Ok((StatusCode::OK, body)) => {
                    server.used(body["access_token"].as_str().unwrap_or_default(), ROOMS).await
                }
                Ok((status, body)) => refused(status, &body),
                Err(error) => Use::unclear(error),
            },
        }
    }

    async fn exchange(&self, token: &str) -> Result<(StatusCode, Value)> {
        self.server.ask("", Method::POST, "/_matrix/client/v3/refresh", &json!({ "refresh_token": token })).await
    }

    /// The raw secret, to search for in what estop wrote.
    pub fn secret(&self) -> &str {
        match &self.loot {
            Loot::Access(token) | Loot::Refresh(token) | Loot::Service { token, .. } => token,
            Loot::Password(account) => &account.password,
        }
    }
}

//! A stolen credential of a Keycloak realm, and what comes of using it.

use std::fmt;

use anyhow::Result;
use serde_json::json;

use super::Use;
use super::admin::Admin;
use super::oidc::{Answer, Login, Oidc, has_ended};

/// Whose the credential is, seen from the bot it was stolen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// The bot's own: isolating the bot must end it.
    Bot,
    /// Something the bot made for itself: a sweep must find and end it.
    Child,
    /// Another identity's, that the bot could read or use: isolating the bot leaves it, and must say so.
    Exposed,
}

/// The thing itself.
#[derive(Clone)]
pub enum Loot {
    /// A secret or a key: it mints.
    Login(Login),
    /// A bearer token of a service account or a user.
    Access {
        token: String,
        /// Who else says whether it lives: a client that saw it active right after the theft.
        witness: Option<Login>,
    },
    /// A refresh or offline token, with the login of the client it was given to.
    Refresh { login: Login, token: String },
    /// Reads and changes the registration of one client.
    Registration { client_id: String, token: String },
    /// Registers new clients.
    InitialAccess { token: String },
    /// A bearer token that the administration of the realm accepts.
    Power { admin: Admin, realm: String, token: String },
}

#[derive(Clone)]
pub struct Stolen {
    /// The clientId it was stolen from.
    pub from: String,
    pub belongs: Belongs,
    what: String,
    oidc: Oidc,
    loot: Loot,
}

impl Stolen {
    pub fn new(oidc: &Oidc, from: &str, belongs: Belongs, what: &str, loot: Loot) -> Self {
        Self { from: from.to_owned(), belongs, what: what.to_owned(), oidc: oidc.clone(), loot }
    }

    /// What it is and whose, without the secret.
    pub fn describe(&self) -> String {
        format!("{} of {}", self.what, self.from)
    }

    /// The short name of what it is, such as `offline token`.
    pub fn what(&self) -> &str {
        &self.what
    }

    pub fn loot(&self) -> &Loot {
        &self.loot
    }

    /// The raw secret, to search for in what the console wrote; a key is searched for by its lines.
    pub fn secret(&self) -> Option<&str> {
        match &self.loot {
            Loot::Login(Login::Secret { secret, .. }) => Some(secret),
            Loot::Login(_) => None,
            Loot::Access { token, .. }
            | Loot::Refresh { token, .. }
            | Loot::Registration { token, .. }
            | Loot::InitialAccess { token }
            | Loot::Power { token, .. } => Some(token),
        }
    }

    /// Uses it, as the thief would.
    pub async fn still_works(&self) -> Use {
        let seen = self.attempt().await.unwrap_or_else(Use::unclear);
        if seen.refused() && self.has_ended() {
            return Use::unclear("refused, but it has ended by itself");
        }
        seen
    }

    /// Whether it has ended by itself, so that using it proves nothing.
    pub fn has_ended(&self) -> bool {
        self.token().is_some_and(has_ended)
    }

    /// The part of it that ends by itself.
    fn token(&self) -> Option<&str> {
        match &self.loot {
            Loot::Access { token, .. } | Loot::Refresh { token, .. } | Loot::Power { token, .. } => Some(token),
            Loot::Login(_) | Loot::Registration { .. } | Loot::InitialAccess { .. } => None,
        }
    }

    async fn attempt(&self) -> Result<Use> {
        let oidc = &self.oidc;
        Ok(match &self.loot {
            Loot::Login(login) => minted(&oidc.mint(login, "").await?),
            Loot::Refresh { login, token } => minted(&oidc.refresh(login, token).await?),
            Loot::Access { token, witness } => self.present(token, witness.as_ref()).await?,
            Loot::Registration { client_id, token } => {
                let answer = oidc.registered(client_id, token).await?;
                judge(&answer, answer.status == 200, answer.status == 401)
            }
            Loot::InitialAccess { token } => {
                // A name that is taken: the token is checked first, and nothing is made.
                let answer = oidc.register(token, &json!({"clientId": "rs-introspector"})).await?;
                let past_the_token = answer.status == 400 && answer.hint().contains("Client Identifier in use");
                judge(&answer, past_the_token, answer.status == 401)
            }
            Loot::Power { admin, realm, token } => {
                let path = format!("/{realm}/clients?max=1");
                let answer = admin.call_as(token, reqwest::Method::GET, &path, None).await?;
                judge(&answer, answer.status == 200, matches!(answer.status, 401 | 403))
            }
        })
    }

    /// A token is dead only when both userinfo and the witness, who knew it alive, say so.
    async fn present(&self, token: &str, witness: Option<&Login>) -> Result<Use> {
        let answer = self.oidc.userinfo(token).await?;
        let seen = judge(&answer, answer.status == 200, answer.status == 401);
        if !seen.refused() {
            return Ok(seen);
        }
        match witness {
            Some(witness) if self.oidc.introspect(witness, token).await? => Ok(Use::Works),
            _ => Ok(seen),
        }
    }
}

impl fmt::Debug for Stolen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.describe(), self.belongs)
    }
}

/// What the token endpoint's answer says about the credential. A request that is wrong in itself proves nothing.
fn minted(answer: &Answer) -> Use {
    let error = answer.body["error"].as_str().unwrap_or_default();
    let refused = answer.status == 401
        || answer.status == 400
            && matches!(error, "invalid_grant" | "invalid_client" | "unauthorized_client" | "not_allowed");
    judge(answer, answer.status == 200 && answer.body["access_token"].is_string(), refused)
}

fn judge(answer: &Answer, served: bool, refused: bool) -> Use {
    let status = answer.status.to_string();
    match (served, refused) {
        (true, _) => Use::Works,
        (false, true) => Use::Refused { status, hint: answer.hint() },
        (false, false) => Use::unclear(format!("status {status} {}", answer.hint())),
    }
}

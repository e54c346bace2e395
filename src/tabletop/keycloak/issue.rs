//! Makes tokens: what they say, and the record of them.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::world::{Client, Token, TokenKind, World};

/// How a token came to be: the middle of its id says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    ClientCredentials,
    Code,
    Refresh,
    Exchange,
}

impl Grant {
    const fn mark(self) -> &'static str {
        match self {
            Self::ClientCredentials => "cc",
            Self::Code => "ac",
            Self::Refresh => "rt",
            Self::Exchange => "te",
        }
    }
}

/// What to make a token of.
pub(super) struct Subject<'a> {
    pub(super) client: &'a str,
    pub(super) user: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) scopes: &'a [String],
    pub(super) grant: Grant,
    pub(super) exchanged_from: Option<&'a str>,
}

impl World {
    /// An access token, with the seconds it lives: the client's own lifespan, capped by the realm's session maximum.
    pub(super) fn issue_access(&mut self, subject: &Subject<'_>) -> (String, Token) {
        let client = &self.clients[subject.client];
        let lifespan = client
            .attribute("access.token.lifespan")
            .and_then(|text| text.parse().ok())
            .unwrap_or(self.realm.access_token_lifespan)
            .min(self.realm.sso_max);
        let (roles, audience) = self.claims_of(subject);
        let offline = subject.session.and_then(|id| self.sessions.get(id)).is_some_and(|session| session.offline);
        let kind = match subject.session {
            None => "tr",
            Some(_) if offline => "of",
            Some(_) => "on",
        };
        let token = Token {
            kind: TokenKind::Access,
            jti: format!("{kind}rt{}:{}", subject.grant.mark(), self.random.uuid()),
            issued: self.seconds(),
            expires: self.seconds() + lifespan,
            audience,
            ..self.blank(subject)
        };
        let mut claims = self.basic_claims(&token, "Bearer");
        claims["scope"] = json!(self.shown_scopes(&token.scopes));
        claims["preferred_username"] = json!(token.username);
        if !token.audience.is_empty() {
            claims["aud"] = if let [one] = token.audience.as_slice() { json!(one) } else { json!(token.audience) };
        }
        self.role_claims(&mut claims, &roles);
        if subject.grant == Grant::ClientCredentials {
            claims["client_id"] = claims["azp"].clone();
        }
        (self.sign(&claims, token.clone()), token)
    }

    /// A refresh token of a session; an offline one does not end by itself.
    pub(super) fn issue_refresh(&mut self, subject: &Subject<'_>) -> (String, Token) {
        let offline = subject.session.and_then(|id| self.sessions.get(id)).is_some_and(|session| session.offline);
        let idle = self.clients[subject.client]
            .attribute("client.session.idle.timeout")
            .and_then(|text| text.parse().ok())
            .unwrap_or(self.realm.sso_idle);
        let token = Token {
            kind: if offline { TokenKind::Offline } else { TokenKind::Refresh },
            jti: self.random.uuid(),
            issued: self.seconds(),
            expires: if offline { 0 } else { self.seconds() + idle },
            ..self.blank(subject)
        };
        let mut claims = self.basic_claims(&token, if offline { "Offline" } else { "Refresh" });
        claims["scope"] = json!(self.shown_scopes(&token.scopes));
        (self.sign(&claims, token.clone()), token)
    }

    /// A token of the master realm for a console.
    pub(super) fn issue_operator(&mut self, client_id: &str, lifespan: i64) -> Option<(String, Token)> {
        let operator = self.operators.get(client_id)?.clone();
        let token = Token {
            kind: TokenKind::Access,
            jti: format!("trrtcc:{}", self.random.uuid()),
            client: operator.id,
            master: true,
            user: operator.user,
            username: format!("service-account-{client_id}"),
            session: None,
            issued: self.seconds(),
            expires: self.seconds() + lifespan,
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            audience: vec![format!("{}-realm", self.realm.name), "account".to_owned()],
            exchanged_from: None,
        };
        let mut claims = self.basic_claims(&token, "Bearer");
        claims["azp"] = json!(client_id);
        claims["client_id"] = json!(client_id);
        claims["aud"] = json!(token.audience);
        claims["preferred_username"] = json!(token.username);
        claims["scope"] = json!("profile email");
        claims["resource_access"] = json!({ format!("{}-realm", self.realm.name): { "roles": operator.roles } });
        Some((self.sign(&claims, token.clone()), token))
    }

    /// A registration or initial access token: opaque here, a JWT in shape.
    pub(super) fn issue_registration(&mut self, kind: &str) -> String {
        let claims = json!({
            "exp": 0, "iat": self.seconds(), "jti": self.random.uuid(), "iss": self.issuer(), "aud": self.issuer(),
            "typ": kind,
        });
        self.jwt(&claims)
    }

    pub(super) fn issuer(&self) -> String {
        format!("{}/realms/{}", self.base, self.realm.name)
    }

    fn blank(&self, subject: &Subject<'_>) -> Token {
        Token {
            kind: TokenKind::Access,
            jti: String::new(),
            client: subject.client.to_owned(),
            master: false,
            user: subject.user.to_owned(),
            username: self.users.get(subject.user).map(|user| user.username.clone()).unwrap_or_default(),
            session: subject.session.map(str::to_owned),
            issued: 0,
            expires: 0,
            scopes: subject.scopes.to_vec(),
            audience: Vec::new(),
            exchanged_from: subject.exchanged_from.map(str::to_owned),
        }
    }

    fn basic_claims(&self, token: &Token, kind: &str) -> Value {
        let azp = self.clients.get(&token.client).map(|client| client.client_id.clone()).unwrap_or_default();
        let issuer = if token.master { format!("{}/realms/master", self.base) } else { self.issuer() };
        let mut claims =
            json!({ "iat": token.issued, "jti": token.jti, "iss": issuer, "sub": token.user, "typ": kind, "azp": azp });
        if token.expires != 0 {
            claims["exp"] = json!(token.expires);
        }
        if let Some(session) = &token.session {
            claims["sid"] = json!(session);
        }
        claims
    }

    /// The user's roles within the client's scope, and whom the token is for.
    fn claims_of(&self, subject: &Subject<'_>) -> (BTreeSet<String>, Vec<String>) {
        let client = &self.clients[subject.client];
        let held = self.users.get(subject.user).map(|user| self.effective_roles(user)).unwrap_or_default();
        let scopes: Vec<_> =
            self.scopes.values().filter(|scope| self.applies(client, &scope.id, subject.scopes)).collect();
        let mut allowed = client.scope_mappings.clone();
        allowed.extend(scopes.iter().flat_map(|scope| scope.roles.iter().cloned()));
        let allowed = self.with_composites(&allowed);
        let roles: BTreeSet<_> = held.into_iter().filter(|role| client.full_scope || allowed.contains(role)).collect();
        let mut audience: Vec<String> = scopes.iter().flat_map(|scope| scope.audiences.iter().cloned()).collect();
        for role in &roles {
            let owner = self.roles.get(role).and_then(|role| role.client.as_ref()).and_then(|id| self.clients.get(id));
            // A client is in its own audience by a scope that names it, never by its own roles.
            audience.extend(owner.map(|owner| owner.client_id.clone()).filter(|name| *name != client.client_id));
        }
        let mut seen = BTreeSet::new();
        audience.retain(|name| seen.insert(name.clone()));
        (roles, audience)
    }

    /// Default scopes always, optional ones where asked for by name.
    fn applies(&self, client: &Client, scope: &str, asked: &[String]) -> bool {
        let named = self.scopes.get(scope).is_some_and(|scope| asked.contains(&scope.name));
        client.default_scopes.iter().any(|id| id == scope)
            || (named && client.optional_scopes.iter().any(|id| id == scope))
    }

    fn role_claims(&self, claims: &mut Value, roles: &BTreeSet<String>) {
        let (mut realm, mut by_client) = (Vec::new(), BTreeMap::<&str, Vec<&str>>::new());
        for role in roles.iter().filter_map(|id| self.roles.get(id)) {
            match role.client.as_ref().and_then(|id| self.clients.get(id)) {
                Some(client) => by_client.entry(&client.client_id).or_default().push(&role.name),
                None => realm.push(role.name.as_str()),
            }
        }
        if !realm.is_empty() {
            claims["realm_access"] = json!({ "roles": realm });
        }
        if !by_client.is_empty() {
            let access: BTreeMap<_, _> =
                by_client.into_iter().map(|(client, roles)| (client, json!({ "roles": roles }))).collect();
            claims["resource_access"] = json!(access);
        }
    }

    fn sign(&mut self, claims: &Value, token: Token) -> String {
        let text = self.jwt(claims);
        self.tokens.insert(text.clone(), token);
        text
    }

    /// Three parts, as everywhere. The last is chance: a token is known by its record, not by a signature.
    fn jwt(&mut self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "exercise" });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(&header), part(claims), self.random.word(86))
    }
}

//! The token endpoint (RFC 6749, 7523, 8693), with the refusals of the real server.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    call::{Call, Form},
    client_auth::Authenticated,
    events::Event,
    issue::{Grant, Subject},
    world::{Client, Token, TokenKind, World},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

impl World {
    pub(super) fn token_endpoint(&mut self, call: &Call) -> Reply {
        let form = call.form();
        match form.get("grant_type").unwrap_or_default() {
            "client_credentials" => self.client_credentials(call, &form),
            "refresh_token" => self.refresh(call, &form),
            "authorization_code" => self.code_to_token(call, &form),
            EXCHANGE => self.exchange(call, &form),
            _ => Err(Answer::oauth(400, "unsupported_grant_type", "Unsupported grant_type")),
        }
    }

    /// The same, at the master realm: consoles only.
    pub(super) fn master_token_endpoint(&mut self, call: &Call) -> Reply {
        let form = call.form();
        let (id, secret) = super::client_auth::presented(call, &form);
        let Some(operator) = self.operators.get(id).filter(|operator| operator.enabled) else {
            return Err(super::client_auth::invalid_client());
        };
        if operator.secret != secret.unwrap_or_default() {
            return Err(super::client_auth::wrong_secret());
        }
        if form.get("grant_type") != Some("client_credentials") {
            return Err(Answer::oauth(400, "unsupported_grant_type", "Unsupported grant_type"));
        }
        let (text, token) = self.issue_operator(id, 300).ok_or_else(super::client_auth::invalid_client)?;
        Ok(Answer::ok(token_answer(&text, &token, None)))
    }

    fn client_credentials(&mut self, call: &Call, form: &Form) -> Reply {
        let by = self.authenticate(call, form, "CLIENT_LOGIN_ERROR")?;
        let client = self.clients[&by.client].clone();
        let failed = by.error(call, "CLIENT_LOGIN_ERROR", &client.client_id);
        if !client.service_accounts {
            self.record(failed.error("invalid_client"));
            let text = "Client not enabled to retrieve service account";
            return Err(Answer::oauth(401, "unauthorized_client", text));
        }
        let user = self.service_account(&client.id).ok_or_else(Answer::unknown_error)?;
        let (user, username, enabled) = (user.id.clone(), user.username.clone(), user.enabled);
        if !enabled {
            let reason = format!("User '{username}' disabled");
            let failed = failed.user(&user, None).detail("reason", &reason).detail("username", &username);
            self.record(failed.error("user_disabled"));
            return Err(Answer::oauth(401, "invalid_request", &reason));
        }
        self.refuse_scopes(&client, form.get("scope"))?;
        let scopes = self.granted_scopes(&client, form.get("scope"));
        let (text, token) = self.issue_access(&Subject {
            client: &client.id,
            user: &user,
            session: None,
            scopes: &scopes,
            grant: Grant::ClientCredentials,
            exchanged_from: None,
        });
        let event = by.event(call, "CLIENT_LOGIN", &client.client_id).user(&user, None);
        let event = event.detail("token_id", &token.jti).detail("grant_type", "client_credentials");
        self.record(event.detail("scope", &self.shown_scopes(&scopes)).detail("username", &username));
        Ok(Answer::ok(token_answer(&text, &token, None)))
    }

    fn refresh(&mut self, call: &Call, form: &Form) -> Reply {
        let by = self.authenticate(call, form, "REFRESH_TOKEN_ERROR")?;
        let client = self.clients[&by.client].clone();
        let failed = by.error(call, "REFRESH_TOKEN_ERROR", &client.client_id).detail("grant_type", "refresh_token");
        let presented = form.get("refresh_token").and_then(|text| self.tokens.get(text)).cloned();
        let Some(token) = presented.filter(|token| token.kind != TokenKind::Access && token.client == client.id) else {
            self.record(failed.error("invalid_token"));
            return Err(Answer::oauth(400, "invalid_grant", "Invalid refresh token"));
        };
        let failed = failed.user(&token.user, token.session.as_deref());
        if let Some(reason) = self.why_dead(&token) {
            self.record(failed.error("invalid_token").detail("reason", reason));
            return Err(Answer::oauth(400, "invalid_grant", reason));
        }
        if token.kind == TokenKind::Offline && !self.may_ask(&client, "offline_access") {
            self.record(failed.error("invalid_token").detail("reason", "Scope offline_access is not allowed"));
            return Err(Answer::oauth(400, "invalid_scope", "Client no longer has requested scope offline_access"));
        }
        let now = self.seconds();
        if let Some(session) = token.session.as_ref().and_then(|id| self.sessions.get_mut(id)) {
            session.last_access = now;
        }
        let subject = Subject {
            client: &client.id,
            user: &token.user,
            session: token.session.as_deref(),
            scopes: &token.scopes,
            grant: Grant::Refresh,
            exchanged_from: None,
        };
        let (text, access) = self.issue_access(&subject);
        let (refresh_text, refresh) = self.issue_refresh(&subject);
        let event = by.event(call, "REFRESH_TOKEN", &client.client_id).user(&token.user, token.session.as_deref());
        let event = event.detail("token_id", &access.jti).detail("grant_type", "refresh_token");
        let event = event.detail("refresh_token_id", &token.jti).detail("updated_refresh_token_id", &refresh.jti);
        let event = event.detail("refresh_token_type", refresh_type(&refresh)).detail("refresh_token_sub", &token.user);
        self.record(event.detail("scope", &self.shown_scopes(&token.scopes)));
        Ok(Answer::ok(token_answer(&text, &access, Some((&refresh_text, &refresh)))))
    }

    fn code_to_token(&mut self, call: &Call, form: &Form) -> Reply {
        let by = self.authenticate(call, form, "CODE_TO_TOKEN_ERROR")?;
        let client = self.clients[&by.client].clone();
        let failed = by.error(call, "CODE_TO_TOKEN_ERROR", &client.client_id);
        let code = form.get("code").and_then(|code| self.codes.remove(code)).filter(|code| code.client == client.id);
        let session = code.as_ref().and_then(|code| self.sessions.get(&code.session)).cloned();
        let (Some(code), Some(session)) = (code, session) else {
            self.record(failed.error("invalid_code"));
            return Err(Answer::oauth(400, "invalid_grant", "Code not valid"));
        };
        let subject = Subject {
            client: &client.id,
            user: &session.user,
            session: Some(&session.id),
            scopes: &code.scopes,
            grant: Grant::Code,
            exchanged_from: None,
        };
        let (text, access) = self.issue_access(&subject);
        let (refresh_text, refresh) = self.issue_refresh(&subject);
        let event = by.event(call, "CODE_TO_TOKEN", &client.client_id).user(&session.user, Some(&session.id));
        let event = event.detail("token_id", &access.jti).detail("grant_type", "authorization_code");
        let event = event.detail("refresh_token_type", refresh_type(&refresh)).detail("code_id", &session.id);
        let event = event.detail("refresh_token_id", &refresh.jti);
        self.record(event.detail("scope", &self.shown_scopes(&code.scopes)));
        Ok(Answer::ok(token_answer(&text, &access, Some((&refresh_text, &refresh)))))
    }

    /// RFC 8693. The new token is the asking client's own: it outlives what is done to the first.
    fn exchange(&mut self, call: &Call, form: &Form) -> Reply {
        let by = self.authenticate(call, form, "TOKEN_EXCHANGE_ERROR")?;
        let client = self.clients[&by.client].clone();
        let failed = by.error(call, "TOKEN_EXCHANGE_ERROR", &client.client_id);
        if client.attribute("standard.token.exchange.enabled") != Some("true") {
            self.record(failed.error("invalid_request"));
            let text = "Standard token exchange is not enabled for the requested client";
            return Err(Answer::oauth(400, "invalid_request", text));
        }
        let subject_token = form.get("subject_token").and_then(|text| self.tokens.get(text)).cloned();
        let Some(from) = subject_token
            .filter(|token| token.kind == TokenKind::Access && !token.master && self.why_dead(token).is_none())
        else {
            self.record(failed.error("invalid_token"));
            return Err(Answer::oauth(400, "invalid_request", "Invalid token"));
        };
        if !from.audience.contains(&client.client_id) && from.client != client.id {
            self.record(failed.error("access_denied"));
            return Err(Answer::oauth(403, "access_denied", "Client is not within the token audience"));
        }
        let origin = self.clients.get(&from.client).map(|client| client.client_id.clone()).unwrap_or_default();
        self.refuse_scopes(&client, form.get("scope"))?;
        let scopes = self.granted_scopes(&client, form.get("scope"));
        let (text, token) = self.issue_access(&Subject {
            client: &client.id,
            user: &from.user,
            session: from.session.as_deref(),
            scopes: &scopes,
            grant: Grant::Exchange,
            exchanged_from: Some(&origin),
        });
        let event = by.event(call, "TOKEN_EXCHANGE", &client.client_id).user(&from.user, from.session.as_deref());
        let event = event.detail("token_id", &token.jti).detail("grant_type", EXCHANGE);
        let event = event.detail("subject_token_client_id", &origin).detail("requested_token_type", ACCESS);
        let event = event.detail("audience", &token.audience.join(" ")).detail("username", &from.username);
        self.record(event.detail("scope", &self.shown_scopes(&scopes)));
        let mut answer = token_answer(&text, &token, None);
        answer["issued_token_type"] = json!(ACCESS);
        Ok(Answer::ok(answer))
    }

    /// 400 where a scope is asked that the client does not have.
    fn refuse_scopes(&self, client: &Client, asked: Option<&str>) -> Result<(), Answer> {
        let unknown = |scope: &&str| *scope != "openid" && !self.may_ask(client, scope);
        if asked.unwrap_or_default().split_whitespace().any(|scope| unknown(&scope)) {
            let text = format!("Invalid scopes: {}", asked.unwrap_or_default());
            return Err(Answer::oauth(400, "invalid_scope", &text));
        }
        Ok(())
    }

    /// What of the asked scopes the client gets: its own, and `openid`, which needs no grant.
    pub(super) fn granted_scopes(&self, client: &Client, asked: Option<&str>) -> Vec<String> {
        let asked: Vec<&str> = asked.unwrap_or_default().split_whitespace().collect();
        let mut scopes = Vec::new();
        if asked.contains(&"openid") {
            scopes.push("openid".to_owned());
        }
        let named = |id: &String| self.scopes.get(id);
        let optional =
            client.optional_scopes.iter().filter_map(named).filter(|scope| asked.contains(&scope.name.as_str()));
        let default = client.default_scopes.iter().filter_map(named).filter(|scope| scope.in_token);
        scopes.extend(optional.chain(default).map(|scope| scope.name.clone()));
        scopes
    }

    pub(super) fn may_ask(&self, client: &Client, scope: &str) -> bool {
        let id = self.scope_named(scope).map(|scope| scope.id.as_str());
        client.optional_scopes.iter().chain(&client.default_scopes).any(|known| Some(known.as_str()) == id)
    }
}

const fn refresh_type(token: &Token) -> &'static str {
    match token.kind {
        TokenKind::Offline => "Offline",
        TokenKind::Refresh | TokenKind::Access => "Refresh",
    }
}

fn token_answer(text: &str, token: &Token, refresh: Option<(&str, &Token)>) -> Value {
    let mut answer = json!({
        "access_token": text, "expires_in": token.expires - token.issued, "refresh_expires_in": 0,
        "token_type": "Bearer", "not-before-policy": 0, "scope": token.scopes.join(" "),
    });
    if let Some((text, refresh)) = refresh {
        answer["refresh_token"] = json!(text);
        let left = if refresh.expires == 0 { 0 } else { refresh.expires - refresh.issued };
        answer["refresh_expires_in"] = json!(left);
    }
    if let Some(session) = &token.session {
        answer["session_state"] = json!(session);
    }
    answer
}

impl Authenticated {
    /// A failure after the client was known.
    fn error(&self, call: &Call, kind: &str, client_id: &str) -> Event {
        self.event(call, kind, client_id)
    }
}

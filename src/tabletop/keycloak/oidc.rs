//! What a token is good for: introspection (RFC 7662), userinfo, revocation (RFC 7009), and the login that makes one.

use serde_json::json;

use super::{
    answer::{Answer, Reply},
    call::Call,
    events::Event,
    world::{Code, Consent, Session, Token, TokenKind, World},
};

impl World {
    /// `active: false` also for a *live* token, where the asking client is not in its audience: no proof by itself.
    pub(super) fn introspect(&mut self, call: &Call) -> Reply {
        let form = call.form();
        let by = self.authenticate(call, &form, "INTROSPECT_TOKEN_ERROR")?;
        let asking = self.clients[&by.client].client_id.clone();
        let inactive = Answer::ok(json!({ "active": false }));
        let Some(token) = form.get("token").and_then(|text| self.tokens.get(text)).cloned() else {
            let event = by.event(call, "INTROSPECT_TOKEN_ERROR", &asking);
            self.record(event.error("invalid_token"));
            return Ok(inactive);
        };
        let issued_for = self.issued_for(&token);
        let about = |event: Event| {
            event
                .user(&token.user, token.session.as_deref())
                .detail("token_issued_for", &issued_for)
                .detail("token_id", &token.jti)
                .detail("token_type", "Bearer")
        };
        // Measured: a refresh token is told about to its own client only, and only where it says what it asks about.
        let hinted = token.client == by.client && form.get("token_type_hint") == Some("refresh_token");
        if token.kind != TokenKind::Access && !hinted {
            let event = about(by.event(call, "INTROSPECT_TOKEN_ERROR", &asking));
            self.record(event.error("invalid_token"));
            return Ok(inactive);
        }
        if let Some(reason) = self.why_introspection_refuses(&token, &asking) {
            let event = about(by.event(call, "INTROSPECT_TOKEN_ERROR", &asking));
            self.record(event.error("invalid_token").detail("reason", &reason));
            return Ok(inactive);
        }
        self.record(about(by.event(call, "INTROSPECT_TOKEN", &asking)));
        Ok(Answer::ok(json!({
            "active": true, "sub": token.user, "username": token.username, "client_id": issued_for, "azp": issued_for,
            "scope": self.shown_scopes(&token.scopes), "aud": token.audience, "iat": token.issued,
            "exp": token.expires, "jti": token.jti, "token_type": "Bearer", "sid": token.session,
        })))
    }

    fn why_introspection_refuses(&self, token: &Token, asking: &str) -> Option<String> {
        if let Some(reason) = self.why_dead(token) {
            return Some(reason.to_owned());
        }
        if token.kind == TokenKind::Access && !token.audience.iter().any(|name| name == asking) {
            return Some(format!("Client '{asking}' is not in the token audience"));
        }
        let offline = token.exchanged_from.is_none() && token.scopes.iter().any(|scope| scope == "offline_access");
        let client = self.clients.get(&token.client);
        (offline && client.is_some_and(|client| !self.may_ask(client, "offline_access")))
            .then(|| "Scope offline_access is not allowed".to_owned())
    }

    pub(super) fn userinfo(&mut self, call: &Call) -> Reply {
        let token = call.bearer.as_ref().and_then(|text| self.tokens.get(text)).cloned();
        let failed = Event::of("USER_INFO_REQUEST_ERROR", call).detail("auth_method", "validate_access_token");
        let Some(token) = token.filter(|token| token.kind == TokenKind::Access) else {
            self.record(failed.error("invalid_token"));
            return Err(Answer::text(401));
        };
        if let Some(reason) = self.why_dead(&token) {
            self.record(failed.error("invalid_token").detail("reason", reason));
            return Err(Answer::text(401));
        }
        if !token.scopes.iter().any(|scope| scope == "openid") {
            self.record(failed.error("access_denied").detail("reason", "Missing openid scope"));
            return Err(Answer::text(403));
        }
        let event = Event::of("USER_INFO_REQUEST", call).client(&self.issued_for(&token));
        let event = event.user(&token.user, token.session.as_deref()).detail("auth_method", "validate_access_token");
        self.record(event.detail("signature_required", "false").detail("username", &token.username));
        Ok(Answer::ok(json!({ "sub": token.user, "preferred_username": token.username })))
    }

    /// One token, by its own client: dead at once. A refresh token takes its client's part of the session along.
    pub(super) fn revoke(&mut self, call: &Call) -> Reply {
        let form = call.form();
        let by = self.authenticate(call, &form, "REVOKE_GRANT_ERROR")?;
        let token = form.get("token").and_then(|text| self.tokens.get(text)).cloned();
        if let Some(token) = token.filter(|token| token.client == by.client) {
            if let (false, Some(session)) = (token.kind == TokenKind::Access, &token.session) {
                self.leave_session(&session.clone(), &by.client);
            }
            let client_id = self.issued_for(&token);
            let event = by.event(call, "REVOKE_GRANT", &client_id).user(&token.user, token.session.as_deref());
            self.record(event.detail("token_id", &token.jti));
            self.revoked.insert(token.jti);
        }
        Ok(Answer::ok(json!({})))
    }

    /// A user signs in and consents, as a browser would do it; gives the code in flight.
    pub(super) fn sign_in(&mut self, call: &Call, username: &str, client_id: &str, scopes: &str) -> Option<String> {
        let user = self.users.values().find(|user| user.username == username && user.enabled)?.id.clone();
        let client = self.client_named(client_id).filter(|client| client.enabled && client.standard_flow)?.clone();
        let scopes = self.granted_scopes(&client, Some(scopes));
        let session = Session {
            id: self.random.word(24),
            user: user.clone(),
            ip: call.from.clone(),
            start: self.seconds(),
            last_access: self.seconds(),
            offline: scopes.iter().any(|scope| scope == "offline_access"),
            clients: std::iter::once((client.id.clone(), scopes.clone())).collect(),
        };
        if client.consent_required {
            self.consent(&user, &client.id, &scopes);
        }
        let code = self.random.word(32);
        let expires = self.seconds() + 60;
        self.codes.insert(code.clone(), Code { session: session.id.clone(), client: client.id, scopes, expires });
        let consent = if client.consent_required { "consent_granted" } else { "no_consent_required" };
        let event = Event::of("LOGIN", call).client(client_id).user(&user, Some(&session.id));
        let event = event.detail("auth_method", "openid-connect").detail("response_type", "code");
        self.record(event.detail("consent", consent).detail("code_id", &session.id).detail("username", username));
        self.sessions.insert(session.id.clone(), session);
        Some(code)
    }

    /// Adds to what the user granted this client before: what the page of consent shows.
    pub(super) fn consent(&mut self, user: &str, client: &str, scopes: &[String]) {
        let now = self.millis();
        let shown = |name: &&String| self.scope_named(name).is_some_and(|scope| scope.consent_text.is_some());
        let granted: Vec<_> = scopes.iter().filter(shown).cloned().collect();
        let known = self.consents.iter_mut().find(|consent| consent.user == user && consent.client == client);
        if let Some(consent) = known {
            consent.updated = now;
            for scope in granted {
                if !consent.scopes.contains(&scope) {
                    consent.scopes.push(scope);
                }
            }
        } else {
            let (user, client) = (user.to_owned(), client.to_owned());
            self.consents.push(Consent { user, client, scopes: granted, created: now, updated: now });
        }
    }

    /// A client leaves a session. An offline one without clients ends; a user's goes on, unlisted at the client.
    pub(super) fn leave_session(&mut self, session: &str, client: &str) {
        let Some(found) = self.sessions.get_mut(session) else { return };
        found.clients.shift_remove(client);
        if found.offline && found.clients.is_empty() {
            self.sessions.shift_remove(session);
        }
    }

    pub(super) fn issued_for(&self, token: &Token) -> String {
        self.clients.get(&token.client).map(|client| client.client_id.clone()).unwrap_or_default()
    }

    /// The scopes that a token names: some work without being named.
    pub(super) fn shown_scopes(&self, scopes: &[String]) -> String {
        let shown = |name: &&String| {
            *name == "openid" || *name == "offline_access" || self.scope_named(name).is_some_and(|scope| scope.in_token)
        };
        scopes.iter().filter(shown).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

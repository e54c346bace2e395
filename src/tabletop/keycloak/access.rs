//! Which token is alive, and why not: the rules that make survivors.
//!
//! ```text
//! token ── its own end ── its client ── not-before (realm, client, user) ── its user ── its session ── alive
//! ```
//!
//! An exchanged token belongs to the client that exchanged it: what is done to the first client does not reach it.

use super::world::{Token, TokenKind, User, World};

impl World {
    /// The reason in the server's words; `None`: it is alive.
    pub(super) fn why_dead(&self, token: &Token) -> Option<&'static str> {
        if self.revoked.contains(&token.jti) {
            return Some("Token revoked");
        }
        if token.expires != 0 && self.seconds() >= token.expires {
            return Some("Token is not active");
        }
        if token.master {
            let operator = self.operators.values().find(|operator| operator.id == token.client);
            return if operator.is_some_and(|operator| operator.enabled) { None } else { Some("Client disabled") };
        }
        self.why_client_refuses(token)
            .or_else(|| self.why_user_refuses(token))
            .or_else(|| self.why_session_refuses(token))
    }

    fn why_client_refuses(&self, token: &Token) -> Option<&'static str> {
        match self.clients.get(&token.client) {
            None => Some("Client not found"),
            Some(client) if !client.enabled => Some("Client disabled"),
            Some(client) if stale(token, client.not_before) => Some("Stale token"),
            Some(_) if stale(token, self.realm.not_before) => Some("Stale token"),
            Some(_) => None,
        }
    }

    fn why_user_refuses(&self, token: &Token) -> Option<&'static str> {
        match self.token_user(token) {
            None => Some("User not found"),
            Some(user) if !user.enabled => Some("User disabled"),
            Some(user) if stale(token, user.not_before) => Some("Stale token"),
            Some(_) => None,
        }
    }

    fn why_session_refuses(&self, token: &Token) -> Option<&'static str> {
        let session = self.sessions.get(token.session.as_ref()?);
        match (session, token.kind) {
            (None, TokenKind::Offline) => Some("Offline user session not found"),
            (None, _) => Some("Session not active"),
            (Some(session), _) if token.exchanged_from.is_none() && !session.clients.contains_key(&token.client) => {
                Some("Session doesn't have required client")
            }
            (Some(_), _) => None,
        }
    }

    /// By subject, else by name: a service-account user made anew is found by the old tokens of the one before.
    pub(super) fn token_user(&self, token: &Token) -> Option<&User> {
        self.users.get(&token.user).or_else(|| self.users.values().find(|user| user.username == token.username))
    }
}

/// Not-before counts whole seconds and is exclusive: what was issued in that very second survives it.
const fn stale(token: &Token, not_before: i64) -> bool {
    token.issued < not_before
}

//! What is alive, from the inside: what no console may ask, and every test should.

use super::{
    SimulatedKeycloak,
    client_auth::keys_of,
    world::{Client, Token, TokenKind, World},
};

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// The client secret.
    Secret,
    /// The one before, still accepted.
    RotatedSecret,
    /// A key that its assertions are signed with.
    Key,
    /// The registration access token.
    RegistrationToken,
    /// An access token of its own.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An offline refresh token.
    OfflineToken,
    /// An access token that another client exchanged for one of its tokens.
    ExchangedToken,
}

/// One credential, and whether it would be accepted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is.
    pub kind: CredentialKind,
    /// The client that it leads back to.
    pub client_id: String,
    /// The token's id or the key's; nothing that could be used.
    pub id: String,
    /// The user it acts for; a service account's own name for its own.
    pub user: Option<String>,
    /// Whether it would be accepted.
    pub alive: bool,
}

impl SimulatedKeycloak {
    /// Every credential of every client. A client that is gone has only its tokens left.
    pub fn truth(&self) -> Vec<Credential> {
        let mut state = self.lock();
        self.apply_due(&mut state);
        state.world.now = self.clock.now();
        state.world.expire();
        let world = &state.world;
        let mut all: Vec<_> = world.clients.values().flat_map(|client| world.long_lived(client)).collect();
        all.extend(world.tokens.values().filter(|token| !token.master).map(|token| world.short_lived(token)));
        all.sort_by(|a, b| (&a.client_id, a.kind, &a.id).cmp(&(&b.client_id, b.kind, &b.id)));
        all
    }

    /// Those that lead back to one client and are alive.
    pub fn alive(&self, client_id: &str) -> Vec<Credential> {
        let all = self.truth().into_iter();
        all.filter(|credential| credential.alive && credential.client_id == client_id).collect()
    }
}

impl World {
    fn long_lived(&self, client: &Client) -> Vec<Credential> {
        let by_key = client.authenticator == "client-jwt";
        let usable = client.enabled && !client.public && !client.bearer_only;
        let credential = |kind, id: &str, alive| Credential {
            kind,
            client_id: client.client_id.clone(),
            id: id.to_owned(),
            user: None,
            alive,
        };
        let mut found = Vec::new();
        if client.secret.is_some() && !client.bearer_only {
            found.push(credential(CredentialKind::Secret, "secret", usable && !by_key));
        }
        if client.rotated_secret(self.seconds()).is_some() {
            found.push(credential(CredentialKind::RotatedSecret, "rotated", usable && !by_key));
        }
        for (kid, thumbprint) in keys_of(client) {
            found.push(credential(CredentialKind::Key, &kid.unwrap_or(thumbprint), usable && by_key));
        }
        if client.registration_token.is_some() {
            found.push(credential(CredentialKind::RegistrationToken, "registration", client.enabled));
        }
        found
    }

    fn short_lived(&self, token: &Token) -> Credential {
        let kind = match (token.kind, &token.exchanged_from) {
            (TokenKind::Access, Some(_)) => CredentialKind::ExchangedToken,
            (TokenKind::Access, None) => CredentialKind::AccessToken,
            (TokenKind::Refresh, _) => CredentialKind::RefreshToken,
            (TokenKind::Offline, _) => CredentialKind::OfflineToken,
        };
        let client_id = token.exchanged_from.clone().unwrap_or_else(|| self.issued_for(token));
        let offline_lost = token.kind == TokenKind::Offline
            && self.clients.get(&token.client).is_some_and(|client| !self.may_ask(client, "offline_access"));
        Credential {
            kind,
            client_id,
            id: token.jti.clone(),
            user: Some(token.username.clone()),
            alive: self.why_dead(token).is_none() && !offline_lost,
        }
    }
}

//! Whose a leaked secret is, by what was listed and read. Pure; nothing is sent.

use super::{
    Keycloak,
    credentials::class,
    leak::{Claims, Leak, TokenKind},
    record::hint,
};
use crate::{
    domain::{Holding, HoldingId, Identity, LeakedSecret, Owner, ProbeKind, Reading},
    engine::owners_by_fingerprint,
};

pub(super) fn of(
    keycloak: &Keycloak,
    secret: &LeakedSecret,
    listing: &[&Identity],
    readings: &[&Reading],
) -> Vec<Owner> {
    let known = Known { listing, readings };
    let how = |class: &str| format!("the fingerprint of its {}", if class.is_empty() { "secret" } else { class });
    let probe = |_: &str| ProbeKind::ReadOnly;
    match Leak::of(secret.expose()) {
        Leak::Token(claims) if claims.iss.as_deref().is_some_and(|issuer| keycloak.issued(issuer)) => {
            known.of_token(&claims)
        }
        Leak::Token(_) => Vec::new(),
        Leak::Key(key) => {
            let how = |_: &str| "the public half of its signing key".to_owned();
            owners_by_fingerprint(key.fingerprint(), listing, readings, &how, &probe)
        }
        Leak::Secret => owners_by_fingerprint(&secret.fingerprint(), listing, readings, &how, &probe),
    }
}

struct Known<'a> {
    listing: &'a [&'a Identity],
    readings: &'a [&'a Reading],
}

impl Known<'_> {
    fn of_token(&self, claims: &Claims) -> Vec<Owner> {
        if claims.kind() == TokenKind::InitialAccess {
            return self.initial_access(claims).into_iter().collect();
        }
        let client = claims.client().and_then(|name| self.identity(|identity| identity.name.raw() == name));
        let account = claims.sub.as_deref().and_then(|user| {
            let is_its =
                |identity: &Identity| identity.hints.get(hint::SERVICE_ACCOUNT).map(String::as_str) == Some(user);
            self.identity(is_its)
        });
        let mut owners = Vec::new();
        // A token that another client got in exchange acts as the account, and dies with it.
        if let Some(account) = account.filter(|account| client.is_none_or(|client| client.id != account.id)) {
            owners.push(owner(account, claims, None, "its claims name its service-account user"));
        }
        if let Some(client) = client {
            let session = claims.sid.as_deref().and_then(|session| self.session(client, session));
            let how = match &session {
                Some(_) => "its claims name the client and a session of it",
                None => "its claims name the client",
            };
            owners.push(owner(client, claims, session, how));
        }
        owners
    }

    /// As it was read where it was: a reading knows more than the listing.
    fn identity(&self, is_it: impl Fn(&Identity) -> bool) -> Option<&Identity> {
        let read = self.readings.iter().map(|reading| &reading.identity).find(|identity| is_it(identity));
        read.or_else(|| self.listing.iter().copied().find(|identity| is_it(identity)))
    }

    fn holding(&self, identity: &Identity, is_it: impl Fn(&Holding) -> bool) -> Option<HoldingId> {
        let reading = self.readings.iter().find(|reading| reading.identity.id == identity.id)?;
        reading.holdings.iter().find(|holding| is_it(holding)).map(|holding| holding.id.clone())
    }

    /// A session's native id is `USER/SESSION`.
    fn session(&self, client: &Identity, session: &str) -> Option<HoldingId> {
        self.holding(client, |holding| {
            matches!(holding.id.class(), class::SESSION | class::OFFLINE)
                && holding.id.native().rsplit('/').next() == Some(session)
        })
    }

    fn initial_access(&self, claims: &Claims) -> Option<Owner> {
        let id = claims.jti.as_deref()?;
        let is_it = |holding: &Holding| holding.id.class() == class::INITIAL && holding.id.native() == id;
        let reading = self.readings.iter().find(|reading| reading.holdings.iter().any(is_it))?;
        let holding = self.holding(&reading.identity, is_it);
        Some(owner(&reading.identity, claims, holding, "its id is that of an initial access token that it made"))
    }
}

fn owner(identity: &Identity, claims: &Claims, holding: Option<HoldingId>, how: &str) -> Owner {
    let probe = match claims.kind() {
        TokenKind::Access | TokenKind::Refresh => ProbeKind::ReadOnly,
        // Registering a client is the only use of the one; the other opens no interface of the realm.
        TokenKind::InitialAccess | TokenKind::Other => ProbeKind::None,
    };
    Owner {
        bot: None,
        identity: identity.id.clone(),
        name: identity.name.clone(),
        holding,
        how: format!("{how} (claims are not proof: the signature was not checked)"),
        probe,
    }
}

//! What opens the client itself: secret, rotated secret, keys, foreign issuers, registration token, and the access
//! tokens that are out.

use jiff::Timestamp;

use super::{events::Trail, read::Account, record::Record};
use crate::domain::{Family, Fingerprint, Holding, HoldingId, HoldingState, IdentityId, Lane, Scope, Untrusted};

/// The classes of holdings, as they stand in ids and gaps.
pub(super) mod class {
    pub(in super::super) const SECRET: &str = "client-secret";
    pub(in super::super) const ROTATED: &str = "rotated-secret";
    pub(in super::super) const KEY: &str = "signing-key";
    pub(in super::super) const TRUST: &str = "federated-trust";
    pub(in super::super) const REGISTRATION: &str = "registration-token";
    pub(in super::super) const TOKENS: &str = "access-tokens";
    pub(in super::super) const SESSION: &str = "user-session";
    pub(in super::super) const OFFLINE: &str = "offline-session";
    pub(in super::super) const CONSENT: &str = "consent";
    pub(in super::super) const ROLE: &str = "role-assignment";
    pub(in super::super) const GROUP: &str = "group-membership";
    pub(in super::super) const LINK: &str = "federated-link";
    pub(in super::super) const INITIAL: &str = "initial-access-token";
    pub(in super::super) const UNLISTED: &str = "unlisted-clients";
    pub(in super::super) const MADE: &str = "made-by-bot";
}

/// A holding with nothing but id, place, name and state.
pub(super) fn holding(
    identity: &IdentityId,
    (class, native): (&str, &str),
    (lane, family): (Lane, Family),
    name: &str,
    state: HoldingState,
) -> Holding {
    Holding::new(HoldingId::new(identity.clone(), class, native), lane, family, Untrusted::from(name), state)
}

/// Seconds since 1970 as a time.
pub(super) fn second(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// Everything that makes tokens for the client by itself, with what those tokens may do.
pub(super) fn of(
    identity: &IdentityId,
    record: &Record,
    account: Option<&Account>,
    scopes: &[Scope],
    trail: &Trail,
    now: Timestamp,
) -> Vec<Holding> {
    let state = if record.enabled { HoldingState::Live } else { HoldingState::Gated };
    let mut holdings = Vec::new();
    holdings.extend(secrets(identity, record, state, trail, now));
    holdings.extend(keys(identity, record, state, trail));
    for holding in &mut holdings {
        holding.scopes = scopes.to_vec();
    }
    let name = "registration access token (no API lists it)";
    let place = (Lane::Tokens, Family::Secret);
    holdings.push(holding(identity, (class::REGISTRATION, "any"), place, name, state));
    let mut tokens = access_tokens(identity, record, account, trail);
    tokens.scopes = scopes.to_vec();
    holdings.push(tokens);
    holdings
}

fn secrets(identity: &IdentityId, record: &Record, state: HoldingState, trail: &Trail, now: Timestamp) -> Vec<Holding> {
    let in_use = matches!(record.authenticator.as_str(), "client-secret" | "client-secret-jwt" | "");
    let place = (Lane::Tokens, Family::Secret);
    let make = |class: &str, word: &str, fingerprint: &Fingerprint| {
        let name = format!("{word} {fingerprint}");
        let mut holding = holding(identity, (class, fingerprint.as_str()), place, &name, state);
        holding.fingerprint = Some(fingerprint.clone());
        holding
    };
    let mut holdings = Vec::new();
    if let Some(fingerprint) = &record.secret {
        // A client that signs JWTs has a secret all the same: it works once the authentication is switched.
        let word = if in_use { "client secret" } else { "dormant client secret" };
        let mut secret = make(class::SECRET, word, fingerprint);
        secret.issued_at = record.secret_made.and_then(second);
        secret.expires_at = record.secret_ends.and_then(second);
        secret.last_used_at = trail.last_login(record, "client-secret");
        holdings.push(secret);
    }
    if let Some(rotated) = &record.rotated {
        let mut old = make(class::ROTATED, "rotated secret", &rotated.fingerprint);
        old.expires_at = rotated.expires.and_then(second);
        if old.expires_at.is_some_and(|end| end <= now) {
            old.state = HoldingState::Gone;
        }
        holdings.push(old);
    }
    holdings
}

fn keys(identity: &IdentityId, record: &Record, state: HoldingState, trail: &Trail) -> Vec<Holding> {
    let mut holdings: Vec<Holding> = record
        .keys
        .iter()
        .map(|key| {
            let name = format!("signing key {} ({})", key.fingerprint, key.label.raw());
            let native = key.fingerprint.as_str();
            let mut holding = holding(identity, (class::KEY, native), (Lane::Tokens, Family::Secret), &name, state);
            holding.fingerprint = Some(key.fingerprint.clone());
            holding.last_used_at = trail.last_login(record, "client-jwt");
            holding
        })
        .collect();
    if let Some(issuer) = &record.trust {
        let name = format!("trust in issuer {}", issuer.raw());
        let place = (Lane::Connectors, Family::Connector);
        holdings.push(holding(identity, (class::TRUST, issuer.raw()), place, &name, state));
    }
    holdings
}

/// Access tokens that may be out. No API lists them; whether one can still live follows from the client's and the
/// service-account user's not-before, which is exclusive: a token made in that very second lives.
fn access_tokens(identity: &IdentityId, record: &Record, account: Option<&Account>, trail: &Trail) -> Holding {
    let state = token_state(record, account, trail);
    let name = "access tokens that may be out (no API lists them)";
    let mut tokens = holding(identity, (class::TOKENS, "any"), (Lane::Tokens, Family::Token), name, state);
    let newest = trail.newest_mint().and_then(|time| Timestamp::from_millisecond(time).ok());
    // What is older than a not-before does not live: whatever may be out was made since.
    let of_user = account.and_then(|account| account.user.not_before).unwrap_or(0);
    let oldest = Some(record.not_before.min(of_user)).filter(|second| *second > 0).and_then(second);
    tokens.issued_at = newest.max(oldest);
    tokens.last_used_at = trail.last_active();
    tokens
}

fn token_state(record: &Record, account: Option<&Account>, trail: &Trail) -> HoldingState {
    if record.enabled {
        return HoldingState::Live;
    }
    // Without a service account all its tokens have a session of a user, which is a holding of its own.
    let of_user = match (record.service_accounts, account) {
        (false, _) => Some(i64::MAX),
        (true, Some(account)) => account.user.not_before,
        (true, None) => None,
    };
    let (Some(of_user), client) = (of_user.filter(|second| *second > 0), record.not_before) else {
        return HoldingState::Gated;
    };
    let dead = match trail.newest_mint() {
        Some(mint) => mint.div_euclid(1000) < client.min(of_user),
        // Where no event tells, only the order of a whole isolation does: the user is logged out in a later second
        // than the one in which the gate shut, and the gate's not-before lies at most two ahead of that.
        None => client > 0 && of_user >= client - 1,
    };
    if dead { HoldingState::Gone } else { HoldingState::Gated }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ClientWire, EventWire, UserWire};
    use super::*;
    use crate::domain::ProviderName;

    fn record(enabled: bool, not_before: i64) -> Record {
        let json = serde_json::json!({"id": "c", "clientId": "bot", "enabled": enabled, "notBefore": not_before,
            "serviceAccountsEnabled": true, "secret": "one",
            "attributes": {"client.secret.rotated": "two", "client.secret.rotated.expiration.time": "50"}});
        Record::of(serde_json::from_value::<ClientWire>(json).expect("a client"))
    }

    fn account(not_before: i64) -> Account {
        let json = serde_json::json!({"id": "u", "username": "sa", "enabled": false, "notBefore": not_before});
        Account { user: serde_json::from_value::<UserWire>(json).expect("a user"), ..Account::default() }
    }

    fn minted(time: i64) -> Trail {
        let json = serde_json::json!({"id": "e", "time": time, "type": "CLIENT_LOGIN", "clientId": "bot"});
        Trail { events: vec![serde_json::from_value::<EventWire>(json).expect("an event")], ..Trail::default() }
    }

    #[test]
    fn tokens_are_gone_only_where_nothing_minted_before_can_live() {
        let silent = Trail::default();
        for (name, record, account, trail, expected) in [
            ("live client", record(true, 100), account(100), &silent, HoldingState::Live),
            ("disabled alone", record(false, 0), account(0), &silent, HoldingState::Gated),
            ("client's not-before alone", record(false, 100), account(0), &silent, HoldingState::Gated),
            ("user's not-before is older", record(false, 100), account(98), &silent, HoldingState::Gated),
            ("a whole isolation", record(false, 100), account(99), &silent, HoldingState::Gone),
            ("minted before both", record(false, 100), account(99), &minted(98_999), HoldingState::Gone),
            ("minted in that very second", record(false, 100), account(99), &minted(99_001), HoldingState::Gated),
        ] {
            assert_eq!(token_state(&record, Some(&account), trail), expected, "{name}");
        }
        assert_eq!(token_state(&record(false, 100), None, &silent), HoldingState::Gated, "user unread");
    }

    #[test]
    fn a_rotated_secret_ends_by_itself_and_names_show_fingerprints_only() {
        let identity = IdentityId::new(ProviderName::new("sso"), "c");
        for (now, state) in [(49, HoldingState::Live), (50, HoldingState::Gone)] {
            let now = second(now).expect("a time");
            let holdings = of(&identity, &record(true, 0), Some(&account(0)), &[], &Trail::default(), now);
            let rotated = holdings.iter().find(|holding| holding.id.class() == class::ROTATED).expect("listed");
            assert_eq!(rotated.state, state);
            assert_eq!(rotated.fingerprint, Some(Fingerprint::of(b"two")));
            assert!(rotated.name.raw().contains("sha256:"));
        }
    }
}

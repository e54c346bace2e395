//! Access tokens that a resource server checks by itself: they live until they end, whatever is cut.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    events::Trail,
    reader::Reader,
    record::Record,
    wire::{ClientWire, RealmWire},
};
use crate::{
    domain::{IdentityId, Residual},
    providers::http::{Call, Grounds},
};

const WHAT: &str = "access tokens checked locally";

/// Clients that turned the bot's tokens into their own, and whose lifetime those have.
pub(super) async fn exchangers(reader: &Reader<'_>, trail: &Trail) -> Vec<Record> {
    let names: BTreeSet<&str> = trail.exchangers();
    let read = |name: &str| {
        let name = name.to_owned();
        async move {
            let call = || Call::get(reader.keycloak.path(&["clients"])).query("clientId", name.as_str()).listing();
            let grounds = Grounds { what: "reading who exchanged its tokens", permission: "view-clients" };
            reader.get::<Vec<ClientWire>>(Some("residual"), call, grounds).await.unwrap_or_default()
        }
    };
    let found = futures::future::join_all(names.into_iter().map(read)).await;
    found.into_iter().flatten().map(Record::of).collect()
}

/// What outlives the cut; `None`: no token can be out any more.
pub(super) fn of(
    identity: &IdentityId,
    record: &Record,
    realm: &RealmWire,
    trail: &Trail,
    exchangers: &[Record],
    now: Timestamp,
) -> Option<Residual> {
    let residual = |until, lifetime_ms, source| {
        Some(Residual { identity: identity.clone(), what: WHAT.to_owned(), until, lifetime_ms, source })
    };
    let own = lifetime(record, realm);
    let longest = exchangers
        .iter()
        .map(|other| lifetime(other, realm))
        .try_fold(own?, |longest, next| next.map(|next| if next.0 > longest.0 { next } else { longest }));
    let Some((seconds, source)) = longest else {
        return residual(None, None, "the realm's lifetimes cannot be read".to_owned());
    };
    let life = seconds.saturating_mul(1000);
    if !trail.covers_mints(record, seconds, now) {
        return residual(None, Some(life), source);
    }
    // Events tell every minting within a lifetime: the newest one ends last.
    let until = Timestamp::from_millisecond(trail.newest_mint()?.saturating_add(life)).ok()?;
    if until <= now { None } else { residual(Some(until), Some(life), source) }
}

/// How long a token of the client lives, and by which setting: the client's or the realm's lifespan, but no longer
/// than a session of the realm.
fn lifetime(record: &Record, realm: &RealmWire) -> Option<(i64, String)> {
    let by_realm = || {
        let implicit = realm.access_token_lifespan_for_implicit_flow.filter(|_| record.implicit_flow);
        let seconds = realm.access_token_lifespan?.max(implicit.unwrap_or(0));
        Some((seconds, "realm access-token lifespan".to_owned()))
    };
    let by_client = record.lifespan.map(|seconds| (seconds, format!("access-token lifespan of {}", record.client_id)));
    let (seconds, source) = by_client.or_else(by_realm)?;
    let remembered = realm.sso_session_max_lifespan_remember_me.filter(|_| realm.remember_me).unwrap_or(0);
    let cap = realm.sso_session_max_lifespan.map(|cap| cap.max(remembered)).filter(|cap| *cap > 0);
    match cap {
        Some(cap) if cap < seconds && !record.may_go_offline() => {
            Some((cap, format!("{source}, capped by the realm's session maximum")))
        }
        _ => Some((seconds, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ProviderName;
    use crate::providers::keycloak::wire::{EventWire, EventsConfigWire};

    fn record(lifespan: &str) -> Record {
        let json = serde_json::json!({"id": "c", "clientId": "bot", "enabled": true, "serviceAccountsEnabled": true,
            "attributes": {"access.token.lifespan": lifespan}});
        Record::of(serde_json::from_value::<ClientWire>(json).expect("a client"))
    }

    fn realm() -> RealmWire {
        RealmWire { access_token_lifespan: Some(120), sso_session_max_lifespan: Some(36_000), ..RealmWire::default() }
    }

    fn trail(minted: Option<i64>, expiration: i64) -> Trail {
        let event = |time| {
            let json = serde_json::json!({"id": "e", "time": time, "type": "CLIENT_LOGIN", "clientId": "bot"});
            serde_json::from_value::<EventWire>(json).expect("an event")
        };
        let config = EventsConfigWire {
            events_enabled: true,
            events_expiration: Some(expiration),
            enabled_event_types: vec!["CLIENT_LOGIN".to_owned(), "TOKEN_EXCHANGE".to_owned()],
            admin_events_enabled: true,
        };
        Trail {
            config,
            readable: true,
            events: minted.map(event).into_iter().collect(),
            exchanges: Vec::new(),
            oldest: Some(1_000),
        }
    }

    #[test]
    fn the_lifetime_is_the_clients_capped_by_the_session_maximum() {
        for (lifespan, seconds) in [("86400", 36_000), ("60", 60), ("", 120), ("-1", 120)] {
            assert_eq!(lifetime(&record(lifespan), &realm()).map(|life| life.0), Some(seconds), "{lifespan}");
        }
        assert_eq!(lifetime(&record(""), &RealmWire::default()), None);
    }

    #[test]
    fn the_end_is_known_only_where_events_cover_a_lifetime() {
        let identity = IdentityId::new(ProviderName::new("sso"), "c");
        let now = Timestamp::from_second(1_000).expect("a time");
        let of = |trail: &Trail| of(&identity, &record("60"), &realm(), trail, &[], now);
        let known = of(&trail(Some(990_000), 604_800)).expect("a residual");
        assert_eq!(known.until, Timestamp::from_second(1_050).ok());
        assert_eq!(known.lifetime_ms, Some(60_000));
        assert_eq!(of(&trail(Some(900_000), 604_800)), None, "it has ended");
        assert_eq!(of(&trail(None, 604_800)), None, "nothing was minted");
        let young = Trail { oldest: Some(950_000), ..trail(None, 604_800) };
        assert_eq!(of(&young).expect("events began lately").until, None);
        let short = of(&trail(None, 10)).expect("events are kept too briefly");
        assert_eq!((short.until, short.lifetime_ms), (None, Some(60_000)));
    }
}

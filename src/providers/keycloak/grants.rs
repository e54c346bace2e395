//! Consents. They are listed per user only, so the users are looked up first: those that sessions and events name,
//! and every user of the realm where the client asks for consent or lets users log in.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use jiff::Timestamp;

use super::{
    credentials::{class, holding},
    reader::Reader,
    record::Record,
    scopes::client_scope,
    wire::{ConsentWire, UserWire},
};
use crate::{
    domain::{Family, Gap, Holding, HoldingState, IdentityId, Lane, Scope, Untrusted},
    engine::ProviderError,
    providers::http::{Call, Grounds},
};

/// Users whose consents one reading looks at, eight at once: two seconds on a small server.
const MOST_USERS: usize = 2000;

/// One user's consent to this client.
#[derive(Debug, Clone)]
pub(super) struct Consent {
    pub(super) user: String,
    pub(super) name: String,
    wire: ConsentWire,
}

impl Consent {
    /// What it allows the client to do for the user.
    pub(super) fn scopes(&self, realm: &str) -> Vec<Scope> {
        self.wire.granted_client_scopes.iter().filter_map(|name| client_scope(realm, name, Some("consent"))).collect()
    }
}

pub(super) async fn read(
    reader: &Reader<'_>,
    record: &Record,
    known: BTreeMap<String, Option<String>>,
) -> Vec<Consent> {
    let mut users = known;
    if record.consent_required || record.user_flows {
        for user in all_users(reader).await {
            users.insert(user.id, Some(user.username));
        }
    }
    futures::stream::iter(users)
        .map(|(user, name)| of_user(reader, record, user, name))
        .buffer_unordered(super::CONCURRENT_READS)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn all_users(reader: &Reader<'_>) -> Vec<UserWire> {
    let keycloak = reader.keycloak;
    let call = || Call::get(keycloak.path(&["users"])).query("briefRepresentation", "true");
    let grounds = Grounds { what: "listing users for their consents", permission: "view-users" };
    let mut paged = keycloak.pages_up_to::<UserWire>(MOST_USERS, call, grounds).await;
    paged.entries.truncate(MOST_USERS);
    if let Some(error) = &paged.error {
        reader.failed(Some(class::CONSENT), error);
    }
    // With a lesser role the server answers 200 and an empty list.
    if keycloak.token.own().has("view-users") == Some(false) {
        reader.gap(Gap {
            class: Some(class::CONSENT.to_owned()),
            what: format!("{}: the server shows only users that estop may view", keycloak.settings.name),
            permission: Some("view-users".to_owned()),
        });
    }
    paged.entries
}

async fn of_user(reader: &Reader<'_>, record: &Record, user: String, name: Option<String>) -> Option<Consent> {
    let call = || Call::get(reader.keycloak.path(&["users", user.as_str(), "consents"])).listing();
    let grounds = Grounds { what: "reading a user's consents", permission: "view-users" };
    let consents: Vec<ConsentWire> = match reader.keycloak.get(call, grounds).await {
        Ok(consents) => consents,
        Err(ProviderError::Gone(_)) => return None,
        Err(error) => {
            reader.failed(Some(class::CONSENT), &error);
            return None;
        }
    };
    // An offline token without a consent stands in this list too, with nothing granted: it is an offline session.
    let wire = consents
        .into_iter()
        .find(|consent| consent.client_id == record.client_id && !consent.granted_client_scopes.is_empty())?;
    Some(Consent { name: name.unwrap_or_else(|| user.clone()), user, wire })
}

/// Each consent as a holding; its native id is the user's.
pub(super) fn holdings(identity: &IdentityId, record: &Record, realm: &str, consents: &[Consent]) -> Vec<Holding> {
    let state = if record.enabled { HoldingState::Live } else { HoldingState::Gated };
    let time = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    consents
        .iter()
        .map(|consent| {
            let name = format!("consent of {}", consent.name);
            let place = (Lane::Grants, Family::Grant);
            let mut one = holding(identity, (class::CONSENT, &consent.user), place, &name, state);
            one.issued_at = time(consent.wire.created_date);
            one.last_used_at = time(consent.wire.last_updated_date);
            one.on_behalf_of = Some(Untrusted::from(consent.name.as_str()));
            one.scopes = consent.scopes(realm);
            one
        })
        .collect()
}

/// Everybody that is known to have dealt with the client.
pub(super) fn users_of(lists: &[&BTreeMap<String, Option<String>>], consents: &[Consent]) -> BTreeSet<String> {
    let named = lists.iter().flat_map(|list| list.keys().cloned());
    named.chain(consents.iter().map(|consent| consent.user.clone())).collect()
}

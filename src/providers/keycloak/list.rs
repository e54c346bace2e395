//! The listing: every client that can act, all pages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Keycloak,
    paths::gap_of,
    record::{Record, hint},
    wire::{ClientWire, EventWire},
};
use crate::{
    domain::{Gap, Identity},
    engine::{Listing, ProviderError},
    providers::http::{Call, Grounds},
};

/// Newest events that are asked for the last activity of the whole fleet.
const EVENTS: usize = 1000;

/// Every client, without secrets; the error that ended the listing early.
pub(super) async fn records(keycloak: &Keycloak) -> (Vec<Record>, Option<ProviderError>) {
    let call = || Call::get(keycloak.path(&["clients"]));
    let grounds = Grounds { what: "listing clients", permission: "view-clients" };
    let paged = keycloak.pages::<ClientWire>(call, grounds).await;
    let mut seen = BTreeSet::new();
    // A client that is made or deleted meanwhile moves the pages: one may come twice.
    let records: Vec<Record> =
        paged.entries.into_iter().map(Record::of).filter(|record| seen.insert(record.id.clone())).collect();
    (records, paged.error)
}

pub(super) async fn inventory(keycloak: &Keycloak) -> Result<Listing, ProviderError> {
    let ((records, error), used) = futures::join!(records(keycloak), last_used(keycloak));
    let mut gaps = Vec::new();
    if let Some(error) = error {
        if records.is_empty() {
            return Err(error);
        }
        gaps.push(gap_of(None, &error));
    }
    // Without the role the server answers 200 with the few clients that we may see, or none.
    if keycloak.token.own().has("view-clients") == Some(false) {
        gaps.push(Gap {
            class: None,
            what: format!("{}: the server shows only clients that estop may view", keycloak.settings.name),
            permission: Some("view-clients".to_owned()),
        });
    }
    let identities =
        records.iter().filter(|record| record.is_listed()).map(|record| identity(keycloak, record, &used)).collect();
    Ok(Listing { identities, gaps })
}

fn identity(keycloak: &Keycloak, record: &Record, used: &BTreeMap<String, Timestamp>) -> Identity {
    let user = keycloak.known_service_account(&record.id);
    let mut identity = record.identity(&keycloak.settings.name, user.as_deref());
    if keycloak.could_mint(&record.id, false) {
        identity.hints.insert(hint::COULD_MINT.to_owned(), "true".to_owned());
    }
    identity.last_active_at = used.get(&record.client_id).copied();
    identity
}

/// The newest event of each client among the newest of the realm. Where events are not stored or not ours to read, a
/// listing has no last use; that is no gap in it.
async fn last_used(keycloak: &Keycloak) -> BTreeMap<String, Timestamp> {
    let call = || Call::get(keycloak.path(&["events"])).query("max", EVENTS.to_string()).listing();
    let grounds = Grounds { what: "reading events", permission: "view-events" };
    let events: Vec<EventWire> = keycloak.get(call, grounds).await.unwrap_or_default();
    let mut used = BTreeMap::new();
    for event in events {
        if let (Some(client), Ok(at)) = (event.client_id, Timestamp::from_millisecond(event.time)) {
            let newest = used.entry(client).or_insert(at);
            *newest = at.max(*newest);
        }
    }
    used
}

//! The listing: every client that can act, all pages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Keycloak,
    reader::gap_of,
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
            return Err(wrong_place(error));
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

/// A realm that is not there is another one than was meant, never an empty one.
pub(super) fn wrong_place(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Gone(what) => {
            ProviderError::BadData(format!("{what}: there is no such realm: check the base URL and the realm's name"))
        }
        other => other,
    }
}

fn identity(keycloak: &Keycloak, record: &Record, last: &BTreeMap<String, Timestamp>) -> Identity {
    let user = keycloak.known_service_account(&record.id);
    let mut identity = record.identity(&keycloak.settings.name, user.as_deref());
    if keycloak.could_mint(&record.id, false) {
        identity.hints.insert(hint::COULD_MINT.to_owned(), "true".to_owned());
    }
    identity.last_active_at = last.get(&record.client_id).copied();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::testing::{Realm, keycloak};
    use crate::{
        engine::{Provider as _, ProviderError},
        providers::transport::TransportError,
    };

    const VIEWS: [&str; 2] = ["view-clients", "view-events"];

    /// A realm of so many bots, in pages as asked for.
    fn realm_of(count: usize, roles: &[&'static str], failing_page: Option<usize>) -> Arc<Realm> {
        Realm::new(roles, move |seen| {
            let Some(query) = seen.line.strip_prefix("GET /clients?first=") else { return Ok((200, json!([]))) };
            let first: usize = query.split('&').next().and_then(|first| first.parse().ok()).expect("a number");
            if failing_page == Some(first) {
                return Ok((500, json!({"error": "unknown_error"})));
            }
            let bot = |index: usize| {
                json!({"id": format!("c{index}"), "clientId": format!("bot-{index}"),
                "enabled": index != 1, "serviceAccountsEnabled": true, "secret": format!("S3CRET-{index}")})
            };
            Ok((200, (first..count.min(first + 500)).map(bot).collect::<Vec<Value>>().into()))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn thousands_of_clients_come_in_pages() {
        let realm = realm_of(1203, &VIEWS, None);
        let listing = keycloak(realm.clone()).inventory().await.expect("a listing");
        assert_eq!((listing.identities.len(), listing.gaps.len()), (1203, 0));
        let pages: Vec<String> = realm.lines().into_iter().filter(|line| line.contains("/clients")).collect();
        let expected = [0, 500, 1000].map(|first| format!("GET /clients?first={first}&max=500"));
        assert_eq!(pages, expected);
        assert!(!format!("{listing:?}").contains("S3CRET"));
        assert!(listing.identities[7].hints["fingerprints"].starts_with("sha256:"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_fails_is_a_gap_and_a_listing_that_fails_an_error() {
        let listing = keycloak(realm_of(900, &VIEWS, Some(500))).inventory().await.expect("half of it");
        assert_eq!((listing.identities.len(), listing.gaps.len()), (500, 1));
        let error = keycloak(realm_of(900, &VIEWS, Some(0))).inventory().await.expect_err("nothing");
        assert!(matches!(error, ProviderError::Transient(_)), "{error:?}");
        let realm = Realm::new(&VIEWS, |_| Err(TransportError::Unreachable("refused".to_owned())));
        let error = keycloak(realm).inventory().await.expect_err("nothing");
        assert!(matches!(error, ProviderError::Unreachable(_)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_list_for_want_of_a_role_is_no_complete_one() {
        let listing = keycloak(realm_of(0, &["query-clients"], None)).inventory().await.expect("an empty list");
        assert_eq!(listing.gaps[0].permission.as_deref(), Some("view-clients"));
    }
}

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::super::testing::{NOON, Realm, Seen, keycloak};
use super::*;
use crate::{
    domain::{IdentityId, IdentityKind, ProviderName, Untrusted, Verdict},
    engine::Provider as _,
};

const ALL: [&str; 4] = ["manage-clients", "manage-users", "view-events", "view-realm"];

fn bot(name: &str) -> Identity {
    Identity::new(
        IdentityId::new(ProviderName::new("sso"), "c1"),
        Untrusted::from(name),
        IdentityKind::ServiceAccount,
        IdentityState::Unknown,
    )
}

/// Answers of a realm by path; what is not in the table is empty. Filters that a test depends on are in the key.
type Table = BTreeMap<&'static str, Value>;

fn realm(table: Table, refused: &'static [&'static str]) -> Arc<Realm> {
    Realm::new(&ALL, move |seen: &Seen| {
        let line = seen.line.trim_start_matches("GET ");
        let path = line.split('?').next().unwrap_or(line);
        if refused.iter().any(|prefix| path.starts_with(prefix)) {
            return Ok((403, json!({"error": "HTTP 403 Forbidden"})));
        }
        let by_query = table.iter().find(|(key, _)| key.contains('?') && line.contains(**key));
        if let Some((_, value)) = by_query {
            return Ok((200, value.clone()));
        }
        match table.get(path) {
            Some(value) if value == "gone" => Ok((404, json!({"error": "Could not find client"}))),
            Some(value) => Ok((200, value.clone())),
            None => Ok((200, json!([]))),
        }
    })
}

/// A client with a service account, in a realm that keeps its events.
fn table() -> Table {
    let types = ["CLIENT_LOGIN", "CODE_TO_TOKEN", "REFRESH_TOKEN", "TOKEN_EXCHANGE", "CLIENT_REGISTER"];
    BTreeMap::from([
        (
            "/clients/c1",
            json!({"id": "c1", "clientId": "bot", "enabled": true, "serviceAccountsEnabled": true,
                "fullScopeAllowed": true, "secret": "S3CRET", "attributes": {"access.token.lifespan": "60"}}),
        ),
        ("/clients/c1/service-account-user", json!({"id": "sa1", "username": "service-account-bot"})),
        ("/users/sa1", json!({"id": "sa1", "username": "service-account-bot", "enabled": true, "notBefore": 0})),
        ("/users/sa1/role-mappings", json!({})),
        ("/events/config", json!({"eventsEnabled": true, "adminEventsEnabled": true, "enabledEventTypes": types})),
        ("", json!({"accessTokenLifespan": 120, "ssoSessionMaxLifespan": 36000})),
    ])
}

fn classes(reading: &Reading) -> Vec<(&str, HoldingState)> {
    reading.holdings.iter().map(|holding| (holding.id.class(), holding.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_can_make_clients_is_read_with_what_it_made() {
    let manage = json!({"id": "r2", "name": "manage-clients", "clientRole": true, "containerId": "rm"});
    let outer = json!({"id": "r1", "name": "operator", "composite": true, "clientRole": false});
    let made = |id: &str, kind: &str, path: &str| {
        json!({"id": id, "time": (NOON - 60) * 1000, "operationType": "CREATE", "resourceType": kind,
            "resourcePath": path, "authDetails": {"clientId": "c1", "userId": "sa1"}})
    };
    let foreign = json!({"id": "e9", "time": 1, "operationType": "CREATE", "resourceType": "CLIENT",
        "resourcePath": "clients/innocent", "authDetails": {"clientId": "other", "userId": "admin"}});
    let token = made("e2", "CLIENT_INITIAL_ACCESS_MODEL", "clients-initial-access/i1");
    let mut table = table();
    table.extend([
        ("/users/sa1/role-mappings", json!({"realmMappings": [outer]})),
        ("/roles-by-id/r1/composites", json!([manage])),
        ("/clients/rm", json!({"clientId": "realm-management"})),
        ("/admin-events?authClient=c1", json!([made("e1", "CLIENT", "clients/c2"), foreign])),
        ("/admin-events?authUser=sa1", json!([made("e1", "CLIENT", "clients/c2"), token])),
        ("/admin-events?operationTypes=CREATE", json!([token])),
        ("/clients/c2", json!({"id": "c2", "clientId": "nightly", "enabled": true, "secret": "S3CRET"})),
        (
            "/clients-initial-access",
            json!([{"id": "i1", "timestamp": NOON - 60, "expiration": 3600, "remainingCount": 4}]),
        ),
        (
            "/events?type=CLIENT_REGISTER",
            json!([{"time": (NOON - 30) * 1000, "type": "CLIENT_REGISTER", "clientId": "self"}]),
        ),
        ("/clients?clientId=self", json!([{"id": "c3", "clientId": "self", "enabled": true, "secret": "S3CRET"}])),
        (
            "/clients",
            json!([
                {"id": "c1", "clientId": "bot", "enabled": true, "secret": "S3CRET"},
                {"id": "c2", "clientId": "nightly", "enabled": true, "secret": "S3CRET"},
                {"id": "c4", "clientId": "sibling", "enabled": true, "secret": "S3CRET"},
                {"id": "c5", "clientId": "public", "enabled": true, "publicClient": true},
            ]),
        ),
    ]);
    let reading = keycloak(realm(table, &[])).holdings(&bot("bot")).await.expect("a reading");
    assert_eq!(reading.gaps, Vec::new());
    let children: Vec<&str> = reading.children.iter().map(|child| child.id.native()).collect();
    assert_eq!(children, ["c2", "c3"]);
    assert!(reading.children.iter().all(|child| child.child_of.as_deref() == Some(&reading.identity.id)));
    let exposed: Vec<&str> = reading.exposure.iter().map(|exposed| exposed.name.raw()).collect();
    assert_eq!(exposed, ["sibling"], "neither the child nor who has no secret");
    let role = reading.holdings.iter().find(|holding| holding.id.class() == class::ROLE).expect("a role");
    assert!(role.mints(), "through a composite");
    assert!(classes(&reading).contains(&(class::INITIAL, HoldingState::Live)));
    assert!(!format!("{reading:?}").contains("S3CRET"));
    assert_eq!(reading.identity.hints["could-mint"], "true");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_could_mint_is_never_dark_where_no_events_tell() {
    let manage = json!({"id": "r2", "name": "manage-clients", "clientRole": true, "containerId": "rm"});
    let mut table = table();
    let of_client = json!({"realm-management": {"id": "rm", "client": "realm-management", "mappings": [manage]}});
    table.insert("/users/sa1/role-mappings", json!({ "clientMappings": of_client }));
    table.insert("/events/config", json!({"eventsEnabled": false, "adminEventsEnabled": false}));
    let before = keycloak(realm(table.clone(), &[]));
    let reading = before.holdings(&bot("bot")).await.expect("a reading");
    assert!(classes(&reading).contains(&(class::UNLISTED, HoldingState::Unlisted)));
    // After its role is gone, by the hint that its identity carries.
    table.insert("/users/sa1/role-mappings", json!({}));
    let after = keycloak(realm(table, &[])).holdings(&reading.identity).await.expect("a reading");
    assert!(classes(&after).contains(&(class::UNLISTED, HoldingState::Unlisted)));
}

#[tokio::test(start_paused = true)]
async fn a_session_hidden_by_a_withdrawn_consent_is_found_by_the_events() {
    let session = |id: &str, clients: Value| json!({"id": id, "username": "alice", "userId": "u1", "start": NOON * 1000, "clients": clients});
    let exchange = json!({"id": "e1", "time": NOON * 1000, "type": "TOKEN_EXCHANGE", "clientId": "gateway",
        "userId": "u1", "sessionId": "hidden", "details": {"subject_token_client_id": "bot", "username": "alice"}});
    let mut table = table();
    table.extend([
        (
            "/clients/c1",
            json!({"id": "c1", "clientId": "bot", "enabled": true, "standardFlowEnabled": true, "secret": "S3CRET"}),
        ),
        ("/events?type=TOKEN_EXCHANGE", json!([exchange])),
        (
            "/users/u1/sessions",
            json!([session("hidden", json!({"gw": "gateway"})), session("foreign", json!({"p": "portal"}))]),
        ),
        ("/users", json!([{"id": "u1", "username": "alice"}, {"id": "u2", "username": "bob"}])),
        ("/users/u2/consents", json!([{"clientId": "bot", "grantedClientScopes": ["tickets.read"], "createdDate": 1}])),
        ("/users/u1/consents", json!([{"clientId": "bot", "additionalGrants": [{"key": "Offline Token"}]}])),
    ]);
    let reading = keycloak(realm(table, &[])).holdings(&bot("bot")).await.expect("a reading");
    let sessions: Vec<&str> = reading
        .holdings
        .iter()
        .filter(|holding| holding.id.class() == class::SESSION)
        .map(|holding| holding.id.native())
        .collect();
    assert_eq!(sessions, ["u1/hidden"]);
    let consents: Vec<&str> = reading
        .holdings
        .iter()
        .filter(|holding| holding.id.class() == class::CONSENT)
        .map(|holding| holding.name.raw())
        .collect();
    assert_eq!(consents, ["consent of bob"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_a_gap_that_names_the_permission() {
    let reading = keycloak(realm(table(), &["/users", "/events"])).holdings(&bot("bot")).await.expect("a reading");
    let missing: Vec<&str> = reading.gaps.iter().filter_map(|gap| gap.permission.as_deref()).collect();
    assert!(missing.contains(&"view-users") && missing.contains(&"view-events"), "{missing:?}");
    assert_eq!(reading.facts.get("user.enabled"), None, "it was not read from the user itself");
    let role = crate::domain::HoldingId::new(reading.identity.id.clone(), class::ROLE, "realm/r1/x");
    let gone = crate::domain::Postcondition::Absent { holding: role };
    assert!(matches!(gone.judge(&reading, &crate::domain::Sent::default()), Verdict::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_is_so_only_where_its_realm_answers() {
    let mut table = table();
    table.insert("/clients/c1", json!("gone"));
    let reading = keycloak(realm(table, &[])).holdings(&bot("bot")).await.expect("a reading");
    assert_eq!((reading.identity.state, reading.holdings.len()), (IdentityState::Gone, 0));

    let nowhere = Realm::new(&ALL, |_| Ok((404, json!({"error": "Realm not found."}))));
    let error = keycloak(nowhere).holdings(&bot("bot")).await.expect_err("no realm");
    assert!(error.to_string().contains("check the base URL and the realm's name"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_hostile_id_is_never_sent() {
    for hostile in ["..", "", "../users", "a?b", "a#b"] {
        let realm = realm(table(), &[]);
        let mut identity = bot("bot");
        identity.id = IdentityId::new(ProviderName::new("sso"), hostile);
        keycloak(realm.clone()).holdings(&identity).await.expect_err("refused");
        assert_eq!(realm.lines(), Vec::<String>::new(), "{hostile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_shut_only_when_the_user_is_disabled_too() {
    for (client, user, state) in [
        (true, true, IdentityState::Live),
        (false, true, IdentityState::Live),
        (true, false, IdentityState::Live),
        (false, false, IdentityState::Gated),
    ] {
        let mut table = table();
        let enabled = json!({"id": "c1", "clientId": "bot", "enabled": client, "serviceAccountsEnabled": true});
        table.insert("/clients/c1", enabled);
        table.insert("/users/sa1", json!({"id": "sa1", "enabled": user, "notBefore": 0}));
        let reading = keycloak(realm(table, &[])).holdings(&bot("bot")).await.expect("a reading");
        assert_eq!(reading.identity.state, state, "client {client}, user {user}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_name_that_no_query_may_hold_are_filtered_here() {
    let mut table = table();
    let name = "bo\u{1b}[2Jt";
    let mut client = table["/clients/c1"].clone();
    client["clientId"] = json!(name);
    table.insert("/clients/c1", client);
    let event =
        |client: &str, time: i64| json!({"id": client, "time": time, "type": "CLIENT_LOGIN", "clientId": client});
    table.insert("/events", json!([event(name, NOON * 1000 - 5), event("other", NOON * 1000 - 1)]));
    table.insert("/events?user=", json!([]));
    let realm = realm(table, &[]);
    let reading = keycloak(realm.clone()).holdings(&bot(name)).await.expect("a reading");
    assert!(reading.gaps.is_empty(), "{:?}", reading.gaps);
    assert_eq!(reading.identity.last_active_at.map(Timestamp::as_millisecond), Some(NOON * 1000 - 5));
    assert!(realm.lines().iter().all(|line| !line.contains("%1B")), "{:?}", realm.lines());
}

#[test]
fn a_name_in_the_place_of_an_id_has_no_gate() {
    let keycloak = keycloak(realm(table(), &[]));
    assert!(keycloak.gate(&bot("bot")).is_empty(), "c1 was never listed and is no id of a client");
    assert!(!keycloak.gate(&Identity { state: IdentityState::Live, ..bot("bot") }).is_empty());
}

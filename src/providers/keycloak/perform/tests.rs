use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{Depth, Family, Lane, Untrusted},
    domain::{Fact, Holding, HoldingState, Identity, IdentityId, IdentityKind, IdentityState, ProviderName, Reading},
    engine::Provider as _,
    providers::{
        keycloak::{
            credentials::{class, holding},
            testing::{NOON, Realm, keycloak},
        },
        transport::TransportError,
    },
};

const ROLES: [&str; 4] = ["manage-clients", "manage-users", "view-events", "view-realm"];
const KEY: Uuid = Uuid::from_u128(7);

/// A bot that has one of everything.
fn reading() -> Reading {
    let id = IdentityId::new(ProviderName::new("sso"), "c1");
    let hints = [
        ("service-account-user", "sa1"),
        ("authorization-services-enabled", "true"),
        ("key-attributes", "jwks.string"),
        ("trust-attributes", "jwt.credential.issuer jwt.credential.sub"),
    ];
    let identity = Identity {
        attributes: crate::domain::Entries::new(),
        hints: hints.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Identity::new(id.clone(), Untrusted::from("bot/one"), IdentityKind::ServiceAccount, IdentityState::Live)
    };
    let mut reading = Reading::of(identity, jiff::Timestamp::UNIX_EPOCH);
    let one = |class: &str, native: &str, lane, family| -> Holding {
        holding(&id, (class, native), (lane, family), class, HoldingState::Live)
    };
    reading.holdings = vec![
        one(class::SECRET, "sha256:aa", Lane::Tokens, Family::Secret),
        one(class::ROTATED, "sha256:bb", Lane::Tokens, Family::Secret),
        one(class::KEY, "sha256:cc", Lane::Tokens, Family::Secret),
        one(class::TRUST, "https://issuer", Lane::Connectors, Family::Connector),
        one(class::REGISTRATION, "any", Lane::Tokens, Family::Secret),
        one(class::TOKENS, "any", Lane::Tokens, Family::Token),
        one(class::SESSION, "u1/s1", Lane::Tokens, Family::Token),
        one(class::OFFLINE, "u1/s2", Lane::Tokens, Family::Token),
        one(class::CONSENT, "u1", Lane::Grants, Family::Grant),
        one(class::ROLE, "realm/r1/chat bot", Lane::Connectors, Family::Role),
        one(class::ROLE, "c9/r2/deploy", Lane::Connectors, Family::Role),
        one(class::GROUP, "g1", Lane::Connectors, Family::Role),
        one(class::LINK, "partner", Lane::Connectors, Family::Connector),
        one(class::INITIAL, "i1", Lane::Tokens, Family::Token),
        holding(&id, (class::UNLISTED, "any"), (Lane::Identity, Family::Grant), "x", HoldingState::Unlisted),
    ];
    reading
}

#[tokio::test(start_paused = true)]
async fn every_step_is_exactly_one_request() {
    let realm = Realm::new(&ROLES, |seen| {
        Ok((if seen.line.ends_with("client-secret") { 200 } else { 204 }, json!({"value": "NEW-S3CRET"})))
    });
    let keycloak = keycloak(realm.clone());
    let mut steps = keycloak.steps(&reading(), Depth::Burn);
    steps.sort_by(|a, b| (&a.object, a.rank, &a.id).cmp(&(&b.object, b.rank, &b.id)));
    let mut sent = Vec::new();
    for step in &steps {
        let before = realm.seen().len();
        let answer = perform(&keycloak, step, KEY).await;
        assert_eq!(answer.kind, AnswerKind::Accepted, "{}", step.id);
        assert!(!format!("{answer:?}").contains("S3CRET"));
        let requests = realm.seen().split_off(before);
        assert_eq!(requests.len(), 1, "{}", step.id);
        assert_eq!(requests[0].key.as_deref(), Some(KEY.to_string().as_str()));
        assert!(requests[0].bearer.as_deref().is_some_and(|value| value.starts_with("Bearer e30.")));
        sent.push((requests[0].line.clone(), requests[0].body.clone()));
    }
    let gate = format!(
        r#"{{"attributes":{{}},"authorizationServicesEnabled":true,"enabled":false,"notBefore":{}}}"#,
        NOON + 1
    );
    let no_keys = r#"{"attributes":{"jwks.string":""},"authorizationServicesEnabled":true}"#;
    let no_trust =
        r#"{"attributes":{"jwt.credential.issuer":"","jwt.credential.sub":""},"authorizationServicesEnabled":true}"#;
    let expected = [
        ("PUT /clients/c1", gate.as_str()),
        ("PUT /clients/c1", no_trust),
        ("PUT /clients/c1", no_keys),
        ("POST /clients/c1/client-secret", ""),
        ("DELETE /clients/c1/client-secret/rotated", ""),
        ("POST /clients/c1/registration-access-token", ""),
        ("DELETE /clients-initial-access/i1", ""),
        ("PUT /users/sa1", r#"{"enabled":false}"#),
        ("POST /users/sa1/logout", ""),
        ("DELETE /users/sa1/role-mappings/realm", r#"[{"id":"r1","name":"chat bot"}]"#),
        ("DELETE /users/sa1/role-mappings/clients/c9", r#"[{"id":"r2","name":"deploy"}]"#),
        ("DELETE /users/sa1/groups/g1", ""),
        ("DELETE /users/sa1/federated-identity/partner", ""),
        ("DELETE /sessions/s1", ""),
        ("DELETE /sessions/s2?isOffline=true", ""),
        ("DELETE /users/u1/consents/bot%2Fone", ""),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(line, body)| ((*line).to_owned(), (*body).to_owned())).collect();
    assert_eq!(sent, expected);
}

#[tokio::test(start_paused = true)]
async fn the_gate_tells_what_it_set_and_a_later_reading_satisfies_it() {
    let realm = Realm::new(&ROLES, |_| Ok((204, Value::Null)));
    let keycloak = keycloak(realm);
    let gate = &keycloak.gate(&reading().identity)[0];
    let answer = perform(&keycloak, gate, KEY).await;
    let told = [("client.not-before".to_owned(), NOON + 1), ("server-second".to_owned(), NOON)];
    assert_eq!(answer.values, told.into());
    let mut after = reading();
    after.facts.insert("client.enabled".to_owned(), Fact::Bool(false));
    after.facts.insert("client.not-before".to_owned(), Fact::Int(NOON + 1));
    let sent = crate::domain::Sent { values: answer.values, ..crate::domain::Sent::default() };
    assert_eq!(gate.postcondition.judge(&after, &sent), crate::domain::Verdict::Holds);
}

/// Its second lies between 10.0 and 10.999 ahead of ours: the later end counts, and half a second on the way.
#[tokio::test(start_paused = true)]
async fn the_not_before_is_in_the_servers_clock() {
    let realm = Realm::stamping(NOON + 10, &ROLES);
    let keycloak = keycloak(realm.clone());
    keycloak.warm().await.expect("a token");
    let answer = perform(&keycloak, &keycloak.gate(&reading().identity)[0], KEY).await;
    let told = [("client.not-before".to_owned(), NOON + 12), ("server-second".to_owned(), NOON + 10)];
    assert_eq!(answer.values, told.into());
    let put = realm.seen().into_iter().find(|seen| seen.line.starts_with("PUT")).expect("sent");
    assert!(put.body.contains(&format!(r#""notBefore":{}"#, NOON + 12)), "{}", put.body);
}

#[tokio::test(start_paused = true)]
async fn a_gate_without_the_flag_asks_for_it_first() {
    let realm = Realm::new(&ROLES, |seen| {
        let client = json!({"id": "c1", "clientId": "bot", "authorizationServicesEnabled": true});
        Ok(if seen.line.starts_with("GET") { (200, client) } else { (204, Value::Null) })
    });
    let keycloak = keycloak(realm.clone());
    let mut identity = reading().identity;
    identity.hints.remove("authorization-services-enabled");
    perform(&keycloak, &keycloak.gate(&identity)[0], KEY).await;
    assert_eq!(realm.lines(), ["GET /clients/c1", "PUT /clients/c1"]);
    assert!(realm.seen()[1].body.contains(r#""authorizationServicesEnabled":true"#));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once() {
    let realm = Realm::new(&ROLES, |seen| {
        let stale = seen.bearer.as_deref().is_some_and(|bearer| bearer.contains(".t1"));
        Ok((if stale { 401 } else { 204 }, Value::Null))
    });
    let keycloak = keycloak(realm.clone());
    let answer = perform(&keycloak, &keycloak.gate(&reading().identity)[1], KEY).await;
    assert_eq!((answer.kind, realm.tokens(), realm.lines().len()), (AnswerKind::Accepted, 2, 2));

    let realm = Realm::new(&ROLES, |_| Ok((401, Value::Null)));
    let keycloak = self::keycloak(realm.clone());
    let answer = perform(&keycloak, &keycloak.gate(&reading().identity)[1], KEY).await;
    assert_eq!(answer.kind, AnswerKind::Refused { permission: None });
    assert_eq!(realm.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_classed_and_name_the_permission() {
    let refused = |permission: &str| AnswerKind::Refused { permission: Some(permission.to_owned()) };
    let weak: &[&'static str] = &["manage-users"];
    for (action, roles, status, expected) in [
        (action::DISABLE_CLIENT, &ROLES[..], 403, refused("manage-clients")),
        (action::LOG_OUT, &ROLES[..], 403, refused("manage-users")),
        (action::DELETE_ROTATED, weak, 500, refused("manage-clients")),
        (action::DELETE_ROTATED, &ROLES[..], 500, AnswerKind::Transient),
        (action::DISABLE_CLIENT, &ROLES[..], 409, AnswerKind::Transient),
        (action::WITHDRAW, &ROLES[..], 404, AnswerKind::Gone),
        (action::WITHDRAW, &ROLES[..], 500, AnswerKind::Transient),
    ] {
        let realm = Realm::new(roles, move |_| Ok((status, json!({"error": "unknown_error"}))));
        let keycloak = keycloak(realm);
        let steps = keycloak.steps(&reading(), Depth::Burn);
        let step = steps.iter().find(|step| step.action.word() == action).expect("planned");
        let answer = perform(&keycloak, step, KEY).await;
        assert_eq!(answer.kind, expected, "{action} {status}");
    }
    let realm = Realm::new(&ROLES, |_| Err(TransportError::Lost("reset".to_owned())));
    let keycloak = keycloak(realm);
    let answer = perform(&keycloak, &keycloak.gate(&reading().identity)[0], KEY).await;
    assert_eq!((answer.kind, answer.values.is_empty()), (AnswerKind::Unknown, true));
}

#[tokio::test(start_paused = true)]
async fn ids_that_would_hit_another_endpoint_are_not_sent() {
    for (name, hostile) in
        [(param::SESSION, ".."), (param::SESSION, ""), (param::SESSION, "a/b"), (param::SESSION, "x?y")]
    {
        let realm = Realm::new(&ROLES, |_| Ok((204, Value::Null)));
        let keycloak = keycloak(realm.clone());
        let steps = keycloak.steps(&reading(), Depth::Isolate);
        let mut step = steps.into_iter().find(|step| step.action.word() == action::END_SESSION).expect("planned");
        step.params.insert(name.to_owned(), json!(hostile));
        let answer = perform(&keycloak, &step, KEY).await;
        assert_eq!((answer.kind, realm.lines()), (AnswerKind::Rejected, Vec::new()), "{hostile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unresolvable_secret_sends_nothing_and_says_so() {
    let realm = Realm::new(&ROLES, |_| Ok((204, Value::Null)));
    let mut keycloak = keycloak(realm.clone());
    let settings = crate::providers::keycloak::Settings {
        client_secret: std::sync::Arc::new(|| Err("no such file".to_owned())),
        ..(*keycloak.settings).clone()
    };
    keycloak = Keycloak::new(settings, realm.clone(), keycloak.clock.clone());
    let answer = perform(&keycloak, &keycloak.gate(&reading().identity)[0], KEY).await;
    assert_eq!(answer.kind, AnswerKind::Refused { permission: None });
    assert!(answer.detail.expect("a sentence").raw().contains("no such file"));
    assert_eq!((realm.lines().len(), realm.tokens()), (0, 0));
}

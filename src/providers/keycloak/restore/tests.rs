use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        AnswerKind, Depth, Fact, Family, HoldingState, Identity, IdentityId, IdentityKind, Lane, Reversibility, Sent,
        StepState, Verdict,
    },
    engine::Provider as _,
    providers::keycloak::{
        Keycloak,
        credentials::{class, holding},
        perform,
        testing::{Realm, keycloak},
    },
};

const ROLES: [&str; 4] = ["manage-clients", "manage-users", "view-events", "view-realm"];
/// When the snapshot was read, the gate was answered, and the owner looked at it, in seconds.
const READ: i64 = 1_000;
const GATE: i64 = 1_060;
const LATER: i64 = 9_000;
const KEYS: &str = r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB"}]}"#;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).expect("in range")
}

fn client() -> IdentityId {
    IdentityId::new(ProviderName::new("sso"), "c1")
}

fn one(class: &str, native: &str, lane: Lane, family: Family) -> Holding {
    let mut one = holding(&client(), (class, native), (lane, family), &format!("{class} {native}"), HoldingState::Live);
    one.fingerprint = Fingerprint::parse(native);
    one
}

/// A bot that has one of everything, as it read before the strike.
fn before() -> Reading {
    let link = json!({"user_id": "p-1", "user_name": "bot@partner"}).to_string();
    let hints = [
        (hint::SERVICE_ACCOUNT, "sa1"),
        (hint::AUTHORIZATION, "false"),
        (hint::KEY_ATTRIBUTES, "jwks.string"),
        (hint::TRUST_ATTRIBUTES, "jwt.credential.issuer jwt.credential.sub"),
        ("attribute/jwks.string", KEYS),
        ("attribute/jwt.credential.issuer", "https://issuer"),
        ("attribute/jwt.credential.sub", "system:bot"),
        ("link/partner", &link),
    ];
    let identity = Identity {
        attributes: [("owner".to_owned(), Untrusted::from("docs"))].into(),
        hints: hints.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Identity::new(client(), Untrusted::from("bot"), IdentityKind::ServiceAccount, IdentityState::Live)
    };
    let mut reading = Reading::of(identity, at(READ));
    reading.holdings = vec![
        one(class::SECRET, "sha256:aaaaaaaaaaaa", Lane::Tokens, Family::Secret),
        one(class::ROTATED, "sha256:bbbbbbbbbbbb", Lane::Tokens, Family::Secret),
        one(class::KEY, "sha256:cccccccccccc", Lane::Tokens, Family::Secret),
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
    ];
    with_facts(reading, true)
}

/// Facts as a live read has them, both switches alike.
fn with_facts(mut reading: Reading, on: bool) -> Reading {
    reading.facts = [facts::CLIENT_ENABLED, facts::USER_ENABLED, "client.service-accounts-enabled"]
        .map(|fact| (fact.to_owned(), Fact::Bool(on || fact.starts_with("client.service"))))
        .into();
    for one in &reading.holdings {
        if [class::ROLE, class::GROUP, class::LINK].contains(&one.id.class()) {
            reading.facts.insert(facts::held(&one.id), Fact::Bool(true));
        }
    }
    for (name, value) in &reading.identity.hints {
        if let Some(name) = name.strip_prefix(hint::ATTRIBUTE) {
            reading.facts.insert(facts::attribute(name), Fact::Text(Fingerprint::of(value.as_bytes()).to_string()));
        }
    }
    reading
}

/// The same bot after all these were done: what they end is not there.
fn after(before: &Reading, done: &[StepRecord]) -> Reading {
    let mut now = Reading { read_at: at(LATER), ..before.clone() };
    now.identity.state = IdentityState::Gated;
    now.holdings.retain(|one| !done.iter().any(|record| record.step.holdings.contains(&one.id)));
    for (action, prefix) in [(action::REMOVE_KEYS, "jwks"), (action::CUT_TRUST, "jwt")] {
        if done.iter().any(|record| record.step.action.word() == action) {
            now.identity.hints.retain(|name, _| !name.starts_with(&format!("{}{prefix}", hint::ATTRIBUTE)));
        }
    }
    for one in &mut now.holdings {
        one.state = HoldingState::Gated;
    }
    with_facts(now, false)
}

fn done(keycloak: &Keycloak, before: &Reading, depth: Depth) -> Vec<StepRecord> {
    let verified = |step: Step| {
        let values = if step.gate { [("server-second".to_owned(), GATE)].into() } else { BTreeMap::new() };
        let state = StepState::Verified;
        let (sent_at, answered_at) = (Some(at(GATE)), Some(at(GATE)));
        StepRecord { state, attempts: 1, sent_at, answered_at, values, ..StepRecord::planned(step) }
    };
    keycloak.steps(before, depth).into_iter().map(verified).collect()
}

fn sso() -> (std::sync::Arc<Realm>, Keycloak) {
    let realm = Realm::new(&ROLES, |seen| {
        let client = json!({"id": "c1", "clientId": "bot", "authorizationServicesEnabled": true});
        Ok(if seen.line == "GET /clients/c1" { (200, client) } else { (204, Value::Null) })
    });
    let keycloak = keycloak(realm.clone());
    (realm, keycloak)
}

fn words(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.action.word()).collect()
}

/// What undoes a step; `None`: nothing, and the plan had said so.
fn undoes(step: &Step) -> Option<&'static str> {
    match step.action.word() {
        action::DISABLE_CLIENT => Some(action::ENABLE_CLIENT),
        action::DISABLE_USER => Some(action::ENABLE_USER),
        action::REMOVE_ROLE => Some(action::ADD_ROLE),
        action::LEAVE_GROUP => Some(action::JOIN_GROUP),
        action::UNLINK => Some(action::LINK_AGAIN),
        action::CUT_TRUST => Some(action::RESTORE_TRUST),
        action::REMOVE_KEYS => Some(action::RESTORE_KEYS),
        _ => None,
    }
}

/// What a plan says of a step is what the way back can do about it.
#[test]
fn every_step_is_undone_or_was_said_to_be_lost() {
    let (_, keycloak) = sso();
    let mut private = before();
    private.identity.hints.retain(|name, _| !name.starts_with(hint::ATTRIBUTE) && !name.starts_with(hint::LINK));
    for before in [before(), private] {
        for depth in [Depth::Isolate, Depth::Burn] {
            let done = done(&keycloak, &before, depth);
            let way = keycloak.restore(&before, &after(&before, &done), &done, RestoreMode::FalseAlarm);
            assert_eq!(way.first, Vec::new());
            for step in done.iter().map(|record| &record.step) {
                let undone = undoes(step).is_some_and(|word| {
                    let targets = [
                        &step.target,
                        &step
                            .holdings
                            .first()
                            .map_or(step.target.clone(), |id| before.holding(id).expect("it was there").name.clone()),
                    ];
                    let whole = [action::RESTORE_TRUST, action::RESTORE_KEYS].contains(&word);
                    way.then.iter().any(|one| one.action.word() == word && (whole || targets.contains(&&one.target)))
                });
                let said = step.reversible == Reversibility::Irreversible;
                assert_eq!(undone, !said, "{}", step.id);
                let tokens = Untrusted::from("access tokens of bot from before");
                let lost = way.lost.iter().any(|lost| {
                    let about =
                        lost.what == step.target || (step.action.word() == action::LOG_OUT && lost.what == tokens);
                    about && !lost.why.is_empty()
                });
                let by_attribute = matches!(step.action.word(), action::REMOVE_KEYS | action::CUT_TRUST)
                    && way.lost.iter().any(|lost| lost.what.raw().starts_with("jw"));
                assert_eq!(lost || by_attribute, said, "{}", step.id);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_way_back_is_exactly_one_request_and_the_client_opens_last() {
    let (realm, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Burn);
    let way = keycloak.restore(&before, &after(&before, &done), &done, RestoreMode::FalseAlarm);
    let mut sent = Vec::new();
    for step in &way.then {
        let seen = realm.seen().len();
        let answer = perform::perform(&keycloak, step, Uuid::from_u128(7)).await;
        assert_eq!(answer.kind, AnswerKind::Accepted, "{}", step.id);
        let requests = realm.seen().split_off(seen);
        // What has to be written back is asked for first: it may have changed since the snapshot.
        assert!(requests.iter().rev().skip(1).all(|request| request.line == "GET /clients/c1"), "{requests:?}");
        let last = requests.last().expect("one request");
        sent.push((last.line.clone(), last.body.clone()));
        let of_object = way.then.iter().filter(|other| other.object == step.object && other.rank > step.rank);
        assert!(of_object.count() > 0 || step.action.word().starts_with("enable"), "{}: behind its door", step.id);
    }
    let keys = json!({"authorizationServicesEnabled": true, "attributes": {"jwks.string": KEYS}}).to_string();
    let expected = [
        ("POST /users/sa1/role-mappings/clients/c9", r#"[{"id":"r2","name":"deploy"}]"#),
        ("POST /users/sa1/role-mappings/realm", r#"[{"id":"r1","name":"chat bot"}]"#),
        ("PUT /users/sa1/groups/g1", ""),
        (
            "POST /users/sa1/federated-identity/partner",
            r#"{"identityProvider":"partner","userId":"p-1","userName":"bot@partner"}"#,
        ),
        ("PUT /users/sa1", r#"{"enabled":true}"#),
        (
            "PUT /clients/c1",
            r#"{"attributes":{"jwt.credential.issuer":"https://issuer","jwt.credential.sub":"system:bot"},"authorizationServicesEnabled":true}"#,
        ),
        ("PUT /clients/c1", keys.as_str()),
        ("PUT /clients/c1", r#"{"attributes":{},"authorizationServicesEnabled":true,"enabled":true}"#),
    ];
    let mut expected: Vec<(String, String)> =
        expected.iter().map(|(line, body)| ((*line).to_owned(), (*body).to_owned())).collect();
    let json = |body: &str| serde_json::from_str::<Value>(body).unwrap_or_default();
    let same = |(a, b): (&(String, String), &(String, String))| a.0 == b.0 && json(&a.1) == json(&b.1);
    expected.sort();
    let mut sorted = sent.clone();
    sorted.sort();
    assert!(sorted.len() == expected.len() && sorted.iter().zip(&expected).all(same), "{sorted:#?}\n{expected:#?}");
    let door = way.then.last().expect("steps");
    assert_eq!(door.action.word(), action::ENABLE_CLIENT);
    assert_eq!(door.after.len(), way.then.len() - 1, "after all others");
}

#[test]
fn what_was_put_back_is_proved_by_a_reading() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Burn);
    let shut = after(&before, &done);
    let way = keycloak.restore(&before, &shut, &done, RestoreMode::FalseAlarm);
    for step in &way.then {
        assert_eq!(step.postcondition.judge(&before, &Sent::default()), Verdict::Holds, "{}", step.id);
        assert_ne!(step.postcondition.judge(&shut, &Sent::default()), Verdict::Holds, "{}", step.id);
    }
    let again = keycloak.restore(&before, &before, &done, RestoreMode::FalseAlarm);
    assert_eq!(again.then, Vec::new(), "nothing is left to do");
}

#[test]
fn what_others_changed_since_stays_and_is_named() {
    let (_, keycloak) = sso();
    let before = before();
    let mut done = done(&keycloak, &before, Depth::Isolate);
    let mut now = after(&before, &done);
    let back = before.holdings.iter().find(|one| one.id.native() == "realm/r1/chat bot").expect("a role").clone();
    now.holdings.push(back);
    now.holdings.push(one(class::ROLE, "realm/r7/new", Lane::Connectors, Family::Role));
    now.facts.insert(facts::USER_ENABLED.to_owned(), Fact::Bool(true));
    let refused = done.iter_mut().find(|record| record.step.action.word() == action::LEAVE_GROUP).expect("planned");
    refused.state = StepState::Refused { permission: None };
    let way = keycloak.restore(&before, &now, &done, RestoreMode::FalseAlarm);
    assert_eq!(words(&way.then), ["add-role", "link", "restore-trust", "enable-client"]);
    let says = |what: &str, now: &str| {
        way.changes.iter().any(|change| change.what.raw().contains(what) && change.now.contains(now))
    };
    assert!(says("r1/chat bot", "gave it back"), "{:#?}", way.changes);
    assert!(says("r7/new", "given by somebody"), "{:#?}", way.changes);
    assert!(says("group-membership g1", "taken by somebody else"), "{:#?}", way.changes);
    assert!(says("service-account user bot: enabled", "somebody opened it"), "{:#?}", way.changes);
}

#[test]
fn what_cannot_be_read_now_is_not_put_back() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Isolate);
    let mut now = after(&before, &done);
    now.gaps.push(Gap { class: Some(class::ROLE.to_owned()), what: "no".to_owned(), permission: None });
    now.facts.remove(facts::USER_ENABLED);
    let way = keycloak.restore(&before, &now, &done, RestoreMode::FalseAlarm);
    assert_eq!(words(&way.then), ["join-group", "link", "restore-trust", "enable-client"]);
    assert_eq!(way.gaps.len(), 4, "the class, its two roles, and the door: {:?}", way.gaps);
}

#[test]
fn what_the_thief_made_or_gave_stays_cut() {
    let (_, keycloak) = sso();
    let before = before();
    let mut late = before.clone();
    late.holdings.push(one(class::ROLE, "rm/r8/manage-users", Lane::Connectors, Family::Role));
    let done = done(&keycloak, &late, Depth::Isolate);
    let now = after(&before, &done);
    for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
        let way = keycloak.restore(&before, &now, &done, mode);
        assert!(way.then.iter().all(|step| !step.target.raw().contains("r8")), "{:?}", words(&way.then));
        assert!(way.lost.iter().any(|lost| lost.what.raw().contains("r8/manage-users")), "{:?}", way.lost);

        let mut child = before.clone();
        child.identity.child_of = Some(Box::new(IdentityId::new(ProviderName::new("sso"), "c0")));
        let way = keycloak.restore(&child, &now, &done, mode);
        assert_eq!((way.first.len(), way.then.len(), way.lost.len()), (0, 0, 1));
    }
}

#[test]
fn rotate_ends_everything_that_opened_it_before_the_door_opens() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Isolate);
    let way = keycloak.restore(&before, &after(&before, &done), &done, RestoreMode::Rotate);
    assert_eq!(
        words(&way.first),
        ["remove-keys", "regenerate-secret", "delete-rotated-secret", "rotate-registration-token"]
    );
    let kept = ["add-role", "add-role", "join-group", "link", "restore-trust", "enable-user", "enable-client"];
    assert_eq!(words(&way.then), kept, "the keys do not come back");
    let reissued: Vec<&str> = way.reissue.iter().map(|one| one.what.raw()).collect();
    assert_eq!(
        reissued,
        [
            "client secret of bot",
            "signing key of bot",
            "registration access token of bot, if somebody uses one",
            "offline-session u1/s2",
            "consent u1",
        ]
    );
    assert!(way.reissue.iter().take(3).all(|one| one.by == "owner docs"), "{:?}", way.reissue);

    // The old secret becomes the rotated one: its end is proved only when that is gone too.
    let mut halfway = after(&before, &done);
    halfway.holdings.retain(|one| one.id.class() != class::SECRET && one.id.class() != class::KEY);
    let old = one(class::ROTATED, "sha256:aaaaaaaaaaaa", Lane::Tokens, Family::Secret);
    halfway.holdings.push(old);
    let holds: Vec<bool> = way.first[..3]
        .iter()
        .map(|step| step.postcondition.judge(&halfway, &Sent::default()) == Verdict::Holds)
        .collect();
    assert_eq!(holds, [true, true, false]);
}

#[test]
fn rotate_spares_only_a_secret_that_was_made_behind_the_gate() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Isolate);
    let with = |made: Option<i64>| {
        let mut now = after(&before, &done);
        now.holdings.retain(|one| one.id.class() != class::SECRET && one.id.class() != class::KEY);
        let mut new = one(class::SECRET, "sha256:dddddddddddd", Lane::Tokens, Family::Secret);
        new.issued_at = made.map(at);
        now.holdings.push(new);
        let way = keycloak.restore(&before, &now, &done, RestoreMode::Rotate);
        words(&way.first).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let registration = "rotate-registration-token";
    assert_eq!(with(Some(GATE + 1)), ["delete-rotated-secret", registration]);
    for made in [Some(GATE), Some(READ + 1), None] {
        let all = ["regenerate-secret", "delete-rotated-secret", registration];
        assert_eq!(with(made), all, "the thief may have made it: {made:?}");
    }
}

#[test]
fn rotate_shuts_again_what_somebody_opened() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Isolate);
    let mut now = with_facts(after(&before, &done), true);
    now.holdings.push(one(class::SESSION, "u2/s9", Lane::Tokens, Family::Token));
    now.holdings.push(one(class::TOKENS, "any", Lane::Tokens, Family::Token));
    let way = keycloak.restore(&before, &now, &done, RestoreMode::Rotate);
    let first = words(&way.first);
    for word in ["disable-client", "log-out", "end-session", "regenerate-secret"] {
        assert!(first.contains(&word), "{first:?}");
    }
    assert!(words(&way.then).ends_with(&["restore-trust", "enable-client"]), "{:?}", words(&way.then));
    // What it proved stays true when the door is open again.
    let shut = way.first.iter().find(|step| step.gate).expect("the door");
    now.facts.insert("client.not-before".to_owned(), Fact::Int(LATER + 1));
    let sent = Sent { values: [("client.not-before".to_owned(), LATER + 1)].into(), ..Sent::default() };
    assert_eq!(shut.postcondition.judge(&now, &sent), Verdict::Holds);
}

#[test]
fn a_door_that_was_shut_before_stays_shut_unless_the_gate_may_have_shut_it() {
    let (_, keycloak) = sso();
    let before = before();
    let done = done(&keycloak, &before, Depth::Isolate);
    let now = after(&before, &done);
    let opened = |read_at: i64| {
        let before = Reading { read_at: at(read_at), ..with_facts(before.clone(), false) };
        let way = keycloak.restore(&before, &now, &done, RestoreMode::FalseAlarm);
        let assumed = way.changes.iter().filter(|change| change.now.contains("assumed")).count();
        (words(&way.then).contains(&"enable-client"), assumed)
    };
    assert_eq!(opened(READ), (false, 0));
    assert_eq!(opened(GATE + 1), (true, 2), "the first read came after the gate, and that is said");
}

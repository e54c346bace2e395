//! The traps, each by its number on the measured list.

use super::*;

fn minimal(scene: &Scene) -> Value {
    json!({
        "enabled": false, "notBefore": scene.seconds() + 1, "authorizationServicesEnabled": false, "attributes": {},
    })
}

#[tokio::test(start_paused = true)]
async fn trap_2_a_full_representation_written_back_revives_the_stolen_secret() {
    let scene = Scene::new(true);
    let path = format!("/clients/{}", scene.victim);
    let (_, read) = scene.admin("GET", &path, &Value::Null);
    assert_eq!(scene.does("POST", &format!("{path}/client-secret"), &Value::Null), 200);
    assert_eq!(scene.does("DELETE", &format!("{path}/client-secret/rotated"), &Value::Null), 204);
    assert!(!scene.alive().contains("mint"));
    assert_eq!(scene.put_client(&read), 204);
    assert!(scene.alive().contains("mint"), "the stolen secret is back");
    let mut without_secret = read;
    without_secret.as_object_mut().unwrap().remove("secret");
    assert_eq!(scene.does("POST", &format!("{path}/client-secret"), &Value::Null), 200);
    assert_eq!(scene.does("DELETE", &format!("{path}/client-secret/rotated"), &Value::Null), 204);
    assert_eq!(scene.put_client(&without_secret), 204);
    assert!(!scene.alive().contains("mint"));
    assert!(scene.alive().contains("mint-rotated"), "the oldest one is");
}

#[tokio::test(start_paused = true)]
async fn trap_2_the_minimal_put_changes_two_fields_and_nothing_else() {
    let scene = Scene::new(true);
    let path = format!("/clients/{}", scene.victim);
    let (_, before) = scene.admin("GET", &path, &Value::Null);
    assert_eq!(scene.put_client(&minimal(&scene)), 204);
    let (_, after) = scene.admin("GET", &path, &Value::Null);
    let changed: Vec<_> = before.as_object().unwrap().iter().filter(|(key, value)| after[*key] != **value).collect();
    let keys: Vec<_> = changed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["enabled", "notBefore"]);
}

#[tokio::test(start_paused = true)]
async fn trap_2_without_attributes_an_imported_secret_under_the_policy_is_a_500_that_stays_enabled() {
    let mut fleet = Fleet::embedded();
    let data = format!("{VICTIM}    roles = [\"rotating-secret\"]\n    authorization = true\n");
    fleet.clients.push(toml::from_str::<ClientData>(&data).unwrap());
    let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
    let sim = SimulatedKeycloak::new(&fleet, Arc::new(clock)).unwrap();
    let path = format!("/clients/{}", sim.client_uuid("victim").unwrap());
    let does = |method: &str, body: &Value| sim.as_attacker().admin(method, &path, &operator_token(&sim), body);
    assert_eq!(does("PUT", &json!({ "enabled": false })).0, 500);
    assert_eq!(does("GET", &Value::Null).1["enabled"], json!(true));
    assert_eq!(does("GET", &Value::Null).1["authorizationServicesEnabled"], json!(true));
    let put = |authorization: bool| json!({ "attributes": {}, "authorizationServicesEnabled": authorization });
    assert_eq!(does("PUT", &put(true)).0, 204);
    assert_eq!(does("GET", &Value::Null).1["authorizationServicesEnabled"], json!(true));
    assert_eq!(does("PUT", &json!({ "enabled": false, "attributes": {} })).0, 204);
    assert_eq!(does("GET", &Value::Null).1["authorizationServicesEnabled"], Value::Null, "deleted");
}

#[tokio::test(start_paused = true)]
async fn trap_3_not_before_is_exclusive_and_counts_seconds() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let now = scene.seconds();
    for (ahead, status) in [(0, 200), (1, 401), (3600, 401)] {
        assert_eq!(scene.put_client(&json!({ "notBefore": 0, "attributes": {} })), 204);
        let token = thief.mint("victim", &scene.loot.secret).unwrap();
        assert_eq!(scene.put_client(&json!({ "notBefore": now + ahead, "attributes": {} })), 204);
        assert_eq!(thief.userinfo(&token.access), status, "now + {ahead}");
    }
    let later = thief.mint("victim", &scene.loot.secret).unwrap();
    assert_eq!(thief.userinfo(&later.access), 401, "an hour ahead: dead on arrival");
}

#[tokio::test(start_paused = true)]
async fn trap_4_inactive_is_no_proof_by_itself() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let (id, secret) = ("bot-helpdesk", thief.steal_secret("bot-helpdesk").unwrap());
    let token = thief.mint(id, &secret).unwrap();
    let introspector = thief.steal_secret("rs-introspector").unwrap();
    assert!(!thief.introspects("rs-introspector", &introspector, &token.access), "not in its audience");
    assert_eq!(thief.userinfo(&token.access), 200, "and alive all the same");
    assert!(thief.introspects("rs-introspector", &introspector, &scene.loot.own.access), "the positive control");
}

#[tokio::test(start_paused = true)]
async fn trap_5_and_6_a_key_outlives_the_secret_and_opens_the_sibling() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let (staging, prod) = ("bot-engineering-staging", "bot-engineering-prod");
    let key = thief.steal_key(staging).unwrap();
    let path = format!("/clients/{}", scene.sim.client_uuid(staging).unwrap());
    assert!(thief.mint_with_key(staging, &key).is_ok());
    assert_eq!(scene.does("POST", &format!("{path}/client-secret"), &Value::Null), 200);
    assert!(thief.mint_with_key(staging, &key).is_ok(), "a new secret changes nothing");
    let dormant = thief.steal_secret(staging).unwrap();
    assert_eq!(thief.mint(staging, &dormant).err(), Some(400), "dormant while the key is asked for");
    assert_eq!(scene.does("PUT", &path, &json!({ "attributes": {} })), 204);
    assert!(thief.mint_with_key(staging, &key).is_ok(), "absent keeps the key");
    assert_eq!(scene.does("PUT", &path, &json!({ "attributes": { "jwks.string": "" } })), 204);
    assert_eq!(thief.mint_with_key(staging, &key).err(), Some(400), "empty removes it");
    assert!(thief.mint_with_key(prod, &key).is_ok(), "the same key is production's");
    let switch = json!({ "clientAuthenticatorType": "client-secret", "attributes": {} });
    assert_eq!(scene.does("PUT", &path, &switch), 204);
    assert!(thief.mint(staging, &dormant).is_ok(), "the dormant secret works once the method is switched");
}

#[tokio::test(start_paused = true)]
async fn trap_7_children_by_the_admin_api_and_by_registration() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let staging = "bot-engineering-staging";
    let token = thief.mint_with_key(staging, &thief.steal_key(staging).unwrap()).unwrap().access;
    let body = json!({ "clientId": "child", "secret": "s3cret", "serviceAccountsEnabled": true });
    assert_eq!(thief.admin("POST", "/clients", &token, &body).0, 201);
    let (status, access) = thief.admin("POST", "/clients-initial-access", &token, &json!({ "count": 2 }));
    assert_eq!(status, 201);
    let maker = scene.sim.client_uuid(staging).unwrap();
    assert_eq!(scene.does("PUT", &format!("/clients/{maker}"), &json!({ "enabled": false, "attributes": {} })), 204);
    assert!(thief.mint("child", "s3cret").is_ok(), "works after the bot is disabled");
    assert!(thief.register(access["token"].as_str().unwrap(), "registered").is_ok());
    let made = |query: &str| scene.admin("GET", &format!("/admin-events?{query}"), &Value::Null).1;
    let by_client = made(&format!("authClient={maker}&operationTypes=CREATE"));
    let by_client = by_client.as_array().unwrap();
    assert!(by_client.iter().any(|event| event["representation"].as_str().unwrap().contains("\"child\"")));
    assert!(by_client.iter().all(|event| !event["representation"].as_str().unwrap().contains("s3cret")));
    assert_eq!(made(&format!("authClient={staging}")), json!([]), "the clientId finds nothing");
    let account = scene.sim.user_id(&format!("service-account-{staging}")).unwrap();
    assert!(!made(&format!("authUser={account}")).as_array().unwrap().is_empty());
    let (_, registered) = scene.admin("GET", "/events?type=CLIENT_REGISTER", &Value::Null);
    assert_eq!(registered[0]["clientId"], "registered");
    let id = access["id"].as_str().unwrap();
    for time in ["first", "again"] {
        assert_eq!(scene.does("DELETE", &format!("/clients-initial-access/{id}"), &Value::Null), 204, "{time}");
    }
    assert_eq!(thief.register(access["token"].as_str().unwrap(), "another").err(), Some(401));
}

#[tokio::test(start_paused = true)]
async fn trap_9_offline_sessions_are_ended_as_such() {
    let scene = Scene::new(true);
    let session = scene.session_ids(true).remove(0);
    assert_eq!(scene.does("DELETE", &format!("/sessions/{session}"), &Value::Null), 404);
    assert_eq!(scene.does("DELETE", &format!("/sessions/{session}?isOffline=true"), &Value::Null), 204);
    assert_eq!(scene.put_client(&minimal(&scene)), 204);
    assert_eq!(scene.session_ids(false).len(), 1, "disable ends no session");
}

#[tokio::test(start_paused = true)]
async fn trap_10_what_a_repeat_answers() {
    let scene = Scene::new(true);
    let session = scene.session_ids(false).remove(0);
    let (client, user) = (&scene.victim, &scene.user);
    for (method, path, first, again) in [
        ("DELETE", format!("/sessions/{session}"), 204, 404),
        ("DELETE", format!("/users/{user}/consents/victim"), 204, 404),
        ("DELETE", format!("/users/{}/federated-identity/partner-oidc", scene.sim.user_id("alice").unwrap()), 204, 404),
        ("POST", format!("/users/{user}/logout"), 204, 204),
        ("DELETE", format!("/clients/{client}/client-secret/rotated"), 204, 204),
        ("DELETE", format!("/clients/{client}"), 204, 404),
    ] {
        assert_eq!(scene.does(method, &path, &Value::Null), first, "{path}");
        assert_eq!(scene.does(method, &path, &Value::Null), again, "{path}: again");
    }
}

#[tokio::test(start_paused = true)]
async fn trap_11_after_a_cut_the_events_say_why() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    assert_eq!(thief.mint("victim", "wrong").err(), Some(401));
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.put_client(&minimal(&scene)), 204);
    assert_eq!(thief.mint("victim", &scene.loot.secret).err(), Some(401));
    let (_, events) = scene.admin("GET", "/events?client=victim&type=CLIENT_LOGIN_ERROR", &Value::Null);
    assert_eq!(
        (&events[0]["error"], &events[1]["error"]),
        (&json!("client_disabled"), &json!("invalid_client_credentials"))
    );
    let (_, exchanges) = scene.admin("GET", "/events?client=tool-gateway&type=TOKEN_EXCHANGE&max=1", &Value::Null);
    assert_eq!(exchanges[0]["details"]["subject_token_client_id"], "victim", "filed under the asking client");
}

#[tokio::test(start_paused = true)]
async fn trap_12_a_deleted_consent_hides_the_session() {
    let scene = Scene::new(true);
    assert_eq!(scene.session_ids(false).len(), 1);
    assert_eq!(scene.does("DELETE", &format!("/users/{}/consents/victim", scene.user), &Value::Null), 204);
    assert_eq!(scene.session_ids(false).len(), 0, "hidden at the client");
    let (_, sessions) = scene.admin("GET", &format!("/users/{}/sessions", scene.user), &Value::Null);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "still the user's");
    assert!(scene.alive().contains("EX-AT"), "and what was exchanged lives in it");
}

#[tokio::test(start_paused = true)]
async fn trap_13_what_is_minted_between_plan_and_request_wakes() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let planned = minimal(&scene);
    scene.clock.advance(Duration::from_secs(5));
    let token = thief.mint("victim", &scene.loot.secret).unwrap();
    assert_eq!(scene.put_client(&planned), 204);
    assert_eq!(thief.userinfo(&token.access), 401);
    assert_eq!(scene.put_client(&json!({ "enabled": true, "attributes": {} })), 204);
    assert_eq!(thief.userinfo(&token.access), 200);
}

#[tokio::test(start_paused = true)]
async fn trap_14_gated_is_not_revoked() {
    let scene = Scene::new(true);
    assert_eq!(scene.put_client(&json!({ "enabled": false, "attributes": {} })), 204);
    assert_eq!(scene.alive(), names("EX-CC EX-AT"));
    assert_eq!(scene.put_client(&json!({ "enabled": true, "attributes": {} })), 204);
    assert!(scene.alive().is_superset(&names("CC AT RT OFF")));
}

#[tokio::test(start_paused = true)]
async fn trap_15_a_realm_without_events_does_not_tell() {
    let scene = Scene::new(true);
    scene.sim.keep_events(false);
    let thief = scene.sim.as_attacker();
    let staging = "bot-engineering-staging";
    let token = thief.mint_with_key(staging, &thief.steal_key(staging).unwrap()).unwrap().access;
    let before = scene.admin("GET", "/admin-events", &Value::Null).1.as_array().unwrap().len();
    assert_eq!(thief.admin("POST", "/clients", &token, &json!({ "clientId": "unseen" })).0, 201);
    assert_eq!(scene.admin("GET", "/admin-events", &Value::Null).1.as_array().unwrap().len(), before);
    assert_eq!(scene.admin("GET", "/events/config", &Value::Null).1["eventsEnabled"], json!(false));
}

#[tokio::test(start_paused = true)]
async fn trap_16_a_logout_ends_the_users_other_sessions_too() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let other = thief.sign_in(USER, "portal-web", "openid").unwrap();
    assert_eq!(thief.userinfo(&other.access), 200);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.does("POST", &format!("/users/{}/logout", scene.user), &Value::Null), 204);
    assert_eq!(thief.userinfo(&other.access), 401);
}

#[tokio::test(start_paused = true)]
async fn trap_17_what_is_exchanged_in_the_second_of_a_logout_survives_it() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let token = thief.mint("victim", &scene.loot.secret).unwrap();
    let gateway = thief.steal_secret("tool-gateway").unwrap();
    let exchanged = thief.exchange("tool-gateway", &gateway, &token.access).unwrap();
    let log_out = || scene.does("POST", &format!("/users/{}/logout", scene.account), &Value::Null);
    assert_eq!(log_out(), 204);
    assert_eq!(thief.userinfo(&exchanged.access), 200);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(log_out(), 204);
    assert_eq!(thief.userinfo(&exchanged.access), 401);
}

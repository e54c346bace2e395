//! At the transport: time, faults, permissions, pages, the log, and that there is no way out.

use super::*;
use crate::providers::transport::{Transport, TransportError};

type Sent = Result<http::Response<Bytes>, TransportError>;

fn quiet() -> (Arc<SimulatedKeycloak>, ManualClock) {
    let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
    let sim = SimulatedKeycloak::new(&Fleet::embedded(), Arc::new(clock.clone())).unwrap();
    (Arc::new(sim), clock)
}

fn request(method: &str, path: &str, token: &str, body: &Value) -> http::Request<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    http::Request::builder()
        .method(method)
        .uri(format!("{BASE_URL}/admin/realms/chatbots{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "key-1")
        .body(body)
        .unwrap()
}

async fn send(sim: &SimulatedKeycloak, method: &str, path: &str, body: &Value) -> Sent {
    sim.send(request(method, path, &operator_token(sim), body)).await
}

async fn status(sim: &SimulatedKeycloak, method: &str, path: &str, body: &Value) -> u16 {
    send(sim, method, path, body).await.unwrap().status().as_u16()
}

async fn listed(sim: &SimulatedKeycloak, path: &str) -> Vec<Value> {
    let answer = send(sim, "GET", path, &Value::Null).await.unwrap();
    serde_json::from_slice(answer.body()).unwrap()
}

fn knowledge(sim: &SimulatedKeycloak) -> String {
    format!("/clients/{}", sim.client_uuid("bot-knowledge").unwrap())
}

fn off() -> Value {
    json!({ "enabled": false, "attributes": {} })
}

async fn enabled(sim: &SimulatedKeycloak) -> Value {
    let answer = send(sim, "GET", &knowledge(sim), &Value::Null).await.unwrap();
    serde_json::from_slice::<Value>(answer.body()).unwrap()["enabled"].clone()
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_its_time_and_all_of_it_is_virtual() {
    let (sim, _) = quiet();
    let mut taken = BTreeSet::new();
    for _ in 0..50 {
        let start = tokio::time::Instant::now();
        assert_eq!(status(&sim, "GET", "/clients?max=1", &Value::Null).await, 200);
        taken.insert(start.elapsed());
    }
    assert!(taken.first().unwrap() >= &Duration::from_millis(20), "{taken:?}");
    assert!(taken.last().unwrap() <= &Duration::from_millis(62), "{taken:?}");
    assert!(taken.len() > 10, "they differ");
}

#[tokio::test(start_paused = true)]
async fn different_requests_wait_side_by_side() {
    let (sim, _) = quiet();
    let sim = SimulatedKeycloak::with_latency(
        Arc::into_inner(sim).unwrap(),
        Duration::from_millis(50),
        Duration::from_millis(50),
    );
    let start = tokio::time::Instant::now();
    let all = (0..100).map(|_| status(&sim, "GET", "/clients?max=1", &Value::Null));
    assert!(futures::future::join_all(all).await.iter().all(|status| *status == 200));
    assert!(start.elapsed() < Duration::from_millis(60), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn overlapping_writes_on_one_client_may_lose_each_other_and_ordered_ones_never() {
    let mut lost = 0;
    for seed in 0..40 {
        let mut fleet = Fleet::embedded();
        fleet.seed = seed;
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let sim = SimulatedKeycloak::new(&fleet, Arc::new(clock)).unwrap();
        let (path, secret) = (knowledge(&sim), format!("{}/client-secret", knowledge(&sim)));
        let stolen = sim.as_attacker().steal_secret("bot-knowledge");
        let (off, null) = (off(), Value::Null);
        let both = futures::join!(status(&sim, "PUT", &path, &off), status(&sim, "POST", &secret, &null));
        assert_eq!(both, (204, 200), "every answer is a success");
        let wrong = enabled(&sim).await == json!(true) || sim.as_attacker().steal_secret("bot-knowledge") == stolen;
        lost += u32::from(wrong);
        assert_eq!(status(&sim, "PUT", &path, &off).await, 204);
        assert_eq!(status(&sim, "POST", &secret, &Value::Null).await, 200);
        assert_eq!(enabled(&sim).await, json!(false), "in order: never");
        assert_ne!(sim.as_attacker().steal_secret("bot-knowledge"), stolen);
    }
    assert!((1..=30).contains(&lost), "{lost} of 40");
}

#[tokio::test(start_paused = true)]
async fn faults_on_order() {
    let (sim, _) = quiet();
    let path = knowledge(&sim);
    sim.fault(Fault::on("PUT", "/clients/", Effect::Status { status: 503, retry_after: Some(3) }).first(1));
    let answer = send(&sim, "PUT", &path, &off()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "3"));
    assert_eq!(enabled(&sim).await, json!(true));
    sim.heal();

    sim.fault(Fault::on("PUT", "/clients/", Effect::Ignored));
    assert_eq!(status(&sim, "PUT", &path, &off()).await, 204, "a lie");
    assert_eq!(enabled(&sim).await, json!(true));
    sim.heal();

    sim.fault(Fault::on("PUT", "/clients/", Effect::Unreachable));
    assert!(matches!(send(&sim, "PUT", &path, &off()).await, Err(TransportError::Unreachable(_))));
    assert_eq!(enabled(&sim).await, json!(true));
    sim.heal();

    sim.fault(Fault::on("PUT", "/clients/", Effect::Late(Duration::from_secs(5))));
    assert_eq!(status(&sim, "PUT", &path, &off()).await, 204);
    assert_eq!(enabled(&sim).await, json!(true), "not yet");
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(enabled(&sim).await, json!(false));
    sim.heal();

    sim.fault(Fault::on("PUT", "/clients/", Effect::LoseAnswer).nth(2));
    let on = json!({ "enabled": true, "attributes": {} });
    assert_eq!(status(&sim, "PUT", &path, &off()).await, 204, "the first is not struck");
    assert!(matches!(send(&sim, "PUT", &path, &on).await, Err(TransportError::Lost(_))));
    assert_eq!(enabled(&sim).await, json!(true), "and it was done");
    sim.heal();

    sim.fault(Fault::all(Effect::Hang).first(1));
    let hangs = tokio::time::timeout(Duration::from_mins(10), send(&sim, "PUT", &path, &off())).await;
    assert!(hangs.is_err());
    assert_eq!(enabled(&sim).await, json!(true));

    sim.fault(Fault::all(Effect::Slow(Duration::from_secs(9))).first(1));
    let start = tokio::time::Instant::now();
    assert_eq!(status(&sim, "PUT", &path, &off()).await, 204);
    assert!(start.elapsed() >= Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn what_each_role_may_do() {
    let (sim, _) = quiet();
    let client = knowledge(&sim);
    let user = format!("/users/{}", sim.user_id("service-account-bot-knowledge").unwrap());
    let rotated = format!("{client}/client-secret/rotated");
    let read = |roles: &[&'static str], path: &str| {
        sim.permit_operator(roles);
        let (sim, path) = (Arc::clone(&sim), path.to_owned());
        async move { status(&sim, "GET", &path, &Value::Null).await }
    };
    for (path, enough) in [
        (client.as_str(), ["view-clients", "manage-clients"].as_slice()),
        (&format!("{client}/user-sessions"), &["view-clients", "manage-clients"]),
        ("/clients-initial-access", &["view-clients", "manage-clients"]),
        (&user, &["view-users", "manage-users"]),
        (&format!("{user}/role-mappings"), &["view-users", "manage-users"]),
        ("/events", &["view-events"]),
        ("/admin-events", &["view-events"]),
        ("/events/config", &["view-events"]),
        ("/identity-provider/instances", &["view-identity-providers"]),
        ("/client-session-stats", &["view-realm"]),
        ("/roles", &["view-realm"]),
        ("/groups", &["view-users", "manage-users"]),
    ] {
        for role in [
            "query-clients",
            "view-clients",
            "manage-clients",
            "query-users",
            "view-users",
            "manage-users",
            "view-events",
            "view-realm",
            "view-identity-providers",
        ] {
            let expected = if enough.contains(&role) { 200 } else { 403 };
            assert_eq!(read(&[role], path).await, expected, "{role} {path}");
        }
    }
    sim.permit_operator(&["view-clients", "view-users", "view-realm"]);
    for (method, path) in [
        ("PUT", client.as_str()),
        ("DELETE", &client),
        ("POST", &format!("{client}/client-secret")),
        ("POST", &format!("{client}/registration-access-token")),
        ("PUT", &user),
        ("POST", &format!("{user}/logout")),
        ("DELETE", "/sessions/00000000-0000-0000-0000-000000000000"),
        ("POST", "/logout-all"),
    ] {
        assert_eq!(status(&sim, method, path, &json!({})).await, 403, "{method} {path}");
    }
    assert_eq!(status(&sim, "DELETE", &rotated, &Value::Null).await, 500, "the one that is no 403");
    sim.permit_operator(&["query-clients"]);
    assert_eq!(listed(&sim, "/clients").await.len(), 0, "may ask, sees nothing");
    sim.permit_operator(&["view-events"]);
    let realm = send(&sim, "GET", "", &Value::Null).await.unwrap();
    assert!(serde_json::from_slice::<Value>(realm.body()).unwrap()["accessTokenLifespan"].is_null());
    sim.permit_operator(&[]);
    assert_eq!(status(&sim, "GET", "", &Value::Null).await, 403);
    let garbage = sim.send(request("GET", "/clients", "garbage", &Value::Null)).await.unwrap();
    assert_eq!(garbage.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn realm_admin_is_taken_only_by_realm_admin() {
    let (sim, _) = quiet();
    sim.permit_operator(&["realm-admin"]);
    let management = sim.client_uuid("realm-management").unwrap();
    let roles = listed(&sim, &format!("/clients/{management}/roles")).await;
    let admin = json!([roles.iter().find(|role| role["name"] == "realm-admin").unwrap()]);
    let user = sim.user_id("service-account-bot-sales").unwrap();
    let path = format!("/users/{user}/role-mappings/clients/{management}");
    assert_eq!(status(&sim, "POST", &path, &admin).await, 204);
    sim.permit_operator(&["manage-users"]);
    assert_eq!(status(&sim, "DELETE", &path, &admin).await, 403);
    sim.permit_operator(&["realm-admin"]);
    assert_eq!(status(&sim, "DELETE", &path, &admin).await, 204);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_clients_come_in_pages_or_all_at_once() {
    let (sim, _) = quiet();
    let few = listed(&sim, "/clients").await.len();
    sim.crowd(3_000);
    assert_eq!(listed(&sim, "/clients").await.len(), few + 3_000, "no default of 100");
    let mut names = Vec::new();
    loop {
        let page = listed(&sim, &format!("/clients?first={}&max=500", names.len())).await;
        assert!(page.len() <= 500);
        if page.is_empty() {
            break;
        }
        names.extend(page.iter().map(|client| client["clientId"].as_str().unwrap().to_owned()));
    }
    assert_eq!(names.len(), few + 3_000);
    assert!(names.is_sorted_by(|a, b| a < b), "each once");
    assert_eq!(status(&sim, "GET", "/clients?q=chatbot:true", &Value::Null).await, 400);
}

#[tokio::test(start_paused = true)]
async fn the_log_holds_shapes_and_no_secret() {
    let (sim, _) = quiet();
    let body = json!({ "enabled": false, "secret": "hunter2", "attributes": { "client.secret.rotated": "hunter3" } });
    assert_eq!(status(&sim, "PUT", &knowledge(&sim), &body).await, 204);
    let call = [("grant_type", "client_credentials"), ("client_id", "estop-operator"), ("client_secret", "hunter4")];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(call).finish();
    let token = http::Request::post(format!("{BASE_URL}/realms/master/protocol/openid-connect/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .unwrap();
    assert_eq!(sim.send(token).await.unwrap().status(), 401);
    let log = sim.requests();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].method.as_str(), log[0].status, log[0].key.as_deref()), ("PUT", Some(204), Some("key-1")));
    assert_eq!(log[0].body["enabled"], json!(false));
    assert_eq!(log[1].body["client_id"], "estop-operator");
    assert!(log[0].changes() && !log[1].changes());
    assert!(!format!("{log:?}{sim:?}").contains("hunter"));
    sim.forget_requests();
    assert_eq!(sim.requests(), []);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_way_out() {
    let (sim, _) = quiet();
    for address in ["http://keycloak.exercise.invalid/", "https://sso.example.com/", "https://127.0.0.1/", "/relative"]
    {
        let request = http::Request::get(address).body(Bytes::new()).unwrap();
        assert!(matches!(sim.send(request).await, Err(TransportError::Unreachable(_))), "{address}");
    }
    assert_eq!(sim.requests(), [], "nor was it taken for a request");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_is_the_same_world() {
    let world = || async {
        let (sim, _) = quiet();
        let tokens = sim.as_attacker().sign_in("bob", "bot-helpdesk", "openid tickets.read").unwrap();
        (listed(&sim, "/clients").await, listed(&sim, "/events?max=1000").await, tokens)
    };
    assert!(world().await == world().await);
}

#[tokio::test(start_paused = true)]
async fn a_thief_may_act_right_before_and_right_after_a_request_takes_effect() {
    let (sim, _) = quiet();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for moment in [Moment::Before, Moment::After] {
        let (seen, secret) = (Arc::clone(&seen), sim.as_attacker().steal_secret("bot-knowledge").unwrap());
        sim.ambush(moment, "PUT", "/clients/", move |thief| {
            seen.lock().unwrap().push((moment, thief.mint("bot-knowledge", &secret).is_ok()));
        });
    }
    assert_eq!(status(&sim, "PUT", &knowledge(&sim), &off()).await, 204);
    assert_eq!(*seen.lock().unwrap(), [(Moment::Before, true), (Moment::After, false)]);
    sim.no_more_ambushes();
    assert_eq!(status(&sim, "PUT", &knowledge(&sim), &off()).await, 204);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_consent_deleted_beside_its_session_is_sometimes_a_500() {
    let mut failed = 0;
    for seed in 0..20 {
        let mut fleet = Fleet::embedded();
        fleet.seed = seed;
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let sim = SimulatedKeycloak::new(&fleet, Arc::new(clock)).unwrap();
        let alice = sim.user_id("alice").unwrap();
        let sessions = format!("/clients/{}/user-sessions", sim.client_uuid("bot-helpdesk").unwrap());
        let sessions = listed(&sim, &sessions).await;
        let session = sessions.iter().find(|session| session["username"] == "alice").unwrap();
        let session = format!("/sessions/{}", session["id"].as_str().unwrap());
        let (consent, null) = (format!("/users/{alice}/consents/bot-helpdesk"), Value::Null);
        let both = futures::join!(status(&sim, "DELETE", &session, &null), status(&sim, "DELETE", &consent, &null));
        assert!(both.0 == 204 && [204, 500].contains(&both.1), "{both:?}");
        failed += u32::from(both.1 == 500);
        let again = if both.1 == 500 { 204 } else { 404 };
        assert_eq!(status(&sim, "DELETE", &consent, &null).await, again, "nothing was done");
    }
    assert!((1..20).contains(&failed), "{failed} of 20");
}

//! One action alone, and what a thief still has: every row of the measured table, and its undo.

use super::*;

const ALL: &str = "CC AT RT OFF OFF-AT EX-CC EX-AT mint mint-rotated registration";
const ENABLE: &str = "enabled";

/// How it is undone, and what stays dead.
type Undo = (fn(&Scene), &'static str);

/// One row: the action, what it kills, and what the undo leaves dead.
struct Row {
    name: &'static str,
    act: fn(&Scene),
    dead: &'static str,
    undo: Option<Undo>,
}

fn row(name: &'static str, act: fn(&Scene), dead: &'static str) -> Row {
    Row { name, act, dead, undo: None }
}

impl Row {
    fn undo(mut self, undo: fn(&Scene), still_dead: &'static str) -> Self {
        self.undo = Some((undo, still_dead));
        self
    }
}

fn enabled(scene: &Scene, on: bool) {
    assert_eq!(scene.put_client(&json!({ ENABLE: on, "attributes": {} })), 204);
}

fn not_before(scene: &Scene, at: i64) {
    assert_eq!(scene.put_client(&json!({ "notBefore": at, "attributes": {} })), 204);
}

fn regenerate(scene: &Scene) {
    assert_eq!(scene.does("POST", &format!("/clients/{}/client-secret", scene.victim), &Value::Null), 200);
}

fn delete_sessions(scene: &Scene, offline: bool) {
    let sessions = scene.session_ids(offline);
    assert!(!sessions.is_empty());
    for session in sessions {
        assert_eq!(scene.does("DELETE", &format!("/sessions/{session}?isOffline={offline}"), &Value::Null), 204);
    }
}

fn log_out(scene: &Scene, user: &str) {
    assert_eq!(scene.does("POST", &format!("/users/{user}/logout"), &Value::Null), 204);
}

fn realm_not_before(scene: &Scene, at: i64) {
    assert_eq!(scene.does("PUT", "", &json!({ "notBefore": at })), 204);
}

fn offline_scope(scene: &Scene) -> String {
    let (_, scopes) = scene.admin("GET", &format!("/clients/{}/optional-client-scopes", scene.victim), &Value::Null);
    let scopes = scopes.as_array().unwrap().clone();
    let scope = scopes.iter().find(|scope| scope["name"] == "offline_access").unwrap();
    format!("/clients/{}/optional-client-scopes/{}", scene.victim, scope["id"].as_str().unwrap())
}

fn client_rows() -> Vec<Row> {
    vec![
        row("disable", |scene| enabled(scene, false), "CC AT RT OFF OFF-AT mint mint-rotated registration")
            .undo(|scene| enabled(scene, true), ""),
        row("not-before", |scene| not_before(scene, scene.seconds() + 1), "CC AT RT OFF OFF-AT")
            .undo(|scene| not_before(scene, 0), ""),
        row(
            "disable and not-before",
            |scene| {
                let body = json!({ ENABLE: false, "notBefore": scene.seconds() + 1, "attributes": {} });
                assert_eq!(scene.put_client(&body), 204);
            },
            "CC AT RT OFF OFF-AT mint mint-rotated registration",
        )
        .undo(|scene| enabled(scene, true), "CC AT RT OFF OFF-AT"),
        row(
            "push-revocation",
            |scene| {
                let path = format!("/clients/{}/push-revocation", scene.victim);
                assert_eq!(scene.does("POST", &path, &Value::Null), 200);
            },
            "",
        ),
        row(
            "standard flow off",
            |scene| assert_eq!(scene.put_client(&json!({ "standardFlowEnabled": false, "attributes": {} })), 204),
            "",
        ),
        row("regenerate under the policy", regenerate, "mint-rotated"),
        row(
            "regenerate and delete the rotated",
            |scene| {
                regenerate(scene);
                let path = format!("/clients/{}/client-secret/rotated", scene.victim);
                assert_eq!(scene.does("DELETE", &path, &Value::Null), 204);
            },
            "mint mint-rotated RT OFF",
        ),
        row(
            "rotate the registration token",
            |scene| {
                let path = format!("/clients/{}/registration-access-token", scene.victim);
                assert_eq!(scene.does("POST", &path, &Value::Null), 200);
            },
            "registration",
        ),
        row(
            "service accounts off",
            |scene| assert_eq!(scene.put_client(&json!({ "serviceAccountsEnabled": false, "attributes": {} })), 204),
            "CC EX-CC mint mint-rotated",
        )
        .undo(
            |scene| {
                assert_eq!(scene.put_client(&json!({ "serviceAccountsEnabled": true, "attributes": {} })), 204);
                let new = scene.sim.user_id("service-account-victim").unwrap();
                assert_ne!(new, scene.account, "a new user");
                let (_, roles) = scene.admin("GET", &format!("/users/{new}/role-mappings"), &Value::Null);
                let names: Vec<_> =
                    roles["realmMappings"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
                assert_eq!(names, ["default-roles-chatbots"], "without the roles that it had");
                assert_eq!(roles["clientMappings"], Value::Null);
            },
            "",
        ),
        row(
            "remove offline_access",
            |scene| assert_eq!(scene.does("DELETE", &offline_scope(scene), &Value::Null), 204),
            "OFF",
        ),
        row(
            "delete",
            |scene| assert_eq!(scene.does("DELETE", &format!("/clients/{}", scene.victim), &Value::Null), 204),
            "CC AT RT OFF OFF-AT EX-CC mint mint-rotated registration",
        ),
    ]
}

fn user_rows() -> Vec<Row> {
    vec![
        row(
            "delete consent",
            |scene| {
                let path = format!("/users/{}/consents/victim", scene.user);
                assert_eq!(scene.does("DELETE", &path, &Value::Null), 204);
            },
            "AT RT OFF OFF-AT",
        ),
        row("delete offline sessions", |scene| delete_sessions(scene, true), "OFF OFF-AT"),
        row("delete user sessions", |scene| delete_sessions(scene, false), "AT RT EX-AT"),
        row("logout of the granting user", |scene| log_out(scene, &scene.user), "AT RT OFF OFF-AT EX-AT"),
        row("logout of the service account", |scene| log_out(scene, &scene.account), "CC EX-CC"),
        row(
            "service account disabled",
            |scene| assert_eq!(scene.put_user(&scene.account, &json!({ ENABLE: false })), 204),
            "CC EX-CC mint mint-rotated",
        )
        .undo(|scene| assert_eq!(scene.put_user(&scene.account, &json!({ ENABLE: true })), 204), ""),
        row(
            "granting user disabled",
            |scene| assert_eq!(scene.put_user(&scene.user, &json!({ ENABLE: false })), 204),
            "AT RT OFF OFF-AT EX-AT",
        )
        .undo(|scene| assert_eq!(scene.put_user(&scene.user, &json!({ ENABLE: true })), 204), ""),
        row(
            "realm not-before",
            |scene| realm_not_before(scene, scene.seconds() + 1),
            "CC AT RT OFF OFF-AT EX-CC EX-AT",
        )
        .undo(|scene| realm_not_before(scene, 0), ""),
        row(
            "logout-all",
            |scene| assert_eq!(scene.does("POST", "/logout-all", &Value::Null), 200),
            "CC AT RT OFF OFF-AT EX-CC EX-AT",
        )
        .undo(|scene| realm_not_before(scene, 0), "AT RT EX-AT"),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_row_of_the_measured_table() {
    for row in client_rows().into_iter().chain(user_rows()) {
        let scene = Scene::new(true);
        assert_eq!(scene.alive(), names(ALL), "{}: before", row.name);
        (row.act)(&scene);
        assert_eq!(scene.alive(), without(ALL, row.dead), "{}", row.name);
        if let Some((undo, still_dead)) = row.undo {
            undo(&scene);
            assert_eq!(scene.alive(), without(ALL, still_dead), "{}: after the undo", row.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn regenerating_without_a_policy_ends_the_secret_and_what_needs_it() {
    let scene = Scene::new(false);
    regenerate(&scene);
    assert_eq!(scene.alive(), names("CC AT OFF-AT EX-CC EX-AT registration"));
}

#[tokio::test(start_paused = true)]
async fn role_mappings_gone_close_the_admin_api_and_nothing_else() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let events = || thief.admin("GET", "/events", &scene.loot.own.access, &Value::Null).0;
    assert_eq!(events(), 200);
    let path = format!("/users/{}/role-mappings", scene.account);
    let (_, mappings) = scene.admin("GET", &path, &Value::Null);
    let management = &mappings["clientMappings"]["realm-management"];
    let path = format!("{path}/clients/{}", management["id"].as_str().unwrap());
    for time in ["first", "again"] {
        assert_eq!(scene.does("DELETE", &path, &management["mappings"]), 204, "{time}");
    }
    assert_eq!(events(), 403, "the token does not keep the role");
    assert_eq!(scene.alive(), names(ALL));
    assert_eq!(scene.does("POST", &path, &management["mappings"]), 204);
    assert_eq!(events(), 200, "restored");
}

#[tokio::test(start_paused = true)]
async fn an_authorization_code_in_flight() {
    let flight = |act: fn(&Scene)| {
        let scene = Scene::new(true);
        let code = scene.sim.as_attacker().code(USER, "victim", "openid tickets.read").unwrap();
        act(&scene);
        let tokens = scene.sim.as_attacker().redeem("victim", &scene.loot.secret, &code);
        tokens.map(|tokens| scene.sim.as_attacker().userinfo(&tokens.access))
    };
    assert_eq!(flight(|_| ()), Ok(200));
    assert_eq!(flight(|scene| enabled(scene, false)), Err(401));
    assert_eq!(flight(|scene| log_out(scene, &scene.user)), Err(400));
    assert_eq!(flight(|scene| not_before(scene, scene.seconds() + 1)), Ok(401), "exchanged, and dead");
}

#[tokio::test(start_paused = true)]
async fn one_token_revoked_by_its_own_client() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    assert_eq!(thief.revoke("victim", &scene.loot.secret, &scene.loot.own.access), 200);
    assert!(!scene.alive().contains("CC"));
    enabled(&scene, false);
    assert_eq!(thief.revoke("victim", &scene.loot.secret, &scene.loot.delegated.access), 401);
}

#[tokio::test(start_paused = true)]
async fn truth_says_what_using_says() {
    let scene = Scene::new(true);
    let kinds = || scene.sim.alive("victim").into_iter().map(|credential| credential.kind).collect::<BTreeSet<_>>();
    assert_eq!(kinds().len(), 7, "{:?}", kinds());
    enabled(&scene, false);
    assert_eq!(kinds(), BTreeSet::from([CredentialKind::ExchangedToken]));
}

#[tokio::test(start_paused = true)]
async fn without_the_offline_scope_introspection_refuses_what_userinfo_takes() {
    let scene = Scene::new(true);
    let thief = scene.sim.as_attacker();
    let introspector = thief.steal_secret("rs-introspector").unwrap();
    let token = &scene.loot.offline.access;
    assert!(thief.introspects("rs-introspector", &introspector, token));
    assert_eq!(scene.does("DELETE", &offline_scope(&scene), &Value::Null), 204);
    assert!(!thief.introspects("rs-introspector", &introspector, token));
    assert_eq!(thief.userinfo(token), 200);
}

//! The simulator against what was measured on a real 26.7.3.

mod shapes;
mod survivors;
mod traps;
mod wire;

use std::{cell::RefCell, collections::BTreeSet, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::{
    engine::ManualClock,
    tabletop::fleet::{ClientData, Fleet},
};

/// A client of its own for each case: it has everything that can be stolen.
const VICTIM: &str = r#"
    client_id = "victim"
    standard_flow = true
    service_account = true
    consent_required = true
    attributes = { chatbot = "true", "access.token.lifespan" = "3600" }
    default_scopes = ["audit"]
    optional_scopes = ["offline_access", "tickets.read"]
    holds = { realm-management = ["view-events"] }
"#;

const ROTATION: &str = r#"
    roles = ["rotating-secret"]
    rotated = "-1h"
"#;

const USER: &str = "dave";

/// A realm with a victim, a thief and a console.
struct Scene {
    sim: SimulatedKeycloak,
    clock: ManualClock,
    victim: String,
    account: String,
    user: String,
    loot: Loot,
}

/// What the thief holds.
struct Loot {
    secret: String,
    rotated: Option<String>,
    registration: RefCell<String>,
    own: Tokens,
    delegated: Tokens,
    offline: Tokens,
    exchanged_own: Tokens,
    exchanged_delegated: Tokens,
}

impl Scene {
    /// With the rotation policy on the victim, or without; everything is stolen two seconds ago.
    fn new(rotates: bool) -> Self {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let mut fleet = Fleet::embedded();
        let data = if rotates { format!("{VICTIM}{ROTATION}") } else { VICTIM.to_owned() };
        fleet.clients.push(toml::from_str::<ClientData>(&data).unwrap());
        let sim = SimulatedKeycloak::new(&fleet, Arc::new(clock.clone())).unwrap();
        let victim = sim.client_uuid("victim").unwrap();
        let account = sim.user_id("service-account-victim").unwrap();
        let user = sim.user_id(USER).unwrap();
        sim.permit_operator(&["realm-admin"]);
        let loot = steal(&sim, &victim);
        clock.advance(Duration::from_secs(2));
        Self { sim, clock, victim, account, user, loot }
    }

    fn seconds(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The console's hand at the admin API.
    fn admin(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.sim.as_attacker().admin(method, path, &operator_token(&self.sim), body)
    }

    fn does(&self, method: &str, path: &str, body: &Value) -> u16 {
        self.admin(method, path, body).0
    }

    fn put_client(&self, body: &Value) -> u16 {
        self.does("PUT", &format!("/clients/{}", self.victim), body)
    }

    fn put_user(&self, id: &str, body: &Value) -> u16 {
        self.does("PUT", &format!("/users/{id}"), body)
    }

    /// What of the loot still works, found by using it.
    fn alive(&self) -> BTreeSet<&'static str> {
        let (thief, loot) = (self.sim.as_attacker(), &self.loot);
        let works = |token: &Tokens| thief.userinfo(&token.access) == 200;
        let refreshes = |token: &Tokens| {
            thief.refresh("victim", &loot.secret, token.refresh.as_deref().unwrap()).is_ok_and(|new| works(&new))
        };
        let registration = loot.registration.borrow().clone();
        let next = thief.read_registration("victim", &registration);
        let uses = [
            ("CC", works(&loot.own)),
            ("AT", works(&loot.delegated)),
            ("RT", refreshes(&loot.delegated)),
            ("OFF", refreshes(&loot.offline)),
            ("OFF-AT", works(&loot.offline)),
            ("EX-CC", works(&loot.exchanged_own)),
            ("EX-AT", works(&loot.exchanged_delegated)),
            ("mint", thief.mint("victim", &loot.secret).is_ok()),
            ("mint-rotated", loot.rotated.as_ref().is_some_and(|secret| thief.mint("victim", secret).is_ok())),
            ("registration", next.is_ok()),
        ];
        if let Ok(next) = next {
            loot.registration.replace(next);
        }
        uses.into_iter().filter(|(_, works)| *works).map(|(name, _)| name).collect()
    }

    fn session_ids(&self, offline: bool) -> Vec<String> {
        let kind = if offline { "offline-sessions" } else { "user-sessions" };
        let (status, listed) = self.admin("GET", &format!("/clients/{}/{kind}", self.victim), &Value::Null);
        assert_eq!(status, 200);
        listed.as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn operator_token(sim: &SimulatedKeycloak) -> String {
    let (client_id, secret) = sim.operator().unwrap();
    let call = form_call(
        "/realms/master/protocol/openid-connect/token",
        &[("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", secret.expose_secret())],
    );
    sim.apply(&call).value()["access_token"].as_str().unwrap().to_owned()
}

fn form_call(path: &str, fields: &[(&str, &str)]) -> Call {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = http::Request::post(format!("{BASE_URL}{path}")).body(Bytes::from(body)).unwrap();
    Call::of(&request, CONSOLE_ADDRESS)
}

fn steal(sim: &SimulatedKeycloak, victim: &str) -> Loot {
    let thief = sim.as_attacker();
    let secret = thief.steal_secret("victim").unwrap();
    let token = operator_token(sim);
    let path = format!("/clients/{victim}/registration-access-token");
    let (status, answer) = thief.admin("POST", &path, &token, &Value::Null);
    assert_eq!(status, 200);
    let gateway = thief.steal_secret("tool-gateway").unwrap();
    let exchange = |token: &Tokens| thief.exchange("tool-gateway", &gateway, &token.access).unwrap();
    let own = thief.mint("victim", &secret).unwrap();
    let delegated = thief.sign_in(USER, "victim", "openid tickets.read").unwrap();
    let offline = thief.sign_in(USER, "victim", "openid offline_access tickets.read").unwrap();
    Loot {
        rotated: thief.steal_rotated_secret("victim"),
        registration: RefCell::new(answer["registrationAccessToken"].as_str().unwrap().to_owned()),
        exchanged_own: exchange(&own),
        exchanged_delegated: exchange(&delegated),
        secret,
        own,
        delegated,
        offline,
    }
}

fn names(text: &'static str) -> BTreeSet<&'static str> {
    text.split_whitespace().collect()
}

fn without(all: &'static str, dead: &'static str) -> BTreeSet<&'static str> {
    names(all).difference(&names(dead)).copied().collect()
}

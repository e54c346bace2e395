//! The thief: takes everything that a bot holds, and makes more at the worst moments.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use estop::tabletop::{
    keycloak::{Attacker, CredentialKind, Key, Moment, Tokens},
    postgres::SessionSeed,
};
use serde_json::json;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    bench::{self, Bench},
    server::Administrator,
};

/// A credential, to be used as anybody could.
#[derive(Clone)]
pub enum Loot {
    Secret {
        client: String,
        secret: String,
    },
    Key {
        client: String,
        key: Key,
    },
    Access(String),
    Refresh {
        client: String,
        secret: String,
        token: String,
    },
    Registration {
        client: String,
        token: Arc<Mutex<String>>,
    },
    InitialAccess(String),
    Power(String),
    Password(&'static str),
    Session(i32),
    /// A colleague's own login, and the bot's identity by it.
    Become {
        role: &'static str,
        by: &'static str,
    },
}

#[derive(Clone)]
pub struct Stolen {
    pub what: String,
    pub loot: Loot,
    /// It opens the sibling that has the same key: isolating the bot leaves it, and says so.
    pub as_sibling: bool,
}

impl Stolen {
    pub fn new(what: &str, loot: Loot) -> Self {
        Self { what: what.to_owned(), loot, as_sibling: false }
    }

    pub fn works(&self, bench: &Bench) -> bool {
        let thief = bench.exercise.keycloak.as_attacker();
        let client = SessionSeed { client: "203.0.113.66".to_owned(), ..SessionSeed::default() };
        let now = bench.now_us();
        match &self.loot {
            Loot::Secret { client, secret } => thief.mint(client, secret).is_ok(),
            Loot::Key { client, key } => thief.mint_with_key(client, key).is_ok(),
            // Dead only where userinfo and a witness who may see it say so.
            Loot::Access(token) => thief.userinfo(token) == 200 || seen_alive(&thief, token),
            Loot::Refresh { client, secret, token } => thief.refresh(client, secret, token).is_ok(),
            Loot::Registration { client, token } => {
                let mut held = token.lock().unwrap();
                thief.read_registration(client, &held).map(|next| *held = next).is_ok()
            }
            // A name that is taken: the token is checked first, and nothing is made.
            Loot::InitialAccess(token) => !matches!(thief.register(token, "rs-introspector"), Err(401 | 403)),
            Loot::Power(token) => thief.admin("GET", "/clients", token, &json!(null)).0 == 200,
            Loot::Password(role) => {
                let session = bench.world().log_in(role, &client, now);
                session.map(|pid| bench.world().hang_up(pid)).is_ok()
            }
            Loot::Session(pid) => bench.world().query(*pid, "SELECT", now).is_ok(),
            Loot::Become { role, by } => {
                let mut world = bench.world();
                let pid = world.log_in(by, &client, now).unwrap();
                let became = world.set_role(pid, role).is_ok();
                world.hang_up(pid);
                became
            }
        }
    }
}

fn seen_alive(thief: &Attacker<'_>, token: &str) -> bool {
    let secret = thief.steal_secret("rs-introspector").unwrap();
    thief.introspects("rs-introspector", &secret, token)
}

pub struct Thief {
    client: &'static str,
    secret: Option<String>,
    key: Option<Key>,
    /// Of alice, through the bot.
    refresh: Mutex<Vec<String>>,
    minted: Arc<Mutex<Vec<Stolen>>>,
}

impl Thief {
    pub fn of(bench: &Bench, bot: &str) -> Self {
        let client = bench::client(bot);
        let hand = bench.exercise.keycloak.as_attacker();
        let key = hand.steal_key(client);
        let secret = hand.steal_secret(client).filter(|_| key.is_none());
        Self { client, secret, key, refresh: Mutex::default(), minted: Arc::default() }
    }

    fn mint(&self, hand: &Attacker<'_>) -> Result<Tokens, u16> {
        mint(hand, self.client, self.secret.as_deref(), self.key.as_ref())
    }

    /// Each piece has worked once already when this returns.
    pub async fn steal_everything(&self, bench: &Bench) -> Vec<Stolen> {
        let hand = bench.exercise.keycloak.as_attacker();
        let mut loot = self.logins(&hand);
        let own = self.mint(&hand).unwrap().access;
        loot.extend(exchanged(&hand, &own, "token exchanged from its own"));
        loot.push(Stolen::new("own access token", Loot::Access(own)));
        loot.push(self.registration(bench).await);
        match self.client {
            "bot-helpdesk" => loot.extend(self.delegated(&hand)),
            "bot-engineering-staging" => loot.extend(self.abuse_of_power(&hand)),
            "bot-knowledge" => loot.extend(data_store(bench)),
            _ => {}
        }
        loot
    }

    fn logins(&self, hand: &Attacker<'_>) -> Vec<Stolen> {
        let client = self.client.to_owned();
        let mut loot = Vec::new();
        if let Some(secret) = self.secret.clone() {
            loot.push(Stolen::new("client secret", Loot::Secret { client: client.clone(), secret }));
        }
        if let Some(secret) = hand.steal_rotated_secret(self.client) {
            loot.push(Stolen::new("rotated secret", Loot::Secret { client: client.clone(), secret }));
        }
        if let Some(key) = &self.key {
            loot.push(Stolen::new("key", Loot::Key { client, key: key.clone() }));
            let sibling = ["bot-engineering-staging", "bot-engineering-prod"].into_iter().find(|c| *c != self.client);
            let as_sibling = Loot::Key { client: sibling.unwrap().to_owned(), key: key.clone() };
            loot.push(Stolen { as_sibling: true, ..Stolen::new("key, as the sibling", as_sibling) });
        }
        loot
    }

    async fn registration(&self, bench: &Bench) -> Stolen {
        let administrator = Administrator::of(bench).await;
        let uuid = bench.exercise.keycloak.client_uuid(self.client).unwrap();
        let path = format!("/clients/{uuid}/registration-access-token");
        let (_, answer) = administrator.send("POST", &path, &json!({})).await;
        let token = Arc::new(Mutex::new(answer["registrationAccessToken"].as_str().unwrap().to_owned()));
        Stolen::new("registration token", Loot::Registration { client: self.client.to_owned(), token })
    }

    /// What alice granted.
    fn delegated(&self, hand: &Attacker<'_>) -> Vec<Stolen> {
        let scope = "openid audit tickets.read tickets.write";
        let session = hand.sign_in("alice", self.client, scope).unwrap();
        let offline = hand.sign_in("alice", self.client, &format!("{scope} offline_access")).unwrap();
        let secret = self.secret.clone().unwrap();
        let refresh = |token: &Tokens| {
            let (client, secret) = (self.client.to_owned(), secret.clone());
            Loot::Refresh { client, secret, token: token.refresh.clone().unwrap() }
        };
        self.refresh.lock().unwrap().extend([session.refresh.clone().unwrap(), offline.refresh.clone().unwrap()]);
        let mut loot = exchanged(hand, &session.access, "token exchanged from alice's");
        assert!(!loot.is_empty());
        loot.extend([
            Stolen::new("alice's refresh token", refresh(&session)),
            Stolen::new("alice's offline token", refresh(&offline)),
            Stolen::new("alice's access token", Loot::Access(session.access)),
            Stolen::new("access token of alice's offline session", Loot::Access(offline.access)),
        ]);
        loot
    }

    /// What `manage-clients` is good for.
    fn abuse_of_power(&self, hand: &Attacker<'_>) -> Vec<Stolen> {
        let power = self.mint(hand).unwrap().access;
        let mut loot = vec![second_client(hand, &power, "night-shift").unwrap()];
        let wanted = json!({ "count": 5, "expiration": 86400 });
        let (status, made) = hand.admin("POST", "/clients-initial-access", &power, &wanted);
        assert!(status < 300);
        let initial = made["token"].as_str().unwrap().to_owned();
        let token = hand.register(&initial, "report-export").unwrap();
        let secret = hand.steal_secret("report-export").unwrap();
        let client = "report-export".to_owned();
        loot.extend([
            Stolen::new("registered client", Loot::Secret { client: client.clone(), secret }),
            Stolen::new("its registration token", Loot::Registration { client, token: Arc::new(Mutex::new(token)) }),
            Stolen::new("initial access token", Loot::InitialAccess(initial)),
            Stolen::new("administration", Loot::Power(power)),
        ]);
        loot
    }

    /// Mints, refreshes, exchanges and makes clients right before and right after every cut at the realm.
    pub fn lie_in_wait(&self, bench: &Bench) {
        let keycloak = &bench.exercise.keycloak;
        let uuid = keycloak.client_uuid(self.client).unwrap();
        let account = keycloak.user_id(&format!("service-account-{}", self.client)).unwrap();
        let places = [
            ("PUT", format!("/clients/{uuid}")),
            ("POST", format!("/clients/{uuid}/")),
            ("PUT", format!("/users/{account}")),
            ("POST", format!("/users/{account}/logout")),
            ("DELETE", format!("/users/{account}/role-mappings")),
            ("DELETE", "/sessions/".to_owned()),
            ("DELETE", "/consents/".to_owned()),
        ];
        for (method, path) in places {
            for moment in [Moment::Before, Moment::After] {
                keycloak.ambush(moment, method, &path, self.deed());
            }
        }
    }

    fn deed(&self) -> impl Fn(&Attacker<'_>) + Send + Sync + 'static {
        let (client, secret, key) = (self.client, self.secret.clone(), self.key.clone());
        let refresh = self.refresh.lock().unwrap().clone();
        let minted = self.minted.clone();
        move |hand| {
            let mut new = Vec::new();
            if let Ok(tokens) = mint(hand, client, secret.as_deref(), key.as_ref()) {
                new.extend(exchanged(hand, &tokens.access, "token exchanged in between"));
                let made = minted.lock().unwrap().len();
                new.extend(second_client(hand, &tokens.access, &format!("shift-{made}")));
                new.push(Stolen::new("token minted in between", Loot::Access(tokens.access)));
            }
            for token in &refresh {
                if let Ok(tokens) = hand.refresh(client, secret.as_deref().unwrap_or_default(), token) {
                    new.extend(exchanged(hand, &tokens.access, "token exchanged from a refreshed one"));
                    new.push(Stolen::new("token refreshed in between", Loot::Access(tokens.access)));
                }
            }
            minted.lock().unwrap().extend(new);
        }
    }

    /// Counts how often the client reads as open again after it was shut, looked at after every write on it.
    pub fn watch_for_revivals(&self, bench: &Bench) -> Arc<AtomicUsize> {
        let revivals = Arc::new(AtomicUsize::new(0));
        let uuid = bench.exercise.keycloak.client_uuid(self.client).unwrap();
        let shut = Arc::new(AtomicBool::new(false));
        for method in ["PUT", "POST", "DELETE"] {
            let (client, keycloak) = (self.client, bench.exercise.keycloak.clone());
            let (shut, revivals) = (shut.clone(), revivals.clone());
            bench.exercise.keycloak.ambush(Moment::After, method, &format!("/clients/{uuid}"), move |_| {
                let open = keycloak.alive(client).iter().any(|alive| alive.kind == CredentialKind::Secret);
                if shut.swap(!open, Ordering::Relaxed) && open {
                    revivals.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        revivals
    }

    pub fn minted(&self) -> Vec<Stolen> {
        self.minted.lock().unwrap().clone()
    }

    /// Logs in at the data store every few milliseconds, and keeps each session that it gets.
    pub fn knock_at_the_data_store(&self, bench: &Bench) -> Knocking {
        let (stop, mut stopped) = oneshot::channel();
        let postgres = bench.postgres();
        let clock = bench.exercise.clock.clone();
        let bot = self.client == "bot-knowledge";
        let task = tokio::spawn(async move {
            let client = SessionSeed { client: "203.0.113.66".to_owned(), ..SessionSeed::default() };
            let mut sessions = Vec::new();
            while bot && matches!(stopped.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                let now = clock.now().as_microsecond();
                if let Ok(pid) = postgres.world().log_in("kb_reader", &client, now) {
                    sessions.push(Stolen::new("session opened in between", Loot::Session(pid)));
                }
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            assert!(!bot || !sessions.is_empty(), "the thief got in before the gate");
            sessions
        });
        Knocking { stop, task }
    }
}

pub struct Knocking {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<Stolen>>,
}

impl Knocking {
    pub async fn stop(self) -> Vec<Stolen> {
        self.stop.send(()).ok();
        self.task.await.unwrap()
    }
}

fn mint(hand: &Attacker<'_>, client: &str, secret: Option<&str>, key: Option<&Key>) -> Result<Tokens, u16> {
    match key {
        Some(key) => hand.mint_with_key(client, key),
        None => hand.mint(client, secret.unwrap_or_default()),
    }
}

/// A token that the gateway gets for one of the bot's, where its audience allows it.
fn exchanged(hand: &Attacker<'_>, subject: &str, what: &str) -> Vec<Stolen> {
    let secret = hand.steal_secret("tool-gateway").unwrap();
    let tokens = hand.exchange("tool-gateway", &secret, subject);
    tokens.map(|tokens| Stolen::new(what, Loot::Access(tokens.access))).into_iter().collect()
}

fn second_client(hand: &Attacker<'_>, power: &str, name: &str) -> Option<Stolen> {
    let body = json!({ "clientId": name, "serviceAccountsEnabled": true });
    if hand.admin("POST", "/clients", power, &body).0 != 201 {
        return None;
    }
    let secret = hand.steal_secret(name)?;
    Some(Stolen::new("second client", Loot::Secret { client: name.to_owned(), secret }))
}

/// The password, the open sessions, and the colleague who may become it.
fn data_store(bench: &Bench) -> Vec<Stolen> {
    let client = SessionSeed { client: "203.0.113.66".to_owned(), ..SessionSeed::default() };
    let pid = bench.world().log_in("kb_reader", &client, bench.now_us()).unwrap();
    vec![
        Stolen::new("database password", Loot::Password("kb_reader")),
        Stolen::new("database session", Loot::Session(pid)),
        Stolen::new("SET ROLE by a colleague", Loot::Become { role: "kb_reader", by: "erin" }),
    ]
}

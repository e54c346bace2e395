//! The realms behind the fault servers: one bot with three credentials in each, and a neighbour that stays as it is.

use std::sync::Arc;

use estop::{
    engine::{Clock, SystemClock},
    tabletop::{Fleet, SimulatedKeycloak, keycloak::Tokens},
};

/// The bot's client in each realm.
pub const BOT: &str = "bot-helpdesk";
/// The client beside it, which nobody isolates.
pub const NEIGHBOUR: &str = "portal-web";

const FLEET: &str = include_str!("../world.toml");

/// A realm of its own, with what a thief has of it.
pub struct World {
    pub keycloak: Arc<SimulatedKeycloak>,
    pub loot: Loot,
}

/// What was stolen before anybody pressed the key; also the canaries of O6.
#[derive(Clone)]
pub struct Loot {
    pub secret: String,
    pub access: String,
    pub alice: Tokens,
    pub carol: Tokens,
}

impl Loot {
    /// Everything that may never be seen.
    pub fn canaries(&self) -> Vec<String> {
        let tokens = [&self.alice, &self.carol]
            .into_iter()
            .flat_map(|tokens| [Some(tokens.access.clone()), tokens.refresh.clone()].into_iter().flatten());
        [self.secret.clone(), self.access.clone()].into_iter().chain(tokens).collect()
    }
}

impl World {
    /// By number; each has other ids and secrets.
    pub fn new(number: u64, more: &str) -> Self {
        let text = format!("{FLEET}\n{more}").replace("seed = 0", &format!("seed = {}", 7000 + number));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let fleet = Fleet::parse(&text).unwrap();
        let instant = std::time::Duration::ZERO;
        let keycloak = Arc::new(SimulatedKeycloak::new(&fleet, clock).unwrap().with_latency(instant, instant));
        let loot = steal(&keycloak);
        Self { keycloak, loot }
    }
}

fn steal(keycloak: &SimulatedKeycloak) -> Loot {
    let thief = keycloak.as_attacker();
    let secret = thief.steal_secret(BOT).unwrap();
    let access = thief.mint(BOT, &secret).unwrap().access;
    let alice = thief.sign_in("alice", BOT, "openid tickets.read").unwrap();
    let carol = thief.sign_in("carol", BOT, "openid tickets.read offline_access").unwrap();
    Loot { secret, access, alice, carol }
}

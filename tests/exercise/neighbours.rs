//! Credentials in rightful hands, which must work before and after.

use estop::tabletop::postgres::SessionSeed;

use crate::{
    bench::{self, BOTS, Bench},
    thief::{Loot, Stolen},
};

/// Clients that are nobody's business in any isolation.
const CLIENTS: [&str; 8] = [
    "bot-helpdesk-eu",
    "bot-knowledge-preview",
    "he1pdesk-bot",
    "sales-bot",
    "batch-report",
    "nightly-backup",
    "ci-runner",
    "invoice-service",
];

/// All but the bot: secrets and keys, tokens that were minted before, people's sessions, and the data store's clients.
pub fn of(bench: &Bench, bot: &str) -> Vec<Stolen> {
    let mut all = Vec::new();
    let others = BOTS.iter().filter(|other| **other != bot).map(|other| bench::client(other));
    for client in others.chain(CLIENTS) {
        all.extend(client_of(bench, client));
    }
    all.extend(people(bench));
    all.extend(data_store(bench, bot));
    all
}

fn client_of(bench: &Bench, client: &str) -> Vec<Stolen> {
    let hand = bench.exercise.keycloak.as_attacker();
    let (name, what) = (client.to_owned(), |kind: &str| format!("{kind} of {client}"));
    let (login, tokens) = match hand.steal_key(client) {
        Some(key) => (Loot::Key { client: name, key: key.clone() }, hand.mint_with_key(client, &key)),
        None => {
            let secret = hand.steal_secret(client).unwrap();
            let tokens = hand.mint(client, &secret);
            (Loot::Secret { client: name, secret }, tokens)
        }
    };
    let access = tokens.unwrap().access;
    vec![Stolen::new(&what("login"), login), Stolen::new(&what("token"), Loot::Access(access))]
}

/// Bob at the portal; alice, who also granted the helpdesk bot, at the intranet.
fn people(bench: &Bench) -> Vec<Stolen> {
    let hand = bench.exercise.keycloak.as_attacker();
    let mut all = Vec::new();
    for (user, client) in [("bob", "portal-web"), ("alice", "intranet-web")] {
        let tokens = hand.sign_in(user, client, "openid profile").unwrap();
        let refresh =
            Loot::Refresh { client: client.to_owned(), secret: String::new(), token: tokens.refresh.unwrap() };
        all.push(Stolen::new(&format!("{user}'s token at {client}"), Loot::Access(tokens.access)));
        all.push(Stolen::new(&format!("{user}'s refresh token at {client}"), refresh));
    }
    all
}

fn data_store(bench: &Bench, bot: &str) -> Vec<Stolen> {
    let mut all = Vec::new();
    let own = (bot != "knowledge").then_some("kb_reader");
    for role in ["kb_reader_eu", "search_indexer", "portal_web", "frank", "erin"].into_iter().chain(own) {
        let client = SessionSeed { client: "192.0.2.99".to_owned(), ..SessionSeed::default() };
        if role != "erin" {
            let pid = bench.world().log_in(role, &client, bench.now_us()).unwrap();
            all.push(Stolen::new(&format!("session of {role}"), Loot::Session(pid)));
        }
        all.push(Stolen::new(&format!("password of {role}"), Loot::Password(role)));
    }
    all
}

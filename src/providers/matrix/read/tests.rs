use serde_json::{Value, json};

use super::*;
use crate::{
    domain::Lane,
    engine::Provider as _,
    providers::matrix::testing::{BOT, Homeserver, bot, matrix, user},
};

fn whole(line: &str, locked: bool) -> (u16, Value) {
    let path = line.strip_prefix("GET ").expect("only reads");
    match path.split('/').next_back().unwrap() {
        "devices" => (200, json!({ "devices": [{ "device_id": "AAA", "user_id": BOT, "last_seen_ip": "192.0.2.7" }] })),
        "joined_rooms" => (200, json!({ "joined_rooms": ["!ops:chat.example"], "total": 1 })),
        _ if path.starts_with("/v1/whois/") => {
            let seen = json!([{ "ip": "192.0.2.7", "last_seen": 1_795_521_000_000_i64, "user_agent": "bot/1" },
                              { "ip": "203.0.113.9", "last_seen": 1_795_521_500_000_i64, "user_agent": "curl" }]);
            (200, json!({ "user_id": BOT, "devices": { "": { "sessions": [{ "connections": seen }] } } }))
        }
        _ => (200, user(locked)),
    }
}

fn states(reading: &Reading) -> Vec<(String, HoldingState)> {
    reading.holdings.iter().map(|one| (one.id.class().to_owned(), one.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_open_account_has_unlisted_tokens_and_a_locked_one_has_them_gated() {
    for (locked, behind, made) in
        [(false, HoldingState::Live, HoldingState::Unlisted), (true, HoldingState::Gated, HoldingState::Gated)]
    {
        let matrix = matrix(Homeserver::new(move |line| whole(line, locked)));
        let reading = matrix.holdings(&bot(IdentityState::Unknown)).await.unwrap();
        assert_eq!(reading.is_shut(), locked);
        let expected = [
            (class::PASSWORD, behind),
            (class::ADMIN_MADE, made),
            (class::LINK, behind),
            (class::DEVICE, HoldingState::Live),
            (class::ROOM, behind),
        ];
        assert_eq!(states(&reading), expected.map(|(class, state)| (class.to_owned(), state)));
        assert_eq!(reading.facts[fact::LOCKED], Fact::Bool(locked));
        assert!(reading.is_complete());
        assert_eq!(reading.activity[0].from.as_ref().map(Untrusted::raw), Some("203.0.113.9"), "the newest first");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_a_gap_and_a_server_without_locks_proves_none() {
    let matrix = matrix(Homeserver::new(|line| match line {
        line if line.ends_with("/devices") => (403, json!({ "errcode": "M_FORBIDDEN" })),
        line if line.contains("/v2/users/") => (200, json!({ "name": BOT, "deactivated": 0, "admin": 1 })),
        line => whole(line, false),
    }));
    let reading = matrix.holdings(&bot(IdentityState::Unknown)).await.unwrap();
    assert_eq!(reading.gaps[0].permission.as_deref(), Some("server admin"));
    assert_eq!(reading.facts.get(fact::LOCKED), None);
    let made = reading.holdings.iter().find(|one| one.id.class() == class::MADE).unwrap();
    assert_eq!((made.state, made.lane), (HoldingState::Unlisted, Lane::Connectors), "an admin can mint");
    assert!(reading.holdings[0].mints());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_gone_and_another_in_its_place_is_no_answer() {
    let gone = matrix(Homeserver::new(|_| (404, json!({ "errcode": "M_NOT_FOUND" }))));
    let reading = gone.holdings(&bot(IdentityState::Live)).await.unwrap();
    assert_eq!(reading.identity.state, IdentityState::Gone);
    let other = matrix(Homeserver::new(|_| (200, json!({ "name": "@root:chat.example" }))));
    assert!(matches!(other.holdings(&bot(IdentityState::Live)).await, Err(ProviderError::BadData(_))));
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read_and_one_that_is_missing_is_a_gap() {
    let page = |from: usize, next: Option<usize>| {
        let users = vec![json!({ "name": format!("@bot{from}:chat.example"), "locked": from == 1 })];
        (200, json!({ "users": users, "next_token": next.map(|next| next.to_string()), "total": 3 }))
    };
    let from =
        |line: &str| line.split("from=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().parse().unwrap();
    let all = matrix(Homeserver::new(move |line| match from(line) {
        2 => page(2, None),
        at => page(at, Some(at + 1)),
    }));
    let listing = all.inventory().await.unwrap();
    let states: Vec<IdentityState> = listing.identities.iter().map(|one| one.state).collect();
    assert_eq!(states, [IdentityState::Live, IdentityState::Gated, IdentityState::Live]);
    assert!(listing.gaps.is_empty());
    let broken = matrix(Homeserver::new(move |line| match from(line) {
        0 => page(0, Some(1)),
        _ => (403, json!({})),
    }));
    let listing = broken.inventory().await.unwrap();
    assert_eq!((listing.identities.len(), listing.gaps.len()), (1, 1));
    let round = matrix(Homeserver::new(move |line| page(from(line), Some(from(line)))));
    assert_eq!(round.inventory().await.unwrap().gaps.len(), 1);
}

//! What a bot made: clients, initial access tokens, and clients that were registered with those.
//!
//! ```text
//! admin-events?authClient=UUID  ─┐
//! admin-events?authUser=ACCOUNT ─┴─ CREATE ─┬─ CLIENT ────────────▶ child identity
//!                                           ├─ INITIAL ACCESS ────▶ holding ─ CLIENT_REGISTER ─▶ child
//!                                           └─ USER, IDENTITY PROVIDER ──────▶ unlisted
//! events?type=CLIENT_REGISTER that nobody can be named for, of a bot that could have done it ─▶ unlisted
//! ```
//!
//! A token that another client exchanged acts under that client's name, hence the search by user beside the one by
//! client. Where the realm keeps no admin events, nobody can tell what a bot made that could make something.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    credentials::{class, holding, second},
    events::{REGISTER, Trail},
    reader::Reader,
    record::Record,
    wire::{AdminEventWire, ClientWire, EventWire, InitialAccessWire},
};
use crate::{
    domain::{Family, Holding, HoldingState, Identity, IdentityId, Lane, Level, Scope, Untrusted},
    providers::http::{Call, Grounds},
};

/// Admin events of one bot that a reading looks through.
const MOST: usize = 5000;
/// The class of gap that admin events which cannot be read leave.
const CLASS: &str = "admin-events";

/// What a bot made, as far as events tell and as far as it is still there.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) children: Vec<Identity>,
    pub(super) holdings: Vec<Holding>,
    /// UUIDs of other clients that it changed.
    pub(super) changed: BTreeSet<String>,
}

/// Of which bot.
pub(super) struct Maker<'a> {
    pub(super) identity: &'a IdentityId,
    pub(super) record: &'a Record,
    pub(super) account: Option<&'a str>,
    /// Whether it can, or could when it was read before, make new credentials.
    pub(super) mints: bool,
}

pub(super) async fn read(reader: &Reader<'_>, maker: &Maker<'_>, trail: &Trail, now: Timestamp) -> Made {
    let events = admin_events(reader, maker).await;
    let mut made = Made::default();
    let created = |kind: &str| -> Vec<(String, i64)> {
        let of_kind = events.iter().filter(|event| event.operation_type == "CREATE" && event.resource_type == kind);
        of_kind.filter_map(|event| Some((last_segment(&event.resource_path)?.to_owned(), event.time))).collect()
    };
    let clients: BTreeSet<String> = created("CLIENT").into_iter().map(|(id, _)| id).collect();
    made.changed = events.iter().filter_map(changed_client).map(str::to_owned).collect();
    made.changed.retain(|id| *id != maker.record.id && !clients.contains(id));
    let by_id = futures::future::join_all(clients.iter().map(|id| child(reader, maker, id)));
    let others = leftovers(reader, maker, created("USER"), created("IDENTITY_PROVIDER"));
    let (by_id, others) = futures::join!(by_id, others);
    made.children = by_id.into_iter().flatten().collect();
    made.holdings = others;
    let tokens = created("CLIENT_INITIAL_ACCESS_MODEL");
    if !tokens.is_empty() || maker.mints {
        add_registered(reader, maker, trail, &tokens, now, &mut made).await;
    }
    made.holdings.extend(unlisted(maker, trail));
    made
}

async fn admin_events(reader: &Reader<'_>, maker: &Maker<'_>) -> Vec<AdminEventWire> {
    let keycloak = reader.keycloak;
    let by = |filter: &'static str, value: Option<&str>| {
        let value = value.map(str::to_owned);
        async move {
            let Some(value) = value else { return Vec::new() };
            let call = || Call::get(keycloak.path(&["admin-events"])).query(filter, value.as_str());
            let grounds = Grounds { what: "reading what it made", permission: "view-events" };
            let paged = keycloak.pages_up_to::<AdminEventWire>(MOST, call, grounds).await;
            if let Some(error) = &paged.error {
                reader.failed(Some(CLASS), error);
            }
            paged.entries
        }
    };
    let (by_client, by_account) =
        futures::join!(by("authClient", Some(&maker.record.id)), by("authUser", maker.account));
    let mut seen = BTreeSet::new();
    let is_theirs = |event: &AdminEventWire| {
        event.auth_details.as_ref().is_some_and(|who| {
            who.client_id.as_deref() == Some(&maker.record.id)
                || (maker.account.is_some() && who.user_id.as_deref() == maker.account)
        })
    };
    // The filters are the server's: should one be unknown to it, every event of the realm comes back.
    by_client
        .into_iter()
        .chain(by_account)
        .filter(|event| is_theirs(event) && event.id.as_ref().is_none_or(|id| seen.insert(id.clone())))
        .collect()
}

/// `clients/UUID` and `users/UUID`, nothing below them.
fn last_segment(path: &str) -> Option<&str> {
    path.rsplit('/').next().filter(|segment| !segment.is_empty())
}

/// The client that an event changed, be it the client itself or something in it.
fn changed_client(event: &AdminEventWire) -> Option<&str> {
    matches!(event.operation_type.as_str(), "UPDATE" | "ACTION" | "DELETE")
        .then(|| event.resource_path.strip_prefix("clients/"))
        .flatten()
        .and_then(|rest| rest.split('/').next())
}

/// A client that is still there, as the bot's child.
async fn child(reader: &Reader<'_>, maker: &Maker<'_>, id: &str) -> Option<Identity> {
    let call = || Call::get(reader.keycloak.path(&["clients", id]));
    let grounds = Grounds { what: "reading a client that it made", permission: "view-clients" };
    let wire: ClientWire = reader.get(Some(CLASS), call, grounds).await?;
    Some(as_child(reader, maker, &Record::of(wire)))
}

fn as_child(reader: &Reader<'_>, maker: &Maker<'_>, record: &Record) -> Identity {
    let keycloak = reader.keycloak;
    let account = keycloak.known_service_account(&record.id);
    let mut identity = record.identity(&keycloak.settings.name, account.as_deref());
    identity.child_of = Some(Box::new(maker.identity.clone()));
    identity
}

/// Users and identity providers that it made and that are still there. They are no clients, so no step here ends
/// them: a person has to look.
async fn leftovers(
    reader: &Reader<'_>,
    maker: &Maker<'_>,
    users: Vec<(String, i64)>,
    providers: Vec<(String, i64)>,
) -> Vec<Holding> {
    let users = users.into_iter().map(|(id, _)| ("user", ["users".to_owned(), id]));
    let providers =
        providers.into_iter().map(|(id, _)| ("identity provider", ["identity-provider/instances".to_owned(), id]));
    let still = futures::future::join_all(users.chain(providers).map(|(word, path)| async move {
        let [folder, id] = path;
        let segments: Vec<&str> = folder.split('/').chain([id.as_str()]).collect();
        let permission = if word == "user" { "view-users" } else { "view-identity-providers" };
        let call = || Call::get(reader.keycloak.path(&segments));
        let grounds = Grounds { what: "reading what it made", permission };
        reader.get::<serde::de::IgnoredAny>(Some(CLASS), call, grounds).await?;
        Some((word, id))
    }))
    .await;
    let place = (Lane::Identity, Family::Grant);
    let unlisted = |(word, id): (&str, String)| {
        let name = format!("{word} {id}, made by this bot: check it by hand");
        holding(maker.identity, (class::MADE, &format!("{word}/{id}")), place, &name, HoldingState::Unlisted)
    };
    still.into_iter().flatten().map(unlisted).collect()
}

/// Initial access tokens that it made and that still work, and clients that registered themselves: those since its
/// first token are its children, unless somebody else's tokens could have been used.
async fn add_registered(
    reader: &Reader<'_>,
    maker: &Maker<'_>,
    trail: &Trail,
    tokens: &[(String, i64)],
    now: Timestamp,
    made: &mut Made,
) {
    let (listed, all) = futures::join!(listed_tokens(reader), tokens_of_realm(reader));
    let own: BTreeSet<&str> = tokens.iter().map(|(id, _)| id.as_str()).collect();
    let holdings = listed.iter().filter(|token| own.contains(token.id.as_str()));
    made.holdings.extend(holdings.filter_map(|token| initial_access(reader, maker, token, now)));
    // Who can make clients can also register them with its own access token, and the event does not name it.
    let first = tokens.iter().map(|(_, time)| *time).min().unwrap_or(i64::MAX);
    let since = if maker.mints { 0 } else { first };
    let foreign = listed.iter().any(|token| !own.contains(token.id.as_str()))
        || all.iter().any(|(id, time)| *time >= first && !own.contains(id.as_str()));
    for (record, time) in registered_since(reader, trail, since).await {
        if record.id == maker.record.id || made.children.iter().any(|child| child.id.native() == record.id) {
            continue;
        }
        if time >= first && !foreign {
            made.children.push(as_child(reader, maker, &record));
        } else if record.enabled {
            let name = format!("client {}: it registered itself, and this bot may have done it", record.client_id);
            let place = (Lane::Identity, Family::Grant);
            let native = format!("client/{}", record.id);
            made.holdings.push(holding(maker.identity, (class::MADE, &native), place, &name, HoldingState::Unlisted));
        }
    }
}

async fn listed_tokens(reader: &Reader<'_>) -> Vec<InitialAccessWire> {
    let call = || Call::get(reader.keycloak.path(&["clients-initial-access"])).listing();
    let grounds = Grounds { what: "listing initial access tokens", permission: "view-clients" };
    reader.get(Some(class::INITIAL), call, grounds).await.unwrap_or_default()
}

/// Every initial access token whose making the realm remembers: those that are used up are in no list any more.
async fn tokens_of_realm(reader: &Reader<'_>) -> Vec<(String, i64)> {
    let call = || {
        let call = Call::get(reader.keycloak.path(&["admin-events"]));
        call.query("operationTypes", "CREATE").query("resourceTypes", "CLIENT_INITIAL_ACCESS_MODEL")
    };
    let grounds = Grounds { what: "reading who made initial access tokens", permission: "view-events" };
    let events: Vec<AdminEventWire> = reader.pages(Some(CLASS), call, grounds).await;
    events
        .into_iter()
        .filter(|event| event.operation_type == "CREATE" && event.resource_type == "CLIENT_INITIAL_ACCESS_MODEL")
        .filter_map(|event| Some((last_segment(&event.resource_path)?.to_owned(), event.time)))
        .collect()
}

fn initial_access(
    reader: &Reader<'_>,
    maker: &Maker<'_>,
    token: &InitialAccessWire,
    now: Timestamp,
) -> Option<Holding> {
    let ends = token.timestamp.zip(token.expiration.filter(|seconds| *seconds > 0)).map(|(made, life)| made + life);
    let over = ends.is_some_and(|end| end <= now.as_second()) || token.remaining_count == Some(0);
    if over {
        return None;
    }
    let left = token.remaining_count.map(|left| format!(", {left} left")).unwrap_or_default();
    let name = format!("initial access token {}{left}", token.id);
    let place = (Lane::Tokens, Family::Token);
    let mut one = holding(maker.identity, (class::INITIAL, &token.id), place, &name, HoldingState::Live);
    one.issued_at = token.timestamp.and_then(second);
    one.expires_at = ends.and_then(second);
    one.scopes = vec![Scope {
        resource: Untrusted::from(format!("realm {}", reader.keycloak.settings.realm)),
        verb: Untrusted::from("register clients"),
        level: Level::Admin,
        mint: true,
        via: None,
    }];
    Some(one)
}

/// Clients that registered themselves since then and are still there, and when they last did. The event names the
/// client only.
async fn registered_since(reader: &Reader<'_>, trail: &Trail, since: i64) -> Vec<(Record, i64)> {
    if !trail.stores(REGISTER) {
        return Vec::new();
    }
    let keycloak = reader.keycloak;
    let call = || {
        let call = Call::get(keycloak.path(&["events"])).query("type", REGISTER);
        call.query("dateFrom", since.to_string())
    };
    let grounds = Grounds { what: "reading which clients were registered", permission: "view-events" };
    let events: Vec<EventWire> = reader.pages(Some(CLASS), call, grounds).await;
    let mut names: BTreeMap<String, i64> = BTreeMap::new();
    for event in events.into_iter().filter(|event| event.kind == REGISTER && event.error.is_none()) {
        if let Some(name) = event.client_id.filter(|_| event.time >= since) {
            let last = names.entry(name).or_insert(event.time);
            *last = event.time.max(*last);
        }
    }
    let read = |(name, time): (String, i64)| async move {
        let call = || Call::get(keycloak.path(&["clients"])).query("clientId", name.as_str()).listing();
        let grounds = Grounds { what: "reading a registered client", permission: "view-clients" };
        let found = reader.get::<Vec<ClientWire>>(Some(CLASS), call, grounds).await.unwrap_or_default();
        found.into_iter().map(|wire| (Record::of(wire), time)).collect::<Vec<_>>()
    };
    futures::future::join_all(names.into_iter().map(read)).await.into_iter().flatten().collect()
}

/// What a bot that can mint may have made where the realm does not keep the events that would tell.
fn unlisted(maker: &Maker<'_>, trail: &Trail) -> Option<Holding> {
    let missing = match (trail.readable, trail.config.admin_events_enabled, trail.stores(REGISTER)) {
        (true, true, true) => return None,
        (false, ..) => "estop may not read the realm's events",
        (true, false, _) => "the realm stores no admin events",
        (true, true, false) => "the realm stores no events of clients that register",
    };
    maker.mints.then(|| {
        let name = format!("clients and tokens that it may have made: {missing}");
        let place = (Lane::Identity, Family::Grant);
        holding(maker.identity, (class::UNLISTED, "any"), place, &name, HoldingState::Unlisted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_the_client_in_its_path() {
        let event = |operation: &str, path: &str| AdminEventWire {
            id: None,
            time: 0,
            operation_type: operation.to_owned(),
            resource_type: String::new(),
            resource_path: path.to_owned(),
            auth_details: None,
        };
        for (operation, path, client) in [
            ("UPDATE", "clients/c1", Some("c1")),
            ("ACTION", "clients/c1/client-secret", Some("c1")),
            ("CREATE", "clients/c1", None),
            ("UPDATE", "users/u1", None),
        ] {
            assert_eq!(changed_client(&event(operation, path)), client, "{operation} {path}");
        }
    }
}

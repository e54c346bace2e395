//! Sessions of users (and of the service account) with the client, online and offline, those that hide included.
//!
//! A session leaves the client's list when its user withdraws the consent, while tokens that others exchanged from it
//! live on. It is still in the user's own list; that it is the bot's, only the events tell.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use jiff::Timestamp;

use super::{
    credentials::{class, holding},
    events::Trail,
    reader::Reader,
    record::Record,
    wire::SessionWire,
};
use crate::{
    domain::{Family, Gap, Holding, HoldingState, IdentityId, Lane, Scope, Untrusted},
    providers::http::{Call, Grounds},
};

/// Users whose own session lists one reading looks at.
const MOST_USERS: usize = 2000;

/// The sessions that the client's own lists show.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) online: Vec<SessionWire>,
    pub(super) offline: Vec<SessionWire>,
}

impl Sessions {
    /// Users who have one, with their names.
    pub(super) fn users(&self) -> BTreeMap<String, Option<String>> {
        let all = self.online.iter().chain(&self.offline);
        all.filter(|session| !session.user_id.is_empty())
            .map(|session| (session.user_id.clone(), Some(session.username.clone())))
            .collect()
    }
}

pub(super) async fn read(reader: &Reader<'_>, record: &Record) -> Sessions {
    let list = |what: &'static str, class: &'static str, of: &'static str| {
        let call = move || Call::get(reader.keycloak.path(&["clients", record.id.as_str(), of]));
        reader.pages(Some(class), call, Grounds { what, permission: "view-clients" })
    };
    let (online, offline) = futures::join!(
        list("listing sessions", class::SESSION, "user-sessions"),
        list("listing offline sessions", class::OFFLINE, "offline-sessions"),
    );
    Sessions { online, offline }
}

/// Adds sessions that the client's list does not show: those in its users' own lists that name the client, or that
/// the events know as the bot's.
pub(super) async fn add_hidden(
    reader: &Reader<'_>,
    record: &Record,
    users: &BTreeSet<String>,
    trail: &Trail,
    sessions: &mut Sessions,
) {
    if users.len() > MOST_USERS {
        reader.gap(Gap {
            class: Some(class::SESSION.to_owned()),
            what: format!("sessions of {} users that acted through it were not looked at", users.len() - MOST_USERS),
            permission: None,
        });
    }
    let known = trail.sessions();
    let lists = futures::stream::iter(users.iter().take(MOST_USERS).cloned())
        .map(|user| of_user(reader, user))
        .buffered(super::CONCURRENT_READS)
        .collect::<Vec<_>>()
        .await;
    let listed: BTreeSet<String> = sessions.online.iter().map(|session| session.id.clone()).collect();
    let hidden = lists.into_iter().flatten().filter(|session| {
        let is_ours = session.clients.contains_key(&record.id) || known.contains(session.id.as_str());
        is_ours && !listed.contains(&session.id)
    });
    sessions.online.extend(hidden);
}

async fn of_user(reader: &Reader<'_>, user: String) -> Vec<SessionWire> {
    let call = || Call::get(reader.keycloak.path(&["users", user.as_str(), "sessions"])).listing();
    let grounds = Grounds { what: "listing a user's sessions", permission: "view-users" };
    reader.get(Some(class::SESSION), call, grounds).await.unwrap_or_default()
}

/// Each session as a holding. Its native id is `USER/SESSION`: what ends it is written on the user.
pub(super) fn holdings(
    identity: &IdentityId,
    record: &Record,
    account: Option<&str>,
    sessions: &Sessions,
    scopes: &dyn Fn(&str) -> Vec<Scope>,
) -> Vec<Holding> {
    let state = if record.enabled { HoldingState::Live } else { HoldingState::Gated };
    let online = sessions.online.iter().map(|session| (class::SESSION, "session", session));
    let offline = sessions.offline.iter().map(|session| (class::OFFLINE, "offline session", session));
    online
        .chain(offline)
        .map(|(class, word, session)| {
            let short: String = session.id.chars().take(6).collect();
            let name = format!("{word} {short} of {}", session.username);
            let native = format!("{}/{}", session.user_id, session.id);
            let mut one = holding(identity, (class, &native), (Lane::Tokens, Family::Token), &name, state);
            one.issued_at = session.start.and_then(|time| Timestamp::from_millisecond(time).ok());
            one.last_used_at = session.last_access.and_then(|time| Timestamp::from_millisecond(time).ok());
            one.on_behalf_of =
                (account != Some(session.user_id.as_str())).then(|| Untrusted::from(session.username.as_str()));
            one.scopes = scopes(&session.user_id);
            one
        })
        .collect()
}

//! What the realm's events tell of one bot: when it last minted, for whom it acted, through whom its tokens were
//! exchanged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    reader::Reader,
    record::Record,
    wire::{EventWire, EventsConfigWire},
};
use crate::providers::http::{Call, Grounds};

/// Newest events of a client and of its service-account user that one reading looks at.
const EVENTS: usize = 1000;
/// Exchanges of the realm that one reading looks through.
const EXCHANGES: usize = 5000;

/// The class of gap that events which cannot be read leave.
pub(super) const CLASS: &str = "events";

/// An exchange: another client turned the bot's token into one of its own.
pub(super) const EXCHANGE: &str = "TOKEN_EXCHANGE";
/// A client registered itself, with an initial access token or with a bearer token.
pub(super) const REGISTER: &str = "CLIENT_REGISTER";

/// Kinds of events with which an access token is made.
const MINTS: [&str; 6] =
    ["CLIENT_LOGIN", "CODE_TO_TOKEN", "REFRESH_TOKEN", EXCHANGE, "LOGIN", "OAUTH2_DEVICE_CODE_TO_TOKEN"];

/// The events of one bot, newest first, and how far they can be trusted.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) config: EventsConfigWire,
    pub(super) readable: bool,
    pub(super) events: Vec<EventWire>,
    pub(super) exchanges: Vec<EventWire>,
    /// Time of the oldest event of the realm, in milliseconds: nothing is known from before.
    pub(super) oldest: Option<i64>,
}

pub(super) async fn read(reader: &Reader<'_>, record: &Record, account: Option<&str>) -> Trail {
    let config = reader
        .get::<EventsConfigWire>(
            Some(CLASS),
            || Call::get(reader.keycloak.path(&["events", "config"])),
            Grounds { what: "reading what events are stored", permission: "view-events" },
        )
        .await;
    let Some(config) = config else { return Trail::default() };
    if !config.events_enabled {
        return Trail { config, readable: true, ..Trail::default() };
    }
    let (by_client, by_account, exchanges, oldest) = futures::join!(
        newest(reader, "client", Some(&record.client_id)),
        newest(reader, "user", account),
        exchanges(reader, record),
        oldest(reader),
    );
    let events = merge([by_client, by_account, exchanges.clone()]);
    Trail { config, readable: true, events, exchanges, oldest }
}

/// The newest events with this value of a filter.
async fn newest(reader: &Reader<'_>, filter: &'static str, value: Option<&str>) -> Vec<EventWire> {
    let Some(value) = value else { return Vec::new() };
    if !can_be_asked(value) {
        return newest_of_all(reader, filter, value).await;
    }
    let call =
        || Call::get(reader.keycloak.path(&["events"])).query(filter, value).query("max", EVENTS.to_string()).listing();
    let grounds = Grounds { what: "reading events", permission: "view-events" };
    reader.get(Some(CLASS), call, grounds).await.unwrap_or_default()
}

/// The same where the server takes no such value in a query: all events are asked for, and filtered here.
async fn newest_of_all(reader: &Reader<'_>, filter: &str, value: &str) -> Vec<EventWire> {
    let call = || Call::get(reader.keycloak.path(&["events"]));
    let grounds = Grounds { what: "reading all events", permission: "view-events" };
    let paged = reader.keycloak.pages_up_to::<EventWire>(EXCHANGES, call, grounds).await;
    if let Some(error) = &paged.error {
        reader.failed(Some(CLASS), error);
    }
    paged.entries.into_iter().filter(|event| event.is_of(filter, value)).collect()
}

/// Whether the server takes it as the value of a filter; with a control character in it, the whole request is a 400.
pub(super) fn can_be_asked(value: &str) -> bool {
    !value.contains(char::is_control)
}

impl EventWire {
    /// Whether the server's filter of that name would let it through.
    pub(super) fn is_of(&self, filter: &str, value: &str) -> bool {
        let is = if filter == "client" { &self.client_id } else { &self.user_id };
        is.as_deref() == Some(value)
    }
}

/// When the realm's memory begins. A server that does not know the direction gives its newest event: less is known
/// then, never more.
async fn oldest(reader: &Reader<'_>) -> Option<i64> {
    let call = || Call::get(reader.keycloak.path(&["events"])).query("direction", "asc").query("max", "1");
    let grounds = Grounds { what: "reading the oldest event", permission: "view-events" };
    let events: Vec<EventWire> = reader.get(Some(CLASS), call, grounds).await?;
    events.first().map(|event| event.time)
}

/// Exchanges of this bot's tokens. They are filed under the client that asked, and only a detail names the bot.
async fn exchanges(reader: &Reader<'_>, record: &Record) -> Vec<EventWire> {
    let call = || Call::get(reader.keycloak.path(&["events"])).query("type", EXCHANGE);
    let grounds = Grounds { what: "reading token exchanges", permission: "view-events" };
    let paged = reader.keycloak.pages_up_to::<EventWire>(EXCHANGES, call, grounds).await;
    // An exchanged token hides a session only where users log in: elsewhere older exchanges change nothing.
    if let Some(error) = paged.error.filter(|_| record.user_flows) {
        reader.failed(Some(CLASS), &error);
    }
    paged
        .entries
        .into_iter()
        .filter(|event| event.detail("subject_token_client_id") == Some(&record.client_id))
        .collect()
}

/// Each event once, newest first.
pub(super) fn merge(lists: impl IntoIterator<Item = Vec<EventWire>>) -> Vec<EventWire> {
    let mut seen = BTreeSet::new();
    let mut events: Vec<EventWire> = lists
        .into_iter()
        .flatten()
        .filter(|event| event.id.as_ref().is_none_or(|id| seen.insert(id.clone())))
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    events
}

impl Trail {
    /// Whether events of this kind are stored.
    pub(super) fn stores(&self, kind: &str) -> bool {
        self.config.events_enabled && self.config.enabled_event_types.iter().any(|stored| stored == kind)
    }

    /// When a token of the bot, or one exchanged from it, was last made, in milliseconds.
    pub(super) fn newest_mint(&self) -> Option<i64> {
        let minted = |event: &&EventWire| event.error.is_none() && MINTS.contains(&event.kind.as_str());
        self.events.iter().filter(minted).map(|event| event.time).max()
    }

    /// Whether each way to a token leaves an event, kept and kept already for at least as long as a token lives.
    pub(super) fn covers_mints(&self, record: &Record, life_seconds: i64, now: Timestamp) -> bool {
        let kept = self.config.events_expiration.unwrap_or(0);
        let begins = self.oldest.unwrap_or(i64::MAX).saturating_add(life_seconds.saturating_mul(1000));
        if begins > now.as_millisecond() {
            return false;
        }
        let needed: &[&str] = if record.user_flows {
            &["CLIENT_LOGIN", "CODE_TO_TOKEN", "REFRESH_TOKEN", EXCHANGE]
        } else {
            &["CLIENT_LOGIN", EXCHANGE]
        };
        (kept == 0 || kept >= life_seconds) && needed.iter().all(|kind| self.stores(kind))
    }

    /// End users for whom it acted: user id and, where an event tells, name.
    pub(super) fn users(&self, account: Option<&str>) -> BTreeMap<String, Option<String>> {
        let mut users: BTreeMap<String, Option<String>> = BTreeMap::new();
        for event in &self.events {
            if let Some(user) = event.user_id.as_deref().filter(|user| Some(*user) != account) {
                let name = users.entry(user.to_owned()).or_default();
                *name = name.take().or_else(|| event.detail("username").map(str::to_owned));
            }
        }
        users
    }

    /// Sessions in which it acted for users.
    pub(super) fn sessions(&self) -> BTreeSet<&str> {
        self.events.iter().filter_map(|event| event.session_id.as_deref()).collect()
    }

    /// Clients that turned its tokens into their own, by name.
    pub(super) fn exchangers(&self) -> BTreeSet<&str> {
        self.exchanges.iter().filter_map(|event| event.client_id.as_deref()).collect()
    }

    /// When it last proved itself by this means (`client-secret`, `client-jwt` …), or by any.
    pub(super) fn last_login(&self, record: &Record, method: &str) -> Option<Timestamp> {
        self.events
            .iter()
            .find(|event| {
                event.error.is_none()
                    && event.client_id.as_deref() == Some(&record.client_id)
                    && event.detail("client_auth_method") == Some(method)
            })
            .and_then(|event| Timestamp::from_millisecond(event.time).ok())
    }

    /// The newest of all.
    pub(super) fn last_active(&self) -> Option<Timestamp> {
        self.events.first().and_then(|event| Timestamp::from_millisecond(event.time).ok())
    }
}

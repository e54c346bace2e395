//! The state of one realm, and the master realm's consoles that may act on it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    events::{AdminEvent, Event},
    random::Random,
};

/// Everything the server knows. No `Debug`: it is full of (invented) secrets.
#[derive(Clone)]
pub(super) struct World {
    /// The time of the request in hand.
    pub(super) now: Timestamp,
    pub(super) base: String,
    pub(super) random: Random,
    pub(super) realm: Realm,
    pub(super) clients: IndexMap<String, Client>,
    pub(super) users: IndexMap<String, User>,
    pub(super) roles: IndexMap<String, Role>,
    pub(super) groups: IndexMap<String, Group>,
    pub(super) scopes: IndexMap<String, ClientScope>,
    pub(super) sessions: IndexMap<String, Session>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) consents: Vec<Consent>,
    pub(super) initial_access: IndexMap<String, InitialAccess>,
    /// By the token's whole text: what was not issued here is not known here.
    pub(super) tokens: HashMap<String, Token>,
    pub(super) revoked: HashSet<String>,
    pub(super) events: Vec<Event>,
    pub(super) admin_events: Vec<AdminEvent>,
    pub(super) identity_providers: Vec<Value>,
    pub(super) operators: IndexMap<String, Operator>,
    /// Counts committed writes by entity, so that overlapping ones can be seen.
    pub(super) versions: HashMap<String, u64>,
}

#[derive(Clone)]
pub(super) struct Realm {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) master_id: String,
    pub(super) not_before: i64,
    pub(super) access_token_lifespan: i64,
    pub(super) sso_idle: i64,
    pub(super) sso_max: i64,
    pub(super) offline_idle: i64,
    pub(super) events_enabled: bool,
    pub(super) event_types: BTreeSet<String>,
    pub(super) admin_events_enabled: bool,
    pub(super) default_scopes: Vec<String>,
    pub(super) optional_scopes: Vec<String>,
    pub(super) rotation: Option<Rotation>,
}

/// The rotation policy: clients with this client role keep the secret before for a while.
#[derive(Clone)]
pub(super) struct Rotation {
    pub(super) role: String,
    pub(super) expiration: i64,
    pub(super) rotated_expiration: i64,
}

#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are the provider's own switches")]
#[expect(clippy::struct_field_names, reason = "`clientId` is the provider's word, beside its `id`")]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) enabled: bool,
    pub(super) not_before: i64,
    pub(super) authenticator: String,
    pub(super) secret: Option<String>,
    pub(super) public: bool,
    pub(super) bearer_only: bool,
    pub(super) standard_flow: bool,
    pub(super) service_accounts: bool,
    pub(super) consent_required: bool,
    pub(super) full_scope: bool,
    /// Its authorization settings: a PUT that does not say so deletes them.
    pub(super) authorization: bool,
    pub(super) redirect_uris: Vec<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) default_scopes: Vec<String>,
    pub(super) optional_scopes: Vec<String>,
    pub(super) scope_mappings: BTreeSet<String>,
    pub(super) registration_token: Option<String>,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) enabled: bool,
    pub(super) not_before: i64,
    pub(super) created: i64,
    /// The client whose service account it is.
    pub(super) service_account_of: Option<String>,
    pub(super) roles: BTreeSet<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) federated: Vec<Value>,
}

#[derive(Clone)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) client: Option<String>,
    pub(super) composites: BTreeSet<String>,
}

/// A group of users: its roles are theirs.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) roles: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct ClientScope {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) consent_text: Option<String>,
    pub(super) in_token: bool,
    pub(super) audiences: Vec<String>,
    pub(super) roles: BTreeSet<String>,
}

/// A user's session; an offline one is listed and ended apart.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) ip: String,
    pub(super) start: i64,
    pub(super) last_access: i64,
    pub(super) offline: bool,
    /// The clients in it, with the scopes of each.
    pub(super) clients: IndexMap<String, Vec<String>>,
}

/// An authorization code in flight.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) session: String,
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires: i64,
}

#[derive(Clone)]
pub(super) struct Consent {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Clone)]
pub(super) struct InitialAccess {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) timestamp: i64,
    pub(super) expiration: i64,
    pub(super) count: i64,
    pub(super) remaining: i64,
}

/// A console's client in the master realm.
#[derive(Clone)]
pub(super) struct Operator {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) client_id: String,
    pub(super) secret: String,
    pub(super) enabled: bool,
    pub(super) roles: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Access,
    Refresh,
    Offline,
}

/// One issued token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) jti: String,
    /// The client that it was issued to, by its internal id.
    pub(super) client: String,
    /// Of the master realm: an operator's.
    pub(super) master: bool,
    pub(super) user: String,
    pub(super) username: String,
    pub(super) session: Option<String>,
    pub(super) issued: i64,
    /// 0: it does not end by itself.
    pub(super) expires: i64,
    pub(super) scopes: Vec<String>,
    pub(super) audience: Vec<String>,
    /// The client whose token it was exchanged from, by `clientId`.
    pub(super) exchanged_from: Option<String>,
}

impl World {
    pub(super) fn seconds(&self) -> i64 {
        self.now.as_second()
    }

    pub(super) fn millis(&self) -> i64 {
        self.now.as_millisecond()
    }

    pub(super) fn client_named(&self, client_id: &str) -> Option<&Client> {
        self.clients.values().find(|client| client.client_id == client_id)
    }

    pub(super) fn service_account(&self, client: &str) -> Option<&User> {
        self.users.values().find(|user| user.service_account_of.as_deref() == Some(client))
    }

    pub(super) fn scope_named(&self, name: &str) -> Option<&ClientScope> {
        self.scopes.values().find(|scope| scope.name == name)
    }

    /// Ends what ends by itself: idle and too old sessions, tokens and codes past their time.
    pub(super) fn expire(&mut self) {
        let (now, realm) = (self.seconds(), self.realm.clone());
        self.sessions.retain(|_, session| {
            let idle = now - session.last_access;
            if session.offline {
                idle < realm.offline_idle
            } else {
                idle < realm.sso_idle && now - session.start < realm.sso_max
            }
        });
        self.tokens.retain(|_, token| token.expires == 0 || now < token.expires + realm.sso_max);
        self.codes.retain(|_, code| now < code.expires);
    }
}

impl Client {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The secret before, as long as it is accepted.
    pub(super) fn rotated_secret(&self, now: i64) -> Option<&str> {
        let until = self.attribute("client.secret.rotated.expiration.time").and_then(|text| text.parse::<i64>().ok());
        self.attribute("client.secret.rotated").filter(|_| until.is_none_or(|until| now < until))
    }

    /// Whether this is a secret of it, now.
    pub(super) fn accepts(&self, secret: &str, now: i64) -> bool {
        self.secret.as_deref() == Some(secret) || self.rotated_secret(now) == Some(secret)
    }
}

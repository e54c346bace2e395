//! Who calls the admin API, and what they may: the roles of `realm-management`, or of the realm's client in master.
//!
//! ```text
//! bearer ── token alive? ──401    roles of its user, now, within its client's scope ── enough? ──403
//! ```

use std::collections::BTreeSet;

use super::{
    answer::{Answer, Reply},
    call::Call,
    world::{Client, TokenKind, User, World},
};

/// What one administrative role brings with it.
const COMPOSITES: [(&str, &[&str]); 2] =
    [("view-clients", &["query-clients"]), ("view-users", &["query-users", "query-groups"])];

/// Every role of `realm-management` (26.7.3).
pub(super) const REALM_MANAGEMENT: [&str; 20] = [
    "create-client",
    "impersonation",
    "manage-authorization",
    "manage-clients",
    "manage-events",
    "manage-identity-providers",
    "manage-realm",
    "manage-users",
    "query-clients",
    "query-groups",
    "query-realms",
    "query-users",
    "realm-admin",
    "view-authorization",
    "view-clients",
    "view-events",
    "view-identity-providers",
    "view-realm",
    "view-users",
    "manage-organizations",
];

/// What a role of `realm-management` contains.
pub(super) fn contained(role: &str) -> Vec<&'static str> {
    if role == "realm-admin" {
        return REALM_MANAGEMENT.into_iter().filter(|other| *other != "realm-admin").collect();
    }
    COMPOSITES.iter().find(|(name, _)| *name == role).map(|(_, parts)| parts.to_vec()).unwrap_or_default()
}

/// An authenticated caller of the admin API.
pub(super) struct Caller {
    roles: BTreeSet<String>,
    pub(super) realm: String,
    pub(super) client: String,
    pub(super) user: String,
    pub(super) ip: String,
}

impl Caller {
    pub(super) fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|role| self.roles.contains(*role))
    }

    /// 403, unless one of them is held.
    pub(super) fn needs(&self, any: &[&str]) -> Result<(), Answer> {
        if self.has(any) { Ok(()) } else { Err(Answer::forbidden()) }
    }

    pub(super) fn reads_clients(&self) -> Result<(), Answer> {
        self.needs(&["view-clients", "manage-clients"])
    }

    pub(super) fn writes_clients(&self) -> Result<(), Answer> {
        self.needs(&["manage-clients"])
    }

    pub(super) fn reads_users(&self) -> Result<(), Answer> {
        self.needs(&["view-users", "manage-users"])
    }

    pub(super) fn writes_users(&self) -> Result<(), Answer> {
        self.needs(&["manage-users"])
    }

    pub(super) fn reads_realm(&self) -> Result<(), Answer> {
        self.needs(&["view-realm", "manage-realm"])
    }

    /// Whether it administers anything at all.
    pub(super) fn administers(&self) -> Result<(), Answer> {
        if self.roles.is_empty() { Err(Answer::forbidden()) } else { Ok(()) }
    }
}

impl World {
    /// The caller behind the bearer token, with the roles it has *now*: a token does not keep what was taken away.
    pub(super) fn caller(&self, call: &Call) -> Result<Caller, Answer> {
        let token = call.bearer.as_ref().and_then(|text| self.tokens.get(text)).ok_or_else(Answer::unauthorized)?;
        if token.kind != TokenKind::Access || self.why_dead(token).is_some() {
            return Err(Answer::unauthorized());
        }
        let (roles, realm) = if token.master {
            let operator = self.operators.values().find(|operator| operator.id == token.client);
            let roles = operator.map(|operator| with_contained(&operator.roles)).unwrap_or_default();
            (roles, self.realm.master_id.clone())
        } else {
            (self.management_roles(&token.client, &token.user), self.realm.id.clone())
        };
        Ok(Caller { roles, realm, client: token.client.clone(), user: token.user.clone(), ip: call.from.clone() })
    }

    fn management_roles(&self, client: &str, user: &str) -> BTreeSet<String> {
        let Some(management) = self.client_named("realm-management") else { return BTreeSet::new() };
        let held = self.users.get(user).map(|user| self.effective_roles(user)).unwrap_or_default();
        let Some(client) = self.clients.get(client) else { return BTreeSet::new() };
        held.iter()
            .filter(|role| self.in_client_scope(client, role))
            .filter_map(|role| self.roles.get(role))
            .filter(|role| role.client.as_deref() == Some(&management.id))
            .map(|role| role.name.clone())
            .collect()
    }

    fn in_client_scope(&self, client: &Client, role: &str) -> bool {
        client.full_scope || self.with_composites(&client.scope_mappings).contains(role)
    }

    /// A user's own roles and those of its groups, with all that they contain.
    pub(super) fn effective_roles(&self, user: &User) -> BTreeSet<String> {
        let mut roles = user.roles.clone();
        for group in user.groups.iter().filter_map(|id| self.groups.get(id)) {
            roles.extend(group.roles.iter().cloned());
        }
        self.with_composites(&roles)
    }

    /// Roles with all that they contain, at any depth.
    pub(super) fn with_composites(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        let (mut all, mut open) = (BTreeSet::new(), roles.iter().cloned().collect::<Vec<_>>());
        while let Some(id) = open.pop() {
            if let Some(role) = self.roles.get(&id)
                && all.insert(id)
            {
                open.extend(role.composites.iter().cloned());
            }
        }
        all
    }

    /// Taking away or giving `realm-admin` needs `realm-admin`; everything else `manage-users`.
    pub(super) fn may_map(&self, caller: &Caller, roles: &[String]) -> Result<(), Answer> {
        caller.writes_users()?;
        let touches_admin = roles.iter().any(|id| self.roles.get(id).is_some_and(|role| role.name == "realm-admin"));
        if touches_admin { caller.needs(&["realm-admin"]) } else { Ok(()) }
    }

    /// `/admin/serverinfo` and `/admin/realms`: anybody who administers something.
    pub(super) fn server_wide(&self, caller: &Caller, call: &Call) -> Reply {
        caller.administers()?;
        match call.segments().as_slice() {
            [_, "serverinfo"] => Ok(Answer::ok(serde_json::json!({ "systemInfo": { "version": "26.7.3" } }))),
            [_, "realms"] => Ok(Answer::ok(serde_json::json!([self.realm_json(caller)]))),
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }
}

fn with_contained(roles: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = roles.clone();
    for role in roles {
        all.extend(contained(role).into_iter().map(str::to_owned));
    }
    all
}

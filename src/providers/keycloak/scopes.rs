//! Effective scopes: what the service-account user may do, by its own roles, their composites, its groups and their
//! parents, and what the client's own scopes add.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    reader::Reader,
    record::Record,
    wire::{ClientNameWire, GroupWire, MappingsWire, RoleWire},
};
use crate::{
    domain::{Level, Scope, Untrusted},
    providers::http::{Call, Grounds},
};

/// Composites inside composites, groups inside groups: deeper than anybody builds them.
const MAX_DEPTH: usize = 10;
/// Client scopes that shape a token and allow nothing.
const TECHNICAL: [&str; 7] = ["acr", "basic", "profile", "roles", "service_account", "web-origins", "microprofile-jwt"];
/// Admin roles with which new credentials, or access as somebody else, can be made.
const MINTING: [&str; 9] = [
    "create-client",
    "create-realm",
    "impersonation",
    "manage-authorization",
    "manage-clients",
    "manage-identity-providers",
    "manage-realm",
    "manage-users",
    "realm-admin",
];

/// Where a role lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    /// The client's UUID; `None`: the realm.
    pub(super) client: Option<String>,
    /// The client's name, or the realm's.
    pub(super) name: String,
}

/// A role that the user has directly, with all that it gives.
#[derive(Debug, Clone)]
pub(super) struct Assigned {
    pub(super) container: Container,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scopes: Vec<Scope>,
}

/// A group that the user is in, with all that it gives.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) scopes: Vec<Scope>,
}

/// What a service-account user has.
#[derive(Debug, Clone, Default)]
pub(super) struct Effective {
    pub(super) roles: Vec<Assigned>,
    pub(super) groups: Vec<Joined>,
}

impl Effective {
    /// Everything that it may do, whatever reaches a token: an exchange can bring out what the bot's own token hides.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let roles = self.roles.iter().flat_map(|role| &role.scopes);
        let groups = self.groups.iter().flat_map(|group| &group.scopes);
        let mut scopes: Vec<Scope> = roles.chain(groups).cloned().collect();
        scopes.sort();
        scopes.dedup_by(|a, b| (&a.resource, &a.verb) == (&b.resource, &b.verb));
        scopes
    }

    /// Whether it has an admin role of the realm by this name.
    pub(super) fn has_admin(&self, realm: &str, role: &str) -> bool {
        let resource = admin_resource(realm);
        self.scopes().iter().any(|scope| scope.resource.raw() == resource && scope.verb.raw() == role)
    }

    /// Whether it can make new credentials.
    pub(super) fn mints(&self) -> bool {
        self.scopes().iter().any(|scope| scope.mint)
    }
}

/// The resource of admin roles.
fn admin_resource(realm: &str) -> String {
    format!("administration of realm {realm}")
}

pub(super) async fn read(reader: &Reader<'_>, user: &str) -> Effective {
    let grounds = |what| Grounds { what, permission: "view-users" };
    let keycloak = reader.keycloak;
    let (mappings, groups) = futures::join!(
        reader.get::<MappingsWire>(
            Some("role-assignment"),
            || Call::get(keycloak.path(&["users", user, "role-mappings"])),
            grounds("reading role assignments"),
        ),
        reader.pages::<GroupWire>(
            Some("group-membership"),
            || Call::get(keycloak.path(&["users", user, "groups"])),
            grounds("reading group memberships"),
        ),
    );
    let roles = futures::future::join_all(
        direct(&keycloak.settings.realm, mappings.unwrap_or_default())
            .into_iter()
            .map(|(container, role)| assigned(reader, container, role)),
    );
    let groups = futures::future::join_all(groups.into_iter().map(|group| joined(reader, group)));
    let (roles, groups) = futures::join!(roles, groups);
    Effective { roles, groups }
}

fn direct(realm: &str, mappings: MappingsWire) -> Vec<(Container, RoleWire)> {
    let of_realm = Container { client: None, name: realm.to_owned() };
    let mut roles: Vec<(Container, RoleWire)> =
        mappings.realm_mappings.into_iter().map(|role| (of_realm.clone(), role)).collect();
    for mapping in mappings.client_mappings.into_values() {
        let container = Container { client: Some(mapping.id), name: mapping.client };
        roles.extend(mapping.mappings.into_iter().map(|role| (container.clone(), role)));
    }
    roles
}

async fn assigned(reader: &Reader<'_>, container: Container, role: RoleWire) -> Assigned {
    let scopes = expand(reader, &container, &role, None).await;
    Assigned { container, id: role.id, name: role.name, scopes }
}

async fn joined(reader: &Reader<'_>, group: GroupWire) -> Joined {
    let path = group.path.clone().unwrap_or_else(|| group.name.clone());
    let via = format!("group {path}");
    let mut scopes = Vec::new();
    let mut next = Some(group.id.clone());
    for _ in 0..MAX_DEPTH {
        let Some(id) = next else { break };
        scopes.extend(roles_of_group(reader, &id, &via).await);
        next = parent(reader, &id).await;
    }
    Joined { id: group.id, path, scopes }
}

async fn roles_of_group(reader: &Reader<'_>, id: &str, via: &str) -> Vec<Scope> {
    let keycloak = reader.keycloak;
    let grounds = Grounds { what: "reading a group's roles", permission: "view-users" };
    let call = || Call::get(keycloak.path(&["groups", id, "role-mappings"]));
    let mappings = reader.get::<MappingsWire>(Some("group-membership"), call, grounds).await.unwrap_or_default();
    let mut scopes = Vec::new();
    for (container, role) in direct(&keycloak.settings.realm, mappings) {
        scopes.extend(expand(reader, &container, &role, Some(via)).await);
    }
    scopes
}

/// A subgroup has its parents' roles too.
async fn parent(reader: &Reader<'_>, id: &str) -> Option<String> {
    let grounds = Grounds { what: "reading a group", permission: "view-users" };
    let call = || Call::get(reader.keycloak.path(&["groups", id]));
    reader.get::<GroupWire>(Some("group-membership"), call, grounds).await?.parent_id
}

/// A role and, where it is a composite, everything in it.
async fn expand(reader: &Reader<'_>, container: &Container, role: &RoleWire, via: Option<&str>) -> Vec<Scope> {
    let realm = &reader.keycloak.settings.realm;
    let mut scopes = vec![role_scope(realm, container, &role.name, via)];
    let mut seen = BTreeSet::from([role.id.clone()]);
    let mut open = if role.composite { vec![role.clone()] } else { Vec::new() };
    for _ in 0..MAX_DEPTH {
        let mut found = Vec::new();
        for outer in open.drain(..) {
            let via = format!("role {}", outer.name);
            for inner in composites(reader, &outer).await {
                if seen.insert(inner.id.clone()) {
                    let container = container_of(reader, &inner).await;
                    scopes.push(role_scope(realm, &container, &inner.name, Some(&via)));
                    found.push(inner);
                }
            }
        }
        open = found.into_iter().filter(|role| role.composite).collect();
        if open.is_empty() {
            break;
        }
    }
    scopes
}

async fn composites(reader: &Reader<'_>, role: &RoleWire) -> Vec<RoleWire> {
    let permission = if role.client_role { "view-clients" } else { "view-realm" };
    let grounds = Grounds { what: "reading what a composite role holds", permission };
    let call = || Call::get(reader.keycloak.path(&["roles-by-id", role.id.as_str(), "composites"])).listing();
    reader.get(Some("role-assignment"), call, grounds).await.unwrap_or_default()
}

async fn container_of(reader: &Reader<'_>, role: &RoleWire) -> Container {
    let keycloak = reader.keycloak;
    let Some(client) = role.container_id.clone().filter(|_| role.client_role) else {
        return Container { client: None, name: keycloak.settings.realm.clone() };
    };
    let grounds = Grounds { what: "reading a client's name", permission: "view-clients" };
    let call = || Call::get(keycloak.path(&["clients", client.as_str()]));
    let name = reader.get::<ClientNameWire>(Some("role-assignment"), call, grounds).await;
    let name = name.map_or_else(|| client.clone(), |name| name.client_id);
    Container { client: Some(client), name }
}

fn role_scope(realm: &str, container: &Container, role: &str, via: Option<&str>) -> Scope {
    let own_admin = container.name == "realm-management" || container.name == format!("{realm}-realm");
    let master_admin = realm == "master" && container.client.is_none() && matches!(role, "admin" | "create-realm");
    let is_admin =
        container.client.is_some() && (own_admin || (realm == "master" && container.name.ends_with("-realm")));
    let (resource, level, mint) = if is_admin || master_admin {
        (admin_resource(realm), admin_level(role), MINTING.contains(&role) || role == "admin")
    } else if container.client.is_some() {
        (container.name.clone(), Level::from_words(role), false)
    } else {
        (format!("realm {realm}"), Level::from_words(role), false)
    };
    Scope {
        resource: Untrusted::from(resource),
        verb: Untrusted::from(role),
        level,
        mint,
        via: via.map(Untrusted::from),
    }
}

/// Who views clients reads every client's secret; who manages anything can give itself more.
fn admin_level(role: &str) -> Level {
    match role {
        "view-clients" => Level::Export,
        role if role.starts_with("view-") || role.starts_with("query-") => Level::Read,
        _ => Level::Admin,
    }
}

/// What the client's own scopes put into a token.
pub(super) fn of_client(realm: &str, record: &Record) -> Vec<Scope> {
    let default = record.default_scopes.iter().map(|name| (name, "default client scope"));
    let optional = record.optional_scopes.iter().map(|name| (name, "optional client scope"));
    default.chain(optional).filter_map(|(name, via)| client_scope(realm, name, Some(via))).collect()
}

/// A client scope as a scope; `None`: it allows nothing.
pub(super) fn client_scope(realm: &str, name: &str, via: Option<&str>) -> Option<Scope> {
    let allows = !TECHNICAL.contains(&name);
    allows.then(|| Scope {
        resource: Untrusted::from(format!("realm {realm}")),
        verb: Untrusted::from(name),
        level: Level::from_words(name),
        mint: false,
        via: via.map(Untrusted::from),
    })
}

/// The scopes of a client-credentials token: all of the user's where the client has full scope, else those that the
/// server grants this client. Where it cannot be asked, all: doubt goes to the higher alarm.
pub(super) async fn in_token(reader: &Reader<'_>, record: &Record, effective: &Effective) -> Vec<Scope> {
    let mut scopes = effective.scopes();
    if !record.full_scope {
        let allowed = futures::future::join_all(
            containers(effective).into_iter().map(|container| granted(reader, record, container)),
        )
        .await;
        let allowed: BTreeMap<String, BTreeSet<String>> = allowed.into_iter().flatten().collect();
        let realm = &reader.keycloak.settings.realm;
        scopes.retain(|scope| {
            let (resource, verb) = (scope.resource.raw(), scope.verb.raw());
            let name = resource.strip_prefix("realm ").unwrap_or(resource);
            let name = if resource == admin_resource(realm) { "realm-management" } else { name };
            allowed.get(name).is_none_or(|roles| roles.contains(verb))
        });
    }
    scopes.extend(of_client(&reader.keycloak.settings.realm, record));
    scopes.sort();
    scopes.dedup();
    scopes
}

fn containers(effective: &Effective) -> Vec<Container> {
    let mut containers: Vec<Container> = effective.roles.iter().map(|role| role.container.clone()).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    containers.dedup();
    containers
}

async fn granted(reader: &Reader<'_>, record: &Record, container: Container) -> Option<(String, BTreeSet<String>)> {
    let keycloak = reader.keycloak;
    let of = container.client.as_deref().unwrap_or(keycloak.settings.realm.as_str());
    let rest = ["clients", record.id.as_str(), "evaluate-scopes", "scope-mappings", of, "granted"];
    let call = || Call::get(keycloak.path(&rest)).query("scope", record.optional_scopes.join(" "));
    let grounds = Grounds { what: "evaluating scopes", permission: "view-clients" };
    let roles: Vec<RoleWire> = keycloak.get(call, grounds).await.ok()?;
    Some((container.name, roles.into_iter().map(|role| role.name).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_roles_mint_and_application_roles_do_not() {
        let client = |name: &str| Container { client: Some("c".to_owned()), name: name.to_owned() };
        for (container, role, level, mint) in [
            (client("realm-management"), "manage-clients", Level::Admin, true),
            (client("realm-management"), "impersonation", Level::Admin, true),
            (client("realm-management"), "view-clients", Level::Export, false),
            (client("realm-management"), "view-users", Level::Read, false),
            (client("bots-realm"), "manage-users", Level::Admin, true),
            (client("ticket-system"), "manage-clients", Level::Admin, false),
            (client("ticket-system"), "tickets:write", Level::Write, false),
            (client("ticket-system"), "customers:export", Level::Export, false),
            (Container { client: None, name: "bots".to_owned() }, "chatbot", Level::Read, false),
        ] {
            let scope = role_scope("bots", &container, role, None);
            assert_eq!((scope.level, scope.mint), (level, mint), "{} {role}", container.name);
        }
    }
}

//! Makes a world of a fleet's data: ids and secrets from the seed, times from the beginning.

mod history;

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::json;

use super::{
    permissions::{REALM_MANAGEMENT, contained},
    random::{Random, named_uuid},
    world::{Client, ClientScope, Group, Operator, Realm, Role, Rotation, User, World},
};
use crate::tabletop::fleet::{ClientData, Fleet, RolesByClient, UserData};

/// Why data are no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// It names something that is not there.
    #[error("the fleet names a {what} `{name}` that is not in it: add it, or correct the name")]
    Unknown {
        /// Client, role, group, scope or user.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// Builds the realm, at its beginning.
pub(super) fn world(fleet: &Fleet, base: &str, start: Timestamp) -> Result<World, WorldError> {
    let mut builder = Builder { seed: fleet.seed, start, world: empty(fleet, base, start) };
    builder.roles(fleet)?;
    builder.groups(fleet)?;
    builder.scopes(fleet)?;
    for client in &fleet.clients {
        builder.client(client)?;
    }
    for user in &fleet.users {
        builder.user(user)?;
    }
    for session in &fleet.sessions {
        builder.session(session)?;
    }
    for client in &fleet.clients {
        builder.made(client)?;
    }
    builder.initial_access(fleet)?;
    for event in &fleet.events {
        builder.event(event)?;
    }
    builder.world.events.sort_by_key(|event| event.time);
    builder.world.admin_events.sort_by_key(|event| event.time);
    Ok(builder.world)
}

struct Builder {
    seed: u64,
    start: Timestamp,
    world: World,
}

fn empty(fleet: &Fleet, base: &str, start: Timestamp) -> World {
    let id = |what: &str| named_uuid(fleet.seed, what);
    let mut random = Random::new(fleet.seed);
    let operator = Operator {
        id: id(&format!("operator/{}", fleet.operator.client_id)),
        user: id(&format!("operator-user/{}", fleet.operator.client_id)),
        client_id: fleet.operator.client_id.clone(),
        secret: random.word(32),
        enabled: true,
        roles: fleet.operator.roles.iter().cloned().collect(),
    };
    World {
        now: start,
        base: base.to_owned(),
        random,
        realm: realm(fleet),
        clients: IndexMap::new(),
        users: IndexMap::new(),
        roles: IndexMap::new(),
        groups: IndexMap::new(),
        scopes: IndexMap::new(),
        sessions: IndexMap::new(),
        codes: HashMap::new(),
        consents: Vec::new(),
        initial_access: IndexMap::new(),
        tokens: HashMap::new(),
        revoked: HashSet::new(),
        events: Vec::new(),
        admin_events: Vec::new(),
        identity_providers: fleet
            .identity_providers
            .iter()
            .map(|provider| {
                json!({
                    "alias": provider.alias, "displayName": provider.display_name, "providerId": "oidc",
                    "internalId": id(&format!("idp/{}", provider.alias)), "enabled": true,
                    "config": { "clientId": fleet.realm.name, "syncMode": "IMPORT" },
                    "types": ["USER_AUTHENTICATION"],
                })
            })
            .collect(),
        operators: std::iter::once((operator.client_id.clone(), operator)).collect(),
        versions: HashMap::new(),
    }
}

fn realm(fleet: &Fleet) -> Realm {
    let data = &fleet.realm;
    let scope = |name: &String| named_uuid(fleet.seed, &format!("scope/{name}"));
    Realm {
        id: named_uuid(fleet.seed, "realm"),
        name: data.name.clone(),
        master_id: named_uuid(fleet.seed, "master"),
        not_before: 0,
        access_token_lifespan: data.access_token_lifespan,
        sso_idle: data.sso_idle,
        sso_max: data.sso_max,
        offline_idle: data.offline_idle,
        events_enabled: true,
        event_types: data.event_types.iter().cloned().collect(),
        admin_events_enabled: true,
        default_scopes: data.default_scopes.iter().map(scope).collect(),
        optional_scopes: data.optional_scopes.iter().map(scope).collect(),
        rotation: data.rotation.as_ref().map(|rotation| Rotation {
            role: rotation.role.clone(),
            expiration: rotation.expiration,
            rotated_expiration: rotation.rotated_expiration,
        }),
    }
}

impl Builder {
    fn id(&self, what: &str) -> String {
        named_uuid(self.seed, what)
    }

    fn role(&mut self, client: Option<&str>, name: &str, description: Option<String>) -> String {
        let id = self.id(&format!("role/{}/{name}", client.unwrap_or("realm")));
        let client = client.map(|client| self.id(&format!("client/{client}")));
        let role = Role { id: id.clone(), name: name.to_owned(), description, client, composites: BTreeSet::new() };
        self.world.roles.insert(id.clone(), role);
        id
    }

    /// Those of the realm, of its clients, and of its administration.
    fn roles(&mut self, fleet: &Fleet) -> Result<(), WorldError> {
        for client in &fleet.clients {
            for role in &client.roles {
                self.role(Some(&client.client_id), role, None);
            }
        }
        for name in REALM_MANAGEMENT {
            self.role(Some("realm-management"), name, Some(format!("${{role_{name}}}")));
        }
        for name in REALM_MANAGEMENT {
            let parts = contained(name).into_iter().map(|part| self.id(&format!("role/realm-management/{part}")));
            let parts: BTreeSet<_> = parts.collect();
            let id = self.id(&format!("role/realm-management/{name}"));
            if let Some(role) = self.world.roles.get_mut(&id) {
                role.composites = parts;
            }
        }
        for role in &fleet.roles {
            self.role(role.of.as_deref(), &role.name, role.description.clone());
        }
        for role in &fleet.roles {
            let mut parts = self.held(&std::iter::once(("realm".to_owned(), role.contains.clone())).collect())?;
            parts.extend(self.held(&role.contains_of)?);
            let id = self.id(&format!("role/{}/{}", role.of.as_deref().unwrap_or("realm"), role.name));
            if let Some(role) = self.world.roles.get_mut(&id) {
                role.composites = parts;
            }
        }
        Ok(())
    }

    fn held(&self, holds: &RolesByClient) -> Result<BTreeSet<String>, WorldError> {
        let mut ids = BTreeSet::new();
        for (client, names) in holds {
            for name in names {
                let id = self.id(&format!("role/{client}/{name}"));
                if !self.world.roles.contains_key(&id) {
                    return Err(WorldError::Unknown { what: "role", name: format!("{client}/{name}") });
                }
                ids.insert(id);
            }
        }
        Ok(ids)
    }

    fn scopes(&mut self, fleet: &Fleet) -> Result<(), WorldError> {
        for scope in &fleet.scopes {
            let id = self.id(&format!("scope/{}", scope.name));
            let roles = self.held(&scope.roles)?;
            let scope = ClientScope {
                id: id.clone(),
                name: scope.name.clone(),
                consent_text: scope.consent.clone(),
                in_token: scope.in_token,
                audiences: scope.audiences.clone(),
                roles,
            };
            self.world.scopes.insert(id, scope);
        }
        let names = fleet.realm.default_scopes.iter().chain(&fleet.realm.optional_scopes);
        self.scope_ids(names.cloned().collect::<Vec<_>>().as_slice()).map(|_| ())
    }

    fn scope_ids(&self, names: &[String]) -> Result<Vec<String>, WorldError> {
        let known = |name: &String| self.world.scope_named(name).map(|scope| scope.id.clone());
        let missing = |name: &String| WorldError::Unknown { what: "scope", name: name.clone() };
        names.iter().map(|name| known(name).ok_or_else(|| missing(name))).collect()
    }

    fn client(&mut self, data: &ClientData) -> Result<(), WorldError> {
        let id = self.id(&format!("client/{}", data.client_id));
        let mut default_scopes = self.world.realm.default_scopes.clone();
        default_scopes.extend(self.scope_ids(&data.default_scopes)?);
        let mut attributes = data.attributes.clone();
        let own = data.client_id == "realm-management";
        attributes.insert("realm_client".to_owned(), own.to_string());
        if data.made_by.is_none() {
            attributes.insert("post.logout.redirect.uris".to_owned(), "+".to_owned());
        }
        if let Some(key) = &data.key {
            attributes.insert("use.jwks.string".to_owned(), "true".to_owned());
            attributes.insert("jwks.string".to_owned(), self.key_set(key));
            attributes.insert("token.endpoint.auth.signing.alg".to_owned(), "RS256".to_owned());
            // It came without a secret, so that the server made one, which lies dormant.
            attributes.insert("client.secret.creation.time".to_owned(), self.start.as_second().to_string());
        }
        let secret = (!data.public && !data.bearer_only).then(|| self.world.random.word(32));
        let client = Client {
            id: id.clone(),
            client_id: data.client_id.clone(),
            name: data.name.clone(),
            description: data.description.clone(),
            enabled: data.enabled,
            not_before: 0,
            authenticator: if data.key.is_some() { "client-jwt" } else { "client-secret" }.to_owned(),
            secret,
            public: data.public,
            bearer_only: data.bearer_only,
            standard_flow: data.standard_flow,
            service_accounts: data.service_account,
            consent_required: data.consent_required,
            full_scope: data.full_scope,
            authorization: data.authorization,
            redirect_uris: data.redirect_uris.clone(),
            attributes,
            default_scopes,
            optional_scopes: self.scope_ids(&data.optional_scopes)?,
            scope_mappings: BTreeSet::new(),
            registration_token: None,
        };
        self.world.clients.insert(id.clone(), client);
        if data.service_account {
            self.service_account(&id, data)?;
        }
        if let Some(rotated) = data.rotated {
            self.world.now = rotated.before(self.start);
            self.world.regenerate(&id);
            self.world.now = self.start;
        }
        Ok(())
    }

    fn service_account(&mut self, client: &str, data: &ClientData) -> Result<(), WorldError> {
        let username = format!("service-account-{}", data.client_id);
        let id = self.id(&format!("user/{username}"));
        let made = data.made.map_or(self.start, |made| made.before(self.start));
        let user = User {
            service_account_of: Some(client.to_owned()),
            roles: self.held(&data.holds)?,
            groups: self.group_ids(&data.groups)?,
            ..User::new(id.clone(), username, made.as_millisecond())
        };
        self.world.users.insert(id, user);
        Ok(())
    }

    fn groups(&mut self, fleet: &Fleet) -> Result<(), WorldError> {
        for group in &fleet.groups {
            let (id, roles) = (self.id(&format!("group/{}", group.name)), self.held(&group.holds)?);
            self.world.groups.insert(id.clone(), Group { id, name: group.name.clone(), roles });
        }
        Ok(())
    }

    fn group_ids(&self, names: &[String]) -> Result<BTreeSet<String>, WorldError> {
        let missing = |name: &String| WorldError::Unknown { what: "group", name: name.clone() };
        let known = |name: &String| self.world.groups.values().find(|group| group.name == *name);
        names.iter().map(|name| known(name).map(|group| group.id.clone()).ok_or_else(|| missing(name))).collect()
    }

    /// A key set with one key. Its modulus is chance: a key is compared here, never computed with.
    fn key_set(&self, name: &str) -> String {
        let bits = uuid::Uuid::parse_str(&self.id(&format!("key/{name}"))).unwrap_or_default().as_u64_pair();
        let modulus = Random::new(bits.0 ^ bits.1).word(342);
        let key = json!({ "kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "e": "AQAB", "n": modulus });
        json!({ "keys": [key] }).to_string()
    }

    fn user(&mut self, data: &UserData) -> Result<(), WorldError> {
        let id = self.id(&format!("user/{}", data.username));
        let links = data.links.iter().map(
            |link| json!({ "identityProvider": link.provider, "userId": link.user_id, "userName": link.username }),
        );
        let user = User {
            first_name: Some(data.first_name.clone()),
            last_name: Some(data.last_name.clone()),
            email: Some(format!("{}@example.test", data.username)),
            roles: self.held(&data.holds)?,
            federated: links.collect(),
            ..User::new(id.clone(), data.username.clone(), self.start.as_millisecond())
        };
        self.world.users.insert(id, user);
        Ok(())
    }

    fn client_id(&self, name: &str) -> Result<String, WorldError> {
        let known = self.world.client_named(name).map(|client| client.id.clone());
        known.ok_or_else(|| WorldError::Unknown { what: "client", name: name.to_owned() })
    }

    fn user_id(&self, name: &str) -> Result<String, WorldError> {
        let known = self.world.users.values().find(|user| user.username == name).map(|user| user.id.clone());
        known.ok_or_else(|| WorldError::Unknown { what: "user", name: name.to_owned() })
    }
}

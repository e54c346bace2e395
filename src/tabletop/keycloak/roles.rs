//! Roles: what users and clients are given, and what a role contains.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Reply},
    call::Call,
    permissions::Caller,
    world::{Client, Role, World},
};

impl World {
    pub(super) fn role_json(&self, role: &Role) -> Value {
        let mut json = json!({
            "id": role.id, "name": role.name, "composite": !role.composites.is_empty(),
            "clientRole": role.client.is_some(), "containerId": role.client.as_ref().unwrap_or(&self.realm.id),
        });
        if let Some(description) = &role.description {
            json["description"] = json!(description);
        }
        json
    }

    /// Those of the realm (`None`) or of one client.
    pub(super) fn roles_json(&self, ids: &BTreeSet<String>, client: Option<&str>) -> Value {
        let roles = ids.iter().filter_map(|id| self.roles.get(id));
        roles.filter(|role| role.client.as_deref() == client).map(|role| self.role_json(role)).collect()
    }

    pub(super) fn mappings_json(&self, ids: &BTreeSet<String>) -> Value {
        let mut json = json!({});
        let realm = self.roles_json(ids, None);
        if realm.as_array().is_some_and(|roles| !roles.is_empty()) {
            json["realmMappings"] = realm;
        }
        let mut clients = Map::new();
        for client in self.clients.values() {
            let mappings = self.roles_json(ids, Some(&client.id));
            if mappings.as_array().is_some_and(|roles| !roles.is_empty()) {
                let entry = json!({ "id": client.id, "client": client.client_id, "mappings": mappings });
                clients.insert(client.client_id.clone(), entry);
            }
        }
        if !clients.is_empty() {
            json["clientMappings"] = Value::Object(clients);
        }
        json
    }

    /// `/users/{id}/role-mappings…`
    pub(super) fn role_mappings(&mut self, caller: &Caller, call: &Call, id: &str, part: &[&str]) -> Reply {
        if call.method != "GET" {
            return self.change_mappings(caller, call, id, part);
        }
        caller.reads_users()?;
        let user = self.user(id)?;
        let held = &user.roles;
        Ok(Answer::ok(match part {
            [] => self.mappings_json(held),
            ["realm"] => self.roles_json(held, None),
            ["realm", "composite"] => self.roles_json(&self.effective_roles(user), None),
            ["clients", client] => self.roles_json(held, Some(client)),
            ["clients", client, "composite"] => self.roles_json(&self.effective_roles(user), Some(client)),
            _ => return Err(Answer::error(404, "HTTP 404 Not Found")),
        }))
    }

    fn change_mappings(&mut self, caller: &Caller, call: &Call, id: &str, part: &[&str]) -> Reply {
        let client = match part {
            ["realm"] => None,
            ["clients", client] => Some(self.client(client)?.id.clone()),
            _ => return Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        };
        caller.writes_users()?;
        let body = call.json();
        let ids = self.roles_in(&body, client.as_deref())?;
        self.may_map(caller, &ids)?;
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        let operation = if call.method == "DELETE" { "DELETE" } else { "CREATE" };
        for role in ids {
            if operation == "DELETE" {
                user.roles.remove(&role);
            } else {
                user.roles.insert(role);
            }
        }
        let resource = if client.is_some() { "CLIENT_ROLE_MAPPING" } else { "REALM_ROLE_MAPPING" };
        let path = format!("users/{id}/role-mappings/{}", part.join("/"));
        self.record_admin(caller, (operation, resource), path, Some(&body));
        Ok(Answer::no_content())
    }

    /// The roles named in a body, of that container: what is given of id and name has to fit.
    fn roles_in(&self, body: &Value, client: Option<&str>) -> Result<Vec<String>, Answer> {
        let missing = || Answer::error(404, "Role not found");
        let find = |role: &Value| {
            let (id, name) = (role["id"].as_str(), role["name"].as_str());
            let fits = |known: &Role| id.is_none_or(|id| known.id == id) && name.is_none_or(|name| known.name == name);
            let mut of_container = self.roles.values().filter(|known| known.client.as_deref() == client);
            of_container.find(|known| (id.is_some() || name.is_some()) && fits(known)).map(|role| role.id.clone())
        };
        body.as_array().ok_or_else(missing)?.iter().map(|role| find(role).ok_or_else(missing)).collect()
    }

    /// `/roles…` of the realm, and `/roles-by-id/{id}…`.
    pub(super) fn admin_roles(&self, caller: &Caller, call: &Call, rest: &[&str]) -> Reply {
        if call.method != "GET" {
            return Err(Answer::error(405, "HTTP 405 Method Not Allowed"));
        }
        let named = |name: &str| self.roles.values().find(|role| role.client.is_none() && role.name == name);
        match rest {
            ["roles"] => {
                caller.reads_realm()?;
                let own = self.roles.values().filter(|role| role.client.is_none());
                Ok(Answer::ok(own.map(|role| self.role_json(role)).collect()))
            }
            ["roles", name, part @ ..] => self.role_part(caller, named(name), part),
            ["roles-by-id", id, part @ ..] => self.role_part(caller, self.roles.get(*id), part),
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }

    /// The realm's own roles are the realm's to show, a client's are the clients'.
    fn role_part(&self, caller: &Caller, role: Option<&Role>, part: &[&str]) -> Reply {
        caller.reads_realm().or_else(|refusal| caller.reads_clients().map_err(|_| refusal))?;
        let role = role.ok_or_else(|| Answer::error(404, "Could not find role"))?;
        if role.client.is_some() {
            caller.reads_clients()?;
        } else {
            caller.reads_realm()?;
        }
        let parts = role.composites.iter().filter_map(|id| self.roles.get(id));
        Ok(Answer::ok(match part {
            [] => self.role_json(role),
            ["composites"] => parts.map(|role| self.role_json(role)).collect(),
            ["composites", "realm"] => self.roles_json(&role.composites, None),
            ["composites", "clients", client] => self.roles_json(&role.composites, Some(client)),
            _ => return Err(Answer::error(404, "HTTP 404 Not Found")),
        }))
    }

    /// Which roles of a container can get into a token of this client, for the scopes asked.
    pub(super) fn granted_roles(&self, call: &Call, client: &Client, container: &str) -> Result<Value, Answer> {
        let owner = if container == self.realm.name { None } else { Some(self.client(container)?.id.clone()) };
        let asked: Vec<&str> = call.param("scope").unwrap_or_default().split_whitespace().collect();
        let mut allowed: BTreeSet<String> =
            if client.full_scope { self.roles.keys().cloned().collect() } else { client.scope_mappings.clone() };
        let optional = client
            .optional_scopes
            .iter()
            .filter(|id| self.scopes.get(*id).is_some_and(|scope| asked.contains(&scope.name.as_str())));
        for scope in client.default_scopes.iter().chain(optional).filter_map(|id| self.scopes.get(id)) {
            allowed.extend(scope.roles.iter().cloned());
        }
        Ok(self.roles_json(&self.with_composites(&allowed), owner.as_deref()))
    }
}

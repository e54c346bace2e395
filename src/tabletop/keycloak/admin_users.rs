//! The admin API under `/users`: service-account users too, though no list of users shows them.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    call::Call,
    permissions::Caller,
    world::{Group, User, World},
};

/// Keycloak's own default page of users.
const PAGE: usize = 100;

impl World {
    pub(super) fn admin_users(&mut self, caller: &Caller, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_users(caller, call),
            ("GET", ["count"]) => {
                caller.reads_users()?;
                Ok(Answer::ok(json!(self.users.values().filter(|user| user.service_account_of.is_none()).count())))
            }
            ("GET", [id]) => {
                caller.reads_users()?;
                let user = self.user(id)?;
                let mut json = user.json();
                json["federatedIdentities"] = json!(user.federated);
                json["access"] = json!({
                    "manageGroupMembership": true, "resetPassword": true, "view": true, "mapRoles": true,
                    "impersonate": false, "manage": caller.writes_users().is_ok(),
                });
                Ok(Answer::ok(json))
            }
            ("POST", []) => self.create_user(caller, &call.json()),
            ("PUT", [id]) => self.update_user(caller, id, &call.json()),
            ("DELETE", [id]) => {
                caller.writes_users()?;
                self.user(id)?;
                self.forget_user(id);
                self.record_admin(caller, ("DELETE", "USER"), format!("users/{id}"), None);
                Ok(Answer::no_content())
            }
            ("POST", [id, "logout"]) => self.log_out(caller, id),
            ("DELETE", [id, "consents", client]) => self.delete_consent(caller, id, client),
            ("DELETE", [id, "federated-identity", alias]) => self.unlink(caller, id, alias),
            ("POST", [id, "federated-identity", alias]) => self.link(caller, call, id, alias),
            ("PUT" | "DELETE", [id, "groups", group]) => self.change_group(caller, call, id, group),
            (_, [id, "role-mappings", part @ ..]) => self.role_mappings(caller, call, id, part),
            ("GET", [id, part @ ..]) => {
                caller.reads_users()?;
                let user = self.user(id)?.clone();
                self.user_part(&user, part)
            }
            _ => Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        }
    }

    pub(super) fn user(&self, id: &str) -> Result<&User, Answer> {
        self.users.get(id).ok_or_else(|| Answer::error(404, "User not found"))
    }

    fn list_users(&self, caller: &Caller, call: &Call) -> Reply {
        caller.needs(&["query-users", "view-users", "manage-users"])?;
        if caller.reads_users().is_err() {
            return Ok(Answer::ok(json!([])));
        }
        let exact = call.param("exact") == Some("true");
        let wanted = call.param("username").or_else(|| call.param("search"));
        let mut found: Vec<&User> = self
            .users
            .values()
            .filter(|user| user.service_account_of.is_none())
            .filter(|user| {
                wanted.is_none_or(|name| if exact { user.username == name } else { user.username.contains(name) })
            })
            .collect();
        found.sort_by(|a, b| a.username.cmp(&b.username));
        let listed = |user: &User| {
            let mut json = user.json();
            json["access"] = json!({ "manage": caller.writes_users().is_ok() });
            json
        };
        Ok(Answer::ok(call.page(found.into_iter(), PAGE).into_iter().map(listed).collect()))
    }

    fn create_user(&mut self, caller: &Caller, body: &Value) -> Reply {
        caller.writes_users()?;
        let username = body["username"].as_str().unwrap_or_default().to_owned();
        if self.users.values().any(|user| user.username == username) || username.is_empty() {
            return Err(Answer::status(409, json!({ "errorMessage": "User exists with same username" })));
        }
        let id = self.random.uuid();
        let enabled = body["enabled"].as_bool().unwrap_or(false);
        let user = User { enabled, ..User::new(id.clone(), username, self.millis()) };
        self.users.insert(id.clone(), user);
        self.record_admin(caller, ("CREATE", "USER"), format!("users/{id}"), Some(body));
        Ok(Answer::created(format!("{}/admin/realms/{}/users/{id}", self.base, self.realm.name)))
    }

    /// A merge; sessions stay, and wake when the user is enabled again.
    fn update_user(&mut self, caller: &Caller, id: &str, body: &Value) -> Reply {
        caller.writes_users()?;
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        if let Some(enabled) = body["enabled"].as_bool() {
            user.enabled = enabled;
        }
        let fields =
            [("firstName", &mut user.first_name), ("lastName", &mut user.last_name), ("email", &mut user.email)];
        for (key, field) in fields {
            if let Some(text) = body[key].as_str() {
                *field = Some(text.to_owned());
            }
        }
        self.record_admin(caller, ("UPDATE", "USER"), format!("users/{id}"), Some(body));
        Ok(Answer::no_content())
    }

    /// Ends the user's sessions and sets a not-before, in whole seconds; offline sessions stay listed, and are dead.
    fn log_out(&mut self, caller: &Caller, id: &str) -> Reply {
        caller.writes_users()?;
        let now = self.seconds();
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        user.not_before = now;
        self.sessions.retain(|_, session| session.offline || session.user != *id);
        self.record_admin(caller, ("ACTION", "USER"), format!("users/{id}/logout"), None);
        Ok(Answer::no_content())
    }

    fn user_part(&self, user: &User, part: &[&str]) -> Reply {
        let sessions = |offline: bool| -> Value {
            let own = self.sessions.values().filter(|session| session.user == user.id && session.offline == offline);
            own.map(|session| self.session_json(session)).collect()
        };
        Ok(Answer::ok(match part {
            ["sessions"] => sessions(false),
            ["offline-sessions", client] => {
                let own = self.sessions.values().filter(|session| session.user == user.id && session.offline);
                let of_client = own.filter(|session| session.clients.contains_key(*client));
                of_client.map(|session| self.session_json(session)).collect()
            }
            ["consents"] => self.consents_json(user),
            ["federated-identity"] => json!(user.federated),
            ["groups"] => user.groups.iter().filter_map(|id| self.groups.get(id)).map(group_json).collect(),
            ["credentials"] => json!([]),
            _ => return Err(Answer::error(404, "HTTP 404 Not Found")),
        }))
    }

    /// Consents, and offline tokens of clients that need none.
    fn consents_json(&self, user: &User) -> Value {
        let offline = |client: &str| {
            let mut own = self.sessions.values().filter(|session| session.user == user.id && session.offline);
            own.any(|session| session.clients.contains_key(client))
        };
        let name = |id: &str| self.clients.get(id).map(|client| client.client_id.clone()).unwrap_or_default();
        let extra = |id: &str| if offline(id) { json!([{ "client": id, "key": "Offline Token" }]) } else { json!([]) };
        let consents = self.consents.iter().filter(|consent| consent.user == user.id).map(|consent| {
            json!({
                "clientId": name(&consent.client), "createdDate": consent.created, "lastUpdatedDate": consent.updated,
                "grantedClientScopes": consent.scopes, "additionalGrants": extra(&consent.client),
            })
        });
        let consented = |id: &str| self.consents.iter().any(|consent| consent.user == user.id && consent.client == id);
        let others = self
            .clients
            .keys()
            .filter(|id| !consented(id) && offline(id))
            .map(|id| json!({ "clientId": name(id), "grantedClientScopes": [], "additionalGrants": extra(id) }));
        consents.chain(others).collect()
    }

    /// Takes the client's part of the user's sessions along, which hides them at the client.
    fn delete_consent(&mut self, caller: &Caller, id: &str, client_id: &str) -> Reply {
        caller.writes_users()?;
        self.user(id)?;
        let client = self.client_named(client_id).map(|client| client.id.clone());
        let client = client.ok_or_else(|| Answer::error(404, "Client not found"))?;
        let before = self.consents.len();
        self.consents.retain(|consent| consent.user != *id || consent.client != client);
        let own = self.sessions.values().filter(|session| session.user == *id && session.clients.contains_key(&client));
        let (own, offline): (Vec<_>, Vec<_>) = own.map(|session| (session.id.clone(), session.offline)).unzip();
        if self.consents.len() == before && !offline.contains(&true) {
            return Err(Answer::error(404, "Consent nor offline token not found"));
        }
        for session in own {
            self.leave_session(&session, &client);
        }
        self.record_admin(caller, ("ACTION", "USER"), format!("users/{id}/consents/{client_id}"), None);
        Ok(Answer::no_content())
    }

    /// 204 also where the user was not (or already was) in it.
    fn change_group(&mut self, caller: &Caller, call: &Call, id: &str, group: &str) -> Reply {
        caller.writes_users()?;
        if !self.groups.contains_key(group) {
            return Err(Answer::error(404, "Group not found"));
        }
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        let operation = if call.method == "PUT" {
            user.groups.insert(group.to_owned());
            "CREATE"
        } else {
            user.groups.remove(group);
            "DELETE"
        };
        self.record_admin(caller, (operation, "GROUP_MEMBERSHIP"), format!("users/{id}/groups/{group}"), None);
        Ok(Answer::no_content())
    }

    /// `/groups…`
    pub(super) fn admin_groups(&self, caller: &Caller, call: &Call, rest: &[&str]) -> Reply {
        caller.reads_users()?;
        let group = |id: &str| self.groups.get(id).ok_or_else(|| Answer::error(404, "Could not find group by id"));
        Ok(Answer::ok(match rest {
            [] => call.page(self.groups.values(), usize::MAX).into_iter().map(group_json).collect(),
            [id] => group_json(group(id)?),
            [id, "role-mappings"] => self.mappings_json(&group(id)?.roles),
            _ => return Err(Answer::error(404, "HTTP 404 Not Found")),
        }))
    }

    fn unlink(&mut self, caller: &Caller, id: &str, alias: &str) -> Reply {
        caller.writes_users()?;
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        let before = user.federated.len();
        user.federated.retain(|link| link["identityProvider"].as_str() != Some(alias));
        if user.federated.len() == before {
            return Err(Answer::error(404, "Link not found"));
        }
        self.record_admin(caller, ("DELETE", "USER"), format!("users/{id}/federated-identity/{alias}"), None);
        Ok(Answer::no_content())
    }

    fn link(&mut self, caller: &Caller, call: &Call, id: &str, alias: &str) -> Reply {
        caller.writes_users()?;
        let user = self.users.get_mut(id).ok_or_else(|| Answer::error(404, "User not found"))?;
        if user.federated.iter().any(|link| link["identityProvider"].as_str() == Some(alias)) {
            return Err(Answer::error(409, "User is already linked with provider"));
        }
        let mut link = call.json();
        link["identityProvider"] = json!(alias);
        user.federated.push(link);
        self.record_admin(caller, ("CREATE", "USER"), format!("users/{id}/federated-identity/{alias}"), None);
        Ok(Answer::no_content())
    }
}

fn group_json(group: &Group) -> Value {
    json!({ "id": group.id, "name": group.name, "path": format!("/{}", group.name), "subGroups": [] })
}

impl User {
    /// Its representation, as lists and service-account-user show it.
    pub(super) fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id, "username": self.username, "emailVerified": self.email.is_some(), "enabled": self.enabled,
            "createdTimestamp": self.created, "totp": false, "disableableCredentialTypes": [], "requiredActions": [],
            "notBefore": self.not_before,
        });
        let optional = [("firstName", &self.first_name), ("lastName", &self.last_name), ("email", &self.email)];
        for (key, value) in optional {
            if let Some(value) = value {
                json[key] = json!(value);
            }
        }
        json
    }
}

//! The admin API under `/clients`.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    call::Call,
    permissions::Caller,
    world::{Client, World},
};

impl World {
    pub(super) fn admin_clients(&mut self, caller: &Caller, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_clients(caller, call),
            ("POST", []) => self.create_client(caller, call),
            ("GET", [id]) => {
                caller.reads_clients()?;
                Ok(Answer::ok(self.client_json(self.client(id)?)))
            }
            ("PUT", [id]) => {
                caller.writes_clients()?;
                self.update_client(id, &call.json())?;
                self.record_admin(caller, ("UPDATE", "CLIENT"), format!("clients/{id}"), Some(&call.json()));
                Ok(Answer::no_content())
            }
            ("DELETE", [id]) => {
                caller.writes_clients()?;
                let client_id = self.client(id)?.client_id.clone();
                self.forget_client(id);
                let representation = json!({ "id": id, "clientId": client_id });
                self.record_admin(caller, ("DELETE", "CLIENT"), format!("clients/{id}"), Some(&representation));
                Ok(Answer::no_content())
            }
            ("GET" | "POST" | "DELETE", [id, "client-secret", rotated @ ..]) => {
                self.client_secret(caller, call, id, rotated)
            }
            ("POST", [id, "registration-access-token"]) => self.rotate_registration(caller, id),
            ("POST", [id, "push-revocation"]) => {
                caller.writes_clients()?;
                self.client(id)?;
                Ok(Answer::ok(json!({})))
            }
            ("GET", [id, part @ ..]) => {
                caller.reads_clients()?;
                let client = self.client(id)?.clone();
                self.client_part(call, &client, part)
            }
            ("PUT" | "DELETE", [id, kind @ ("default-client-scopes" | "optional-client-scopes"), scope]) => {
                self.change_scopes(caller, call, id, kind, scope)
            }
            _ => Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        }
    }

    pub(super) fn client(&self, id: &str) -> Result<&Client, Answer> {
        self.clients.get(id).ok_or_else(Answer::no_such_client)
    }

    /// Without `max` all of them come: there is no default. Who may only query gets an empty list.
    fn list_clients(&self, caller: &Caller, call: &Call) -> Reply {
        caller.needs(&["query-clients", "view-clients", "manage-clients"])?;
        if let Some(q) = call.param("q") {
            let name = q.split(':').next().unwrap_or_default();
            let text = format!("Attributes [{name}] not allowed for search");
            return Err(Answer::oauth(400, "invalid_request", &text));
        }
        if caller.reads_clients().is_err() {
            return Ok(Answer::ok(json!([])));
        }
        let (name, search) = (call.param("clientId"), call.param("search") == Some("true"));
        let mut found: Vec<&Client> = self
            .clients
            .values()
            .filter(|client| {
                name.is_none_or(|name| if search { client.client_id.contains(name) } else { client.client_id == name })
            })
            .collect();
        found.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        let page = call.page(found.into_iter(), usize::MAX);
        Ok(Answer::ok(page.into_iter().map(|client| self.client_json(client)).collect()))
    }

    fn create_client(&mut self, caller: &Caller, call: &Call) -> Reply {
        caller.needs(&["manage-clients", "create-client"])?;
        let body = call.json();
        let id = self.make_client(&body)?;
        let mut shown = body;
        shown["id"] = json!(id);
        self.record_admin(caller, ("CREATE", "CLIENT"), format!("clients/{id}"), Some(&shown));
        Ok(Answer::created(format!("{}/admin/realms/{}/clients/{id}", self.base, self.realm.name)))
    }

    fn client_secret(&mut self, caller: &Caller, call: &Call, id: &str, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                caller.reads_clients()?;
                Ok(Answer::ok(json!({ "type": "secret", "value": self.client(id)?.secret })))
            }
            ("GET", ["rotated"]) => {
                caller.reads_clients()?;
                let secret = self.client(id)?.rotated_secret(self.seconds());
                let secret = secret.ok_or_else(|| Answer::error(404, "Client does not have a rotated secret"))?;
                Ok(Answer::ok(json!({ "type": "secret", "value": secret })))
            }
            ("POST", []) => {
                caller.writes_clients()?;
                self.client(id)?;
                let secret = self.regenerate(id);
                let answer = json!({ "type": "secret", "value": secret });
                self.record_admin(caller, ("ACTION", "CLIENT"), format!("clients/{id}/client-secret"), Some(&answer));
                Ok(Answer::ok(answer))
            }
            // Missing manage-clients is a 500 here, the only place where it is no 403.
            ("DELETE", ["rotated"]) if caller.writes_clients().is_err() => Err(Answer::unknown_error()),
            ("DELETE", ["rotated"]) => {
                let client = self.clients.get_mut(id).ok_or_else(Answer::no_such_client)?;
                client.attributes.retain(|key, _| !key.starts_with("client.secret.rotated"));
                let representation = json!({ "id": id });
                let path = format!("clients/{id}/client-secret/rotated");
                self.record_admin(caller, ("DELETE", "CLIENT"), path, Some(&representation));
                Ok(Answer::no_content())
            }
            _ => Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        }
    }

    /// A new secret. Under the rotation policy the one before lives on.
    pub(super) fn regenerate(&mut self, id: &str) -> String {
        let (now, secret) = (self.seconds(), self.random.word(86));
        let policy = self.clients.get(id).filter(|client| self.rotates(client)).and(self.realm.rotation.clone());
        if let Some(client) = self.clients.get_mut(id) {
            let before = client.secret.replace(secret.clone());
            let mut set = |key: &str, value: String| client.attributes.insert(format!("client.secret.{key}"), value);
            set("creation.time", now.to_string());
            if let (Some(policy), Some(before)) = (policy, before) {
                set("expiration.time", (now + policy.expiration).to_string());
                set("rotated", before);
                set("rotated.creation.time", now.to_string());
                set("rotated.expiration.time", (now + policy.rotated_expiration).to_string());
            }
        }
        secret
    }

    fn rotate_registration(&mut self, caller: &Caller, id: &str) -> Reply {
        caller.writes_clients()?;
        self.client(id)?;
        let token = self.issue_registration("RegistrationAccessToken");
        let client = self.clients.get_mut(id).ok_or_else(Answer::no_such_client)?;
        client.registration_token = Some(token.clone());
        let client = client.clone();
        let mut json = self.client_json(&client);
        json["secret"] = json!("**********");
        json["registrationAccessToken"] = json!(token);
        let path = format!("clients/{id}/registration-access-token");
        self.record_admin(caller, ("ACTION", "CLIENT"), path, Some(&json));
        Ok(Answer::ok(json))
    }

    fn client_part(&self, call: &Call, client: &Client, part: &[&str]) -> Reply {
        let listed = |offline| self.client_sessions(&client.id, offline);
        Ok(Answer::ok(match part {
            ["service-account-user"] => {
                let text = format!("Service account not enabled for the client '{}'", client.client_id);
                let user = self.service_account(&client.id).ok_or_else(|| Answer::error(400, &text))?;
                user.json()
            }
            ["default-client-scopes"] => self.scope_names(&client.default_scopes),
            ["optional-client-scopes"] => self.scope_names(&client.optional_scopes),
            ["user-sessions"] => call.page(listed(false).into_iter(), usize::MAX).into(),
            ["offline-sessions"] => call.page(listed(true).into_iter(), usize::MAX).into(),
            ["session-count"] => json!({ "count": listed(false).len() }),
            ["offline-session-count"] => json!({ "count": listed(true).len() }),
            ["scope-mappings"] => self.mappings_json(&client.scope_mappings),
            ["scope-mappings", "realm"] => self.roles_json(&client.scope_mappings, None),
            ["scope-mappings", "clients", other] => self.roles_json(&client.scope_mappings, Some(other)),
            ["roles"] => {
                let own = self.roles.values().filter(|role| role.client.as_ref() == Some(&client.id));
                own.map(|role| self.role_json(role)).collect()
            }
            ["protocol-mappers", "models"] => json!([]),
            ["evaluate-scopes", "scope-mappings", container, "granted"] => {
                self.granted_roles(call, client, container)?
            }
            _ => return Err(Answer::error(404, "HTTP 404 Not Found")),
        }))
    }

    fn scope_names(&self, ids: &[String]) -> Value {
        let scopes = ids.iter().filter_map(|id| self.scopes.get(id));
        scopes.map(|scope| json!({ "id": scope.id, "name": scope.name })).collect()
    }

    fn change_scopes(&mut self, caller: &Caller, call: &Call, id: &str, kind: &str, scope: &str) -> Reply {
        caller.writes_clients()?;
        if !self.scopes.contains_key(scope) {
            return Err(Answer::error(404, "Client scope not found"));
        }
        let client = self.clients.get_mut(id).ok_or_else(Answer::no_such_client)?;
        let default = kind == "default-client-scopes";
        let list = if default { &mut client.default_scopes } else { &mut client.optional_scopes };
        list.retain(|known| known != scope);
        let operation = if call.method == "PUT" {
            list.push(scope.to_owned());
            "CREATE"
        } else {
            "DELETE"
        };
        self.record_admin(
            caller,
            (operation, "CLIENT_SCOPE_CLIENT_MAPPING"),
            format!("clients/{id}/{kind}/{scope}"),
            None,
        );
        Ok(Answer::no_content())
    }
}

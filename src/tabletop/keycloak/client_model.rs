//! What a client is made of: its representation, how it is made, merged and forgotten.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    world::{Client, User, World},
};

/// A secret that is written back masked changes nothing.
const MASK: &str = "**********";

impl World {
    pub(super) fn client_json(&self, client: &Client) -> Value {
        let names = |ids: &[String]| -> Vec<String> {
            ids.iter().filter_map(|id| self.scopes.get(id)).map(|scope| scope.name.clone()).collect()
        };
        let mut json = json!({
            "id": client.id, "clientId": client.client_id, "surrogateAuthRequired": false, "enabled": client.enabled,
            "alwaysDisplayInConsole": false, "clientAuthenticatorType": client.authenticator,
            "redirectUris": client.redirect_uris, "webOrigins": [], "notBefore": client.not_before,
            "bearerOnly": client.bearer_only, "consentRequired": client.consent_required,
            "standardFlowEnabled": client.standard_flow, "implicitFlowEnabled": false,
            "directAccessGrantsEnabled": false, "serviceAccountsEnabled": client.service_accounts,
            "publicClient": client.public, "frontchannelLogout": false, "protocol": "openid-connect",
            "attributes": client.attributes, "authenticationFlowBindingOverrides": {},
            "fullScopeAllowed": client.full_scope, "nodeReRegistrationTimeout": -1,
            "defaultClientScopes": names(&client.default_scopes),
            "optionalClientScopes": names(&client.optional_scopes),
            "access": { "view": true, "configure": true, "manage": true },
        });
        for (key, value) in [("name", &client.name), ("description", &client.description), ("secret", &client.secret)] {
            if let Some(value) = value {
                json[key] = json!(value);
            }
        }
        if client.authorization {
            json["authorizationServicesEnabled"] = json!(true);
        }
        json
    }

    /// A client from a representation, as the console or a bot with `manage-clients` sends it.
    pub(super) fn make_client(&mut self, body: &Value) -> Result<String, Answer> {
        let client_id = body["clientId"].as_str().unwrap_or_default().to_owned();
        if client_id.is_empty() {
            return Err(Answer::error(400, "Client ID missing"));
        }
        if self.client_named(&client_id).is_some() {
            let text = format!("Client {client_id} already exists");
            return Err(Answer::status(409, json!({ "errorMessage": text })));
        }
        let id = body["id"].as_str().map_or_else(|| self.random.uuid(), str::to_owned);
        let public = body["publicClient"].as_bool().unwrap_or(false);
        let secret = (!public).then(|| self.random.word(32));
        let mut attributes = BTreeMap::from([("realm_client".to_owned(), "false".to_owned())]);
        if secret.is_some() && body["secret"].is_null() {
            attributes.insert("client.secret.creation.time".to_owned(), self.seconds().to_string());
        }
        let client = Client {
            id: id.clone(),
            client_id,
            name: None,
            description: None,
            enabled: true,
            not_before: 0,
            authenticator: "client-secret".to_owned(),
            secret,
            public,
            bearer_only: false,
            standard_flow: true,
            service_accounts: false,
            consent_required: false,
            full_scope: true,
            authorization: false,
            redirect_uris: Vec::new(),
            attributes,
            default_scopes: self.realm.default_scopes.clone(),
            optional_scopes: self.realm.optional_scopes.clone(),
            scope_mappings: BTreeSet::new(),
            registration_token: None,
        };
        self.clients.insert(id.clone(), client);
        self.merge(&id, body);
        Ok(id)
    }

    /// `PUT`: what is absent stays. The exceptions are the traps.
    pub(super) fn update_client(&mut self, id: &str, body: &Value) -> Result<(), Answer> {
        let client = self.clients.get(id).ok_or_else(Answer::no_such_client)?;
        let imported = client.attribute("client.secret.creation.time").is_none();
        if body["attributes"].is_null() && imported && self.rotates(client) {
            return Err(Answer::unknown_error());
        }
        self.merge(id, body);
        if let Some(client) = self.clients.get_mut(id) {
            client.authorization &= body["authorizationServicesEnabled"].as_bool() == Some(true);
        }
        Ok(())
    }

    fn merge(&mut self, id: &str, body: &Value) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let flags = [
            ("enabled", &mut client.enabled),
            ("publicClient", &mut client.public),
            ("bearerOnly", &mut client.bearer_only),
            ("standardFlowEnabled", &mut client.standard_flow),
            ("consentRequired", &mut client.consent_required),
            ("fullScopeAllowed", &mut client.full_scope),
            ("serviceAccountsEnabled", &mut client.service_accounts),
            ("authorizationServicesEnabled", &mut client.authorization),
        ];
        for (key, flag) in flags {
            if let Some(value) = body[key].as_bool() {
                *flag = value;
            }
        }
        for (key, field) in [("name", &mut client.name), ("description", &mut client.description)] {
            if let Some(text) = body[key].as_str() {
                *field = Some(text.to_owned());
            }
        }
        if let Some(not_before) = body["notBefore"].as_i64() {
            client.not_before = not_before;
        }
        if let Some(kind) = body["clientAuthenticatorType"].as_str() {
            kind.clone_into(&mut client.authenticator);
        }
        // The real server takes a secret that it is given, and that is how a stolen one comes back to life.
        if let Some(secret) = body["secret"].as_str().filter(|secret| *secret != MASK) {
            client.secret = Some(secret.to_owned());
        }
        if let Some(attributes) = body["attributes"].as_object() {
            merge_attributes(client, attributes);
        }
        let on = client.service_accounts;
        self.service_account_follows(id, on);
    }

    /// Switching service accounts off deletes the user; on again makes a new one, with no roles but those that every
    /// new user has.
    fn service_account_follows(&mut self, client: &str, on: bool) {
        let known = self.service_account(client).map(|user| user.id.clone());
        match (on, known) {
            (false, Some(user)) => self.forget_user(&user),
            (true, None) => {
                let id = self.random.uuid();
                let client_id = self.clients[client].client_id.clone();
                let user = User::new(id.clone(), format!("service-account-{client_id}"), self.millis());
                let roles = self.default_role().into_iter().collect();
                self.users.insert(id, User { service_account_of: Some(client.to_owned()), roles, ..user });
            }
            _ => {}
        }
    }

    /// `default-roles-REALM`, which every user has that is not imported.
    fn default_role(&self) -> Option<String> {
        let name = format!("default-roles-{}", self.realm.name);
        self.roles.values().find(|role| role.client.is_none() && role.name == name).map(|role| role.id.clone())
    }

    /// With everything that hangs on it; the sessions of users go on.
    pub(super) fn forget_client(&mut self, id: &str) {
        if let Some(user) = self.service_account(id).map(|user| user.id.clone()) {
            self.forget_user(&user);
        }
        self.clients.shift_remove(id);
        let sessions: Vec<_> = self.sessions.keys().cloned().collect();
        for session in sessions {
            self.leave_session(&session, id);
        }
        self.consents.retain(|consent| consent.client != id);
        let gone: Vec<_> =
            self.roles.values().filter(|role| role.client.as_deref() == Some(id)).map(|role| role.id.clone()).collect();
        for role in gone {
            self.roles.shift_remove(&role);
            for user in self.users.values_mut() {
                user.roles.remove(&role);
            }
        }
    }

    pub(super) fn forget_user(&mut self, id: &str) {
        self.users.shift_remove(id);
        self.sessions.retain(|_, session| session.user != id);
        self.consents.retain(|consent| consent.user != id);
    }

    /// Whether the rotation policy selects this client.
    pub(super) fn rotates(&self, client: &Client) -> bool {
        self.realm.rotation.as_ref().is_some_and(|policy| {
            self.roles.values().any(|role| role.client.as_ref() == Some(&client.id) && role.name == policy.role)
        })
    }
}

/// Absent attributes stay, empty ones go.
fn merge_attributes(client: &mut Client, attributes: &Map<String, Value>) {
    for (key, value) in attributes {
        match value.as_str() {
            Some("") | None => {
                client.attributes.remove(key);
            }
            Some(text) => {
                client.attributes.insert(key.clone(), text.to_owned());
            }
        }
    }
}

impl User {
    pub(super) fn new(id: String, username: String, created: i64) -> Self {
        Self {
            id,
            username,
            first_name: None,
            last_name: None,
            email: None,
            enabled: true,
            not_before: 0,
            created,
            service_account_of: None,
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
            federated: Vec::new(),
        }
    }
}

//! The admin API of the realm itself: sessions, initial access, scopes, identity providers, policies, not-before.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    call::Call,
    permissions::Caller,
    world::{ClientScope, InitialAccess, Session, World},
};

impl World {
    /// `/admin/realms/{realm}` itself. What is shown depends on the role.
    pub(super) fn admin_realm(&mut self, caller: &Caller, call: &Call) -> Reply {
        match call.method.as_str() {
            "GET" => {
                caller.administers()?;
                Ok(Answer::ok(self.realm_json(caller)))
            }
            "PUT" => {
                caller.needs(&["manage-realm"])?;
                if let Some(not_before) = call.json()["notBefore"].as_i64() {
                    self.realm.not_before = not_before;
                }
                self.record_admin(caller, ("UPDATE", "REALM"), String::new(), Some(&call.json()));
                Ok(Answer::no_content())
            }
            _ => Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        }
    }

    pub(super) fn realm_json(&self, caller: &Caller) -> Value {
        let realm = &self.realm;
        if caller.reads_realm().is_err() {
            let mut json = json!({
                "realm": realm.name, "bruteForceProtected": false, "supportedLocales": [],
                "organizationsEnabled": false,
            });
            if caller.reads_users().is_ok() {
                json["registrationEmailAsUsername"] = json!(false);
            }
            return json;
        }
        json!({
            "id": realm.id, "realm": realm.name, "enabled": true, "notBefore": realm.not_before,
            "defaultSignatureAlgorithm": "RS256", "revokeRefreshToken": false, "refreshTokenMaxReuse": 0,
            "accessTokenLifespan": realm.access_token_lifespan, "accessTokenLifespanForImplicitFlow": 900,
            "ssoSessionIdleTimeout": realm.sso_idle, "ssoSessionMaxLifespan": realm.sso_max,
            "offlineSessionIdleTimeout": realm.offline_idle, "offlineSessionMaxLifespanEnabled": false,
            "offlineSessionMaxLifespan": 5_184_000, "clientSessionIdleTimeout": 0, "clientSessionMaxLifespan": 0,
            "accessCodeLifespan": 60, "sslRequired": "none", "registrationAllowed": false, "rememberMe": false,
            "bruteForceProtected": false, "eventsEnabled": realm.events_enabled, "eventsExpiration": 604_800,
            "eventsListeners": ["jboss-logging"], "enabledEventTypes": realm.event_types,
            "adminEventsEnabled": realm.admin_events_enabled, "adminEventsDetailsEnabled": true,
            "internationalizationEnabled": false, "organizationsEnabled": false, "adminPermissionsEnabled": false,
            "attributes": {}, "clientProfiles": { "profiles": [] }, "clientPolicies": { "policies": [] },
        })
    }

    /// Everybody out: all sessions end, and the realm's not-before is now.
    pub(super) fn logout_all(&mut self, caller: &Caller) -> Reply {
        caller.needs(&["manage-users"])?;
        self.sessions.retain(|_, session| session.offline);
        self.realm.not_before = self.seconds();
        self.record_admin(caller, ("ACTION", "REALM"), "logout-all".to_owned(), None);
        Ok(Answer::ok(json!({})))
    }

    /// `DELETE /sessions/{id}`: an offline one is only found when asked for as such.
    pub(super) fn delete_session(&mut self, caller: &Caller, call: &Call, id: &str) -> Reply {
        caller.writes_users()?;
        let offline = call.param("isOffline") == Some("true");
        if self.sessions.get(id).is_none_or(|session| session.offline != offline) {
            return Err(Answer::error(404, "Sesssion not found"));
        }
        self.sessions.shift_remove(id);
        self.record_admin(caller, ("DELETE", "USER_SESSION"), format!("sessions/{id}"), None);
        Ok(Answer::no_content())
    }

    pub(super) fn client_sessions(&self, client: &str, offline: bool) -> Vec<Value> {
        let own = self.sessions.values().filter(|session| session.offline == offline);
        own.filter(|session| session.clients.contains_key(client)).map(|session| self.session_json(session)).collect()
    }

    pub(super) fn session_json(&self, session: &Session) -> Value {
        let name = |id: &String| self.clients.get(id).map(|client| client.client_id.clone()).unwrap_or_default();
        let clients: serde_json::Map<String, Value> =
            session.clients.keys().map(|id| (id.clone(), json!(name(id)))).collect();
        json!({
            "id": session.id, "userId": session.user, "ipAddress": session.ip, "start": session.start * 1000,
            "username": self.users.get(&session.user).map(|user| user.username.clone()),
            "lastAccess": session.last_access * 1000, "rememberMe": false, "clients": clients, "transientUser": false,
        })
    }

    pub(super) fn session_stats(&self, caller: &Caller) -> Reply {
        caller.reads_realm()?;
        let stats = self.clients.values().filter_map(|client| {
            let count = |offline| self.client_sessions(&client.id, offline).len();
            let (active, offline) = (count(false), count(true));
            (active + offline > 0).then(|| {
                json!({
                    "id": client.id, "clientId": client.client_id, "active": active.to_string(),
                    "offline": offline.to_string(),
                })
            })
        });
        Ok(Answer::ok(stats.collect()))
    }

    /// `/clients-initial-access…`
    pub(super) fn initial_access(&mut self, caller: &Caller, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                caller.reads_clients()?;
                Ok(Answer::ok(self.initial_access.values().map(initial_access_json).collect()))
            }
            ("POST", []) => {
                caller.needs(&["manage-clients", "create-client"])?;
                let body = call.json();
                let number = |key: &str, default| body[key].as_i64().unwrap_or(default);
                let access = InitialAccess {
                    id: self.random.uuid(),
                    token: self.issue_registration("InitialAccessToken"),
                    timestamp: self.seconds(),
                    expiration: number("expiration", 0),
                    count: number("count", 1),
                    remaining: number("count", 1),
                };
                let mut answer = initial_access_json(&access);
                answer["token"] = json!(access.token);
                let path = format!("clients-initial-access/{}", access.id);
                self.record_admin(caller, ("CREATE", "CLIENT_INITIAL_ACCESS_MODEL"), path, Some(&body));
                self.initial_access.insert(access.id.clone(), access);
                Ok(Answer::status(201, answer))
            }
            // 204 again for one that is gone, as measured.
            ("DELETE", [id]) => {
                caller.writes_clients()?;
                self.initial_access.shift_remove(*id);
                let path = format!("clients-initial-access/{id}");
                self.record_admin(caller, ("DELETE", "CLIENT_INITIAL_ACCESS_MODEL"), path, None);
                Ok(Answer::no_content())
            }
            _ => Err(Answer::error(405, "HTTP 405 Method Not Allowed")),
        }
    }

    /// `/client-scopes…`
    pub(super) fn client_scopes(&self, caller: &Caller, rest: &[&str]) -> Reply {
        caller.needs(&["query-clients", "view-clients", "manage-clients"])?;
        if caller.reads_clients().is_err() {
            return if rest.is_empty() { Ok(Answer::ok(json!([]))) } else { Err(Answer::forbidden()) };
        }
        let missing = || Answer::error(404, "Could not find client scope");
        match rest {
            [] => Ok(Answer::ok(self.scopes.values().map(scope_json).collect())),
            [id] => Ok(Answer::ok(scope_json(self.scopes.get(*id).ok_or_else(missing)?))),
            [id, "scope-mappings"] => {
                Ok(Answer::ok(self.mappings_json(&self.scopes.get(*id).ok_or_else(missing)?.roles)))
            }
            [id, "scope-mappings", "realm"] => {
                Ok(Answer::ok(self.roles_json(&self.scopes.get(*id).ok_or_else(missing)?.roles, None)))
            }
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }

    pub(super) fn list_identity_providers(&self, caller: &Caller, rest: &[&str]) -> Reply {
        caller.needs(&["view-identity-providers", "manage-identity-providers"])?;
        let named = |alias: &str| self.identity_providers.iter().find(|known| known["alias"].as_str() == Some(alias));
        match rest {
            [] => Ok(Answer::ok(json!(self.identity_providers))),
            [alias] => named(alias).cloned().map(Answer::ok).ok_or_else(|| Answer::error(404, "HTTP 404 Not Found")),
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }

    /// `/client-policies/…`: where a secret lives on after a new one is made.
    pub(super) fn policies(&self, caller: &Caller, part: &str) -> Reply {
        caller.reads_realm()?;
        let Some(rotation) = &self.realm.rotation else {
            return Ok(Answer::ok(json!({ part: [] })));
        };
        Ok(Answer::ok(if part == "profiles" {
            json!({ "profiles": [{
                "name": "rotated-secrets", "executors": [{ "executor": "secret-rotation", "configuration": {
                    "expiration-period": rotation.expiration,
                    "rotated-expiration-period": rotation.rotated_expiration,
                } }],
            }] })
        } else {
            json!({ "policies": [{
                "name": "rotation", "enabled": true, "profiles": ["rotated-secrets"],
                "conditions": [{ "condition": "client-roles", "configuration": {
                    "is-negative-logic": false, "roles": [rotation.role],
                } }],
            }] })
        }))
    }
}

fn initial_access_json(access: &InitialAccess) -> Value {
    json!({
        "id": access.id, "timestamp": access.timestamp, "expiration": access.expiration, "count": access.count,
        "remainingCount": access.remaining,
    })
}

fn scope_json(scope: &ClientScope) -> Value {
    let mut attributes = json!({
        "include.in.token.scope": scope.in_token.to_string(),
        "display.on.consent.screen": scope.consent_text.is_some().to_string(),
    });
    if let Some(text) = &scope.consent_text {
        attributes["consent.screen.text"] = json!(text);
    }
    let mappers: Vec<Value> = scope
        .audiences
        .iter()
        .map(|audience| {
            json!({
                "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
                "consentRequired": false, "config": {
                    "included.client.audience": audience, "access.token.claim": "true",
                    "introspection.token.claim": "true",
                },
            })
        })
        .collect();
    json!({
        "id": scope.id, "name": scope.name, "protocol": "openid-connect", "attributes": attributes,
        "protocolMappers": mappers,
    })
}

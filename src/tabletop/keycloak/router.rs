//! From method and path to the part that answers.

use serde_json::json;

use super::{
    answer::{Answer, Reply},
    call::Call,
    world::World,
};

impl World {
    /// Answers one request at one instant. Every change is made in here, or not at all.
    pub(super) fn handle(&mut self, call: &Call, now: jiff::Timestamp) -> Answer {
        self.now = now;
        self.expire();
        let reply = match call.segments().as_slice() {
            ["realms", realm, rest @ ..] => self.realms(call, realm, rest),
            ["admin", "realms", realm, rest @ ..] => self.admin(call, realm, rest),
            ["admin", "serverinfo" | "realms"] => self.caller(call).and_then(|caller| self.server_wide(&caller, call)),
            ["admin", "master", "console", "whoami"] => self
                .caller(call)
                .and_then(|_| Err(Answer::error(403, "Token issued for an application that is not the admin console"))),
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        };
        reply.unwrap_or_else(|refusal| refusal)
    }

    fn realms(&mut self, call: &Call, realm: &str, rest: &[&str]) -> Reply {
        let own = realm == self.realm.name;
        if !own && realm != "master" {
            return Err(Answer::error(404, "Realm does not exist"));
        }
        match (call.method.as_str(), rest) {
            ("GET", [".well-known", "openid-configuration"]) => Ok(Answer::ok(self.well_known(realm))),
            ("POST", ["protocol", "openid-connect", "token"]) if own => self.token_endpoint(call),
            ("POST", ["protocol", "openid-connect", "token"]) => self.master_token_endpoint(call),
            ("GET" | "POST", ["protocol", "openid-connect", "userinfo"]) => self.userinfo(call),
            ("POST", ["protocol", "openid-connect", "token", "introspect"]) if own => self.introspect(call),
            ("POST", ["protocol", "openid-connect", "revoke"]) if own => self.revoke(call),
            ("POST", ["clients-registrations", "default"]) if own => self.register_client(call),
            ("GET" | "PUT" | "DELETE", ["clients-registrations", "default", client]) if own => {
                self.registered_client(call, client)
            }
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }

    fn well_known(&self, realm: &str) -> serde_json::Value {
        let issuer = format!("{}/realms/{realm}", self.base);
        json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/protocol/openid-connect/token"),
            "introspection_endpoint": format!("{issuer}/protocol/openid-connect/token/introspect"),
            "userinfo_endpoint": format!("{issuer}/protocol/openid-connect/userinfo"),
            "revocation_endpoint": format!("{issuer}/protocol/openid-connect/revoke"),
            "grant_types_supported": [
                "authorization_code", "refresh_token", "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
        })
    }

    fn admin(&mut self, call: &Call, realm: &str, rest: &[&str]) -> Reply {
        let caller = self.caller(call)?;
        if realm == "master" {
            return Err(Answer::forbidden());
        }
        if realm != self.realm.name {
            return Err(Answer::error(404, "Realm not found."));
        }
        match (call.method.as_str(), rest) {
            (_, []) => self.admin_realm(&caller, call),
            (_, ["clients", rest @ ..]) => self.admin_clients(&caller, call, rest),
            (_, ["users", rest @ ..]) => self.admin_users(&caller, call, rest),
            (_, ["clients-initial-access", rest @ ..]) => self.initial_access(&caller, call, rest),
            ("DELETE", ["sessions", id]) => self.delete_session(&caller, call, id),
            ("GET", ["client-session-stats"]) => self.session_stats(&caller),
            ("GET", ["client-scopes", rest @ ..]) => self.client_scopes(&caller, rest),
            ("GET", ["events"]) => self.list_events(&caller, call),
            ("GET", ["events", "config"]) => self.events_config(&caller),
            ("GET", ["admin-events"]) => self.list_admin_events(&caller, call),
            ("GET", ["identity-provider", "instances", rest @ ..]) => self.list_identity_providers(&caller, rest),
            ("GET", ["client-policies", part @ ("policies" | "profiles")]) => self.policies(&caller, part),
            ("GET", ["groups", rest @ ..]) => self.admin_groups(&caller, call, rest),
            (_, ["roles" | "roles-by-id", ..]) => self.admin_roles(&caller, call, rest),
            ("POST", ["logout-all"]) => self.logout_all(&caller),
            ("POST", ["push-revocation"]) => {
                caller.needs(&["manage-realm"])?;
                Ok(Answer::ok(json!({})))
            }
            _ => Err(Answer::error(404, "HTTP 404 Not Found")),
        }
    }
}

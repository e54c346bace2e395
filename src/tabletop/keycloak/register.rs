//! Dynamic registration: a client made with an initial access token, and kept with its own registration token.

use serde_json::json;

use super::{
    answer::{Answer, Reply},
    call::Call,
    events::Event,
    world::World,
};

impl World {
    /// `POST …/clients-registrations/default` with an initial access token.
    pub(super) fn register_client(&mut self, call: &Call) -> Reply {
        let token = call.bearer.clone().unwrap_or_default();
        let now = self.seconds();
        let access = self.initial_access.values_mut().find(|access| access.token == token);
        let usable = access.filter(|access| {
            access.remaining > 0 && (access.expiration == 0 || now < access.timestamp + access.expiration)
        });
        let Some(access) = usable else {
            let event = Event::of("CLIENT_REGISTER_ERROR", call).error("invalid_token");
            self.record(event.detail("reason", "Initial Access Token not found"));
            return Err(Answer::oauth(401, "invalid_token", "Initial Access Token not found"));
        };
        access.remaining -= 1;
        let mut body = call.json();
        if body["clientId"].is_null() {
            body["clientId"] = json!(self.random.uuid());
        }
        let id = self.make_client(&body)?;
        let token = self.issue_registration("RegistrationAccessToken");
        let client = self.clients.get_mut(&id).ok_or_else(Answer::no_such_client)?;
        client.registration_token = Some(token.clone());
        let client_id = client.client_id.clone();
        self.record(Event::of("CLIENT_REGISTER", call).client(&client_id));
        Ok(Answer::status(201, self.registered(&id, &token)))
    }

    /// `GET`, `PUT`, `DELETE …/clients-registrations/default/CLIENT` with that client's token: a new one each time.
    pub(super) fn registered_client(&mut self, call: &Call, client_id: &str) -> Reply {
        let refused = || {
            let text = "Not authorized to view client. Not valid token or client credentials provided.";
            Answer::oauth(401, "invalid_token", text)
        };
        let client = self.client_named(client_id).filter(|client| client.enabled).ok_or_else(refused)?.clone();
        if call.bearer.is_none() || client.registration_token != call.bearer {
            return Err(refused());
        }
        match call.method.as_str() {
            "DELETE" => {
                self.forget_client(&client.id);
                return Ok(Answer::no_content());
            }
            "PUT" => {
                self.update_client(&client.id, &call.json())?;
                self.record(Event::of("CLIENT_UPDATE", call).client(client_id));
            }
            _ => {}
        }
        let token = self.issue_registration("RegistrationAccessToken");
        if let Some(client) = self.clients.get_mut(&client.id) {
            client.registration_token = Some(token.clone());
        }
        Ok(Answer::ok(self.registered(&client.id, &token)))
    }

    fn registered(&self, id: &str, token: &str) -> serde_json::Value {
        let mut json = self.clients.get(id).map(|client| self.client_json(client)).unwrap_or_default();
        json["registrationAccessToken"] = json!(token);
        if let Some(object) = json.as_object_mut() {
            object.remove("access");
        }
        json
    }
}

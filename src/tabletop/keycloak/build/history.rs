//! What had happened before the beginning: sessions, what bots made, and the events.

use serde_json::json;

use super::{
    super::{
        events::{AdminEvent, Event},
        world::{Consent, InitialAccess, Session},
    },
    Builder, WorldError,
};
use crate::tabletop::fleet::{Ago, ClientData, EventData, Fleet, SessionData};

impl Builder {
    /// With the consent that came before it.
    pub(super) fn session(&mut self, data: &SessionData) -> Result<(), WorldError> {
        let (user, client) = (self.user_id(&data.user)?, self.client_id(&data.client)?);
        self.scope_ids(&data.scopes)?;
        let (start, last) = (data.started.before(self.start), data.last.before(self.start));
        if self.world.clients[&client].consent_required {
            let known = self.world.consents.iter_mut().find(|known| known.user == user && known.client == client);
            if let Some(consent) = known {
                consent.scopes.extend(data.scopes.iter().cloned());
                consent.scopes.dedup();
            } else {
                let (created, updated) = (start.as_millisecond(), start.as_millisecond());
                let (user, client, scopes) = (user.clone(), client.clone(), data.scopes.clone());
                self.world.consents.push(Consent { user, client, scopes, created, updated });
            }
        }
        let session = Session {
            id: self.world.random.word(24),
            user,
            ip: data.ip.clone(),
            start: start.as_second(),
            last_access: last.as_second(),
            offline: data.offline,
            clients: std::iter::once((client, data.scopes.clone())).collect(),
        };
        self.world.sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// What a bot made leaves its trace in the admin events.
    pub(super) fn made(&mut self, data: &ClientData) -> Result<(), WorldError> {
        let (Some(maker), Some(made)) = (&data.made_by, data.made) else { return Ok(()) };
        let id = self.client_id(&data.client_id)?;
        let representation = json!({
            "id": id, "clientId": data.client_id, "secret": "**********", "serviceAccountsEnabled": data.service_account,
        });
        self.admin_event(maker, made, "CLIENT", format!("clients/{id}"), representation.to_string())
    }

    pub(super) fn initial_access(&mut self, fleet: &Fleet) -> Result<(), WorldError> {
        for data in &fleet.initial_access {
            let access = InitialAccess {
                id: self.world.random.uuid(),
                token: self.world.issue_registration("InitialAccessToken"),
                timestamp: data.made.before(self.start).as_second(),
                expiration: data.expiration,
                count: data.count,
                remaining: data.count,
            };
            let path = format!("clients-initial-access/{}", access.id);
            let body = json!({ "expiration": data.expiration, "count": data.count }).to_string();
            self.admin_event(&data.made_by, data.made, "CLIENT_INITIAL_ACCESS_MODEL", path, body)?;
            self.world.initial_access.insert(access.id.clone(), access);
        }
        Ok(())
    }

    fn admin_event(
        &mut self,
        maker: &str,
        made: Ago,
        resource: &str,
        path: String,
        representation: String,
    ) -> Result<(), WorldError> {
        let event = AdminEvent {
            id: self.world.random.uuid(),
            time: made.before(self.start).as_millisecond(),
            realm: self.world.realm.id.clone(),
            client: self.client_id(maker)?,
            user: self.user_id(&format!("service-account-{maker}"))?,
            ip: "198.51.100.40".to_owned(),
            operation: "CREATE".to_owned(),
            resource: resource.to_owned(),
            path,
            representation: Some(representation),
        };
        self.world.admin_events.push(event);
        Ok(())
    }

    pub(super) fn event(&mut self, data: &EventData) -> Result<(), WorldError> {
        let client = self.client_id(&data.client)?;
        let username = data.user.clone().unwrap_or_else(|| format!("service-account-{}", data.client));
        let user = self.user_id(&username)?;
        let offline = data.details.get("scope").is_some_and(|scope| scope.contains("offline_access"));
        let session = self.world.sessions.values().find(|session| {
            session.user == user && session.clients.contains_key(&client) && session.offline == offline
        });
        let session = session.map(|session| session.id.clone());
        for time in 0..data.times {
            let at = data.every.map_or(data.at, |every| data.at.and(every, time)).before(self.start);
            let mut details = data.details.clone();
            details.insert("username".to_owned(), username.clone());
            details.insert("token_id".to_owned(), self.world.random.uuid());
            self.world.events.push(Event {
                id: self.world.random.uuid(),
                time: at.as_millisecond(),
                kind: data.kind.clone(),
                client: Some(data.client.clone()),
                user: Some(user.clone()),
                session: session.clone(),
                ip: data.ip.clone(),
                error: data.error.clone(),
                details,
            });
        }
        Ok(())
    }
}

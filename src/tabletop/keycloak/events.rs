//! The two logs: what clients and users did, and what administrators did. Only what the realm keeps is recorded.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    call::Call,
    permissions::Caller,
    world::World,
};

/// Keycloak's own default page for both logs.
const PAGE: usize = 100;

/// One line of the login events.
#[derive(Clone, Default)]
pub(super) struct Event {
    pub(super) id: String,
    /// Milliseconds.
    pub(super) time: i64,
    pub(super) kind: String,
    pub(super) client: Option<String>,
    pub(super) user: Option<String>,
    pub(super) session: Option<String>,
    pub(super) ip: String,
    pub(super) error: Option<String>,
    pub(super) details: BTreeMap<String, String>,
}

impl Event {
    pub(super) fn of(kind: &str, call: &Call) -> Self {
        Self { kind: kind.to_owned(), ip: call.from.clone(), ..Self::default() }
    }

    pub(super) fn client(mut self, client: &str) -> Self {
        self.client = Some(client.to_owned());
        self
    }

    pub(super) fn user(mut self, user: &str, session: Option<&str>) -> Self {
        self.user = Some(user.to_owned());
        self.session = session.map(str::to_owned);
        self
    }

    pub(super) fn error(mut self, error: &str) -> Self {
        self.error = Some(error.to_owned());
        self
    }

    pub(super) fn detail(mut self, key: &str, value: &str) -> Self {
        self.details.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// One line of the admin events.
#[derive(Clone)]
pub(super) struct AdminEvent {
    pub(super) id: String,
    pub(super) time: i64,
    pub(super) realm: String,
    pub(super) client: String,
    pub(super) user: String,
    pub(super) ip: String,
    pub(super) operation: String,
    pub(super) resource: String,
    pub(super) path: String,
    pub(super) representation: Option<String>,
}

impl World {
    pub(super) fn record(&mut self, mut event: Event) {
        if !self.realm.events_enabled || !self.realm.event_types.contains(&event.kind) {
            return;
        }
        event.id = self.random.uuid();
        event.time = self.millis();
        self.events.push(event);
    }

    pub(super) fn record_admin(
        &mut self,
        caller: &Caller,
        (operation, resource): (&str, &str),
        path: String,
        representation: Option<&Value>,
    ) {
        if !self.realm.admin_events_enabled {
            return;
        }
        let event = AdminEvent {
            id: self.random.uuid(),
            time: self.millis(),
            realm: caller.realm.clone(),
            client: caller.client.clone(),
            user: caller.user.clone(),
            ip: caller.ip.clone(),
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            path,
            representation: representation.map(|value| masked(value).to_string()),
        };
        self.admin_events.push(event);
    }

    pub(super) fn list_events(&self, caller: &Caller, call: &Call) -> Reply {
        caller.needs(&["view-events", "manage-events"])?;
        let kinds: Vec<_> = call.params("type").collect();
        let (from, to) = (bound(call.param("dateFrom"), 0), bound(call.param("dateTo"), 1));
        let found = self.events.iter().filter(|event| {
            (kinds.is_empty() || kinds.contains(&event.kind.as_str()))
                && is(call.param("client"), event.client.as_deref())
                && is(call.param("user"), event.user.as_deref())
                && is(call.param("ipAddress"), Some(&event.ip))
                && from.is_none_or(|from| event.time >= from)
                && to.is_none_or(|to| event.time <= to)
        });
        Ok(Answer::ok(
            ordered(call, found, |event| event.time).into_iter().map(|event| self.event_json(event)).collect(),
        ))
    }

    pub(super) fn list_admin_events(&self, caller: &Caller, call: &Call) -> Reply {
        caller.needs(&["view-events", "manage-events"])?;
        let operations: Vec<_> = call.params("operationTypes").collect();
        let resources: Vec<_> = call.params("resourceTypes").collect();
        let (from, to) = (bound(call.param("dateFrom"), 0), bound(call.param("dateTo"), 1));
        let found = self.admin_events.iter().filter(|event| {
            (operations.is_empty() || operations.contains(&event.operation.as_str()))
                && (resources.is_empty() || resources.contains(&event.resource.as_str()))
                && is(call.param("authClient"), Some(&event.client))
                && is(call.param("authUser"), Some(&event.user))
                && is(call.param("authRealm"), Some(&event.realm))
                && is(call.param("authIpAddress"), Some(&event.ip))
                && is(call.param("resourcePath"), Some(&event.path))
                && from.is_none_or(|from| event.time >= from)
                && to.is_none_or(|to| event.time <= to)
        });
        let events = ordered(call, found, |event| event.time);
        Ok(Answer::ok(events.into_iter().map(|event| self.admin_event_json(event)).collect()))
    }

    pub(super) fn events_config(&self, caller: &Caller) -> Reply {
        caller.needs(&["view-events", "manage-events"])?;
        Ok(Answer::ok(json!({
            "eventsEnabled": self.realm.events_enabled, "eventsExpiration": 604_800,
            "eventsListeners": ["jboss-logging"], "enabledEventTypes": self.realm.event_types,
            "adminEventsEnabled": self.realm.admin_events_enabled, "adminEventsDetailsEnabled": true,
        })))
    }

    fn event_json(&self, event: &Event) -> Value {
        let mut json = json!({
            "id": event.id, "time": event.time, "type": event.kind, "realmId": self.realm.id, "ipAddress": event.ip,
        });
        let optional = [
            ("clientId", &event.client),
            ("userId", &event.user),
            ("sessionId", &event.session),
            ("error", &event.error),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                json[key] = json!(value);
            }
        }
        if !event.details.is_empty() {
            json["details"] = json!(event.details);
        }
        json
    }

    fn admin_event_json(&self, event: &AdminEvent) -> Value {
        let mut json = json!({
            "id": event.id, "time": event.time, "realmId": self.realm.id,
            "authDetails": {
                "realmId": event.realm, "clientId": event.client, "userId": event.user, "ipAddress": event.ip,
            },
            "operationType": event.operation, "resourceType": event.resource, "resourcePath": event.path,
        });
        if let Some(representation) = &event.representation {
            json["representation"] = json!(representation);
        }
        json
    }
}

/// A filter that is not given lets everything through.
fn is(wanted: Option<&str>, found: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

/// Newest first unless asked otherwise; then the page.
fn ordered<'a, T>(call: &Call, found: impl Iterator<Item = &'a T>, time: impl Fn(&T) -> i64) -> Vec<&'a T> {
    let mut all: Vec<&T> = found.collect();
    all.sort_by_key(|event| time(event));
    if call.param("direction") != Some("asc") {
        all.reverse();
    }
    call.page(all.into_iter(), PAGE)
}

/// A day or milliseconds, as both logs take them; a last day counts whole.
fn bound(text: Option<&str>, days_after: i64) -> Option<i64> {
    let text = text?;
    if let Ok(millis) = text.parse::<i64>() {
        return Some(millis);
    }
    let start = TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok()?;
    Some(start.as_millisecond() + days_after * 86_400_000)
}

/// A representation in the log never shows a secret.
fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        for key in ["secret", "registrationAccessToken", "value"] {
            if object.contains_key(key) {
                object.insert(key.to_owned(), json!("**********"));
            }
        }
        if let Some(attributes) = object.get_mut("attributes").and_then(Value::as_object_mut)
            && attributes.contains_key("client.secret.rotated")
        {
            attributes.insert("client.secret.rotated".to_owned(), json!("**********"));
        }
    }
    value
}

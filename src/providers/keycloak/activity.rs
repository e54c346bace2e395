//! What a bot did, from the realm's events.

use jiff::Timestamp;

use super::{
    Keycloak,
    events::{can_be_asked, merge},
    record::hint,
    wire::EventWire,
};
use crate::{
    domain::{Activity, Identity, Untrusted},
    engine::ProviderError,
    providers::http::{Call, Grounds},
};

/// More than a screen or a report shows of one bot.
const MOST: usize = 5000;

pub(super) async fn of(
    keycloak: &Keycloak,
    identity: &Identity,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Activity>, ProviderError> {
    let known = keycloak.known_service_account(identity.id.native());
    let account = identity.hints.get(hint::SERVICE_ACCOUNT).cloned().or(known);
    let by = |filter: &'static str, value: String| {
        let asked = can_be_asked(&value);
        let wanted = value.clone();
        let query = move || {
            let call = Call::get(keycloak.path(&["events"]));
            let call = if asked { call.query(filter, value.as_str()) } else { call };
            let call = match since {
                Some(since) => call.query("dateFrom", since.as_millisecond().to_string()),
                None => call,
            };
            call.query("max", if asked { limit.min(MOST) } else { MOST }.to_string()).listing()
        };
        async move {
            let grounds = Grounds { what: "reading events", permission: "view-events" };
            let mut events = keycloak.get::<Vec<EventWire>>(query, grounds).await?;
            events.retain(|event| asked || event.is_of(filter, &wanted));
            Ok::<_, ProviderError>(events)
        }
    };
    let by_client = by("client", identity.name.raw().to_owned()).await?;
    // Token exchanges and introspections are filed under the client that asked: they are found by the user.
    let by_account = match &account {
        Some(account) => by("user", account.clone()).await?,
        None => Vec::new(),
    };
    let mut activity = lines(&merge([by_client, by_account]), identity.name.raw(), account.as_deref());
    activity.retain(|line| since.is_none_or(|since| line.at >= since));
    activity.truncate(limit);
    Ok(activity)
}

/// Events as lines, in their order.
pub(super) fn lines(events: &[EventWire], client: &str, account: Option<&str>) -> Vec<Activity> {
    events.iter().filter_map(|event| line(event, events, client, account)).collect()
}

fn line(event: &EventWire, all: &[EventWire], client: &str, account: Option<&str>) -> Option<Activity> {
    let user = event.user_id.as_deref().filter(|user| Some(*user) != account);
    // Not every kind of event repeats the user's name; another event of the same user may.
    let name_of = |user: &str| {
        all.iter().filter(|other| other.user_id.as_deref() == Some(user)).find_map(|other| other.detail("username"))
    };
    let on_behalf_of = user.map(|user| name_of(user).unwrap_or(user));
    let asker = event.client_id.as_deref().filter(|asker| *asker != client);
    let resource = event.detail("audience").or(asker).or(event.detail("scope"));
    let failure = event.kind.ends_with("_ERROR").then_some("error");
    Some(Activity {
        at: Timestamp::from_millisecond(event.time).ok()?,
        action: Untrusted::from(event.kind.as_str()),
        resource: resource.map(Untrusted::from),
        on_behalf_of: on_behalf_of.map(Untrusted::from),
        session: event.session_id.as_deref().map(Untrusted::from),
        from: event.ip_address.as_deref().map(Untrusted::from),
        outcome: Untrusted::from(event.error.as_deref().or(failure).unwrap_or("success")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: serde_json::Value) -> EventWire {
        serde_json::from_value(json).expect("an event")
    }

    #[test]
    fn on_behalf_of_is_the_end_user_and_never_the_bots_own_account() {
        let events = [
            event(serde_json::json!({"id": "1", "time": 1_795_522_528_454_i64, "type": "REFRESH_TOKEN",
                "clientId": "bot", "userId": "alice-id", "sessionId": "s1", "ipAddress": "10.0.0.9"})),
            event(serde_json::json!({"id": "2", "time": 1_795_522_528_000_i64, "type": "LOGIN", "clientId": "bot",
                "userId": "alice-id", "details": {"username": "alice"}})),
            event(serde_json::json!({"id": "3", "time": 1_795_522_527_000_i64, "type": "CLIENT_LOGIN_ERROR",
                "clientId": "bot", "userId": "sa", "error": "client_disabled"})),
            event(serde_json::json!({"id": "4", "time": 1_795_522_526_000_i64, "type": "INTROSPECT_TOKEN",
                "clientId": "resource-server", "userId": "sa"})),
        ];
        let lines = lines(&events, "bot", Some("sa"));
        let on = |index: usize| lines[index].on_behalf_of.as_ref().map(Untrusted::raw);
        assert_eq!((on(0), on(1), on(2), on(3)), (Some("alice"), Some("alice"), None, None));
        assert!(lines[0].succeeded());
        assert_eq!(lines[2].outcome.raw(), "client_disabled");
        assert_eq!(lines[3].resource.as_ref().map(Untrusted::raw), Some("resource-server"));
    }
}

//! Whether estop can read and cut here: by the roles in its own token, and by real reads.

use serde::de::IgnoredAny;

use super::{
    Keycloak, events,
    list::wrong_place,
    wire::{ClientWire, EventsConfigWire, RealmWire},
};
use crate::{
    domain::{IdentityId, Lane, Untrusted},
    engine::{LaneCheck, Preflight, ProviderError, Whoami},
    providers::http::{Call, Grounds, check_id},
};

/// Kinds of events on which something that estop says depends, and what.
const KINDS: [(&str, &str); 5] = [
    ("CLIENT_LOGIN", "last use and the end of tokens are unknown"),
    ("CODE_TO_TOKEN", "the end of users' tokens is unknown"),
    ("REFRESH_TOKEN", "the end of users' tokens is unknown"),
    (events::EXCHANGE, "sessions behind exchanged tokens may stay hidden"),
    (events::REGISTER, "clients that a bot registers stay unlisted"),
];

/// What a real read says about one permission.
struct Probe {
    permission: &'static str,
    allowed: bool,
}

pub(super) async fn check(keycloak: &Keycloak) -> Result<Preflight, ProviderError> {
    keycloak.token.bearer(&keycloak.client).await?;
    let (clients, users, events, config, realm, whoami) = futures::join!(
        probe(keycloak, &["clients"], "view-clients"),
        probe(keycloak, &["users"], "view-users"),
        probe(keycloak, &["events"], "view-events"),
        events_config(keycloak),
        realm_is_shown(keycloak),
        whoami(keycloak),
    );
    let probes = [clients?, users?, events?, Probe { permission: "view-realm", allowed: realm? }];
    let own = keycloak.token.own();
    let missing = |wanted: &[&'static str]| -> Vec<String> {
        wanted
            .iter()
            .filter(|role| {
                let refused = probes.iter().any(|probe| probe.permission == **role && !probe.allowed);
                let unproved = role.starts_with("manage-") && own.has(role) != Some(true);
                refused || unproved || own.has(role) == Some(false)
            })
            .map(|role| (*role).to_owned())
            .collect()
    };
    let lane = |lane: Lane, read: &[&'static str], cut: &[&'static str]| {
        let (cannot_read, cannot_cut) = (missing(read), missing(cut));
        let (can_read, can_cut) = (cannot_read.is_empty(), cannot_cut.is_empty());
        LaneCheck { lane, can_read, can_cut, missing: [cannot_read, cannot_cut].concat() }
    };
    let lanes = vec![
        lane(Lane::Identity, &["view-clients", "view-users", "view-events"], &["manage-clients", "manage-users"]),
        lane(
            Lane::Tokens,
            &["view-clients", "view-users", "view-events", "view-realm"],
            &["manage-clients", "manage-users"],
        ),
        lane(Lane::Connectors, &["view-clients", "view-users", "view-realm"], &["manage-clients", "manage-users"]),
        lane(Lane::Grants, &["view-users"], &["manage-users"]),
    ];
    let mut notices = notices(config.as_ref());
    if own.roles.is_none() {
        notices
            .push("estop's own access token does not tell its roles: whether it can cut cannot be checked".to_owned());
    }
    if keycloak.settings.auth_realm == keycloak.settings.realm {
        notices.push(
            "estop's own client is in the realm that it guards: a bot that may manage clients can disable it; put it \
             in the master realm"
                .to_owned(),
        );
    }
    Ok(Preflight { whoami: whoami?, lanes, clock_ahead_ms: keycloak.server_clock().ahead_ms(), notices })
}

/// A read that tells whether we may; any error but a refusal is one of the whole preflight.
async fn probe(keycloak: &Keycloak, path: &[&str], permission: &'static str) -> Result<Probe, ProviderError> {
    let call = || Call::get(keycloak.path(path)).query("first", "0").query("max", "1").listing();
    let grounds = Grounds { what: "checking what estop may read", permission };
    match keycloak.get::<IgnoredAny>(call, grounds).await {
        Ok(_) => Ok(Probe { permission, allowed: true }),
        Err(ProviderError::Refused { .. }) => Ok(Probe { permission, allowed: false }),
        Err(error) => Err(wrong_place(error)),
    }
}

async fn events_config(keycloak: &Keycloak) -> Option<EventsConfigWire> {
    let call = || Call::get(keycloak.path(&["events", "config"]));
    let grounds = Grounds { what: "checking what events are stored", permission: "view-events" };
    keycloak.get(call, grounds).await.ok()
}

/// Without `view-realm` the server answers 200 and leaves almost everything out.
async fn realm_is_shown(keycloak: &Keycloak) -> Result<bool, ProviderError> {
    let grounds = Grounds { what: "checking what estop may read", permission: "view-realm" };
    match keycloak.get::<RealmWire>(|| Call::get(keycloak.path(&[])), grounds).await {
        Ok(realm) => Ok(realm.access_token_lifespan.is_some()),
        Err(ProviderError::Refused { .. }) => Ok(false),
        Err(error) => Err(wrong_place(error)),
    }
}

/// What cannot be seen because the realm does not keep it.
fn notices(config: Option<&EventsConfigWire>) -> Vec<String> {
    let Some(config) = config else {
        return vec![
            "estop may not read what events the realm stores: last activity and what bots made are unknown".to_owned(),
        ];
    };
    let mut notices = Vec::new();
    if config.events_enabled {
        for (kind, consequence) in KINDS {
            if !config.enabled_event_types.iter().any(|stored| stored == kind) {
                notices.push(format!("the realm does not store {kind} events: {consequence}"));
            }
        }
    } else {
        notices.push("the realm stores no events: last activity and the end of tokens are unknown".to_owned());
    }
    if !config.admin_events_enabled {
        notices.push("the realm stores no admin events: clients that a bot made stay unlisted, and a bot that could make some never counts as dark".to_owned());
    }
    notices
}

/// Our own client: an identity of this provider only where it is in the realm that is guarded.
async fn whoami(keycloak: &Keycloak) -> Result<Whoami, ProviderError> {
    let settings = &keycloak.settings;
    let name = format!("client {} of realm {}", settings.client_id, settings.auth_realm);
    let nobody = Whoami { identity: None, name: Untrusted::from(name) };
    if settings.auth_realm != settings.realm {
        return Ok(nobody);
    }
    let call = || Call::get(keycloak.path(&["clients"])).query("clientId", settings.client_id.as_str()).listing();
    let grounds = Grounds { what: "looking up estop's own client", permission: "view-clients" };
    let found: Vec<ClientWire> = match keycloak.get(call, grounds).await {
        Ok(found) => found,
        Err(ProviderError::Refused { .. }) => return Ok(nobody),
        Err(error) => return Err(error),
    };
    let own = found.into_iter().find(|client| client.client_id == settings.client_id && check_id(&client.id).is_ok());
    Ok(Whoami { identity: own.map(|own| IdentityId::new(settings.name.clone(), own.id.clone())), ..nobody })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Realm, keycloak};
    use super::*;
    use crate::engine::Provider as _;

    fn realm(roles: &[&'static str], events: bool, shown: bool, refused: &'static str) -> std::sync::Arc<Realm> {
        Realm::new(roles, move |seen| {
            let path = seen.line.trim_start_matches("GET ");
            if !refused.is_empty() && path.starts_with(refused) {
                return Ok((403, json!({"error": "HTTP 403 Forbidden"})));
            }
            Ok((
                200,
                match path {
                    "/events/config" => json!({"eventsEnabled": events, "adminEventsEnabled": events,
                    "enabledEventTypes": KINDS.map(|(kind, _)| kind)}),
                    "" if shown => json!({"accessTokenLifespan": 60}),
                    "" => json!({"realm": "bots"}),
                    _ => json!([]),
                },
            ))
        })
    }

    fn missing(preflight: &Preflight, lane: Lane) -> Vec<&str> {
        let check = preflight.lanes.iter().find(|check| check.lane == lane).expect("each lane");
        assert_eq!(check.can_read && check.can_cut, check.missing.is_empty());
        check.missing.iter().map(String::as_str).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn with_every_role_every_lane_can_be_read_and_cut() {
        let roles = ["manage-clients", "manage-users", "view-events", "view-realm"];
        let preflight = keycloak(realm(&roles, true, true, "")).preflight().await.expect("reachable");
        assert!(preflight.lanes.iter().all(|lane| lane.can_read && lane.can_cut), "{:?}", preflight.lanes);
        assert_eq!((preflight.notices, preflight.whoami.identity), (Vec::<String>::new(), None));
    }

    #[tokio::test(start_paused = true)]
    async fn each_missing_role_is_named_in_its_lanes() {
        let roles = ["view-clients", "view-events", "manage-users"];
        let preflight = keycloak(realm(&roles, true, false, "")).preflight().await.expect("reachable");
        assert_eq!(missing(&preflight, Lane::Identity), ["manage-clients"]);
        assert_eq!(missing(&preflight, Lane::Tokens), ["view-realm", "manage-clients"]);
        assert_eq!(missing(&preflight, Lane::Grants), Vec::<&str>::new());
        let preflight = keycloak(realm(&roles, true, true, "/users")).preflight().await.expect("reachable");
        assert_eq!(missing(&preflight, Lane::Grants), ["view-users"], "a real read wins over the claim");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_stored_is_said() {
        let preflight = keycloak(realm(&["realm-admin"], false, true, "")).preflight().await.expect("reachable");
        assert_eq!(preflight.notices.len(), 2);
        assert!(preflight.notices[1].contains("never counts as dark"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_realm_that_is_not_there_is_an_error_and_not_a_missing_role() {
        let nowhere = Realm::new(&["realm-admin"], |_| Ok((404, json!({"error": "Realm not found."}))));
        let error = keycloak(nowhere).preflight().await.expect_err("no realm");
        assert!(error.to_string().contains("the realm's name"), "{error}");
    }
}

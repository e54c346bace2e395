//! The embedded exercise: the world, its simulators, and what the configuration would say about it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Fleet, SimulatedKeycloak, SimulatedPostgres,
    fleet::BotData,
    keycloak::WorldError,
    postgres::{Latency, World, WorldSeed},
};
use crate::{
    domain::{IdentityId, ProviderName},
    engine::{Clock, SystemClock},
};

/// The name of the simulated Keycloak, as a configuration would name a provider.
pub const PROVIDER: &str = "exercise-sso";
/// The name of the simulated PostgreSQL, in the same way.
pub const DATA_STORE: &str = "docs-db";

/// How long the data store takes: a neighbour in the same network.
const LATENCY: Latency = Latency { read: Duration::from_millis(15), write: Duration::from_millis(30) };

/// Which identities are listed as chatbots; as `[select]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Globs over names.
    pub names: Vec<String>,
    /// Attributes that must be there and not empty.
    pub attributes: Vec<String>,
}

/// One bot; as `[[bot]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotEntry {
    /// Unique.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// `production`, `staging`.
    pub environment: Option<String>,
    /// Whether isolating it needs more than one key.
    pub protected: bool,
    /// Its identities.
    pub identities: Vec<IdentityId>,
}

/// An exercise: everything that a console needs, and nothing that reaches a network.
#[derive(Debug)]
pub struct Exercise {
    /// The scenario's name, shown and recorded everywhere.
    pub scenario: String,
    /// The clock of the simulators and of the console.
    pub clock: Arc<dyn Clock>,
    /// The simulated realm.
    pub keycloak: Arc<SimulatedKeycloak>,
    /// The simulated data store, where the scenario has one.
    pub postgres: Option<Arc<SimulatedPostgres>>,
    /// What is listed.
    pub select: Selector,
    /// Which bots are named.
    pub bots: Vec<BotEntry>,
}

impl Exercise {
    /// The exercise of a fleet's data, under a given clock.
    ///
    /// # Errors
    /// The data name something that is not in them.
    pub fn of(fleet: &Fleet, clock: Arc<dyn Clock>) -> Result<Self, WorldError> {
        let keycloak = Arc::new(SimulatedKeycloak::new(fleet, Arc::clone(&clock))?);
        let postgres = fleet.data_store.as_ref().map(|seed| data_store(seed, &clock)).transpose()?;
        let entry = |bot: &BotData| entry(bot, &keycloak, postgres.as_deref());
        let bots = fleet.bots.iter().map(entry).collect::<Result<_, _>>()?;
        let select = Selector { names: fleet.select.names.clone(), attributes: fleet.select.attributes.clone() };
        Ok(Self { scenario: fleet.scenario.clone(), clock, keycloak, postgres, select, bots })
    }
}

/// The embedded exercise, beginning now.
///
/// # Panics
/// Never: a test builds the asset that is compiled in.
pub fn exercise() -> Exercise {
    Exercise::of(&Fleet::embedded(), Arc::new(SystemClock::new())).expect("the embedded fleet is built by a test")
}

fn data_store(seed: &WorldSeed, clock: &Arc<dyn Clock>) -> Result<Arc<SimulatedPostgres>, WorldError> {
    if let Some(name) = World::unknown(seed) {
        return Err(WorldError::Unknown { what: "role", name: name.to_owned() });
    }
    let world = World::new(seed, clock.now().as_microsecond());
    let name = ProviderName::new(DATA_STORE);
    Ok(Arc::new(SimulatedPostgres::new(name, Arc::new(Mutex::new(world)), Arc::clone(clock), LATENCY)))
}

fn entry(
    bot: &BotData,
    keycloak: &SimulatedKeycloak,
    postgres: Option<&SimulatedPostgres>,
) -> Result<BotEntry, WorldError> {
    let id = |text: &String| {
        let unknown = |what| WorldError::Unknown { what, name: text.clone() };
        let (provider, name) = text.split_once(':').ok_or_else(|| unknown("provider of the identity"))?;
        let (native, what) = match provider {
            PROVIDER => (keycloak.client_uuid(name), "client"),
            DATA_STORE => (postgres.and_then(|store| store.world().oid(name)).map(|oid| oid.to_string()), "role"),
            _ => (None, "provider of the identity"),
        };
        Ok(IdentityId::new(ProviderName::new(provider), native.ok_or_else(|| unknown(what))?))
    };
    Ok(BotEntry {
        name: bot.name.clone(),
        owner: bot.owner.clone(),
        contact: bot.contact.clone(),
        environment: bot.environment.clone(),
        protected: bot.protected,
        identities: bot.identities.iter().map(id).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_embedded_fleet_is_the_five_bots_and_a_dozen_around_them() {
        let exercise = exercise();
        assert_eq!(exercise.scenario, "embedded-fleet");
        let names: Vec<_> = exercise.bots.iter().map(|bot| bot.name.as_str()).collect();
        let expected =
            ["helpdesk", "knowledge", "sales", "engineering-staging", "engineering-production", "compliance"];
        assert_eq!(names, expected);
        let ids: BTreeSet<_> = exercise.bots.iter().flat_map(|bot| &bot.identities).collect();
        assert_eq!(ids.len(), expected.len() + 1, "each has an identity of its own, one of them two");
        let knowledge: Vec<_> = exercise.bots[1].identities.iter().map(|id| id.provider().as_str()).collect();
        assert_eq!(knowledge, [PROVIDER, DATA_STORE]);
        for bot in &exercise.bots {
            assert!(bot.owner.is_some() && bot.contact.is_some() && bot.environment.is_some(), "{}", bot.name);
        }
        for other in [
            "he1pdesk-bot",
            "helpdesk-bot-old",
            "bot-helpdesk-eu",
            "bot-knowledge-preview",
            "sales-bot",
            "nightly-sync",
            "batch-report",
            "nightly-backup",
            "portal-web",
            "intranet-web",
            "ci-runner",
            "invoice-service",
        ] {
            assert!(exercise.keycloak.client_uuid(other).is_some(), "{other}");
        }
    }

    #[test]
    fn what_can_be_found_in_it() {
        let exercise = exercise();
        let thief = exercise.keycloak.as_attacker();
        let (staging, production) = ("bot-engineering-staging", "bot-engineering-prod");
        let key = thief.steal_key(staging);
        assert_eq!(key, thief.steal_key(production), "one key");
        let token = thief.mint_with_key(staging, &key.unwrap()).unwrap().access;
        assert_eq!(thief.admin("GET", "/clients", &token, &Value::Null).0, 200, "over-privileged");
        assert!(thief.steal_rotated_secret("bot-sales").is_some(), "two valid secrets");
        let compliance = thief.steal_secret("bot-compliance").unwrap();
        let reader = thief.mint("bot-compliance", &compliance).unwrap().access;
        let maker = exercise.keycloak.client_uuid(staging).unwrap();
        let (_, made) = thief.admin("GET", &format!("/admin-events?authClient={maker}"), &reader, &Value::Null);
        let kinds: BTreeSet<_> =
            made.as_array().unwrap().iter().map(|event| event["resourceType"].to_string()).collect();
        assert_eq!(kinds.len(), 2, "a client and an initial access token: {kinds:?}");
        let (_, events) = thief.admin("GET", "/events?client=bot-helpdesk&type=REFRESH_TOKEN", &reader, &Value::Null);
        let events = events.as_array().unwrap();
        let users: BTreeSet<_> = events.iter().map(|event| event["details"]["username"].to_string()).collect();
        assert_eq!(users.len(), 2, "on behalf of two: {users:?}");
        assert!(events.iter().all(|event| event["sessionId"].is_string()));
        let now = exercise.clock.now().as_millisecond();
        let ages = events.iter().map(|event| now - event["time"].as_i64().unwrap());
        assert!(ages.max() < Some(6 * 3_600_000), "in the last hours");
    }

    #[test]
    fn data_that_name_what_is_not_there_are_an_error() {
        for (text, what) in [
            ("exercise-sso:nobody", "client"),
            ("docs-db:nobody", "role"),
            ("elsewhere:nobody", "provider of the identity"),
            ("bot-sales", "provider of the identity"),
        ] {
            let mut fleet = Fleet::embedded();
            fleet.bots[0].identities.push(text.to_owned());
            let error = Exercise::of(&fleet, Arc::new(SystemClock::new())).unwrap_err();
            assert_eq!(error, WorldError::Unknown { what, name: text.to_owned() });
        }
        let mut fleet = Fleet::embedded();
        fleet.data_store.as_mut().unwrap().roles[1].member_of.push("nobody".to_owned());
        let error = Exercise::of(&fleet, Arc::new(SystemClock::new())).unwrap_err();
        assert_eq!(error, WorldError::Unknown { what: "role", name: "nobody".to_owned() });
    }
}

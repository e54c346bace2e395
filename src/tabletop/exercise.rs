//! The embedded exercise: the world, its simulators, and what the configuration would say about it.

use std::sync::Arc;

use super::{Fleet, SimulatedKeycloak, fleet::BotData, keycloak::WorldError};
use crate::{
    domain::{IdentityId, ProviderName},
    engine::{Clock, SystemClock},
};

/// The name of the simulated Keycloak, as a configuration would name a provider.
pub const PROVIDER: &str = "exercise-sso";

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
        let keycloak = SimulatedKeycloak::new(fleet, Arc::clone(&clock))?;
        let entry = |bot: &BotData| entry(bot, &keycloak);
        let bots = fleet.bots.iter().map(entry).collect::<Result<_, _>>()?;
        let select = Selector { names: fleet.select.names.clone(), attributes: fleet.select.attributes.clone() };
        Ok(Self { scenario: fleet.scenario.clone(), clock, keycloak: Arc::new(keycloak), select, bots })
    }
}

/// The embedded exercise, beginning now.
///
/// # Panics
/// Never: a test builds the asset that is compiled in.
pub fn exercise() -> Exercise {
    Exercise::of(&Fleet::embedded(), Arc::new(SystemClock::new())).expect("the embedded fleet is built by a test")
}

fn entry(bot: &BotData, keycloak: &SimulatedKeycloak) -> Result<BotEntry, WorldError> {
    let id = |name: &String| {
        let uuid = keycloak.client_uuid(name);
        let uuid = uuid.ok_or_else(|| WorldError::Unknown { what: "client", name: name.clone() })?;
        Ok(IdentityId::new(ProviderName::new(PROVIDER), uuid))
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

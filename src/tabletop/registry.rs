//! The providers of an exercise: the real code, over simulators only.
//!
//! This is the one place where an exercise gets its providers, and it takes simulators by their own type, never a
//! `dyn Transport`: whoever would lead an exercise onto a network finds no function to call.

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::{Exercise, SimulatedKeycloak, SimulatedPostgres, exercise::PROVIDER, keycloak::BASE_URL};
use crate::{
    domain::ProviderName,
    engine::{Clock, Provider},
    providers::keycloak::{Keycloak, Settings},
};

/// Providers that cannot reach a network.
///
/// ```
/// # use std::sync::Arc;
/// # use estop::{engine::Clock, tabletop::{ExerciseRegistry, SimulatedKeycloak, SimulatedPostgres}};
/// fn simulated(
///     registry: &mut ExerciseRegistry,
///     over: &Arc<SimulatedKeycloak>,
///     beside: &Arc<SimulatedPostgres>,
///     clock: &Arc<dyn Clock>,
/// ) {
///     registry.keycloak("exercise-sso", over, clock);
///     registry.postgres(beside);
/// }
/// ```
///
/// The same with anything else that carries requests, or any other provider, does not compile:
///
/// ```compile_fail,E0308
/// # use std::sync::Arc;
/// # use estop::{engine::Clock, providers::transport::Transport, tabletop::ExerciseRegistry};
/// fn network(registry: &mut ExerciseRegistry, over: &Arc<dyn Transport>, clock: &Arc<dyn Clock>) {
///     registry.keycloak("exercise-sso", over, clock);
/// }
/// ```
///
/// ```compile_fail,E0308
/// # use std::sync::Arc;
/// # use estop::{engine::Provider, tabletop::ExerciseRegistry};
/// fn server(registry: &mut ExerciseRegistry, over: &Arc<dyn Provider>) {
///     registry.postgres(over);
/// }
/// ```
#[derive(Default)]
pub struct ExerciseRegistry {
    providers: Vec<Arc<dyn Provider>>,
}

impl ExerciseRegistry {
    /// Adds the real Keycloak provider over a simulated server, as the simulator's own console.
    pub fn keycloak(&mut self, name: &str, simulated: &Arc<SimulatedKeycloak>, clock: &Arc<dyn Clock>) {
        let Some((client_id, secret)) = simulated.operator() else { return };
        let Ok(base_url) = Url::parse(BASE_URL) else { return };
        let settings = Settings {
            name: ProviderName::new(name),
            base_url,
            realm: simulated.realm(),
            auth_realm: "master".to_owned(),
            client_id,
            client_secret: Arc::new(move || Ok::<SecretString, String>(secret.clone())),
        };
        self.providers.push(Arc::new(Keycloak::new(
            settings,
            Arc::<SimulatedKeycloak>::clone(simulated),
            clock.clone(),
        )));
    }

    /// Adds a simulated PostgreSQL, which answers at the port by the real provider's code.
    pub fn postgres(&mut self, simulated: &Arc<SimulatedPostgres>) {
        self.providers.push(Arc::<SimulatedPostgres>::clone(simulated));
    }

    /// Those that were added.
    pub fn into_providers(self) -> Vec<Arc<dyn Provider>> {
        self.providers
    }
}

impl Exercise {
    /// The providers of this exercise. What is not HTTP is simulated at the port and joins here.
    pub fn providers(&self) -> Vec<Arc<dyn Provider>> {
        let mut registry = ExerciseRegistry::default();
        registry.keycloak(PROVIDER, &self.keycloak, &self.clock);
        if let Some(postgres) = &self.postgres {
            registry.postgres(postgres);
        }
        registry.into_providers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::ManualClock, tabletop::Fleet};

    #[tokio::test(start_paused = true)]
    async fn the_real_providers_read_the_simulated_fleet() {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let exercise = Exercise::of(&Fleet::embedded(), Arc::new(clock)).unwrap();
        let providers = exercise.providers();
        assert_eq!(providers.len(), 2);
        for provider in &providers {
            reads_all(provider.as_ref(), &exercise).await;
        }
        let unanswered = exercise.keycloak.requests().into_iter().filter(|request| request.status != Some(200));
        let unanswered: Vec<_> = unanswered.map(|request| (request.method, request.path, request.status)).collect();
        assert_eq!(unanswered, [], "the simulator knows every request that the provider reads with");
    }
    async fn reads_all(provider: &dyn Provider, exercise: &Exercise) {
        let preflight = provider.preflight().await.unwrap();
        for lane in &preflight.lanes {
            assert!(lane.can_read && lane.can_cut && lane.missing.is_empty(), "{lane:?}");
        }
        let listing = provider.inventory().await.unwrap();
        assert_eq!(listing.gaps, []);
        for bot in &exercise.bots {
            for id in bot.identities.iter().filter(|id| id.provider() == provider.name()) {
                let identity = listing.identities.iter().find(|identity| identity.id == *id).unwrap();
                let reading = provider.holdings(identity).await.unwrap();
                assert_eq!(reading.gaps, [], "{}", bot.name);
                assert!(!reading.holdings.is_empty(), "{}", bot.name);
                let activity = provider.activity(identity, None, 10).await.unwrap();
                assert!(!activity.is_empty(), "{}", bot.name);
            }
        }
    }
}

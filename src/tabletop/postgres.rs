//! A simulated PostgreSQL. Its wire is not HTTP, so it answers at the port: the same catalog rows go through the same
//! code as the real server's, only what moves bytes is replaced.
//!
//! ```text
//! world (roles, memberships, sessions, clients) ──catalog rows──▶ providers::postgres (pure) ──▶ readings, steps
//!    ▲ log in, SET ROLE, GRANT, query                                                               │
//!    attacker, injects                        world ◀──command── perform ◀─────────────────────────┘
//! ```

mod seed;
mod world;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

pub use seed::{PrivilegeSeed, RoleSeed, SessionSeed, WorldSeed};
pub use world::{Denied, World};

use crate::{
    domain::{Activity, Answer, Depth, Identity, ProviderName, Reading, Restoration, RestoreMode, Step, StepRecord},
    engine::{Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError},
    journal::ArmedStep,
    providers::postgres::{
        activity,
        catalog::{Belongings, Catalog, Oid},
        command::Command,
        identity,
        memory::Memory,
        preflight,
        reading::{self, Look},
        restore, steps,
    },
};

/// How long the simulated server takes, in tokio's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// One read.
    pub read: Duration,
    /// One mutation: its effect comes at half of it, its answer at the end.
    pub write: Duration,
}

/// A PostgreSQL server of an exercise: it has no address, and nothing in it can reach a network.
pub struct SimulatedPostgres {
    name: ProviderName,
    world: Arc<Mutex<World>>,
    memory: Memory,
    clock: Arc<dyn Clock>,
    latency: Latency,
}

impl fmt::Debug for SimulatedPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedPostgres").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SimulatedPostgres {
    /// A server that shows this world; whoever holds the world can act in it.
    pub fn new(name: ProviderName, world: Arc<Mutex<World>>, clock: Arc<dyn Clock>, latency: Latency) -> Self {
        Self { name, world, memory: Memory::default(), clock, latency }
    }

    /// Its world, for whoever acts in it: the thief, the innocent, the exercise. Not to be held while waiting.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    async fn catalog(&self) -> Result<Catalog, ProviderError> {
        tokio::time::sleep(self.latency.read).await;
        let world = self.world();
        if world.is_down() {
            return Err(ProviderError::Unreachable(format!("{}: not reachable: connection refused", self.name)));
        }
        Ok(world.catalog(self.now_us()))
    }

    async fn execute(&self, command: &Command) -> Answer {
        let half = self.latency.write / 2;
        tokio::time::sleep(half).await;
        let (kind, code) = self.world().apply(command, self.now_us());
        tokio::time::sleep(half).await;
        Answer::new(kind, "postgres", code)
    }

    fn look(
        &self,
        identity: &Identity,
        catalog: &Catalog,
        oid: Oid,
        belongings: &Belongings,
        read_at: Timestamp,
    ) -> Reading {
        let before = identity.hints.get(identity::MEMBERS).map(String::as_str);
        let members = self.memory.members(catalog, oid, before);
        reading::reading(&Look { provider: &self.name, catalog, belongings, members: &members, read_at }, identity)
    }
}

#[async_trait]
impl Provider for SimulatedPostgres {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn limits(&self) -> Limits {
        preflight::limits()
    }

    fn coverage(&self) -> Coverage {
        preflight::coverage()
    }

    fn propagation(&self) -> Duration {
        preflight::PROPAGATION
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        self.catalog().await.map(drop)
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        Ok(preflight::preflight(&self.name, &self.catalog().await?, Some(0)))
    }

    async fn inventory(&self) -> Result<Listing, ProviderError> {
        let catalog = self.catalog().await?;
        self.memory.observe(&catalog);
        Ok(identity::listing(&self.name, &catalog))
    }

    async fn holdings(&self, identity: &Identity) -> Result<Reading, ProviderError> {
        let read_at = self.clock.now();
        let catalog = self.catalog().await?;
        let oid = identity::oid(identity).unwrap_or_default();
        let belongings = self.world().belongings(oid);
        Ok(self.look(identity, &catalog, oid, &belongings, read_at))
    }

    async fn activity(
        &self,
        identity: &Identity,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Activity>, ProviderError> {
        let Some(oid) = identity::oid(identity) else { return Ok(Vec::new()) };
        Ok(activity::activity(&self.catalog().await?, oid, since, limit))
    }

    fn gate(&self, identity: &Identity) -> Vec<Step> {
        steps::gate(identity)
    }

    fn steps(&self, reading: &Reading, depth: Depth) -> Vec<Step> {
        steps::steps(reading, depth)
    }

    fn restore(&self, before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
        restore::restore(before, now, done, mode)
    }

    async fn perform(&self, armed: &ArmedStep, _attempt: u32) -> Answer {
        match Command::of(armed.step()) {
            Ok(command) => self.execute(&command).await,
            Err(detail) => Answer::unsendable("postgres", detail),
        }
    }
}

#[cfg(test)]
mod tests;

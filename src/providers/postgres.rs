//! PostgreSQL: roles are identities, sessions and memberships are what they hold.
//!
//! ```text
//! query ──rows──▶ catalog ──▶ identity, scopes, exposure, reading ──▶ steps ──▶ command ──▶ one statement
//! (network)       (plain)     (pure; the simulator stands on the same)                        (network)
//! ```
//!
//! Isolating a role: `NOLOGIN` is the gate; its sessions are terminated; what can become it is revoked. What nothing
//! shows (a session of somebody else that did `SET ROLE` earlier) is named for as long as it may be there.

pub(crate) mod activity;
pub(crate) mod catalog;
pub(crate) mod command;
mod error;
mod exposure;
pub(crate) mod identity;
pub(crate) mod memory;
mod owners;
pub(crate) mod permission;
mod pool;
pub(crate) mod preflight;
mod probe;
mod query;
pub(crate) mod reading;
pub(crate) mod restore;
mod scopes;
mod settings;
pub(crate) mod steps;
mod verifier;

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::{Client, types::Type};

pub use settings::{PasswordSource, Settings, SettingsError};

use crate::{
    domain::{
        Activity, Answer, AnswerKind, Depth, Identity, LeakedSecret, Owner, Probed, ProviderName, Reading, Recognised,
        Restoration, RestoreMode, Step, StepRecord,
    },
    engine::{Budget, Clock, Coverage, Limits, Listing, Preflight, Provider, ProviderError, Rate},
    journal::ArmedStep,
};

use catalog::{Belongings, Catalog, Oid};
use command::Command;
use error::{Class, Failure, When};
use memory::Memory;
use pool::{Pool, STATEMENT_DEADLINE, Writer};
use reading::Look;
use verifier::Verifiers;

/// The names as the server itself quotes them.
const QUOTED: &str = "SELECT oid, pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = ANY($1)";

/// Signals the process only while it is that session: a process id alone may be somebody else's by now.
const TERMINATE: &str = "
    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
    WHERE pid = $1 AND usesysid = $2
      AND ($3::bigint IS NULL OR (extract(epoch FROM backend_start) * 1000000)::bigint = $3)";

/// One PostgreSQL server.
pub struct Postgres {
    name: ProviderName,
    pool: Pool,
    memory: Memory,
    verifiers: Verifiers,
    clock: Arc<dyn Clock>,
    budget: Budget,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Checks the settings; connects to nothing yet.
    ///
    /// # Errors
    /// [`SettingsError`], where the URL or the certificates cannot be used.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let target = settings::Target::of(&settings.url)?;
        let pool = Pool::new(target, settings.password, settings.ca_file.as_deref())?;
        let budget = Budget::new(preflight::limits(), clock.clone());
        Ok(Self {
            name: settings.name,
            pool,
            memory: Memory::default(),
            verifiers: Verifiers::default(),
            clock,
            budget,
        })
    }

    /// Held to a rate of statements that the server's owner wants kept.
    pub fn with_rate(mut self, rate: Option<Rate>) -> Self {
        self.budget = Budget::new(Limits { rate, ..preflight::limits() }, self.clock.clone());
        self
    }

    /// Asks on the reading connection. One that turns out dead is replaced once: a read may be asked twice.
    async fn read<'a, T, F>(&'a self, ask: impl Fn(Arc<Client>) -> F) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>> + 'a,
    {
        let mut again = true;
        let _permit = self.budget.admit(false).await;
        loop {
            let client = self.pool.reader().await.map_err(|failure| self.error(failure))?;
            let answered = tokio::time::timeout(STATEMENT_DEADLINE, ask(Arc::clone(&client))).await;
            let (failure, in_time) = match answered {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) => (Failure::of(&error, When::Asking), true),
                Err(_) => (Failure::deadline(When::Asking), false),
            };
            if failure.class == Class::Lost {
                self.pool.forget_reader(&client).await;
                if self.pool.was_flooded() {
                    let what = "the answer to one question has no end within 8 MB";
                    return Err(self.error(Failure::new(Class::Rejected, what)));
                }
            }
            if failure.class != Class::Lost || !in_time || !again {
                return Err(self.error(failure));
            }
            again = false;
        }
    }

    fn error(&self, failure: Failure) -> ProviderError {
        failure.into_error(&format!("{} ({})", self.name, self.pool.place()), "SELECT on the system's catalogs")
    }

    async fn catalog(&self) -> Result<Catalog, ProviderError> {
        self.read(|client| async move { query::catalog(&client).await }).await
    }

    async fn belongings(&self, catalog: &Catalog, role: Oid) -> Result<Belongings, ProviderError> {
        let acts_as: Vec<Oid> = catalog.reach(role).effective.into_iter().collect();
        let reads_passwords = catalog.console.reads_passwords || catalog.is_superuser();
        let read = |client: Arc<Client>| {
            let acts_as = acts_as.clone();
            async move {
                let found = query::belongings(&client, role, &acts_as).await?;
                let verifier = if reads_passwords { query::verifier(&client, role).await? } else { None };
                Ok((found, verifier))
            }
        };
        let (mut found, verifier) = self.read(read).await?;
        if let Some(verifier) = verifier {
            found.has_password = Some(verifier.is_some());
            self.verifiers.keep(role, verifier);
        }
        Ok(found)
    }

    /// Sends one mutation; `permission` is what the server wants to see for it.
    async fn execute(&self, command: &Command, permission: &str) -> Answer {
        let writer = match self.pool.writer().await {
            Ok(writer) => writer,
            Err(failure) => return failure.into_answer(permission),
        };
        let sent = match command {
            Command::Terminate { role, pid, started_us } => terminate(&writer, *role, *pid, *started_us).await,
            _ => alter(&writer, command).await,
        };
        match sent {
            Ok(kind) => {
                writer.put_back();
                Answer::new(kind, "postgres", "00000")
            }
            Err(failure) => {
                if failure.class != Class::Lost && !failure.code.is_empty() {
                    // The server has answered: nothing runs on it any more.
                    writer.put_back();
                }
                failure.into_answer(permission)
            }
        }
    }
}

async fn terminate(writer: &Writer<'_>, role: Oid, pid: i32, started_us: Option<i64>) -> Result<AnswerKind, Failure> {
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&pid, Type::INT4), (&role, Type::OID), (&started_us, Type::INT8)];
    let rows = asked(writer.client().query_typed(TERMINATE, &params)).await?;
    let signalled = rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false));
    Ok(if signalled { AnswerKind::Accepted } else { AnswerKind::Gone })
}

/// Names are looked up first, by OID, at the moment of the change: they are labels that may have moved.
async fn alter(writer: &Writer<'_>, command: &Command) -> Result<AnswerKind, Failure> {
    let oids = command.roles();
    let rows = asked(writer.client().query_typed(QUOTED, &[(&oids, Type::OID_ARRAY)])).await.map_err(|failure| {
        // Nothing has been changed yet.
        if failure.class == Class::Lost { Failure { class: Class::Unreachable, ..failure } } else { failure }
    })?;
    let quoted: Result<BTreeMap<Oid, String>, _> =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect();
    let quoted = quoted.map_err(|error: tokio_postgres::Error| Failure::of(&error, When::Connecting))?;
    match command.statement(&quoted) {
        None => Ok(AnswerKind::Gone),
        Some(statement) => asked(writer.client().batch_execute(&statement)).await.map(|()| AnswerKind::Accepted),
    }
}

async fn asked<T>(ask: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(STATEMENT_DEADLINE, ask).await {
        Ok(answer) => answer.map_err(|error| Failure::of(&error, When::Asking)),
        Err(_) => Err(Failure::deadline(When::Asking)),
    }
}

#[async_trait]
impl Provider for Postgres {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn limits(&self) -> Limits {
        self.budget.limits()
    }

    fn budget(&self) -> Option<Budget> {
        Some(self.budget.clone())
    }

    fn coverage(&self) -> Coverage {
        preflight::coverage()
    }

    fn propagation(&self) -> Duration {
        preflight::PROPAGATION
    }

    async fn warm(&self) -> Result<(), ProviderError> {
        self.pool.warm().await.map_err(|failure| self.error(failure))
    }

    async fn preflight(&self) -> Result<Preflight, ProviderError> {
        let before = self.clock.now();
        let catalog = self.catalog().await?;
        let middle = i64::midpoint(before.as_millisecond(), self.clock.now().as_millisecond());
        Ok(preflight::preflight(&self.name, &catalog, Some(catalog.console.clock_us.div_euclid(1000) - middle)))
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
        let belongings = if catalog.roles.contains_key(&oid) {
            self.belongings(&catalog, oid).await?
        } else {
            Belongings::default()
        };
        let before = identity.hints.get(identity::MEMBERS).map(String::as_str);
        let members = self.memory.members(&catalog, oid, before);
        let look =
            Look { provider: &self.name, catalog: &catalog, belongings: &belongings, members: &members, read_at };
        Ok(reading::reading(&look, identity))
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
            Ok(command) => {
                let permission = armed.step().missing_permission.as_deref().unwrap_or(command.permission());
                self.execute(&command, permission).await
            }
            Err(detail) => Answer::unsendable("postgres", detail),
        }
    }

    fn owners(
        &self,
        secret: &LeakedSecret,
        recognised: &[Recognised],
        listing: &[&Identity],
        readings: &[&Reading],
    ) -> Vec<Owner> {
        let mut found = owners::of(secret.expose(), self.pool.target(), listing, readings, &self.verifiers);
        found.extend(owners::of_password(secret.expose(), recognised, readings, &self.verifiers));
        found
    }

    async fn probe(&self, secret: &LeakedSecret, owner: &Owner, _consent: bool) -> Probed {
        let _permit = self.budget.admit(false).await;
        probe::probe(&self.name, &self.pool, secret, owner).await
    }
}

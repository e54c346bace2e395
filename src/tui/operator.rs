//! The engine as the console sees it: what it can watch, and what it can ask for.

mod archive;
mod engine;
mod line;
mod shelf;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

pub use shelf::Shelf;

use super::{
    incidents::{Archive, Brief, Checked},
    message::{Field, JournalLine},
};
use crate::{
    domain::{
        BotName, Identified, IncidentId, LeakedSecret, OperationId, Owner, Probed, RestoreMode, RestorePlan, StepId,
    },
    engine::{Confirmed, EngineEvent, Order, Refusal, RestoreOrder, Right, Snapshot, WaitingStep},
};

/// What the console needs of the engine. The real one implements it in one place; tests have their own.
#[async_trait]
pub trait Operator: Clone + Send + Sync + 'static {
    /// The fleet, as it becomes known.
    fn fleet(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// What happens in isolations.
    fn events(&self) -> broadcast::Receiver<Arc<EngineEvent>>;

    /// Every line of the journal that becomes durable from now on.
    fn lines(&self) -> BoxStream<'static, JournalLine>;

    /// The lines of the open incident so far.
    async fn recorded(&self) -> Vec<JournalLine>;

    /// Gives an order.
    ///
    /// # Errors
    /// [`Refusal`] where nothing was sent.
    async fn isolate(&self, order: Order) -> Result<OperationId, Refusal>;

    /// Says whether an order would be let in, without sending anything.
    ///
    /// # Errors
    /// The [`Refusal`] that would stop it.
    async fn guard(&self, order: &Order) -> Result<(), Refusal>;

    /// Strikes again what is left of a bot's isolation.
    ///
    /// # Errors
    /// [`Refusal`] where nothing was sent.
    async fn retry(&self, bot: &BotName) -> Result<OperationId, Refusal>;

    /// The bots whose operations a process left that is gone.
    async fn left(&self) -> Vec<BotName>;

    /// Finishes them; how many.
    ///
    /// # Errors
    /// One sentence: the journal cannot be read or written.
    async fn resume(&self) -> Result<usize, String>;

    /// What the person may not do, each with the refusal. May ask the system's directory: never before a frame.
    async fn rights(&self) -> Vec<(Right, Refusal)>;

    /// What a leaked secret is and whose. It is sent nowhere.
    async fn identify(&self, secret: &LeakedSecret) -> Identified;

    /// Keeps it for a bot: the bot's plan ends it from now on, and an isolation uses it once afterwards.
    fn hand_over(&self, bot: &BotName, secret: &LeakedSecret, consent: bool);

    /// Lets go of what was handed over of a bot.
    fn forget(&self, bot: &BotName);

    /// Uses it once for each owner, at the owner's provider only.
    async fn probe(&self, secret: &LeakedSecret, identified: &Identified, consent: bool) -> Vec<(Owner, Probed)>;

    /// What restoring a bot would take now. Reads it live, changes nothing.
    ///
    /// # Errors
    /// [`Refusal`]: there is nothing to restore, something is not over, or cannot be read.
    async fn plan_restore(&self, bot: &BotName, mode: RestoreMode) -> Result<Arc<RestorePlan>, Refusal>;

    /// Restores.
    ///
    /// # Errors
    /// [`Refusal`] where nothing was sent.
    async fn restore(&self, order: RestoreOrder) -> Result<OperationId, Refusal>;

    /// Puts a remark on record; in which incident.
    ///
    /// # Errors
    /// [`Refusal`]: no incident is open, nobody may, or the journal takes nothing.
    async fn note(&self, incident: Option<IncidentId>, text: &str) -> Result<IncidentId, Refusal>;

    /// What handing over would put on record.
    ///
    /// # Errors
    /// [`Refusal`]: no incident is open.
    async fn summary(&self, incident: Option<IncidentId>) -> Result<(IncidentId, Vec<String>), Refusal>;

    /// Puts a hand-over on record.
    ///
    /// # Errors
    /// [`Refusal`]: as [`Operator::note`].
    async fn hand_over_incident(&self, incident: IncidentId, to: Option<String>) -> Result<(), Refusal>;

    /// The manual steps that wait for a person.
    ///
    /// # Errors
    /// [`Refusal`]: a journal cannot be read.
    async fn waiting_steps(&self) -> Result<Vec<WaitingStep>, Refusal>;

    /// Puts on record that one was done.
    ///
    /// # Errors
    /// [`Refusal`]: it does not wait any more, nobody may, or the journal takes nothing.
    async fn confirm(&self, step: &StepId, evidence: Option<String>) -> Result<Confirmed, Refusal>;

    /// The incidents of this host, as their journals tell them; those that nobody has written to since are not read
    /// again, but taken from the shelf.
    ///
    /// # Errors
    /// One sentence: the directory cannot be read. One journal that cannot be is a row that says so.
    async fn incidents(&self, known: &Arc<Shelf>) -> Result<Vec<Brief>, String>;

    /// Returns when anybody, of whatever process, has written to an incident since they were listed.
    async fn incidents_changed(&self, known: &Arc<Shelf>);

    /// One of them, whole.
    ///
    /// # Errors
    /// One sentence: there is no such journal, or it cannot be read.
    async fn open_incident(&self, incident: IncidentId) -> Result<Archive, String>;

    /// Whether its journal is intact and agrees with what was signed of it.
    async fn check_incident(&self, incident: IncidentId) -> Checked;

    /// Every field of one line; of the host's journal where no incident is named.
    ///
    /// # Errors
    /// One sentence: it is not there, or cannot be read.
    async fn read_line(&self, incident: Option<IncidentId>, seq: u64) -> Result<Vec<Field>, String>;

    /// Puts a refusal on record.
    async fn record_refusal(&self, bot: Option<BotName>, refusal: Refusal);

    /// Until when a bot is held dark; `None`: it is not.
    fn watched_until(&self, bot: &BotName) -> Option<Timestamp>;

    /// Takes in what an earlier console has read; it comes as a fleet. One sentence, where there is something and it was
    /// not taken.
    async fn recall(&self) -> Option<String> {
        None
    }

    /// Reads every provider once.
    async fn refresh(&self);

    /// Reads one bot's identities again.
    async fn refresh_bot(&self, bot: &BotName);

    /// Waits until no isolation runs.
    async fn settle(&self);

    /// Puts on record that the terminal is gone; returns when that is durable or cannot be.
    async fn console_lost(&self, by: String);

    /// Whether nothing may be cut.
    fn read_only(&self) -> bool;

    /// Wall time, by the engine's clock: an exercise has its own.
    fn now(&self) -> Timestamp;
}

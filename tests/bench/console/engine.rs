//! An engine at the console's port that has a fleet and says what it is given. Whatever else it is asked is refused.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use estop::{
    domain::{
        BotName, Identified, IncidentId, LeakedSecret, OperationId, Owner, Probed, RestoreMode, RestorePlan, StepId,
    },
    engine::{Confirmed, EngineEvent, Order, Refusal, RestoreOrder, Right, Snapshot, WaitingStep},
    tui::{
        incidents::{Archive, Brief, Checked},
        message::{Field, JournalLine},
        operator::{Operator, Shelf},
    },
};
use futures::{
    StreamExt as _,
    channel::mpsc,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, watch};

use super::world;

/// Events that a console may be behind, as many as the real engine keeps.
const EVENTS_KEPT: usize = 16_384;

/// The engine.
#[derive(Clone)]
pub struct Made {
    fleet: watch::Sender<Arc<Snapshot>>,
    events: broadcast::Sender<Arc<EngineEvent>>,
    lines: Arc<Mutex<Option<mpsc::UnboundedSender<JournalLine>>>>,
    listens: Arc<Notify>,
}

impl Made {
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            fleet: watch::Sender::new(snapshot),
            events: broadcast::Sender::new(EVENTS_KEPT),
            lines: Arc::default(),
            listens: Arc::default(),
        }
    }

    /// Returns once the console listens.
    pub async fn opened(&self) {
        self.listens.notified().await;
    }

    pub fn tell(&self, event: EngineEvent) {
        if self.events.send(event.into()).is_err() {
            // The console has ended.
        }
    }

    pub fn write(&self, line: JournalLine) {
        if let Some(lines) = &*self.lines.lock().unwrap()
            && lines.unbounded_send(line).is_err()
        {
            // The console has ended.
        }
    }
}

#[async_trait]
impl Operator for Made {
    fn fleet(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.fleet.subscribe()
    }

    fn events(&self) -> broadcast::Receiver<Arc<EngineEvent>> {
        self.events.subscribe()
    }

    fn lines(&self) -> BoxStream<'static, JournalLine> {
        let (sender, lines) = mpsc::unbounded();
        *self.lines.lock().unwrap() = Some(sender);
        self.listens.notify_one();
        lines.chain(stream::pending()).boxed()
    }

    async fn recorded(&self) -> Vec<JournalLine> {
        Vec::new()
    }

    async fn isolate(&self, _: Order) -> Result<OperationId, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn guard(&self, _: &Order) -> Result<(), Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn retry(&self, _: &BotName) -> Result<OperationId, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn left(&self) -> Vec<BotName> {
        Vec::new()
    }

    async fn resume(&self) -> Result<usize, String> {
        Ok(0)
    }

    async fn rights(&self) -> Vec<(Right, Refusal)> {
        Vec::new()
    }

    async fn identify(&self, secret: &LeakedSecret) -> Identified {
        Identified { fingerprint: secret.fingerprint(), recognised: Vec::new(), owners: Vec::new() }
    }

    fn hand_over(&self, _: &BotName, _: &LeakedSecret, _: bool) {}

    fn forget(&self, _: &BotName) {}

    async fn probe(&self, _: &LeakedSecret, _: &Identified, _: bool) -> Vec<(Owner, Probed)> {
        Vec::new()
    }

    async fn plan_restore(&self, _: &BotName, _: RestoreMode) -> Result<Arc<RestorePlan>, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn restore(&self, _: RestoreOrder) -> Result<OperationId, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn note(&self, _: Option<IncidentId>, _: &str) -> Result<IncidentId, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn summary(&self, _: Option<IncidentId>) -> Result<(IncidentId, Vec<String>), Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn hand_over_incident(&self, _: IncidentId, _: Option<String>) -> Result<(), Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn waiting_steps(&self) -> Result<Vec<WaitingStep>, Refusal> {
        Ok(Vec::new())
    }

    async fn confirm(&self, _: &StepId, _: Option<String>) -> Result<Confirmed, Refusal> {
        Err(Refusal::ReadOnly)
    }

    async fn incidents_changed(&self, _: &Arc<Shelf>) {
        std::future::pending::<()>().await;
    }

    async fn incidents(&self, _: &Arc<Shelf>) -> Result<Vec<Brief>, String> {
        Ok(Vec::new())
    }

    async fn open_incident(&self, _: IncidentId) -> Result<Archive, String> {
        Err("there is none".to_owned())
    }

    async fn check_incident(&self, _: IncidentId) -> Checked {
        Checked { sound: true, says: Vec::new() }
    }

    async fn read_line(&self, _: Option<IncidentId>, _: u64) -> Result<Vec<Field>, String> {
        Err("there is none".to_owned())
    }

    async fn record_refusal(&self, _: Option<BotName>, _: Refusal) {}

    fn watched_until(&self, _: &BotName) -> Option<Timestamp> {
        None
    }

    async fn refresh(&self) {}

    async fn refresh_bot(&self, _: &BotName) {}

    async fn settle(&self) {}

    async fn console_lost(&self, _: String) {}

    fn read_only(&self) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        world::now()
    }
}

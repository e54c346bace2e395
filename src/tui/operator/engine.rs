//! The real engine at the console's port.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

use super::{Operator, Shelf, archive, line::Narrator};
use crate::{
    domain::{
        BotName, Identified, IncidentId, LeakedSecret, OperationId, Owner, Probed, RestoreMode, RestorePlan, StepId,
    },
    engine::{Confirmed, Engine, EngineEvent, Hold, Order, Refusal, RestoreOrder, Right, Snapshot, WaitingStep},
    journal::{Body, Entry, Record, Store},
    tui::{
        incidents::{Archive, Brief, Checked},
        message::{Field, JournalLine},
    },
};

/// Least time between two looks at the directory of the journals, while somebody watches: others write into them too.
const LOOK_APART: Duration = Duration::from_secs(1);

#[async_trait]
impl Operator for Engine {
    fn fleet(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.watch()
    }

    fn events(&self) -> broadcast::Receiver<Arc<EngineEvent>> {
        self.subscribe()
    }

    fn lines(&self) -> BoxStream<'static, JournalLine> {
        let live =
            Live { records: self.store().subscribe(), store: self.store().clone(), narrator: Narrator::default() };
        stream::unfold(live, |mut live| async move { live.next().await.map(|line| (line, live)) }).boxed()
    }

    async fn recorded(&self) -> Vec<JournalLine> {
        let store = self.store().clone();
        let read = move || {
            let incident = store.open_incident().ok()??;
            let recorded = store.read(incident).ok()?;
            let mut narrator = Narrator::default();
            Some(recorded.records.iter().map(|record| narrator.line(record)).collect())
        };
        // A journal that cannot be read is told by the commands that check it; the pane then starts empty.
        tokio::task::spawn_blocking(read).await.ok().flatten().unwrap_or_default()
    }

    async fn isolate(&self, order: Order) -> Result<OperationId, Refusal> {
        // A screen that is open goes on watching.
        Engine::isolate(self, Order { hold: Hold::AsNeeded, ..order }).await.map(|running| running.op)
    }

    async fn guard(&self, order: &Order) -> Result<(), Refusal> {
        let (engine, order) = (self.clone(), order.clone());
        // The system's directory may be asked who somebody is.
        read(move || Engine::guard(&engine, &order).map(drop)).await
    }

    async fn retry(&self, bot: &BotName) -> Result<OperationId, Refusal> {
        Engine::retry(self, bot).await.map(|running| running.op)
    }

    async fn left(&self) -> Vec<BotName> {
        let engine = self.clone();
        let read = move || {
            let held = engine.held(None).unwrap_or_default();
            let left = engine.unfinished(None).unwrap_or_default().into_iter().map(|(_, operation)| operation.bot);
            left.filter(|bot| !held.iter().any(|(other, _)| other == bot)).collect()
        };
        // A journal that cannot be read offers nothing here: the commands that check it tell why.
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }

    async fn resume(&self) -> Result<usize, String> {
        Engine::resume(self, None).await.map(|running| running.len()).map_err(|error| error.to_string())
    }

    async fn rights(&self) -> Vec<(Right, Refusal)> {
        let engine = self.clone();
        let ask = move || {
            let off = |right: Right| engine.may(right).err().map(|refusal| (right, refusal));
            Right::ALL.into_iter().filter_map(off).collect()
        };
        // The engine's own guard asks again: what is not shown as off is refused all the same.
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    async fn identify(&self, secret: &LeakedSecret) -> Identified {
        Engine::identify(self, secret)
    }

    fn hand_over(&self, bot: &BotName, secret: &LeakedSecret, consent: bool) {
        // None is kept only where the fleet changed in between: the plan then says so by what it ends.
        let _ = Engine::hand_over(self, bot, secret, consent);
    }

    fn forget(&self, bot: &BotName) {
        Engine::forget(self, bot);
    }

    async fn probe(&self, secret: &LeakedSecret, identified: &Identified, consent: bool) -> Vec<(Owner, Probed)> {
        Engine::probe(self, secret, identified, consent).await
    }

    async fn plan_restore(&self, bot: &BotName, mode: RestoreMode) -> Result<Arc<RestorePlan>, Refusal> {
        Engine::plan_restore(self, bot, mode).await
    }

    async fn restore(&self, order: RestoreOrder) -> Result<OperationId, Refusal> {
        Engine::restore(self, order).await.map(|running| running.op)
    }

    async fn note(&self, incident: Option<IncidentId>, text: &str) -> Result<IncidentId, Refusal> {
        Engine::note(self, incident, text).await
    }

    async fn summary(&self, incident: Option<IncidentId>) -> Result<(IncidentId, Vec<String>), Refusal> {
        let engine = self.clone();
        read(move || Engine::summary(&engine, incident)).await
    }

    async fn hand_over_incident(&self, incident: IncidentId, to: Option<String>) -> Result<(), Refusal> {
        Engine::hand_over_incident(self, Some(incident), to, None).await.map(drop)
    }

    async fn waiting_steps(&self) -> Result<Vec<WaitingStep>, Refusal> {
        let engine = self.clone();
        read(move || Engine::waiting_steps(&engine)).await
    }

    async fn confirm(&self, step: &StepId, evidence: Option<String>) -> Result<Confirmed, Refusal> {
        Engine::confirm(self, &step.to_string(), evidence).await
    }

    async fn incidents(&self, known: &Arc<Shelf>) -> Result<Vec<Brief>, String> {
        let (store, known) = (self.store().clone(), known.clone());
        beside(move || known.list(&store)).await
    }

    async fn incidents_changed(&self, known: &Arc<Shelf>) {
        let changes = self.store().changes();
        loop {
            tokio::time::sleep(LOOK_APART).await;
            let (store, known) = (self.store().clone(), known.clone());
            if beside(move || Ok(known.is_behind(&store))).await.unwrap_or(true) {
                return;
            }
            if changes.are_told() {
                changes.next().await;
            }
        }
    }

    async fn open_incident(&self, incident: IncidentId) -> Result<Archive, String> {
        let store = self.store().clone();
        beside(move || archive::open(&store, incident)).await
    }

    async fn check_incident(&self, incident: IncidentId) -> Checked {
        let store = self.store().clone();
        let checked = beside(move || Ok(archive::check(&store, incident))).await;
        checked.unwrap_or_else(|why| Checked { sound: false, says: vec![why] })
    }

    async fn read_line(&self, incident: Option<IncidentId>, seq: u64) -> Result<Vec<Field>, String> {
        let store = self.store().clone();
        beside(move || archive::line(&store, incident, seq)).await
    }

    async fn record_refusal(&self, bot: Option<BotName>, refusal: Refusal) {
        Engine::record_refusal(self, bot.as_ref(), &refusal).await;
    }

    fn watched_until(&self, bot: &BotName) -> Option<Timestamp> {
        Engine::watched_until(self, bot)
    }

    async fn recall(&self) -> Option<String> {
        self.recall_inventory().await
    }

    async fn refresh(&self) {
        Engine::refresh(self).await;
        let engine = self.clone();
        // Beside: what waits for the refresh does not wait for a disk.
        tokio::spawn(async move { engine.keep_inventory().await });
        self.make_ready().await;
        self.keep_watch().await;
    }

    async fn refresh_bot(&self, bot: &BotName) {
        Engine::refresh_bot(self, bot).await;
    }

    async fn settle(&self) {
        Engine::settle(self).await;
    }

    async fn console_lost(&self, by: String) {
        // In the incident whose isolation it leaves behind; without one, in the host's journal.
        let journal = match self.store().open_incident() {
            Ok(Some(incident)) => self.store().open(incident).await,
            _ => self.store().host().await,
        };
        let entry = Entry::general(Body::ConsoleLost { by });
        if let Ok(journal) = journal
            && journal.commit(vec![entry]).await.is_err()
        {
            // Nobody is left to tell; the isolation goes on, and its own records say whether they were kept.
        }
    }

    fn read_only(&self) -> bool {
        Engine::read_only(self)
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

/// Reads journals beside the loop.
async fn read<T: Send + 'static>(reading: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let failed = |_| Err(Refusal::NoIncident("that can be read".to_owned()));
    tokio::task::spawn_blocking(reading).await.unwrap_or_else(failed)
}

/// The same for what is only looked at.
async fn beside<T: Send + 'static>(reading: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(reading).await.unwrap_or_else(|_| Err("the reading broke off".to_owned()))
}

/// The journal from now on.
struct Live {
    records: broadcast::Receiver<Arc<Record>>,
    store: Store,
    narrator: Narrator,
}

impl Live {
    async fn next(&mut self) -> Option<JournalLine> {
        loop {
            match self.records.recv().await {
                Ok(record) => {
                    if !self.narrator.knows(&record) {
                        self.look_back(&record).await;
                    }
                    return Some(self.narrator.line(&record));
                }
                // The screen shows what it can; the file has every line.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// An intent from before this console opened: it is in the file.
    async fn look_back(&mut self, record: &Record) {
        let Some(incident) = record.incident else { return };
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.read(incident)).await;
        for earlier in read.into_iter().flatten().flat_map(|recorded| recorded.records) {
            self.narrator.learn(&earlier);
        }
    }
}

//! What one operation works with, whichever way it goes: whom it reads, where it records, whom it tells.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::{EngineEvent, OperationPhase, fleet::Fleet, isolation::Times};
use crate::domain::{BotName, IncidentId, OperationId, Outcome, Reading};
use crate::journal::{Body, Entry, Journal, Store};

/// Of one operation.
#[derive(Clone)]
pub(super) struct Work {
    pub fleet: Arc<Fleet>,
    pub journal: Journal,
    pub store: Store,
    pub events: broadcast::Sender<Arc<EngineEvent>>,
    pub bot: BotName,
    pub op: OperationId,
    pub incident: IncidentId,
    pub epoch: u32,
}

impl Work {
    pub fn entry(&self, body: Body) -> Entry {
        Entry::of(self.op, self.epoch, body)
    }

    pub fn snapshot(&self, reading: &Reading) -> Entry {
        self.entry(Body::snapshot(&self.bot, reading))
    }

    pub fn phase(&self, phase: OperationPhase) {
        self.emit(EngineEvent::Phase { op: self.op, phase });
    }

    /// Nobody may be listening: the journal is the record, the event only tells.
    pub fn emit(&self, event: EngineEvent) {
        let _ = self.events.send(Arc::new(event));
    }

    /// Another look at a provider is over: whether it showed everything, how much was new, how much alive.
    pub fn swept(&self, round: u32, complete: bool, new: usize, live: usize) {
        self.journal.append(self.entry(Body::SweepRound { round, complete, new, live }));
        self.emit(EngineEvent::Swept { op: self.op, round, complete, new, live });
    }

    /// Puts the end on record; what was wrong with the record, if anything was.
    pub async fn end(&self, outcome: &Outcome, cut_at: Option<Timestamp>, times: Times) -> Option<String> {
        let body = Body::OpEnd {
            bot: self.bot.clone(),
            outcome: outcome.word().to_owned(),
            detail: outcome.clone(),
            cut_at,
            time_to_first_cut_ms: times.first_cut_ms,
            time_to_verified_ms: times.verified_ms,
        };
        let committed = self.journal.commit(vec![self.entry(body)]).await;
        committed.err().map(|error| error.to_string()).or_else(|| self.journal.trouble())
    }
}

//! Where each step of one operation stands: the one place that moves states, tells the console and feeds the journal.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use super::millis;
use crate::domain::{
    Answer, AnswerKind, IdentityId, Reading, ReadingSet, Sent, Step, StepEvent, StepId, StepRecord, StepState, Verdict,
};
use crate::engine::{EngineEvent, fleet, work::Work};
use crate::journal::Body;

/// The steps of one operation.
pub(in crate::engine) struct Ledger {
    work: Work,
    steps: Mutex<Steps>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Steps {
    records: BTreeMap<StepId, StepRecord>,
    first_cut: Option<Duration>,
    verified: Option<Duration>,
}

/// Figures for the headline.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Times {
    pub first_cut_ms: Option<u64>,
    pub verified_ms: Option<u64>,
}

impl Ledger {
    pub fn new(work: &Work) -> Self {
        Self { work: work.clone(), steps: Mutex::default(), changed: watch::channel(0).0 }
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits that some step moved.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub fn records(&self) -> BTreeMap<StepId, StepRecord> {
        self.steps().records.clone()
    }

    pub fn record(&self, id: &StepId) -> Option<StepRecord> {
        self.steps().records.get(id).cloned()
    }

    /// Takes armed steps in. A step that is here already takes over what is new about it and keeps its history.
    pub fn take(&self, steps: &[Step]) {
        let mut fresh = Vec::new();
        {
            let mut board = self.steps();
            for step in steps {
                match board.records.get_mut(&step.id) {
                    Some(record) => record.step = step.clone(),
                    None => {
                        let mut record = StepRecord::planned(step.clone());
                        record.state = StepState::Armed;
                        board.records.insert(step.id.clone(), record);
                        fresh.push(step.clone());
                    }
                }
            }
        }
        if !fresh.is_empty() {
            self.work.emit(EngineEvent::Planned { op: self.work.op, steps: fresh });
        }
    }

    /// Takes over the records of a process that is gone; what was on the wire is unknown.
    pub fn restore(&self, records: &BTreeMap<StepId, StepRecord>) {
        let steps: Vec<Step> = records.values().map(|record| record.step.clone()).collect();
        let mut restored = records.clone();
        for record in restored.values_mut() {
            if matches!(record.state, StepState::Sent | StepState::Retrying { .. }) {
                record.state = StepState::Unknown;
            }
        }
        self.steps().records = restored;
        self.work.emit(EngineEvent::Planned { op: self.work.op, steps });
    }

    /// No API can do it: a person is asked.
    pub fn ask(&self, step: &Step) {
        let instruction = step.manual.clone().unwrap_or_else(|| step.target.shown());
        self.apply(&step.id, &StepEvent::AskedOfPerson, None, Some(instruction.clone()));
        let body = Body::StepManual { step: step.id.clone(), instruction, attested_by: None, note: None };
        self.work.journal.append(self.work.entry(body));
    }

    /// An attempt leaves: recorded first, without waiting.
    pub fn attempt(&self, id: &StepId) -> u32 {
        let attempt = {
            let mut board = self.steps();
            let Some(record) = board.records.get_mut(id) else { return 0 };
            record.attempts += 1;
            record.sent_at = Some(self.work.fleet.clock.now());
            record.attempts
        };
        let key = self.work.op.key(id);
        self.work.journal.append(self.work.entry(Body::StepAttempt { step: id.clone(), attempt, key }));
        self.apply(id, &StepEvent::Attempted, None, None);
        attempt
    }

    /// An answer came.
    pub fn answer(&self, id: &StepId, attempt: u32, answer: Answer, latency: Duration) {
        let event = StepEvent::Answered { kind: answer.kind.clone() };
        let detail = answer.detail.as_ref().map(crate::domain::Untrusted::shown);
        {
            let mut board = self.steps();
            let now = self.work.fleet.clock.monotonic();
            if let Some(record) = board.records.get_mut(id) {
                record.answered_at = Some(self.work.fleet.clock.now());
                record.said.clone_from(&detail);
                if matches!(answer.kind, AnswerKind::Accepted) {
                    record.values.clone_from(&answer.values);
                }
                let cut = record.step.gate && matches!(answer.kind, AnswerKind::Accepted | AnswerKind::Gone);
                if cut {
                    board.first_cut.get_or_insert(now);
                }
            }
        }
        if let Some(state) = self.apply(id, &event, Some(answer.clone()), detail) {
            let latency_ms = millis(latency);
            let body = Body::StepAnswer { step: id.clone(), attempt, answer, latency_ms, state };
            self.work.journal.append(self.work.entry(body));
        }
    }

    /// Another attempt follows at that time.
    pub fn defer(&self, id: &StepId, attempt: u32, until: Timestamp) {
        self.apply(id, &StepEvent::Deferred { attempt, until }, None, None);
    }

    /// A read judged a step: recorded where it changes anything or says something new.
    pub fn read(&self, id: &StepId, verdict: Verdict, last: bool) {
        let Some(record) = self.record(id) else { return };
        let detail = match &verdict {
            Verdict::Holds => None,
            Verdict::Fails(what) | Verdict::Unknown(what) => Some(what.clone()),
        };
        if record.state == StepState::Verified && verdict == Verdict::Holds {
            return;
        }
        let same = record.detail == detail;
        let event = StepEvent::Read { verdict: verdict.clone(), last };
        let Some(state) = self.apply(id, &event, None, detail) else { return };
        if state == StepState::Verified {
            self.steps().verified = Some(self.work.fleet.clock.monotonic());
        }
        if !same || state != record.state {
            let read = record.step.proof.clone();
            let body = Body::StepVerify { step: id.clone(), read, verdict, last, state };
            self.work.journal.append(self.work.entry(body));
        }
    }

    /// Judges every step of an identity that is not on its way by a reading; the ids that read as alive.
    pub fn judge(&self, reading: &Reading, last: bool) -> Vec<StepId> {
        let records = self.records();
        let gates = fleet::gates(&records);
        let mut alive = Vec::new();
        for record in records.values().filter(|record| record.step.identity == reading.identity.id) {
            if !judgeable(record, reading) {
                continue;
            }
            let verdict = record.step.postcondition.judge(reading, &fleet::sent(record, &gates));
            if matches!(verdict, Verdict::Fails(_)) {
                alive.push(record.step.id.clone());
            }
            self.read(&record.step.id, verdict, last);
        }
        alive
    }

    /// The final judgement: what was accepted and reads as alive now is contradicted.
    pub fn judge_last(&self, readings: &ReadingSet) {
        for reading in readings.iter() {
            self.judge(reading, true);
        }
    }

    /// When the newest yes came of a step whose reading is older than that, so that nobody knows what it was worth.
    pub fn answered_since(&self, reading: &Reading) -> Option<Timestamp> {
        let board = self.steps();
        let mine = board.records.values().filter(|record| record.step.identity == reading.identity.id);
        let unread = mine.filter(|record| matches!(record.state, StepState::Accepted | StepState::Gone));
        unread.filter(|record| !judgeable(record, reading)).filter_map(|record| record.answered_at).max()
    }

    /// What is known of a step's sending.
    pub fn sent(&self, id: &StepId) -> Option<Sent> {
        let records = self.records();
        let gates = fleet::gates(&records);
        records.get(id).map(|record| fleet::sent(record, &gates))
    }

    /// When the last gate was answered with yes.
    pub fn cut_at(&self) -> Option<Timestamp> {
        let board = self.steps();
        let gates = board.records.values().filter(|record| record.step.gate && record.state.is_cut());
        gates.filter_map(|record| record.answered_at).max()
    }

    /// Whether every gate of these identities has been answered, one way or another.
    pub fn gates_answered(&self) -> bool {
        self.steps().records.values().filter(|record| record.step.gate).all(|record| is_settled(&record.state))
    }

    /// Whether any step of these identities is on its way.
    pub fn in_flight(&self, identities: &[IdentityId]) -> bool {
        let board = self.steps();
        let mine = board.records.values().filter(|record| identities.contains(&record.step.identity));
        mine.into_iter().any(|record| !is_settled(&record.state))
    }

    pub(in crate::engine) fn times(&self, pressed: Duration) -> Times {
        let board = self.steps();
        let since = |at: Option<Duration>| at.map(|at| millis(at.saturating_sub(pressed)));
        Times { first_cut_ms: since(board.first_cut), verified_ms: since(board.verified) }
    }

    /// Moves a state by the one table; an event that makes no sense in the state changes nothing.
    fn apply(
        &self,
        id: &StepId,
        event: &StepEvent,
        answer: Option<Answer>,
        detail: Option<String>,
    ) -> Option<StepState> {
        let (state, attempt, moved) = {
            let mut board = self.steps();
            let record = board.records.get_mut(id)?;
            let state = record.state.after(event).ok()?;
            let moved = state != record.state || answer.is_some();
            record.state = state.clone();
            record.detail.clone_from(&detail);
            (state, record.attempts, moved)
        };
        if moved {
            let (op, step, at) = (self.work.op, id.clone(), self.work.fleet.clock.now());
            let event = EngineEvent::Step { op, step, state: state.clone(), attempt, answer, detail, seq: None, at };
            self.work.emit(event);
        }
        self.changed.send_modify(|revision| *revision += 1);
        Some(state)
    }
}

/// Whether a step waits for nothing that is on its way.
pub(in crate::engine) const fn is_settled(state: &StepState) -> bool {
    !matches!(state, StepState::Planned | StepState::Armed | StepState::Sent | StepState::Retrying { .. })
}

/// A reading from before the newest attempt says nothing about it.
fn judgeable(record: &StepRecord, reading: &Reading) -> bool {
    is_settled(&record.state) && record.answered_at.or(record.sent_at).is_none_or(|at| reading.read_at >= at)
}

//! One restore, from the order to its outcome. It runs in a task of its own, like an isolation, but never fights for
//! its way: whoever isolates wins.
//!
//! ```text
//! RestoreOrder ─guards, approval─▶ arm (one commit: claim, snapshot, difference, intent)
//!    ─▶ first (rotate: old credentials end) ─proved─▶ what is behind the gate ─proved─▶ the gate ─proved─▶ Restored
//!          └────────── not proved, or somebody isolates: the gate stays as it is, Partial ──────────┘
//! ```

mod giveway;
mod plan;
mod undo;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub(super) use giveway::ran_into;
pub(super) use plan::planned;
pub(super) use undo::{Undo, deciding, guard, incidents, lifted, unfinished};

use super::{
    Ended, EngineEvent, OperationPhase, RestoreOrder,
    isolation::{Ledger, Strike, Times, is_settled},
    work::Work,
};
use crate::domain::{
    Depth, Identity, IdentityId, Outcome, Reading, ReadingSet, RestoreInput, RestorePart, RestorePlan, Step, StepId,
    StepRecord, StepState, conclude_restore,
};
use crate::journal::{Body, Entry, JournalError, Operation, Restores};
use giveway::GiveWay;

/// Reads of one part beyond the propagation window.
const ROUNDS: u32 = 10;
/// Between two reads that count.
const APART: Duration = Duration::from_secs(1);
/// A part has so long to be answered before it is read.
const LAND: Duration = Duration::from_secs(2);
/// Reads in a row that must say so before a part is proved.
const SETTLED: u32 = 2;

/// All that one restore works with.
pub(super) struct Restoring {
    pub work: Work,
    pub order: RestoreOrder,
    pub plan: Arc<RestorePlan>,
    /// How each identity read before it was isolated.
    pub before: Vec<Reading>,
    /// The line of the approval that it uses up.
    pub approval: Option<String>,
    /// Entries that open the incident, committed together with the intent.
    pub opening: Vec<Entry>,
    /// Tells it to give way.
    pub token: CancellationToken,
}

/// Where the steps come from.
pub(super) enum Start {
    /// The plan, and what was read for it.
    Fresh(ReadingSet),
    /// What another process left.
    Left(Box<Operation>),
}

impl Restoring {
    /// Runs it to its end. A journal that takes nothing stops it before anything is sent.
    pub async fn run(self, start: Start) -> Result<Ended, JournalError> {
        let (op, at) = (self.work.op, self.work.fleet.clock.now());
        let began = self.work.fleet.clock.monotonic();
        self.work.emit(EngineEvent::Started { op, incident: self.work.incident, bot: self.order.bot.clone(), at });
        self.work.emit(EngineEvent::Restoring { op, plan: self.plan.clone() });
        self.work.phase(OperationPhase::Arming);
        let ledger = Arc::new(Ledger::new(&self.work));
        let leave = Arc::new(self.leave());
        let strike = Strike::new(&self.work, ledger.clone(), Some(leave.clone()));
        self.arm(start, &strike).await?;
        self.work.phase(OperationPhase::Restoring);
        for part in RestorePart::ALL {
            if !self.run_part(part, &strike, &leave).await {
                break;
            }
        }
        strike.finish().await;
        self.work.phase(OperationPhase::Verifying);
        let stopped = leave.stopped();
        // Who gives way leaves the bot to whoever isolates it.
        let now = if stopped.is_some() { ReadingSet::default() } else { self.read(self.identities()).await };
        ledger.judge_last(&now);
        let outcome = self.conclude(&ledger.records(), &now, stopped.as_deref());
        Ok(self.end(&ledger, &now, outcome, began).await)
    }

    fn leave(&self) -> GiveWay {
        GiveWay {
            bot: self.order.bot.clone(),
            op: self.work.op,
            epoch: self.work.epoch,
            incident: self.work.incident,
            approval: self.approval.clone(),
            journal: self.work.journal.clone(),
            store: self.work.store.clone(),
            token: self.token.clone(),
            closed: Arc::default(),
            why: std::sync::Mutex::default(),
        }
    }

    /// Makes everything durable that it is going to do; sends nothing.
    async fn arm(&self, start: Start, strike: &Strike) -> Result<(), JournalError> {
        match start {
            Start::Fresh(now) => {
                let mut entries = self.opening.clone();
                entries.push(self.work.entry(self.claim(false)));
                entries.extend(now.iter().map(|reading| self.work.snapshot(reading)));
                let (bot, plan) = (self.order.bot.clone(), Box::new((*self.plan).clone()));
                entries.push(self.work.entry(Body::RestoreDiff { bot, plan }));
                let steps: Vec<Step> = self.plan.parts().map(|(_, step)| step.clone()).collect();
                strike.hold(entries, self.plan.hash.clone(), steps).await
            }
            Start::Left(left) => {
                self.work.journal.commit(vec![self.work.entry(self.claim(true))]).await?;
                strike.hold_left(&left).await
            }
        }
    }

    /// Sends one part of the way and reads until it is proved; `false`: nothing of the next may be sent.
    async fn run_part(&self, part: RestorePart, strike: &Strike, leave: &GiveWay) -> bool {
        let steps: Vec<&Step> = self.plan.parts().filter(|(of, _)| *of == part).map(|(_, step)| step).collect();
        if steps.is_empty() {
            return leave.stopped().is_none();
        }
        let ledger = strike.ledger();
        for step in steps.iter().filter(|step| step.by_hand && !is(ledger, &step.id, &StepState::Verified)) {
            ledger.ask(step);
        }
        let open = steps.iter().filter(|step| !step.by_hand && !is(ledger, &step.id, &StepState::Verified));
        strike.again(&open.map(|step| step.id.clone()).collect::<Vec<_>>()).await;
        // What a person has to do behind the gate, or to open it, is named and not waited for; what has to be dead is.
        let needed: Vec<&Step> = steps.into_iter().filter(|step| !step.by_hand || part == RestorePart::First).collect();
        self.prove(&needed, strike, leave).await
    }

    /// Reads until every step is proved twice in a row, sending again what reads as undone.
    async fn prove(&self, steps: &[&Step], strike: &Strike, leave: &GiveWay) -> bool {
        let ledger = strike.ledger();
        let identities = self.identities_of(steps);
        let ids: Vec<IdentityId> = identities.iter().map(|identity| identity.id.clone()).collect();
        let mut settled = 0;
        for round in 1..=self.most_rounds(&ids) {
            let began = self.work.fleet.clock.monotonic();
            land(ledger, steps).await;
            if leave.stopped().is_some() {
                return false;
            }
            let readings = self.read(identities.clone()).await;
            let complete = readings.len() == identities.len();
            let alive: Vec<StepId> = readings.iter().flat_map(|reading| ledger.judge(reading, false)).collect();
            let proved = steps.iter().all(|step| ledger.record(&step.id).is_some_and(|record| record.is_done()));
            settled = if proved && complete { settled + 1 } else { 0 };
            if settled >= SETTLED {
                return true;
            }
            if round > 1 && is_hopeless(steps, ledger) {
                return false;
            }
            strike.again(&worth_another(steps, ledger, &alive)).await;
            let since = self.work.fleet.clock.monotonic().saturating_sub(began);
            tokio::time::sleep(APART.saturating_sub(since)).await;
        }
        false
    }

    fn most_rounds(&self, identities: &[IdentityId]) -> u32 {
        let providers = identities.iter().filter_map(|id| self.work.fleet.provider(id.provider()));
        let window = providers.map(|provider| provider.propagation().as_secs()).max().unwrap_or(0);
        ROUNDS.saturating_add(u32::try_from(window).unwrap_or(ROUNDS))
    }

    /// The identities that it has to do with, as they were.
    fn identities(&self) -> Vec<Identity> {
        self.before.iter().map(|reading| reading.identity.clone()).collect()
    }

    fn identities_of(&self, steps: &[&Step]) -> Vec<Identity> {
        let mut identities = self.identities();
        identities.retain(|identity| steps.iter().any(|step| step.identity == identity.id));
        identities
    }

    /// Reads live; what cannot be read is left out.
    async fn read(&self, identities: Vec<Identity>) -> ReadingSet {
        let reads = identities.iter().map(|identity| self.work.fleet.read_one(identity));
        futures::future::join_all(reads).await.into_iter().flatten().collect()
    }

    fn conclude(&self, steps: &BTreeMap<StepId, StepRecord>, now: &ReadingSet, stopped: Option<&str>) -> Outcome {
        conclude_restore(&RestoreInput { plan: &self.plan, steps, before: &self.before, now, stopped })
    }

    async fn end(&self, ledger: &Ledger, now: &ReadingSet, outcome: Outcome, began: Duration) -> Ended {
        self.work.fleet.keep(now);
        if let Outcome::Contradicted { alive, .. } = &outcome {
            self.work.journal.append(self.work.entry(Body::Contradicted { alive: alive.clone() }));
            let (op, bot, alive) = (self.work.op, self.order.bot.clone(), alive.clone());
            self.work.emit(EngineEvent::Contradicted { op, bot, alive });
        }
        let time_to_verified_ms = ledger.times(began).verified_ms;
        let times = Times { first_cut_ms: None, verified_ms: time_to_verified_ms };
        let journal_trouble = self.work.end(&outcome, None, times).await;
        Ended {
            outcome,
            time_to_first_cut_ms: None,
            time_to_verified_ms,
            time_to_dark_ms: None,
            journal_trouble,
            followed: None,
        }
    }

    fn claim(&self, resumed: bool) -> Body {
        let (op, mode, approval) = (self.plan.undoes, self.plan.mode, self.approval.clone());
        Body::OpClaim {
            bot: self.order.bot.clone(),
            depth: Depth::Isolate,
            reason: self.order.reason.clone(),
            identities: self.identities(),
            collateral: Vec::new(),
            resumed,
            restores: Some(Restores { op, mode, approval }),
        }
    }
}

/// Whether what is not proved has been refused, or is for a person: reading again does not change that.
fn is_hopeless(steps: &[&Step], ledger: &Ledger) -> bool {
    let mut open =
        steps.iter().filter_map(|step| ledger.record(&step.id)).filter(|record| !record.is_done()).peekable();
    open.peek().is_some() && open.all(|one| matches!(one.state, StepState::Refused { .. } | StepState::Manual))
}

fn is(ledger: &Ledger, step: &StepId, state: &StepState) -> bool {
    ledger.record(step).is_some_and(|record| record.state == *state)
}

/// Gives what was just sent the time of one step before it is read.
async fn land(ledger: &Ledger, steps: &[&Step]) {
    let mut changes = ledger.changes();
    let open = || steps.iter().filter_map(|step| ledger.record(&step.id)).any(|one| !is_settled(&one.state));
    let landed = async { while open() && changes.changed().await.is_ok() {} };
    let _ = tokio::time::timeout(LAND, landed).await;
}

/// What reads as undone, and what never got through.
fn worth_another(steps: &[&Step], ledger: &Ledger, alive: &[StepId]) -> Vec<StepId> {
    let records = steps.iter().filter_map(|step| ledger.record(&step.id));
    let again = records.filter(|record| match record.state {
        StepState::Accepted | StepState::Gone | StepState::Contradicted => alive.contains(&record.step.id),
        StepState::Unknown | StepState::Unreachable => true,
        _ => false,
    });
    again.map(|record| record.step.id).collect()
}

//! One isolation, from the order to its outcome. It runs in a task of its own and finishes even if the screen dies.
//!
//! ```text
//! Order ──guards──▶ arm (one commit) ──▶ strike ──▶ sweep ⟲ ──▶ proof ──▶ Outcome
//!                    │ stale? gates first,    │        │ list again, strike what is new or alive,
//!                    │ then a snapshot (2 s)  │        │ until two clean, complete listings 1 s apart
//!                    ▼                        ▼        ▼
//!                 plan.intent        step.attempt/answer    sweep.round, step.verify, op.end
//! ```

mod last;
mod ledger;
mod proof;
mod strike;
mod sweep;

use std::{sync::Arc, time::Duration};

pub(super) use ledger::{Ledger, Times, is_settled};
pub(super) use strike::{Leave, Strike};

use super::{BotView, Ended, EngineEvent, OperationPhase, Order, restore, work::Work};
use crate::domain::{
    Collateral, Depth, Identity, Outcome, OutcomeInput, Plan, PlanHash, Reading, ReadingSet, Reversibility, conclude,
};
use crate::journal::{Body, Entry, JournalError, Operation};

/// How long a destructive step waits for a snapshot of what it destroys.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(2);

/// All that one isolation works with.
pub(super) struct Isolation {
    pub work: Work,
    pub order: Order,
    /// Entries that open the incident, committed together with the intent.
    pub opening: Vec<Entry>,
    /// Monotonic time of the key.
    pub pressed: Duration,
}

/// Where the steps come from.
#[derive(Clone)]
pub(super) enum Start {
    /// The plan that was shown.
    Fresh(Arc<BotView>),
    /// What another process left.
    Left(Box<Operation>),
}

impl Isolation {
    /// Runs it to its end. Only a journal that takes nothing at all stops it, before anything is sent.
    pub async fn run(self, start: Start) -> Result<Ended, JournalError> {
        let (bot, at) = (self.order.bot.clone(), self.work.fleet.clock.now());
        self.work.emit(EngineEvent::Started { op: self.work.op, incident: self.work.incident, bot, at });
        self.work.phase(OperationPhase::Arming);
        let ledger = Arc::new(Ledger::new(&self.work));
        let strike = Strike::new(&self.work, ledger.clone(), None);
        let (identities, collateral) = match start {
            Start::Fresh(view) => self.begin(&view, &strike).await?,
            Start::Left(operation) => self.take_over(&operation, &strike).await?,
        };
        self.work.phase(OperationPhase::Sweeping);
        let mut swept = sweep::sweep(&self, &strike, identities).await;
        // What a restore had on its way may have landed behind the last listing.
        if restore::ran_into(&self.work.store, &self.work.fleet.clock, &self.order.bot, self.work.op).await {
            swept = sweep::sweep(&self, &strike, swept.identities).await;
        }
        let used = proof::use_leaked(&self).await;
        if !used.is_empty() {
            // What let it in may be new, and so is whatever it was given.
            swept = sweep::sweep(&self, &strike, std::mem::take(&mut swept.identities)).await;
        }
        strike.send_no_more();
        strike.finish().await;
        last::look_again(&self, &strike, &mut swept).await;
        self.work.phase(OperationPhase::Verifying);
        let outcome = self.conclude(&ledger, &swept, &collateral);
        let outcome = outcome.contradicted_by(&used);
        Ok(self.end(&ledger, &swept, outcome).await)
    }

    /// Arms what was shown and lets it go.
    async fn begin(&self, view: &BotView, strike: &Strike) -> Result<(Vec<Identity>, Vec<Collateral>), JournalError> {
        let identities = view.family();
        let plan = if self.order.depth == Depth::Burn { &view.burn } else { &view.plan };
        let mut before = self.opening.clone();
        before.push(self.work.entry(self.claim(&identities, &plan.collateral, false)));
        if !view.is_stale(self.work.fleet.clock.now()) {
            before.extend(view.readings.iter().map(|reading| self.work.snapshot(reading)));
            strike.arm(before, plan.hash.clone(), 0, plan.steps.clone()).await?;
            self.raise(view);
            self.work.phase(OperationPhase::Striking);
            return Ok((identities, plan.collateral.clone()));
        }
        // Gates, and all of whoever was read in time: one provider's silence is no reason to wait at another.
        let ready: Vec<&Reading> = view.readings.iter().filter(|reading| !self.is_stale(reading)).collect();
        let is_ready = |id: &crate::domain::IdentityId| ready.iter().any(|reading| reading.identity.id == *id);
        let first: Vec<_> = plan.steps.iter().filter(|step| step.gate || is_ready(&step.identity)).cloned().collect();
        let hash = PlanHash::of(&self.order.bot, self.order.depth, &first);
        before.extend(ready.iter().map(|reading| self.work.snapshot(reading)));
        strike.arm(before, hash, 0, first).await?;
        self.raise(view);
        self.work.phase(OperationPhase::Striking);
        let unread: Vec<Identity> = identities.iter().filter(|identity| !is_ready(&identity.id)).cloned().collect();
        let readings = self.fresh_snapshot(view, &unread).await;
        let (plan, snapshot) = self.plan_from(plan, &readings);
        strike.arm(snapshot, plan.hash, 0, plan.steps).await?;
        Ok((identities, plan.collateral))
    }

    /// Puts on record what was wrong with the bot. The requests are on their way by now: none waits for this.
    fn raise(&self, view: &BotView) {
        for finding in &view.findings.fired {
            self.work.journal.append(self.work.entry(Body::raised(&self.order.bot, finding)));
        }
        for suppressed in &view.findings.suppressed {
            self.work.journal.append(self.work.entry(Body::suppressed(&self.order.bot, suppressed)));
        }
    }

    /// A read of what the strike will destroy, 2 s at most; what did not come is marked as not restorable.
    async fn fresh_snapshot(&self, view: &BotView, identities: &[Identity]) -> ReadingSet {
        let mut readings = view.readings.clone();
        let reads = identities.iter().map(|identity| self.work.fleet.read_one(identity));
        let reads = reads.map(|read| tokio::time::timeout(SNAPSHOT_WAIT, read));
        for reading in futures::future::join_all(reads).await.into_iter().flatten().flatten() {
            readings.insert(reading);
        }
        readings
    }

    /// Older than a strike may stand on, or of an earlier process, however young.
    fn is_stale(&self, reading: &Reading) -> bool {
        self.work.fleet.clock.now().duration_since(reading.read_at) > super::STALE_AFTER
            || self.work.fleet.has_recalled(reading)
    }

    /// The plan over newer readings, with their snapshots.
    fn plan_from(&self, shown: &Plan, readings: &ReadingSet) -> (Plan, Vec<Entry>) {
        let mut steps = Vec::new();
        for reading in readings.iter() {
            let stale = self.is_stale(reading);
            if let Some(provider) = self.work.fleet.provider(reading.identity.id.provider()) {
                steps.extend(provider.steps(reading, self.order.depth).into_iter().map(|mut step| {
                    if stale && step.reversible == Reversibility::FromSnapshot {
                        step.reversible = Reversibility::Irreversible;
                    }
                    step
                }));
            }
        }
        let snapshot = readings.iter().map(|reading| self.work.snapshot(reading)).collect();
        let plan = Plan::new(shown.bot.clone(), self.order.depth, steps, readings, shown.collateral.clone());
        (plan, snapshot)
    }

    /// Takes over what another process left: same keys, a higher epoch.
    async fn take_over(
        &self,
        left: &Operation,
        strike: &Strike,
    ) -> Result<(Vec<Identity>, Vec<Collateral>), JournalError> {
        let mut identities: Vec<Identity> = left.identities.iter().map(|known| self.resolved(known)).collect();
        for reading in &left.snapshot {
            if !identities.iter().any(|identity| identity.id == reading.identity.id) {
                identities.push(reading.identity.clone());
            }
        }
        let claim = self.claim(&identities, &left.collateral, true);
        self.work.journal.commit(vec![self.work.entry(claim)]).await?;
        strike.take_over(left).await?;
        self.work.phase(OperationPhase::Striking);
        Ok((identities, left.collateral.clone()))
    }

    /// A server that was down when the operation began could not tell whose name the configuration has: the listing
    /// can by now.
    fn resolved(&self, known: &Identity) -> Identity {
        let snapshot = self.work.fleet.snapshot();
        let listed = snapshot.bot(&self.order.bot).map(|view| view.identities.as_slice()).unwrap_or_default();
        let of_that_name =
            |one: &&Identity| one.id.provider() == known.id.provider() && one.name.raw() == known.id.native();
        let same = listed.iter().find(|one| one.id == known.id);
        same.map_or_else(|| listed.iter().find(of_that_name).unwrap_or(known).clone(), |_| known.clone())
    }

    fn conclude(&self, ledger: &Ledger, swept: &sweep::Swept, collateral: &[Collateral]) -> Outcome {
        ledger.judge_last(&swept.readings);
        let collateral = self.still_open(collateral);
        conclude(&OutcomeInput {
            steps: &ledger.records(),
            identities: &swept.identities,
            readings: &swept.readings,
            collateral: &collateral,
            clean_rounds: swept.clean_rounds,
            rounds: swept.rounds,
            still_minting: swept.still_minting,
            cut_at: ledger.cut_at(),
            now: self.work.fleet.clock.now(),
        })
    }

    /// Collateral as the fleet sees it now: another isolation may have shut what this bot's key opens.
    fn still_open(&self, claimed: &[Collateral]) -> Vec<Collateral> {
        self.work.fleet.publish();
        let snapshot = self.work.fleet.snapshot();
        let current = snapshot.bot(&self.order.bot).map(|view| view.plan.collateral.clone()).unwrap_or_default();
        self.work.fleet.still_open(current, claimed)
    }

    async fn end(&self, ledger: &Ledger, swept: &sweep::Swept, outcome: Outcome) -> Ended {
        self.work.fleet.keep(&swept.readings);
        let residual = match &outcome {
            Outcome::DarkAt { residual, .. } | Outcome::Partial { residual, .. } => residual.clone(),
            _ => Vec::new(),
        };
        if let Outcome::Contradicted { alive, .. } = &outcome {
            self.work.journal.append(self.work.entry(Body::Contradicted { alive: alive.clone() }));
        }
        if !residual.is_empty() {
            self.work.journal.append(self.work.entry(Body::ResidualSet { residual: residual.clone() }));
            self.work.emit(EngineEvent::Residual { op: self.work.op, residual });
        }
        let times = ledger.times(self.pressed);
        let trouble = self.work.end(&outcome, ledger.cut_at(), times).await;
        Ended {
            time_to_first_cut_ms: times.first_cut_ms,
            time_to_verified_ms: times.verified_ms,
            time_to_dark_ms: self.time_to_dark(&outcome, times.verified_ms),
            outcome,
            journal_trouble: trouble,
            followed: None,
        }
    }

    /// From the key to dark: now, or when the last residual ends.
    fn time_to_dark(&self, outcome: &Outcome, verified_ms: Option<u64>) -> Option<u64> {
        match outcome {
            Outcome::Dark => verified_ms,
            Outcome::DarkAt { at, .. } => {
                let since = self.work.fleet.clock.monotonic().saturating_sub(self.pressed);
                let ahead = u64::try_from(at.duration_since(self.work.fleet.clock.now()).as_millis()).unwrap_or(0);
                Some(millis(since).saturating_add(ahead))
            }
            _ => None,
        }
    }

    fn claim(&self, identities: &[Identity], collateral: &[Collateral], resumed: bool) -> Body {
        Body::OpClaim {
            bot: self.order.bot.clone(),
            depth: self.order.depth,
            reason: self.order.reason.clone(),
            identities: identities.to_vec(),
            collateral: collateral.to_vec(),
            resumed,
            restores: None,
        }
    }
}

/// Milliseconds of a duration, for documents.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

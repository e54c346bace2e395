//! One round: every identity of the provider is read, and what is new or alive is told.

use futures::{StreamExt as _, stream};

use super::{APART, OneSweep, STUCK, is_open};
use crate::domain::{Identity, IdentityId, IdentityState, Reading, Step, StepId, StepState};
use crate::engine::{ProviderError, isolation::is_settled};
use crate::journal::Entry;

/// Identities read at once.
const READS_AT_ONCE: usize = 8;
/// Children that are followed before the sweep says that it cannot keep up.
const MOST_IDENTITIES: usize = 500;

/// What one round saw.
#[derive(Default)]
pub struct Round {
    pub complete: bool,
    pub new: Vec<Step>,
    pub snapshots: Vec<Entry>,
    pub alive: Vec<StepId>,
    /// Holdings alive that no step covers, or that are gated where they must be gone.
    pub uncovered: usize,
    pub settled: bool,
    /// Whether a read failed for a reason that may pass.
    pub passing: bool,
}

impl Round {
    fn failed(&mut self, error: &ProviderError) {
        self.complete = false;
        self.passing |= matches!(error, ProviderError::RateLimited { .. } | ProviderError::Transient(_));
    }
}

impl OneSweep<'_> {
    /// One round. While steps are open and nothing comes true it takes no longer than it takes to be stuck: a server
    /// that is busy for ever slows reads down as well.
    pub(super) async fn round_in_time(&mut self) -> Round {
        if !self.has_open() {
            return self.round().await;
        }
        let idle = self.isolation.work.fleet.clock.monotonic().saturating_sub(self.progress.1);
        let left = (STUCK + self.provider.propagation()).saturating_sub(idle).max(APART);
        let late = Round { passing: true, ..Round::default() };
        tokio::time::timeout(left, self.round()).await.unwrap_or(late)
    }

    /// Whether a step at this provider has not been answered with yes or no.
    fn has_open(&self) -> bool {
        let records = self.strike.ledger().records();
        let mut here = records.values().filter(|record| record.step.identity.provider() == self.provider.name());
        here.any(|record| !is_settled(&record.state) || record.state == StepState::Unknown)
    }

    /// Reads every identity, children as they show up.
    async fn round(&mut self) -> Round {
        let mut round = Round { complete: true, ..Round::default() };
        // What lands while it is read is not in what was read.
        let settled = self.is_settled();
        let mut from = 0;
        while from < self.swept.identities.len() {
            let batch: Vec<Identity> = self.swept.identities[from..].to_vec();
            from = self.swept.identities.len();
            let fleet = &self.isolation.work.fleet;
            let answers: Vec<_> = stream::iter(batch.clone())
                .map(|identity| async move { fleet.read_patiently(&identity).await })
                .buffered(READS_AT_ONCE)
                .collect()
                .await;
            let (mut nameless, mut gone) = (Vec::new(), false);
            for (identity, answer) in batch.into_iter().zip(answers) {
                match answer {
                    Ok(reading) => {
                        gone |= reading.identity.state == IdentityState::Gone;
                        self.take(reading, &mut round);
                    }
                    // It was never listed: it may be a name, in the place of an id.
                    Err(ProviderError::BadData(_)) if identity.state == IdentityState::Unknown => {
                        nameless.push(identity);
                    }
                    Err(error) => round.failed(&error),
                }
            }
            if !nameless.is_empty() {
                from = self.resolve(&nameless, &mut round).await;
            }
            if gone && fleet.is_recalled(self.provider.name()) {
                self.look_for_successors(&mut round).await;
            }
        }
        round.settled = settled && self.is_settled();
        round
    }

    /// Finds the ids of names that no listing could resolve when the strike began, because the server did not answer in
    /// time. What is found is to be read next: from that index on.
    async fn resolve(&mut self, nameless: &[Identity], round: &mut Round) -> usize {
        if let Err(error) = self.isolation.work.fleet.list_once(self.provider).await {
            round.failed(&error);
        }
        let mut found = Vec::new();
        for known in nameless {
            let resolved = self.isolation.resolved(known);
            if resolved.id == known.id {
                round.complete = false;
                continue;
            }
            self.swept.identities.retain(|identity| identity.id != known.id && identity.id != resolved.id);
            found.push(resolved);
        }
        let from = self.swept.identities.len();
        self.swept.identities.extend(found);
        from
    }

    /// What an earlier process has listed is gone, and its name may be another's by now: only a listing of today tells.
    async fn look_for_successors(&mut self, round: &mut Round) {
        if let Err(error) = self.isolation.work.fleet.list_once(self.provider).await {
            round.failed(&error);
        }
        let snapshot = self.isolation.work.fleet.snapshot();
        let listed = snapshot.bot(&self.isolation.order.bot).map(|view| view.identities.clone()).unwrap_or_default();
        let known = |one: &Identity| self.swept.identities.iter().any(|identity| identity.id == one.id);
        let is_there = |one: &Identity| matches!(one.state, IdentityState::Live | IdentityState::Gated);
        let here = listed.into_iter().filter(|one| one.id.provider() == self.provider.name());
        let new: Vec<Identity> = here.filter(|one| is_there(one) && !known(one)).collect();
        self.swept.identities.extend(new);
    }

    /// Whether nothing is on its way.
    fn is_settled(&self) -> bool {
        let ids: Vec<IdentityId> = self.swept.identities.iter().map(|identity| identity.id.clone()).collect();
        !self.strike.ledger().in_flight(&ids)
    }

    fn take(&mut self, reading: Reading, round: &mut Round) {
        for child in &reading.children {
            let known = self.swept.identities.iter().any(|identity| identity.id == child.id);
            if !known && self.swept.identities.len() < MOST_IDENTITIES {
                self.swept.identities.push(child.clone());
            }
        }
        round.complete &= reading.is_complete();
        let ledger = self.strike.ledger();
        let first_time = self.swept.readings.get(&reading.identity.id).is_none();
        let mut found = Vec::new();
        for step in self.provider.steps(&reading, self.isolation.order.depth) {
            match ledger.record(&step.id) {
                None => found.push(step),
                // The same action on more than before, such as a role that came back.
                Some(record) if record.step.params != step.params && touches_live(&step, &reading) => found.push(step),
                Some(_) => {}
            }
        }
        if !found.is_empty() && first_time {
            round.snapshots.push(self.isolation.work.snapshot(&reading));
        }
        round.new.extend(found);
        let worth = |id: &StepId| ledger.record(id).is_some_and(|record| worth_another(&record.state));
        round.alive.extend(ledger.judge(&reading, false).into_iter().filter(worth));
        round.uncovered += reading.holdings.iter().filter(|holding| is_open(holding.state, holding.family)).count();
        self.swept.readings.insert(reading);
    }
}

/// A refused step stays refused; a person's step is a person's.
const fn worth_another(state: &StepState) -> bool {
    !matches!(state, StepState::Refused { .. } | StepState::Manual | StepState::Attested)
}

fn touches_live(step: &Step, reading: &Reading) -> bool {
    step.holdings.iter().filter_map(|id| reading.holding(id)).any(|holding| is_open(holding.state, holding.family))
}

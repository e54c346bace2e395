//! List again; strike what is new or still alive; until two clean, complete listings at least 1 s apart.
//!
//! Each provider is swept on its own, so that a dead one holds up nobody.

mod again;
mod round;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Isolation, Strike};
use crate::domain::{Family, HoldingState, Identity, ProviderName, ReadingSet, StepId, StepState};
use crate::engine::Provider;
use round::Round;

/// A sweep begins when the gate is answered, or after this.
const GATE_WAIT: Duration = Duration::from_secs(2);
/// Between two listings that count.
const APART: Duration = Duration::from_secs(1);
/// Rounds beyond the propagation window.
const ROUNDS: u32 = 10;
/// A provider that cannot be read for passing reasons (5xx, lost answers) is read again for so long, and no longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A sweep under which nothing has come true for so long, beyond the propagation window, is given up: `resume` goes on.
const STUCK: Duration = PATIENCE;
/// Readings that have changed within that time are not stable.
const UNSTABLE: Duration = Duration::from_secs(10);
/// Rounds of any kind: a server whose readings never come to rest is given up too.
const MOST_ROUNDS: u32 = 60;

/// What the sweep came to.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub identities: Vec<Identity>,
    pub readings: ReadingSet,
    pub clean_rounds: u32,
    pub rounds: u32,
    pub still_minting: bool,
}

/// Sweeps every provider of the bot side by side.
pub(super) async fn sweep(isolation: &Isolation, strike: &Strike, identities: Vec<Identity>) -> Swept {
    wait_for_gates(strike).await;
    let mut by_provider: BTreeMap<ProviderName, Vec<Identity>> = BTreeMap::new();
    for identity in identities {
        by_provider.entry(identity.id.provider().clone()).or_default().push(identity);
    }
    let sweeps = by_provider.into_iter().map(|(name, identities)| async move {
        match isolation.work.fleet.provider(&name) {
            Some(provider) => OneSweep::new(isolation, strike, provider, identities).run().await,
            None => Swept { identities, ..Swept::default() },
        }
    });
    let mut whole = Swept { clean_rounds: u32::MAX, ..Swept::default() };
    for swept in futures::future::join_all(sweeps).await {
        whole.identities.extend(swept.identities);
        for reading in swept.readings.iter() {
            whole.readings.insert(reading.clone());
        }
        whole.clean_rounds = whole.clean_rounds.min(swept.clean_rounds);
        whole.rounds = whole.rounds.max(swept.rounds);
        whole.still_minting |= swept.still_minting;
    }
    if whole.identities.is_empty() {
        whole.clean_rounds = 0;
    }
    whole
}

async fn wait_for_gates(strike: &Strike) {
    let mut changes = strike.ledger().changes();
    let answered = async { while !strike.ledger().gates_answered() && changes.changed().await.is_ok() {} };
    let _ = tokio::time::timeout(GATE_WAIT, answered).await;
}

/// The sweep of one provider.
struct OneSweep<'a> {
    isolation: &'a Isolation,
    strike: &'a Strike,
    provider: &'a Arc<dyn Provider>,
    swept: Swept,
    /// What the last round found new.
    new: usize,
    /// Rounds that count: those in which the strike was not simply busy with what it has.
    counted: u32,
    /// How far the ledger was when the last round began.
    moved: u64,
    /// What the last round found alive of what was struck, and since when it reads so.
    alive: (Vec<StepId>, Duration),
    /// The most that has come true, of steps and identities, and when it did.
    progress: ((usize, usize), Duration),
}

impl<'a> OneSweep<'a> {
    fn new(
        isolation: &'a Isolation,
        strike: &'a Strike,
        provider: &'a Arc<dyn Provider>,
        identities: Vec<Identity>,
    ) -> Self {
        let swept = Swept { identities, ..Swept::default() };
        let (alive, progress) = ((Vec::new(), Duration::ZERO), ((0, 0), Duration::ZERO));
        Self { isolation, strike, provider, swept, new: 0, counted: 0, moved: 0, alive, progress }
    }

    async fn run(mut self) -> Swept {
        let window = u32::try_from(self.provider.propagation().as_secs()).unwrap_or(ROUNDS);
        let most = ROUNDS.saturating_add(window);
        let started = self.isolation.work.fleet.clock.monotonic();
        self.progress = (self.come_true(), started);
        loop {
            // What the listing would find alive anyway is cut first: mutations go before reads.
            if let Some(budget) = self.isolation.work.fleet.budget(self.provider.name()) {
                let idle = self.isolation.work.fleet.clock.monotonic().saturating_sub(self.progress.1);
                let _ = tokio::time::timeout(STUCK.saturating_sub(idle), budget.caught_up()).await;
            }
            let began = self.isolation.work.fleet.clock.monotonic();
            self.swept.rounds += 1;
            let round = self.round_in_time().await;
            let clean = round.complete && round.settled && round.new.is_empty() && round.alive.is_empty();
            self.new = round.new.len();
            self.record(&round);
            self.swept.clean_rounds = if clean { self.swept.clean_rounds + 1 } else { 0 };
            self.counted += u32::from(!self.is_busy(&round));
            // A round at a mute provider takes long: it counts as it ends.
            let patient = self.isolation.work.fleet.clock.monotonic().saturating_sub(started) < PATIENCE;
            let mute = round.passing && !patient;
            let stuck = self.is_stuck(&round);
            let restless = self.is_restless(&round);
            // The last round only looks: what it finds alive has had its chances.
            if self.swept.clean_rounds >= 2
                || (self.counted > most && !restless)
                || mute
                || stuck
                || (self.hopeless(&round) && !(round.passing && patient))
            {
                break;
            }
            self.strike_again(round, self.counted > most).await;
            let since = self.isolation.work.fleet.clock.monotonic().saturating_sub(began);
            tokio::time::sleep(APART.saturating_sub(since)).await;
        }
        self.swept.still_minting = self.new > 0;
        self.swept
    }

    /// What was struck often enough reads otherwise than a moment ago: it is becoming true, or reads flap. Then it is
    /// looked at for a while longer, and sent no more.
    fn is_restless(&mut self, round: &Round) -> bool {
        let now = self.isolation.work.fleet.clock.monotonic();
        if self.alive.0 != round.alive {
            self.alive = (round.alive.clone(), now);
        }
        round.new.is_empty() && now.saturating_sub(self.alive.1) < UNSTABLE && self.swept.rounds < MOST_ROUNDS
    }

    /// The strike goes on with what was armed, one step after another, and the round found nothing beyond it: that a
    /// slow budget takes its time uses up no round.
    fn is_busy(&mut self, round: &Round) -> bool {
        let moved = *self.strike.ledger().changes().borrow();
        let goes_on = std::mem::replace(&mut self.moved, moved) != moved;
        goes_on && !round.settled && round.new.is_empty() && round.alive.is_empty()
    }

    /// Something is open, and for long nothing has come true and nothing was found.
    fn is_stuck(&mut self, round: &Round) -> bool {
        let (now, count) = (self.isolation.work.fleet.clock.monotonic(), self.come_true());
        let (best, since) = self.progress;
        if count > best || !round.new.is_empty() {
            self.progress = (count.max(best), now);
            return false;
        }
        let open = !round.settled || !round.alive.is_empty();
        open && self.swept.rounds >= 2 && now.saturating_sub(since) >= STUCK + self.provider.propagation()
    }

    /// How many steps at this provider were answered with yes or proved, and how many identities are known.
    fn come_true(&self) -> (usize, usize) {
        let records = self.strike.ledger().records();
        let here = records.values().filter(|record| record.step.identity.provider() == self.provider.name());
        let true_by_now =
            here.filter(|record| matches!(record.state, StepState::Accepted | StepState::Gone | StepState::Verified));
        (true_by_now.count(), self.swept.identities.len())
    }

    /// Nothing left to strike and nothing that another listing would show: refused steps stay refused.
    fn hopeless(&self, round: &Round) -> bool {
        let quiet = round.settled && round.new.is_empty() && round.alive.is_empty();
        quiet && !round.complete && self.swept.rounds >= 3
    }

    fn record(&self, round: &Round) {
        let (number, complete) = (self.swept.rounds, round.complete);
        let (new, live) = (round.new.len(), round.alive.len().max(round.uncovered));
        self.isolation.work.swept(number, complete, new, live);
    }
}

/// Alive, or merely gated where only gone will do.
pub(super) const fn is_open(state: HoldingState, family: Family) -> bool {
    match state {
        HoldingState::Live => true,
        HoldingState::Gated => matches!(family, Family::Token | Family::Connector | Family::Grant),
        HoldingState::Gone | HoldingState::Unlisted => false,
    }
}

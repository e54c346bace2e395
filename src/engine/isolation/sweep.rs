//! List again; strike what is new or still alive; until two clean, complete listings at least 1 s apart.
//!
//! Each provider is swept on its own, so that a dead one holds up nobody.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};

use super::{Isolation, Strike, is_settled};
use crate::domain::{
    Family, HoldingState, Identity, IdentityId, IdentityState, PlanHash, Postcondition, ProviderName, Reading,
    ReadingSet, Step, StepId, StepState,
};
use crate::engine::{EngineEvent, Provider, ProviderError, Urgency};
use crate::journal::{Body, Entry};

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
/// Attempts of one step in one isolation: those of the strike, and one in each of ten rounds.
const MOST_TRIES: usize = 15;
/// Rounds of any kind: a server whose readings never come to rest is given up too.
const MOST_ROUNDS: u32 = 60;
/// Identities read at once.
const READS_AT_ONCE: usize = 8;
/// Children that are followed before the sweep says that it cannot keep up.
const MOST_IDENTITIES: usize = 500;

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
        match isolation.fleet.provider(&name) {
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

/// What one round saw.
#[derive(Default)]
struct Round {
    complete: bool,
    new: Vec<Step>,
    snapshots: Vec<Entry>,
    alive: Vec<StepId>,
    /// Holdings alive that no step covers, or that are gated where they must be gone.
    uncovered: usize,
    settled: bool,
    /// Whether a read failed for a reason that may pass.
    passing: bool,
}

impl Round {
    fn failed(&mut self, error: &ProviderError) {
        self.complete = false;
        self.passing |= matches!(error, ProviderError::RateLimited { .. } | ProviderError::Transient(_));
    }
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
        let started = self.isolation.fleet.clock.monotonic();
        self.progress = (self.come_true(), started);
        loop {
            // What the listing would find alive anyway is cut first: mutations go before reads.
            if let Some(budget) = self.isolation.fleet.budget(self.provider.name()) {
                let idle = self.isolation.fleet.clock.monotonic().saturating_sub(self.progress.1);
                let _ = tokio::time::timeout(STUCK.saturating_sub(idle), budget.caught_up()).await;
            }
            let began = self.isolation.fleet.clock.monotonic();
            self.swept.rounds += 1;
            let round = self.round_in_time().await;
            let clean = round.complete && round.settled && round.new.is_empty() && round.alive.is_empty();
            self.new = round.new.len();
            self.record(&round);
            self.swept.clean_rounds = if clean { self.swept.clean_rounds + 1 } else { 0 };
            self.counted += u32::from(!self.is_busy(&round));
            // A round at a mute provider takes long: it counts as it ends.
            let patient = self.isolation.fleet.clock.monotonic().saturating_sub(started) < PATIENCE;
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
            let since = self.isolation.fleet.clock.monotonic().saturating_sub(began);
            tokio::time::sleep(APART.saturating_sub(since)).await;
        }
        self.swept.still_minting = self.new > 0;
        self.swept
    }

    /// What was struck often enough reads otherwise than a moment ago: it is becoming true, or reads flap. Then it is
    /// looked at for a while longer, and sent no more.
    fn is_restless(&mut self, round: &Round) -> bool {
        let now = self.isolation.fleet.clock.monotonic();
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
        let (now, count) = (self.isolation.fleet.clock.monotonic(), self.come_true());
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

    /// One round. While steps are open and nothing comes true it takes no longer than it takes to be stuck: a server
    /// that is busy for ever slows reads down as well.
    async fn round_in_time(&mut self) -> Round {
        if !self.has_open() {
            return self.round().await;
        }
        let idle = self.isolation.fleet.clock.monotonic().saturating_sub(self.progress.1);
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
            let fleet = &self.isolation.fleet;
            let answers: Vec<_> = stream::iter(batch.clone())
                .map(|identity| async move { fleet.read_patiently(&identity).await })
                .buffered(READS_AT_ONCE)
                .collect()
                .await;
            let mut nameless = Vec::new();
            for (identity, answer) in batch.into_iter().zip(answers) {
                match answer {
                    Ok(reading) => self.take(reading, &mut round),
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
        }
        round.settled = settled && self.is_settled();
        round
    }

    /// Finds the ids of names that no listing could resolve when the strike began, because the server did not answer in
    /// time. What is found is to be read next: from that index on.
    async fn resolve(&mut self, nameless: &[Identity], round: &mut Round) -> usize {
        if let Err(error) = self.isolation.fleet.list_once(self.provider).await {
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
            round.snapshots.push(self.isolation.snapshot(&reading));
        }
        round.new.extend(found);
        let worth = |id: &StepId| ledger.record(id).is_some_and(|record| worth_another(&record.state));
        round.alive.extend(ledger.judge(&reading, false).into_iter().filter(worth));
        round.uncovered += reading.holdings.iter().filter(|holding| is_open(holding.state, holding.family)).count();
        self.swept.readings.insert(reading);
    }

    fn record(&self, round: &Round) {
        let (number, complete) = (self.swept.rounds, round.complete);
        let (new, live) = (round.new.len(), round.alive.len().max(round.uncovered));
        let entry = self.isolation.entry(Body::SweepRound { round: number, complete, new, live });
        self.isolation.journal.append(entry);
        self.isolation.emit(EngineEvent::Swept { op: self.isolation.op, round: number, complete, new, live });
    }

    /// Strikes what the round found; what had its chances only where a gate that has shut since makes it vain.
    async fn strike_again(&self, round: Round, had_its_chances: bool) {
        let mut again = if had_its_chances { self.spoiled(round.alive) } else { self.with_unanswered(round.alive) };
        again.retain(|id| self.strike.tries(id) < MOST_TRIES);
        self.wait_past_gate(&again).await;
        let mut again: Vec<StepId> = again.into_iter().filter(|id| !self.strike.is_sending(id)).collect();
        if self.strike.is_mute(self.provider.name()) {
            let urgency = |id: &StepId| self.strike.ledger().record(id).map(|record| Urgency::of(&record.step));
            again = again.into_iter().max_by_key(urgency).into_iter().collect();
        }
        let hash = PlanHash::of(&self.isolation.order.bot, self.isolation.order.depth, &round.new);
        let number = self.swept.rounds;
        // Trouble with the journal in mid-strike does not stop the strike; it shows in the outcome.
        let _ = self.strike.arm(round.snapshots, hash, number, round.new).await;
        self.strike.again(&again).await;
        self.let_land().await;
    }

    /// Of what reads as alive, what was done before its gate was shut and counts only when it is done once more.
    fn spoiled(&self, alive: Vec<StepId>) -> Vec<StepId> {
        let record = |id: &StepId| self.strike.ledger().record(id);
        if alive.iter().filter_map(record).any(|record| record.step.gate) {
            return Vec::new();
        }
        alive.into_iter().filter(|id| record(id).is_some_and(|record| comes_after_gate(&record.step))).collect()
    }

    /// What never got through goes again too, in case the provider is back.
    fn with_unanswered(&self, mut again: Vec<StepId>) -> Vec<StepId> {
        for (id, record) in self.strike.ledger().records() {
            let mine = self.swept.identities.iter().any(|identity| identity.id == record.step.identity);
            let open = matches!(record.state, StepState::Unknown | StepState::Unreachable);
            if mine && open && !again.contains(&id) {
                again.push(id);
            }
        }
        again
    }

    /// Steps whose proof must be from a later second than the gate wait for that second to begin.
    async fn wait_past_gate(&self, steps: &[StepId]) {
        let ledger = self.strike.ledger();
        let late = steps.iter().filter_map(|id| ledger.record(id)).any(|record| needs_later_second(&record.step));
        let gate = steps.iter().filter_map(|id| ledger.sent(id)).filter_map(|sent| sent.gate_second).max();
        if let (true, Some(gate)) = (late, gate) {
            let clock = self.isolation.fleet.clock.as_ref();
            let now = clock.now().as_millisecond();
            let wait = ((gate + 1) * 1000).saturating_sub(now).clamp(0, 1_500);
            tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
        }
    }

    /// Gives what was just sent the time of one step before the next listing.
    async fn let_land(&self) {
        let ids: Vec<IdentityId> = self.swept.identities.iter().map(|identity| identity.id.clone()).collect();
        let ledger = self.strike.ledger();
        let mut changes = ledger.changes();
        let landed = async { while ledger.in_flight(&ids) && changes.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(GATE_WAIT, landed).await;
    }
}

/// A refused step stays refused; a person's step is a person's.
const fn worth_another(state: &StepState) -> bool {
    !matches!(state, StepState::Refused { .. } | StepState::Manual | StepState::Attested)
}

fn touches_live(step: &Step, reading: &Reading) -> bool {
    step.holdings.iter().filter_map(|id| reading.holding(id)).any(|holding| is_open(holding.state, holding.family))
}

/// Alive, or merely gated where only gone will do.
pub(super) const fn is_open(state: HoldingState, family: Family) -> bool {
    match state {
        HoldingState::Live => true,
        HoldingState::Gated => matches!(family, Family::Token | Family::Connector | Family::Grant),
        HoldingState::Gone | HoldingState::Unlisted => false,
    }
}

fn needs_later_second(step: &Step) -> bool {
    has(&step.postcondition, &|one| matches!(one, Postcondition::AfterGate { .. }))
}

/// It counts only when it is done after the gate was answered.
fn comes_after_gate(step: &Step) -> bool {
    needs_later_second(step) || has(&step.postcondition, &|one| matches!(one, Postcondition::SentAfterGate))
}

fn has(postcondition: &Postcondition, wanted: &dyn Fn(&Postcondition) -> bool) -> bool {
    match postcondition {
        Postcondition::All { of } => of.iter().any(|one| has(one, wanted)),
        one => wanted(one),
    }
}

//! What a round found is struck: what is new, what is alive still, what never got through.

use std::time::Duration;

use super::{GATE_WAIT, OneSweep, round::Round};
use crate::domain::{IdentityId, PlanHash, Postcondition, Step, StepId, StepState};
use crate::engine::Urgency;

/// Attempts of one step in one isolation: those of the strike, and one in each of ten rounds.
const MOST_TRIES: usize = 15;

impl OneSweep<'_> {
    /// Strikes what the round found; what had its chances only where a gate that has shut since makes it vain.
    pub(super) async fn strike_again(&self, round: Round, had_its_chances: bool) {
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
            let clock = self.isolation.work.fleet.clock.as_ref();
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

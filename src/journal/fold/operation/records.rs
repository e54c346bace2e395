//! What each record of an operation changes in it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Operation, OperationEnd, steps::Advance as _};
use crate::{
    domain::{Contradiction, OperationId, Outcome, Reason, Step, StepEvent, StepId, StepRecord},
    journal::Body,
};

impl Operation {
    /// As its first claim tells it; `None` for another body.
    pub(in crate::journal::fold) fn claimed(
        id: OperationId,
        epoch: u32,
        seq: u64,
        at: Timestamp,
        claim: &Body,
    ) -> Option<Self> {
        let Body::OpClaim { bot, depth, reason, identities, collateral, restores, .. } = claim else { return None };
        Some(Self {
            id,
            bot: bot.clone(),
            depth: *depth,
            epoch,
            claimed: (seq, at),
            restores: restores.clone(),
            restore_plan: None,
            gave_way: None,
            reason: reason.clone(),
            started_at: at,
            identities: identities.clone(),
            collateral: collateral.clone(),
            snapshot: Vec::new(),
            steps: BTreeMap::new(),
            rounds: 0,
            residual: Vec::new(),
            alive: Vec::new(),
            after_dark: Vec::new(),
            held_by: None,
            used: Vec::new(),
            cut_at: None,
            last_at: at,
            ended: None,
        })
    }

    /// Another process takes it over: it has not ended any more.
    pub(in crate::journal::fold) fn claim_again(
        &mut self,
        epoch: u32,
        seq: u64,
        at: Timestamp,
        claim: &Body,
    ) -> Result<(), String> {
        if epoch <= self.epoch {
            return Err(format!("stale: a claim of epoch {epoch} after that of epoch {}", self.epoch));
        }
        let Body::OpClaim { identities, collateral, .. } = claim else { return Ok(()) };
        (self.epoch, self.claimed, self.ended) = (epoch, (seq, at), None);
        (self.alive, self.after_dark, self.used) = (Vec::new(), Vec::new(), Vec::new());
        for identity in identities {
            match self.identities.iter_mut().find(|known| known.id == identity.id) {
                Some(known) => *known = identity.clone(),
                None => self.identities.push(identity.clone()),
            }
        }
        self.collateral.clone_from(collateral);
        Ok(())
    }

    pub(in crate::journal::fold) fn take(&mut self, at: Timestamp, body: &Body) -> Result<(), String> {
        self.last_at = at;
        match body {
            Body::EvidenceSnapshot { reading, .. } => {
                if !self.snapshot.iter().any(|known| known.identity.id == reading.identity.id) {
                    self.snapshot.push((**reading).clone());
                }
            }
            Body::PlanIntent { steps, round, .. } => {
                self.rounds = self.rounds.max(*round);
                return steps.iter().try_for_each(|intended| self.intend(&intended.step));
            }
            Body::StepAttempt { step, .. }
            | Body::StepAnswer { step, .. }
            | Body::StepVerify { step, .. }
            | Body::StepManual { step, .. } => return self.take_step(step, at, body),
            Body::RestoreDiff { plan, .. } => self.restore_plan = Some(plan.clone()),
            Body::ProbeResult { fingerprint, at, alive: Some(true), said, .. } => {
                let used = Contradiction::by_use(fingerprint, at, said);
                if !self.used.contains(&used) {
                    self.used.push(used);
                }
            }
            Body::SweepRound { round, .. } => self.rounds = self.rounds.max(*round),
            Body::ResidualSet { residual } => self.residual.clone_from(residual),
            Body::ResidualDark { .. } => self.went_dark(),
            Body::Contradicted { alive } => self.contradicted(alive),
            Body::OpEnd { detail, cut_at, time_to_first_cut_ms, time_to_verified_ms, .. } => {
                self.cut_at = *cut_at;
                self.ended = Some(OperationEnd {
                    outcome: detail.clone(),
                    at,
                    time_to_first_cut_ms: *time_to_first_cut_ms,
                    time_to_verified_ms: *time_to_verified_ms,
                });
            }
            Body::IncidentOpen { .. }
            | Body::IncidentClose { .. }
            | Body::IncidentNote { .. }
            | Body::IncidentHandover { .. }
            | Body::OpClaim { .. }
            | Body::GuardRefused { .. }
            | Body::GuardOverride { .. }
            | Body::ApprovalGiven { .. }
            | Body::ApprovalRefused { .. }
            | Body::ProbeResult { .. }
            | Body::FindingRaise { .. }
            | Body::FindingSuppress { .. }
            | Body::Recovered { .. }
            | Body::ConsoleLost { .. }
            | Body::SinkLost { .. }
            | Body::SinkRegained { .. }
            | Body::Checkpoint { .. } => {}
        }
        Ok(())
    }

    /// A step that is intended again keeps its state: it is the same step, as its newest intent tells it.
    fn intend(&mut self, step: &Step) -> Result<(), String> {
        if let Some(known) = self.steps.get_mut(&step.id) {
            known.step = step.clone();
        } else {
            let mut record = StepRecord::planned(step.clone());
            record.advance(&StepEvent::Armed)?;
            self.steps.insert(step.id.clone(), record);
        }
        Ok(())
    }

    /// The last residual has ended: what was dark but for it is dark.
    fn went_dark(&mut self) {
        self.residual.clear();
        if let Some(end) = &mut self.ended
            && matches!(end.outcome, Outcome::DarkAt { .. })
        {
            end.outcome = Outcome::Dark;
        }
    }

    /// What waited for a person no longer does; that a person says so is no proof.
    pub(super) fn attested(&mut self, done: &StepId) {
        let Some(record) = self.steps.get(done) else { return };
        let said = format!("{} {}", record.step.action.word(), record.step.target.shown());
        let Some(OperationEnd { outcome, .. }) = &mut self.ended else { return };
        let (Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) = outcome else { return };
        for reason in reasons {
            if matches!(reason, Reason::Manual { step, .. } if step == done) {
                *reason = Reason::AttestedOnly { step: done.clone(), what: said.clone() };
            }
        }
    }

    fn contradicted(&mut self, alive: &[Contradiction]) {
        if self.ended.is_some() {
            let new = alive.iter().filter(|new| !self.after_dark.contains(new)).cloned().collect::<Vec<_>>();
            self.after_dark.extend(new);
        }
        self.alive.extend(alive.iter().filter(|new| !self.alive.contains(new)).cloned().collect::<Vec<_>>());
        if let Some(end) = &mut self.ended {
            let reasons = match &end.outcome {
                Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. } => reasons.clone(),
                Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. } => Vec::new(),
            };
            end.outcome = Outcome::Contradicted { alive: self.alive.clone(), reasons };
        }
    }
}

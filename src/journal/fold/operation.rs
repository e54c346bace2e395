//! One isolation, as its records tell it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        Answer, BotName, Collateral, Contradiction, Depth, Identity, OperationId, Outcome, Reading, Reason, Residual,
        RestorePlan, Step, StepEvent, StepId, StepRecord, StepState, Untrusted, Verdict,
    },
    journal::{Body, Claimant, Restores},
};

/// One isolation, or the way back from one.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// Of which bot.
    pub bot: BotName,
    /// How deep.
    pub depth: Depth,
    /// Its newest claim.
    pub epoch: u32,
    /// The line of that claim, and when it was written.
    pub claimed: (u64, Timestamp),
    /// Where it is no isolation but the way back from one.
    pub restores: Option<Restores>,
    /// What the way back is to do.
    pub restore_plan: Option<Box<RestorePlan>>,
    /// The isolation of the same bot that was claimed after it: a restore gives way for good.
    pub gave_way: Option<OperationId>,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// When it was first claimed.
    pub started_at: Timestamp,
    /// The identities that must go dark.
    pub identities: Vec<Identity>,
    /// Others that a credential of this bot opens.
    pub collateral: Vec<Collateral>,
    /// What was there before the strike: the first reading of each identity.
    pub snapshot: Vec<Reading>,
    /// Every step that was intended, and where it stands.
    pub steps: BTreeMap<StepId, StepRecord>,
    /// Sweep rounds.
    pub rounds: u32,
    /// Access that outlives it.
    pub residual: Vec<Residual>,
    /// What was found alive after it was called cut.
    pub alive: Vec<Contradiction>,
    /// What was found usable after it had ended. It stays so until the bot is struck again: that nobody reads it any
    /// more does not make it unused.
    pub after_dark: Vec<Contradiction>,
    /// The process of its newest claim; `None`: the file does not tell.
    pub held_by: Option<Claimant>,
    /// Leaked secrets that were used after the strike and let in. No reading takes that back.
    pub used: Vec<Contradiction>,
    /// When the last gate was answered.
    pub cut_at: Option<Timestamp>,
    /// When its newest line was written.
    pub last_at: Timestamp,
    /// How it ended; `None` while somebody has it.
    pub ended: Option<OperationEnd>,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationEnd {
    /// With what.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// From the key to the first gate answered with yes.
    pub time_to_first_cut_ms: Option<u64>,
    /// From the key to the last verification.
    pub time_to_verified_ms: Option<u64>,
}

impl Operation {
    /// Whether somebody should go on with it: it has not ended, or ended with something that another try may settle.
    pub fn is_unfinished(&self) -> bool {
        if self.restores.is_some() {
            return self.is_under_way();
        }
        match self.ended.as_ref().map(|end| &end.outcome) {
            None | Some(Outcome::Contradicted { .. }) => true,
            Some(Outcome::Partial { reasons, .. }) => reasons.iter().any(|reason| !is_for_people(reason)),
            Some(Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. }) => false,
        }
    }

    /// Whether a process works on it, was killed over it, or did not get through to a provider.
    pub fn is_under_way(&self) -> bool {
        if self.gave_way.is_some() {
            return false;
        }
        let Some(end) = &self.ended else { return true };
        let (Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) = &end.outcome else {
            return false;
        };
        reasons.iter().any(|reason| {
            matches!(
                reason,
                Reason::Unreachable { .. } | Reason::Unknown { .. } | Reason::Unread { .. } | Reason::NotSettled
            )
        })
    }

    /// Whether it is the way back and has taken a bot out of its isolation: its gate was opened, or may have been.
    pub fn lifts(&self) -> bool {
        let ended = self.ended.as_ref().is_some_and(|end| matches!(end.outcome, Outcome::Restored { .. }));
        let tried = self.restore_plan.as_ref().is_some_and(|plan| plan.has_tried_gate(&self.steps));
        self.restores.is_some() && (ended || tried)
    }

    /// Whether it is a restore that has nothing left to do: what was isolated before it is undone.
    pub fn has_restored(&self) -> bool {
        let proved = |record: &StepRecord| record.state == StepState::Verified;
        self.restores.is_some() && self.gave_way.is_none() && self.ended.is_some() && self.steps.values().all(proved)
    }

    /// The epoch of the next claim.
    pub fn next_epoch(&self) -> u32 {
        self.epoch.saturating_add(1)
    }
}

impl Operation {
    /// As its first claim tells it; `None` for another body.
    pub(super) fn claimed(id: OperationId, epoch: u32, seq: u64, at: Timestamp, claim: &Body) -> Option<Self> {
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
    pub(super) fn claim_again(&mut self, epoch: u32, seq: u64, at: Timestamp, claim: &Body) -> Result<(), String> {
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

    pub(super) fn take(&mut self, at: Timestamp, body: &Body) -> Result<(), String> {
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
            Body::StepAttempt { step, attempt, .. } => {
                let record = self.step(step)?;
                record.advance(&StepEvent::Attempted)?;
                record.attempts = record.attempts.max(*attempt);
                record.sent_at = Some(at);
            }
            Body::StepAnswer { step, answer, state, .. } => return self.step(step)?.answered(at, answer, state),
            Body::StepVerify { step, verdict, last, state, .. } => {
                return self.step(step)?.read(verdict, *last, state);
            }
            Body::StepManual { step, instruction, attested_by, note } => {
                let record = self.step(step)?;
                let asked = StepEvent::AskedOfPerson;
                record.advance(if attested_by.is_some() { &StepEvent::Attested } else { &asked })?;
                let says = |who: &String| note.as_ref().map_or(who.clone(), |note| format!("{who}: {note}"));
                record.detail = Some(attested_by.as_ref().map_or(instruction.clone(), says));
                if attested_by.is_some() {
                    self.attested(step);
                }
            }
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
            | Body::Recovered { .. }
            | Body::ConsoleLost { .. }
            | Body::SinkLost { .. }
            | Body::SinkRegained { .. }
            | Body::Checkpoint { .. } => {}
        }
        Ok(())
    }

    fn step(&mut self, id: &StepId) -> Result<&mut StepRecord, String> {
        self.steps.get_mut(id).ok_or_else(|| format!("step {id} has no intent"))
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
    fn attested(&mut self, done: &StepId) {
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

/// What the records do to a step.
trait Advance {
    fn advance(&mut self, event: &StepEvent) -> Result<(), String>;
    fn answered(&mut self, at: Timestamp, answer: &Answer, says: &StepState) -> Result<(), String>;
    fn read(&mut self, verdict: &Verdict, last: bool, says: &StepState) -> Result<(), String>;
    fn agrees(&self, says: &StepState) -> Result<(), String>;
}

impl Advance for StepRecord {
    fn advance(&mut self, event: &StepEvent) -> Result<(), String> {
        self.state = self.state.after(event).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn answered(&mut self, at: Timestamp, answer: &Answer, says: &StepState) -> Result<(), String> {
        self.advance(&StepEvent::Answered { kind: answer.kind.clone() })?;
        self.answered_at = Some(at);
        self.values = answer.values.clone();
        self.detail = answer.detail.as_ref().map(Untrusted::shown);
        if let StepState::Retrying { attempt, until } = says {
            self.advance(&StepEvent::Deferred { attempt: *attempt, until: *until })?;
        }
        self.agrees(says)
    }

    fn read(&mut self, verdict: &Verdict, last: bool, says: &StepState) -> Result<(), String> {
        self.advance(&StepEvent::Read { verdict: verdict.clone(), last })?;
        self.detail = match verdict {
            Verdict::Holds => None,
            Verdict::Fails(what) | Verdict::Unknown(what) => Some(what.clone()),
        };
        self.agrees(says)
    }

    /// The table wins over what a line says.
    fn agrees(&self, says: &StepState) -> Result<(), String> {
        if self.state == *says {
            return Ok(());
        }
        Err(format!("the line says {}, the table {}", says.word(), self.state.word()))
    }
}

/// What no further request of ours can change.
const fn is_for_people(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Manual { .. } | Reason::AttestedOnly { .. } | Reason::Unlisted { .. } | Reason::OpensToo { .. }
    )
}

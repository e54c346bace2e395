//! One isolation, as its records tell it.

mod records;
mod steps;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        BotName, Collateral, Contradiction, Depth, Identity, OperationId, Outcome, Reading, Reason, Residual,
        RestorePlan, StepId, StepRecord, StepState,
    },
    journal::{Claimant, Restores},
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

/// What no further request of ours can change.
const fn is_for_people(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Manual { .. } | Reason::AttestedOnly { .. } | Reason::Unlisted { .. } | Reason::OpensToo { .. }
    )
}

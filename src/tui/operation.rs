//! One isolation as the console has seen it: a fold over the engine's events.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::{
    domain::{
        BotName, Fingerprint, IncidentId, Lane, OperationId, Outcome, Probed, Reason, Residual, RestorePlan, Step,
        StepId, StepState,
    },
    engine::{Ended, EngineEvent, OperationPhase},
    journal::Operation,
};

/// One step with what happened to it.
#[derive(Debug, Clone)]
pub struct StepView {
    /// As planned.
    pub step: Step,
    /// Where it stands.
    pub state: StepState,
    /// How often it was sent.
    pub attempt: u32,
    /// The last answer's code.
    pub code: String,
    /// Why it stands there, for people; escaped.
    pub detail: Option<String>,
}

/// How many steps of a lane stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Proved dead by a read.
    pub verified: usize,
    /// Answered with yes or gone, not proved yet.
    pub claimed: usize,
    /// Refused, unreachable, manual, contradicted: somebody has to look.
    pub failed: usize,
    /// Of those: proved alive.
    pub still_live: usize,
}

impl Counts {
    /// Neither proved dead nor proved alive: nobody knows yet, or ever.
    pub const fn unknown(&self) -> usize {
        self.all - self.verified - self.still_live
    }
}

/// One isolation.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// Which.
    pub op: OperationId,
    /// In which incident.
    pub incident: IncidentId,
    /// Of which bot.
    pub bot: BotName,
    /// When it began, by the wall clock.
    pub started_at: Timestamp,
    /// The same by the console's monotonic clock.
    pub started: Duration,
    /// Where it stands.
    pub phase: OperationPhase,
    /// Its steps, in the order of their appearance.
    pub steps: IndexMap<StepId, StepView>,
    /// Sweep rounds so far.
    pub rounds: u32,
    /// Access that outlives it.
    pub residual: Vec<Residual>,
    /// When the first step was answered with yes.
    pub first_cut_at: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// What was found usable after it was dark.
    pub after_dark: Vec<String>,
    /// What it puts back, where it is no isolation but the way back.
    pub restores: Option<Arc<RestorePlan>>,
    /// Leaked secrets that were used after the strike, and what that has shown.
    pub used: Vec<(Fingerprint, Probed)>,
    /// Where it is told by the record alone: how that leaves it, where it has no outcome.
    pub recorded: Option<String>,
}

impl OperationView {
    /// The operation that an event speaks of.
    pub fn of(event: &EngineEvent) -> OperationId {
        match event {
            EngineEvent::Started { op, .. }
            | EngineEvent::Phase { op, .. }
            | EngineEvent::Planned { op, .. }
            | EngineEvent::Step { op, .. }
            | EngineEvent::Swept { op, .. }
            | EngineEvent::Residual { op, .. }
            | EngineEvent::Restoring { op, .. }
            | EngineEvent::Probed { op, .. }
            | EngineEvent::Contradicted { op, .. }
            | EngineEvent::Ended { op, .. } => *op,
        }
    }

    /// An isolation that begins.
    pub fn started(op: OperationId, incident: IncidentId, bot: BotName, at: Timestamp, now: Duration) -> Self {
        Self {
            op,
            incident,
            bot,
            started_at: at,
            started: now,
            phase: OperationPhase::Arming,
            steps: IndexMap::new(),
            rounds: 0,
            residual: Vec::new(),
            first_cut_at: None,
            ended: None,
            after_dark: Vec::new(),
            restores: None,
            used: Vec::new(),
            recorded: None,
        }
    }

    /// An operation as its journal tells it. It does not run here: nothing of it moves.
    pub fn of_record(incident: IncidentId, operation: &Operation) -> Self {
        let mut records: Vec<_> = operation.steps.values().collect();
        records.sort_by_key(|record| (record.step.lane, record.sent_at));
        let steps = records.iter().map(|record| {
            let view = StepView {
                step: record.step.clone(),
                state: record.state.clone(),
                attempt: record.attempts,
                code: String::new(),
                detail: record.detail.clone().or_else(|| record.said.clone()),
            };
            (record.step.id.clone(), view)
        });
        let cuts = records.iter().filter(|record| record.state.is_cut());
        let held = operation.held_by.as_ref().filter(|by| operation.ended.is_none() && by.may_work());
        let left = match held {
            Some(by) => format!("{by} is at work on it"),
            None if operation.gave_way.is_some() => "it gave way to an isolation".to_owned(),
            None => "unfinished: nobody is at work on it".to_owned(),
        };
        Self {
            steps: steps.collect(),
            phase: OperationPhase::Over,
            rounds: operation.rounds,
            residual: operation.residual.clone(),
            first_cut_at: cuts.filter_map(|record| record.answered_at).min(),
            ended: Ended::of_another(operation),
            after_dark: operation.after_dark.iter().map(|one| one.what.clone()).collect(),
            restores: operation
                .restores
                .as_ref()
                .and(operation.restore_plan.as_deref())
                .map(|plan| Arc::new(plan.clone())),
            recorded: Some(left),
            ..Self::started(operation.id, incident, operation.bot.clone(), operation.started_at, Duration::ZERO)
        }
    }

    /// Takes an event of this operation in.
    pub fn take(&mut self, event: &EngineEvent) {
        match event {
            // Struck again under a higher epoch: it runs once more.
            EngineEvent::Started { .. } => {
                self.ended = None;
                self.after_dark.clear();
                self.used.clear();
            }
            EngineEvent::Restoring { plan, .. } => self.restores = Some(plan.clone()),
            EngineEvent::Probed { fingerprint, probed, .. } => {
                self.used.retain(|(used, old)| used != fingerprint || old.at != probed.at);
                self.used.push((fingerprint.clone(), probed.clone()));
            }
            EngineEvent::Contradicted { alive, .. } => {
                self.after_dark.extend(alive.iter().map(|one| one.what.clone()));
            }
            EngineEvent::Phase { phase, .. } => self.phase = *phase,
            EngineEvent::Planned { steps, .. } => {
                for step in steps {
                    let view = || StepView {
                        step: step.clone(),
                        state: StepState::Planned,
                        attempt: 0,
                        code: String::new(),
                        detail: None,
                    };
                    self.steps.entry(step.id.clone()).or_insert_with(view);
                }
            }
            EngineEvent::Step { step, state, attempt, answer, detail, at, .. } => {
                if matches!(state, StepState::Accepted | StepState::Gone) && self.first_cut_at.is_none() {
                    self.first_cut_at = Some(*at);
                }
                if let Some(view) = self.steps.get_mut(step) {
                    view.state = state.clone();
                    view.attempt = (*attempt).max(view.attempt);
                    if let Some(answer) = answer {
                        view.code.clone_from(&answer.code);
                        view.detail = answer.detail.as_ref().map(crate::domain::Untrusted::shown);
                    }
                    if detail.is_some() {
                        view.detail.clone_from(detail);
                    }
                }
            }
            EngineEvent::Swept { round, .. } => self.rounds = *round,
            EngineEvent::Residual { residual, .. } => self.residual.clone_from(residual),
            EngineEvent::Ended { ended, .. } => {
                self.phase = OperationPhase::Over;
                self.ended = Some(ended.clone());
            }
        }
    }

    /// Somebody says that a manual step was done: that is what it shows from now on, also in the outcome.
    pub fn attested(&mut self, step: &StepId, by: &str) {
        if let Some(view) = self.steps.get_mut(step) {
            view.state = StepState::Attested;
            view.detail = Some(format!("{by} says that it was done: nothing proves it"));
        }
        let outcome = self.ended.as_mut().map(|ended| &mut ended.outcome);
        let Some(Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) = outcome else { return };
        for reason in reasons {
            if let Reason::Manual { step: waits, what } = reason
                && waits == step
            {
                *reason = Reason::AttestedOnly { step: step.clone(), what: std::mem::take(what) };
            }
        }
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.ended.is_none() && self.recorded.is_none()
    }

    /// The steps of a lane, in order.
    pub fn in_lane(&self, lane: Lane) -> impl Iterator<Item = &StepView> {
        self.steps.values().filter(move |view| view.step.lane == lane)
    }

    /// How many steps stand where; `None`: of all lanes.
    pub fn counts(&self, lane: Option<Lane>) -> Counts {
        let mut counts = Counts::default();
        for view in self.steps.values().filter(|view| lane.is_none_or(|lane| view.step.lane == lane)) {
            counts.all += 1;
            match view.state {
                StepState::Verified => counts.verified += 1,
                StepState::Accepted | StepState::Gone => counts.claimed += 1,
                StepState::Refused { .. }
                | StepState::Unreachable
                | StepState::Manual
                | StepState::Attested
                | StepState::Unknown => counts.failed += 1,
                StepState::Contradicted => {
                    counts.failed += 1;
                    counts.still_live += 1;
                }
                StepState::Planned | StepState::Armed | StepState::Sent | StepState::Retrying { .. } => {}
            }
        }
        counts
    }

    /// What is proved alive: by the outcome where there is one, as it also names what no step was for.
    pub fn still_live(&self) -> usize {
        let named = |reasons: &[Reason]| {
            reasons.iter().filter(|reason| matches!(reason, Reason::StillLive { .. } | Reason::OpensToo { .. })).count()
        };
        let by_outcome = match self.ended.as_ref().map(|ended| &ended.outcome) {
            Some(Outcome::Partial { reasons, .. }) => named(reasons),
            Some(Outcome::Contradicted { alive, reasons }) => alive.len() + named(reasons),
            _ => self.counts(None).still_live,
        };
        // What came alive after an outcome is alive, whatever the outcome was.
        by_outcome.max(self.after_dark.len())
    }

    /// From the key to the first cut, in milliseconds.
    pub fn first_cut_ms(&self) -> Option<u64> {
        let told = self.ended.as_ref().and_then(|ended| ended.time_to_first_cut_ms);
        let seen = || {
            let ms = self.first_cut_at?.duration_since(self.started_at).as_millis();
            u64::try_from(ms).ok()
        };
        told.or_else(seen)
    }

    /// What outlives it, by the outcome where there is one.
    pub fn residual(&self) -> &[Residual] {
        match self.ended.as_ref().map(|ended| &ended.outcome) {
            Some(Outcome::DarkAt { residual, .. } | Outcome::Partial { residual, .. }) => residual,
            Some(Outcome::Dark | Outcome::Contradicted { .. } | Outcome::Restored { .. }) => &[],
            None => &self.residual,
        }
    }

    /// When the last residual ends.
    pub fn dark_at(&self) -> Option<Timestamp> {
        match self.ended.as_ref().map(|ended| &ended.outcome) {
            Some(Outcome::DarkAt { at, .. }) => Some(*at),
            _ => self.residual().iter().filter_map(|residual| residual.until).max(),
        }
    }
}

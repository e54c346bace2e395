//! What a writer knows of the file that it continues.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use super::{
    Body, Entry,
    chain::{Hash, Head, Start},
};
use crate::domain::{Lane, OperationId, StepId};

/// The file's end, and what of its content bears on what may be appended.
#[derive(Debug)]
pub(super) struct State {
    /// Bytes of the open segment that have been read or written.
    pub(super) len: u64,
    /// The hash of the last line.
    pub(super) head: Hash,
    /// The number of the next one.
    pub(super) next_seq: u64,
    /// Whether this process has introduced itself in the open segment.
    pub(super) introduced: bool,
    /// Whether the incident has ended.
    pub(super) closed: bool,
    /// What a newer estop wrote here.
    pub(super) newer: Option<String>,
    process: Uuid,
    claims: HashMap<OperationId, u32>,
    restores: HashSet<OperationId>,
    lanes: HashMap<StepId, Lane>,
}

impl State {
    /// Before the first segment, for a process.
    pub(super) fn new(process: Uuid) -> Self {
        Self {
            len: 0,
            head: Hash::ZERO,
            next_seq: 0,
            introduced: false,
            closed: false,
            newer: None,
            process,
            claims: HashMap::new(),
            restores: HashSet::new(),
            lanes: HashMap::new(),
        }
    }

    /// At the beginning of another segment.
    pub(super) fn begin_segment(&mut self, start: Start) {
        self.len = 0;
        self.head = start.prev;
        self.next_seq = start.seq;
        self.introduced = false;
    }

    /// The newest claim of an operation.
    pub(super) fn claim(&self, op: OperationId) -> Option<u32> {
        self.claims.get(&op).copied()
    }

    /// Whether an operation is the way back from an isolation.
    pub(super) fn is_restore(&self, op: Option<OperationId>) -> bool {
        op.is_some_and(|op| self.restores.contains(&op))
    }

    /// The lane of a step whose intent is here.
    pub(super) fn lane(&self, step: &StepId) -> Option<Lane> {
        self.lanes.get(step).copied()
    }

    /// Takes in a line that is in the file.
    pub(super) fn read(&mut self, head: &Head<'_>) {
        if let Some(what) = head.unknown() {
            self.newer.get_or_insert(what);
            return;
        }
        if !self.introduced && head.proc.is_some_and(|proc| proc.get().contains(&self.process.to_string())) {
            self.introduced = true;
        }
        match (&*head.kind, head.op) {
            ("op.claim", Some(op)) => {
                let claim = head.body.and_then(|body| serde_json::from_str::<Claim>(body.get()).ok());
                self.claimed(op, head.epoch, claim.is_some_and(|claim| claim.restores.is_some()));
            }
            ("incident.close", _) => self.closed = true,
            ("plan.intent", _) => {
                // A piece of text names no steps: their answers then cite what every cut cites.
                let lanes = head.body.and_then(|body| serde_json::from_str::<Lanes>(body.get()).ok());
                self.lanes.extend(lanes.into_iter().flat_map(|lanes| lanes.steps).map(|step| (step.id, step.lane)));
            }
            _ => {}
        }
    }

    /// Takes in an entry that is being written.
    pub(super) fn wrote(&mut self, entry: &Entry) {
        match (&entry.body, entry.op) {
            (Body::OpClaim { restores, .. }, Some(op)) => self.claimed(op, entry.epoch, restores.is_some()),
            (Body::IncidentClose { .. }, _) => self.closed = true,
            (Body::PlanIntent { steps, .. }, _) => {
                self.lanes.extend(steps.iter().map(|intended| (intended.step.id.clone(), intended.step.lane)));
            }
            _ => {}
        }
    }

    fn claimed(&mut self, op: OperationId, epoch: u32, restores: bool) {
        if restores {
            self.restores.insert(op);
        }
        let newest = self.claims.entry(op).or_insert(epoch);
        *newest = epoch.max(*newest);
    }
}

/// What of a claim says which way it goes.
#[derive(Deserialize)]
struct Claim {
    restores: Option<serde::de::IgnoredAny>,
}

/// The lanes of a plan.
#[derive(Deserialize)]
struct Lanes {
    steps: Vec<StepLane>,
}

#[derive(Deserialize)]
struct StepLane {
    id: StepId,
    lane: Lane,
}

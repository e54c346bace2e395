//! What a writer knows of the file that it continues.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use super::{
    Body, Entry,
    chain::{Head, Start},
    hash::Hash,
    merkle::Tree,
    works::Works,
};
use crate::domain::{BotName, Lane, OperationId, StepId};

/// The kind of a checkpoint's line.
pub(super) const CHECKPOINT: &str = "checkpoint";

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
    /// The tree over the open segment's lines; `None`: nobody signs it.
    pub(super) tree: Option<Tree>,
    /// Lines of the open segment behind its newest checkpoint.
    pub(super) uncovered: u64,
    process: Uuid,
    /// The isolations that have not ended, and who has them.
    works: Works,
    claims: HashMap<OperationId, u32>,
    restores: HashSet<OperationId>,
    lanes: HashMap<StepId, Lane>,
}

/// A state to which a failed write goes back: what was durable.
#[derive(Debug)]
pub(super) struct Mark {
    head: Hash,
    next_seq: u64,
    introduced: bool,
    closed: bool,
    claims: HashMap<OperationId, u32>,
    works: Works,
}

impl State {
    /// Before the first segment, for a process. `signed`: checkpoints will be asked for.
    pub(super) fn new(process: Uuid, signed: bool) -> Self {
        Self {
            len: 0,
            head: Hash::ZERO,
            next_seq: 0,
            introduced: false,
            closed: false,
            newer: None,
            tree: signed.then(Tree::default),
            uncovered: 0,
            process,
            works: Works::default(),
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
        self.tree = self.tree.as_ref().map(|_| Tree::default());
        self.uncovered = 0;
    }

    /// What a write that fails goes back to. The tree is not part of it: the file is left for good.
    pub(super) fn mark(&self) -> Mark {
        let Self { head, next_seq, introduced, closed, .. } = *self;
        Mark { head, next_seq, introduced, closed, claims: self.claims.clone(), works: self.works.clone() }
    }

    /// Forgets what was encoded since.
    pub(super) fn go_back(&mut self, mark: Mark) {
        (self.head, self.next_seq) = (mark.head, mark.next_seq);
        (self.introduced, self.closed) = (mark.introduced, mark.closed);
        (self.claims, self.works) = (mark.claims, mark.works);
    }

    /// Takes in a line's bytes, newline excluded, read or written.
    pub(super) fn grow(&mut self, line: &[u8], is_checkpoint: bool) {
        if let Some(tree) = &mut self.tree {
            tree.push(line);
        }
        self.uncovered = if is_checkpoint { 0 } else { self.uncovered + 1 };
    }

    /// The newest claim of an operation.
    pub(super) fn claim(&self, op: OperationId) -> Option<u32> {
        self.claims.get(&op).copied()
    }

    /// Whether an operation is the way back from an isolation.
    pub(super) fn is_restore(&self, op: Option<OperationId>) -> bool {
        op.is_some_and(|op| self.restores.contains(&op))
    }

    /// The isolation of a bot that another process has, as long as that process lives.
    pub(super) fn works_elsewhere(&self, bot: &BotName) -> Option<OperationId> {
        self.works.elsewhere(bot, self.process)
    }

    /// The lane of a step whose intent is here.
    pub(super) fn lane(&self, step: &StepId) -> Option<Lane> {
        self.lanes.get(step).copied()
    }

    /// Takes in a line that is in the file.
    pub(super) fn read(&mut self, line: &[u8], head: &Head<'_>) {
        self.grow(line, head.kind == CHECKPOINT);
        if let Some(what) = head.unknown() {
            self.newer.get_or_insert(what);
            return;
        }
        if !self.introduced && head.proc.is_some_and(|proc| proc.get().contains(&self.process.to_string())) {
            self.introduced = true;
        }
        self.works.read(head);
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
        self.works.wrote(entry, self.process);
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

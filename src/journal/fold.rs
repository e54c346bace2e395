//! An incident, derived from its records and from nothing else. Pure.
//!
//! ```text
//! incident.open … op.claim(epoch 1) · evidence.snapshot · plan.intent · step.* · sweep.round · op.end … incident.close
//!                 op.claim(epoch 2) takes over: what epoch 1 still writes is stale and changes nothing
//! ```
//!
//! Steps move by the one transition table only. What a line says that the table does not allow is remarked upon, never
//! followed.

mod crew;
mod operation;

use jiff::Timestamp;

pub use crew::{Claimant, writers};
pub use operation::{Operation, OperationEnd};

use super::{Body, Record};
use crate::domain::{IncidentId, OperationId, PlanHash, Untrusted};
use crew::Crew;

/// What happened around one or more isolations.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The name of its journal.
    pub id: IncidentId,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// In the responder's words.
    pub title: Option<String>,
    /// When its first line was written, or the incident opened.
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// The closed incident that it follows up.
    pub follows: Option<IncidentId>,
    /// Its operations, in the order of their first claim.
    pub operations: Vec<Operation>,
    /// What second persons have approved.
    pub approvals: Vec<Approval>,
    /// Whether a terminal was lost while it ran.
    pub console_lost: bool,
    /// What people have said about it, in their order.
    pub notes: Vec<Note>,
    /// Lines that changed nothing, or not what they say.
    pub remarks: Vec<Remark>,
}

/// A second person's yes to one restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Which line gives it; with the incident's id it names the approval.
    pub seq: u64,
    /// The restore plan's hash.
    pub hash: PlanHash,
    /// Who.
    pub by: String,
    /// Until when it can be used.
    pub until: Timestamp,
}

/// A remark of a person, or the handing over to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// In their words.
    pub text: Option<Untrusted>,
    /// Where it hands over: to whom, if that was said.
    pub hands_over: Option<Option<Untrusted>>,
}

/// Something odd about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which line.
    pub seq: u64,
    /// What, one sentence for people.
    pub what: String,
}

/// Derives an incident from its records, in their order.
pub fn fold(incident: IncidentId, records: &[Record]) -> Incident {
    let mut folded = Incident {
        id: incident,
        exercise: records.iter().find_map(|record| record.exercise.as_deref().map(str::to_owned)),
        title: None,
        opened_at: records.first().map(|record| record.at),
        closed_at: None,
        follows: None,
        operations: Vec::new(),
        approvals: Vec::new(),
        console_lost: false,
        notes: Vec::new(),
        remarks: Vec::new(),
    };
    let mut crew = Crew::default();
    for record in records {
        crew.meet(record);
        let Some(body) = record.body.known() else { continue };
        match folded.take(record, body) {
            Ok(()) => folded.attribute(record, body, &crew),
            Err(what) => folded.remarks.push(Remark { seq: record.seq, what }),
        }
    }
    folded
}

impl Incident {
    /// The operation of that id.
    pub fn operation(&self, op: OperationId) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == op)
    }

    /// Says whose a claim or a note is.
    fn attribute(&mut self, record: &Record, body: &Body, crew: &Crew) {
        let by = crew.writer(record);
        let (text, hands_over) = match body {
            Body::OpClaim { .. } => {
                if let Some(operation) = self.operations.iter_mut().find(|one| Some(one.id) == record.op) {
                    operation.held_by = by;
                }
                return;
            }
            Body::IncidentNote { text } => (Some(text.clone()), None),
            Body::IncidentHandover { to, note, .. } => (note.clone(), Some(to.clone())),
            _ => return,
        };
        let by = by.map_or_else(|| "unknown".to_owned(), |by| by.who.short());
        self.notes.push(Note { at: record.at, by, text, hands_over });
    }

    fn take(&mut self, record: &Record, body: &Body) -> Result<(), String> {
        match body {
            Body::IncidentOpen { title, follows } => {
                (self.title, self.follows) = (title.clone(), *follows);
                self.opened_at = Some(record.at);
                return Ok(());
            }
            Body::IncidentClose { .. } => {
                self.closed_at = Some(record.at);
                return Ok(());
            }
            Body::ApprovalGiven { hash, by, until } => {
                let (seq, hash, by, until) = (record.seq, hash.clone(), by.clone(), *until);
                self.approvals.push(Approval { seq, hash, by, until });
                return Ok(());
            }
            Body::ConsoleLost { .. } => {
                self.console_lost = true;
                return Ok(());
            }
            _ => {}
        }
        let Some(op) = record.op else { return Ok(()) };
        if let Body::OpClaim { .. } = body {
            return self.claim(op, record, body);
        }
        let Some(operation) = self.operations.iter_mut().find(|operation| operation.id == op) else {
            return if is_of_an_operation(body) { Err(format!("nobody has claimed operation {op}")) } else { Ok(()) };
        };
        if record.epoch < operation.epoch {
            return Err(format!("stale: epoch {} after the claim of epoch {}", record.epoch, operation.epoch));
        }
        operation.take(record.at, body)
    }

    fn claim(&mut self, op: OperationId, record: &Record, body: &Body) -> Result<(), String> {
        let (epoch, seq, at) = (record.epoch, record.seq, record.at);
        match self.operations.iter_mut().find(|operation| operation.id == op) {
            Some(operation) => operation.claim_again(epoch, seq, at, body)?,
            None => self.operations.extend(Operation::claimed(op, epoch, seq, at, body)),
        }
        self.give_way(op);
        Ok(())
    }

    /// Whoever isolates wins: what was on its way to restore the same bot never goes on.
    fn give_way(&mut self, claimed: OperationId) {
        let Some(bot) = self.operation(claimed).filter(|one| one.restores.is_none()).map(|one| one.bot.clone()) else {
            return;
        };
        let restores = self.operations.iter_mut().filter(|one| one.restores.is_some() && one.bot == bot);
        for restore in restores.filter(|restore| !restore.has_restored() && restore.gave_way.is_none()) {
            restore.gave_way = Some(claimed);
        }
    }
}

/// Whether a line makes no sense without its operation.
const fn is_of_an_operation(body: &Body) -> bool {
    !matches!(
        body,
        Body::IncidentNote { .. }
            | Body::IncidentHandover { .. }
            | Body::GuardRefused { .. }
            | Body::GuardOverride { .. }
            | Body::ApprovalGiven { .. }
            | Body::ApprovalRefused { .. }
            | Body::ProbeResult { .. }
            | Body::Recovered { .. }
            | Body::SinkLost { .. }
            | Body::SinkRegained { .. }
            | Body::Checkpoint { .. }
    )
}

#[cfg(test)]
mod tests;

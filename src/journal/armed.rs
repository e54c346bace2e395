//! A step that may be sent.

use uuid::Uuid;

use crate::domain::{OperationId, Step};

/// A step whose intent is durable. It cannot be made outside the journal, cloned into existence or deserialized:
/// whoever holds one knows that it is on record.
#[derive(Debug)]
pub struct ArmedStep {
    step: Step,
    op: OperationId,
    key: Uuid,
}

impl ArmedStep {
    /// Only the journal's own code calls this, after the commit.
    pub(super) fn new(step: Step, op: OperationId) -> Self {
        let key = op.key(&step.id);
        Self { step, op, key }
    }

    /// What to do.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// For which operation.
    pub fn op(&self) -> OperationId {
        self.op
    }

    /// The idempotency key: the same for every attempt, by whichever process.
    pub fn key(&self) -> Uuid {
        self.key
    }
}

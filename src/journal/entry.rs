//! Something to record, before it has a place in the chain.

mod body;
mod kind;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{OperationId, RestoreMode, Step};
pub use body::Body;

/// Something to record, before it has a place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The operation it belongs to.
    pub op: Option<OperationId>,
    /// The claim under which it is written; 0 outside operations.
    pub epoch: u32,
    /// What.
    pub body: Body,
}

impl Entry {
    /// Of an operation.
    pub fn of(op: OperationId, epoch: u32, body: Body) -> Self {
        Self { op: Some(op), epoch, body }
    }

    /// Of the incident, or of the host.
    pub fn general(body: Body) -> Self {
        Self { op: None, epoch: 0, body }
    }
}

/// A step as an intent has it: the step with its idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntendedStep {
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// Its idempotency key.
    pub key: Uuid,
}

/// What a restoring operation undoes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restores {
    /// Which isolation.
    pub op: OperationId,
    /// Which way.
    pub mode: RestoreMode,
    /// The line of the approval that it uses up, where one was needed: `INCIDENT:SEQ`.
    pub approval: Option<String>,
}

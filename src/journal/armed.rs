//! A step that may be sent.

use uuid::Uuid;

use crate::domain::{OperationId, Step};

/// A step whose intent is durable: whoever holds one knows that it is on record.
///
/// A provider performs nothing else:
///
/// ```
/// # use estop::{engine::Provider, journal::ArmedStep};
/// async fn strike(provider: &dyn Provider, armed: &ArmedStep) {
///     provider.perform(armed, 1).await;
/// }
/// ```
///
/// so a step that is merely planned cannot be sent:
///
/// ```compile_fail,E0308
/// # use estop::{domain::Step, engine::Provider};
/// async fn strike(provider: &dyn Provider, step: &Step) {
///     provider.perform(step, 1).await;
/// }
/// ```
///
/// and only the journal arms one. It cannot be written down,
///
/// ```compile_fail,E0451
/// # use estop::{domain::{OperationId, Step}, journal::ArmedStep};
/// fn forge(step: Step, op: OperationId) -> ArmedStep {
///     ArmedStep { step, op, key: uuid::Uuid::nil() }
/// }
/// ```
///
/// made by its constructor,
///
/// ```compile_fail,E0624
/// # use estop::{domain::{OperationId, Step}, journal::ArmedStep};
/// fn forge(step: Step, op: OperationId) -> ArmedStep {
///     ArmedStep::new(step, op)
/// }
/// ```
///
/// copied,
///
/// ```compile_fail,E0599
/// # use estop::journal::ArmedStep;
/// fn copy(armed: ArmedStep) -> ArmedStep {
///     armed.clone()
/// }
/// ```
///
/// come from nothing,
///
/// ```compile_fail,E0277
/// # use estop::journal::ArmedStep;
/// fn conjure<T: Default>() -> T {
///     T::default()
/// }
/// let armed: ArmedStep = conjure();
/// ```
///
/// or be read back from disk or wire:
///
/// ```compile_fail,E0277
/// # use estop::journal::ArmedStep;
/// let armed: ArmedStep = serde_json::from_str("{}").unwrap();
/// ```
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

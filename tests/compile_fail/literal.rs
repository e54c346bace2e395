//! An armed step cannot be written down.

use estop::{
    domain::{OperationId, Step},
    journal::ArmedStep,
};
use uuid::Uuid;

fn forge(step: Step, op: OperationId) -> ArmedStep {
    ArmedStep { step, op, key: Uuid::nil() }
}

fn main() {}

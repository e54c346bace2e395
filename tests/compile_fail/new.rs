//! Its constructor is the journal's own.

use estop::{
    domain::{OperationId, Step},
    journal::ArmedStep,
};

fn forge(step: Step, op: OperationId) -> ArmedStep {
    ArmedStep::new(step, op)
}

fn main() {}

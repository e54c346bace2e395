//! It has no default, no copy, and no form on disk or wire to come back from.

use estop::journal::ArmedStep;
use serde::{Deserialize, Deserializer};

fn from_nothing() -> ArmedStep {
    ArmedStep::default()
}

fn copied(armed: &ArmedStep) -> ArmedStep {
    armed.clone()
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ArmedStep, D::Error> {
    ArmedStep::deserialize(deserializer)
}

fn main() {}

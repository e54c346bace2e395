//! A provider changes nothing for a step that was not armed.

use estop::{domain::Step, engine::Provider};

async fn strike(provider: &dyn Provider, step: &Step) {
    provider.perform(step, 1).await;
}

fn main() {}

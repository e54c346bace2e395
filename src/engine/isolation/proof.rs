//! Proof by use: after the strike a leaked secret that is at hand is used once more, and must be refused.
//!
//! What could not be told is named and proves nothing either way: whether the bot is dark is then what the readings
//! say. What was let in is contradicted, whatever the readings say.

use super::Isolation;
use crate::{
    domain::{Contradiction, ProviderName},
    engine::{EngineEvent, identify::use_once},
    journal::Body,
};

/// Uses each leaked secret of the bot once; what was let in.
pub(super) async fn use_leaked(isolation: &Isolation) -> Vec<Contradiction> {
    let mut let_in = Vec::new();
    for leaked in &isolation.order.leaked {
        let provider: &ProviderName = leaked.owner.identity.provider();
        let probed = use_once(isolation.fleet.provider(provider), leaked).await;
        let fingerprint = leaked.secret.fingerprint();
        if probed.alive == Some(true) {
            let_in.push(Contradiction::by_use(&fingerprint, &probed.at, &probed.said));
        }
        isolation.journal.append(isolation.entry(Body::ProbeResult {
            bot: isolation.order.bot.clone(),
            fingerprint: fingerprint.clone(),
            rule: leaked.rule.clone(),
            at: probed.at.clone(),
            alive: probed.alive,
            said: probed.said.clone(),
        }));
        isolation.emit(EngineEvent::Probed {
            op: isolation.op,
            bot: isolation.order.bot.clone(),
            fingerprint,
            probed,
            at: isolation.fleet.clock.now(),
        });
    }
    let_in
}

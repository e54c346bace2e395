//! Proof by use: after the strike a leaked secret that is at hand is used once more, and must be refused.
//!
//! What could not be told is named and proves nothing either way: whether the bot is dark is then what the readings
//! say. What was let in is contradicted, whatever the readings say.

use super::Isolation;
use crate::{
    domain::{Contradiction, ProviderName},
    engine::{
        EngineEvent,
        identify::{on_record, use_once},
    },
};

/// Uses each leaked secret of the bot once; what was let in.
pub(super) async fn use_leaked(isolation: &Isolation) -> Vec<Contradiction> {
    let mut let_in = Vec::new();
    for leaked in &isolation.order.leaked {
        let provider: &ProviderName = leaked.owner.identity.provider();
        let probed = use_once(isolation.work.fleet.provider(provider), leaked).await;
        let fingerprint = leaked.secret.fingerprint();
        if probed.alive == Some(true) {
            let_in.push(Contradiction::by_use(&fingerprint, &probed.at, &probed.said));
        }
        isolation.work.journal.append(isolation.work.entry(on_record(&isolation.order.bot, leaked, &probed)));
        isolation.work.emit(EngineEvent::Probed {
            op: isolation.work.op,
            bot: isolation.order.bot.clone(),
            fingerprint,
            probed,
            at: isolation.work.fleet.clock.now(),
        });
    }
    let_in
}

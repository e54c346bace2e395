//! Proof by use: after the strike a leaked secret that is at hand is used once more, and must be refused.
//!
//! What could not be told is named and proves nothing either way: whether the bot is dark is then what the readings
//! say. What was let in is contradicted, whatever the readings say.

use super::Isolation;
use crate::{domain::Contradiction, engine::identify::use_for};

/// Uses each leaked secret of the bot once; what was let in.
pub(super) async fn use_leaked(isolation: &Isolation) -> Vec<Contradiction> {
    let work = &isolation.work;
    let mut let_in = Vec::new();
    for leaked in &isolation.order.leaked {
        let used = use_for(&work.fleet, work.op, &work.bot, leaked).await;
        work.journal.append(work.entry(used.record));
        work.emit(used.told);
        let_in.extend(used.let_in);
    }
    let_in
}

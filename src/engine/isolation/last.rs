//! The last look: what was answered after its last reading is read once more when nothing is sent any more.

use super::{
    Isolation, Strike,
    sweep::{Swept, is_open},
};
use crate::domain::Reading;

/// Reads once more what was answered after its last reading, when nothing is sent any more: what is alive then is said
/// to be alive, and not merely unknown.
pub(super) async fn look_again(isolation: &Isolation, strike: &Strike, swept: &mut Swept) {
    let moved = swept.readings.iter().filter_map(|reading| {
        let answered = strike.ledger().answered_since(reading)?;
        let provider = isolation.work.fleet.provider(reading.identity.id.provider())?;
        Some((reading.identity.clone(), answered, provider.propagation()))
    });
    let reads = moved.map(|(identity, answered, window)| async move {
        let since = isolation.work.fleet.clock.now().duration_since(answered);
        tokio::time::sleep(window.saturating_sub(since.try_into().unwrap_or_default())).await;
        isolation.work.fleet.read_patiently(&identity).await
    });
    let readings: Vec<Reading> = futures::future::join_all(reads).await.into_iter().flatten().collect();
    if readings.is_empty() {
        return;
    }
    swept.rounds += 1;
    let complete = readings.iter().all(Reading::is_complete);
    let mut live = 0;
    for reading in readings {
        live += reading.holdings.iter().filter(|holding| is_open(holding.state, holding.family)).count();
        for child in &reading.children {
            if !swept.identities.iter().any(|identity| identity.id == child.id) {
                swept.identities.push(child.clone());
            }
        }
        swept.readings.insert(reading);
    }
    isolation.work.swept(swept.rounds, complete, 0, live);
}

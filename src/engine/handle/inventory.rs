//! The inventory on disk: shown before providers answer, kept after they have.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::Engine;
use crate::engine::{Inventory, InventoryError};

/// Least time between two writes.
const KEEP_APART: Duration = Duration::from_mins(1);
/// A large inventory is written more seldom: so much longer than its writing takes.
const WORK_SHARE: u32 = 100;
/// How long the journal is waited for: until it is read, no recalled bot has a state.
const JOURNAL_WITHIN: Duration = Duration::from_millis(250);

/// Where the inventory is kept, and when it was.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    pub inventory: Option<Inventory>,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    /// The newest time of what was kept.
    read_at: Option<Timestamp>,
    /// By the engine's clock: not to be written again before.
    not_before: Option<Duration>,
}

impl Engine {
    /// With a place where what is read is kept for the next console. An exercise has none.
    ///
    /// # Panics
    /// If the engine is shared already.
    pub fn with_inventory(mut self, inventory: Inventory) -> Self {
        let inner = std::sync::Arc::get_mut(&mut self.inner).expect("an engine is set up before it is shared");
        inner.keeper.inventory = Some(inventory);
        self
    }

    /// Takes in what an earlier console has kept, for what no provider has answered yet. None of it counts as read. One
    /// sentence, where there is something and it was not taken.
    pub async fn recall_inventory(&self) -> Option<String> {
        let inventory = self.inner.keeper.inventory.clone()?;
        let place = inventory.path().display().to_string();
        let loaded = tokio::task::spawn_blocking(move || inventory.load()).await;
        let parts = match loaded.unwrap_or(Err(InventoryError::Damaged)) {
            Ok(Some(parts)) => parts,
            Ok(None) => return None,
            Err(error) => return Some(ignored(&place, &error)),
        };
        let now = self.inner.fleet.clock.now();
        let is_ahead = |at: Timestamp| at > now;
        if parts.iter().any(|part| is_ahead(part.read_at) || part.readings.iter().any(|one| is_ahead(one.read_at))) {
            return Some(format!("the cached inventory {place} is ignored: it is of a time that is still to come"));
        }
        // What was isolated since stands in the journal, which the first refresh reads.
        let mut read = self.inner.journal_read.subscribe();
        let _ = tokio::time::timeout(JOURNAL_WITHIN, read.wait_for(|read| *read)).await;
        self.inner.fleet.recall(parts);
        None
    }

    /// Keeps what has been read, unless that was done just now or nothing new was read. Whoever strikes does not wait
    /// for it: it is for after a refresh.
    pub async fn keep_inventory(&self) {
        let Some(inventory) = self.inner.keeper.inventory.clone() else { return };
        let now = self.inner.fleet.clock.monotonic();
        let after = {
            let last = self.inner.keeper.last();
            if last.not_before.is_some_and(|not_before| now < not_before) {
                return;
            }
            last.read_at
        };
        let Some(parts) = self.inner.fleet.to_keep(after) else { return };
        {
            // Before it is written: a place that takes nothing is not tried after every refresh either.
            let mut last = self.inner.keeper.last();
            last.read_at = parts.iter().map(|part| part.read_at).max();
            last.not_before = Some(now + KEEP_APART);
        }
        let began = Instant::now();
        let written = tokio::task::spawn_blocking(move || inventory.keep(&parts)).await;
        if !matches!(written, Ok(Ok(()))) {
            // The next console starts without it, or with the one before: nothing that is done now depends on it.
        }
        let apart = KEEP_APART.max(began.elapsed() * WORK_SHARE);
        self.inner.keeper.last().not_before = Some(now + apart);
    }
}

impl Keeper {
    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ignored(place: &str, error: &InventoryError) -> String {
    format!("the cached inventory {place} is ignored: {error}")
}

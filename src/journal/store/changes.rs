//! Told by the system when somebody writes a journal, so that nobody has to look every second.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::{Root, Store};

/// How long it is believed that nothing was written: a file system may keep silent about what another host does.
const TRUST_FOR: Duration = Duration::from_mins(1);

/// What the journals' directories tell.
#[derive(Debug, Default)]
pub struct Changes {
    /// Tells as long as it lives.
    watch: Option<RecommendedWatcher>,
    told: Arc<Notify>,
}

impl Store {
    /// From now on, what anybody writes to the journals is told.
    pub fn changes(&self) -> Changes {
        let told = Arc::new(Notify::new());
        let Root::Disk(directory) = &self.inner.root else { return Changes::default() };
        let directories = [Some(directory.as_path()), self.inner.fallback.as_deref()].into_iter().flatten();
        // A watch has a thread of its own: none is begun in vain.
        let are_there = directories.clone().all(Path::is_dir);
        Changes { watch: are_there.then(|| watch(directories, &told).ok()).flatten(), told }
    }
}

impl Changes {
    /// Whether changes are told at all: not of a directory that is not there yet, nor of a memory.
    pub const fn are_told(&self) -> bool {
        self.watch.is_some()
    }

    /// Waits until something may have changed, since the last time that it was waited for; a minute at most.
    pub async fn next(&self) {
        // That nothing was told says as little as that something was: either way somebody looks.
        let _ = tokio::time::timeout(TRUST_FOR, self.told.notified()).await;
    }
}

/// All of them, or none: a directory that is missing would never be heard of.
fn watch<'a>(
    directories: impl Iterator<Item = &'a Path>,
    told: &Arc<Notify>,
) -> Result<RecommendedWatcher, notify::Error> {
    let told = told.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading, our own looks among it, changes nothing; what went wrong may hide a change.
        if event.map_or(true, |event| !event.kind.is_access()) {
            told.notify_one();
        }
    })?;
    for directory in directories {
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

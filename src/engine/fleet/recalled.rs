//! What is known from an earlier process: shown with its age until a fresh answer replaces it, and never taken for one.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{Fleet, Known, Listed};
use crate::{
    domain::{IdentityId, ProviderName, Reading},
    engine::{Part, Snapshot, roster::Census},
};

/// Which of what is known is of an earlier process.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// When each reading was made that was taken in. A newer one has another time.
    readings: HashMap<IdentityId, Timestamp>,
    /// Whom estop was at each provider.
    pub own: HashMap<ProviderName, IdentityId>,
    /// Whether the journal was read: without it, nobody knows what was isolated since.
    pub journal_read: bool,
}

impl Recalled {
    /// Whether that reading is of an earlier process.
    pub fn has(&self, reading: &Reading) -> bool {
        self.readings.get(&reading.identity.id) == Some(&reading.read_at)
    }
}

impl Known {
    /// Whether estop itself is that identity, as far as anybody has told.
    pub(super) fn is_own(&self, identity: &IdentityId) -> bool {
        self.own.values().chain(self.recalled.own.values()).any(|own| own == identity)
    }

    /// A whole listing has come, and what it names was read: what is left of an earlier process is named by nobody any
    /// more, but for what could not be read just now.
    pub(super) fn forget_recalled(&mut self, provider: &ProviderName) {
        let Self { readings, errors, recalled, .. } = self;
        readings.retain(|id, reading| id.provider() != provider || errors.contains_key(id) || !recalled.has(reading));
    }
}

impl Fleet {
    /// Whether that reading is of an earlier process.
    pub fn has_recalled(&self, reading: &Reading) -> bool {
        self.known().recalled.has(reading)
    }

    /// Whether what is listed of a provider is of an earlier process.
    pub fn is_recalled(&self, provider: &ProviderName) -> bool {
        self.known().listings.get(provider).is_some_and(|listed| listed.recalled)
    }

    /// Takes in what an earlier process has read of providers that have not been listed yet, and hands it out.
    pub fn recall(&self, parts: Vec<Part>) {
        {
            // Worked out before anybody waits for the lock.
            let parts = parts.into_iter().map(|part| (Census::of(&self.roster, part.listing.clone()), part));
            let parts: Vec<(Census, Part)> = parts.collect();
            let mut known = self.known();
            for (census, part) in parts {
                let is_read = known.listings.get(&part.name).is_some_and(|listed| listed.read_at.is_some());
                if is_read || self.provider(&part.name).is_none() {
                    continue;
                }
                known.take_part(part, census);
            }
        }
        self.publish();
    }

    /// What is to be kept for the next process: of each provider that was ever listed. `None`: none has been listed
    /// since `after`, or is read.
    pub fn to_keep(&self, after: Option<Timestamp>) -> Option<Vec<Part>> {
        let snapshot = self.snapshot();
        let mut parts: Vec<Part> = Vec::new();
        let mut is_news = false;
        {
            let known = self.known();
            for name in self.providers.iter().map(|provider| provider.name()) {
                let Some(listed) = known.listings.get(name) else { continue };
                let Some(read_at) = listed.read_at else { continue };
                is_news |= !listed.recalled && after.is_none_or(|after| read_at > after);
                let own = known.own.get(name).or_else(|| known.recalled.own.get(name)).cloned();
                parts.push(Part {
                    name: name.clone(),
                    read_at,
                    listing: Arc::clone(listed.census.listing()),
                    own,
                    readings: Vec::new(),
                });
            }
        }
        // Nobody waits for the lock meanwhile: the snapshot has the same readings.
        if is_news {
            readings_into(&mut parts, &snapshot);
        }
        is_news.then_some(parts)
    }
}

fn readings_into(parts: &mut [Part], snapshot: &Snapshot) {
    for part in parts {
        let all = snapshot.bots.iter().flat_map(|view| view.readings.iter());
        part.readings = all.filter(|reading| *reading.identity.id.provider() == part.name).cloned().collect();
    }
}

impl Known {
    fn take_part(&mut self, part: Part, census: Census) {
        // A listing that has failed meanwhile has not replaced what was known before.
        let error = self.listings.remove(&part.name).and_then(|listed| listed.error);
        for reading in part.readings {
            let id = reading.identity.id.clone();
            if !self.readings.contains_key(&id) {
                let reading = self.marked(reading);
                self.recalled.readings.insert(id.clone(), reading.read_at);
                self.readings.insert(id, reading);
            }
        }
        if let Some(own) = part.own
            && !self.own.contains_key(&part.name)
        {
            self.recalled.own.insert(part.name.clone(), own);
        }
        let listed = Listed { census, read_at: Some(part.read_at), error, recalled: true };
        self.listings.insert(part.name, listed);
    }
}

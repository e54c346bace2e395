//! Leaked secrets that were handed over: kept in memory, and marked in every reading.
//!
//! A mark makes the provider's steps end that very holding, so that the plan that is shown has it, and the sweep looks
//! for it too.

use super::{Fleet, Known};
use crate::{
    domain::{BotName, Identity, LeakedSecret, Owner, ProviderName, Reading, Recognised},
    engine::Leaked,
};

impl Known {
    /// With the holdings marked that were handed over as leaked.
    pub(super) fn marked(&self, mut reading: Reading) -> Reading {
        for holding in &mut reading.holdings {
            let mut all = self.leaked.values().flatten();
            holding.leaked = all.any(|leaked| leaked.is(&reading.identity.id, holding));
        }
        reading
    }

    fn mark_all(&mut self) {
        let readings = std::mem::take(&mut self.readings);
        self.readings = readings.into_iter().map(|(id, reading)| (id, self.marked(reading))).collect();
    }
}

impl Fleet {
    /// Whose a secret is, as each provider tells from what was read of it.
    pub fn owners(&self, secret: &LeakedSecret, recognised: &[Recognised]) -> Vec<Owner> {
        let known = self.known();
        let of = |name: &ProviderName| {
            let listing = known.listings.get(name).into_iter().flat_map(|listed| &listed.census.listing().identities);
            let readings = known.readings.values().filter(|reading| reading.identity.id.provider() == name);
            (listing.collect::<Vec<&Identity>>(), readings.collect::<Vec<&Reading>>())
        };
        let providers = self.providers.iter().flat_map(|provider| {
            let (listing, readings) = of(provider.name());
            provider.owners(secret, recognised, &listing, &readings)
        });
        providers.collect()
    }

    /// Keeps leaked secrets of a bot, each once, and computes its plan again.
    pub fn hand_over(&self, bot: &BotName, leaked: &[Leaked]) {
        if leaked.is_empty() {
            return;
        }
        {
            let mut known = self.known();
            let kept = known.leaked.entry(bot.clone()).or_default();
            for new in leaked {
                kept.retain(|old| !old.is_same(new));
                kept.push(new.clone());
            }
            known.mark_all();
        }
        self.publish();
    }

    /// What was handed over of a bot.
    pub fn leaked_of(&self, bot: &BotName) -> Vec<Leaked> {
        self.known().leaked.get(bot).cloned().unwrap_or_default()
    }

    /// Lets go of it.
    pub fn forget(&self, bot: &BotName) {
        {
            let mut known = self.known();
            if known.leaked.remove(bot).is_none() {
                return;
            }
            known.mark_all();
        }
        self.publish();
    }
}

//! Listing and reading everything once, each provider within its own time.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{Fleet, Listed, asked};
use crate::domain::{Identity, ProviderName, Reading};
use crate::engine::{BotView, Listing, Provider, ProviderError, deadline::Allowance, roster::Census};

/// Bots read at once, per provider.
const READINGS_AT_ONCE: usize = 4;
/// Generations of children that are followed: a child's child's child is somebody's bug or attack, not a bot.
const GENERATIONS: usize = 4;

impl Fleet {
    /// Lists every provider and reads every bot, providers side by side, publishing as answers come.
    pub async fn refresh(&self) {
        stream::iter(&self.providers)
            .for_each_concurrent(None, |provider| async {
                self.refresh_provider(provider).await;
                self.publish();
            })
            .await;
    }

    async fn refresh_provider(&self, provider: &Arc<dyn Provider>) {
        let (began, since) = (self.clock.now(), self.clock.monotonic());
        let allowance = Allowance::new(refresh_time(provider.as_ref()));
        let listing = async {
            let listed = allowance.run(asked(provider, provider.inventory())).await;
            listed.unwrap_or_else(|| Err(late(provider)))
        };
        let (answer, _) = tokio::join!(listing, allowance.run(self.learn_own(provider)));
        let spent = self.clock.monotonic().saturating_sub(since);
        // Whoever was mute is not asked about each bot as well. Less than a whole deadline: what it waited for may have
        // been asked by others before.
        let mute = answer.as_ref().err().filter(|_| spent >= provider.limits().deadline * 2 / 3).cloned();
        let failed = answer.as_ref().err().cloned();
        let whole = answer.as_ref().is_ok_and(|listing| listing.gaps.is_empty());
        self.take_listing(provider, began, answer);
        self.publish();
        let is_here = |identity: &Identity| identity.id.provider() == provider.name();
        // Known from an earlier process only: nobody is asked about each of them who has just refused to list any.
        let only_recalled = failed.is_some() && self.is_recalled(provider.name());
        let snapshot = self.snapshot();
        let (asked, unasked): (Vec<&Arc<BotView>>, _) =
            snapshot.bots.iter().partition(|view| mute.is_none() && (view.bot.configured || !only_recalled));
        let of = |views: Vec<&Arc<BotView>>| -> Vec<Identity> {
            views.iter().flat_map(|view| view.identities.iter().filter(|one| is_here(one)).cloned()).collect()
        };
        if let Some(error) = failed {
            let unread = of(unasked).into_iter().map(|identity| (identity.id, error.to_string()));
            self.known().errors.extend(unread);
        }
        self.read_within(Some(&allowance), of(asked)).await;
        if whole {
            self.known().forget_recalled(provider.name());
        }
        let mut known = self.known();
        if allowance.is_spent() {
            known.spent.insert(provider.name().clone());
        } else {
            known.spent.remove(provider.name());
        }
    }

    /// Whether a provider has used up the time of its newest refresh: it is asked nothing more by a command that waits.
    pub fn has_used_up_its_time(&self, provider: &ProviderName) -> bool {
        self.known().spent.contains(provider)
    }

    /// Lists one provider, unless it has been listed: for names that nobody could resolve yet.
    pub async fn list_once(&self, provider: &Arc<dyn Provider>) -> Result<(), ProviderError> {
        if self.known().listings.get(provider.name()).is_some_and(Listed::is_fresh) {
            return Ok(());
        }
        let began = self.clock.now();
        let answer = asked(provider, provider.inventory()).await;
        let listed = answer.as_ref().map(|_| ()).map_err(Clone::clone);
        self.take_listing(provider, began, answer);
        self.publish();
        listed
    }

    /// Whom the console is there, so that it never isolates itself: asked once.
    async fn learn_own(&self, provider: &Arc<dyn Provider>) {
        let known = self.known().own.contains_key(provider.name());
        if !known
            && let Ok(Ok(preflight)) =
                tokio::time::timeout(provider.limits().deadline, asked(provider, provider.preflight())).await
            && let Some(own) = preflight.whoami.identity
        {
            let mut known = self.known();
            known.recalled.own.remove(provider.name());
            known.own.insert(provider.name().clone(), own);
        }
    }

    fn take_listing(&self, provider: &Arc<dyn Provider>, at: Timestamp, answer: Result<Listing, ProviderError>) {
        // Worked out before anybody waits for the lock.
        let answer = answer.map(|listing| Census::of(&self.roster, Arc::new(listing)));
        let mut known = self.known();
        let listed = known.listings.entry(provider.name().clone()).or_default();
        match answer {
            Ok(census) => *listed = Listed { census, read_at: Some(at), error: None, recalled: false },
            Err(error) => listed.error = Some(error.to_string()),
        }
    }

    /// Reads identities and the children that show up, and keeps what was read.
    pub async fn read_all(&self, identities: Vec<Identity>) {
        self.read_within(None, identities).await;
    }

    /// The same, within the time of a refresh where there is one: what there was no time for was not read.
    async fn read_within(&self, allowance: Option<&Allowance>, mut identities: Vec<Identity>) {
        for _ in 0..GENERATIONS {
            let children: Vec<Vec<Identity>> = stream::iter(identities)
                .map(|identity| async move {
                    let reading = match allowance {
                        None => self.read_one(&identity).await,
                        Some(allowance) => self.read_in_time(allowance, &identity).await,
                    };
                    reading.map(|reading| reading.children)
                })
                .buffer_unordered(READINGS_AT_ONCE)
                .filter_map(|children| async { children.ok() })
                .collect()
                .await;
            let known = self.known();
            let is_read =
                |child: &Identity| known.readings.get(&child.id).is_some_and(|reading| !known.recalled.has(reading));
            identities = children.into_iter().flatten().filter(|child| !is_read(child)).collect();
            drop(known);
            if identities.is_empty() {
                return;
            }
        }
    }

    async fn read_in_time(&self, allowance: &Allowance, identity: &Identity) -> Result<Reading, ProviderError> {
        let began = self.clock.monotonic();
        match allowance.run(self.read_one(identity)).await {
            Some(answer) => {
                let spent = self.clock.monotonic().saturating_sub(began);
                // With something missing, and slow as well: that is how it reads when the time was up.
                if answer.as_ref().is_ok_and(|reading| reading.is_complete() || spent < allowance.whole / 2) {
                    allowance.renew();
                }
                answer
            }
            None => {
                let error = match self.provider(identity.id.provider()) {
                    Some(provider) => late(provider),
                    None => ProviderError::BadData(format!("{}: no such provider is configured", identity.id)),
                };
                self.known().errors.insert(identity.id.clone(), error.to_string());
                Err(error)
            }
        }
    }
}

/// How long a whole refresh of a provider may take without an answer: its deadline, and what its own rate makes a few
/// readings wait.
fn refresh_time(provider: &dyn Provider) -> Duration {
    let limits = provider.limits();
    let at_once = limits.requests_per_reading.saturating_mul(u32::try_from(READINGS_AT_ONCE).unwrap_or(1));
    // Reads have half of the rate.
    let paced = limits.rate.map_or(Duration::ZERO, |rate| rate.per * at_once.saturating_mul(2) / rate.requests.max(1));
    limits.deadline + paced
}

fn late(provider: &Arc<dyn Provider>) -> ProviderError {
    let (name, limit) = (provider.name(), provider.limits().deadline.as_secs());
    ProviderError::Transient(format!("{name} did not answer within {limit} s"))
}

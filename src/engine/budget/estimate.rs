//! How long a plan takes: a figure for the responder, computed from the plan and the budgets alone.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{ObjectId, Plan, ProviderName};
use crate::engine::Limits;

/// Between the two clean listings that prove an isolation.
const APART: Duration = Duration::from_secs(1);
/// Listings that prove it.
const LISTINGS: u32 = 2;

/// About how long a plan takes to be struck and proved, and the slowest rate that it is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// From the key to the proof, as far as steps, budgets and typical latencies tell.
    pub takes: Duration,
    /// The declared rate of the provider that takes longest, in requests a second; `None`: it declares none.
    pub requests_per_second: Option<u32>,
}

impl Estimate {
    /// Providers are struck side by side, so the slowest decides. Each takes
    ///
    /// - for `n` steps that the API takes, the most of: latency × ⌈n / mutations at the same time⌉; latency × the
    ///   longest queue on one object; (n − burst) / rate, where a rate is declared;
    /// - for its two listings, a second apart: latency × ⌈requests of a listing / reads at the same time⌉ each, or
    ///   requests / half the rate, for reads take no more than that.
    ///
    /// Faults, a bot that mints meanwhile, and propagation beyond a second are not in it. `None`: nothing to send, or
    /// nobody knows a provider of the plan.
    pub fn of(plan: &Plan, limits: impl Fn(&ProviderName) -> Option<Limits>) -> Option<Self> {
        let mut loads: BTreeMap<&ProviderName, Load<'_>> = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| !step.by_hand) {
            let load = loads.entry(step.identity.provider()).or_default();
            load.steps += 1;
            *load.queues.entry(&step.object).or_default() += 1;
            if !load.identities.contains(&step.identity.native()) {
                load.identities.push(step.identity.native());
            }
        }
        let each = loads.into_iter().filter_map(|(name, load)| limits(name).map(|limits| load.within(&limits)));
        each.max_by_key(|estimate| estimate.takes)
    }

    /// In milliseconds, for documents.
    pub fn ms(&self) -> u64 {
        u64::try_from(self.takes.as_millis()).unwrap_or(u64::MAX)
    }

    /// `about 4 s at 20 requests/s`.
    pub fn sentence(&self) -> String {
        let seconds = self.takes.as_millis().div_ceil(1000).max(1);
        let takes =
            if seconds < 120 { format!("about {seconds} s") } else { format!("about {} min", seconds.div_ceil(60)) };
        match self.requests_per_second {
            Some(rate) => format!("{takes} at {rate} requests/s"),
            None => takes,
        }
    }
}

/// What a plan asks of one provider.
#[derive(Default)]
struct Load<'a> {
    steps: u32,
    queues: BTreeMap<&'a ObjectId, u32>,
    identities: Vec<&'a str>,
}

impl Load<'_> {
    fn within(&self, limits: &Limits) -> Estimate {
        let rounds = |requests: u32, at_once: usize| {
            limits.latency * requests.div_ceil(u32::try_from(at_once.max(1)).unwrap_or(u32::MAX))
        };
        let queue = limits.latency * self.queues.values().copied().max().unwrap_or(0);
        let identities = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        let reads = identities.saturating_mul(limits.requests_per_reading);
        let mut strike = rounds(self.steps, limits.concurrent_writes).max(queue);
        let mut listing = rounds(reads, limits.concurrent_reads);
        if let Some(rate) = &limits.rate {
            let held = |requests: u32, pace: f64| {
                Duration::from_secs_f64(f64::from(requests.saturating_sub(rate.burst)) / pace)
            };
            strike = strike.max(held(self.steps, rate.refill()));
            listing = listing.max(held(reads, rate.refill() / 2.0));
        }
        let per_second = |rate: super::Rate| {
            let whole =
                u64::from(rate.requests) * 1000 / u64::try_from(rate.per.as_millis().max(1)).unwrap_or(u64::MAX);
            u32::try_from(whole.max(1)).unwrap_or(u32::MAX)
        };
        // The second listing begins a second after the first began, or when that has ended.
        let proof = APART.max(listing) * (LISTINGS - 1) + listing;
        Estimate { takes: strike + proof, requests_per_second: limits.rate.map(per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Rate;

    fn load(steps: u32) -> Load<'static> {
        Load { steps, queues: BTreeMap::new(), identities: vec!["bot"] }
    }

    fn limits(rate: Option<Rate>) -> Limits {
        let latency = Duration::from_millis(50);
        Limits {
            concurrent_writes: 16,
            concurrent_reads: 8,
            latency,
            requests_per_reading: 15,
            rate,
            ..Limits::default()
        }
    }

    #[test]
    fn without_a_rate_slots_and_latency_decide() {
        let free = load(36).within(&limits(None));
        // Three rounds of 50 ms; a listing is two rounds of reads; the second one comes a second after the first.
        assert_eq!(free.takes, Duration::from_millis(150 + 1000 + 100));
        assert_eq!(free.sentence(), "about 2 s");
    }

    #[test]
    fn a_declared_rate_binds_and_reads_have_half_of_it() {
        let held = load(59).within(&limits(Some(Rate::per_second(20))));
        // 57 steps at 19 a second; twice 13 reads at 9.5 a second.
        assert!((held.takes.as_secs_f64() - (3.0 + 2.0 * 13.0 / 9.5)).abs() < 0.001, "{held:?}");
        assert_eq!(held.sentence(), "about 6 s at 20 requests/s");
    }

    #[test]
    fn long_ones_are_told_in_minutes() {
        let held = load(3600).within(&limits(Some(Rate::per_second(10))));
        assert_eq!(held.sentence(), "about 7 min at 10 requests/s");
    }
}

//! From what was read to what is shown: bots, plans, collateral, states.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Fleet, Known, state};
use crate::domain::{
    Bot, BotName, BotState, Collateral, Depth, Evidence, Exposure, Family, Findings, Fingerprint, HoldingState,
    Identity, IdentityId, IdentityState, Isolation, Outcome, Plan, Reading, ReadingSet, Shared, Untrusted,
};
use crate::engine::{
    roster::Sorted,
    snapshot::{BotView, ProviderStatus, Snapshot},
};

/// Who holds a long-lived secret, by fingerprint.
pub(super) type Keyring = BTreeMap<Fingerprint, BTreeSet<IdentityId>>;

pub(super) fn assemble(fleet: &Fleet, known: &Known) -> Snapshot {
    let listed = known.listings.iter().map(|(name, listed)| (name, &listed.census)).collect();
    let Sorted { bots, others, mut notices } = fleet.roster.sort(&listed);
    let owners: BTreeMap<IdentityId, BotName> =
        bots.iter().flat_map(|(bot, _)| bot.identities.iter().map(|id| (id.clone(), bot.name.clone()))).collect();
    let environments = bots.iter().filter_map(|(bot, _)| Some((bot.name.clone(), bot.environment.clone()?))).collect();
    let keyring = keyring(known);
    // Of those that hold a long-lived secret: there may be half a million others.
    let holders: BTreeSet<&IdentityId> = keyring.values().flatten().collect();
    let name = |id: &IdentityId| Some((id.clone(), known.listed(id)?.name.clone()));
    let names: BTreeMap<IdentityId, Untrusted> = holders.into_iter().filter_map(name).collect();
    let context = Context { fleet, known, owners, environments, keyring, names };
    let bots: Vec<Arc<BotView>> = bots.into_iter().map(|(bot, found)| Arc::new(context.view(bot, found))).collect();
    notices.extend(suspicious(&bots));
    Snapshot {
        revision: known.revision,
        generated_at: fleet.clock.now(),
        exercise: fleet.exercise.clone(),
        providers: fleet.providers.iter().map(|provider| status(provider.as_ref(), known, &bots)).collect(),
        bots,
        others,
        notices,
    }
}

/// A configured bot none of whose identities any provider lists is worth a word.
fn suspicious(bots: &[Arc<BotView>]) -> Vec<String> {
    bots.iter()
        .filter(|view| view.bot.configured && view.bot.identities.is_empty())
        .map(|view| format!("bot {}: it has no identity: name one in its entry", view.bot.name))
        .collect()
}

fn status(provider: &dyn crate::engine::Provider, known: &Known, bots: &[Arc<BotView>]) -> ProviderStatus {
    let listed = known.listings.get(provider.name());
    let gap = listed.and_then(|listed| listed.census.listing().gaps.first()).map(|gap| gap.what.clone());
    let unread = bots
        .iter()
        .flat_map(|view| &view.identities)
        .filter(|identity| identity.id.provider() == provider.name())
        .find_map(|identity| known.errors.get(&identity.id).cloned());
    let gap = gap.or_else(|| {
        let mine = bots.iter().flat_map(|view| view.readings.iter());
        let mut mine = mine.filter(|reading| reading.identity.id.provider() == provider.name());
        mine.find_map(|reading| reading.gaps.first()).map(|gap| gap.what.clone())
    });
    let failed = listed.and_then(|listed| listed.error.clone());
    ProviderStatus {
        name: provider.name().clone(),
        kind: provider.kind(),
        reachable: listed.is_some_and(super::Listed::is_fresh),
        complete: listed.is_some_and(super::Listed::is_fresh) && gap.is_none() && unread.is_none(),
        read_at: listed.and_then(|listed| listed.read_at),
        error: failed.or(gap).or(unread),
        limits: provider.limits(),
    }
}

/// Fingerprints from readings, and those that a listing brought along as the hint `fingerprints`.
fn keyring(known: &Known) -> Keyring {
    let mut keyring = Keyring::new();
    for reading in known.readings.values() {
        for holding in &reading.holdings {
            if holding.family == Family::Secret
                && holding.state != HoldingState::Gone
                && let Some(fingerprint) = &holding.fingerprint
            {
                keyring.entry(fingerprint.clone()).or_default().insert(reading.identity.id.clone());
            }
        }
    }
    for (fingerprint, identity) in known.listings.values().flat_map(|listed| listed.census.fingerprints()) {
        keyring.entry(fingerprint.clone()).or_default().insert(identity.id.clone());
    }
    keyring
}

/// Whether an identity reads, or is listed, as shut.
fn is_shut(known: &Known, id: &IdentityId) -> bool {
    let listed = |listed: &super::Listed| {
        if listed.recalled {
            return false;
        }
        listed
            .census
            .get(id)
            .is_some_and(|identity| matches!(identity.state, IdentityState::Gated | IdentityState::Gone))
    };
    let read = |reading: &Reading| reading.is_shut() && !known.recalled.has(reading);
    known.readings.get(id).is_some_and(read) || known.listings.get(id.provider()).is_some_and(listed)
}

/// Collateral now, and what was claimed before a burn took it out of the readings.
pub(super) fn still_open(known: &Known, current: Vec<Collateral>, claimed: &[Collateral]) -> Vec<Collateral> {
    let mut all = current;
    for one in claimed {
        if !all.iter().any(|other| other.bot == one.bot) {
            let opens = one.opens.clone().filter(|id| !is_shut(known, id));
            all.push(Collateral { opens, ..one.clone() });
        }
    }
    all
}

struct Context<'a> {
    fleet: &'a Fleet,
    known: &'a Known,
    owners: BTreeMap<IdentityId, BotName>,
    environments: BTreeMap<BotName, Untrusted>,
    keyring: Keyring,
    names: BTreeMap<IdentityId, Untrusted>,
}

impl Context<'_> {
    fn view(&self, bot: Bot, found: Vec<Identity>) -> BotView {
        let identities = self.identities(&bot, found);
        let readings = self.readings(&identities);
        let shared = self.shared(&readings);
        let collateral = self.collateral(&bot, &readings, &shared);
        let plan = |depth| Arc::new(self.plan(&bot, depth, &identities, &readings, collateral.clone()));
        let (isolate, burn) = (plan(Depth::Isolate), plan(Depth::Burn));
        let last_active_at = readings
            .iter()
            .flat_map(|reading| reading.activity.iter().map(|activity| activity.at))
            .chain(identities.iter().filter_map(|identity| identity.last_active_at))
            .max();
        let error = identities.iter().find_map(|identity| self.known.errors.get(&identity.id).cloned());
        let state = self.state(&bot, &identities, &readings, collateral);
        let findings = self.findings(&bot, state, &identities, &readings, &isolate, &shared);
        let recalled = readings.iter().any(|reading| self.known.recalled.has(reading));
        BotView {
            state,
            plan: isolate,
            burn,
            shared,
            findings,
            last_active_at,
            error,
            identities,
            recalled,
            readings,
            bot,
        }
    }

    fn state(
        &self,
        bot: &Bot,
        identities: &[Identity],
        readings: &ReadingSet,
        collateral: Vec<Collateral>,
    ) -> BotState {
        let isolated_here = self.known.running.get(&bot.name).is_some_and(|run| run.gives_way.is_none());
        if isolated_here || self.known.elsewhere.contains(&bot.name) {
            return BotState::Isolating;
        }
        if !self.known.recalled.journal_read && readings.iter().any(|reading| self.known.recalled.has(reading)) {
            // Whether it was isolated since is in the journal.
            return BotState::Unknown;
        }
        let operation = self.known.operations.get(&bot.name);
        let claimed = operation.map(|operation| operation.collateral.as_slice()).unwrap_or_default();
        let collateral = still_open(self.known, collateral, claimed);
        state::state(operation, identities, readings, &collateral, self.fleet.clock.now())
    }

    fn findings(
        &self,
        bot: &Bot,
        state: BotState,
        identities: &[Identity],
        readings: &ReadingSet,
        plan: &Plan,
        shared: &[Shared],
    ) -> Arc<Findings> {
        if readings.is_empty() {
            return Findings::unread();
        }
        let isolation = self.isolation(&bot.name);
        let is_own = identities.iter().any(|identity| self.known.is_own(&identity.id));
        Arc::new(Findings::of(&Evidence {
            bot,
            state,
            identities,
            readings,
            plan,
            shared,
            is_own,
            isolation: isolation.as_ref(),
            policy: &self.fleet.policy,
            now: self.fleet.clock.now(),
        }))
    }

    /// As the journal has it, unless the bot was let go again.
    fn isolation(&self, bot: &BotName) -> Option<Isolation> {
        let operation = self.known.operations.get(bot).filter(|operation| operation.restores.is_none())?;
        let dark = operation.ended.as_ref().filter(|end| matches!(end.outcome, Outcome::Dark | Outcome::DarkAt { .. }));
        let alive = operation.used.iter().chain(&operation.after_dark);
        Some(Isolation {
            started_at: operation.started_at,
            verified_at: dark.map(|end| end.at),
            alive: alive.map(|one| Untrusted::new(one.what.as_str()).shown()).collect(),
        })
    }

    /// As listed; one that a complete listing does not have is gone, else unknown.
    fn identities(&self, bot: &Bot, found: Vec<Identity>) -> Vec<Identity> {
        let mut identities = found;
        for id in &bot.identities {
            if identities.iter().any(|identity| identity.id == *id) {
                continue;
            }
            let complete = self
                .known
                .listings
                .get(id.provider())
                .is_some_and(|listed| listed.is_fresh() && listed.census.listing().gaps.is_empty());
            identities.push(Identity::new(
                id.clone(),
                Untrusted::new(id.native()),
                crate::domain::IdentityKind::ServiceAccount,
                if complete { IdentityState::Gone } else { IdentityState::Unknown },
            ));
        }
        identities
    }

    /// Of the identities and, through them, of their children.
    fn readings(&self, identities: &[Identity]) -> ReadingSet {
        let mut wanted: Vec<IdentityId> = identities.iter().map(|identity| identity.id.clone()).collect();
        let mut set = ReadingSet::default();
        let mut next = 0;
        while let Some(id) = wanted.get(next).cloned() {
            next += 1;
            if let Some(reading) = self.known.readings.get(&id) {
                for child in &reading.children {
                    if !wanted.contains(&child.id) {
                        wanted.push(child.id.clone());
                    }
                }
                set.insert(reading.clone());
            }
        }
        set
    }

    /// Secrets of this bot that open another identity too, its own others included.
    fn shared(&self, readings: &ReadingSet) -> Vec<Shared> {
        let mut shared = Vec::new();
        for holding in readings.holdings().filter(|holding| holding.family == Family::Secret) {
            let Some(fingerprint) = &holding.fingerprint else { continue };
            let others = self.keyring.get(fingerprint).into_iter().flatten();
            for other in others.filter(|other| *other != holding.id.identity()) {
                let bot = self.owners.get(other);
                shared.push(Shared {
                    holding: holding.id.clone(),
                    fingerprint: fingerprint.clone(),
                    identity: other.clone(),
                    name: self.names.get(other).cloned(),
                    environment: bot.and_then(|bot| self.environments.get(bot)).cloned(),
                    bot: bot.cloned(),
                });
            }
        }
        shared
    }

    /// Other identities that a secret of this bot opens.
    fn collateral(&self, bot: &Bot, readings: &ReadingSet, shared: &[Shared]) -> Vec<Collateral> {
        let is_mine = |id: &IdentityId| bot.identities.contains(id) || readings.get(id).is_some();
        let others = shared.iter().filter(|shared| !is_mine(&shared.identity));
        let mut collateral: Vec<Collateral> = others
            .map(|shared| Collateral {
                why: format!("the same {} {} opens it", shared.holding.class(), shared.fingerprint),
                bot: shared.whom(),
                opens: (!is_shut(self.known, &shared.identity)).then(|| shared.identity.clone()),
            })
            .collect();
        collateral.dedup();
        collateral
    }

    fn plan(
        &self,
        bot: &Bot,
        depth: Depth,
        identities: &[Identity],
        readings: &ReadingSet,
        collateral: Vec<Collateral>,
    ) -> Plan {
        let mut steps = Vec::new();
        for identity in identities {
            if readings.get(&identity.id).is_none()
                && let Some(provider) = self.fleet.provider(identity.id.provider())
            {
                steps.extend(provider.gate(identity));
            }
        }
        for reading in readings.iter() {
            if let Some(provider) = self.fleet.provider(reading.identity.id.provider()) {
                steps.extend(provider.steps(reading, depth));
            }
        }
        let mut plan = Plan::new(bot.name.clone(), depth, steps, readings, collateral);
        for exposed in &mut plan.exposure {
            self.name_bot(exposed);
        }
        plan
    }

    fn name_bot(&self, exposed: &mut Exposure) {
        if let Some(owner) = self.owners.get(&exposed.identity) {
            exposed.bot = Some(Untrusted::new(owner.raw()));
        }
    }
}

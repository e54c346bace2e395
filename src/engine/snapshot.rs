//! What is known of the fleet right now: immutable, shared, replaced as a whole.

mod others;

use std::{collections::BTreeSet, sync::Arc};

pub use others::Others;

use jiff::{SignedDuration, Timestamp};

use super::{Estimate, Limits};
use crate::domain::{Bot, BotName, BotState, Findings, Identity, IdentityId, Plan, ProviderName, ReadingSet, Shared};

/// A plan is stale after this long.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// One bot, with everything that the console shows of it.
#[derive(Debug, Clone)]
pub struct BotView {
    /// Name, owner, environment, identities.
    pub bot: Bot,
    /// Where it stands.
    pub state: BotState,
    /// Its identities as their providers list them; one that is configured and not found has state `Gone` or
    /// `Unknown`.
    pub identities: Vec<Identity>,
    /// The newest reading of each, children included; empty: not read yet.
    pub readings: ReadingSet,
    /// Whether one of them is of an earlier process: however young, it is no fresh read.
    pub recalled: bool,
    /// What `X` would do now.
    pub plan: Arc<Plan>,
    /// What `B` would do now.
    pub burn: Arc<Plan>,
    /// Its secrets that open other identities too.
    pub shared: Vec<Shared>,
    /// What the rules say of it, by those readings and as of then.
    pub findings: Arc<Findings>,
    /// The newest activity of any identity.
    pub last_active_at: Option<Timestamp>,
    /// Why its newest read failed, where it did.
    pub error: Option<String>,
}

impl BotView {
    /// Its identities and the children that their readings name.
    pub fn family(&self) -> Vec<Identity> {
        let as_read = |identity: &Identity| match self.readings.get(&identity.id) {
            // A reading knows more than the listing: hints that a provider needs to recognise what it has cut.
            Some(reading) => reading.identity.clone(),
            None => identity.clone(),
        };
        let mut family: Vec<Identity> = self.identities.iter().map(as_read).collect();
        for child in self.readings.iter().flat_map(|reading| &reading.children) {
            if !family.iter().any(|member| member.id == child.id) {
                family.push(child.clone());
            }
        }
        family
    }

    /// How many other bots, or identities of none, isolating it would hit.
    pub fn hits(&self) -> usize {
        self.plan.collateral.iter().map(|one| &one.bot).collect::<BTreeSet<_>>().len()
    }

    /// Whether any of its readings is missing, older than [`STALE_AFTER`], or of an earlier process.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let too_old = self.identities.iter().any(|identity| {
            self.readings.get(&identity.id).is_none_or(|reading| now.duration_since(reading.read_at) > STALE_AFTER)
        });
        self.recalled || too_old
    }
}

/// How a provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatus {
    /// Its unique name.
    pub name: ProviderName,
    /// Its kind.
    pub kind: &'static str,
    /// Whether its last listing was answered.
    pub reachable: bool,
    /// Whether its last listing had every page, and every bot could be read in full.
    pub complete: bool,
    /// When it was last listed.
    pub read_at: Option<Timestamp>,
    /// Why the last listing failed or is incomplete, one sentence.
    pub error: Option<String>,
    /// How much it may be asked.
    pub limits: Limits,
}

/// The fleet.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Rises with every change.
    pub revision: u64,
    /// When it was put together.
    pub generated_at: Timestamp,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// The bots, by name.
    pub bots: Vec<Arc<BotView>>,
    /// Every other non-human identity.
    pub others: Others,
    /// The providers, in the order of the configuration.
    pub providers: Vec<ProviderStatus>,
    /// What a responder should know: `names several identities` …
    pub notices: Vec<String>,
}

impl Snapshot {
    /// The bot of that name.
    pub fn bot(&self, name: &BotName) -> Option<&Arc<BotView>> {
        self.bot_at(name).map(|at| &self.bots[at])
    }

    /// Where in the list it is.
    pub fn bot_at(&self, name: &BotName) -> Option<usize> {
        // By name as a rule, and then there may be thousands.
        let found = self.bots.binary_search_by(|view| view.bot.name.cmp(name)).ok();
        found.or_else(|| self.bots.iter().position(|view| view.bot.name == *name))
    }

    /// The identity of that id, where no bot has it.
    pub fn other(&self, id: &IdentityId) -> Option<&Identity> {
        self.other_at(id).map(|at| &self.others[at])
    }

    /// Where in the list it is.
    pub fn other_at(&self, id: &IdentityId) -> Option<usize> {
        self.others.find(id)
    }

    /// The bot that has the identity.
    pub fn bot_of(&self, identity: &IdentityId) -> Option<&Arc<BotView>> {
        self.bots.iter().find(|view| view.bot.identities.contains(identity))
    }

    /// How long a plan would take within the budgets; `None`: it has no step that estop would send.
    pub fn estimate(&self, plan: &Plan) -> Option<Estimate> {
        let limits = |name: &ProviderName| {
            self.providers.iter().find(|provider| provider.name == *name).map(|provider| provider.limits)
        };
        Estimate::of(plan, limits)
    }

    /// Whether every provider could be read in full.
    pub fn is_complete(&self) -> bool {
        self.providers.iter().all(|provider| provider.reachable && provider.complete)
    }
}

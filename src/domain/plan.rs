//! What isolating one bot would take now: pure data with a hash.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BotName, Gap, IdentityId, Lane, ReadingSet, Reversibility, Step, Untrusted};

/// How deep an isolation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Gates shut; tokens, sessions, connectors and grants revoked; long-lived secrets stay, gated.
    Isolate,
    /// The same, and the end of every long-lived secret. It cannot be undone.
    Burn,
}

/// Another bot that the plan would hit, or that shares a credential with this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collateral {
    /// The other bot, or identity where no bot has it.
    pub bot: String,
    /// Why: `the same key sha256:… opens it`.
    pub why: String,
    /// Whether a credential of this bot goes on working as that identity after the plan has run.
    pub opens: Option<IdentityId>,
}

/// Another identity whose secret this bot could read or make: isolating this one leaves it in the thief's hands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exposure {
    /// Which identity.
    pub identity: IdentityId,
    /// Its name.
    pub name: Untrusted,
    /// The bot that has it, where one does.
    pub bot: Option<Untrusted>,
    /// How: `role manage-clients reads every client's secret`.
    pub why: String,
}

/// Access that outlives revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// Whose.
    pub identity: IdentityId,
    /// What: `access tokens checked locally`.
    pub what: String,
    /// When it ends, if everything is cut at the time of the reading; `None`: only when somebody ends it.
    pub until: Option<Timestamp>,
    /// How long after the last minting it ends, in milliseconds; `None` where `until` does not move with the cut.
    pub lifetime_ms: Option<i64>,
    /// Where the figure comes from: `realm access-token lifespan`.
    pub source: String,
}

impl Residual {
    /// When it ends, if the last minting was possible until `cut`.
    pub fn ends(&self, cut: Timestamp) -> Option<Timestamp> {
        match (self.lifetime_ms, self.until) {
            (Some(lifetime), until) => {
                let after_cut = cut.checked_add(jiff::SignedDuration::from_millis(lifetime)).ok()?;
                // Where the newest token is known, its end may be earlier than a token minted at the cut.
                Some(until.map_or(after_cut, |until| until.min(after_cut)))
            }
            (None, until) => until,
        }
    }
}

/// SHA-256 over the plan's steps: what `--plan` compares.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(String);

impl PlanHash {
    /// The hash of steps, independent of their order.
    pub fn of(bot: &BotName, depth: Depth, steps: &[Step]) -> Self {
        let mut lines: Vec<String> = steps
            .iter()
            .map(|step| {
                serde_json::to_string(&(&step.id, &step.action, &step.target, &step.object)).unwrap_or_default()
            })
            .collect();
        lines.sort_unstable();
        Self::of_lines(&format!("estop plan/1\n{}\n{depth:?}\n", bot.raw()), &lines)
    }

    /// Over a head and lines that are in an order of their own.
    pub(super) fn of_lines(head: &str, lines: &[String]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(head);
        for line in lines {
            hasher.update(line);
            hasher.update("\n");
        }
        Self(hex::encode(hasher.finalize()))
    }

    /// As somebody typed it; what is no plan's hash never equals one.
    pub fn typed(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What isolating one bot would take now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Of which bot.
    pub bot: BotName,
    /// How deep.
    pub depth: Depth,
    /// Over its steps.
    pub hash: PlanHash,
    /// The oldest read it stands on; `None`: gates only, from the identities alone.
    pub read_at: Option<Timestamp>,
    /// In no order but their own `object`, `rank` and `after`.
    pub steps: Vec<Step>,
    /// Others that it hits.
    pub collateral: Vec<Collateral>,
    /// Others that the thief may have.
    pub exposure: Vec<Exposure>,
    /// What will outlive it.
    pub residual: Vec<Residual>,
    /// What was not read.
    pub gaps: Vec<Gap>,
}

impl Plan {
    /// Puts a plan together from steps and the readings they were made from.
    pub fn new(
        bot: BotName,
        depth: Depth,
        mut steps: Vec<Step>,
        readings: &ReadingSet,
        collateral: Vec<Collateral>,
    ) -> Self {
        steps.sort_by(|a, b| a.id.cmp(&b.id));
        steps.dedup_by(|a, b| a.id == b.id);
        let hash = PlanHash::of(&bot, depth, &steps);
        let all = || readings.iter();
        let mut exposure: Vec<Exposure> = all().flat_map(|reading| reading.exposure.clone()).collect();
        exposure.sort();
        exposure.dedup_by(|a, b| a.identity == b.identity);
        Self {
            bot,
            depth,
            hash,
            read_at: readings.read_at(),
            steps,
            collateral,
            exposure,
            residual: all().flat_map(|reading| reading.residual.clone()).collect(),
            gaps: all().flat_map(|reading| reading.gaps.clone()).collect(),
        }
    }

    /// How many steps a lane has.
    pub fn in_lane(&self, lane: Lane) -> usize {
        self.steps.iter().filter(|step| step.lane == lane).count()
    }

    /// Steps that cannot be undone at all.
    pub fn irreversible(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.reversible == Reversibility::Irreversible)
    }

    /// Permissions that its steps miss, each once.
    pub fn missing_permissions(&self) -> Vec<&str> {
        let mut missing: Vec<&str> = self.steps.iter().filter_map(|step| step.missing_permission.as_deref()).collect();
        missing.extend(self.gaps.iter().filter_map(|gap| gap.permission.as_deref()));
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

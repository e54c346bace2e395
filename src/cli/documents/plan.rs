//! `estop.plan/1`: what isolating a bot would do now.

use serde::Serialize;

use super::bot::GapRow;
use crate::{
    cli::time::Moment,
    domain::{Depth, Exposure, IdentityId, Plan, Residual, Reversibility, Step, StepId, Untrusted},
    engine::Snapshot,
};

/// One step of a plan.
#[derive(Debug, Serialize)]
pub struct PlanStepRow {
    /// Stable over plans.
    pub id: StepId,
    /// Its column.
    pub lane: &'static str,
    /// What it does.
    pub action: String,
    /// To what.
    pub target: Untrusted,
    /// The object it writes: steps on the same one run in order.
    pub object: String,
    /// Where.
    pub provider: String,
    /// What can be undone.
    pub reversible: Reversibility,
    /// Steps that go first.
    pub after: Vec<StepId>,
    /// Whether it takes away the power to mint.
    pub mint_cut: bool,
    /// What a person must do, where no API can or estop may not.
    pub manual: Option<String>,
    /// The permission that estop lacks for it.
    pub missing_permission: Option<String>,
}

impl From<&Step> for PlanStepRow {
    fn from(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            lane: step.lane.word(),
            action: step.action.word().to_owned(),
            target: step.target.clone(),
            object: step.object.to_string(),
            provider: step.identity.provider().to_string(),
            reversible: step.reversible,
            after: step.after.clone(),
            mint_cut: step.mint_cut,
            manual: step.instruction().map(str::to_owned),
            missing_permission: step.missing_permission.clone(),
        }
    }
}

/// Another bot that is hit.
#[derive(Debug, Serialize)]
pub struct CollateralRow {
    /// Which.
    pub bot: String,
    /// Why.
    pub why: String,
}

/// Another identity whose secret the thief may have.
#[derive(Debug, Serialize)]
pub struct ExposureRow {
    /// Which.
    pub identity: IdentityId,
    /// The provider's name for it.
    pub name: Untrusted,
    /// Whose.
    pub bot: Option<Untrusted>,
    /// How.
    pub why: String,
}

impl From<&Exposure> for ExposureRow {
    fn from(exposure: &Exposure) -> Self {
        let Exposure { identity, name, bot, why } = exposure.clone();
        Self { identity, name, bot, why }
    }
}

impl ExposureRow {
    /// For people.
    pub fn sentence(&self) -> String {
        format!("exposed: {} ({}): {}", self.name.shown(), self.identity, self.why)
    }
}

/// Access that outlives revocation.
#[derive(Debug, Serialize)]
pub struct ResidualRow {
    /// What.
    pub what: String,
    /// Until when; `null`: until somebody ends it.
    pub until: Option<Moment>,
    /// Where the figure comes from.
    pub source: String,
}

impl ResidualRow {
    /// For people.
    pub fn sentence(&self) -> String {
        let until = self.until.map_or_else(|| "until somebody ends it".to_owned(), |until| format!("until {until}"));
        format!("outlives it: {}, {until} ({})", self.what, self.source)
    }
}

impl From<&Residual> for ResidualRow {
    fn from(residual: &Residual) -> Self {
        Self { what: residual.what.clone(), until: Moment::maybe(residual.until), source: residual.source.clone() }
    }
}

/// `estop plan`.
#[derive(Debug, Serialize)]
pub struct PlanDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// What `--plan` compares.
    pub hash: String,
    /// Of which bot.
    pub bot: String,
    /// The oldest read it stands on; `null`: gates only.
    pub read_at: Option<Moment>,
    /// Its steps.
    pub steps: Vec<PlanStepRow>,
    /// Others that it hits.
    pub collateral: Vec<CollateralRow>,
    /// Others that the thief may have.
    pub exposure: Vec<ExposureRow>,
    /// What would outlive it, were everything cut now.
    pub residual: Vec<ResidualRow>,
    /// How long striking and proving it would take, by steps, budgets and typical latencies; `null`: nothing to send.
    pub eta_ms: Option<u64>,
    /// How many steps cannot be undone.
    pub irreversible: usize,
    /// `isolate` or `burn`.
    pub depth: Depth,
    /// What was not read.
    pub gaps: Vec<GapRow>,
}

impl PlanDocument {
    /// Of a plan, as of a snapshot.
    pub fn of(snapshot: &Snapshot, plan: &Plan) -> Self {
        let now = snapshot.generated_at;
        let residual = |residual: &Residual| ResidualRow {
            until: Moment::maybe(residual.ends(now)),
            ..ResidualRow::from(residual)
        };
        Self {
            schema: "estop.plan/1",
            exercise: snapshot.exercise.clone(),
            hash: plan.hash.to_string(),
            bot: plan.bot.raw().to_owned(),
            read_at: Moment::maybe(plan.read_at),
            steps: plan.steps.iter().map(Into::into).collect(),
            collateral: plan
                .collateral
                .iter()
                .map(|other| CollateralRow { bot: other.bot.clone(), why: other.why.clone() })
                .collect(),
            exposure: plan.exposure.iter().map(Into::into).collect(),
            residual: plan.residual.iter().map(residual).collect(),
            eta_ms: snapshot.estimate(plan).map(|estimate| estimate.ms()),
            irreversible: plan.irreversible().count(),
            depth: plan.depth,
            gaps: plan.gaps.iter().map(Into::into).collect(),
        }
    }
}

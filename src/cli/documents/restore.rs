//! `estop.restore/1`, `estop.approval/1` and a restore's `estop.outcome/1`: the way back, before and after.

use serde::Serialize;

use super::{
    bot::GapRow,
    isolation::{Counts, JournalRow, alive, reasons},
    plan::PlanStepRow,
};
use crate::{
    cli::time::Moment,
    domain::{
        Change, IdentityId, IncidentId, Lost, OperationId, Outcome, Reason, Reissue, RestoreMode, RestorePlan,
        Untrusted,
    },
    engine::Approved,
};

/// One step of the way back.
#[derive(Debug, Serialize)]
pub struct RestoreStepRow {
    /// `first`, `then` or `gate`: each part is proved before the next is sent.
    pub part: &'static str,
    /// The step.
    #[serde(flatten)]
    pub step: PlanStepRow,
}

/// One difference.
#[derive(Debug, Serialize)]
pub struct ChangeRow {
    /// Of which identity.
    pub identity: IdentityId,
    /// Of what.
    #[serde(flatten)]
    pub change: Change,
}

/// What will not come back.
#[derive(Debug, Serialize)]
pub struct LostRow {
    /// Of which identity.
    pub identity: IdentityId,
    /// What, and why.
    #[serde(flatten)]
    pub lost: Lost,
}

/// What has to be issued anew.
#[derive(Debug, Serialize)]
pub struct ReissueRow {
    /// Of which identity.
    pub identity: IdentityId,
    /// What, where, and by whom.
    #[serde(flatten)]
    pub reissue: Reissue,
}

/// `estop restore`: what it would do.
#[derive(Debug, Serialize)]
pub struct RestoreDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// What `--plan` compares and a second person approves.
    pub hash: String,
    /// Of which bot.
    pub bot: String,
    /// Which way back.
    pub mode: RestoreMode,
    /// The isolation that it undoes.
    pub undoes: OperationId,
    /// Whether a second person has to approve it.
    pub needs_approval: bool,
    /// The difference between now and afterwards.
    pub changes: Vec<ChangeRow>,
    /// Its steps.
    pub steps: Vec<RestoreStepRow>,
    /// What will not come back.
    pub lost: Vec<LostRow>,
    /// What has to be issued anew.
    pub reissue: Vec<ReissueRow>,
    /// What could not be compared.
    pub gaps: Vec<GapRow>,
}

impl RestoreDocument {
    /// Of a plan.
    pub fn of(exercise: Option<String>, plan: &RestorePlan) -> Self {
        let all = || plan.identities.iter();
        let changes = all().flat_map(|(id, one)| {
            one.changes.iter().map(|change| ChangeRow { identity: id.clone(), change: change.clone() })
        });
        let lost = all()
            .flat_map(|(id, one)| one.lost.iter().map(|lost| LostRow { identity: id.clone(), lost: lost.clone() }));
        let reissue = all().flat_map(|(id, one)| {
            one.reissue.iter().map(|reissue| ReissueRow { identity: id.clone(), reissue: reissue.clone() })
        });
        let mut steps: Vec<_> = plan.parts().collect();
        steps.sort_by_key(|(part, step)| (*part, step.rank));
        Self {
            schema: "estop.restore/1",
            exercise,
            hash: plan.hash.to_string(),
            bot: plan.bot.raw().to_owned(),
            mode: plan.mode,
            undoes: plan.undoes,
            needs_approval: plan.needs_approval,
            changes: changes.collect(),
            steps: steps
                .into_iter()
                .map(|(part, step)| RestoreStepRow { part: part.word(), step: step.into() })
                .collect(),
            lost: lost.collect(),
            reissue: reissue.collect(),
            gaps: plan.gaps().map(Into::into).collect(),
        }
    }
}

/// `estop approve`.
#[derive(Debug, Serialize)]
pub struct ApprovalDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// In which incident it is on record.
    pub incident: IncidentId,
    /// Of which bot.
    pub bot: String,
    /// Which way back.
    pub mode: RestoreMode,
    /// The restore plan's hash.
    pub hash: String,
    /// By whom.
    pub by: String,
    /// Until when it can be used, once.
    pub until: Moment,
}

impl ApprovalDocument {
    /// Of an approval.
    pub fn of(exercise: Option<String>, approved: &Approved) -> Self {
        Self {
            schema: "estop.approval/1",
            exercise,
            incident: approved.incident,
            bot: approved.bot.raw().to_owned(),
            mode: approved.mode,
            hash: approved.hash.to_string(),
            by: Untrusted::new(approved.by.as_str()).shown(),
            until: Moment(approved.until),
        }
    }
}

/// How a restore ended.
#[derive(Debug, Serialize)]
pub struct RestoredLine {
    /// `estop.outcome/1`.
    pub schema: &'static str,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// In which incident.
    pub incident: IncidentId,
    /// Which operation.
    pub op: OperationId,
    /// Of which bot.
    pub bot: String,
    /// `restored`, `partial` or `contradicted`.
    pub outcome: &'static str,
    /// Which way back.
    pub mode: RestoreMode,
    /// The isolation that it undoes.
    pub undoes: OperationId,
    /// From the order to the last verification.
    pub time_to_verified_ms: Option<u64>,
    /// How the steps stand.
    pub counts: Counts,
    /// What did not come back.
    pub lost: Vec<Lost>,
    /// What has to be issued anew.
    pub reissue: Vec<Reissue>,
    /// Where the record is.
    pub journal: JournalRow,
    /// Each thing that is missing, one sentence.
    pub reasons: Vec<String>,
    /// Each thing from before that is proved usable, one sentence.
    pub alive: Vec<String>,
    /// Trouble with the journal.
    pub journal_trouble: Option<String>,
}

impl RestoredLine {
    /// The sentences of an outcome: what is missing, and what is alive.
    pub fn sentences(outcome: &Outcome) -> (Vec<String>, Vec<String>) {
        let reasons = reasons(outcome).iter().map(Reason::sentence).collect();
        (reasons, alive(outcome).iter().map(|one| one.what.clone()).collect())
    }
}

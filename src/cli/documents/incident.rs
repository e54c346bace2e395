//! `estop.status/1`, `estop.incident/1`, `estop.recheck/1`: what the journals say.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    isolation::{Counts, alive, reasons, residual},
    plan::ResidualRow,
};
use crate::{
    cli::time::Moment,
    domain::{Depth, IncidentId, OperationId, Outcome, RestoreMode, StepId, StepState},
    engine::Rechecked,
    journal::{Incident, Operation},
};

/// A step that a person has to do, or says to have done.
#[derive(Debug, Serialize)]
pub struct ManualRow {
    /// Which.
    pub step: StepId,
    /// What to do.
    pub instruction: String,
    /// Whether somebody says that it was done.
    pub attested: bool,
}

/// One isolation, as its journal has it.
#[derive(Debug, Serialize)]
pub struct OperationRow {
    /// Which.
    pub op: OperationId,
    /// Of which bot.
    pub bot: String,
    /// `isolate` or `burn`.
    pub depth: Depth,
    /// Which way back it is; `null`: it is an isolation.
    pub restores: Option<RestoreMode>,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Moment,
    /// Whether `estop resume` has something to do.
    pub unfinished: bool,
    /// The outcome's word; `null`: it has not ended.
    pub outcome: Option<&'static str>,
    /// When it is dark.
    pub dark_at: Option<Moment>,
    /// How its steps stand.
    pub counts: Counts,
    /// What persons have to do.
    pub manual: Vec<ManualRow>,
    /// What outlives it, as long as it does.
    pub residual: Vec<ResidualRow>,
    /// Each thing that keeps it from being dark, one sentence.
    pub reasons: Vec<String>,
    /// Each thing that was proved alive, one sentence.
    pub alive: Vec<String>,
}

impl OperationRow {
    /// Of an operation, as of now: residuals that have ended are not told.
    pub fn of(operation: &Operation, now: Timestamp) -> Self {
        let ended = operation.ended.as_ref();
        let outcome = ended.map(|ended| &ended.outcome);
        let states = operation.steps.values().map(|record| &record.state);
        let manual = operation.steps.values().filter_map(|record| match record.state {
            StepState::Manual | StepState::Attested => Some(ManualRow {
                step: record.step.id.clone(),
                instruction: record.step.manual.clone().unwrap_or_else(|| record.step.target.shown()),
                attested: record.state == StepState::Attested,
            }),
            _ => None,
        });
        let running = |row: &ResidualRow| row.until.is_none_or(|Moment(until)| until > now);
        Self {
            op: operation.id,
            bot: operation.bot.raw().to_owned(),
            depth: operation.depth,
            restores: operation.restores.as_ref().map(|restores| restores.mode),
            reason: operation.reason.clone(),
            started_at: Moment(operation.started_at),
            unfinished: operation.is_unfinished(),
            outcome: outcome.map(Outcome::word),
            dark_at: ended.and_then(|ended| dark_at(&ended.outcome, ended.at)),
            counts: outcome.map_or_else(|| open_counts(operation), |outcome| Counts::of(states, outcome)),
            manual: manual.collect(),
            residual: operation.residual.iter().map(ResidualRow::from).filter(running).collect(),
            reasons: outcome.map(reasons).unwrap_or_default().iter().map(crate::domain::Reason::sentence).collect(),
            alive: outcome.map(alive).unwrap_or_default().iter().map(|one| one.what.clone()).collect(),
        }
    }
}

/// Of an operation without outcome: what is not proved is not known.
fn open_counts(operation: &Operation) -> Counts {
    let mut counts = Counts::default();
    for record in operation.steps.values() {
        match record.state {
            StepState::Verified => counts.verified += 1,
            StepState::Gone => counts.gone += 1,
            StepState::Attested => counts.attested += 1,
            StepState::Manual => counts.manual += 1,
            StepState::Refused { .. } => counts.refused += 1,
            StepState::Unreachable => counts.unreachable += 1,
            StepState::Contradicted => counts.still_live += 1,
            _ => counts.unknown += 1,
        }
    }
    counts
}

/// When an outcome that was concluded then is dark; `None`: it is not.
pub fn dark_at(outcome: &Outcome, concluded: Timestamp) -> Option<Moment> {
    match outcome {
        Outcome::Dark => Some(Moment(concluded)),
        Outcome::DarkAt { at, .. } => Some(Moment(*at)),
        Outcome::Partial { .. } | Outcome::Contradicted { .. } | Outcome::Restored { .. } => None,
    }
}

/// One incident.
#[derive(Debug, Serialize)]
pub struct IncidentRow {
    /// Which.
    pub id: IncidentId,
    /// The scenario's name, where it was an exercise.
    pub exercise: Option<String>,
    /// What happened, in the responder's words.
    pub title: Option<String>,
    /// When it was opened.
    pub opened_at: Option<Moment>,
    /// When it was closed; `null`: it is open.
    pub closed_at: Option<Moment>,
    /// The closed incident that it follows up.
    pub follows: Option<IncidentId>,
    /// Its operations, oldest first.
    pub operations: Vec<OperationRow>,
    /// Whether a console was lost in it.
    pub console_lost: bool,
}

impl IncidentRow {
    /// Of an incident, as of now.
    pub fn of(incident: &Incident, now: Timestamp) -> Self {
        Self {
            id: incident.id,
            exercise: incident.exercise.clone(),
            title: incident.title.clone(),
            opened_at: Moment::maybe(incident.opened_at),
            closed_at: Moment::maybe(incident.closed_at),
            follows: incident.follows,
            operations: incident.operations.iter().map(|operation| OperationRow::of(operation, now)).collect(),
            console_lost: incident.console_lost,
        }
    }
}

/// `estop status` and `estop incident`.
#[derive(Debug, Serialize)]
pub struct IncidentsDocument {
    schema: &'static str,
    exercise: Option<String>,
    generated_at: Moment,
    /// The incidents.
    pub incidents: Vec<IncidentRow>,
    /// Journals that could not be read, and why.
    pub errors: Vec<String>,
}

impl IncidentsDocument {
    /// Under that schema.
    pub fn new(
        schema: &'static str,
        exercise: Option<String>,
        now: Timestamp,
        incidents: Vec<IncidentRow>,
        errors: Vec<String>,
    ) -> Self {
        Self { schema, exercise, generated_at: Moment(now), incidents, errors }
    }
}

/// `estop recheck`.
#[derive(Debug, Serialize)]
pub struct RecheckDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// When it was read.
    pub at: Moment,
    /// Which bot.
    pub bot: String,
    /// In which incident it was isolated; `null`: never.
    pub incident: Option<IncidentId>,
    /// By which operation.
    pub op: Option<OperationId>,
    /// What holds now.
    pub outcome: &'static str,
    /// When it is dark.
    pub dark_at: Option<Moment>,
    /// What outlives it.
    pub residual: Vec<ResidualRow>,
    /// Each thing that keeps it from being dark, one sentence.
    pub reasons: Vec<String>,
    /// Each thing that is proved alive, one sentence.
    pub alive: Vec<String>,
}

impl RecheckDocument {
    /// Of what was read.
    pub fn of(exercise: Option<String>, rechecked: &Rechecked) -> Self {
        let outcome = &rechecked.outcome;
        Self {
            schema: "estop.recheck/1",
            exercise,
            at: Moment(rechecked.at),
            bot: rechecked.bot.raw().to_owned(),
            incident: rechecked.incident,
            op: rechecked.op,
            outcome: outcome.word(),
            dark_at: dark_at(outcome, rechecked.at),
            residual: residual(outcome),
            reasons: reasons(outcome).iter().map(crate::domain::Reason::sentence).collect(),
            alive: alive(outcome).iter().map(|one| one.what.clone()).collect(),
        }
    }
}

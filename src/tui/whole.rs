//! What is shown whole, over the screen: a step with all that is known of it, or a line with all its fields.

use jiff::Timestamp;

use super::{message::Field, operation::StepView};
use crate::domain::{IncidentId, OperationId, Reversibility, StepId, StepState};

/// What is shown whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A step: as it stands at each moment.
    Step(OperationId, StepId),
    /// A line of a journal, in its file.
    Line {
        /// Of which incident; `None`: of the host.
        incident: Option<IncidentId>,
        /// Its number there.
        seq: u64,
        /// Its fields, or why it cannot be read; `None`: it is being read.
        fields: Option<Result<Vec<Field>, String>>,
    },
}

/// What is shown whole, and from which row on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// What.
    pub of: Of,
    /// The first line on the screen.
    pub offset: usize,
}

impl Whole {
    /// From its beginning.
    pub const fn new(of: Of) -> Self {
        Self { of, offset: 0 }
    }
}

/// All that is known of a step. What is not known of it is left out.
pub fn step_fields(view: &StepView, now: Timestamp) -> Vec<Field> {
    let step = &view.step;
    let mut fields: Vec<(&str, String)> = vec![
        ("state", view.state.word().to_owned()),
        ("does", format!("{} {}", step.action.word(), step.target.shown())),
        ("lane", step.lane.word().to_owned()),
        ("provider", step.identity.provider().to_string()),
        ("identity", step.identity.native().to_owned()),
        ("object", step.object.to_string()),
        ("level", step.level.word().to_owned()),
        ("attempts", view.attempt.to_string()),
        ("answer", view.code.clone()),
        ("detail", view.detail.clone().unwrap_or_default()),
        ("permission", missing(view).unwrap_or_default()),
        ("next try", next_try(&view.state, now)),
        ("by hand", step.manual.clone().unwrap_or_default()),
        ("proved by", step.proof.clone()),
        ("way back", way_back(step.reversible).to_owned()),
    ];
    if step.gate {
        fields.push(("gate", "it shuts the identity".to_owned()));
    }
    fields.push(("id", step.id.to_string()));
    fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text)).collect()
}

fn missing(view: &StepView) -> Option<String> {
    match &view.state {
        StepState::Refused { permission: Some(permission) } => Some(format!("missing: {permission}")),
        _ => view.step.missing_permission.as_ref().map(|permission| format!("missing: {permission}")),
    }
}

fn next_try(state: &StepState, now: Timestamp) -> String {
    match state {
        StepState::Retrying { attempt, until } => {
            format!("attempt {attempt} failed, the next goes at {}", super::paint::clock(now, *until))
        }
        _ => String::new(),
    }
}

const fn way_back(reversible: Reversibility) -> &'static str {
    match reversible {
        Reversibility::Reversible => "it can be undone",
        Reversibility::FromSnapshot => "it can be undone from the snapshot",
        Reversibility::Irreversible => "it cannot be undone",
    }
}

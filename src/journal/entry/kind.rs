//! The word of each kind, and what a body is about.

use super::Body;
use crate::domain::StepId;

/// Each kind's word, once: for the variant and for the list.
macro_rules! kinds {
    ($($variant:ident => $word:literal),* $(,)?) => {
        impl Body {
            /// The kinds that this estop writes and understands.
            pub const KINDS: &'static [&'static str] = &[$($word),*];

            /// The word of its kind.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)*
                }
            }
        }
    };
}

impl Body {
    /// The step that it is about, where it is about one.
    pub const fn step(&self) -> Option<&StepId> {
        match self {
            Self::StepAttempt { step, .. }
            | Self::StepAnswer { step, .. }
            | Self::StepVerify { step, .. }
            | Self::StepManual { step, .. } => Some(step),
            _ => None,
        }
    }
}

kinds!(
    IncidentOpen => "incident.open",
    IncidentClose => "incident.close",
    IncidentNote => "incident.note",
    IncidentHandover => "incident.handover",
    EvidenceSnapshot => "evidence.snapshot",
    OpClaim => "op.claim",
    OpEnd => "op.end",
    PlanIntent => "plan.intent",
    StepAttempt => "step.attempt",
    StepAnswer => "step.answer",
    StepVerify => "step.verify",
    StepManual => "step.manual",
    SweepRound => "sweep.round",
    ResidualSet => "residual.set",
    ResidualDark => "residual.dark",
    Contradicted => "contradiction",
    GuardRefused => "guard.refused",
    GuardOverride => "guard.override",
    ApprovalGiven => "approval.given",
    ApprovalRefused => "approval.refused",
    FindingRaise => "finding.raise",
    FindingSuppress => "finding.suppress",
    RestoreDiff => "restore.diff",
    ProbeResult => "probe.result",
    Checkpoint => "checkpoint",
    Recovered => "recovered",
    ConsoleLost => "console.lost",
    SinkLost => "sink.lost",
    SinkRegained => "sink.regained",
);

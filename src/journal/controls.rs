//! Which controls a line cites: NIST CSF 2.0 subcategories, and the tenets of SP 800-207 as `ZT-n`.

use super::Body;
use crate::domain::Lane;

/// The control ids of a line. `lane` is that of the step where the line is about one; `restores`: its operation is the way
/// back from an isolation.
///
/// Kinds that are about the record itself cite what a verified journal cites; those about a guard, what an approval
/// cites.
pub(super) const fn cited(body: &Body, lane: Option<Lane>, restores: bool) -> &'static [&'static str] {
    match body {
        Body::IncidentOpen { .. } => &["DE.AE-08", "RS.MA-01", "ZT-7"],
        Body::IncidentClose { .. } => &["RC.RP-06", "ZT-7"],
        Body::EvidenceSnapshot { .. } => &["RS.AN-07", "ZT-5"],
        Body::OpClaim { .. } | Body::ConsoleLost { .. } | Body::IncidentNote { .. } | Body::IncidentHandover { .. } => {
            &["RS.CO-03"]
        }
        Body::PlanIntent { .. } | Body::StepAttempt { .. } => &["RS.AN-06", "ZT-6"],
        Body::StepAnswer { .. } if restores => &["RC.RP-02", "RC.RP-05", "ZT-3"],
        Body::StepAnswer { .. } => answered(lane),
        Body::StepVerify { .. } | Body::SweepRound { .. } | Body::ProbeResult { .. } => &["RS.MI-01", "ZT-6"],
        Body::StepManual { .. } => &["RS.MA-01", "RS.CO-03", "ZT-1"],
        Body::OpEnd { .. } | Body::ResidualSet { .. } | Body::ResidualDark { .. } => &["RS.AN-08", "RS.MI-01", "ZT-6"],
        Body::Contradicted { .. } | Body::FindingRaise { .. } | Body::FindingSuppress { .. } => {
            &["RS.MI-02", "DE.AE-03", "ZT-7"]
        }
        Body::GuardRefused { .. }
        | Body::GuardOverride { .. }
        | Body::ApprovalGiven { .. }
        | Body::ApprovalRefused { .. } => &["PR.AA-05", "ZT-6"],
        Body::RestoreDiff { .. } => &["RS.MA-05", "RC.RP-01", "ZT-6"],
        Body::Recovered { .. } | Body::SinkLost { .. } | Body::SinkRegained { .. } | Body::Checkpoint { .. } => {
            &["RS.AN-06", "ZT-5"]
        }
    }
}

/// A cut cites by what it cuts.
const fn answered(lane: Option<Lane>) -> &'static [&'static str] {
    match lane {
        None => &["RS.MI-01"],
        Some(Lane::Identity) => &["RS.MI-01", "PR.AA-05", "ZT-6"],
        Some(Lane::Tokens) => &["RS.MI-01", "PR.AA-01", "ZT-6", "ZT-3"],
        Some(Lane::Connectors) => &["RS.MI-01", "DE.CM-06", "ZT-4"],
        Some(Lane::Grants) => &["RS.MI-01", "PR.AA-05", "ZT-3"],
    }
}

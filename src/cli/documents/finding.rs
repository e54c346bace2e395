//! What the rules say of a bot, as `estop.show/1` has it.

use serde::Serialize;

use crate::{
    cli::time::Moment,
    domain::{Finding, IdentityId, Rule, Suppressed, Unevaluated, Untrusted},
    engine::BotView,
};

/// Control ids of a rule.
#[derive(Debug, Serialize)]
pub struct ControlsRow {
    /// OWASP Non-Human Identities Top 10, 2025.
    pub owasp: &'static [&'static str],
    /// NIST CSF 2.0.
    pub csf: &'static [&'static str],
    /// Tenets of SP 800-207.
    pub zt: &'static [&'static str],
}

impl From<&'static Rule> for ControlsRow {
    fn from(rule: &'static Rule) -> Self {
        Self { owasp: rule.owasp, csf: rule.csf, zt: rule.zt }
    }
}

/// A rule that fired.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    /// `F504`.
    pub id: String,
    /// In a few words.
    pub title: &'static str,
    /// `low`, `medium`, `high`, `critical`: as it is here.
    pub severity: &'static str,
    /// Of which identity; `null`: of the bot as a whole.
    pub identity: Option<IdentityId>,
    /// What was seen.
    pub why: String,
    /// Under which controls it stands.
    pub controls: ControlsRow,
    /// What to do.
    pub advice: &'static str,
}

impl From<&Finding> for FindingRow {
    fn from(finding: &Finding) -> Self {
        Self {
            id: finding.rule.id(),
            title: finding.rule.title,
            severity: finding.severity.word(),
            identity: finding.identity.clone(),
            why: finding.why.clone(),
            controls: finding.rule.into(),
            advice: finding.rule.advice,
        }
    }
}

/// A rule that fired and that the house lives with for a while.
#[derive(Debug, Serialize)]
pub struct SuppressedRow {
    /// What it says.
    #[serde(flatten)]
    pub finding: FindingRow,
    /// From then on it counts again.
    pub until: Moment,
    /// Why it does not until then.
    pub reason: Untrusted,
}

impl From<&Suppressed> for SuppressedRow {
    fn from(suppressed: &Suppressed) -> Self {
        let Suppressed { finding, until, reason } = suppressed;
        Self { finding: finding.into(), until: Moment(*until), reason: reason.clone() }
    }
}

/// A rule that could not be evaluated: never to be taken for passed.
#[derive(Debug, Serialize)]
pub struct UnevaluatedRow {
    /// `F202`.
    pub id: String,
    /// In a few words.
    pub title: &'static str,
    /// What is missing.
    pub why: String,
}

impl From<&Unevaluated> for UnevaluatedRow {
    fn from(unevaluated: &Unevaluated) -> Self {
        let rule = unevaluated.rule;
        Self { id: rule.id(), title: rule.title, why: unevaluated.why.clone().into_owned() }
    }
}

/// Everything that the rules say of a bot, in the order of their ids.
#[derive(Debug, Serialize)]
pub struct FindingsRow {
    /// Those that fired, of the bot and of each identity.
    pub fired: Vec<FindingRow>,
    /// Those that fired and are lived with for a while: not counted above.
    pub suppressed: Vec<SuppressedRow>,
    /// How many rules were evaluated.
    pub checked: usize,
    /// Those that were not.
    pub cannot_evaluate: Vec<UnevaluatedRow>,
}

impl FindingsRow {
    /// Of a bot; `None`: nothing of it was read.
    pub fn of(view: &BotView) -> Option<Self> {
        (!view.readings.is_empty()).then(|| Self {
            fired: view.findings.fired.iter().map(Into::into).collect(),
            suppressed: view.findings.suppressed.iter().map(Into::into).collect(),
            checked: view.findings.checked(),
            cannot_evaluate: view.findings.unevaluated.iter().map(Into::into).collect(),
        })
    }
}

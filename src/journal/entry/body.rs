//! What can be recorded: one variant a kind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{IntendedStep, Restores};
use crate::domain::{
    Answer, BotName, Collateral, Contradiction, Depth, Finding, Fingerprint, Identity, IdentityId, IncidentId, Outcome,
    PlanHash, ProviderName, Reading, Residual, RestorePlan, StepId, StepState, Suppressed, Untrusted, Verdict,
};

/// The kinds of `journal.md`. `kind` is the variant's word, the fields are `body`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
pub enum Body {
    /// An incident opens.
    #[serde(rename = "incident.open")]
    IncidentOpen {
        /// Why, in the responder's words.
        title: Option<String>,
        /// The closed incident that it follows up.
        follows: Option<IncidentId>,
    },
    /// An incident ends: nothing is appended any more.
    #[serde(rename = "incident.close")]
    IncidentClose {
        /// In the responder's words.
        note: Option<String>,
    },
    /// A remark, by whom the line says.
    #[serde(rename = "incident.note")]
    IncidentNote {
        /// In their words.
        text: Untrusted,
    },
    /// One responder hands the incident over to another.
    #[serde(rename = "incident.handover")]
    IncidentHandover {
        /// To whom, where it was said.
        to: Option<Untrusted>,
        /// In their words.
        note: Option<Untrusted>,
        /// What they were given to read: under twelve lines.
        summary: Vec<String>,
    },
    /// What was there before the strike: one line an identity.
    #[serde(rename = "evidence.snapshot")]
    EvidenceSnapshot {
        /// Of which bot.
        bot: BotName,
        /// As it was read, without activity.
        reading: Box<Reading>,
        /// Whether the listing was complete.
        complete: bool,
    },
    /// A process takes an operation.
    #[serde(rename = "op.claim")]
    OpClaim {
        /// Of which bot.
        bot: BotName,
        /// How deep.
        depth: Depth,
        /// Why, in the responder's words.
        reason: Option<String>,
        /// The identities that must go dark.
        identities: Vec<Identity>,
        /// Others that a credential of this bot opens.
        collateral: Vec<Collateral>,
        /// Whether it takes over from a process that is gone.
        resumed: bool,
        /// Where it is no isolation but the way back from one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restores: Option<Restores>,
    },
    /// An operation ends.
    #[serde(rename = "op.end")]
    OpEnd {
        /// Of which bot.
        bot: BotName,
        /// The outcome's word.
        outcome: String,
        /// The outcome, whole.
        detail: Outcome,
        /// When the last gate was answered.
        cut_at: Option<Timestamp>,
        /// From the key to the first gate answered with yes.
        time_to_first_cut_ms: Option<u64>,
        /// From the key to the last verification.
        time_to_verified_ms: Option<u64>,
    },
    /// The whole plan, durable before its first request.
    #[serde(rename = "plan.intent")]
    PlanIntent {
        /// The plan's hash.
        hash: PlanHash,
        /// Each step with its key.
        steps: Vec<IntendedStep>,
        /// The sweep round that found them; 0: the strike.
        round: u32,
    },
    /// A request is about to leave.
    #[serde(rename = "step.attempt")]
    StepAttempt {
        /// Which step.
        step: StepId,
        /// From 1.
        attempt: u32,
        /// Its idempotency key.
        key: Uuid,
    },
    /// An answer came, or is known not to come.
    #[serde(rename = "step.answer")]
    StepAnswer {
        /// Which step.
        step: StepId,
        /// To which attempt.
        attempt: u32,
        /// What.
        answer: Answer,
        /// From sending to the last byte.
        latency_ms: u64,
        /// The state it leads to.
        state: StepState,
    },
    /// A read judged a step.
    #[serde(rename = "step.verify")]
    StepVerify {
        /// Which step.
        step: StepId,
        /// By which read.
        read: String,
        /// What it said.
        verdict: Verdict,
        /// Whether the sweep and the propagation window are over.
        last: bool,
        /// The state it leads to.
        state: StepState,
    },
    /// A person was asked, or says it was done.
    #[serde(rename = "step.manual")]
    StepManual {
        /// Which step.
        step: StepId,
        /// The instruction.
        instruction: String,
        /// Who says that it was done; `None`: asked.
        attested_by: Option<String>,
        /// In their words.
        note: Option<String>,
    },
    /// A sweep round ended.
    #[serde(rename = "sweep.round")]
    SweepRound {
        /// From 1.
        round: u32,
        /// Whether every listing was complete.
        complete: bool,
        /// New steps.
        new: usize,
        /// Steps that read as alive.
        live: usize,
    },
    /// Access that outlives the isolation.
    #[serde(rename = "residual.set")]
    ResidualSet {
        /// Each of them.
        residual: Vec<Residual>,
    },
    /// The last residual has ended.
    #[serde(rename = "residual.dark")]
    ResidualDark {
        /// When.
        at: Timestamp,
    },
    /// Something is alive that was called cut.
    #[serde(rename = "contradiction")]
    Contradicted {
        /// What.
        alive: Vec<Contradiction>,
    },
    /// A guard refused: nothing was sent.
    #[serde(rename = "guard.refused")]
    GuardRefused {
        /// Of which bot.
        bot: Option<BotName>,
        /// Why.
        why: String,
    },
    /// A guard was overridden by typing the name.
    #[serde(rename = "guard.override")]
    GuardOverride {
        /// Of which bot.
        bot: BotName,
        /// Which guard.
        why: String,
    },
    /// A second person approves the way back.
    #[serde(rename = "approval.given")]
    ApprovalGiven {
        /// The restore plan's hash: of nothing else.
        hash: PlanHash,
        /// Who: the login identity, which no name typed in can change.
        by: String,
        /// Until when it can be used.
        until: Timestamp,
    },
    /// An approval was asked or used, and refused.
    #[serde(rename = "approval.refused")]
    ApprovalRefused {
        /// The hash that it named.
        hash: PlanHash,
        /// Why.
        why: String,
    },
    /// A rule that had fired when the bot was isolated: what was wrong with it before it was cut.
    #[serde(rename = "finding.raise")]
    FindingRaise {
        /// Of which bot.
        bot: BotName,
        /// The rule's id: `F701`.
        rule: String,
        /// How bad, as a word.
        severity: String,
        /// Of which identity; `None`: of the bot as a whole.
        identity: Option<IdentityId>,
        /// What was seen, one sentence.
        why: String,
        /// The rule's own controls: OWASP NHI, NIST CSF 2.0, SP 800-207.
        cites: Vec<String>,
    },
    /// A rule that had fired and that the house has decided to live with for a while.
    #[serde(rename = "finding.suppress")]
    FindingSuppress {
        /// Of which bot.
        bot: BotName,
        /// The rule's id: `F701`.
        rule: String,
        /// How bad, as a word.
        severity: String,
        /// Of which identity; `None`: of the bot as a whole.
        identity: Option<IdentityId>,
        /// What was seen, one sentence.
        why: String,
        /// From then on it counts again.
        until: Timestamp,
        /// Why it does not until then.
        reason: Untrusted,
    },
    /// What the way back will change, durable before its first request.
    #[serde(rename = "restore.diff")]
    RestoreDiff {
        /// Of which bot.
        bot: BotName,
        /// The plan, whole.
        plan: Box<RestorePlan>,
    },
    /// A leaked secret was used, by fingerprint.
    #[serde(rename = "probe.result")]
    ProbeResult {
        /// Which bot's it is.
        bot: BotName,
        /// Of the secret.
        fingerprint: Fingerprint,
        /// What it is.
        rule: String,
        /// Where it was used.
        at: ProviderName,
        /// Whether it still works; `None`: that could not be told.
        alive: Option<bool>,
        /// What the provider said, for people.
        said: String,
    },
    /// The state of the whole journal, signed.
    #[serde(rename = "checkpoint")]
    Checkpoint {
        /// How many lines it covers.
        size: u64,
        /// Their RFC 6962 root, base64.
        root: String,
        /// The signed note, whole.
        note: String,
    },
    /// A torn tail was set aside.
    #[serde(rename = "recovered")]
    Recovered {
        /// Where it began.
        offset: u64,
        /// How many bytes.
        length: u64,
        /// Their SHA-256, hex.
        sha256: String,
    },
    /// The terminal went away; the isolation goes on.
    #[serde(rename = "console.lost")]
    ConsoleLost {
        /// By what: `SIGHUP`, `terminal closed`.
        by: String,
    },
    /// A place to record was lost.
    #[serde(rename = "sink.lost")]
    SinkLost {
        /// Which and why.
        what: String,
    },
    /// A place to record came back.
    #[serde(rename = "sink.regained")]
    SinkRegained {
        /// Which.
        what: String,
    },
}

impl Body {
    /// What a reading shows, without activity: that is another record's.
    pub fn snapshot(bot: &BotName, reading: &Reading) -> Self {
        let complete = reading.is_complete();
        let reading = Box::new(Reading { activity: Vec::new(), ..reading.clone() });
        Self::EvidenceSnapshot { bot: bot.clone(), reading, complete }
    }

    /// What a rule says of a bot, and why it does not count.
    pub fn suppressed(bot: &BotName, suppressed: &Suppressed) -> Self {
        let finding = &suppressed.finding;
        Self::FindingSuppress {
            bot: bot.clone(),
            rule: finding.rule.id(),
            severity: finding.severity.word().to_owned(),
            identity: finding.identity.clone(),
            why: finding.why.clone(),
            until: suppressed.until,
            reason: suppressed.reason.clone(),
        }
    }

    /// What a rule says of a bot.
    pub fn raised(bot: &BotName, finding: &Finding) -> Self {
        let rule = finding.rule;
        Self::FindingRaise {
            bot: bot.clone(),
            rule: rule.id(),
            severity: finding.severity.word().to_owned(),
            identity: finding.identity.clone(),
            why: finding.why.clone(),
            cites: [rule.owasp, rule.csf, rule.zt].concat().into_iter().map(str::to_owned).collect(),
        }
    }
}

//! The way back: what undoing an isolation would take, and what cannot come back.
//!
//! ```text
//! snapshot (before the strike) ─┐
//! reading (now) ────────────────┼─▶ Restoration: first (must be proved) ─▶ then (opens the gate) · lost · reissue
//! steps of the isolation ───────┘
//! ```
//!
//! Only what the isolation changed is put back; what somebody changed since then stays as they left it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BotName, Contradiction, Family, Gap, HoldingState, IdentityId, Lane, OperationId, Outcome, PlanHash, Reading,
    ReadingSet, Reason, Step, StepId, StepRecord, StepState, Untrusted,
};

/// Which of the two ways back. Undoing the gate re-arms the very secret that leaked, so somebody has to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreMode {
    /// Nothing had leaked: everything that can be put back is.
    FalseAlarm,
    /// The gate opens only after every credential from before the incident is proved gone.
    Rotate,
}

impl RestoreMode {
    /// The word on the command line and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FalseAlarm => "false-alarm",
            Self::Rotate => "rotate",
        }
    }
}

/// Something that will not come back, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// What: `session 3f2a of bob`.
    pub what: Untrusted,
    /// Why: `a session cannot be made again: the user signs in anew`.
    pub why: String,
}

/// Something that somebody has to issue anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reissue {
    /// What: `client secret`.
    pub what: Untrusted,
    /// Where: `Clients > helpdesk-bot > Credentials`.
    pub place: String,
    /// By whom: `owner support-platform`.
    pub by: String,
}

/// One difference between now and afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Of what: `client helpdesk-bot: enabled`.
    pub what: Untrusted,
    /// As it reads now.
    pub now: String,
    /// As it will read.
    pub then: String,
}

/// What restoring one identity takes, by its provider. Pure data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// What must be done, and be proved by a read, before anything of `then` is sent: with [`RestoreMode::Rotate`] the
    /// end of every credential from before the incident.
    pub first: Vec<Step>,
    /// What puts things back; the gate opens last.
    pub then: Vec<Step>,
    /// The difference, for people.
    pub changes: Vec<Change>,
    /// What will not come back.
    pub lost: Vec<Lost>,
    /// What has to be issued anew.
    pub reissue: Vec<Reissue>,
    /// What could not be read, and therefore not be compared.
    pub gaps: Vec<Gap>,
}

/// What restoring one bot would take now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// Of which bot.
    pub bot: BotName,
    /// Which isolation it undoes.
    pub undoes: OperationId,
    /// Which way.
    pub mode: RestoreMode,
    /// Over its steps, its mode and what it undoes: what a second person approves.
    pub hash: PlanHash,
    /// One an identity.
    pub identities: Vec<(IdentityId, Restoration)>,
    /// Whether a second person has to approve it first.
    pub needs_approval: bool,
}

/// The order in which a restore goes: each part is proved by reads before the next is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestorePart {
    /// What has to be proved before anything is put back.
    First,
    /// What is put back behind the gate.
    Behind,
    /// What opens the gate.
    Gate,
}

impl RestorePart {
    /// In their order.
    pub const ALL: [Self; 3] = [Self::First, Self::Behind, Self::Gate];

    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Behind => "then",
            Self::Gate => "gate",
        }
    }
}

/// Whether a step of the way back opens the identity: it goes last.
fn opens(step: &Step) -> bool {
    step.gate || step.lane == Lane::Identity
}

impl RestorePlan {
    /// Puts a plan together.
    pub fn new(
        bot: BotName,
        undoes: OperationId,
        mode: RestoreMode,
        identities: Vec<(IdentityId, Restoration)>,
        needs_approval: bool,
    ) -> Self {
        let mut plan = Self { bot, undoes, mode, hash: PlanHash::of_lines("", &[]), identities, needs_approval };
        let lines: Vec<String> = plan
            .parts()
            .map(|(part, step)| {
                let Step { id, action, target, object, params, .. } = step;
                serde_json::to_string(&(part.word(), id, action, target, object, params)).unwrap_or_default()
            })
            .collect();
        let head = format!("estop restore/1\n{}\n{}\n{undoes}\n", plan.bot.raw(), mode.word());
        plan.hash = PlanHash::of_lines(&head, &lines);
        plan
    }

    /// Every step, with the part of the way in which it goes.
    pub fn parts(&self) -> impl Iterator<Item = (RestorePart, &Step)> {
        self.identities.iter().flat_map(|(_, one)| {
            let first = one.first.iter().map(|step| (RestorePart::First, step));
            let part = |step: &Step| if opens(step) { RestorePart::Gate } else { RestorePart::Behind };
            first.chain(one.then.iter().map(move |step| (part(step), step)))
        })
    }

    /// Whether a request to open a gate was sent, as these records say.
    pub fn has_tried_gate(&self, steps: &BTreeMap<StepId, StepRecord>) -> bool {
        let mut gate = self.parts().filter(|(part, _)| *part == RestorePart::Gate);
        gate.any(|(_, step)| steps.get(&step.id).is_some_and(|record| record.attempts > 0))
    }

    /// What could not be read.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.identities.iter().flat_map(|(_, one)| &one.gaps)
    }

    /// What will not come back.
    pub fn lost(&self) -> Vec<Lost> {
        self.identities.iter().flat_map(|(_, one)| one.lost.clone()).collect()
    }

    /// What has to be issued anew.
    pub fn reissue(&self) -> Vec<Reissue> {
        self.identities.iter().flat_map(|(_, one)| one.reissue.clone()).collect()
    }

    /// Whether there is nothing to put back.
    pub fn is_empty(&self) -> bool {
        self.identities.iter().all(|(_, one)| one.first.is_empty() && one.then.is_empty())
    }
}

/// All that the outcome of a restore depends on.
#[derive(Debug)]
pub struct RestoreInput<'a> {
    /// What was to be done.
    pub plan: &'a RestorePlan,
    /// Every step, as the journal has it.
    pub steps: &'a BTreeMap<StepId, StepRecord>,
    /// How each identity read before it was isolated.
    pub before: &'a [Reading],
    /// The newest reading of each.
    pub now: &'a ReadingSet,
    /// Why it gave way before its end, where it did.
    pub stopped: Option<&'a str>,
}

/// Concludes what came of a restore.
pub fn conclude_restore(input: &RestoreInput<'_>) -> Outcome {
    let mut reasons: Vec<Reason> =
        input.stopped.map(|what| Reason::Superseded { what: what.to_owned() }).into_iter().collect();
    let mut alive = Vec::new();
    for (part, step) in input.plan.parts() {
        match input.steps.get(&step.id) {
            Some(record) => judge(part, record, &mut reasons, &mut alive),
            None => reasons.push(not_sent(step)),
        }
    }
    reasons.extend(
        input
            .plan
            .gaps()
            .map(|gap| Reason::ListingIncomplete { what: gap.what.clone(), permission: gap.permission.clone() }),
    );
    alive.extend(woken(input));
    reasons.sort();
    reasons.dedup();
    alive.sort();
    alive.dedup();
    if !alive.is_empty() {
        return Outcome::Contradicted { alive, reasons };
    }
    if !reasons.is_empty() {
        return Outcome::Partial { reasons, residual: Vec::new() };
    }
    Outcome::Restored { lost: input.plan.lost(), reissue: input.plan.reissue() }
}

fn judge(part: RestorePart, record: &StepRecord, reasons: &mut Vec<Reason>, alive: &mut Vec<Contradiction>) {
    let step = record.step.id.clone();
    let what = format!("{} {}", record.step.action.word(), record.step.target.shown());
    match &record.state {
        _ if record.is_done() => {}
        // What was to be dead and is not; what was to come back and did not is merely missing.
        StepState::Contradicted if part == RestorePart::First => {
            let detail = record.detail.clone().unwrap_or_else(|| "a read says it is alive".to_owned());
            alive.push(Contradiction { step, what: format!("{what}: {detail}") });
        }
        StepState::Planned | StepState::Armed => reasons.push(not_sent(&record.step)),
        StepState::Attested => reasons.push(Reason::AttestedOnly { step, what }),
        StepState::Refused { permission } => reasons.push(Reason::Refused {
            step,
            what,
            permission: permission.clone().or_else(|| record.step.missing_permission.clone()),
            manual: record.step.manual.clone(),
        }),
        StepState::Unreachable => reasons.push(Reason::Unreachable { step, what }),
        StepState::Manual => {
            reasons.push(Reason::Manual { step, what: record.step.manual.clone().unwrap_or(what) });
        }
        _ => reasons.push(Reason::Unknown { step, what }),
    }
}

fn not_sent(step: &Step) -> Reason {
    let what = format!("{} {}", step.action.word(), step.target.shown());
    Reason::NotSent { step: step.id.clone(), what }
}

/// Secrets, tokens and sessions from before that can be used again although they were to be gone.
///
/// An id may outlive what it named: a secret counts only where its fingerprint is the same, a token or session where it
/// was issued at the same time.
fn woken(input: &RestoreInput<'_>) -> Vec<Contradiction> {
    if input.plan.mode != RestoreMode::Rotate || !input.plan.has_tried_gate(input.steps) {
        return Vec::new();
    }
    let old = input.before.iter().flat_map(|reading| &reading.holdings);
    let old = old.filter(|holding| matches!(holding.family, Family::Secret | Family::Token));
    let woken = old.filter(|holding| {
        let now = input.now.get(holding.id.identity()).and_then(|reading| reading.holding(&holding.id));
        now.is_some_and(|now| {
            let same = match holding.family {
                Family::Secret => holding.fingerprint.is_some() && now.fingerprint == holding.fingerprint,
                _ => holding.issued_at.is_some() && now.issued_at == holding.issued_at,
            };
            now.state == HoldingState::Live && same
        })
    });
    woken
        .map(|holding| Contradiction {
            step: StepId::new(holding.id.to_string()),
            what: format!("{} from before the incident can be used again", holding.name.shown()),
        })
        .collect()
}

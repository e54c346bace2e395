//! What came of an isolation: a pure function of journal, reads and clock.
//!
//! `dark` is earned by elimination: every step and every holding is looked at, and each that is not proved dead or
//! rightly gated leaves a [`Reason`]. What nobody has thought of is therefore never dark by default.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Collateral, Family, Fingerprint, Holding, HoldingState, Identity, IdentityId, Lost, ProviderName, Reading,
    ReadingSet, Reissue, Residual, Step, StepId, StepState, Values,
};

/// How long one read may take, from its beginning to what it says.
const LONGEST_READ: SignedDuration = SignedDuration::from_secs(15);

/// What the journal knows of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// As it was intended.
    pub step: Step,
    /// Where it stands.
    pub state: StepState,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// When it was last answered.
    pub answered_at: Option<Timestamp>,
    /// What the last answer says it set.
    pub values: Values,
    /// Why it stands where it stands, for people.
    pub detail: Option<String>,
    /// What the provider's last answer said, for people: a later read says something else, and not why it refused.
    #[serde(default)]
    pub said: Option<String>,
}

impl StepRecord {
    /// A step that is in the plan and no more.
    pub fn planned(step: Step) -> Self {
        Self {
            step,
            state: StepState::Planned,
            attempts: 0,
            sent_at: None,
            answered_at: None,
            values: Values::new(),
            detail: None,
            said: None,
        }
    }

    /// Whether it may have changed something. What was refused, or never left, has not.
    pub const fn may_have_been_done(&self) -> bool {
        use StepState as S;
        !matches!(self.state, S::Planned | S::Armed | S::Manual | S::Refused { .. } | S::Unreachable)
    }

    /// Whether what a reading says may be this step's doing: a read may have been on its way when it was sent.
    pub fn may_show_in(&self, reading: &Reading) -> bool {
        let latest = reading.read_at.checked_add(LONGEST_READ);
        self.sent_at.is_some_and(|sent| latest.is_ok_and(|latest| latest >= sent))
    }

    /// Whether it is done as far as anybody can tell: a read has proved it, or no read ever can and the provider has
    /// said yes.
    pub fn is_done(&self) -> bool {
        self.state == StepState::Verified || (self.step.postcondition.is_unreadable() && self.state.is_cut())
    }
}

/// One thing that keeps a bot from being dark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Reason {
    /// A step was sent and its effect is not known.
    Unknown {
        /// Which.
        step: StepId,
        /// What it was to do.
        what: String,
    },
    /// We may not, or the provider will not.
    Refused {
        /// Which.
        step: StepId,
        /// What it was to do.
        what: String,
        /// The missing permission, where known.
        permission: Option<String>,
        /// What a person can do.
        manual: Option<String>,
    },
    /// Nothing reached the provider.
    Unreachable {
        /// Which.
        step: StepId,
        /// What it was to do.
        what: String,
    },
    /// A person must do it and has not said so.
    Manual {
        /// Which.
        step: StepId,
        /// The instruction.
        what: String,
    },
    /// A person says that it was done; nothing proves it.
    AttestedOnly {
        /// Which.
        step: StepId,
        /// What.
        what: String,
    },
    /// A holding reads as usable.
    StillLive {
        /// Which.
        holding: String,
        /// What it is.
        what: String,
    },
    /// Something may exist that no API lists.
    Unlisted {
        /// What.
        what: String,
    },
    /// An identity could not be read after the strike.
    Unread {
        /// Which.
        identity: IdentityId,
        /// Why.
        what: String,
    },
    /// A listing was not complete.
    ListingIncomplete {
        /// What is missing.
        what: String,
        /// The permission that would close it.
        permission: Option<String>,
    },
    /// New holdings kept coming until the sweep ended.
    StillMinting {
        /// How many rounds it took.
        rounds: u32,
    },
    /// Fewer than two clean listings.
    NotSettled,
    /// A step of a restore that was not sent, because what has to come first is not proved.
    NotSent {
        /// Which.
        step: StepId,
        /// What it was to do.
        what: String,
    },
    /// A restore gave way to somebody else's order.
    Superseded {
        /// To what.
        what: String,
    },
    /// A credential of this bot still works as another identity.
    OpensToo {
        /// Which.
        name: String,
        /// Why.
        what: String,
    },
}

impl Reason {
    /// One line for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unknown { what, .. } => format!("unknown: {what}: sent, but nothing proves it"),
            Self::Refused { what, permission, manual, .. } => {
                let permission = permission.as_ref().map(|name| format!(" (missing permission: {name})"));
                let manual = manual.as_ref().map(|text| format!("; by hand: {text}"));
                format!("refused: {what}{}{}", permission.unwrap_or_default(), manual.unwrap_or_default())
            }
            Self::Unreachable { what, .. } => {
                format!("unreachable: {what}: nothing reached the provider")
            }
            Self::Manual { what, .. } => format!("manual: {what}"),
            Self::AttestedOnly { what, .. } => format!("attested only: {what}"),
            Self::StillLive { what, holding } => format!("still live: {what} ({holding})"),
            Self::Unlisted { what } => format!("unlisted: {what}"),
            Self::Unread { identity, what } => format!("unread: {identity}: {what}"),
            Self::ListingIncomplete { what, permission } => {
                let permission = permission.as_ref().map(|name| format!(" (missing permission: {name})"));
                format!("listing incomplete: {what}{}", permission.unwrap_or_default())
            }
            Self::StillMinting { rounds } => {
                format!("still minting: new holdings after {rounds} rounds")
            }
            Self::NotSettled => "not settled: fewer than two clean listings".to_owned(),
            Self::NotSent { what, .. } => format!("not sent: {what}: what has to come first is not proved"),
            Self::Superseded { what } => format!("gave way: {what}"),
            Self::OpensToo { name, what } => format!("opens {name} too: {what}"),
        }
    }
}

/// Something proved usable after it was called cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contradiction {
    /// The step that claimed it.
    pub step: StepId,
    /// What is alive, and which read says so.
    pub what: String,
}

impl Contradiction {
    /// A leaked secret was used after the strike, and was let in.
    pub fn by_use(fingerprint: &Fingerprint, at: &ProviderName, said: &str) -> Self {
        let what = format!("the leaked secret {fingerprint} was used at {at} and let in: {said}");
        Self { step: StepId::new(format!("{at}:use/{fingerprint}")), what }
    }
}

/// What came of it. `contradicted` wins over all, `partial` over the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Nothing of it can be used.
    Dark,
    /// The same but for residuals; it becomes dark by itself.
    DarkAt {
        /// When the last one ends.
        at: Timestamp,
        /// Each of them.
        residual: Vec<Residual>,
    },
    /// Something is missing.
    Partial {
        /// Each piece.
        reasons: Vec<Reason>,
        /// And what outlives it anyway.
        residual: Vec<Residual>,
    },
    /// Proved alive.
    Contradicted {
        /// What is.
        alive: Vec<Contradiction>,
        /// What else is missing.
        reasons: Vec<Reason>,
    },
    /// Of a restore: everything that can come back is back, proved by reads.
    Restored {
        /// What did not come back, as it was named before.
        lost: Vec<Lost>,
        /// What has to be issued anew.
        reissue: Vec<Reissue>,
    },
}

impl Outcome {
    /// The word in documents and on screens.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::DarkAt { .. } => "dark-at",
            Self::Partial { .. } => "partial",
            Self::Contradicted { .. } => "contradicted",
            Self::Restored { .. } => "restored",
        }
    }

    /// With what else was proved alive, beside what readings say.
    #[must_use]
    pub fn contradicted_by(self, more: &[Contradiction]) -> Self {
        if more.is_empty() {
            return self;
        }
        let (mut alive, reasons) = match self {
            Self::Dark | Self::DarkAt { .. } | Self::Restored { .. } => (Vec::new(), Vec::new()),
            Self::Partial { reasons, .. } => (Vec::new(), reasons),
            Self::Contradicted { alive, reasons } => (alive, reasons),
        };
        alive.extend_from_slice(more);
        alive.sort();
        alive.dedup();
        Self::Contradicted { alive, reasons }
    }
}

/// All that the outcome depends on.
#[derive(Debug)]
pub struct OutcomeInput<'a> {
    /// Every step of the operation, as the journal has it.
    pub steps: &'a BTreeMap<StepId, StepRecord>,
    /// The identities that had to go dark, children included.
    pub identities: &'a [Identity],
    /// The newest reading of each, all taken after the strike.
    pub readings: &'a ReadingSet,
    /// Other identities that a credential of this bot opens and that are not shut themselves.
    pub collateral: &'a [Collateral],
    /// Clean complete listings in a row, at the end.
    pub clean_rounds: u32,
    /// Sweep rounds in all.
    pub rounds: u32,
    /// Whether the last round still found something new.
    pub still_minting: bool,
    /// When the last gate was answered; residuals count from here.
    pub cut_at: Option<Timestamp>,
    /// The clock.
    pub now: Timestamp,
}

/// Concludes.
pub fn conclude(input: &OutcomeInput<'_>) -> Outcome {
    let mut reasons = Vec::new();
    let mut alive = Vec::new();
    for record in input.steps.values() {
        judge_step(record, input.readings, &mut reasons, &mut alive);
    }
    for identity in input.identities {
        match input.readings.get(&identity.id) {
            None => reasons
                .push(Reason::Unread { identity: identity.id.clone(), what: "never read after the strike".to_owned() }),
            Some(reading) => judge_reading(reading, &mut reasons),
        }
    }
    if input.identities.is_empty() {
        reasons.push(Reason::Unlisted { what: "the bot has no identity that estop knows".to_owned() });
    }
    if input.still_minting {
        reasons.push(Reason::StillMinting { rounds: input.rounds });
    } else if input.clean_rounds < 2 {
        reasons.push(Reason::NotSettled);
    }
    reasons.extend(
        input
            .collateral
            .iter()
            .filter(|other| other.opens.is_some())
            .map(|other| Reason::OpensToo { name: other.bot.clone(), what: other.why.clone() }),
    );
    reasons.sort();
    reasons.dedup();
    alive.sort();
    let (residual, endless) = residuals(input);
    reasons.extend(endless);
    if !alive.is_empty() {
        return Outcome::Contradicted { alive, reasons };
    }
    if !reasons.is_empty() {
        return Outcome::Partial { reasons, residual };
    }
    match residual.iter().filter_map(|residual| residual.until).max() {
        Some(at) => Outcome::DarkAt { at, residual },
        None => Outcome::Dark,
    }
}

fn judge_step(record: &StepRecord, readings: &ReadingSet, reasons: &mut Vec<Reason>, alive: &mut Vec<Contradiction>) {
    let step = record.step.id.clone();
    let provider = record.step.identity.provider();
    let what = format!("{} {} at {provider}", record.step.action.word(), record.step.target.shown());
    match &record.state {
        StepState::Verified => {}
        StepState::Attested => reasons.push(Reason::AttestedOnly { step, what }),
        StepState::Contradicted => {
            let detail = record.detail.clone().unwrap_or_else(|| "a read says it is alive".to_owned());
            alive.push(Contradiction { step, what: format!("{what}: {detail}") });
        }
        // Where no read can tell, a gate that reads as shut has to stand in for it.
        StepState::Accepted | StepState::Gone
            if record.step.postcondition.is_unreadable()
                && readings.get(&record.step.identity).is_some_and(Reading::is_shut) => {}
        StepState::Refused { permission } => reasons.push(Reason::Refused {
            step,
            what: with(&what, record.said.as_ref()),
            permission: permission.clone().or_else(|| record.step.missing_permission.clone()),
            manual: record.step.manual.clone(),
        }),
        StepState::Unreachable => {
            let what = with(&what, record.detail.as_ref());
            reasons.push(Reason::Unreachable { step, what });
        }
        StepState::Manual => {
            let what = record.step.manual.as_ref().map_or(what, |manual| format!("at {provider}: {manual}"));
            reasons.push(Reason::Manual { step, what });
        }
        _ => {
            let what = with(&what, record.detail.as_ref());
            reasons.push(Reason::Unknown { step, what });
        }
    }
}

/// With why it stands there, where an answer or a read said so.
fn with(what: &str, detail: Option<&String>) -> String {
    detail.map_or_else(|| what.to_owned(), |detail| format!("{what} ({detail})"))
}

fn judge_reading(reading: &Reading, reasons: &mut Vec<Reason>) {
    for gap in &reading.gaps {
        reasons.push(Reason::ListingIncomplete { what: gap.what.clone(), permission: gap.permission.clone() });
    }
    for holding in &reading.holdings {
        if let Some(reason) = judge_holding(holding, reading) {
            reasons.push(reason);
        }
    }
}

/// The rule of the design: tokens, sessions, connectors and grants must be gone; secrets and roles may be gated by a
/// gate that reads as shut.
fn judge_holding(holding: &Holding, reading: &Reading) -> Option<Reason> {
    let what = format!("{} at {}", holding.name.shown(), reading.identity.id.provider());
    match (holding.state, holding.family) {
        (HoldingState::Gone, _) => None,
        (HoldingState::Unlisted, _) => Some(Reason::Unlisted { what }),
        (HoldingState::Gated, Family::Secret | Family::Role) if reading.is_shut() => None,
        _ => Some(Reason::StillLive { holding: holding.id.to_string(), what }),
    }
}

/// Residuals that have not ended, with their ends; and those that end only when somebody ends them.
fn residuals(input: &OutcomeInput<'_>) -> (Vec<Residual>, Vec<Reason>) {
    let cut = input.cut_at.unwrap_or(input.now);
    let mut running = Vec::new();
    let mut endless = Vec::new();
    for residual in input.readings.iter().flat_map(|reading| &reading.residual) {
        match residual.ends(cut) {
            Some(until) if until <= input.now => {}
            Some(until) => running.push(Residual { until: Some(until), ..residual.clone() }),
            None => endless.push(Reason::Unlisted { what: residual.what.clone() }),
        }
    }
    (running, endless)
}

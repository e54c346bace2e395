//! Posture and incident rules, evaluated: what is wrong with a bot, and what to do about it.
//!
//! ```text
//! Evidence (bot, readings, plan, isolation, policy, now) ── every Rule ──▶ Fires │ Clear │ CannotEvaluate ──▶ Findings
//! ```
//!
//! Pure: the same evidence gives the same findings in the same order. A rule whose input nobody has read says so and
//! never passes: an empty list alone is no sign of safety.

mod access;
mod behaviour;
mod boundary;
mod evidence;
mod incident;
mod kind;
mod lifecycle;
mod lifetime;
mod suppress;
mod table;

pub use evidence::{Evidence, Isolation, Policy, Shared, Subject};
pub use suppress::{Suppressed, Suppression};
pub use table::RULES;

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use super::{IdentityId, Level};

/// How soon somebody has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a note.
    Low,
    /// Within the week.
    Medium,
    /// Within the shift.
    High,
    /// Now.
    Critical,
}

impl Severity {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// One level up, where there is one.
    const fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

/// What a rule says of one bot or identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It holds, and this is why: one sentence for people, foreign text in it escaped.
    Fires(String),
    /// It was looked at and does not hold.
    Clear,
    /// Something that it needs was not read or is told by nobody: which, in one sentence.
    CannotEvaluate(Cow<'static, str>),
}

impl Check {
    /// Cannot be evaluated, for a reason that is always the same.
    const fn blind(why: &'static str) -> Self {
        Self::CannotEvaluate(Cow::Borrowed(why))
    }
}

/// What a rule is asked about.
#[derive(Clone, Copy)]
enum Question {
    /// The bot as a whole.
    Bot(fn(&Evidence<'_>) -> Check),
    /// Each of its identities.
    Identity(fn(&Evidence<'_>, &Subject<'_>) -> Check),
}

/// One rule: what it is called, how bad it is, which controls it stands under, what to do.
pub struct Rule {
    /// Its number; shown as `F101`.
    number: u16,
    /// In a few words.
    pub title: &'static str,
    /// Before it is raised.
    pub severity: Severity,
    /// OWASP Non-Human Identities Top 10 (2025), in the form `NHI1:2025`.
    pub owasp: &'static [&'static str],
    /// NIST CSF 2.0 subcategories.
    pub csf: &'static [&'static str],
    /// Tenets of SP 800-207, in the form `ZT-6`.
    pub zt: &'static [&'static str],
    /// What to do, in a sentence or two.
    pub advice: &'static str,
    question: Question,
}

impl Rule {
    /// Its id: `F101`.
    pub fn id(&self) -> String {
        format!("F{}", self.number)
    }

    /// Its controls on one line, short: `NHI5 · PR.AA-05 · ZT6`.
    pub fn controls(&self, separator: &str) -> String {
        let owasp = self.owasp.iter().map(|id| id.trim_end_matches(":2025").to_owned());
        let csf = self.csf.iter().map(|id| (*id).to_owned());
        let zt = self.zt.iter().map(|id| id.replace('-', ""));
        owasp.chain(csf).chain(zt).collect::<Vec<_>>().join(separator)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id())
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Rule {}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Of which identity; `None`: of the bot as a whole.
    pub identity: Option<IdentityId>,
    /// What was seen, one sentence; foreign text in it is escaped.
    pub why: String,
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unevaluated {
    /// Which.
    pub rule: &'static Rule,
    /// What is missing; of the first identity of which something is.
    pub why: Cow<'static, str>,
}

/// What the rules say of a bot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Those that fired: by id, then the worst first, then by identity.
    pub fired: Vec<Finding>,
    /// Those that fired and that the house lives with for a while; the order is the same. They are told, not counted.
    pub suppressed: Vec<Suppressed>,
    /// Those that fired nowhere and could not be evaluated somewhere, by id. Never to be taken for passed.
    pub unevaluated: Vec<Unevaluated>,
}

impl Findings {
    /// Asks every rule.
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let mut findings = Self::default();
        let subjects = evidence.subjects();
        for rule in RULES {
            let mut blind = None;
            let from = findings.fired.len();
            let mut take = |identity: Option<&Subject<'_>>, check| match check {
                Check::Fires(why) => findings.fired.push(Finding {
                    rule,
                    severity: evidence.severity(rule.severity, identity),
                    identity: identity.map(|subject| subject.identity.id.clone()),
                    why,
                }),
                Check::Clear => {}
                Check::CannotEvaluate(why) => {
                    blind.get_or_insert(why);
                }
            };
            match rule.question {
                Question::Bot(ask) => take(None, ask(evidence)),
                Question::Identity(_) if subjects.is_empty() => take(None, Check::blind("it has no identity")),
                Question::Identity(ask) => {
                    for subject in &subjects {
                        take(Some(subject), ask(evidence, subject));
                    }
                }
            }
            let fired = &mut findings.fired[from..];
            fired.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.identity.cmp(&b.identity)));
            if let (true, Some(why)) = (fired.is_empty(), blind) {
                findings.unevaluated.push(Unevaluated { rule, why });
            }
        }
        if !evidence.policy.suppress.is_empty() {
            (findings.fired, findings.suppressed) = suppress::split(evidence, findings.fired);
        }
        findings
    }

    /// Of a bot of which nothing has been read: shared, since a fleet may have very many of them.
    pub fn unread() -> Arc<Self> {
        static UNREAD: LazyLock<Arc<Findings>> = LazyLock::new(|| {
            let why = Cow::Borrowed("it has not been read");
            let unevaluated = RULES.iter().map(|rule| Unevaluated { rule, why: why.clone() }).collect();
            Arc::new(Findings { unevaluated, ..Findings::default() })
        });
        UNREAD.clone()
    }

    /// How many fired.
    pub fn len(&self) -> usize {
        self.fired.len()
    }

    /// Whether none fired. That is no sign of safety while some cannot be evaluated.
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty()
    }

    /// How many rules were evaluated; the others are [`Findings::unevaluated`].
    pub fn checked(&self) -> usize {
        RULES.len().saturating_sub(self.unevaluated.len())
    }

    /// The worst severity of those that fired.
    pub fn worst(&self) -> Option<Severity> {
        self.fired.iter().map(|finding| finding.severity).max()
    }

    /// Those that fired, the worst first: in the order in which a responder reads them.
    pub fn by_severity(&self) -> Vec<&Finding> {
        let mut fired: Vec<&Finding> = self.fired.iter().collect();
        fired.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        fired
    }
}

/// Whether a level changes something: reading in bulk does not.
const fn changes(level: Level) -> bool {
    matches!(level, Level::Write | Level::Admin)
}

/// The first names of several, and how many more there are.
fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// A time in days, or hours or minutes where it is short.
fn span(time: jiff::SignedDuration) -> String {
    let minutes = time.as_mins();
    let (count, unit) = match minutes {
        0..=119 => (minutes, "minute"),
        120..=2879 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;

//! What a house has decided to live with for a while: told all the same, and why, but counted no more.

use jiff::Timestamp;

use super::{Evidence, Finding, RULES, Rule};
use crate::domain::{BotName, Untrusted};

/// Rules of that hundred tell of an isolation: nobody lives with those.
const OF_AN_INCIDENT: u16 = 12;

/// A decision to live with what one rule says of one bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Which rule.
    pub rule: &'static Rule,
    /// Of which bot.
    pub bot: BotName,
    /// From then on it counts again.
    pub until: Timestamp,
    /// Why, in somebody's words.
    pub reason: Untrusted,
}

/// A rule that fired and that a decision covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// What it says.
    pub finding: Finding,
    /// From then on it counts again.
    pub until: Timestamp,
    /// Why it does not until then.
    pub reason: Untrusted,
}

impl Rule {
    /// The rule of an id such as `F701`.
    pub fn of(id: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.id() == id)
    }

    /// Whether anybody may decide to live with it: never with what an isolation has left.
    pub const fn can_be_suppressed(&self) -> bool {
        self.number / 100 != OF_AN_INCIDENT
    }
}

/// What counts, and what a decision covers; both in their order.
pub(super) fn split(evidence: &Evidence<'_>, fired: Vec<Finding>) -> (Vec<Finding>, Vec<Suppressed>) {
    let (mut counts, mut covered) = (Vec::with_capacity(fired.len()), Vec::new());
    for finding in fired {
        let mut decided = evidence
            .policy
            .suppress
            .iter()
            .filter(|one| *one.rule == *finding.rule && one.bot == evidence.bot.name && evidence.now < one.until);
        match decided.next().filter(|_| finding.rule.can_be_suppressed()) {
            Some(one) => covered.push(Suppressed { finding, until: one.until, reason: one.reason.clone() }),
            None => counts.push(finding),
        }
    }
    (counts, covered)
}

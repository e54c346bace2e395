//! The second pair of eyes: who may approve, and whether an approval can be used.
//!
//! ```text
//! estop restore (prints a hash) ─▶ estop approve HASH by somebody else ─▶ approval.given, 15 minutes
//!                                        └─▶ estop restore --yes ─▶ op.claim names that line: it is used up
//! ```

use jiff::{SignedDuration, Timestamp};

use crate::domain::{BotName, IncidentId, PlanHash, RestoreMode};
use crate::journal::Incident;

use super::{Login, People, Refusal};

/// How long an approval can be used.
pub const APPROVAL_TIME: SignedDuration = SignedDuration::from_mins(15);
/// Digits of a hash that name it for people.
const SHORT: usize = 12;

/// An approval that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Of which bot.
    pub bot: BotName,
    /// Which way back.
    pub mode: RestoreMode,
    /// The restore plan's hash: it holds for nothing else.
    pub hash: PlanHash,
    /// By whom.
    pub by: String,
    /// Until when it can be used.
    pub until: Timestamp,
    /// In which incident it is on record.
    pub incident: IncidentId,
}

/// Why there is no approval to use. Each displays as one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalFault {
    /// Nobody has approved anything.
    #[error("a second person of {group} has to approve it first: estop approve {hash}")]
    Missing {
        /// The group.
        group: String,
        /// The plan's hash.
        hash: PlanHash,
    },
    /// It is the restorer's own.
    #[error("the approval is of {by}, who restores: a second person has to approve")]
    Own {
        /// Whose.
        by: String,
    },
    /// It is for something else.
    #[error("the approval of {by} is for another plan ({}), not for {}", short(.of), short(.hash))]
    OtherPlan {
        /// Whose.
        by: String,
        /// For what.
        of: PlanHash,
        /// What was to be done.
        hash: PlanHash,
    },
    /// Its time is over.
    #[error("the approval of {by} was good until {until}: it has expired")]
    Expired {
        /// Whose.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// It was used before.
    #[error("the approval of {by} was used before: each is good for one restore")]
    Used {
        /// Whose.
        by: String,
    },
}

/// The first digits of a hash.
pub fn short(hash: &PlanHash) -> &str {
    hash.as_str().get(..SHORT).unwrap_or(hash.as_str())
}

/// The name of an approval's line.
fn line(incident: IncidentId, seq: u64) -> String {
    format!("{incident}:{seq}")
}

/// The approval that lets a plan through, by its line; where there is none, the reason that says most.
pub(super) fn choose(
    incidents: &[Incident],
    hash: &PlanHash,
    (group, people): (&str, &dyn People),
    now: Timestamp,
) -> Result<String, ApprovalFault> {
    let mine: Vec<String> = people.accounts().iter().map(Login::to_string).collect();
    let operations = incidents.iter().flat_map(|incident| &incident.operations);
    let used: Vec<&String> = operations.filter_map(|one| one.restores.as_ref()?.approval.as_ref()).collect();
    let mut fault = ApprovalFault::Missing { group: group.to_owned(), hash: hash.clone() };
    let all = incidents.iter().flat_map(|incident| incident.approvals.iter().map(move |one| (incident.id, one)));
    for (incident, approval) in all {
        let (line, by) = (line(incident, approval.seq), approval.by.clone());
        let is_used = used.contains(&&line);
        if approval.hash != *hash {
            if !is_used && now < approval.until && matches!(fault, ApprovalFault::Missing { .. }) {
                fault = ApprovalFault::OtherPlan { by, of: approval.hash.clone(), hash: hash.clone() };
            }
        } else if is_used {
            fault = ApprovalFault::Used { by };
        } else if now >= approval.until {
            fault = ApprovalFault::Expired { by, until: approval.until };
        } else if mine.contains(&by) {
            fault = ApprovalFault::Own { by };
        } else {
            return Ok(line);
        }
    }
    Err(fault)
}

/// Whether the person may be the second one of a restore.
///
/// Two accounts may stand for somebody who came by sudo where no login was recorded: such a person could approve as one
/// of them and restore as the other.
pub(super) fn may_approve(group: &str, people: &dyn People) -> Result<Login, Refusal> {
    let me = people.login();
    let refused = |why: String| Refusal::NotApprover { who: me.to_string(), why };
    if people.accounts().len() > 1 {
        let why = "sudo called, and the kernel knows no login: approve it from the account that logged in";
        return Err(refused(why.to_owned()));
    }
    match people.is_member(group) {
        Ok(true) => Ok(me),
        Ok(false) => Err(refused(format!("not a member of {group}"))),
        Err(why) => Err(refused(why)),
    }
}

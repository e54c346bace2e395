//! The second pair of eyes: who a person is, who may approve, and whether an approval can be used.
//!
//! ```text
//! estop restore (prints a hash) ─▶ estop approve HASH by somebody else ─▶ approval.given, 15 minutes
//!                                        └─▶ estop restore --yes ─▶ op.claim names that line: it is used up
//! ```

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{BotName, IncidentId, PlanHash, RestoreMode};
use crate::journal::Incident;

/// How long an approval can be used.
pub const APPROVAL_TIME: SignedDuration = SignedDuration::from_mins(15);
/// Digits of a hash that name it for people.
const SHORT: usize = 12;

/// A person, as the system knows who logged in; never as somebody typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The number of the account that logged in, where it is known.
    pub uid: Option<u32>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uid {
            Some(uid) => write!(f, "{} (uid {uid})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Who is in which group, by the system's databases.
pub trait Directory: Send + Sync {
    /// Whether a person is of a group.
    ///
    /// # Errors
    /// There is no such group, or the database cannot be asked: one sentence.
    fn is_member(&self, person: &Person, group: &str) -> Result<bool, String>;
}

/// What the configuration asks of a restore.
#[derive(Clone)]
pub struct Approvers {
    /// A second person of this group has to approve.
    pub group: String,
    /// Who this process works for.
    pub me: Person,
    /// Who is in which group.
    pub directory: Arc<dyn Directory>,
}

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
    approvers: &Approvers,
    now: Timestamp,
) -> Result<String, ApprovalFault> {
    let me = approvers.me.to_string();
    let operations = incidents.iter().flat_map(|incident| &incident.operations);
    let used: Vec<&String> = operations.filter_map(|one| one.restores.as_ref()?.approval.as_ref()).collect();
    let mut fault = ApprovalFault::Missing { group: approvers.group.clone(), hash: hash.clone() };
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
        } else if by == me {
            fault = ApprovalFault::Own { by };
        } else {
            return Ok(line);
        }
    }
    Err(fault)
}

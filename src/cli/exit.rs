//! Exit codes: the contract with scripts.

use crate::{domain::Outcome, engine::Refusal};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done and verified; a reading command: complete.
    Done,
    /// 1: an error of estop's own (journal, disk, lost output), whatever else was done.
    Failed,
    /// 2: usage or configuration; nothing was sent.
    Usage,
    /// 3: something is unknown, refused, unlisted, manual or unreachable; a reading command: incomplete.
    Partial,
    /// 4: something is proved still alive.
    Contradicted,
    /// 5: refused by a guard; nothing was sent.
    Refused,
    /// 128 + n: a signal before anything was sent.
    Signal(u8),
}

impl Exit {
    /// The process's code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Contradicted => 4,
            Self::Refused => 5,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }

    /// Of two, the one that is told: 4 wins, then 1, then 3; a refusal before a success.
    pub fn and(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Contradicted => 6,
            Self::Failed => 5,
            Self::Partial => 4,
            Self::Signal(_) => 3,
            Self::Refused => 2,
            Self::Usage => 1,
            Self::Done => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// 128 + n, for a signal's number.
    pub fn of_signal(number: i32) -> Self {
        Self::Signal(u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// 0 if everything that was to be read was read.
    pub const fn of_reading(complete: bool) -> Self {
        if complete { Self::Done } else { Self::Partial }
    }
}

impl From<&Outcome> for Exit {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Dark | Outcome::DarkAt { .. } | Outcome::Restored { .. } => Self::Done,
            Outcome::Partial { .. } => Self::Partial,
            Outcome::Contradicted { .. } => Self::Contradicted,
        }
    }
}

/// Why a command stops before its end: a code and one sentence for standard error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Stop {
    /// The code.
    pub exit: Exit,
    /// What, where, and what to do.
    pub message: String,
}

impl Stop {
    /// Wrong use or configuration: nothing was sent.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// An error of estop's own.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// A guard refused: nothing was sent.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into() }
    }
}

impl From<&Refusal> for Stop {
    fn from(refusal: &Refusal) -> Self {
        let exit = match refusal {
            Refusal::Unread { .. } => Exit::Partial,
            Refusal::Unrecorded(_) => Exit::Failed,
            refusal if refusal.is_guard() => Exit::Refused,
            _ => Exit::Usage,
        };
        Self { exit, message: refusal.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_four_wins_then_one_then_three() {
        use Exit as E;
        for (exits, told) in [
            (&[E::Done, E::Done][..], E::Done),
            (&[E::Partial, E::Done], E::Partial),
            (&[E::Partial, E::Failed], E::Failed),
            (&[E::Failed, E::Contradicted, E::Partial], E::Contradicted),
            (&[E::Done, E::Refused], E::Refused),
        ] {
            let combined = exits.iter().copied().reduce(E::and);
            assert_eq!(combined, Some(told), "{exits:?}");
        }
        assert_eq!(E::Signal(15).code(), 143);
    }
}

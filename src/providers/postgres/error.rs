//! What a failure means: the server's own code decides, never the wording.
//!
//! Codes: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::{
    domain::{Answer, AnswerKind, Untrusted},
    engine::ProviderError,
};

/// Columns of a message of the server that are shown.
const SHOWN: usize = 200;

/// Whether a request can have reached the server when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// While the connection was made: nothing was asked yet.
    Connecting,
    /// After the request may have left.
    Asking,
}

/// A failure, sorted. The detail is a sentence that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: Class,
    pub(super) code: String,
    pub(super) detail: String,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// We are not let in.
    Auth,
    /// We may not.
    Refused,
    /// The role or the session is not there.
    Gone,
    /// The server is busy, starting or stopping, and has not done it.
    Busy,
    /// Sent, and no answer.
    Lost,
    /// Nothing can have arrived.
    Unreachable,
    /// The server says no for another reason.
    Rejected,
}

impl Failure {
    pub(super) fn new(class: Class, detail: impl Into<String>) -> Self {
        Self { class, code: String::new(), detail: detail.into() }
    }

    /// Our deadline passed.
    pub(super) fn deadline(when: When) -> Self {
        match when {
            When::Connecting => Self::new(Class::Unreachable, "no connection within the deadline"),
            When::Asking => Self::new(Class::Lost, "no answer within the deadline"),
        }
    }

    /// Sorts what the client library says.
    pub(super) fn of(error: &tokio_postgres::Error, when: When) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self {
                class: class_of(db, when),
                code: db.code().code().to_owned(),
                detail: Untrusted::new(db.message()).shown_in(SHOWN),
            };
        }
        let class = match when {
            When::Connecting => Class::Unreachable,
            When::Asking => Class::Lost,
        };
        // The source is the system's or the TLS library's sentence; neither holds what was sent.
        let detail = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        Self::new(class, Untrusted::new(detail).shown_in(SHOWN))
    }

    /// As the answer to a mutation; the permission is the one that the mutation needs.
    pub(super) fn into_answer(self, permission: &str) -> Answer {
        let kind = match self.class {
            Class::Refused => AnswerKind::Refused { permission: Some(permission.to_owned()) },
            Class::Auth => AnswerKind::Refused { permission: Some("a login that the server accepts".to_owned()) },
            Class::Gone => AnswerKind::Gone,
            Class::Busy => AnswerKind::Transient,
            Class::Lost => AnswerKind::Unknown,
            Class::Unreachable => AnswerKind::Unreachable,
            Class::Rejected => AnswerKind::Rejected,
        };
        Answer { detail: Some(Untrusted::new(self.detail)), ..Answer::new(kind, "postgres", self.code) }
    }

    /// As the failure of a read; `place` says which server.
    pub(super) fn into_error(self, place: &str, permission: &str) -> ProviderError {
        let said = if self.code.is_empty() { self.detail } else { format!("{} ({})", self.detail, self.code) };
        match self.class {
            Class::Auth => {
                ProviderError::Auth(format!("{place}: login refused: {said}: check user, password and pg_hba.conf"))
            }
            Class::Refused => {
                ProviderError::Refused { what: format!("{place}: {said}"), permission: permission.to_owned() }
            }
            Class::Gone => ProviderError::Gone(format!("{place}: {said}")),
            Class::Busy | Class::Lost => ProviderError::Transient(format!("{place}: {said}")),
            Class::Unreachable => {
                ProviderError::Unreachable(format!("{place}: not reachable: {said}: check address, port and TLS"))
            }
            Class::Rejected => ProviderError::BadData(format!(
                "{place}: {said}: check that the url names a PostgreSQL server (13 or later) and a database there"
            )),
        }
    }
}

fn class_of(db: &DbError, when: When) -> Class {
    let code = db.code();
    let is = |list: &[&SqlState]| list.contains(&code);
    if is(&[&SqlState::INVALID_PASSWORD, &SqlState::INVALID_AUTHORIZATION_SPECIFICATION]) {
        Class::Auth
    } else if is(&[&SqlState::INSUFFICIENT_PRIVILEGE]) {
        Class::Refused
    } else if is(&[&SqlState::UNDEFINED_OBJECT]) {
        Class::Gone
    } else if is(&[&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN]) && when == When::Asking {
        // Our own session was ended: it may have been after the statement.
        Class::Lost
    } else if retriable(code.code()) {
        if when == When::Connecting { Class::Unreachable } else { Class::Busy }
    } else {
        Class::Rejected
    }
}

/// Resources, operator intervention, locks, serialization: not done, and worth another try.
fn retriable(code: &str) -> bool {
    ["53", "57", "40"].iter().any(|class| code.starts_with(class)) || code == "55P03" || code == "XX000"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_answer_and_only_yes_is_accepted() {
        for (class, kind) in [
            (Class::Refused, AnswerKind::Refused { permission: Some("CREATEROLE".into()) }),
            (Class::Gone, AnswerKind::Gone),
            (Class::Busy, AnswerKind::Transient),
            (Class::Lost, AnswerKind::Unknown),
            (Class::Unreachable, AnswerKind::Unreachable),
            (Class::Rejected, AnswerKind::Rejected),
        ] {
            assert_eq!(Failure::new(class, "x").into_answer("CREATEROLE").kind, kind);
        }
    }

    #[test]
    fn a_deadline_after_sending_is_unknown_before_it_is_unreachable() {
        assert_eq!(Failure::deadline(When::Asking).into_answer("").kind, AnswerKind::Unknown);
        assert_eq!(Failure::deadline(When::Connecting).into_answer("").kind, AnswerKind::Unreachable);
    }

    #[test]
    fn codes_that_may_pass_are_told_from_those_that_will_not() {
        for (code, may) in
            [("57014", true), ("53300", true), ("40P01", true), ("55P03", true), ("42601", false), ("2BP01", false)]
        {
            assert_eq!(retriable(code), may, "{code}");
        }
    }
}

//! The mutations, as data: a step carries one whole, and another process can perform it from the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::Step;

use super::catalog::{Edge, Oid};

/// One mutation. OIDs only: names are looked up when it is performed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Command {
    /// `ALTER ROLE … NOLOGIN`.
    DisableLogin {
        /// Which role.
        role: Oid,
    },
    /// `pg_terminate_backend`, only if the process is still that session of that role.
    Terminate {
        /// Whose session.
        role: Oid,
        /// Its process id.
        pid: i32,
        /// When it began; `None` where it may not be seen.
        started_us: Option<i64>,
    },
    /// `REVOKE role FROM member`.
    Revoke {
        /// The membership with its options: what a restore grants again.
        #[serde(flatten)]
        edge: Edge,
        /// Whether to name the grantor (version 16 and later: one membership may have several).
        by_grantor: bool,
    },
    /// `ALTER ROLE … PASSWORD NULL`.
    ClearPassword {
        /// Which role.
        role: Oid,
    },
    /// `ALTER ROLE … LOGIN`.
    EnableLogin {
        /// Which role.
        role: Oid,
    },
    /// `GRANT role TO member`, as it was before it was revoked.
    Grant {
        /// The membership with its options.
        #[serde(flatten)]
        edge: Edge,
        /// Whether to name the grantor: before version 16 only a superuser may.
        by_grantor: bool,
        /// Whether memberships have options of their own (version 16 and later).
        options: bool,
    },
}

impl Command {
    /// As a step carries it.
    pub fn params(&self) -> BTreeMap<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => map.into_iter().collect(),
            // A tagged enum of numbers and flags is always an object.
            _ => BTreeMap::new(),
        }
    }

    /// What a step carries.
    ///
    /// # Errors
    /// A sentence, where the step is none of this provider's.
    pub fn of(step: &Step) -> Result<Self, String> {
        let params = step.params.clone().into_iter().collect();
        serde_json::from_value(serde_json::Value::Object(params))
            .map_err(|_| format!("{}: not a step of this provider", step.action.word()))
    }

    /// What the server wants to see for it.
    pub const fn permission(&self) -> &'static str {
        match self {
            Self::DisableLogin { .. } | Self::ClearPassword { .. } | Self::EnableLogin { .. } => {
                "CREATEROLE, from version 16 with ADMIN OPTION on the role; SUPERUSER where the role is one"
            }
            Self::Terminate { .. } => "pg_signal_backend; SUPERUSER where the role is one",
            Self::Revoke { .. } | Self::Grant { .. } => "ADMIN OPTION on the role, from version 16 as its grantor",
        }
    }

    /// The roles whose names it needs.
    pub fn roles(&self) -> Vec<Oid> {
        match self {
            Self::DisableLogin { role } | Self::ClearPassword { role } | Self::EnableLogin { role } => vec![*role],
            Self::Terminate { .. } => Vec::new(),
            Self::Revoke { edge, by_grantor: true } | Self::Grant { edge, by_grantor: true, .. } => {
                vec![edge.role, edge.member, edge.grantor]
            }
            Self::Revoke { edge, by_grantor: false } | Self::Grant { edge, by_grantor: false, .. } => {
                vec![edge.role, edge.member]
            }
        }
    }

    /// The statement, with names that the server has quoted; `None` where a role is gone, or it is no statement.
    ///
    /// CASCADE ends what the member has granted on: it is the same role, in other hands.
    pub fn statement(&self, quoted: &BTreeMap<Oid, String>) -> Option<String> {
        let name = |oid: &Oid| quoted.get(oid);
        match self {
            Self::DisableLogin { role } => Some(format!("ALTER ROLE {} NOLOGIN", name(role)?)),
            Self::EnableLogin { role } => Some(format!("ALTER ROLE {} LOGIN", name(role)?)),
            Self::Grant { edge, by_grantor, options } => {
                let by = if *by_grantor { format!(" GRANTED BY {}", name(&edge.grantor)?) } else { String::new() };
                let with = if *options {
                    let word = |on: bool| if on { "TRUE" } else { "FALSE" };
                    let (admin, inherit, set) = (word(edge.admin), word(edge.inherit), word(edge.set));
                    format!(" WITH ADMIN {admin}, INHERIT {inherit}, SET {set}")
                } else if edge.admin {
                    " WITH ADMIN OPTION".to_owned()
                } else {
                    String::new()
                };
                Some(format!("GRANT {} TO {}{with}{by}", name(&edge.role)?, name(&edge.member)?))
            }
            Self::ClearPassword { role } => Some(format!("ALTER ROLE {} PASSWORD NULL", name(role)?)),
            Self::Revoke { edge, by_grantor } => {
                let by = if *by_grantor { format!(" GRANTED BY {}", name(&edge.grantor)?) } else { String::new() };
                Some(format!("REVOKE {} FROM {}{by} CASCADE", name(&edge.role)?, name(&edge.member)?))
            }
            Self::Terminate { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::tests::edge;
    use super::*;

    #[test]
    fn statements_use_the_servers_own_quoting() {
        let quoted = BTreeMap::from([
            (1, "\"a\"\"b; DROP ROLE x\"".to_owned()),
            (2, "alice".to_owned()),
            (10, "postgres".to_owned()),
        ]);
        let revoke = |by_grantor| Command::Revoke { edge: edge(1, 2), by_grantor };
        let admin = Edge { admin: true, inherit: false, ..edge(1, 2) };
        let grant = |by_grantor, options| Command::Grant { edge: admin.clone(), by_grantor, options };
        for (command, statement) in [
            (Command::DisableLogin { role: 1 }, "ALTER ROLE \"a\"\"b; DROP ROLE x\" NOLOGIN"),
            (Command::ClearPassword { role: 2 }, "ALTER ROLE alice PASSWORD NULL"),
            (revoke(false), "REVOKE \"a\"\"b; DROP ROLE x\" FROM alice CASCADE"),
            (Command::EnableLogin { role: 2 }, "ALTER ROLE alice LOGIN"),
            (grant(false, false), "GRANT \"a\"\"b; DROP ROLE x\" TO alice WITH ADMIN OPTION"),
            (grant(true, false), "GRANT \"a\"\"b; DROP ROLE x\" TO alice WITH ADMIN OPTION GRANTED BY postgres"),
            (
                grant(true, true),
                "GRANT \"a\"\"b; DROP ROLE x\" TO alice WITH ADMIN TRUE, INHERIT FALSE, SET TRUE GRANTED BY postgres",
            ),
            (
                Command::Grant { edge: edge(1, 2), by_grantor: false, options: false },
                "GRANT \"a\"\"b; DROP ROLE x\" TO alice",
            ),
            (revoke(true), "REVOKE \"a\"\"b; DROP ROLE x\" FROM alice GRANTED BY postgres CASCADE"),
        ] {
            assert_eq!(command.statement(&quoted).as_deref(), Some(statement));
            assert!(command.roles().iter().all(|oid| quoted.contains_key(oid)));
        }
        assert_eq!(Command::DisableLogin { role: 3 }.statement(&quoted), None, "a role that is gone");
    }
}

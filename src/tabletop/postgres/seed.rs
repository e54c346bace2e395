//! What a scenario file says about the simulated server before anything happens.

use serde::Deserialize;

use crate::tabletop::fleet::Ago;

/// A server before anything happens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSeed {
    /// `server_version_num`.
    #[serde(default = "version_15")]
    pub version: i32,
    /// The database that estop is connected to.
    pub database: String,
    /// The roles; the one named `console` is estop's own.
    pub roles: Vec<RoleSeed>,
    /// The name of estop's own role.
    pub console: String,
}

fn version_15() -> i32 {
    150_018
}

/// One role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "the server's own flags")]
pub struct RoleSeed {
    /// Its name, unique.
    pub name: String,
    /// LOGIN, with a password.
    pub login: bool,
    /// SUPERUSER.
    pub superuser: bool,
    /// CREATEROLE.
    pub create_role: bool,
    /// REPLICATION.
    pub replication: bool,
    /// COMMENT ON ROLE.
    pub comment: Option<String>,
    /// Roles that it is a member of, by name, granted by the one who made the server.
    pub member_of: Vec<String>,
    /// And those it administers too.
    pub admin_of: Vec<String>,
    /// What it was granted.
    pub privileges: Vec<PrivilegeSeed>,
    /// SECURITY DEFINER functions that it owns.
    pub definer_functions: Vec<String>,
    /// Sessions that are open at the start.
    pub sessions: Vec<SessionSeed>,
}

/// Privileges on objects of one kind and schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeSeed {
    /// `SELECT`, `INSERT` … or `OWNER`.
    pub privilege: String,
    /// `table`, `schema`, `database` …
    pub kind: String,
    /// The schema; empty for what is in none.
    #[serde(default)]
    pub place: String,
    /// Its objects.
    pub objects: Vec<String>,
    /// WITH GRANT OPTION.
    #[serde(default)]
    pub grantable: bool,
}

/// One session and its client.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSeed {
    /// What the client calls itself.
    #[serde(default)]
    pub application: String,
    /// Its address.
    pub client: String,
    /// The first word of its newest statement.
    #[serde(default)]
    pub verb: Option<String>,
    /// Whether the client logs in again as soon as its session is ended.
    #[serde(default)]
    pub reconnects: bool,
    /// How long it had been open at the beginning; absent: it opens now.
    #[serde(default)]
    pub started: Option<Ago>,
    /// When its newest statement was; absent: when it was opened.
    #[serde(default)]
    pub last: Option<Ago>,
}

//! What one look into the server's catalogs brings: plain rows, and who can become whom.
//!
//! The network client and the simulator both end here; everything that judges stands on these rows alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A role's OID: it stays when the role is renamed, and a new role of an old name has another one.
pub type Oid = u32;

/// The grantee `PUBLIC` in access control lists.
pub const PUBLIC: Oid = 0;

/// The first version whose memberships carry INHERIT and SET options and are revoked by grantor.
const VERSION_16: i32 = 160_000;

/// Who estop is on the server, and what it may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Console {
    /// Its role.
    pub oid: Oid,
    /// `server_version_num`, such as 150018.
    pub version: i32,
    /// The database that it is connected to: table privileges of others cannot be seen.
    pub database: String,
    /// Whether it may terminate sessions of other roles (`pg_signal_backend`).
    pub signals: bool,
    /// Whether it sees when sessions of others began and what they do (`pg_read_all_stats`).
    pub sees_sessions: bool,
    /// Whether it may read the verifiers of passwords (`pg_authid`): superusers may, and whoever was granted that.
    pub reads_passwords: bool,
    /// The server's clock in microseconds since 1970, read after the memberships.
    pub clock_us: i64,
}

impl Console {
    /// Whether memberships have options of their own and are revoked by grantor.
    pub const fn is_16(&self) -> bool {
        self.version >= VERSION_16
    }
}

/// One row of `pg_roles`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the server's own flags, one column each")]
pub struct Role {
    /// Its OID.
    pub oid: Oid,
    /// Its name: a label that may change.
    pub name: String,
    /// SUPERUSER.
    pub superuser: bool,
    /// INHERIT: before version 16 it decides for all memberships of the role.
    pub inherit: bool,
    /// CREATEROLE.
    pub creates_roles: bool,
    /// CREATEDB.
    pub creates_dbs: bool,
    /// LOGIN: the gate.
    pub login: bool,
    /// REPLICATION.
    pub replication: bool,
    /// BYPASSRLS.
    pub bypass_rls: bool,
    /// CONNECTION LIMIT; -1: none.
    pub connection_limit: i32,
    /// VALID UNTIL in milliseconds since 1970; `None`: for ever. It ends the password only, not the role.
    pub valid_until_ms: Option<i64>,
    /// COMMENT ON ROLE.
    pub comment: Option<String>,
}

impl Role {
    /// Whether the server itself made it (`pg_read_all_data` and its kin).
    pub fn is_predefined(&self) -> bool {
        self.name.starts_with("pg_")
    }
}

/// One row of `pg_auth_members`: `member` was granted `role`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// What was granted.
    pub role: Oid,
    /// To whom.
    pub member: Oid,
    /// By whom; may be gone.
    pub grantor: Oid,
    /// WITH ADMIN OPTION.
    pub admin: bool,
    /// WITH INHERIT: the member has the privileges without asking.
    pub inherit: bool,
    /// WITH SET: the member may `SET ROLE`. Always so before version 16.
    pub set: bool,
}

/// All memberships, found from either end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edges {
    list: Vec<Edge>,
    by_role: BTreeMap<Oid, Vec<usize>>,
    by_member: BTreeMap<Oid, Vec<usize>>,
}

impl From<Vec<Edge>> for Edges {
    fn from(list: Vec<Edge>) -> Self {
        let mut edges = Self { list, ..Self::default() };
        for (index, edge) in edges.list.iter().enumerate() {
            edges.by_role.entry(edge.role).or_default().push(index);
            edges.by_member.entry(edge.member).or_default().push(index);
        }
        edges
    }
}

impl Edges {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Edge> {
        self.list.iter()
    }

    /// Who was granted the role.
    pub fn of_role(&self, role: Oid) -> impl Iterator<Item = &Edge> {
        self.by_role.get(&role).into_iter().flatten().map(|index| &self.list[*index])
    }

    /// What the member was granted.
    pub fn of_member(&self, member: Oid) -> impl Iterator<Item = &Edge> {
        self.by_member.get(&member).into_iter().flatten().map(|index| &self.list[*index])
    }

    /// The roles that are granted to anybody.
    pub fn roles(&self) -> impl Iterator<Item = Oid> {
        self.by_role.keys().copied()
    }
}

/// One row of `pg_stat_activity`, without the text of queries: it may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Session {
    /// Process id; reused by the system after the session's end.
    pub pid: i32,
    /// The role that logged in; `SET ROLE` does not show here.
    pub user: Oid,
    /// Which database.
    pub database: Option<String>,
    /// What the client calls itself.
    pub application: String,
    /// Address of the client.
    pub client: Option<String>,
    /// `client backend`, `walsender`, `logical replication worker` …
    pub backend: String,
    /// When it began, in microseconds since 1970; `None`: we may not see it.
    pub started_us: Option<i64>,
    /// `active`, `idle in transaction` …
    pub state: Option<String>,
    /// First word of its newest statement, such as `SELECT`.
    pub verb: Option<String>,
    /// When it last began or ended a statement, in milliseconds since 1970.
    pub changed_ms: Option<i64>,
}

impl Session {
    /// The process id with the beginning, so that a reused process id is another session.
    pub fn native(&self) -> String {
        self.started_us.map_or_else(|| self.pid.to_string(), |started| format!("{}.{started}", self.pid))
    }
}

/// Access control entries of one kind, place, grantee and privilege, counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Privilege {
    /// `table`, `column`, `sequence`, `schema`, `database`, `default`, `owned-table` …
    pub kind: String,
    /// The schema, or empty where there is none.
    pub place: String,
    /// `SELECT`, `INSERT` …; `OWNER` for what is owned.
    pub verb: String,
    /// Who has it.
    pub grantee: Oid,
    /// Who gave it.
    pub grantor: Oid,
    /// WITH GRANT OPTION.
    pub grantable: bool,
    /// On how many objects.
    pub count: i64,
    /// The first few of them.
    pub sample: Vec<String>,
}

/// What one identity has beyond roles and sessions, read by its OID.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belongings {
    /// Privileges of the role and of all it can become, and those that it gave away.
    pub privileges: Vec<Privilege>,
    /// SECURITY DEFINER functions that it owns and others may call.
    pub definer_functions: Vec<String>,
    /// Prepared transactions that it owns: they outlive its sessions.
    pub prepared: Vec<String>,
    /// Subscriptions that it owns: their workers act as it without a login.
    pub subscriptions: Vec<String>,
    /// Foreign servers for which it has a user mapping, often with a stored password.
    pub mappings: Vec<String>,
    /// Whether a password is set; `None`: that may not be seen.
    pub has_password: Option<bool>,
}

/// Roles, memberships, sessions, and who is looking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    /// Who is looking.
    pub console: Console,
    /// Every role.
    pub roles: BTreeMap<Oid, Role>,
    /// Every membership.
    pub edges: Edges,
    /// Every session of a role.
    pub sessions: Vec<Session>,
}

/// What a role can act as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The roles that it can become by `SET ROLE`, itself included: role attributes come this way only.
    pub settable: BTreeSet<Oid>,
    /// The roles whose privileges it has, by whichever way, itself included.
    pub effective: BTreeSet<Oid>,
}

impl Catalog {
    /// A role's name; where the role is gone, its OID.
    pub fn name(&self, oid: Oid) -> String {
        match self.roles.get(&oid) {
            Some(role) => role.name.clone(),
            None if oid == PUBLIC => "PUBLIC".to_owned(),
            None => format!("role {oid}"),
        }
    }

    /// What a role can act as: first along SET, then along INHERIT from each stop.
    pub fn reach(&self, role: Oid) -> Reach {
        let settable = closure([role], |from| self.edges.of_member(from).filter(|edge| edge.set).map(|edge| edge.role));
        let effective = closure(settable.iter().copied(), |from| self.inherited(from));
        Reach { settable, effective }
    }

    /// Who can become a role by `SET ROLE`, over any number of steps, without itself.
    pub fn can_become(&self, role: Oid) -> BTreeSet<Oid> {
        let mut members =
            closure([role], |from| self.edges.of_role(from).filter(|edge| edge.set).map(|edge| edge.member));
        members.remove(&role);
        members
    }

    fn inherited(&self, from: Oid) -> impl Iterator<Item = Oid> {
        self.edges.of_member(from).filter(|edge| edge.inherit).map(|edge| edge.role)
    }

    /// Whether the console is a superuser.
    pub fn is_superuser(&self) -> bool {
        self.roles.get(&self.console.oid).is_some_and(|role| role.superuser)
    }

    /// Whether the console has the privileges of a role without asking.
    pub fn console_inherits(&self, role: Oid) -> bool {
        closure([self.console.oid], |from| self.inherited(from)).contains(&role)
    }

    /// Whether the console has ADMIN OPTION on a role, itself or by what it inherits.
    pub fn console_administers(&self, role: Oid) -> bool {
        self.edges.of_role(role).any(|edge| edge.admin && self.console_inherits(edge.member))
    }

    /// Sessions of a role that a step can end: workers of a session go with their leader and are not listed.
    pub fn sessions_of(&self, role: Oid) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(move |session| session.user == role)
    }
}

/// Everything that can be come to from the starts.
fn closure<I: Iterator<Item = Oid>>(starts: impl IntoIterator<Item = Oid>, next: impl Fn(Oid) -> I) -> BTreeSet<Oid> {
    let mut seen: BTreeSet<Oid> = starts.into_iter().collect();
    let mut open: Vec<Oid> = seen.iter().copied().collect();
    while let Some(at) = open.pop() {
        for to in next(at) {
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A role that can log in.
    pub fn role(oid: Oid, name: &str) -> Role {
        Role { oid, name: name.to_owned(), login: true, inherit: true, connection_limit: -1, ..Role::default() }
    }

    /// A membership as versions before 16 have it.
    pub fn edge(role: Oid, member: Oid) -> Edge {
        Edge { role, member, grantor: 10, admin: false, inherit: true, set: true }
    }

    fn catalog(edges: Vec<Edge>) -> Catalog {
        Catalog { edges: edges.into(), ..Catalog::default() }
    }

    #[test]
    fn set_comes_before_inherit() {
        let inherit_only = Edge { set: false, ..edge(2, 1) };
        let set_only = Edge { inherit: false, ..edge(3, 2) };
        let reach = catalog(vec![inherit_only, set_only]).reach(1);
        assert_eq!(reach.settable, BTreeSet::from([1]));
        assert_eq!(reach.effective, BTreeSet::from([1, 2]), "privileges of 2, but never those of 3");
    }

    #[test]
    fn chains_and_rings_end() {
        let catalog = catalog(vec![edge(2, 1), edge(3, 2), edge(1, 3)]);
        assert_eq!(catalog.reach(1).effective, BTreeSet::from([1, 2, 3]));
        assert_eq!(catalog.can_become(3), BTreeSet::from([1, 2]));
    }

    #[test]
    fn a_reused_process_id_is_another_session() {
        let session = |started| Session { pid: 7, started_us: started, ..Session::default() };
        assert_ne!(session(Some(1)).native(), session(Some(2)).native());
        assert_eq!(session(None).native(), "7");
    }
}

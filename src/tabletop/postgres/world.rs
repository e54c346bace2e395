//! The simulated server's truth: roles, memberships, sessions, and the clients at their other ends.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::seed::{RoleSeed, SessionSeed, WorldSeed};
use crate::{
    domain::AnswerKind,
    providers::postgres::{
        catalog::{Belongings, Catalog, Console, Edge, Oid, Privilege, Role, Session},
        command::Command,
        permission,
    },
    tabletop::fleet::Ago,
};

/// The first OID of a role that a user makes.
const FIRST_OID: Oid = 16_384;
/// The role that made the server.
const BOOTSTRAP: Oid = 10;
/// The server's own roles that a scenario may name.
const PREDEFINED: &[(Oid, &str)] = &[
    (3373, "pg_monitor"),
    (3375, "pg_read_all_stats"),
    (4200, "pg_signal_backend"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
];

/// Why the server refuses a client, in its own words' meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody answers.
    #[error("the server does not answer")]
    Down,
    /// No such role.
    #[error("no such role")]
    NoRole,
    /// NOLOGIN.
    #[error("the role is not permitted to log in")]
    NoLogin,
    /// No password is set, or it is wrong.
    #[error("password authentication failed")]
    Password,
    /// The session has been ended.
    #[error("the session has been terminated")]
    Terminated,
    /// It is not a member.
    #[error("permission denied to set role")]
    NotAMember,
}

/// A session with what no view of the server shows.
#[derive(Debug, Clone)]
struct Open {
    session: Session,
    /// As whom it acts now.
    acts_as: Oid,
    reconnects: bool,
}

/// See the module. Not shared by itself: wrap it into `Arc<Mutex<_>>`.
#[derive(Debug, Clone)]
pub struct World {
    version: i32,
    database: String,
    console: Oid,
    roles: BTreeMap<Oid, Role>,
    passwords: BTreeMap<Oid, bool>,
    edges: Vec<Edge>,
    privileges: Vec<Privilege>,
    definer_functions: Vec<(Oid, String)>,
    open: BTreeMap<i32, Open>,
    next_pid: i32,
    down: bool,
    lose_answers: u32,
}

impl World {
    /// The world of a seed, at the given microsecond since 1970. Names that are not there are left out:
    /// [`World::unknown`] tells them.
    pub fn new(seed: &WorldSeed, now_us: i64) -> Self {
        let mut world = Self {
            version: seed.version,
            database: seed.database.clone(),
            console: 0,
            roles: BTreeMap::new(),
            passwords: BTreeMap::new(),
            edges: Vec::new(),
            privileges: Vec::new(),
            definer_functions: Vec::new(),
            open: BTreeMap::new(),
            next_pid: 4000,
            down: false,
            lose_answers: 0,
        };
        for (oid, name) in PREDEFINED {
            world.add(*oid, &RoleSeed { name: (*name).to_owned(), ..RoleSeed::default() });
        }
        world
            .add(BOOTSTRAP, &RoleSeed { name: "postgres".into(), login: true, superuser: true, ..RoleSeed::default() });
        for (oid, role) in (FIRST_OID..).zip(&seed.roles) {
            world.add(oid, role);
        }
        for (oid, role) in (FIRST_OID..).zip(&seed.roles) {
            world.belong(oid, role, now_us);
        }
        world.console = world.oid(&seed.console).unwrap_or_default();
        world
    }

    /// The first name in a seed that no role of it has.
    pub fn unknown(seed: &WorldSeed) -> Option<&str> {
        let known = |name: &str| {
            name == "postgres"
                || PREDEFINED.iter().any(|(_, known)| *known == name)
                || seed.roles.iter().any(|role| role.name == name)
        };
        let named = seed.roles.iter().flat_map(|role| role.member_of.iter().chain(&role.admin_of));
        named.chain(std::iter::once(&seed.console)).map(String::as_str).find(|name| !known(name))
    }

    /// The OID of a role.
    pub fn oid(&self, name: &str) -> Option<u32> {
        self.roles.values().find(|role| role.name == name).map(|role| role.oid)
    }

    /// A client logs in with the role's right password.
    ///
    /// # Errors
    /// [`Denied`], as the server would.
    pub fn log_in(&mut self, role: &str, client: &SessionSeed, now_us: i64) -> Result<i32, Denied> {
        let oid = self.oid(role);
        match oid.and_then(|oid| self.roles.get(&oid)) {
            _ if self.down => Err(Denied::Down),
            None => Err(Denied::NoRole),
            // The real server checks the password first.
            Some(role) if self.passwords.get(&role.oid) != Some(&true) => Err(Denied::Password),
            Some(role) if !role.login => Err(Denied::NoLogin),
            Some(role) => Ok(self.connect(role.oid, client, now_us)),
        }
    }

    /// A session runs `SET ROLE`.
    ///
    /// # Errors
    /// [`Denied`], where it is over or not a member.
    pub fn set_role(&mut self, pid: i32, role: &str) -> Result<(), Denied> {
        let target = self.oid(role).ok_or(Denied::NoRole)?;
        let user = self.open.get(&pid).ok_or(Denied::Terminated)?.session.user;
        let superuser = self.roles.get(&user).is_some_and(|role| role.superuser);
        if !superuser && !self.catalog(0).reach(user).settable.contains(&target) {
            return Err(Denied::NotAMember);
        }
        self.open.get_mut(&pid).ok_or(Denied::Terminated)?.acts_as = target;
        Ok(())
    }

    /// A session runs a statement, and hears as whom.
    ///
    /// # Errors
    /// [`Denied`], where it is over or nobody answers.
    pub fn query(&mut self, pid: i32, verb: &str, now_us: i64) -> Result<String, Denied> {
        if self.down {
            return Err(Denied::Down);
        }
        let open = self.open.get_mut(&pid).ok_or(Denied::Terminated)?;
        open.session.verb = Some(verb.to_owned());
        open.session.changed_ms = Some(now_us.div_euclid(1000));
        Ok(self.roles.get(&open.acts_as).map(|role| role.name.clone()).unwrap_or_default())
    }

    /// `GRANT role TO member`, as the one who made the server.
    pub fn grant(&mut self, role: &str, member: &str) {
        if let (Some(role), Some(member)) = (self.oid(role), self.oid(member)) {
            self.edges.push(Edge { role, member, grantor: BOOTSTRAP, admin: false, inherit: true, set: true });
        }
    }

    /// `DROP ROLE`: its open sessions stay, as on the real server.
    pub fn drop_role(&mut self, name: &str) {
        if let Some(oid) = self.oid(name) {
            self.roles.remove(&oid);
            self.passwords.remove(&oid);
            self.edges.retain(|edge| edge.role != oid && edge.member != oid);
        }
    }

    /// A client hangs up.
    pub fn hang_up(&mut self, pid: i32) {
        self.open.remove(&pid);
    }

    /// The server stops answering, or answers again.
    pub fn set_down(&mut self, down: bool) {
        self.down = down;
    }

    /// Whether nobody answers.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// The next so many mutations are done, but their answers are lost.
    pub fn lose_answers(&mut self, count: u32) {
        self.lose_answers = count;
    }

    fn add(&mut self, oid: Oid, seed: &RoleSeed) {
        let role = Role {
            oid,
            name: seed.name.clone(),
            superuser: seed.superuser,
            inherit: true,
            creates_roles: seed.create_role,
            login: seed.login,
            replication: seed.replication,
            connection_limit: -1,
            comment: seed.comment.clone(),
            ..Role::default()
        };
        self.passwords.insert(oid, seed.login);
        self.roles.insert(oid, role);
    }

    fn belong(&mut self, oid: Oid, seed: &RoleSeed, now_us: i64) {
        for (names, admin) in [(&seed.member_of, false), (&seed.admin_of, true)] {
            let roles: Vec<Oid> = names.iter().filter_map(|name| self.oid(name)).collect();
            for role in roles {
                self.edges.push(Edge { role, member: oid, grantor: BOOTSTRAP, admin, inherit: true, set: true });
            }
        }
        self.privileges.extend(seed.privileges.iter().map(|privilege| Privilege {
            kind: privilege.kind.clone(),
            place: privilege.place.clone(),
            verb: privilege.privilege.clone(),
            grantee: oid,
            grantor: BOOTSTRAP,
            grantable: privilege.grantable,
            count: i64::try_from(privilege.objects.len()).unwrap_or(i64::MAX),
            sample: privilege.objects.iter().take(3).cloned().collect(),
        }));
        self.definer_functions.extend(seed.definer_functions.iter().map(|name| (oid, name.clone())));
        for session in &seed.sessions {
            self.connect(oid, session, now_us);
        }
    }

    fn connect(&mut self, user: Oid, client: &SessionSeed, now_us: i64) -> i32 {
        let pid = self.next_pid;
        self.next_pid += 1;
        let started = ago(client.started, now_us);
        let last = client.last.map_or(started, |last| ago(Some(last), now_us));
        let session = Session {
            pid,
            user,
            database: Some(self.database.clone()),
            application: client.application.clone(),
            client: Some(client.client.clone()),
            backend: "client backend".to_owned(),
            started_us: Some(started),
            state: Some("idle".to_owned()),
            verb: client.verb.clone(),
            changed_ms: Some(last.div_euclid(1000)),
        };
        self.open.insert(pid, Open { session, acts_as: user, reconnects: client.reconnects });
        pid
    }
}

fn ago(age: Option<Ago>, now_us: i64) -> i64 {
    let now = Timestamp::from_microsecond(now_us).unwrap_or_default();
    age.map_or(now_us, |age| age.before(now).as_microsecond())
}

/// What the provider's side of the simulation sees and does.
impl World {
    pub(super) fn catalog(&self, clock_us: i64) -> Catalog {
        let mut catalog = Catalog {
            console: Console {
                oid: self.console,
                version: self.version,
                database: self.database.clone(),
                clock_us,
                ..Console::default()
            },
            roles: self.roles.clone(),
            edges: self.edges.clone().into(),
            sessions: self.open.values().map(|open| open.session.clone()).collect(),
        };
        let has =
            |name: &str| self.oid(name).is_some_and(|role| catalog.console_inherits(role)) || catalog.is_superuser();
        let (signals, sees_sessions) = (has("pg_signal_backend"), has("pg_read_all_stats") || has("pg_monitor"));
        catalog.console.signals = signals;
        catalog.console.sees_sessions = sees_sessions;
        catalog
    }

    pub(super) fn belongings(&self, role: Oid) -> Belongings {
        let catalog = self.catalog(0);
        let reach = catalog.reach(role).effective;
        let of_role = |list: &[(Oid, String)]| {
            list.iter().filter(|(owner, _)| *owner == role).map(|(_, name)| name.clone()).collect()
        };
        Belongings {
            privileges: self.privileges.iter().filter(|row| reach.contains(&row.grantee)).cloned().collect(),
            definer_functions: of_role(&self.definer_functions),
            has_password: self.passwords.get(&role).copied().filter(|_| catalog.is_superuser()),
            ..Belongings::default()
        }
    }

    /// Does what the real server would, under the same rules of permission.
    pub(super) fn apply(&mut self, command: &Command, now_us: i64) -> (AnswerKind, &'static str) {
        if self.down {
            return (AnswerKind::Unreachable, "");
        }
        if let Some(permission) = self.missing(command) {
            return (AnswerKind::Refused { permission: Some(permission) }, "42501");
        }
        let done = match command {
            Command::DisableLogin { role } => self.roles.get_mut(role).map(|role| role.login = false).is_some(),
            Command::ClearPassword { role } => self.passwords.get_mut(role).map(|has| *has = false).is_some(),
            Command::Terminate { role, pid, started_us } => self.terminate(*role, *pid, *started_us, now_us),
            Command::Revoke { edge, .. } => self.revoke(edge),
            Command::EnableLogin { role } => self.roles.get_mut(role).map(|role| role.login = true).is_some(),
            Command::Grant { edge, by_grantor, .. } => self.grant_again(edge, *by_grantor),
        };
        if self.lose_answers > 0 {
            self.lose_answers -= 1;
            return (AnswerKind::Unknown, "");
        }
        if done { (AnswerKind::Accepted, "00000") } else { (AnswerKind::Gone, "00000") }
    }

    fn missing(&self, command: &Command) -> Option<String> {
        let catalog = self.catalog(0);
        match command {
            Command::DisableLogin { role } | Command::ClearPassword { role } | Command::EnableLogin { role } => {
                permission::missing_for_alter(&catalog, self.roles.get(role)?)
            }
            Command::Terminate { role, .. } => permission::missing_for_terminate(&catalog, *role),
            Command::Revoke { edge, .. } => permission::missing_for_revoke(&catalog, edge),
            Command::Grant { edge, by_grantor: true, .. } if !permission::may_name_grantor(&catalog, edge) => {
                Some("SUPERUSER".to_owned())
            }
            Command::Grant { edge, .. } => permission::missing_for_grant(&catalog, edge),
        }
    }

    /// A client that wants back in tries at once: it comes in if the login is still open.
    fn terminate(&mut self, role: Oid, pid: i32, started_us: Option<i64>, now_us: i64) -> bool {
        let is_it =
            |open: &Open| open.session.user == role && (started_us.is_none() || open.session.started_us == started_us);
        if !self.open.get(&pid).is_some_and(is_it) {
            return false;
        }
        if let Some(ended) = self.open.remove(&pid)
            && ended.reconnects
            && self.roles.get(&role).is_some_and(|role| role.login)
        {
            let client = SessionSeed {
                application: ended.session.application,
                client: ended.session.client.unwrap_or_default(),
                verb: ended.session.verb,
                reconnects: true,
                ..SessionSeed::default()
            };
            self.connect(role, &client, now_us);
        }
        true
    }

    /// A membership that is there gets the options that are asked for and loses none; its grantor stays. Without a
    /// grantor's name the console is it.
    fn grant_again(&mut self, edge: &Edge, by_grantor: bool) -> bool {
        if !self.roles.contains_key(&edge.role) || !self.roles.contains_key(&edge.member) {
            return false;
        }
        let is_16 = self.version >= 160_000;
        let grantor = if by_grantor { edge.grantor } else { self.console };
        let same = |other: &Edge| {
            (other.role, other.member) == (edge.role, edge.member) && (!is_16 || other.grantor == grantor)
        };
        match self.edges.iter_mut().find(|other| same(other)) {
            Some(known) => known.admin |= edge.admin,
            None => self.edges.push(Edge { grantor, ..edge.clone() }),
        }
        true
    }

    fn revoke(&mut self, edge: &Edge) -> bool {
        let before = self.edges.len();
        self.edges.retain(|other| (other.role, other.member, other.grantor) != (edge.role, edge.member, edge.grantor));
        self.edges.len() < before
    }
}

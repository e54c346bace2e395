//! Who could become a role, and until when.
//!
//! A session that ran `SET ROLE` keeps that identity after the membership is revoked, and no view shows it. So every
//! session of a former member that began before the membership was seen gone stays under suspicion until it ends.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::catalog::{Catalog, Oid, Session};

/// Of each role: who could become it; `Some`: no longer, as the server's clock said in microseconds when that was
/// first seen.
pub type Members = BTreeMap<Oid, Option<i64>>;

/// See the module. It lives as long as the process; what it starts from after that is in the identity's hints.
#[derive(Debug, Default)]
pub struct Memory {
    roles: Mutex<BTreeMap<Oid, Members>>,
}

impl Memory {
    /// Takes in what a listing shows of every role: who loses a membership before the role is first looked at is known
    /// all the same.
    pub fn observe(&self, catalog: &Catalog) {
        for role in catalog.edges.roles() {
            self.members(catalog, role, None);
        }
    }

    /// Takes in what was read now and what was known before (`OID,OID`), and says which members count.
    pub fn members(&self, catalog: &Catalog, role: Oid, before: Option<&str>) -> Members {
        let now = catalog.can_become(role);
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let known = roles.entry(role).or_default();
        for member in before.unwrap_or_default().split(',').filter_map(|oid| oid.parse().ok()) {
            known.entry(member).or_insert(None);
        }
        for (member, until) in known.iter_mut().filter(|(member, _)| !now.contains(member)) {
            debug_assert_ne!(*member, role, "nobody is a member of itself");
            until.get_or_insert(catalog.console.clock_us);
        }
        known.extend(now.into_iter().map(|member| (member, None)));
        known.clone()
    }
}

/// Sessions of others that may be acting as the role. Superusers may always, and the console is ours.
pub fn suspects<'a>(catalog: &'a Catalog, members: &'a Members) -> impl Iterator<Item = &'a Session> {
    catalog.sessions.iter().filter(|session| {
        let exempt =
            session.user == catalog.console.oid || catalog.roles.get(&session.user).is_some_and(|role| role.superuser);
        !exempt
            && members.get(&session.user).is_some_and(|until| match (until, session.started_us) {
                (Some(until), Some(started)) => started <= *until,
                _ => true,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{
        Console, Edge,
        tests::{edge, role},
    };
    use super::*;

    const BOT: Oid = 1;
    const ALICE: Oid = 2;

    fn catalog(edges: Vec<Edge>, clock_us: i64, started: &[i64]) -> Catalog {
        let session =
            |&started: &i64| Session { pid: 100, user: ALICE, started_us: Some(started), ..Session::default() };
        Catalog {
            console: Console { oid: 9, clock_us, ..Console::default() },
            roles: [role(BOT, "bot"), role(ALICE, "alice")].map(|role| (role.oid, role)).into(),
            edges: edges.into(),
            sessions: started.iter().map(session).collect(),
        }
    }

    fn suspected(memory: &Memory, catalog: &Catalog, before: Option<&str>) -> Vec<Option<i64>> {
        let members = memory.members(catalog, BOT, before);
        suspects(catalog, &members).map(|session| session.started_us).collect()
    }

    #[test]
    fn a_session_from_before_the_revocation_stays_under_suspicion() {
        let memory = Memory::default();
        assert_eq!(suspected(&memory, &catalog(vec![edge(BOT, ALICE)], 10, &[5]), None), [Some(5)]);
        assert_eq!(suspected(&memory, &catalog(vec![], 20, &[5, 15, 25]), None), [Some(5), Some(15)]);
        assert_eq!(suspected(&memory, &catalog(vec![], 30, &[5, 25]), None), [Some(5)], "the bound does not move");
        assert!(suspected(&memory, &catalog(vec![], 40, &[]), None).is_empty(), "it ends with the session");
        assert_eq!(suspected(&memory, &catalog(vec![edge(BOT, ALICE)], 50, &[45]), None), [Some(45)], "granted again");
    }

    #[test]
    fn another_process_goes_on_from_the_hint() {
        assert_eq!(suspected(&Memory::default(), &catalog(vec![], 20, &[5, 25]), Some("2,7,x")), [Some(5)]);
        assert!(suspected(&Memory::default(), &catalog(vec![], 20, &[5]), None).is_empty(), "a stranger's session");
    }

    #[test]
    fn superusers_are_no_suspects() {
        let mut catalog = catalog(vec![edge(BOT, ALICE)], 10, &[5]);
        catalog.roles.get_mut(&ALICE).expect("she is there").superuser = true;
        assert!(suspected(&Memory::default(), &catalog, None).is_empty());
    }
}

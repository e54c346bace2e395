//! What the console may do to one role, and what it lacks: the server's rules, as
//! <https://www.postgresql.org/docs/15/sql-alterrole.html> and the same page of version 16 have them.

use super::catalog::{Catalog, Edge, Oid, Role};

/// The role that `initdb` makes; memberships that a CREATE ROLE makes by itself are granted by it.
const BOOTSTRAP: Oid = 10;

/// What is missing for `ALTER ROLE`; `None`: nothing.
pub fn missing_for_alter(catalog: &Catalog, role: &Role) -> Option<String> {
    if catalog.is_superuser() {
        return None;
    }
    let console = &catalog.console;
    if role.superuser || (role.replication && !console.is_16()) {
        return Some("SUPERUSER".to_owned());
    }
    if !creates_roles(catalog) {
        return Some("CREATEROLE".to_owned());
    }
    let administers = !console.is_16() || catalog.console_administers(role.oid);
    (!administers).then(|| format!("ADMIN OPTION on role {}", role.name))
}

/// What is missing for `pg_terminate_backend`; `None`: nothing.
pub fn missing_for_terminate(catalog: &Catalog, role: Oid) -> Option<String> {
    if catalog.is_superuser() {
        return None;
    }
    if catalog.roles.get(&role).is_some_and(|role| role.superuser) {
        return Some("SUPERUSER".to_owned());
    }
    let may = catalog.console.signals || catalog.console_inherits(role);
    (!may).then(|| "pg_signal_backend".to_owned())
}

/// What is missing for `REVOKE`; `None`: nothing.
pub fn missing_for_revoke(catalog: &Catalog, edge: &Edge) -> Option<String> {
    if catalog.is_superuser() {
        return None;
    }
    if catalog.roles.get(&edge.role).is_some_and(|role| role.superuser) {
        return Some("SUPERUSER".to_owned());
    }
    if catalog.console.is_16() {
        let may = catalog.console_inherits(edge.grantor);
        return (!may).then(|| format!("privileges of role {}, who granted it", catalog.name(edge.grantor)));
    }
    let may = creates_roles(catalog) || catalog.console_administers(edge.role);
    (!may).then(|| format!("ADMIN OPTION on role {}", catalog.name(edge.role)))
}

/// What is missing for `GRANT`, of a membership that was revoked; `None`: nothing.
pub fn missing_for_grant(catalog: &Catalog, edge: &Edge) -> Option<String> {
    if catalog.is_superuser() || !catalog.console.is_16() {
        return missing_for_revoke(catalog, edge);
    }
    if catalog.roles.get(&edge.role).is_some_and(|role| role.superuser) {
        return Some("SUPERUSER".to_owned());
    }
    let may = catalog.console_administers(edge.role);
    (!may).then(|| format!("ADMIN OPTION on role {}", catalog.name(edge.role)))
}

/// Whether a `GRANT` may name this grantor: before version 16 superusers only, from then on whoever has the grantor's
/// privileges. (15.18: `ERROR: must be superuser to set grantor`.)
pub fn may_name_grantor(catalog: &Catalog, edge: &Edge) -> bool {
    catalog.is_superuser() || (catalog.console.is_16() && catalog.console_inherits(edge.grantor))
}

/// What falls, by CASCADE, with a membership that is revoked: what its member granted on by it. In the order in which
/// it can be granted again.
pub fn falling(catalog: &Catalog, edge: &Edge) -> Vec<Edge> {
    let mut fallen = Vec::new();
    if !catalog.console.is_16() {
        return fallen;
    }
    let mut edges: Vec<Edge> = catalog.edges.of_role(edge.role).filter(|other| *other != edge).cloned().collect();
    let mut lost = vec![edge.member];
    while let Some(grantor) = lost.pop() {
        // A grantor who still has it from somebody else keeps what it granted.
        if !edges.iter().any(|other| other.member == grantor && other.admin) {
            let (gone, kept): (Vec<Edge>, Vec<Edge>) = edges.into_iter().partition(|other| other.grantor == grantor);
            edges = kept;
            lost.extend(gone.iter().map(|other| other.member));
            fallen.extend(gone);
        }
    }
    fallen
}

/// Whether revoking the membership would take away, by CASCADE, what the console itself administers the role by.
pub fn takes_own_admin(catalog: &Catalog, edge: &Edge) -> bool {
    if catalog.is_superuser() || !catalog.console_administers(edge.role) {
        return false;
    }
    let fallen = falling(catalog, edge);
    let stays = |other: &&Edge| *other != edge && !fallen.contains(other);
    let edges: Vec<Edge> = catalog.edges.iter().filter(stays).cloned().collect();
    let after = Catalog { console: catalog.console.clone(), edges: edges.into(), ..Catalog::default() };
    !after.console_administers(edge.role)
}

/// Whether a member is one who administers the role anyway: a superuser, the console itself, or (from version 16) the
/// one who made it and can neither use nor inherit it. The bot cannot make such a membership.
pub fn is_administrator(catalog: &Catalog, edge: &Edge) -> bool {
    edge.member == catalog.console.oid
        || catalog.roles.get(&edge.member).is_some_and(|role| role.superuser)
        || (catalog.console.is_16() && edge.admin && !edge.set && !edge.inherit && edge.grantor == BOOTSTRAP)
}

/// Whether a membership that the console cannot revoke itself goes with its grantor's, by CASCADE: every membership
/// by which the grantor may grant is one that the console revokes.
pub fn falls_with_its_grantor(catalog: &Catalog, edge: &Edge) -> bool {
    catalog.console.is_16() && falls(catalog, edge, &mut vec![edge.member])
}

fn falls(catalog: &Catalog, edge: &Edge, seen: &mut Vec<Oid>) -> bool {
    if seen.contains(&edge.grantor) {
        return false;
    }
    seen.push(edge.grantor);
    let mut by: Vec<&Edge> = catalog.edges.of_role(edge.role).filter(|e| e.admin && e.member == edge.grantor).collect();
    by.retain(|e| !(is_revoked(catalog, e) || falls(catalog, e, seen)));
    by.is_empty() && catalog.edges.of_role(edge.role).any(|e| e.admin && e.member == edge.grantor)
}

/// Whether a strike revokes it.
fn is_revoked(catalog: &Catalog, edge: &Edge) -> bool {
    !is_administrator(catalog, edge) && missing_for_revoke(catalog, edge).is_none() && !takes_own_admin(catalog, edge)
}

fn creates_roles(catalog: &Catalog) -> bool {
    catalog.roles.get(&catalog.console.oid).is_some_and(|role| role.creates_roles)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{
        Console,
        tests::{edge, role},
    };
    use super::*;

    const BOT: Oid = 1;
    const ALICE: Oid = 2;
    const ESTOP: Oid = 9;

    fn catalog(version: i32, edges: Vec<Edge>) -> Catalog {
        let estop = Role { creates_roles: true, ..role(ESTOP, "estop") };
        let roles = [role(BOT, "bot"), role(ALICE, "alice"), estop];
        Catalog {
            console: Console { oid: ESTOP, version, signals: true, sees_sessions: true, ..Console::default() },
            roles: roles.into_iter().map(|role| (role.oid, role)).collect(),
            edges: edges.into(),
            sessions: Vec::new(),
        }
    }

    fn admin(member: Oid, grantor: Oid) -> Edge {
        Edge { admin: true, grantor, ..edge(BOT, member) }
    }

    #[test]
    fn altering_a_role_wants_more_from_version_16_on() {
        let alter = |catalog: &Catalog| missing_for_alter(catalog, &catalog.roles[&BOT]);
        assert_eq!(alter(&catalog(150_018, vec![])), None);
        assert_eq!(alter(&catalog(160_001, vec![])).as_deref(), Some("ADMIN OPTION on role bot"));
        assert_eq!(alter(&catalog(160_001, vec![admin(ESTOP, 10)])), None);
        let mut superuser_bot = catalog(150_018, vec![]);
        superuser_bot.roles.get_mut(&BOT).expect("it is there").superuser = true;
        assert_eq!(alter(&superuser_bot).as_deref(), Some("SUPERUSER"));
        assert_eq!(missing_for_terminate(&superuser_bot, BOT).as_deref(), Some("SUPERUSER"));
    }

    #[test]
    fn a_membership_is_revoked_as_its_grantor_from_version_16_on() {
        let member = edge(BOT, ALICE);
        assert_eq!(missing_for_revoke(&catalog(150_018, vec![member.clone()]), &member), None);
        let missing = missing_for_revoke(&catalog(160_001, vec![member.clone()]), &member);
        assert_eq!(missing.as_deref(), Some("privileges of role role 10, who granted it"));
        let own = Edge { grantor: ESTOP, ..member };
        assert_eq!(missing_for_revoke(&catalog(160_001, vec![own.clone()]), &own), None);
    }

    #[test]
    fn what_estop_administers_by_is_not_cut_from_under_it() {
        let (alice, estop) = (admin(ALICE, 10), admin(ESTOP, ALICE));
        assert!(takes_own_admin(&catalog(160_001, vec![alice.clone(), estop.clone()]), &alice));
        let own = admin(ESTOP, 10);
        assert!(!takes_own_admin(&catalog(160_001, vec![alice.clone(), own]), &alice));
        assert!(!takes_own_admin(&catalog(150_018, vec![alice.clone(), estop]), &alice), "no cascade before 16");
    }

    #[test]
    fn an_accomplice_with_admin_option_is_no_administrator() {
        let accomplice = Edge { set: false, inherit: false, ..admin(ALICE, BOT) };
        assert!(!is_administrator(&catalog(160_001, vec![]), &accomplice));
        let maker = Edge { set: false, inherit: false, ..admin(ALICE, 10) };
        assert!(is_administrator(&catalog(160_001, vec![]), &maker));
        assert!(!is_administrator(&catalog(150_018, vec![]), &admin(ALICE, 10)), "before 16 it can SET ROLE");
    }

    #[test]
    fn what_a_cut_member_granted_on_falls_with_it() {
        const CARL: Oid = 3;
        let by_alice = Edge { grantor: ALICE, ..edge(BOT, CARL) };
        let falls = |alice: Edge| falls_with_its_grantor(&catalog(160_001, vec![alice, by_alice.clone()]), &by_alice);
        assert!(falls(admin(ALICE, ESTOP)), "estop revokes what it granted");
        assert!(!falls(admin(ALICE, 10)), "a superuser's grant is out of its reach, and so is what hangs on it");
        assert!(!falls(Edge { grantor: ESTOP, ..edge(BOT, ALICE) }), "not by that one: alice could not grant by it");
        let ring = catalog(160_001, vec![admin(ALICE, CARL), admin(CARL, ALICE)]);
        assert!(!falls_with_its_grantor(&ring, &admin(ALICE, CARL)), "a ring ends");
    }
}

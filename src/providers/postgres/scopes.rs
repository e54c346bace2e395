//! What a role may do, effectively: attributes, predefined roles, access control lists, ownership, along every chain
//! of memberships. Counted by schema, never table by table.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Level, Scope, Untrusted};

use super::catalog::{Belongings, Catalog, Oid, PUBLIC, Privilege, Reach, Role};

/// Scopes of one holding that are kept: beyond it the least alarming are counted in one.
const MOST: usize = 60;

/// What the server's own roles allow: <https://www.postgresql.org/docs/15/predefined-roles.html>.
/// Name, on what, how far, and whether it leads to new roles (by way of the server's operating system).
const PREDEFINED: &[(&str, &str, Level, bool)] = &[
    ("pg_execute_server_program", "the server's operating system", Level::Admin, true),
    ("pg_write_server_files", "files of the server", Level::Admin, true),
    ("pg_read_server_files", "files of the server", Level::Export, false),
    ("pg_read_all_data", "every table of every database", Level::Export, false),
    ("pg_write_all_data", "every table of every database", Level::Write, false),
    ("pg_create_subscription", "subscriptions", Level::Admin, false),
    ("pg_signal_backend", "sessions of other roles", Level::Write, false),
    ("pg_maintain", "every table of every database", Level::Write, false),
    ("pg_checkpoint", "the server", Level::Write, false),
    ("pg_monitor", "statistics and settings of the server", Level::Read, false),
    ("pg_read_all_settings", "settings of the server", Level::Read, false),
    ("pg_read_all_stats", "statistics of the server", Level::Read, false),
    ("pg_stat_scan_tables", "statistics of the server", Level::Read, false),
];

/// Everything that a role may do; `of` is whose reach counts: the role's own, or that of one role it is a member of.
pub fn scopes(catalog: &Catalog, bot: Oid, of: &Reach, belongings: &Belongings) -> Vec<Scope> {
    let mut found = Vec::new();
    for role in of.settable.iter().filter_map(|oid| catalog.roles.get(oid)) {
        found.extend(attributes(role, via(catalog, bot, role.oid).as_deref()));
    }
    for role in of.effective.iter().filter_map(|oid| catalog.roles.get(oid)) {
        if let Some((name, on, level, mint)) = PREDEFINED.iter().find(|(name, ..)| *name == role.name) {
            found.push(scope(*on, *name, *level, *mint, via(catalog, bot, role.oid)));
        }
    }
    for edge in catalog.edges.iter().filter(|edge| edge.admin && of.effective.contains(&edge.member)) {
        let resource = format!("role {}", catalog.name(edge.role));
        found.push(scope(resource, "ADMIN OPTION", Level::Admin, true, via(catalog, bot, edge.member)));
    }
    for (privilege, count, sample) in counted(&belongings.privileges, &of.effective) {
        found.push(privilege_scope(privilege, count, &sample, via(catalog, bot, privilege.grantee)));
    }
    if of.settable.contains(&bot) {
        found.extend(belongings.mappings.iter().map(|server| {
            scope(format!("foreign server {server}"), "user mapping with a stored login", Level::Write, false, None)
        }));
    }
    found.sort_by(|a, b| (b.mint, b.level).cmp(&(a.mint, a.level)).then_with(|| a.cmp(b)));
    found.dedup();
    shortened(found)
}

/// One line that stands for all of them, where the whole list is elsewhere.
pub fn acting_as(name: &str, scopes: &[Scope]) -> Scope {
    let level = scopes.iter().map(|scope| scope.level).max().unwrap_or_default();
    scope(format!("role {name}"), "acts as it", level, scopes.iter().any(|scope| scope.mint), None)
}

/// Whether what it makes can work without it and no catalog tells what it made: new roles, or programs of the
/// server's own operating system.
pub fn makes_roles(catalog: &Catalog, reach: &Reach) -> bool {
    let roles =
        |oids: &BTreeSet<Oid>, test: fn(&Role) -> bool| oids.iter().filter_map(|oid| catalog.roles.get(oid)).any(test);
    roles(&reach.settable, |role| role.superuser || role.creates_roles)
        || roles(&reach.effective, |role| PREDEFINED.iter().any(|(name, _, _, mint)| *mint && *name == role.name))
}

/// Whether a membership gives more than table privileges: the whole server's data, or the power over roles.
pub fn is_dangerous(catalog: &Catalog, role: Oid) -> bool {
    let reach = catalog.reach(role);
    makes_roles(catalog, &reach)
        || reach.settable.iter().filter_map(|oid| catalog.roles.get(oid)).any(|r| r.replication || r.bypass_rls)
        || reach
            .effective
            .iter()
            .filter_map(|oid| catalog.roles.get(oid))
            .any(|role| PREDEFINED.iter().any(|(name, _, level, _)| *level > Level::Read && *name == role.name))
}

fn attributes(role: &Role, via: Option<&str>) -> Vec<Scope> {
    [
        (role.superuser, "the server", "SUPERUSER", Level::Admin, true),
        (role.creates_roles, "roles", "CREATEROLE", Level::Admin, true),
        (role.replication, "every database", "REPLICATION", Level::Export, false),
        (role.bypass_rls, "row security", "BYPASSRLS", Level::Export, false),
        (role.creates_dbs, "databases", "CREATEDB", Level::Write, false),
    ]
    .into_iter()
    .filter(|(has, ..)| *has)
    .map(|(_, on, verb, level, mint)| scope(on, verb, level, mint, via.map(str::to_owned)))
    .collect()
}

/// The entries of those grantees and of PUBLIC, whoever granted them.
fn counted<'a>(privileges: &'a [Privilege], grantees: &BTreeSet<Oid>) -> Vec<(&'a Privilege, i64, Vec<String>)> {
    let mut sums: BTreeMap<_, (&Privilege, i64, Vec<String>)> = BTreeMap::new();
    for row in privileges.iter().filter(|row| row.grantee == PUBLIC || grantees.contains(&row.grantee)) {
        let key = (&row.kind, &row.place, &row.verb, row.grantee, row.grantable);
        let sum = sums.entry(key).or_insert((row, 0, Vec::new()));
        // A server may count as it likes.
        sum.1 = sum.1.saturating_add(row.count);
        sum.2.extend(row.sample.iter().cloned());
    }
    sums.into_values().collect()
}

fn privilege_scope(row: &Privilege, count: i64, sample: &[String], via: Option<String>) -> Scope {
    let resource = resource(row, count, sample);
    let reads_hashes = row.place == "pg_catalog"
        && row.verb == "SELECT"
        && sample.iter().any(|name| name.starts_with("pg_authid") || name.starts_with("pg_shadow"));
    let owner = row.verb == "OWNER";
    let level = match row.verb.as_str() {
        _ if row.grantable || owner || reads_hashes => Level::Admin,
        "SELECT" | "USAGE" | "CONNECT" | "TEMPORARY" | "REFERENCES" | "EXECUTE" => Level::Read,
        _ => Level::Write,
    };
    let verb = if row.grantable && !owner { format!("{} WITH GRANT OPTION", row.verb) } else { row.verb.clone() };
    scope(resource, verb, level, row.grantable, via)
}

/// `table docs.pages`, or `12 tables of schema docs`.
fn resource(row: &Privilege, count: i64, sample: &[String]) -> String {
    let kind = row.kind.as_str();
    match (kind, row.place.as_str(), sample) {
        ("elsewhere", database, _) => format!("{count} objects of database {database}"),
        ("future", "", _) => format!("future {} of any schema", sample.join(", ")),
        ("future", schema, _) => format!("future {} of schema {schema}", sample.join(", ")),
        (_, "", [only]) if count == 1 => format!("{kind} {only}"),
        (_, place, [only]) if count == 1 => format!("{kind} {place}.{only}"),
        (_, "", _) => format!("{count} {kind}s: {}{}", sample.join(", "), more(count, sample)),
        (_, place, _) => format!("{count} {kind}s of schema {place}"),
    }
}

fn more(count: i64, sample: &[String]) -> &'static str {
    if usize::try_from(count).is_ok_and(|count| count > sample.len()) { " …" } else { "" }
}

fn via(catalog: &Catalog, bot: Oid, holder: Oid) -> Option<String> {
    match holder {
        _ if holder == bot => None,
        PUBLIC => Some("PUBLIC".to_owned()),
        _ => Some(format!("role {}", catalog.name(holder))),
    }
}

fn scope(
    resource: impl Into<Untrusted>,
    verb: impl Into<Untrusted>,
    level: Level,
    mint: bool,
    via: Option<String>,
) -> Scope {
    Scope { resource: resource.into(), verb: verb.into(), level, mint, via: via.map(Untrusted::new) }
}

fn shortened(mut scopes: Vec<Scope>) -> Vec<Scope> {
    if scopes.len() > MOST {
        let rest = scopes.split_off(MOST - 1);
        let level = rest.iter().map(|scope| scope.level).max().unwrap_or_default();
        scopes.push(scope(format!("{} more", rest.len()), "various", level, rest.iter().any(|s| s.mint), None));
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{
        Edge,
        tests::{edge, role},
    };
    use super::*;

    fn privilege(kind: &str, place: &str, verb: &str, grantee: Oid, count: i64, sample: &[&str]) -> Privilege {
        Privilege {
            kind: kind.into(),
            place: place.into(),
            verb: verb.into(),
            grantee,
            grantor: 10,
            grantable: false,
            count,
            sample: sample.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn lines(scopes: &[Scope]) -> Vec<String> {
        let line = |s: &Scope| {
            let via = s.via.as_ref().map_or(String::new(), |via| format!(" via {}", via.raw()));
            format!("{} {} on {}{via}", s.level.word(), s.verb.raw(), s.resource.raw())
        };
        scopes.iter().map(line).collect()
    }

    #[test]
    fn a_count_beyond_all_measure_stays_the_greatest() {
        let rows =
            [privilege("table", "docs", "SELECT", 1, i64::MAX, &[]), privilege("table", "docs", "SELECT", 1, 7, &[])];
        let sums: Vec<i64> = counted(&rows, &BTreeSet::from([1])).into_iter().map(|(_, count, _)| count).collect();
        assert_eq!(sums, [i64::MAX]);
    }

    #[test]
    fn privileges_come_along_memberships_counted_by_schema() {
        let roles = [role(1, "bot"), role(2, "readers"), role(3, "pg_read_all_data"), role(4, "stranger")];
        let catalog = Catalog {
            roles: roles.into_iter().map(|role| (role.oid, role)).collect(),
            edges: vec![edge(2, 1), edge(3, 2)].into(),
            ..Catalog::default()
        };
        let privileges = vec![
            privilege("table", "docs", "SELECT", 2, 12, &["a", "b", "c"]),
            privilege("table", "docs", "INSERT", 1, 1, &["pages"]),
            privilege("table", "docs", "DELETE", 4, 1, &["pages"]),
            privilege("database", "", "CONNECT", PUBLIC, 2, &["docs", "other"]),
        ];
        let belongings = Belongings { privileges, ..Belongings::default() };
        assert_eq!(
            lines(&scopes(&catalog, 1, &catalog.reach(1), &belongings)),
            [
                "export pg_read_all_data on every table of every database via role pg_read_all_data",
                "write INSERT on table docs.pages",
                "read SELECT on 12 tables of schema docs via role readers",
                "read CONNECT on 2 databases: docs, other via PUBLIC",
            ]
        );
        assert!(is_dangerous(&catalog, 2), "it leads to all data");
        assert!(!is_dangerous(&catalog, 4));
    }

    #[test]
    fn the_power_over_roles_comes_by_set_role_only() {
        let admin = Role { creates_roles: true, ..role(2, "admins") };
        let mut catalog = Catalog {
            roles: [role(1, "bot"), admin].into_iter().map(|role| (role.oid, role)).collect(),
            edges: vec![edge(2, 1)].into(),
            ..Catalog::default()
        };
        assert!(makes_roles(&catalog, &catalog.reach(1)));
        catalog.edges = vec![Edge { set: false, ..edge(2, 1) }].into();
        assert!(!makes_roles(&catalog, &catalog.reach(1)), "attributes are not inherited");
    }

    #[test]
    fn a_long_list_is_cut_visibly_and_keeps_the_worst() {
        let privileges = (0..200).map(|i| privilege("table", &format!("s{i}"), "SELECT", 1, 1, &["t"])).collect();
        let catalog = Catalog { roles: [(1, Role { superuser: true, ..role(1, "bot") })].into(), ..Catalog::default() };
        let belongings = Belongings { privileges, ..Belongings::default() };
        let scopes = scopes(&catalog, 1, &catalog.reach(1), &belongings);
        assert_eq!((scopes.len(), scopes[0].verb.raw()), (MOST, "SUPERUSER"));
        assert_eq!(scopes[MOST - 1].resource.raw(), "142 more");
    }
}

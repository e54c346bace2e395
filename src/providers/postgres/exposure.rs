//! What else a thief of this role may hold, and what it leaves behind: cutting the role does not cut these.

use std::collections::BTreeMap;

use crate::domain::{Exposure, IdentityId, ProviderName, Untrusted};

use super::{
    catalog::{Belongings, Catalog, Oid, PUBLIC, Role},
    scopes,
};

/// Roles that are listed; beyond it the reason says how many there are.
const MOST: usize = 100;

/// Other roles that it can act as or make passwords for, what it granted to others, functions that run as it.
pub fn exposure(provider: &ProviderName, catalog: &Catalog, bot: Oid, belongings: &Belongings) -> Vec<Exposure> {
    let mut why: BTreeMap<Oid, Vec<String>> = BTreeMap::new();
    let reach = catalog.reach(bot);
    for oid in reach.settable.iter().filter(|oid| **oid != bot && login(catalog, **oid)) {
        why.entry(*oid).or_default().push("it may SET ROLE to it, and so set its password".to_owned());
    }
    let (how, roles) = breakable(catalog, bot);
    let count = roles.len();
    for oid in roles.into_iter().take(MOST) {
        let among = if count > MOST { format!(", one of {count}") } else { String::new() };
        why.entry(oid).or_default().push(format!("{how}{among}"));
    }
    for row in
        belongings.privileges.iter().filter(|row| row.grantor == bot && row.grantee != bot && row.grantee != PUBLIC)
    {
        let on = if row.place.is_empty() {
            row.sample.join(", ")
        } else {
            format!("{}.{}", row.place, row.sample.join(", "))
        };
        why.entry(row.grantee)
            .or_default()
            .push(format!("has {} on {on} by a grant of this role, which stays", row.verb));
    }
    for edge in catalog.edges.iter().filter(|edge| edge.grantor == bot && edge.role != bot && edge.member != bot) {
        let role = catalog.name(edge.role);
        why.entry(edge.member).or_default().push(format!("is a member of {role} by a grant of this role, which stays"));
    }
    if !belongings.definer_functions.is_empty() {
        let names = belongings.definer_functions.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let count = belongings.definer_functions.len();
        why.entry(bot)
            .or_default()
            .push(format!("{count} SECURITY DEFINER functions run as it for others who may call them: {names}"));
    }
    why.into_iter()
        .map(|(oid, mut why)| {
            why.truncate(4);
            Exposure {
                identity: IdentityId::new(provider.clone(), oid.to_string()),
                name: Untrusted::new(catalog.name(oid)),
                bot: None,
                why: Untrusted::new(why.join("; ")).shown(),
            }
        })
        .collect()
}

fn login(catalog: &Catalog, oid: Oid) -> bool {
    catalog.roles.get(&oid).is_some_and(|role| role.login)
}

/// Roles whose password it can set or read, and by what right.
fn breakable(catalog: &Catalog, bot: Oid) -> (&'static str, Vec<Oid>) {
    let reach = catalog.reach(bot);
    let has = |test: fn(&Role) -> bool| reach.settable.iter().filter_map(|oid| catalog.roles.get(oid)).any(test);
    let among = |test: &dyn Fn(&Role) -> bool| {
        let others = catalog.roles.values().filter(|role| role.oid != bot && role.login);
        others.filter(|role| test(role)).map(|role| role.oid).collect()
    };
    if has(|role| role.superuser) {
        ("SUPERUSER reads and sets any password", among(&|_| true))
    } else if scopes::makes_roles(catalog, &reach) && !has(|role| role.creates_roles) {
        ("programs and files of the server reach any password", among(&|_| true))
    } else if !has(|role| role.creates_roles) {
        ("", Vec::new())
    } else if catalog.console.is_16() {
        let administered = |role: &Role| {
            catalog
                .edges
                .iter()
                .any(|edge| edge.admin && edge.role == role.oid && reach.effective.contains(&edge.member))
        };
        ("CREATEROLE with ADMIN OPTION sets its password", among(&|role| !role.superuser && administered(role)))
    } else {
        ("CREATEROLE sets its password", among(&|role| !role.superuser && !role.replication))
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{
        Console, Edge,
        tests::{edge, role},
    };
    use super::*;

    fn names(catalog: &Catalog, belongings: &Belongings) -> Vec<(String, String)> {
        exposure(&ProviderName::new("db"), catalog, 1, belongings)
            .into_iter()
            .map(|exposure| (exposure.name.raw().to_owned(), exposure.why))
            .collect()
    }

    fn catalog(bot: Role, edges: Vec<Edge>) -> Catalog {
        let group = Role { login: false, ..role(4, "group") };
        let root = Role { superuser: true, ..role(10, "root") };
        Catalog {
            console: Console { version: 150_018, ..Console::default() },
            roles: [bot, role(2, "alice"), role(3, "sibling"), group, root].map(|role| (role.oid, role)).into(),
            edges: edges.into(),
            sessions: Vec::new(),
        }
    }

    #[test]
    fn who_can_be_become_is_exposed_and_groups_are_not_identities() {
        let exposed = names(&catalog(role(1, "bot"), vec![edge(3, 1), edge(4, 1)]), &Belongings::default());
        assert_eq!(exposed.len(), 1);
        assert_eq!(exposed[0].0, "sibling");
    }

    #[test]
    fn createrole_exposes_all_but_superusers_before_16_and_only_the_administered_from_then_on() {
        let maker = || Role { creates_roles: true, ..role(1, "bot") };
        let mut catalog = catalog(maker(), vec![Edge { admin: true, set: false, ..edge(2, 1) }]);
        let exposed =
            |catalog: &Catalog| names(catalog, &Belongings::default()).into_iter().map(|e| e.0).collect::<Vec<_>>();
        assert_eq!(exposed(&catalog), ["alice", "sibling"]);
        catalog.console.version = 160_001;
        assert_eq!(exposed(&catalog), ["alice"]);
    }

    #[test]
    fn functions_that_run_as_it_are_named_under_itself() {
        let belongings = Belongings { definer_functions: vec!["docs.f()".into()], ..Belongings::default() };
        let exposed = names(&catalog(role(1, "bot"), vec![]), &belongings);
        assert_eq!(exposed[0].0, "bot");
        assert!(exposed[0].1.contains("docs.f()"), "{exposed:?}");
    }
}

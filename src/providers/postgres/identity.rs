//! Roles as identities. The native id is the OID: names are labels, and a dropped role's name may be anybody's next.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{Identity, IdentityId, IdentityKind, IdentityState, ProviderName, Untrusted},
    engine::Listing,
};

use super::{
    catalog::{Catalog, Oid, Role},
    permission,
};

/// Hint: what is missing to alter the role.
pub const MISSING_ALTER: &str = "missing-alter";
/// Hint: what is missing to end its sessions.
pub const MISSING_TERMINATE: &str = "missing-terminate";
/// Hint: whether it makes roles, so that its gate is a cut of minting.
pub const MINTS: &str = "mints";
/// Hint: the OID of estop's own role, who becomes the grantor of what it grants.
pub const CONSOLE: &str = "console";
/// Hint: the OIDs that could become the role when this was read. Whoever reads later, after a restart, needs them to
/// tell which sessions may still act as it.
pub const MEMBERS: &str = "members";

/// Every role but the server's own. Groups too: a bot that is shut has no login either and must not vanish.
pub fn listing(provider: &ProviderName, catalog: &Catalog) -> Listing {
    let mut identities: Vec<Identity> = catalog
        .roles
        .values()
        .filter(|role| !role.is_predefined())
        .map(|role| identity(provider, catalog, role))
        .collect();
    identities.sort_by(|a, b| a.name.cmp(&b.name));
    Listing { identities, gaps: Vec::new() }
}

/// One role.
pub fn identity(provider: &ProviderName, catalog: &Catalog, role: &Role) -> Identity {
    Identity {
        attributes: attributes(catalog, role).into(),
        hints: hints(catalog, role).into(),
        last_active_at: last_active(catalog, role.oid),
        ..Identity::new(
            IdentityId::new(provider.clone(), role.oid.to_string()),
            Untrusted::new(role.name.clone()),
            IdentityKind::ServiceAccount,
            if role.login { IdentityState::Live } else { IdentityState::Gated },
        )
    }
}

/// The OID of an identity of this provider; `None`: not one of its ids.
pub fn oid(identity: &Identity) -> Option<Oid> {
    identity.id.native().parse().ok().filter(|oid| *oid > 0)
}

/// From milliseconds since 1970; out of range is unknown.
pub fn at_ms(ms: Option<i64>) -> Option<Timestamp> {
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

fn last_active(catalog: &Catalog, role: Oid) -> Option<Timestamp> {
    at_ms(catalog.sessions_of(role).filter_map(|session| session.changed_ms).max())
}

fn hints(catalog: &Catalog, role: &Role) -> BTreeMap<String, String> {
    let members: Vec<String> = catalog.can_become(role.oid).iter().map(Oid::to_string).collect();
    let mints = super::scopes::makes_roles(catalog, &catalog.reach(role.oid));
    [
        (MISSING_ALTER, permission::missing_for_alter(catalog, role)),
        (MISSING_TERMINATE, permission::missing_for_terminate(catalog, role.oid)),
        (MEMBERS, (!members.is_empty()).then(|| members.join(","))),
        (CONSOLE, Some(catalog.console.oid.to_string())),
        (MINTS, mints.then(|| "yes".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn attributes(catalog: &Catalog, role: &Role) -> BTreeMap<String, Untrusted> {
    let flag = |on: bool| on.then(|| "yes".to_owned());
    let administrators: Vec<String> = catalog
        .edges
        .of_role(role.oid)
        .filter(|edge| permission::is_administrator(catalog, edge))
        .map(|edge| catalog.name(edge.member))
        .collect();
    let own = [
        ("comment", role.comment.clone()),
        ("connection-limit", (role.connection_limit >= 0).then(|| role.connection_limit.to_string())),
        ("valid-until", at_ms(role.valid_until_ms).map(|at| at.to_string())),
        ("superuser", flag(role.superuser)),
        ("createrole", flag(role.creates_roles)),
        ("createdb", flag(role.creates_dbs)),
        ("replication", flag(role.replication)),
        ("bypassrls", flag(role.bypass_rls)),
        ("no-login", flag(!role.login)),
        ("administrators", (!administrators.is_empty()).then(|| administrators.join(", "))),
    ];
    let mut all = role.comment.as_deref().map(marks).unwrap_or_default();
    all.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Untrusted::new(value?)))));
    all
}

/// Words of a comment such as `estop.bot` or `estop.owner=kb-team`: a role has no attributes of its own making.
fn marks(comment: &str) -> BTreeMap<String, Untrusted> {
    comment
        .split_whitespace()
        .filter(|word| word.starts_with("estop."))
        .map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, "yes"));
            (name.to_owned(), Untrusted::new(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{
        Console, Session,
        tests::{edge, role},
    };
    use super::*;

    #[test]
    fn a_shut_bot_stays_listed_and_the_servers_own_roles_are_not() {
        let mut bot = role(16_385, "kb");
        bot.login = false;
        bot.comment = Some("reads docs estop.bot estop.owner=kb-team superuser=yes".into());
        let catalog = Catalog {
            console: Console { version: 150_018, ..Console::default() },
            roles: [bot, role(3375, "pg_read_all_data"), role(16_390, "alice")].map(|role| (role.oid, role)).into(),
            edges: vec![edge(16_385, 16_390)].into(),
            sessions: vec![Session { user: 16_385, changed_ms: Some(5), ..Session::default() }],
        };
        let listing = listing(&ProviderName::new("db"), &catalog);
        let names: Vec<&str> = listing.identities.iter().map(|identity| identity.name.raw()).collect();
        assert_eq!(names, ["alice", "kb"]);
        let kb = &listing.identities[1];
        assert_eq!((kb.id.to_string().as_str(), kb.state), ("db:16385", IdentityState::Gated));
        assert_eq!(kb.attribute("estop.bot").map(Untrusted::raw), Some("yes"));
        assert_eq!(kb.attribute("estop.owner").map(Untrusted::raw), Some("kb-team"));
        assert_eq!(kb.attribute("superuser"), None, "a comment gives no flags");
        assert_eq!(kb.hints.get(MEMBERS).map(String::as_str), Some("16390"));
        assert_eq!(kb.last_active_at, at_ms(Some(5)));
    }

    #[test]
    fn only_numbers_are_ids_here() {
        let with = |native: &str| {
            let mut identity = identity(&ProviderName::new("db"), &Catalog::default(), &role(1, "x"));
            identity.id = IdentityId::new(ProviderName::new("db"), native);
            oid(&identity)
        };
        for (native, is) in
            [("16385", Some(16_385)), ("0", None), ("kb", None), ("1; DROP", None), ("99999999999", None)]
        {
            assert_eq!(with(native), is, "{native}");
        }
    }
}

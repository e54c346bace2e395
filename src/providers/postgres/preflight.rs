//! What the console can read and cut here, and what nobody can.

use std::time::Duration;

use crate::{
    domain::{IdentityId, Lane, ProviderName, Untrusted},
    engine::{Coverage, LaneCheck, Limits, Preflight, Whoami},
};

use super::{
    catalog::{Catalog, Role},
    permission, pool,
};

/// A terminated session is gone within milliseconds, unless it is busy in a system call.
pub const PROPAGATION: Duration = Duration::from_secs(1);

/// One statement over a network.
const LATENCY: Duration = Duration::from_millis(20);

/// One connection a mutation; the server's own limit is `max_connections`, and it knows no rate.
pub fn limits() -> Limits {
    Limits {
        concurrent_writes: pool::WRITERS,
        concurrent_reads: 4,
        deadline: pool::DEADLINE,
        latency: LATENCY,
        requests_per_reading: 2,
        ..Limits::default()
    }
}

/// What no view lists and no statement cuts.
pub fn coverage() -> Coverage {
    let list = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
    Coverage {
        unlisted: list(&[
            "sessions that became the role by SET ROLE: those of its members are named until they end",
            "roles that a role with CREATEROLE has made",
            "which ways of logging in pg_hba.conf and pg_ident.conf allow besides the password",
            "single privileges in databases other than the connected one: they are counted",
        ]),
        uncut: list(&[
            "superusers, and whoever administers the role, can always become it",
            "SECURITY DEFINER functions and triggers that it owns go on running as it for those who may call them",
            "what it granted to others stays",
            "prepared transactions stay until their owner or a superuser ends them",
        ]),
    }
}

/// Per lane, from one look into the catalogs.
pub fn preflight(provider: &ProviderName, catalog: &Catalog, clock_ahead_ms: Option<i64>) -> Preflight {
    let roles = || catalog.roles.values().filter(|role| role.login && !role.is_predefined() && !role.superuser);
    let others = || roles().filter(|role| role.oid != catalog.console.oid);
    let shut = alterable(catalog, others());
    let mut sessions = Vec::new();
    if !catalog.is_superuser() {
        sessions.extend((!catalog.console.signals).then(|| "pg_signal_backend".to_owned()));
        sessions.extend((!catalog.console.sees_sessions).then(|| "pg_read_all_stats".to_owned()));
    }
    let lane =
        |lane, can_read, can_cut, missing: &[String]| LaneCheck { lane, can_read, can_cut, missing: missing.to_vec() };
    let (sees, signals) = (catalog.console.sees_sessions, catalog.console.signals || catalog.is_superuser());
    Preflight {
        whoami: whoami(provider, catalog),
        lanes: vec![
            lane(Lane::Identity, true, shut.is_empty(), &shut),
            lane(Lane::Tokens, sees || catalog.is_superuser(), signals, &sessions),
            lane(Lane::Connectors, true, shut.is_empty(), &shut),
            // There is no delegated consent: nothing is left uncut in this lane.
            lane(Lane::Grants, true, true, &[]),
        ],
        clock_ahead_ms,
        notices: notices(
            catalog,
            others().filter(|role| permission::missing_for_alter(catalog, role).is_some()).count(),
        ),
    }
}

/// The console's own role.
pub fn whoami(provider: &ProviderName, catalog: &Catalog) -> Whoami {
    let oid = catalog.console.oid;
    Whoami {
        identity: catalog.roles.contains_key(&oid).then(|| IdentityId::new(provider.clone(), oid.to_string())),
        name: Untrusted::new(catalog.name(oid)),
    }
}

/// What is missing to shut any role at all; empty where some can be shut, or there is none.
fn alterable<'a>(catalog: &Catalog, others: impl Iterator<Item = &'a Role>) -> Vec<String> {
    let missing: Vec<Option<String>> = others.map(|role| permission::missing_for_alter(catalog, role)).collect();
    let general = if missing.is_empty() || missing.iter().any(Option::is_none) {
        None
    } else if missing.iter().flatten().any(|missing| missing == "CREATEROLE") {
        Some("CREATEROLE")
    } else {
        Some("ADMIN OPTION on the bots' roles")
    };
    general.map(str::to_owned).into_iter().collect()
}

fn notices(catalog: &Catalog, unalterable: usize) -> Vec<String> {
    let mut notices = vec![format!(
        "privileges are read in database {}; those in other databases are counted",
        Untrusted::new(catalog.console.database.clone()).shown()
    )];
    if unalterable > 0 {
        notices.push(format!(
            "{unalterable} roles with a login cannot be shut by estop: their plans name what is missing"
        ));
    }
    if !catalog.is_superuser() && !catalog.console.reads_passwords {
        notices.push(
            "pg_authid is shown to superusers only: a burned password cannot be read back, and whose a bare password \
             is cannot be told"
                .to_owned(),
        );
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Console, tests::role};
    use super::*;

    fn check(creates_roles: bool, signals: bool, sees_sessions: bool) -> Vec<(bool, bool, Vec<String>)> {
        let console = Role { creates_roles, ..role(9, "estop") };
        let catalog = Catalog {
            console: Console { oid: 9, version: 150_018, signals, sees_sessions, ..Console::default() },
            roles: [console, role(1, "bot")].map(|role| (role.oid, role)).into(),
            ..Catalog::default()
        };
        let lanes = preflight(&ProviderName::new("db"), &catalog, None).lanes;
        lanes.into_iter().map(|lane| (lane.can_read, lane.can_cut, lane.missing)).collect()
    }

    #[test]
    fn each_lane_names_what_it_misses() {
        let all = check(true, true, true);
        assert!(all.iter().all(|(read, cut, missing)| *read && *cut && missing.is_empty()));
        let none = check(false, false, false);
        assert_eq!(none[0], (true, false, vec!["CREATEROLE".to_owned()]));
        assert_eq!(none[1], (false, false, vec!["pg_signal_backend".to_owned(), "pg_read_all_stats".to_owned()]));
        assert_eq!(none[2].2, ["CREATEROLE"]);
    }
}

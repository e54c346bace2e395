//! The statements that read, and their rows. All are sent without waiting for one another's answers.
//!
//! Catalogs: <https://www.postgresql.org/docs/15/catalogs.html>; views: the chapters on `pg_roles` and on monitoring.

use std::collections::BTreeMap;

use secrecy::SecretString;
use tokio_postgres::{
    Client, Error, Row,
    types::{Json, ToSql, Type},
};

use super::catalog::{Belongings, Catalog, Console, Edge, Oid, Privilege, Role, Session};

const ROLES: &str = "
    SELECT oid, rolname::text, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
           rolbypassrls, rolconnlimit,
           CASE WHEN isfinite(rolvaliduntil) THEN (extract(epoch FROM rolvaliduntil) * 1000)::bigint END,
           shobj_description(oid, 'pg_authid')
    FROM pg_catalog.pg_roles";

/// Through JSON, so that one statement serves versions with and without the options.
const EDGES: &str = "
    SELECT m.roleid, m.member, m.grantor, m.admin_option,
           coalesce((to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit),
           coalesce((to_jsonb(m) ->> 'set_option')::bool, true)
    FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member";

/// The clock is read here, after the memberships: a session that began later cannot have used what was gone then.
const CONSOLE: &str = "
    SELECT r.oid, current_setting('server_version_num')::int4, current_database()::text,
           pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'), pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'),
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT')
               AND has_column_privilege('pg_catalog.pg_authid', 'oid', 'SELECT')
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

/// Of a statement only its first word: the rest may hold anything, secrets too.
const SESSIONS: &str = "
    SELECT pid, usesysid, datname::text, coalesce(application_name, ''), host(client_addr),
           coalesce(backend_type, ''), (extract(epoch FROM backend_start) * 1000000)::bigint, state,
           upper(substring(query FROM '^\\s*([A-Za-z]{1,16})\\y')),
           (extract(epoch FROM greatest(state_change, query_start)) * 1000)::bigint
    FROM pg_catalog.pg_stat_activity
    WHERE usesysid IS NOT NULL AND leader_pid IS NULL AND pid <> pg_backend_pid()";

/// Names come as JSON: for an array the client library makes room for as many as the server says there are, and four
/// bytes of a hostile one would end the process.
///
/// Entries to the roles, to PUBLIC outside the system's own schemas, and those that the role gave to others.
const PRIVILEGES: &str = "
    WITH acl(kind, place, object, owner, list) AS (
        SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, nspname::text, relname::text, relowner, relacl
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND relacl IS NOT NULL
        UNION ALL
        SELECT 'column', nspname::text, relname || '.' || attname, relowner, attacl
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
        WHERE attacl IS NOT NULL AND NOT attisdropped
        UNION ALL
        SELECT 'schema', '', nspname::text, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL
        UNION ALL
        SELECT 'database', '', datname::text, datdba, coalesce(datacl, acldefault('d', datdba))
        FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate
        UNION ALL
        SELECT 'server', '', srvname::text, srvowner, srvacl FROM pg_catalog.pg_foreign_server WHERE srvacl IS NOT NULL
        UNION ALL
        SELECT 'future', coalesce(nspname::text, ''), CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN
               'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END, defaclrole, defaclacl
        FROM pg_catalog.pg_default_acl LEFT JOIN pg_catalog.pg_namespace n ON n.oid = defaclnamespace
    ), entry AS (
        SELECT kind, place, object, e.privilege_type, e.grantee, e.grantor, e.is_grantable, owner
        FROM acl CROSS JOIN LATERAL aclexplode(list) e
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, nspname::text, relname::text, 'OWNER',
               relowner, relowner, true, 0
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND relowner = ANY($1)
        UNION ALL
        SELECT 'function', nspname::text, proname::text, 'OWNER', proowner, proowner, true, 0
        FROM pg_catalog.pg_proc JOIN pg_catalog.pg_namespace n ON n.oid = pronamespace WHERE proowner = ANY($1)
        UNION ALL
        SELECT 'schema', '', nspname::text, 'OWNER', nspowner, nspowner, true, 0
        FROM pg_catalog.pg_namespace WHERE nspowner = ANY($1)
        UNION ALL
        SELECT 'database', '', datname::text, 'OWNER', datdba, datdba, true, 0
        FROM pg_catalog.pg_database WHERE datdba = ANY($1)
    )
    SELECT kind, place, privilege_type, grantee, grantor, is_grantable, count(*),
           array_to_json((array_agg(DISTINCT object))[1:3])
    FROM entry
    WHERE owner <> grantee
      AND place NOT LIKE 'pg\\_toast%' AND NOT (place IN ('pg_catalog', 'information_schema') AND grantee = 0)
      AND NOT (kind = 'schema' AND object IN ('pg_catalog', 'information_schema') AND grantee = 0)
      AND (grantee = ANY($1) OR grantee = 0 OR grantor = $2)
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    LIMIT 2000";

/// What the shared catalog says of other databases, whose own catalogs cannot be read from here.
const ELSEWHERE: &str = "
    SELECT 'elsewhere', d.datname::text, CASE s.deptype WHEN 'o' THEN 'OWNER' ELSE 'privileges' END,
           s.refobjid, s.refobjid, false, count(*), '[]'::json
    FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
    WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = ANY($1) AND s.deptype IN ('o', 'a')
      AND d.datname <> current_database()
    GROUP BY 2, 3, 4";

/// Kind and name of what acts for the role without a login.
const LEFTOVERS: &str = "
    SELECT 'definer', format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = pronamespace
    WHERE proowner = $1 AND prosecdef
      AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) e WHERE e.grantee <> proowner))
    UNION ALL
    SELECT 'prepared', gid FROM pg_catalog.pg_prepared_xacts x JOIN pg_catalog.pg_roles r ON r.rolname = x.owner
    WHERE r.oid = $1
    UNION ALL
    SELECT 'subscription', subname::text FROM pg_catalog.pg_subscription WHERE subowner = $1 AND subenabled
    UNION ALL
    SELECT 'mapping', srvname::text FROM pg_catalog.pg_user_mappings WHERE umuser = $1
    LIMIT 500";

const PASSWORD: &str = "SELECT rolpassword FROM pg_catalog.pg_authid WHERE oid = $1";

/// Reads roles, memberships, sessions, and who we are.
pub(super) async fn catalog(client: &Client) -> Result<Catalog, Error> {
    let (roles, edges, console, sessions) = tokio::try_join!(
        client.query_typed(ROLES, &[]),
        client.query_typed(EDGES, &[]),
        client.query_typed(CONSOLE, &[]),
        client.query_typed(SESSIONS, &[]),
    )?;
    let roles = decode(&roles, role)?.into_iter().map(|role| (role.oid, role)).collect::<BTreeMap<_, _>>();
    Ok(Catalog {
        console: decode(&console, console_row)?.pop().unwrap_or_default(),
        roles,
        edges: decode(&edges, edge)?.into(),
        sessions: decode(&sessions, session)?,
    })
}

/// Reads what a role has; `acts_as` are the roles whose privileges it has.
pub(super) async fn belongings(client: &Client, role: Oid, acts_as: &[Oid]) -> Result<Belongings, Error> {
    let acts_as: Vec<Oid> = acts_as.to_vec();
    let list: &(dyn ToSql + Sync) = &acts_as;
    let one: &(dyn ToSql + Sync) = &role;
    let lists = [(list, Type::OID_ARRAY)];
    let both = [(list, Type::OID_ARRAY), (one, Type::OID)];
    let ones = [(one, Type::OID)];
    let (privileges, elsewhere, leftovers) = tokio::try_join!(
        client.query_typed(PRIVILEGES, &both),
        client.query_typed(ELSEWHERE, &lists),
        client.query_typed(LEFTOVERS, &ones),
    )?;
    let mut found = Belongings { privileges: decode(&privileges, privilege)?, ..Belongings::default() };
    found.privileges.extend(decode(&elsewhere, privilege)?);
    for (kind, name) in decode(&leftovers, |row| Ok((row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?)))? {
        match kind.as_str() {
            "definer" => found.definer_functions.push(name),
            "prepared" => found.prepared.push(name),
            "subscription" => found.subscriptions.push(name),
            _ => found.mappings.push(name),
        }
    }
    Ok(found)
}

/// What the server keeps of a role's password; the outer `None`: the role is gone.
pub(super) async fn verifier(client: &Client, role: Oid) -> Result<Option<Option<SecretString>>, Error> {
    let one: &(dyn ToSql + Sync) = &role;
    let rows = client.query_typed(PASSWORD, &[(one, Type::OID)]).await?;
    let read = |row: &Row| row.try_get::<_, Option<String>>(0).map(|text| text.map(SecretString::from));
    Ok(decode(&rows, read)?.pop())
}

fn decode<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(read).collect()
}

fn role(row: &Row) -> Result<Role, Error> {
    Ok(Role {
        oid: row.try_get(0)?,
        name: row.try_get(1)?,
        superuser: row.try_get(2)?,
        inherit: row.try_get(3)?,
        creates_roles: row.try_get(4)?,
        creates_dbs: row.try_get(5)?,
        login: row.try_get(6)?,
        replication: row.try_get(7)?,
        bypass_rls: row.try_get(8)?,
        connection_limit: row.try_get(9)?,
        valid_until_ms: row.try_get(10)?,
        comment: row.try_get(11)?,
    })
}

fn edge(row: &Row) -> Result<Edge, Error> {
    Ok(Edge {
        role: row.try_get(0)?,
        member: row.try_get(1)?,
        grantor: row.try_get(2)?,
        admin: row.try_get(3)?,
        inherit: row.try_get(4)?,
        set: row.try_get(5)?,
    })
}

fn console_row(row: &Row) -> Result<Console, Error> {
    Ok(Console {
        oid: row.try_get(0)?,
        version: row.try_get(1)?,
        database: row.try_get(2)?,
        signals: row.try_get(3)?,
        sees_sessions: row.try_get(4)?,
        clock_us: row.try_get(5)?,
        reads_passwords: row.try_get(6)?,
    })
}

fn session(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        pid: row.try_get(0)?,
        user: row.try_get(1)?,
        database: row.try_get(2)?,
        application: row.try_get(3)?,
        client: row.try_get(4)?,
        backend: row.try_get(5)?,
        started_us: row.try_get(6)?,
        state: row.try_get(7)?,
        verb: row.try_get(8)?,
        changed_ms: row.try_get(9)?,
    })
}

fn privilege(row: &Row) -> Result<Privilege, Error> {
    Ok(Privilege {
        kind: row.try_get(0)?,
        place: row.try_get(1)?,
        verb: row.try_get(2)?,
        grantee: row.try_get(3)?,
        grantor: row.try_get(4)?,
        grantable: row.try_get(5)?,
        count: row.try_get(6)?,
        sample: row.try_get::<_, Json<_>>(7)?.0,
    })
}

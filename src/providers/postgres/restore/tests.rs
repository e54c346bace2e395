use jiff::Timestamp;

use super::super::{
    catalog::{
        Belongings, Catalog, Console, Role, Session,
        tests::{edge, role},
    },
    reading::{Look, reading},
};
use super::*;
use crate::domain::{Depth, ProviderName, Sent, StepState, Verdict};

const BOT: Oid = 1;
const ALICE: Oid = 2;
const CARL: Oid = 3;
const DATA: Oid = 6181;
const ESTOP: Oid = 9;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn catalog(version: i32, superuser: bool, edges: Vec<Edge>) -> Catalog {
    let estop = Role { creates_roles: true, superuser, ..role(ESTOP, "estop") };
    let roles = [role(BOT, "bot"), role(ALICE, "alice"), role(CARL, "carl"), role(DATA, "pg_read_all_data"), estop];
    Catalog {
        console: Console { oid: ESTOP, version, signals: true, sees_sessions: true, ..Console::default() },
        roles: roles.into_iter().map(|role| (role.oid, role)).collect(),
        edges: edges.into(),
        sessions: vec![Session { pid: 70, user: BOT, started_us: Some(5), ..Session::default() }],
    }
}

fn read(catalog: &Catalog, second: i64) -> Reading {
    let provider = ProviderName::new("db");
    let asked = identity::identity(&provider, catalog, &catalog.roles[&BOT]);
    let has_password = catalog.is_superuser().then_some(true);
    let belongings = Belongings { has_password, ..Belongings::default() };
    let members = super::super::memory::Memory::default().members(catalog, BOT, None);
    let look = Look { provider: &provider, catalog, belongings: &belongings, members: &members, read_at: at(second) };
    reading(&look, &asked)
}

fn done(before: &Reading, depth: Depth) -> Vec<StepRecord> {
    let verified = |step: Step| StepRecord {
        state: StepState::Verified,
        attempts: 1,
        sent_at: Some(at(1_060)),
        ..StepRecord::planned(step)
    };
    steps::steps(before, depth).into_iter().map(verified).collect()
}

/// After the strike: no login, no session, and these memberships.
fn shut(before: &Catalog, edges: Vec<Edge>) -> Catalog {
    let mut after = Catalog { edges: edges.into(), sessions: Vec::new(), ..before.clone() };
    after.roles.get_mut(&BOT).expect("the bot").login = false;
    after
}

fn statements(steps: &[Step]) -> Vec<String> {
    let names =
        [(BOT, "bot"), (ALICE, "alice"), (CARL, "carl"), (DATA, "pg_read_all_data"), (ESTOP, "estop"), (10, "root")];
    let names: BTreeMap<Oid, String> = names.map(|(oid, name)| (oid, name.to_owned())).into();
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by_key(|step| step.rank);
    let statement = |step: &&Step| {
        let command = Command::of(step).expect("one of ours");
        command.statement(&names).unwrap_or_else(|| step.action.word().to_owned())
    };
    steps.iter().map(statement).collect()
}

fn members() -> Vec<Edge> {
    vec![Edge { admin: true, ..edge(BOT, ALICE) }, edge(DATA, BOT)]
}

#[test]
fn every_step_is_undone_or_was_said_to_be_lost() {
    for superuser in [false, true] {
        let catalog = catalog(150_018, superuser, members());
        let before = read(&catalog, 1_000);
        for depth in [Depth::Isolate, Depth::Burn] {
            let done = done(&before, depth);
            let now = read(&shut(&catalog, Vec::new()), 9_000);
            let way = restore(&before, &now, &done, RestoreMode::FalseAlarm);
            assert_eq!(way.first, Vec::new());
            for step in done.iter().map(|record| &record.step) {
                let undone = way.then.iter().any(|one| match step.action.word() {
                    "disable-login" => one.action.word() == "enable-login",
                    "revoke-member" | "revoke-membership" => one.action.word() == "grant" && one.target == step.target,
                    _ => false,
                });
                let said = step.reversible == Reversibility::Irreversible;
                assert_eq!(undone, !said, "{}", step.id);
                let lost = way.lost.iter().any(|lost| lost.what.raw().ends_with(step.target.raw()));
                assert!(lost || !said, "{}", step.id);
            }
        }
    }
}

#[test]
fn memberships_come_back_with_their_options_and_the_login_last() {
    let catalog = catalog(150_018, false, members());
    let before = read(&catalog, 1_000);
    let done = done(&before, Depth::Isolate);
    let closed = read(&shut(&catalog, Vec::new()), 9_000);
    let way = restore(&before, &closed, &done, RestoreMode::FalseAlarm);
    assert_eq!(
        statements(&way.then),
        ["GRANT pg_read_all_data TO bot", "GRANT bot TO alice WITH ADMIN OPTION", "ALTER ROLE bot LOGIN"]
    );
    let lost: Vec<&str> = way.lost.iter().map(|lost| lost.what.raw()).filter(|what| what.contains("granted")).collect();
    assert_eq!(lost.len(), 2, "who granted them: {lost:?}");
    for step in &way.then {
        assert_eq!(step.postcondition.judge(&before, &Sent::default()), Verdict::Holds, "{}", step.id);
        assert_ne!(step.postcondition.judge(&closed, &Sent::default()), Verdict::Holds, "{}", step.id);
    }
    let door = way.then.last().expect("steps");
    assert_eq!((door.action.word(), door.after.len()), ("enable-login", 2));

    let superuser = tests::catalog(150_018, true, members());
    let before = read(&superuser, 1_000);
    let done = tests::done(&before, Depth::Isolate);
    let way = restore(&before, &read(&shut(&superuser, Vec::new()), 9_000), &done, RestoreMode::FalseAlarm);
    assert_eq!(statements(&way.then)[1], "GRANT bot TO alice WITH ADMIN OPTION GRANTED BY root");
}

#[test]
fn what_fell_by_cascade_comes_back_behind_what_it_hung_on() {
    let own = Edge { admin: true, inherit: false, set: false, ..edge(BOT, ESTOP) };
    let to_alice = Edge { admin: true, grantor: ESTOP, ..edge(BOT, ALICE) };
    let to_carl = Edge { grantor: ALICE, inherit: false, ..edge(BOT, CARL) };
    let catalog = catalog(160_001, false, vec![own.clone(), to_alice, to_carl]);
    let before = read(&catalog, 1_000);
    let done = done(&before, Depth::Isolate);
    assert_eq!(done.iter().filter(|record| record.step.action.word() == "revoke-member").count(), 1);
    let way = restore(&before, &read(&shut(&catalog, vec![own]), 9_000), &done, RestoreMode::FalseAlarm);
    assert_eq!(
        statements(&way.then),
        [
            "GRANT bot TO alice WITH ADMIN TRUE, INHERIT TRUE, SET TRUE GRANTED BY estop",
            "GRANT bot TO carl WITH ADMIN FALSE, INHERIT FALSE, SET TRUE",
            "ALTER ROLE bot LOGIN",
        ],
        "estop has not alice's privileges, so it cannot grant in her name"
    );
}

#[test]
fn what_others_changed_since_stays_and_is_named() {
    let catalog = catalog(150_018, false, members());
    let before = read(&catalog, 1_000);
    let done = done(&before, Depth::Isolate);
    let mut opened = shut(&catalog, vec![edge(BOT, ALICE), edge(BOT, CARL)]);
    opened.roles.get_mut(&BOT).expect("the bot").login = true;
    let way = restore(&before, &read(&opened, 9_000), &done, RestoreMode::FalseAlarm);
    assert_eq!(statements(&way.then), ["GRANT pg_read_all_data TO bot"]);
    let says = |what: &str, now: &str| {
        way.changes.iter().any(|change| change.what.raw().contains(what) && change.now.contains(now))
    };
    assert!(says("alice", "with other options (plain)"), "{:#?}", way.changes);
    assert!(says("carl", "granted by somebody since"), "{:#?}", way.changes);
    assert!(says("LOGIN", "somebody opened it"), "{:#?}", way.changes);
}

#[test]
fn rotate_takes_the_password_before_the_login_comes_back() {
    for (superuser, then) in [(false, "the server's yes has to do"), (true, "none")] {
        let catalog = catalog(150_018, superuser, members());
        let before = read(&catalog, 1_000);
        let done = done(&before, Depth::Isolate);
        let way = restore(&before, &read(&shut(&catalog, Vec::new()), 9_000), &done, RestoreMode::Rotate);
        assert_eq!(statements(&way.first), ["ALTER ROLE bot PASSWORD NULL"]);
        assert_eq!(statements(&way.then).last().map(String::as_str), Some("ALTER ROLE bot LOGIN"));
        assert_eq!(way.reissue.len(), 2);
        assert!(way.changes.iter().any(|change| change.what.raw() == "password" && change.then.ends_with(then)));

        let burned = tests::done(&before, Depth::Burn);
        let way = restore(&before, &read(&shut(&catalog, Vec::new()), 9_000), &burned, RestoreMode::Rotate);
        assert_eq!(way.first, Vec::new(), "it is gone already: one that is there was set since");
    }
}

#[test]
fn rotate_ends_sessions_once_no_password_opens_a_new_one() {
    let catalog = catalog(150_018, false, members());
    let before = read(&catalog, 1_000);
    let done = done(&before, Depth::Isolate);
    let way = restore(&before, &before, &done, RestoreMode::Rotate);
    assert_eq!(statements(&way.first), ["ALTER ROLE bot PASSWORD NULL", "terminate"]);
    assert_eq!(way.first[1].after, [way.first[0].id.clone()]);
    assert_eq!(way.then, Vec::new(), "somebody opened it since");
}

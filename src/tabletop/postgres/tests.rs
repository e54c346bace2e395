use std::collections::BTreeSet;

use super::*;
use crate::{
    domain::{AnswerKind, HoldingState, IdentityState, Postcondition, Verdict},
    engine::ManualClock,
};

fn seed() -> WorldSeed {
    let role = |name: &str| RoleSeed { name: name.into(), login: true, ..RoleSeed::default() };
    let client = |reconnects| SessionSeed {
        application: "kb; on_behalf_of=carol".into(),
        client: "10.0.0.7".into(),
        verb: Some("SELECT".into()),
        reconnects,
        ..SessionSeed::default()
    };
    let select = PrivilegeSeed {
        privilege: "SELECT".into(),
        kind: "table".into(),
        place: "docs".into(),
        objects: vec!["pages".into(), "notes".into()],
        grantable: false,
    };
    let lists = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    WorldSeed {
        version: 150_018,
        database: "docs".into(),
        console: "estop".into(),
        roles: vec![
            RoleSeed {
                create_role: true,
                member_of: lists(&["pg_signal_backend", "pg_read_all_stats"]),
                admin_of: lists(&["kb_reader"]),
                ..role("estop")
            },
            RoleSeed {
                member_of: lists(&["readers", "pg_read_all_data"]),
                sessions: vec![client(true), client(false)],
                ..role("kb_reader")
            },
            RoleSeed { name: "readers".into(), privileges: vec![select], ..RoleSeed::default() },
            RoleSeed { member_of: lists(&["kb_reader"]), ..role("alice") },
            RoleSeed { sessions: vec![client(false)], ..role("neighbour") },
        ],
    }
}

struct Exercise {
    world: Arc<Mutex<World>>,
    provider: SimulatedPostgres,
    clock: ManualClock,
}

fn exercise(seed: &WorldSeed) -> Exercise {
    let clock = ManualClock::at("2026-03-01T02:00:00Z".parse().expect("a time"));
    let world = Arc::new(Mutex::new(World::new(seed, clock.now().as_microsecond())));
    let latency = Latency { read: Duration::from_millis(20), write: Duration::from_millis(40) };
    let shared = Arc::new(clock.clone());
    Exercise {
        provider: SimulatedPostgres::new(ProviderName::new("docs-db"), world.clone(), shared, latency),
        world,
        clock,
    }
}

impl Exercise {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nobody panicked")
    }

    fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    async fn bot(&self) -> Identity {
        let listing = self.provider.inventory().await.expect("it answers");
        listing.identities.into_iter().find(|identity| identity.name.raw() == "kb_reader").expect("it is listed")
    }

    async fn read(&self) -> Reading {
        self.provider.holdings(&self.bot().await).await.expect("it answers")
    }

    /// Performs in the order of ranks, as the engine's queues would.
    async fn strike(&self, reading: &Reading, depth: Depth) -> Vec<(Step, AnswerKind)> {
        let mut steps = self.provider.steps(reading, depth);
        steps.sort_by_key(|step| step.rank);
        let mut answers = Vec::new();
        for step in steps.into_iter().filter(|step| step.manual.is_none()) {
            let command = Command::of(&step).expect("one of ours");
            answers.push((step, self.provider.execute(&command).await.kind));
        }
        answers
    }
}

/// What is known about a sending that no postcondition here looks at.
fn unsent<T: Default>() -> T {
    T::default()
}

fn actions(steps: &[Step]) -> Vec<&str> {
    let mut words: Vec<&str> = steps.iter().map(|step| step.action.word()).collect();
    words.sort_unstable();
    words
}

fn classes(reading: &Reading, state: HoldingState) -> BTreeSet<&str> {
    reading.holdings.iter().filter(|holding| holding.state == state).map(|holding| holding.id.class()).collect()
}

#[tokio::test(start_paused = true)]
async fn isolating_leaves_nothing_alive_and_the_neighbour_untouched() {
    let exercise = exercise(&seed());
    let before = exercise.read().await;
    let steps = exercise.provider.steps(&before, Depth::Isolate);
    assert_eq!(actions(&steps), ["disable-login", "revoke-member", "revoke-membership", "terminate", "terminate"]);
    for (step, answer) in exercise.strike(&before, Depth::Isolate).await {
        assert_eq!(answer, AnswerKind::Accepted, "{:?}", step.id);
    }
    let after = exercise.read().await;
    assert_eq!(after.identity.state, IdentityState::Gated);
    assert!(classes(&after, HoldingState::Live).is_empty(), "{:?}", after.holdings);
    assert_eq!(classes(&after, HoldingState::Gated), BTreeSet::from(["membership", "password"]));
    for step in steps {
        assert_eq!(step.postcondition.judge(&after, &unsent()), Verdict::Holds, "{:?}", step.id);
    }
    let client = SessionSeed { client: "6.6.6.6".into(), ..SessionSeed::default() };
    let now = exercise.now();
    assert_eq!(exercise.world().log_in("kb_reader", &client, now), Err(Denied::NoLogin));
    assert!(exercise.world().log_in("neighbour", &client, now).is_ok());
    let pid = exercise.world().log_in("alice", &client, now).expect("alice may");
    assert_eq!(exercise.world().set_role(pid, "kb_reader"), Err(Denied::NotAMember));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_became_the_bot_earlier_is_named_until_it_ends() {
    let exercise = exercise(&seed());
    let client = SessionSeed { client: "10.0.0.9".into(), ..SessionSeed::default() };
    let now = exercise.now();
    let pid = exercise.world().log_in("alice", &client, now).expect("alice may");
    exercise.world().set_role(pid, "kb_reader").expect("she is a member");
    let before = exercise.read().await;
    exercise.strike(&before, Depth::Burn).await;
    assert_eq!(exercise.world().query(pid, "SELECT", now).as_deref(), Ok("kb_reader"), "it survives");
    let after = exercise.read().await;
    assert_eq!(classes(&after, HoldingState::Unlisted), BTreeSet::from(["set-role-session"]));

    // A session that began after the revocation is none.
    exercise.clock.advance(Duration::from_secs(5));
    let late = exercise.world().log_in("alice", &client, exercise.now()).expect("alice may");
    let again = exercise.read().await;
    let named = again.holdings.iter().filter(|holding| holding.state == HoldingState::Unlisted).count();
    assert_eq!(named, 1, "only {pid}, not {late}");

    exercise.world().hang_up(pid);
    assert!(classes(&exercise.read().await, HoldingState::Unlisted).is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_process_still_suspects_what_the_hints_of_the_first_name() {
    let first = exercise(&seed());
    let client = SessionSeed { client: "10.0.0.9".into(), ..SessionSeed::default() };
    let now = first.now();
    let pid = first.world().log_in("alice", &client, now).expect("alice may");
    first.world().set_role(pid, "kb_reader").expect("she is a member");
    let before = first.read().await;
    first.strike(&before, Depth::Isolate).await;
    let latency = Latency { read: Duration::ZERO, write: Duration::ZERO };
    let second = SimulatedPostgres::new(
        ProviderName::new("docs-db"),
        first.world.clone(),
        Arc::new(first.clock.clone()),
        latency,
    );
    let reading = second.holdings(&before.identity).await.expect("it answers");
    assert_eq!(classes(&reading, HoldingState::Unlisted), BTreeSet::from(["set-role-session"]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_is_found_by_the_next_reading_and_stays_out_behind_the_gate() {
    let exercise = exercise(&seed());
    let before = exercise.read().await;
    let ends = |reading: &Reading| {
        let steps = exercise.provider.steps(reading, Depth::Isolate);
        steps.into_iter().filter(|step| step.action.word() == "terminate").collect::<Vec<_>>()
    };
    // Without the gate: the worst order.
    for step in ends(&before) {
        exercise.provider.execute(&Command::of(&step).expect("ours")).await;
    }
    let back = exercise.read().await;
    assert_eq!(ends(&back).len(), 1, "one came back, as another session");
    let old: BTreeSet<_> = ends(&before).into_iter().map(|step| step.id).collect();
    assert!(!old.contains(&ends(&back)[0].id));
    exercise.strike(&back, Depth::Isolate).await;
    assert!(ends(&exercise.read().await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_the_read_decides() {
    let exercise = exercise(&seed());
    let before = exercise.read().await;
    exercise.world().lose_answers(1);
    let answers = exercise.strike(&before, Depth::Isolate).await;
    assert_eq!(answers[0].1, AnswerKind::Unknown);
    assert_eq!(exercise.read().await.identity.state, IdentityState::Gated);
    // Done again, it is the same.
    let again = exercise.strike(&before, Depth::Isolate).await;
    assert!(again.iter().all(|(_, kind)| matches!(kind, AnswerKind::Accepted | AnswerKind::Gone)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_unreachable_for_reads_and_steps() {
    let exercise = exercise(&seed());
    let before = exercise.read().await;
    exercise.world().set_down(true);
    assert!(matches!(exercise.provider.inventory().await, Err(ProviderError::Unreachable(_))));
    let answers = exercise.strike(&before, Depth::Isolate).await;
    assert!(answers.iter().all(|(_, kind)| *kind == AnswerKind::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_in_the_plan_and_in_the_answer() {
    let mut seed = seed();
    seed.roles[0].create_role = false;
    seed.roles[0].admin_of.clear();
    seed.roles[0].member_of.clear();
    let exercise = exercise(&seed);
    let reading = exercise.read().await;
    let missing: Vec<_> = exercise
        .provider
        .steps(&reading, Depth::Burn)
        .into_iter()
        .map(|step| (step.action.word().to_owned(), step.missing_permission.expect("each misses one")))
        .collect();
    assert!(missing.contains(&("disable-login".into(), "CREATEROLE".into())), "{missing:?}");
    assert!(missing.contains(&("terminate".into(), "pg_signal_backend".into())), "{missing:?}");
    assert!(missing.contains(&("revoke-member".into(), "ADMIN OPTION on role kb_reader".into())), "{missing:?}");
    assert!(!reading.gaps.is_empty(), "sessions are not seen in full");
    for (step, kind) in exercise.strike(&reading, Depth::Burn).await {
        assert_eq!(kind, AnswerKind::Refused { permission: step.missing_permission }, "{:?}", step.id);
    }
}

#[tokio::test(start_paused = true)]
async fn from_version_16_on_a_membership_by_another_grantor_is_for_a_person() {
    let mut seed = seed();
    seed.version = 160_004;
    let exercise = exercise(&seed);
    let reading = exercise.read().await;
    let steps = exercise.provider.steps(&reading, Depth::Isolate);
    let member = steps.iter().find(|step| step.action.word() == "revoke-member").expect("alice is a member");
    let manual = r#"as a superuser: REVOKE "kb_reader" FROM "alice" GRANTED BY "postgres" CASCADE"#;
    assert_eq!(member.manual.as_deref(), Some(manual));
}

#[tokio::test(start_paused = true)]
async fn burning_ends_the_password_and_cannot_be_read_back_by_all() {
    let exercise = exercise(&seed());
    let before = exercise.read().await;
    let steps = exercise.provider.steps(&before, Depth::Burn);
    let burn = steps.iter().find(|step| step.action.word() == "clear-password").expect("a burn");
    assert!(burn.postcondition.is_unreadable());
    exercise.strike(&before, Depth::Burn).await;
    exercise.world().set_down(false);

    let mut seed = seed();
    seed.roles[0].superuser = true;
    let seeing = self::exercise(&seed);
    let before = seeing.read().await;
    seeing.strike(&before, Depth::Burn).await;
    let after = seeing.read().await;
    let steps = seeing.provider.steps(&before, Depth::Burn);
    let burn = steps.iter().find(|step| step.action.word() == "clear-password").expect("a burn");
    assert!(matches!(burn.postcondition, Postcondition::Equal { .. }));
    assert_eq!(burn.postcondition.judge(&after, &unsent()), Verdict::Holds);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_dropped_keeps_its_open_sessions_in_sight() {
    let exercise = exercise(&seed());
    let bot = exercise.bot().await;
    exercise.world().drop_role("kb_reader");
    let reading = exercise.provider.holdings(&bot).await.expect("it answers");
    assert_eq!(reading.identity.state, IdentityState::Gone);
    assert_eq!(classes(&reading, HoldingState::Live), BTreeSet::from(["session"]));
    let answers = exercise.strike(&reading, Depth::Isolate).await;
    let kinds: Vec<_> = answers.iter().map(|(step, kind)| (step.action.word(), kind)).collect();
    assert_eq!(kinds[0], ("disable-login", &AnswerKind::Gone));
    assert!(kinds[1..].iter().all(|(_, kind)| **kind == AnswerKind::Accepted), "{kinds:?}");
    assert!(exercise.provider.holdings(&bot).await.expect("it answers").holdings.is_empty());
}

#[test]
fn a_scenario_file_says_only_what_differs_and_nothing_misspelt() {
    let text = r#"
        database = "docs"
        console = "estop"
        [[roles]]
        name = "estop"
        login = true
        [[roles]]
        name = "kb_reader"
        login = true
        member_of = ["pg_read_all_data"]
        sessions = [{ client = "10.0.0.7", reconnects = true }]
    "#;
    let seed: WorldSeed = toml::from_str(text).expect("it is good");
    let world = World::new(&seed, 0);
    let catalog = world.catalog(0);
    let bot = world.oid("kb_reader").expect("it is there");
    assert_eq!((catalog.sessions_of(bot).count(), catalog.edges.of_member(bot).count()), (1, 1));
    let misspelt = text.replace("member_of", "memberof");
    assert!(toml::from_str::<WorldSeed>(&misspelt).is_err());
}

//! The way back under paused time: what comes back, what has to be dead first, and who wins.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use estop::{
    domain::{BotName, BotState, IncidentId, Outcome, Reason, RestoreMode},
    engine::{BotEntry, Ended, Engine, ManualClock, Order, Parts, Provider, Refusal, RestoreOrder, Roster, Rules},
    journal::{Body, Entry, Operation, RecordBody, Store, fold},
};
use proptest::prelude::*;

use super::{
    clock, helpdesk,
    restorable::{Restorable, World},
    store_in_memory,
};

/// One host: several engines, each a process of somebody, over one store and one world.
pub struct Host {
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub servers: Vec<Arc<Restorable>>,
}

impl Host {
    pub fn new(worlds: Vec<World>) -> Self {
        let clock = clock();
        let store = store_in_memory(&clock);
        let servers = worlds.into_iter().zip(["a", "b"]);
        let servers = servers.map(|(world, name)| Restorable::new(name, world, clock.clone())).collect();
        Self { clock, store, servers }
    }

    pub fn parts(&self, read_only: bool) -> Parts {
        let identities = self.servers.iter().map(|server| server.bot().to_string()).collect();
        let entry = BotEntry { name: "helpdesk".to_owned(), identities, ..BotEntry::default() };
        Parts {
            providers: self.servers.iter().map(|server| server.clone() as Arc<dyn Provider>).collect(),
            roster: Roster::new(&[], &[], vec![entry], std::iter::empty::<String>()).unwrap(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            exercise: None,
            read_only,
            rules: Rules::default(),
        }
    }

    async fn engine(&self) -> Engine {
        let engine = Engine::new(self.parts(false));
        engine.refresh().await;
        engine
    }

    pub fn operations(&self) -> Vec<Operation> {
        let incidents = self.store.incidents().unwrap();
        incidents.iter().flat_map(|id| fold(*id, &self.store.read(*id).unwrap().records).operations).collect()
    }
}

pub fn order(mode: RestoreMode) -> RestoreOrder {
    RestoreOrder { bot: helpdesk(), mode, plan: None, name_typed: true, reason: None }
}

pub async fn isolate(engine: &Engine) -> Ended {
    engine.isolate(Order::isolate(helpdesk())).await.unwrap().ended().await.unwrap()
}

pub async fn restore(engine: &Engine, mode: RestoreMode) -> Ended {
    engine.restore(order(mode)).await.unwrap().ended().await.unwrap()
}

fn state(engine: &Engine) -> BotState {
    engine.snapshot().bot(&helpdesk()).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn after_a_false_alarm_everything_is_back_but_what_was_named() {
    let world = World::with(&["reader", "writer"], 2);
    let host = Host::new(vec![world.clone()]);
    let engine = host.engine().await;
    assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
    let plan = engine.plan_restore(&helpdesk(), RestoreMode::FalseAlarm).await.unwrap();
    assert_eq!(
        plan.hash,
        engine.plan_restore(&helpdesk(), RestoreMode::FalseAlarm).await.unwrap().hash,
        "it is stable"
    );
    assert_ne!(plan.hash, engine.plan_restore(&helpdesk(), RestoreMode::Rotate).await.unwrap().hash);
    assert_eq!(plan.lost().len(), 2);
    host.servers[0].log.lock().unwrap().clear();
    let ended = restore(&engine, RestoreMode::FalseAlarm).await;
    let Outcome::Restored { lost, reissue } = &ended.outcome else { panic!("{ended:?}") };
    assert_eq!((lost.len(), reissue.len()), (2, 0));
    assert_eq!(host.servers[0].world(), World { sessions: [].into(), ..world });
    assert_eq!(host.servers[0].log().last().map(String::as_str), Some("enable bot"), "the gate opens last");
    assert_eq!(state(&engine), BotState::Live);

    let incident = host.store.incidents().unwrap()[0];
    let records = host.store.read(incident).unwrap().records;
    let restored = records.iter().skip_while(|record| record.kind != "op.end").skip(1);
    let kinds: Vec<&str> = restored.map(|record| &*record.kind).collect();
    assert_eq!(&kinds[..4], ["op.claim", "evidence.snapshot", "restore.diff", "plan.intent"]);
    assert_eq!(kinds.last(), Some(&"op.end"));
    assert!(fold(incident, &records).remarks.is_empty());

    let again = engine.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err();
    assert_eq!(again, Refusal::NothingToRestore(helpdesk()));
    assert_eq!(isolate(&engine).await.outcome, Outcome::Dark, "a new isolation works");
    assert_eq!(state(&engine), BotState::Dark);
}

#[tokio::test(start_paused = true)]
async fn rotate_opens_the_gate_only_when_the_old_secret_is_proved_gone() {
    let host = Host::new(vec![World::with(&["reader"], 1)]);
    let engine = host.engine().await;
    isolate(&engine).await;
    host.servers[0].log.lock().unwrap().clear();
    let ended = restore(&engine, RestoreMode::Rotate).await;
    let Outcome::Restored { reissue, .. } = &ended.outcome else { panic!("{ended:?}") };
    assert_eq!(reissue.len(), 1);
    let world = host.servers[0].world();
    assert!(world.enabled && !world.opens(1) && world.roles.contains("reader"), "{world:?}");
    assert_eq!(host.servers[0].log(), ["end-secret secret", "add-role reader", "enable bot"]);
}

/// A yes that changes nothing, a refusal, a server that is away: the gate stays shut and the bot dark.
#[tokio::test(start_paused = true)]
async fn what_is_not_proved_first_keeps_the_gate_shut() {
    for fault in ["silent", "refused"] {
        let host = Host::new(vec![World::with(&["reader"], 0), World::with(&[], 0)]);
        let engine = host.engine().await;
        isolate(&engine).await;
        let server = &host.servers[0];
        let faults = if fault == "silent" { &server.silent } else { &server.refused };
        faults.lock().unwrap().insert("end-secret");
        let ended = restore(&engine, RestoreMode::Rotate).await;
        match &ended.outcome {
            Outcome::Contradicted { alive, .. } if fault == "silent" => assert_eq!(alive.len(), 1, "{alive:?}"),
            Outcome::Partial { reasons, .. } if fault == "refused" => {
                assert!(reasons.iter().any(|reason| matches!(reason, Reason::Refused { .. })), "{reasons:?}");
                assert!(reasons.iter().any(|reason| matches!(reason, Reason::NotSent { .. })), "{reasons:?}");
            }
            other => panic!("{fault}: {other:?}"),
        }
        for server in &host.servers {
            assert!(!server.world().enabled, "{fault}: nothing is opened");
        }
        assert_eq!(state(&engine), BotState::Dark, "the isolation still holds");
        faults.lock().unwrap().clear();
        let ended = restore(&engine, RestoreMode::Rotate).await;
        assert!(matches!(ended.outcome, Outcome::Restored { .. }), "{fault}: it can be done again: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_come_back_keeps_the_gate_shut_and_a_second_try_finishes() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let engine = host.engine().await;
    isolate(&engine).await;
    host.servers[0].silent.lock().unwrap().insert("add-role");
    let Outcome::Partial { reasons, .. } = restore(&engine, RestoreMode::FalseAlarm).await.outcome else {
        panic!("not partial")
    };
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::Unknown { .. })), "{reasons:?}");
    assert!(!host.servers[0].world().enabled);
    host.servers[0].silent.lock().unwrap().clear();
    let mut left = engine.resume(None).await.unwrap();
    let ended = left.remove(0).ended().await.unwrap();
    assert!(matches!(ended.outcome, Outcome::Restored { .. }), "{ended:?}");
    assert_eq!(host.servers[0].world(), World::with(&["reader"], 0));
}

#[tokio::test(start_paused = true)]
async fn guards_refuse_before_anything_is_sent() {
    let host = Host::new(vec![World::with(&["reader"], 0), World::with(&[], 0)]);
    let engine = host.engine().await;
    let nobody = RestoreOrder { bot: BotName::new("nobody"), ..order(RestoreMode::Rotate) };
    assert_eq!(engine.restore(nobody).await.unwrap_err(), Refusal::UnknownBot("nobody".to_owned()));
    let live = engine.restore(order(RestoreMode::Rotate)).await.unwrap_err();
    assert_eq!(live, Refusal::NothingToRestore(helpdesk()));
    *host.servers[1].down.lock().unwrap() = true;
    assert!(matches!(isolate(&engine).await.outcome, Outcome::Partial { .. }));
    let open = engine.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err();
    assert!(matches!(open, Refusal::IsolationOpen { .. }), "{open:?}");
    *host.servers[1].down.lock().unwrap() = false;
    engine.resume(None).await.unwrap().remove(0).ended().await.unwrap();

    let sent = || host.servers.iter().map(|server| server.log().len()).sum::<usize>();
    let before = sent();
    let untyped = RestoreOrder { name_typed: false, ..order(RestoreMode::FalseAlarm) };
    assert_eq!(engine.restore(untyped).await.unwrap_err(), Refusal::NotConfirmed(helpdesk()));
    let other = engine.plan_restore(&helpdesk(), RestoreMode::Rotate).await.unwrap().hash.clone();
    let changed = RestoreOrder { plan: Some(other), ..order(RestoreMode::FalseAlarm) };
    assert!(matches!(engine.restore(changed).await.unwrap_err(), Refusal::PlanChanged { .. }));
    *host.servers[0].down.lock().unwrap() = true;
    let unread = engine.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err();
    assert!(matches!(unread, Refusal::Unread { .. }), "{unread:?}");
    *host.servers[0].down.lock().unwrap() = false;
    let viewer = Engine::new(host.parts(true));
    viewer.refresh().await;
    assert_eq!(viewer.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err(), Refusal::ReadOnly);
    assert_eq!(sent(), before, "nothing was sent");
    let refusals = host.store.read_host().unwrap().records;
    assert!(refusals.iter().filter(|record| record.kind == "guard.refused").count() >= 3, "{refusals:?}");
}

/// What somebody changed since the isolation stays as they left it; another isolation undoes against the first.
#[tokio::test(start_paused = true)]
async fn two_isolations_are_undone_against_what_was_there_first() {
    let host = Host::new(vec![World::with(&["reader", "writer"], 0)]);
    let engine = host.engine().await;
    isolate(&engine).await;
    {
        let mut world = host.servers[0].world.lock().unwrap();
        world.enabled = true;
        world.roles.insert("admin".to_owned());
    }
    engine.refresh_bot(&helpdesk()).await;
    assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
    let ended = restore(&engine, RestoreMode::FalseAlarm).await;
    assert!(matches!(ended.outcome, Outcome::Restored { .. }), "{ended:?}");
    assert_eq!(host.servers[0].world(), World::with(&["reader", "writer"], 0), "what came later does not come back");
}

/// In one process, or in two that share a state directory: the isolation is never refused, the restore stops.
#[tokio::test(start_paused = true)]
async fn whoever_isolates_wins_over_a_restore_that_runs() {
    for same_process in [true, false] {
        for held in ["add-role", "enable"] {
            let host = Host::new(vec![World::with(&["reader"], 1)]);
            let engine = host.engine().await;
            isolate(&engine).await;
            host.servers[0].held.lock().unwrap().insert(held);
            let restoring = engine.restore(order(RestoreMode::FalseAlarm)).await.unwrap();
            let mut events = engine.subscribe();
            while !matches!(
                &*events.recv().await.unwrap(),
                estop::engine::EngineEvent::Step { state: estop::domain::StepState::Sent, .. }
            ) {}
            let second = engine.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err();
            assert!(matches!(second, Refusal::RestoreOpen { .. }), "{second:?}");
            let other = if same_process { engine.clone() } else { host.engine().await };
            let isolating = other.isolate(Order::isolate(helpdesk())).await.unwrap();
            // The restore's request lands in the middle of the strike.
            tokio::time::sleep(Duration::from_millis(700)).await;
            host.servers[0].release.add_permits(50);
            let (restored, isolated) = tokio::join!(restoring.ended(), isolating.ended());
            let Outcome::Partial { reasons, .. } = restored.unwrap().outcome else { panic!("it went on: {held}") };
            assert!(reasons.iter().any(|reason| matches!(reason, Reason::Superseded { .. })), "{reasons:?}");
            assert_eq!(isolated.unwrap().outcome, Outcome::Dark, "{held}");
            let world = host.servers[0].world();
            assert!(!world.enabled && world.roles.is_empty(), "{same_process} {held}: {world:?}");
            assert!(engine.resume(None).await.unwrap().is_empty(), "the restore is over for good");
            other.settle().await;
            assert_eq!(state(&other), BotState::Dark);
            host.servers[0].held.lock().unwrap().clear();
            let ended = restore(&other, RestoreMode::FalseAlarm).await;
            assert!(matches!(ended.outcome, Outcome::Restored { .. }), "{ended:?}");
            assert_eq!(host.servers[0].world().roles, World::with(&["reader"], 0).roles);
        }
    }
}

/// What `kill -9` leaves at every line of a restore: resume finishes it, under the same keys, and never isolates.
#[tokio::test(start_paused = true)]
async fn resume_finishes_a_restore_whatever_line_it_was_killed_at() {
    let world = World::with(&["reader", "writer"], 1);
    for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
        let host = Host::new(vec![world.clone()]);
        let engine = host.engine().await;
        isolate(&engine).await;
        let cut_off = host.servers[0].world();
        restore(&engine, mode).await;
        let incident = host.store.incidents().unwrap()[0];
        let whole = host.store.read(incident).unwrap().records;
        let armed = whole.iter().rposition(|record| record.kind == "plan.intent").unwrap();
        for until in armed + 1..whole.len() {
            let left = Host::new(vec![cut_off.clone()]);
            replay(&left.store, incident, &whole[..until]).await;
            let engine = left.engine().await;
            let refused = engine.restore(order(mode)).await.unwrap_err();
            assert!(matches!(refused, Refusal::RestoreOpen { .. }), "{refused:?}");
            let ended = engine.resume(None).await.unwrap().remove(0).ended().await.unwrap();
            assert!(matches!(ended.outcome, Outcome::Restored { .. }), "{mode:?} line {until}: {ended:?}");
            let now = left.servers[0].world();
            let secret = if mode == RestoreMode::Rotate { now.secret } else { Some(1) };
            assert_eq!(now, World { sessions: [].into(), secret, ..world.clone() }, "{mode:?} line {until}");
            assert!(!now.opens(1) || mode == RestoreMode::FalseAlarm);
            let kinds = left.servers[0].log();
            assert!(!kinds.iter().any(|line| line.starts_with("disable") || line.starts_with("remove")), "{kinds:?}");
            assert_eq!(left.operations().len(), 2, "no operation is invented");
            assert_eq!(state(&engine), BotState::Live);
            one_key_each(&left.store, incident);
        }
    }
}

async fn replay(store: &Store, incident: IncidentId, records: &[estop::journal::Record]) {
    let journal = store.open(incident).await.unwrap();
    for record in records {
        let RecordBody::Known(body) = &record.body else { panic!("unknown kind") };
        let entry = Entry { op: record.op, epoch: record.epoch, body: body.clone() };
        journal.commit(vec![entry]).await.unwrap();
    }
}

fn one_key_each(store: &Store, incident: IncidentId) {
    let mut keys = BTreeMap::new();
    for record in &store.read(incident).unwrap().records {
        if let RecordBody::Known(Body::StepAttempt { step, key, .. }) = &record.body {
            assert_eq!(*keys.entry((record.op, step.clone())).or_insert(*key), *key, "{step:?} has two keys");
        }
    }
}

/// A restore that gave way is left alone even where it never wrote its end.
#[tokio::test(start_paused = true)]
async fn a_killed_restore_never_opens_what_was_isolated_since() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let engine = host.engine().await;
    isolate(&engine).await;
    restore(&engine, RestoreMode::FalseAlarm).await;
    let incident = host.store.incidents().unwrap()[0];
    let whole = host.store.read(incident).unwrap().records;
    let armed = whole.iter().rposition(|record| record.kind == "plan.intent").unwrap();
    let left = Host::new(vec![World { enabled: false, roles: [].into(), ..World::with(&[], 0) }]);
    replay(&left.store, incident, &whole[..=armed]).await;
    let engine = left.engine().await;
    assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
    assert!(engine.resume(None).await.unwrap().is_empty());
    assert!(!left.servers[0].world().enabled);
    assert!(engine.unfinished(None).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    /// Isolate, then a false alarm: the world is as before but for what was named lost. Rotate: the stolen secret opens
    /// nothing. And what was isolated once can be isolated again.
    #[test]
    fn the_way_back_leads_back(
        reader in any::<bool>(), writer in any::<bool>(), admin in any::<bool>(), sessions in 0u32..4,
        rotate in any::<bool>(), twice in any::<bool>(), flaky in 0usize..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let all = [("reader", reader), ("writer", writer), ("admin", admin)];
            let roles: Vec<&str> = all.iter().filter(|(_, has)| *has).map(|(role, _)| *role).collect();
            let world = World::with(&roles, sessions);
            let host = Host::new(vec![world.clone()]);
            let engine = host.engine().await;
            prop_assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
            if twice {
                host.servers[0].world.lock().unwrap().enabled = true;
                engine.refresh_bot(&helpdesk()).await;
                prop_assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
            }
            let mode = if rotate { RestoreMode::Rotate } else { RestoreMode::FalseAlarm };
            let named = engine.plan_restore(&helpdesk(), mode).await.unwrap().lost().len();
            let fault = ["add-role", "enable", "nothing"][flaky];
            host.servers[0].refused.lock().unwrap().insert(fault);
            let first = restore(&engine, mode).await.outcome;
            host.servers[0].refused.lock().unwrap().clear();
            if !matches!(first, Outcome::Restored { .. }) {
                prop_assert!(!host.servers[0].world().enabled, "{:?}", first);
                let again = restore(&engine, mode).await.outcome;
                prop_assert!(matches!(again, Outcome::Restored { .. }), "{:?}", again);
            }
            let now = host.servers[0].world();
            prop_assert_eq!(named, world.sessions.len());
            let secret = if rotate { None } else { world.secret };
            prop_assert_eq!(now, World { sessions: [].into(), secret, ..world });
            prop_assert_eq!(state(&engine), BotState::Live);
            prop_assert_eq!(isolate(&engine).await.outcome, Outcome::Dark);
            Ok(())
        })?;
    }
}

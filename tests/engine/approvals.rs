//! The second pair of eyes: who may approve what, for how long, and how often.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{Outcome, RestoreMode},
    engine::{ApprovalFault, Engine, Login, Parts, People, Refusal, Right, Rules},
};

use super::{
    helpdesk,
    restorable::World,
    restore::{Host, isolate, order, restore},
};

/// Somebody; everybody but mallory leads, and everybody but vera responds.
#[derive(Debug)]
struct Somebody {
    name: &'static str,
    uid: u32,
    /// Whom sudo says that it was called by.
    called_by: Option<(&'static str, u32)>,
}

fn login((name, uid): (&str, u32)) -> Login {
    Login { uid, name: name.to_owned() }
}

impl People for Somebody {
    fn login(&self) -> Login {
        login((self.name, self.uid))
    }

    fn accounts(&self) -> Vec<Login> {
        [self.login()].into_iter().chain(self.called_by.map(login)).collect()
    }

    fn is_root(&self) -> bool {
        false
    }

    fn is_member(&self, group: &str) -> Result<bool, String> {
        match group {
            "ir-leads" => Ok(self.name != "mallory"),
            "ir" => Ok(self.name != "vera"),
            _ => Err(format!("no group is named {group}")),
        }
    }
}

/// A process of somebody, where restores need a second person.
async fn of(host: &Host, name: &'static str, uid: u32, group: &str) -> Engine {
    by(host, Somebody { name, uid, called_by: None }, group).await
}

async fn by(host: &Host, somebody: Somebody, group: &str) -> Engine {
    let rules = Rules {
        responder_group: Some("ir".to_owned()),
        approver_group: Some(group.to_owned()),
        people: Arc::new(somebody),
        ..Rules::default()
    };
    let engine = Engine::new(Parts { rules, ..host.parts(false) });
    engine.refresh().await;
    engine
}

/// No approval, one's own, for another operation, expired, used twice, unknown group; a valid one once.
#[tokio::test(start_paused = true)]
async fn a_second_person_has_to_approve_and_each_approval_works_once() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let alice = of(&host, "alice", 1001, "ir-leads").await;
    isolate(&alice).await;
    let mode = RestoreMode::FalseAlarm;
    let sent = host.servers[0].log().len();
    let fault = |refusal: Refusal| match refusal {
        Refusal::NotApproved { fault, .. } => fault,
        other => panic!("{other:?}"),
    };
    let refused = fault(alice.restore(order(mode)).await.unwrap_err());
    assert!(matches!(refused, ApprovalFault::Missing { .. }), "{refused:?}");

    let plan = alice.plan_restore(&helpdesk(), mode).await.unwrap();
    assert!(plan.needs_approval);
    // Another terminal and another name are the same login.
    alice.approve(plan.hash.as_str()).await.unwrap();
    let refused = fault(alice.restore(order(mode)).await.unwrap_err());
    assert!(matches!(refused, ApprovalFault::Own { .. }), "{refused:?}");

    let bob = of(&host, "bob", 1002, "ir-leads").await;
    let other = bob.plan_restore(&helpdesk(), RestoreMode::Rotate).await.unwrap();
    bob.approve(&other.hash.as_str()[..12]).await.unwrap();
    let refused = fault(alice.restore(order(mode)).await.unwrap_err());
    assert!(matches!(refused, ApprovalFault::Own { .. } | ApprovalFault::OtherPlan { .. }), "{refused:?}");
    for typed in ["0123456789ab", &plan.hash.as_str()[..11], ""] {
        assert!(matches!(bob.approve(typed).await.unwrap_err(), Refusal::NoSuchPlan(_)), "{typed}");
    }
    let mallory = of(&host, "mallory", 1003, "ir-leads").await;
    assert!(matches!(mallory.approve(plan.hash.as_str()).await.unwrap_err(), Refusal::NotApprover { .. }));
    let nowhere = of(&host, "bob", 1002, "no-such-group").await;
    assert!(matches!(nowhere.approve(plan.hash.as_str()).await.unwrap_err(), Refusal::NotApprover { .. }));

    bob.approve(plan.hash.as_str()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(16)).await;
    let refused = fault(alice.restore(order(mode)).await.unwrap_err());
    assert!(matches!(refused, ApprovalFault::Expired { .. }), "{refused:?}");
    assert_eq!(host.servers[0].log().len(), sent, "nothing was sent");

    let approved = bob.approve(plan.hash.as_str()).await.unwrap();
    assert_eq!((approved.mode, approved.by.as_str()), (mode, "bob (uid 1002)"));
    // The restore fails half-way: the approval is used up all the same.
    host.servers[0].refused.lock().unwrap().insert("add-role");
    assert!(matches!(restore(&alice, mode).await.outcome, Outcome::Partial { .. }));
    host.servers[0].refused.lock().unwrap().clear();
    let refused = fault(alice.restore(order(mode)).await.unwrap_err());
    assert!(matches!(refused, ApprovalFault::Used { .. }), "{refused:?}");
    let line = host.operations().iter().find_map(|one| one.restores.clone()?.approval).unwrap();
    assert!(line.starts_with(&approved.incident.to_string()), "{line}");
    bob.approve(plan.hash.as_str()).await.unwrap();
    assert!(matches!(restore(&alice, mode).await.outcome, Outcome::Restored { .. }));

    let records = host.store.read(approved.incident).unwrap().records;
    let refusals = records.iter().filter(|record| record.kind == "approval.refused").count();
    assert!(refusals >= 5, "{refusals} refusals are on record");
}

/// The same approval cannot let two restores through, even if both looked before either had begun.
#[tokio::test(start_paused = true)]
async fn of_two_restores_at_once_one_goes() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let (alice, carol) = (of(&host, "alice", 1001, "ir-leads").await, of(&host, "carol", 1004, "ir-leads").await);
    isolate(&alice).await;
    let plan = alice.plan_restore(&helpdesk(), RestoreMode::FalseAlarm).await.unwrap();
    of(&host, "bob", 1002, "ir-leads").await.approve(plan.hash.as_str()).await.unwrap();
    let (one, other) =
        tokio::join!(alice.restore(order(RestoreMode::FalseAlarm)), carol.restore(order(RestoreMode::FalseAlarm)));
    let mut restored = 0;
    for running in [one, other].into_iter().flatten() {
        let outcome = running.ended().await.unwrap().outcome;
        restored += usize::from(matches!(outcome, Outcome::Restored { .. }));
    }
    assert_eq!(restored, 1);
    let enables = host.servers[0].log().iter().filter(|line| *line == "enable bot").count();
    assert_eq!(enables, 1);
}

/// Who only views may neither restore nor approve, whichever groups they lead, and the attempts are on record.
#[tokio::test(start_paused = true)]
async fn a_viewer_neither_restores_nor_approves() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let alice = of(&host, "alice", 1001, "ir-leads").await;
    isolate(&alice).await;
    let plan = alice.plan_restore(&helpdesk(), RestoreMode::FalseAlarm).await.unwrap();
    of(&host, "bob", 1002, "ir-leads").await.approve(plan.hash.as_str()).await.unwrap();
    let sent = host.servers[0].log().len();
    let vera = of(&host, "vera", 1005, "ir-leads").await;
    let refused = vera.restore(order(RestoreMode::FalseAlarm)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Viewer { right: Right::Restore, .. }), "{refused:?}");
    let refused = vera.approve(plan.hash.as_str()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Viewer { right: Right::Approve, .. }), "{refused:?}");
    assert_eq!(host.servers[0].log().len(), sent, "nothing was sent");
    let records = host.store.read_host().unwrap().records;
    assert_eq!(records.iter().filter(|record| record.kind == "guard.refused").count(), 2);
}

/// Where the kernel knows no login, sudo makes no second person of somebody.
#[tokio::test(start_paused = true)]
async fn two_accounts_of_one_person_are_no_two_people() {
    let host = Host::new(vec![World::with(&["reader"], 0)]);
    let mode = RestoreMode::FalseAlarm;
    let alice = of(&host, "alice", 1001, "ir-leads").await;
    isolate(&alice).await;
    let plan = alice.plan_restore(&helpdesk(), mode).await.unwrap();
    let as_bob = Somebody { name: "bob", uid: 1002, called_by: Some(("alice", 1001)) };
    let as_bob = by(&host, as_bob, "ir-leads").await;
    let refused = as_bob.approve(plan.hash.as_str()).await.unwrap_err();
    assert!(matches!(&refused, Refusal::NotApprover { who, .. } if who == "bob (uid 1002)"), "{refused:?}");
    alice.approve(plan.hash.as_str()).await.unwrap();
    let refused = as_bob.restore(order(mode)).await.unwrap_err();
    let own = ApprovalFault::Own { by: "alice (uid 1001)".to_owned() };
    assert_eq!(refused, Refusal::NotApproved { bot: helpdesk(), fault: own });
}

//! The second pair of eyes: who may approve what, for how long, and how often.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{Outcome, RestoreMode},
    engine::{ApprovalFault, Approvers, Directory, Engine, Person, Refusal},
};

use super::{
    helpdesk,
    restorable::World,
    restore::{Host, isolate, order, restore},
};

/// Who may approve, by name.
struct Leads;

impl Directory for Leads {
    fn is_member(&self, person: &Person, group: &str) -> Result<bool, String> {
        if group == "ir-leads" { Ok(person.name != "mallory") } else { Err(format!("no group is named {group}")) }
    }
}

/// A process of somebody, where restores need a second person.
async fn of(host: &Host, name: &str, uid: u32, group: &str) -> Engine {
    let me = Person { uid: Some(uid), name: name.to_owned() };
    let approvers = Approvers { group: group.to_owned(), me, directory: Arc::new(Leads) };
    let engine = Engine::with_approvers(host.parts(false), Some(approvers));
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

//! Two processes on one journal, and what may be armed.

use super::*;
use crate::{domain::StepState, journal::JournalError};
/// Two processes on one journal: each reads what the other added, and the newer claim wins.
#[tokio::test]
async fn a_taken_over_operation_cannot_be_armed_by_the_process_left_behind() {
    let memory = MemorySink::default();
    let first = journal(1, &memory, memory.clone()).unwrap();
    let second = journal(2, &memory, memory.clone()).unwrap();
    let hash = || crate::domain::PlanHash::of(&bot(), crate::domain::Depth::Isolate, &[]);
    first.arm(OP, 1, vec![claim(1)], hash(), 0, vec![step(0)]).await.unwrap();
    let armed = second.arm(OP, 2, vec![claim(2)], hash(), 0, vec![step(0)]).await.unwrap();
    assert_eq!(armed[0].key(), OP.key(&step_id(0)));
    let behind = first.arm(OP, 1, Vec::new(), hash(), 1, vec![step(1)]).await;
    assert_eq!(behind.unwrap_err(), JournalError::Superseded { op: OP, epoch: 2 });
    let twice = first.commit(vec![claim(2)]).await;
    assert_eq!(twice.unwrap_err(), JournalError::Superseded { op: OP, epoch: 2 });
    first.commit(vec![attempt(1, 0, 1)]).await.unwrap();
    let folded = crate::journal::fold(INCIDENT, &read(&memory).records);
    assert_eq!(folded.operations[0].steps[&step_id(0)].state, StepState::Armed, "a stale line changes nothing");
    assert_eq!(folded.remarks.len(), 1);
}

#[tokio::test]
async fn only_durable_intents_are_armed_again() {
    let disk = Scripted::default();
    let first = journal(1, &disk.memory, disk.clone()).unwrap();
    first.commit(vec![claim(1), intent(1, [0, 1])]).await.unwrap();
    disk.script().failing_sync = Some(2);
    first.commit(vec![intent(1, [2])]).await.unwrap_err();
    let ids: Vec<_> = (0..4).map(step_id).collect();
    let armed = first.rearm(OP, ids.clone()).await.unwrap();
    assert_eq!(armed.iter().map(|armed| &armed.step().id).collect::<Vec<_>>(), [&ids[0], &ids[1]]);
    let glass = first.break_glass();
    glass.commit(vec![intent(1, [3])]).await.unwrap();
    let armed = glass.rearm(OP, ids.clone()).await.unwrap();
    let mut names: Vec<_> = armed.iter().map(|armed| armed.step().id.clone()).collect();
    names.sort();
    assert_eq!(names, [ids[0].clone(), ids[1].clone(), ids[3].clone()]);
    assert!(glass.trouble().is_some_and(|why| why.contains("memory only")), "it says so for ever");
}

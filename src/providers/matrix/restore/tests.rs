use super::*;
use crate::{
    domain::{Depth, Restoration, StepState},
    providers::matrix::{steps::steps, testing::account},
};

fn done(before: &Reading, depth: Depth) -> Vec<StepRecord> {
    let verified = |step| StepRecord { state: StepState::Verified, ..StepRecord::planned(step) };
    steps(before, depth).into_iter().map(verified).collect()
}

fn words(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.action.word()).collect()
}

fn lost(out: &Restoration) -> Vec<&str> {
    out.lost.iter().map(|lost| lost.what.raw()).collect()
}

#[test]
fn a_false_alarm_opens_the_lock_and_names_what_is_lost() {
    let before = account(false, false, &["AAA"]);
    let out = restore(&before, &account(true, false, &[]), &done(&before, Depth::Isolate), RestoreMode::FalseAlarm);
    assert_eq!((words(&out.first), words(&out.then)), (vec![], vec![action::UNLOCK]));
    assert_eq!(lost(&out), ["device AAA"]);
    assert!(out.changes[0].then.contains("an admin once made"), "it wakes with the lock");
    assert!(out.gaps.is_empty() && out.reissue.is_empty());
}

#[test]
fn to_rotate_everything_from_before_ends_first() {
    let before = account(false, false, &["AAA"]);
    let done = done(&before, Depth::Isolate);
    let out = restore(&before, &account(true, false, &["NEW"]), &done, RestoreMode::Rotate);
    assert_eq!(words(&out.first), [action::RESET_PASSWORD, action::END_DEVICE, action::END_ADMIN_MADE]);
    assert!(out.first[2].by_hand, "what no list has is ended by those who made it");
    assert_eq!(words(&out.then), [action::UNLOCK]);
    assert_eq!(out.reissue.len(), 1);
}

#[test]
fn what_was_deactivated_stays_locked() {
    let before = account(false, false, &[]);
    for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
        let out = restore(&before, &account(true, true, &[]), &done(&before, Depth::Burn), mode);
        assert!(out.first.is_empty(), "{mode:?}");
        assert_eq!(words(&out.then), [action::REACTIVATE], "{mode:?}");
        assert!(out.then[0].by_hand && out.then[0].instruction().is_some(), "it is never said to be restored");
        assert_eq!((out.lost.len(), out.reissue.len()), (1, 1));
    }
}

#[test]
fn a_lock_that_is_not_ours_stays() {
    let (before, now) = (account(false, false, &[]), account(true, false, &[]));
    assert!(restore(&before, &now, &[], RestoreMode::FalseAlarm).then.is_empty(), "nothing of ours was done");
    let locked_before = account(true, false, &[]);
    let records = done(&locked_before, Depth::Isolate);
    assert!(restore(&locked_before, &now, &records, RestoreMode::FalseAlarm).then.is_empty(), "it was before");
    // A read that began just before the gate was sent may show the lock that it set.
    let sent_at = locked_before.read_at.checked_add(jiff::SignedDuration::from_secs(1)).ok();
    let gate = |record: StepRecord| StepRecord { sent_at, ..record };
    let raced: Vec<StepRecord> = records.into_iter().map(gate).collect();
    assert_eq!(words(&restore(&locked_before, &now, &raced, RestoreMode::FalseAlarm).then), [action::UNLOCK]);
    let opened = restore(&before, &before, &done(&before, Depth::Isolate), RestoreMode::FalseAlarm);
    assert!(opened.then.is_empty() && opened.changes[0].now.contains("somebody unlocked it"));
    let mut unread = now.clone();
    unread.facts.remove(fact::LOCKED);
    let out = restore(&before, &unread, &done(&before, Depth::Isolate), RestoreMode::FalseAlarm);
    assert!(out.then.is_empty() && out.gaps.len() == 1);
}

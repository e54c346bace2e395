//! The fold: epochs, the table, and what no order of lines may do.

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    domain::{AnswerKind, Lane, Outcome, Reason, Restoration, RestoreMode, RestorePlan, StepId, StepState, Verdict},
    journal::{Entry, Hash, ProcRef, RecordBody, Restores, fixture::*},
};

/// Records as a journal would have them, a second apart; the fold looks at neither chain nor process.
fn records(entries: Vec<Entry>) -> Vec<Record> {
    let record = |(seq, entry): (u64, Entry)| Record {
        v: 1,
        seq,
        at: Timestamp::from_second(1_764_000_000 + i64::try_from(seq).unwrap()).unwrap(),
        mono_ms: seq * 1000,
        incident: Some(INCIDENT),
        exercise: None,
        proc: ProcRef::Id(Uuid::from_u128(1)),
        op: entry.op,
        epoch: entry.epoch,
        who: None,
        kind: entry.body.kind().into(),
        controls: [].into(),
        body: RecordBody::Known(entry.body),
        prev: Hash::ZERO,
        h: Hash::ZERO,
    };
    (0..).zip(entries).map(record).collect()
}

fn ended(outcome: Outcome) -> Entry {
    let body = Body::OpEnd {
        bot: bot(),
        outcome: outcome.word().to_owned(),
        detail: outcome,
        cut_at: None,
        time_to_first_cut_ms: Some(2),
        time_to_verified_ms: None,
    };
    Entry::of(OP, 1, body)
}

fn partial(reason: Reason) -> Outcome {
    Outcome::Partial { reasons: vec![reason], residual: Vec::new() }
}

#[test]
fn a_step_goes_as_its_records_say() {
    let folded = fold(INCIDENT, &records(five()));
    assert_eq!(folded.remarks, []);
    let operation = folded.operation(OP).unwrap();
    let step = &operation.steps[&step_id(0)];
    assert_eq!((&step.state, step.attempts), (&StepState::Verified, 1));
    assert_eq!(step.sent_at, Timestamp::from_second(1_764_000_002).ok());
    assert_eq!(step.answered_at, Timestamp::from_second(1_764_000_003).ok());
    assert!(operation.is_unfinished(), "it has not ended");
}

#[test]
fn the_table_wins_over_what_a_line_says() {
    let lie = answer(1, 0, AnswerKind::Refused { permission: None }, StepState::Verified);
    let folded = fold(INCIDENT, &records(vec![claim(1), intent(1, [0]), attempt(1, 0, 1), lie, verified(1, 7)]));
    let state = &folded.operations[0].steps[&step_id(0)].state;
    assert_eq!(*state, StepState::Refused { permission: None });
    assert_eq!(folded.remarks.iter().map(|remark| remark.seq).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn an_answer_without_an_attempt_changes_nothing() {
    let early = answer(1, 0, AnswerKind::Accepted, StepState::Accepted);
    let folded = fold(INCIDENT, &records(vec![claim(1), intent(1, [0]), early, verified(1, 0)]));
    assert_eq!(folded.operations[0].steps[&step_id(0)].state, StepState::Armed);
    assert_eq!(folded.remarks.len(), 2);
}

#[test]
fn a_retry_is_waited_for() {
    let until = Timestamp::from_second(1_764_000_009).unwrap();
    let retrying = StepState::Retrying { attempt: 1, until };
    let later = answer(1, 0, AnswerKind::Transient, retrying.clone());
    let folded = fold(INCIDENT, &records(vec![claim(1), intent(1, [0]), attempt(1, 0, 1), later]));
    assert_eq!(folded.operations[0].steps[&step_id(0)].state, retrying);
    assert_eq!(folded.remarks, []);
}

#[test]
fn lines_of_an_older_epoch_are_stale() {
    let mut entries = vec![claim(1), intent(1, [0]), ended(Outcome::Dark), claim(2)];
    entries.extend([attempt(1, 0, 1), claim(1), claim(2)]);
    let folded = fold(INCIDENT, &records(entries));
    let operation = &folded.operations[0];
    assert_eq!((operation.epoch, operation.next_epoch()), (2, 3));
    assert_eq!(operation.steps[&step_id(0)].state, StepState::Armed);
    assert!(operation.ended.is_none() && operation.is_unfinished(), "a claim opens it again");
    assert_eq!(folded.remarks.iter().map(|remark| remark.seq).collect::<Vec<_>>(), [4, 5, 6]);
}

#[test]
fn unfinished_is_what_another_try_may_settle() {
    let (step, what) = (step_id(0), "disable".to_owned());
    let refused = Reason::Refused { step: step.clone(), what: what.clone(), permission: None, manual: None };
    let contradicted = Outcome::Contradicted { alive: Vec::new(), reasons: Vec::new() };
    for (outcome, unfinished, under_way) in [
        (Outcome::Dark, false, false),
        (partial(Reason::Unreachable { step: step.clone(), what: what.clone() }), true, true),
        (partial(Reason::Unknown { step: step.clone(), what: what.clone() }), true, true),
        (partial(Reason::NotSettled), true, true),
        (partial(refused), true, false),
        (contradicted, true, false),
        (partial(Reason::StillMinting { rounds: 10 }), true, false),
        (partial(Reason::Manual { step: step.clone(), what: what.clone() }), false, false),
        (partial(Reason::Unlisted { what }), false, false),
    ] {
        let folded = fold(INCIDENT, &records(vec![claim(1), ended(outcome.clone())]));
        assert_eq!(folded.operations[0].is_unfinished(), unfinished, "{outcome:?}");
        assert_eq!(folded.operations[0].is_under_way(), under_way, "{outcome:?}");
    }
}

#[test]
fn what_was_dark_at_a_time_becomes_dark() {
    let at = Timestamp::from_second(1_764_000_300).unwrap();
    let dark_at = ended(Outcome::DarkAt { at, residual: Vec::new() });
    let folded = fold(INCIDENT, &records(vec![claim(1), dark_at, Entry::of(OP, 1, Body::ResidualDark { at })]));
    assert_eq!(folded.operations[0].ended.as_ref().unwrap().outcome, Outcome::Dark);
}

/// The way back, as another operation of the same incident.
fn restoring(number: u128, body: Body) -> Entry {
    Entry::of(OperationId::from_uuid(Uuid::from_u128(number)), 1, body)
}

fn claim_restore(number: u128) -> Entry {
    let Body::OpClaim { depth, reason, identities, collateral, .. } = claim(1).body else { panic!("no claim") };
    let restores = Some(Restores { op: OP, mode: RestoreMode::FalseAlarm, approval: None });
    restoring(number, Body::OpClaim { bot: bot(), depth, reason, identities, collateral, resumed: false, restores })
}

/// A restore lifts nothing before its gate was tried, gives way to any later isolation, and is over once it is proved.
#[test]
fn a_restore_lifts_once_it_has_tried_the_gate_and_gives_way_for_good() {
    let Body::PlanIntent { hash, steps, .. } = intent(1, [0]).body else { panic!("no intent") };
    let mut gate = steps[0].step.clone();
    gate.lane = Lane::Identity;
    let way = Restoration { then: vec![gate.clone()], ..Restoration::default() };
    let identities = vec![(gate.identity.clone(), way)];
    let plan = RestorePlan::new(bot(), OP, RestoreMode::FalseAlarm, identities, false);
    let steps = vec![crate::journal::IntendedStep { step: gate.clone(), key: steps[0].key }];
    let diff = restoring(2, Body::RestoreDiff { bot: bot(), plan: Box::new(plan) });
    let intent = restoring(2, Body::PlanIntent { hash, steps, round: 0 });
    let attempt = restoring(2, Body::StepAttempt { step: gate.id.clone(), attempt: 1, key: Uuid::from_u128(9) });
    let mut lines = vec![claim(1), ended(Outcome::Dark), claim_restore(2), diff, intent];
    let armed = fold(INCIDENT, &records(lines.clone()));
    assert!(armed.remarks.is_empty() && !armed.operations[1].lifts() && armed.operations[1].is_unfinished());
    lines.push(attempt);
    let tried = fold(INCIDENT, &records(lines.clone()));
    assert!(tried.operations[1].lifts() && !tried.operations[1].has_restored());

    let mut later = lines.clone();
    later.push(Entry { epoch: 2, ..claim(2) });
    let gave_way = fold(INCIDENT, &records(later));
    assert_eq!(gave_way.operations[1].gave_way, Some(OP));
    assert!(!gave_way.operations[1].is_unfinished(), "nobody resumes it");

    let end = Body::OpEnd {
        bot: bot(),
        outcome: "restored".to_owned(),
        detail: Outcome::Restored { lost: Vec::new(), reissue: Vec::new() },
        cut_at: None,
        time_to_first_cut_ms: None,
        time_to_verified_ms: None,
    };
    let kind = AnswerKind::Accepted;
    let answer = crate::domain::Answer::new(kind, "http", "204");
    let (step, state) = (gate.id, StepState::Accepted);
    lines.push(restoring(2, Body::StepAnswer { step: step.clone(), attempt: 1, answer, latency_ms: 1, state }));
    let (read, state) = ("GET".to_owned(), StepState::Verified);
    lines.push(restoring(2, Body::StepVerify { step, read, verdict: Verdict::Holds, last: false, state }));
    lines.push(restoring(2, end));
    lines.push(Entry { epoch: 2, ..claim(2) });
    let over = fold(INCIDENT, &records(lines));
    assert!(over.remarks.is_empty(), "{:?}", over.remarks);
    assert!(over.operations[1].has_restored() && over.operations[1].gave_way.is_none());
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![
        Just((AnswerKind::Accepted, StepState::Accepted)),
        Just((AnswerKind::Gone, StepState::Gone)),
        Just((AnswerKind::Unknown, StepState::Unknown)),
        Just((AnswerKind::Transient, StepState::Verified)),
    ];
    let verdict = prop_oneof![
        Just(Verdict::Holds),
        Just(Verdict::Fails("alive".to_owned())),
        Just(Verdict::Unknown("unread".to_owned()))
    ];
    (1..3u32, 0..3usize, kind, verdict, any::<bool>(), 0..8u8).prop_map(
        |(epoch, number, (kind, state), verdict, last, which)| match which {
            0 => claim(epoch),
            1 => intent(epoch, [number]),
            2 => attempt(epoch, number, 1),
            3 | 4 => answer(epoch, number, kind, state),
            5 => ended(Outcome::Dark),
            6 => sweep(u32::try_from(number).unwrap()),
            _ => {
                let (step, read) = (step_id(number), "GET".to_owned());
                let state = StepState::Verified;
                Entry::of(OP, epoch, Body::StepVerify { step, read, verdict, last, state })
            }
        },
    )
}

/// Whether a line of the newest claim that holds for a step is among the records.
fn proof(records: &[Record], step: &StepId) -> bool {
    records.iter().any(|record| {
        matches!(&record.body, RecordBody::Known(Body::StepVerify { step: of, verdict: Verdict::Holds, .. })
            if of == step)
    })
}

proptest! {
    /// No order of lines makes a step that was never intended, or `verified` without a read that says so, or an epoch
    /// that goes back; and a fold of more lines is the fold of those lines, whatever was folded before.
    #[test]
    fn no_order_of_lines_invents_anything(entries in prop::collection::vec(any_entry(), 0..60)) {
        let records = records(entries);
        let mut epoch = 0;
        for length in 0..=records.len() {
            let folded = fold(INCIDENT, &records[..length]);
            prop_assert!(folded.operations.len() <= 1);
            for operation in &folded.operations {
                prop_assert!(operation.epoch >= epoch);
                epoch = operation.epoch;
                for (id, step) in &operation.steps {
                    prop_assert_eq!(id, &step.step.id);
                    prop_assert_ne!(&step.state, &StepState::Planned);
                    prop_assert!(step.state != StepState::Verified || proof(&records[..length], id));
                    prop_assert!(step.state == StepState::Armed || step.attempts > 0);
                }
            }
            prop_assert_eq!(&folded, &fold(INCIDENT, &records[..length]));
        }
    }
}

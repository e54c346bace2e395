//! Properties of plan and outcome: whatever the order of events, nothing that lives is called dark.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;

use estop::domain::{
    Action, AnswerKind, BotName, Depth, Fact, Family, Gap, Holding, HoldingId, HoldingState, Identity, IdentityId,
    IdentityKind, IdentityState, Lane, ObjectId, Outcome, OutcomeInput, Plan, Postcondition, ProviderName, Reading,
    ReadingSet, Residual, Sent, Step, StepEvent, StepId, StepRecord, StepState, Verdict, conclude,
};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn bot() -> IdentityId {
    IdentityId::new(ProviderName::new("sso"), "bot")
}

fn identity(state: IdentityState) -> Identity {
    Identity::new(bot(), "bot", IdentityKind::ServiceAccount, state)
}

fn holding(number: usize, family: Family, state: HoldingState) -> Holding {
    Holding::new(
        HoldingId::new(bot(), "thing", number.to_string()),
        Lane::Tokens,
        family,
        format!("thing {number}"),
        state,
    )
}

fn step(number: usize, postcondition: Postcondition) -> Step {
    Step {
        target: format!("thing {number}").into(),
        rank: 0,
        proof: "GET thing".to_owned(),
        ..Step::new(
            StepId::of(&bot(), "end", Some(&number.to_string())),
            bot(),
            Action::new("end"),
            ObjectId::of(&ProviderName::new("sso"), "thing", &number.to_string()),
            postcondition,
        )
    }
}

fn any_family() -> impl Strategy<Value = Family> {
    prop_oneof![
        Just(Family::Secret),
        Just(Family::Token),
        Just(Family::Role),
        Just(Family::Connector),
        Just(Family::Grant)
    ]
}

fn any_state() -> impl Strategy<Value = HoldingState> {
    prop_oneof![
        4 => Just(HoldingState::Gone),
        2 => Just(HoldingState::Gated),
        1 => Just(HoldingState::Live),
        1 => Just(HoldingState::Unlisted)
    ]
}

fn any_event() -> impl Strategy<Value = StepEvent> {
    let kind = prop_oneof![
        3 => Just(AnswerKind::Accepted),
        1 => Just(AnswerKind::Gone),
        1 => Just(AnswerKind::Refused { permission: None }),
        1 => Just(AnswerKind::Unknown),
        1 => Just(AnswerKind::Unreachable)
    ];
    prop_oneof![
        Just(StepEvent::Armed),
        Just(StepEvent::Attempted),
        kind.prop_map(|kind| StepEvent::Answered { kind }),
        any::<bool>().prop_map(|last| StepEvent::Read { verdict: Verdict::Holds, last }),
        any::<bool>().prop_map(|last| StepEvent::Read { verdict: Verdict::Fails("alive".to_owned()), last }),
        Just(StepEvent::AskedOfPerson),
        Just(StepEvent::Attested),
    ]
}

/// A holding's truth is what the reading says; the events of its step come in any order and number.
fn records(histories: &[Vec<StepEvent>]) -> BTreeMap<StepId, StepRecord> {
    let mut records = BTreeMap::new();
    for (number, history) in histories.iter().enumerate() {
        let absent = Postcondition::Absent { holding: HoldingId::new(bot(), "thing", number.to_string()) };
        let mut record = StepRecord::planned(step(number, absent));
        for event in history {
            if let Ok(state) = record.state.after(event) {
                record.state = state;
            }
        }
        records.insert(record.step.id.clone(), record);
    }
    records
}

fn usable(holding: &Holding, shut: bool) -> bool {
    match holding.state {
        HoldingState::Live | HoldingState::Unlisted => true,
        HoldingState::Gated => !shut,
        HoldingState::Gone => false,
    }
}

proptest! {
    #[test]
    fn nothing_that_lives_is_called_dark(
        holdings in prop::collection::vec((any_family(), any_state()), 0..5),
        histories in prop::collection::vec(prop::collection::vec(any_event(), 0..8), 0..5),
        shut in any::<bool>(), clean in 0u32..4, gap in any::<bool>(), minting in any::<bool>(),
    ) {
        let state = if shut { IdentityState::Gated } else { IdentityState::Live };
        let mut reading = Reading::of(identity(state), at(10));
        reading.holdings =
            holdings.iter().enumerate().map(|(n, (family, state))| holding(n, *family, *state)).collect();
        if gap {
            reading.gaps.push(Gap { class: None, what: "a page failed".to_owned(), permission: None });
        }
        let alive = reading.holdings.iter().any(|holding| usable(holding, shut));
        let readings: ReadingSet = [reading].into_iter().collect();
        let steps = records(&histories);
        let identities = [identity(state)];
        let input = OutcomeInput {
            steps: &steps, identities: &identities, readings: &readings, collateral: &[], clean_rounds: clean,
            rounds: 2, still_minting: minting, cut_at: Some(at(1)), now: at(20),
        };
        let outcome = conclude(&input);
        if matches!(outcome, Outcome::Dark | Outcome::DarkAt { .. }) {
            prop_assert!(!alive && !gap && !minting && clean >= 2);
            prop_assert!(steps.values().all(|record| record.state == StepState::Verified));
        }
        // The same journal, reads and clock give the same outcome.
        prop_assert_eq!(outcome, conclude(&input));
    }

    #[test]
    fn only_a_read_makes_verified(history in prop::collection::vec(any_event(), 0..12)) {
        let mut state = StepState::Planned;
        for event in &history {
            let Ok(next) = state.after(event) else { continue };
            let by_read = matches!(event, StepEvent::Read { verdict: Verdict::Holds, .. });
            prop_assert!(next != StepState::Verified || by_read || state == StepState::Verified);
            state = next;
        }
    }

    /// Applying a plan makes its postconditions true; applying it again changes nothing.
    #[test]
    fn a_plan_applied_twice_equals_once(count in 0usize..6, second in 0i64..100) {
        let mut reading = Reading::of(identity(IdentityState::Live), at(0));
        reading.holdings = (0..count).map(|n| holding(n, Family::Token, HoldingState::Live)).collect();
        reading.facts.insert("enabled".to_owned(), Fact::Bool(true));
        let mut steps: Vec<Step> = reading
            .holdings
            .iter()
            .enumerate()
            .map(|(n, holding)| step(n, Postcondition::Absent { holding: holding.id.clone() }))
            .collect();
        steps.push(step(99, Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) }));
        steps.push(step(98, Postcondition::AtLeastSet { fact: "not-before".to_owned() }));
        let readings: ReadingSet = [reading.clone()].into_iter().collect();
        let plan = Plan::new(BotName::new("bot"), Depth::Isolate, steps, &readings, Vec::new());
        let sent = Sent { second: Some(second), ..Sent::default() };
        let once = apply(&plan, reading, second);
        let twice = apply(&plan, once.clone(), second);
        prop_assert_eq!(&once, &twice);
        for step in &plan.steps {
            prop_assert_eq!(step.postcondition.judge(&once, &sent), Verdict::Holds);
        }
    }
}

/// What a server that does as it is told makes of a reading.
fn apply(plan: &Plan, mut reading: Reading, second: i64) -> Reading {
    for step in &plan.steps {
        match &step.postcondition {
            Postcondition::Equal { fact, value } => {
                reading.facts.insert(fact.clone(), value.clone());
            }
            Postcondition::AtLeastSet { fact } => {
                reading.facts.insert(fact.clone(), Fact::Int(second));
            }
            Postcondition::Absent { holding } => reading.holdings.retain(|held| held.id != *holding),
            _ => {}
        }
    }
    reading
}

#[test]
fn the_hash_knows_the_steps_and_not_their_order() {
    let steps = |numbers: &[usize]| -> Vec<Step> {
        numbers.iter().map(|n| step(*n, Postcondition::Unreadable { why: String::new() })).collect()
    };
    let plan = |numbers: &[usize], depth| {
        Plan::new(BotName::new("bot"), depth, steps(numbers), &ReadingSet::default(), Vec::new()).hash
    };
    assert_eq!(plan(&[1, 2, 3], Depth::Isolate), plan(&[3, 1, 2], Depth::Isolate));
    assert_ne!(plan(&[1, 2], Depth::Isolate), plan(&[1, 2, 3], Depth::Isolate));
    assert_ne!(plan(&[1, 2], Depth::Isolate), plan(&[1, 2], Depth::Burn));
}

/// A residual keeps a bot from being dark until its last second, and no longer.
#[test]
fn dark_at_becomes_dark_by_itself() {
    let mut reading = Reading::of(identity(IdentityState::Gated), at(10));
    reading.residual.push(Residual {
        identity: bot(),
        what: "access tokens checked locally".to_owned(),
        until: None,
        lifetime_ms: Some(120_000),
        source: "realm access-token lifespan".to_owned(),
    });
    let readings: ReadingSet = [reading].into_iter().collect();
    let (steps, identities) = (BTreeMap::new(), [identity(IdentityState::Gated)]);
    let outcome = |now| {
        conclude(&OutcomeInput {
            steps: &steps,
            identities: &identities,
            readings: &readings,
            collateral: &[],
            clean_rounds: 2,
            rounds: 2,
            still_minting: false,
            cut_at: Some(at(10)),
            now,
        })
    };
    assert!(matches!(outcome(at(129)), Outcome::DarkAt { at: end, .. } if end == at(130)));
    assert_eq!(outcome(at(130)), Outcome::Dark);
}

/// What nothing can read back is dark only behind a gate that reads as shut.
#[test]
fn an_unreadable_step_needs_a_shut_gate() {
    for (state, dark) in [(IdentityState::Gated, true), (IdentityState::Live, false)] {
        let mut record = StepRecord::planned(step(1, Postcondition::Unreadable { why: "no API".to_owned() }));
        record.state = StepState::Accepted;
        let steps = BTreeMap::from([(record.step.id.clone(), record)]);
        let readings: ReadingSet = [Reading::of(identity(state), at(10))].into_iter().collect();
        let identities = [identity(state)];
        let outcome = conclude(&OutcomeInput {
            steps: &steps,
            identities: &identities,
            readings: &readings,
            collateral: &[],
            clean_rounds: 2,
            rounds: 2,
            still_minting: false,
            cut_at: None,
            now: at(20),
        });
        assert_eq!(outcome == Outcome::Dark, dark, "{state:?}");
    }
}

/// What was ended before the gate was shut is ended once more: something on its way may have woken it.
#[test]
fn a_session_is_dead_only_if_it_was_ended_after_the_gate() {
    let reading = Reading::of(identity(IdentityState::Gated), at(10));
    let judge = |sent: Option<i64>, gate: Option<i64>| {
        let sent = Sent { at: sent.map(at), gate_at: gate.map(at), ..Sent::default() };
        Postcondition::SentAfterGate.judge(&reading, &sent)
    };
    assert!(matches!(judge(Some(1), None), Verdict::Unknown(_)));
    assert!(matches!(judge(Some(1), Some(2)), Verdict::Fails(_)));
    assert!(matches!(judge(Some(2), Some(2)), Verdict::Fails(_)));
    assert_eq!(judge(Some(3), Some(2)), Verdict::Holds);
}

//! Isolations that go on for ever: step by step, as a provider makes them that refuses for a while and then gives in.

use std::time::Duration;

use estop::{
    domain::{
        Action, Answer, AnswerKind, BotName, Fact, IdentityId, IncidentId, Lane, ObjectId, OperationId, Outcome,
        Postcondition, Step, StepId, StepState,
    },
    engine::{Ended, EngineEvent, OperationPhase, Snapshot},
    tui::{message::JournalLine, operation::OperationView},
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::world::now;

/// Isolations at once.
const STRIKES: usize = 20;
/// Steps of each, as many as the byte budget has.
const STEPS: usize = 36;
/// States that a step goes through, over and over.
const ROUND: usize = 4;

/// One of them.
struct Strike {
    op: OperationId,
    bot: BotName,
    steps: Vec<Step>,
}

/// All of them.
pub struct Strikes(Vec<Strike>);

impl Strikes {
    /// On the first bots of a fleet.
    pub fn on(snapshot: &Snapshot) -> Self {
        let strike = |(number, view): (usize, &std::sync::Arc<estop::engine::BotView>)| Strike {
            op: OperationId::from_uuid(Uuid::from_u128(number as u128 + 1)),
            bot: view.bot.name.clone(),
            steps: (0..STEPS).map(|step| planned(&view.identities[0].id, step)).collect(),
        };
        Self(snapshot.bots.iter().take(STRIKES).enumerate().map(strike).collect())
    }

    /// What is said before anything is sent.
    pub fn begin(&self) -> Vec<EngineEvent> {
        let one = |strike: &Strike| {
            let (op, bot) = (strike.op, strike.bot.clone());
            [
                EngineEvent::Started { op, incident: incident(), bot, at: now() },
                EngineEvent::Planned { op, steps: strike.steps.clone() },
                EngineEvent::Phase { op, phase: OperationPhase::Striking },
            ]
        };
        self.0.iter().flat_map(one).collect()
    }

    /// One of them from its start to its end, and when each part of it happens: 36 steps of which each takes a while.
    pub fn story(&self) -> Vec<(Duration, EngineEvent)> {
        let strike = &self.0[0];
        let (op, bot) = (strike.op, strike.bot.clone());
        let moved = |step: &Step, state| {
            let answer = (state == StepState::Accepted).then(|| Answer::new(AnswerKind::Accepted, "http", "204"));
            let step = step.id.clone();
            EngineEvent::Step { op, step, state, attempt: 1, answer, detail: None, seq: None, at: now() }
        };
        let phase = |phase| EngineEvent::Phase { op, phase };
        let mut story: Vec<_> =
            self.begin().into_iter().filter(|event| OperationView::of(event) == op).map(|event| (0, event)).collect();
        for (number, step) in (0_u64..).zip(&strike.steps) {
            story.push((0, moved(step, StepState::Armed)));
            story.push((0, moved(step, StepState::Sent)));
            story.push((50 + 10 * number, moved(step, StepState::Accepted)));
            story.push((600 + 10 * number, moved(step, StepState::Verified)));
        }
        story.push((550, phase(OperationPhase::Verifying)));
        let ended = Ended {
            outcome: Outcome::Dark,
            time_to_first_cut_ms: Some(50),
            time_to_dark_ms: Some(950),
            time_to_verified_ms: Some(950),
            journal_trouble: None,
            followed: None,
        };
        story.push((1000, EngineEvent::Ended { op, bot, ended }));
        story.sort_by_key(|(at, _)| *at);
        story.into_iter().map(|(at, event)| (Duration::from_millis(at), event)).collect()
    }

    /// What happens next: every strike in turn, step after step. Every second of them stands in the journal as well.
    pub fn next(&self, number: usize) -> (EngineEvent, Option<JournalLine>) {
        let (strike, turn) = (&self.0[number % self.0.len()], number / self.0.len());
        let (step, round) = (&strike.steps[turn % STEPS], turn / STEPS);
        let attempt = u32::try_from(round / ROUND + 1).unwrap();
        let at = now();
        let answered = |kind, code| Some(Answer::new(kind, "http", code));
        let (state, answer) = match round % ROUND {
            0 => (StepState::Armed, None),
            1 => (StepState::Sent, None),
            2 => {
                let until = at + SignedDuration::from_secs(1);
                (StepState::Retrying { attempt, until }, answered(AnswerKind::Transient, "503"))
            }
            _ => (StepState::Accepted, answered(AnswerKind::Accepted, "204")),
        };
        let seq = number as u64;
        let line = number.is_multiple_of(2).then(|| JournalLine {
            incident: Some(incident()),
            seq,
            at,
            op: Some(strike.op),
            kind: "step.answer".to_owned(),
            text: format!("{} {}", step.action.word(), step.target.shown()),
            result: "503 http".to_owned(),
            bot: strike.bot.shown(),
            step: step.id.to_string(),
            state: state.word().to_owned(),
        });
        let (op, step) = (strike.op, step.id.clone());
        (EngineEvent::Step { op, step, state, attempt, answer, detail: None, seq: Some(seq), at }, line)
    }
}

fn incident() -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u128(7))
}

/// Five gates, the rest sessions.
fn planned(identity: &IdentityId, number: usize) -> Step {
    let lane = if number < 5 { Lane::Identity } else { Lane::Tokens };
    let target = format!("session {:x} of user-{number}", number * 7_919_191);
    Step {
        lane,
        target: target.as_str().into(),
        gate: lane == Lane::Identity,
        ..Step::new(
            StepId::of(identity, "end", Some(&target)),
            identity.clone(),
            Action::new("end"),
            ObjectId::of(identity.provider(), lane.word(), &target),
            Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) },
        )
    }
}

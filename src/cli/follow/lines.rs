//! Lines that wait for the number of the record that holds them, in the order in which they came.
//!
//! ```text
//! events ──▶ line ──▶ waiting ──┬─ its record is on disk: with its number ─▶ printed
//! records ─▶ number ─▶ known ───┘─ a second has passed, or nothing will hold it: without
//! ```
//!
//! An event is told before the journal's disk has answered, and a strike waits for neither of them: only what is printed
//! waits, and never long.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    cli::documents::{ProbeLine, StepLine},
    domain::{OperationId, StepId},
    journal::{Body, Record, RecordBody},
};

/// A disk that takes longer has troubles of which other lines tell.
const LONGEST: Duration = Duration::from_secs(1);

/// What is printed.
#[derive(Debug)]
pub(super) enum Line {
    /// A change of a step.
    Step(Box<StepLine>),
    /// The use of a leaked secret.
    Proof(Box<ProbeLine>),
}

/// What a record and a line are recognised by: the step, what happened to it, and in which attempt where that is told.
type Key = (OperationId, StepId, String, &'static str, u32);

/// The lines that wait.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiting: VecDeque<(Line, Instant)>,
    /// Numbers whose lines have not come yet.
    known: HashMap<Key, u64>,
}

impl Lines {
    /// One more line.
    pub fn push(&mut self, line: Line, now: Instant) {
        let line = match line {
            Line::Step(mut step) if step.seq.is_none() => {
                step.seq = self.known.remove(&key_of(&step));
                Line::Step(step)
            }
            line => line,
        };
        self.waiting.push_back((line, now));
    }

    /// A record is on disk.
    pub fn heard(&mut self, record: &Record) {
        let (Some(op), RecordBody::Known(body)) = (record.op, &record.body) else { return };
        let Some(key) = key(op, body) else { return };
        let mut steps = self.waiting.iter_mut().filter_map(|(line, _)| match line {
            Line::Step(step) if step.seq.is_none() => Some(step),
            _ => None,
        });
        match steps.find(|step| key_of(step) == key) {
            Some(step) => step.seq = Some(record.seq),
            None => {
                self.known.insert(key, record.seq);
            }
        }
    }

    /// The next line that can be printed.
    pub fn next(&mut self, now: Instant) -> Option<Line> {
        let (line, since) = self.waiting.front()?;
        let waits = matches!(line, Line::Step(step) if step.seq.is_none() && is_recorded(step));
        if waits && now.saturating_duration_since(*since) < LONGEST {
            return None;
        }
        self.waiting.pop_front().map(|(line, _)| line)
    }

    /// Every line that is left, with or without a number.
    pub fn rest(&mut self) -> impl Iterator<Item = Line> {
        std::mem::take(&mut self.waiting).into_iter().map(|(line, _)| line)
    }

    /// When the first of them has waited long enough; for ever where none waits.
    pub async fn due(&self) {
        match self.waiting.front() {
            Some((_, since)) => tokio::time::sleep_until(*since + LONGEST).await,
            None => std::future::pending().await,
        }
    }
}

/// That a step will be tried again later is told and not recorded: the attempt will be.
fn is_recorded(line: &StepLine) -> bool {
    line.state != "retrying"
}

fn key_of(line: &StepLine) -> Key {
    let (kind, attempt) = match line.state {
        "sent" => ("step.attempt", line.attempt),
        "manual" | "attested" => ("step.manual", 0),
        _ if line.answer.is_some() => ("step.answer", line.attempt),
        _ => ("step.verify", 0),
    };
    (line.op, line.step.clone(), line.state.to_owned(), kind, attempt)
}

/// Of a record that a line may be about.
fn key(op: OperationId, body: &Body) -> Option<Key> {
    let (step, state, attempt) = match body {
        Body::StepAttempt { step, attempt, .. } => (step, "sent", *attempt),
        Body::StepAnswer { step, attempt, state, .. } => (step, state.word(), *attempt),
        Body::StepVerify { step, state, .. } => (step, state.word(), 0),
        Body::StepManual { step, attested_by, .. } => {
            (step, if attested_by.is_some() { "attested" } else { "manual" }, 0)
        }
        _ => return None,
    };
    Some((op, step.clone(), state.to_owned(), body.kind(), attempt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{documents::sample, time::Moment},
        domain::{Answer, AnswerKind, IncidentId, Lane, Reversibility, StepState, Verdict},
        journal::{Hash, ProcRef},
    };

    const OP: OperationId = OperationId::from_uuid(uuid::Uuid::from_u128(1));

    fn step() -> StepId {
        let identity = sample::identity("corp-sso", "5e0c", "helpdesk-bot");
        sample::step(&identity.id, Lane::Grants, "revoke", "consent of alice", Reversibility::Irreversible).id
    }

    fn line(state: &'static str, attempt: u32, code: Option<&str>) -> Line {
        Line::Step(Box::new(StepLine {
            schema: "estop.step/1",
            exercise: None,
            incident: IncidentId::from_uuid(uuid::Uuid::from_u128(2)),
            op: OP,
            seq: None,
            at: Moment(sample::now()),
            bot: "helpdesk".to_owned(),
            step: step(),
            lane: None,
            action: None,
            target: None,
            state,
            attempt,
            answer: code.map(|code| (&Answer::new(AnswerKind::Accepted, "http", code)).into()),
            detail: None,
        }))
    }

    fn record(seq: u64, body: Body) -> Record {
        Record {
            v: 1,
            seq,
            at: sample::now(),
            mono_ms: 0,
            incident: None,
            exercise: None,
            proc: ProcRef::Id(uuid::Uuid::nil()),
            op: Some(OP),
            epoch: 1,
            who: None,
            kind: body.kind().into(),
            controls: [].into(),
            body: RecordBody::Known(body),
            prev: Hash::ZERO,
            h: Hash::ZERO,
        }
    }

    fn attempt(seq: u64, attempt: u32) -> Record {
        record(seq, Body::StepAttempt { step: step(), attempt, key: uuid::Uuid::nil() })
    }

    fn answer(seq: u64, attempt: u32) -> Record {
        let (answer, state) = (Answer::new(AnswerKind::Accepted, "http", "204"), StepState::Accepted);
        record(seq, Body::StepAnswer { step: step(), attempt, answer, latency_ms: 1, state })
    }

    fn verify(seq: u64, state: StepState) -> Record {
        let (read, verdict) = ("GET".to_owned(), Verdict::Holds);
        record(seq, Body::StepVerify { step: step(), read, verdict, last: false, state })
    }

    /// What can be printed now: state and number.
    fn printed(lines: &mut Lines, now: Instant) -> Vec<(&'static str, Option<u64>)> {
        std::iter::from_fn(|| lines.next(now))
            .map(|line| match line {
                Line::Step(step) => (step.state, step.seq),
                Line::Proof(_) => ("proof", None),
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn lines_wait_for_their_numbers_and_keep_their_order() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        // Its record was quicker than the event.
        lines.heard(&attempt(4, 1));
        lines.push(line("sent", 1, None), now);
        lines.push(line("accepted", 1, Some("204")), now);
        lines.push(line("retrying", 1, None), now);
        lines.push(line("sent", 2, None), now);
        lines.push(line("accepted", 2, Some("204")), now);
        lines.push(line("verified", 2, None), now);
        assert_eq!(printed(&mut lines, now), [("sent", Some(4))]);
        lines.heard(&attempt(6, 2));
        assert_eq!(printed(&mut lines, now), [], "what came first is printed first");
        lines.heard(&answer(5, 1));
        let three = [("accepted", Some(5)), ("retrying", None), ("sent", Some(6))];
        assert_eq!(printed(&mut lines, now), three);
        // A reading that moved nothing has a record and no line.
        lines.heard(&verify(7, StepState::Accepted));
        lines.heard(&answer(8, 2));
        lines.heard(&verify(9, StepState::Verified));
        assert_eq!(printed(&mut lines, now), [("accepted", Some(8)), ("verified", Some(9))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_does_not_answer_holds_up_no_line_for_long() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        lines.push(line("sent", 1, None), now);
        assert_eq!(printed(&mut lines, now), []);
        lines.due().await;
        assert_eq!(printed(&mut lines, Instant::now()), [("sent", None)]);
        lines.push(line("sent", 2, None), Instant::now());
        assert_eq!(lines.rest().count(), 1);
    }
}

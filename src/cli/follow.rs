//! Follows isolations to their ends: a line a change, an outcome a bot.
//!
//! ```text
//! events ─▶ step lines ─┐
//! ends ───▶ outcome ────┼─▶ exit code
//! signal ─▶ a deadline ─┘   (past it: what is left is in the journal, for `estop resume`)
//! ```
//!
//! The isolations run in tasks of their own: nothing here holds them up, whether output is read or not.

mod lines;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError, error::TryRecvError},
    time::Instant,
};

use lines::{Line, Lines};

use super::{
    Context, Exit,
    documents::{ProbeLine, StepLine, use_word},
    outcome::{self, Concluded},
    output::{Output, Row},
    signals::{Received, Signals},
    time::Moment,
};
use crate::{
    domain::{BotName, IncidentId, OperationId, Step, StepId, StepState},
    engine::{Ended, EngineEvent, Refusal, Running},
    journal::{Body, Entry, JournalError, Record},
};

/// After SIGINT, SIGTERM, SIGQUIT: the process is gone 10 s later, with a slow disk and a busy host in between.
const FINISH_TIME: Duration = Duration::from_secs(8);
/// After a second one.
const HURRIED_TIME: Duration = Duration::from_secs(2);
/// After SIGHUP: so long past the last answer.
const ORPHAN_TIME: Duration = Duration::from_mins(1);

/// One isolation that is followed.
pub(super) struct Followed {
    pub incident: IncidentId,
    pub bot: BotName,
    pub started_at: Option<Timestamp>,
    pub steps: BTreeMap<StepId, Step>,
    pub states: BTreeMap<StepId, StepState>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Board {
    pub operations: HashMap<OperationId, Followed>,
    exercise: Option<String>,
}

impl Board {
    /// The use of a leaked secret, where the event is one of a followed operation.
    fn used(&self, event: &EngineEvent) -> Option<ProbeLine> {
        let EngineEvent::Probed { op, bot, fingerprint, probed, at } = event else { return None };
        Some(ProbeLine {
            schema: "estop.probe/1",
            exercise: self.exercise.clone(),
            incident: self.operations.get(op)?.incident,
            op: *op,
            at: Moment(*at),
            bot: bot.raw().to_owned(),
            fingerprint: fingerprint.clone(),
            provider: probed.at.to_string(),
            alive: probed.alive,
            said: crate::domain::Untrusted::new(probed.said.as_str()),
        })
    }

    /// Takes an event in; a change of a step gives its line. Events of other operations give nothing.
    pub fn take(&mut self, event: EngineEvent) -> Option<StepLine> {
        match event {
            EngineEvent::Started { op, at, .. } => {
                self.operations.get_mut(&op)?.started_at = Some(at);
                None
            }
            EngineEvent::Planned { op, steps } => {
                let followed = self.operations.get_mut(&op)?;
                followed.steps.extend(steps.into_iter().map(|step| (step.id.clone(), step)));
                None
            }
            EngineEvent::Step { op, step, state, attempt, answer, detail, seq, at } => {
                let followed = self.operations.get_mut(&op)?;
                followed.states.insert(step.clone(), state.clone());
                let known = followed.steps.get(&step);
                Some(StepLine {
                    schema: "estop.step/1",
                    exercise: self.exercise.clone(),
                    incident: followed.incident,
                    op,
                    seq,
                    at: Moment(at),
                    bot: followed.bot.raw().to_owned(),
                    lane: known.map(|step| step.lane.word()),
                    action: known.map(|step| step.action.word().to_owned()),
                    target: known.map(|step| step.target.clone()),
                    step,
                    state: state.word(),
                    attempt,
                    answer: answer.as_ref().map(Into::into),
                    detail: detail.or_else(|| answer.and_then(|answer| answer.detail.map(|detail| detail.shown()))),
                })
            }
            EngineEvent::Phase { .. }
            | EngineEvent::Restoring { .. }
            | EngineEvent::Swept { .. }
            | EngineEvent::Residual { .. }
            | EngineEvent::Probed { .. }
            | EngineEvent::Contradicted { .. }
            | EngineEvent::Ended { .. } => None,
        }
    }
}

/// What using a leaked secret has shown.
fn proof(output: &Output, line: &ProbeLine) {
    let bot = crate::domain::Untrusted::new(line.bot.as_str()).shown();
    if output.json {
        output.document(line);
    } else {
        output.rows(&[Row::of(bot.clone())
            .with(format!("{:<10}", "proof"))
            .with(format!("use leaked secret {} at {}", line.fingerprint, line.provider))
            .with(use_word(line.alive))
            .with(line.said.shown())]);
    }
    if line.alive.is_none() {
        let said = line.said.shown();
        output.say(&format!("{bot}: using the leaked secret {} proves nothing: {said}", line.fingerprint));
    }
}

/// What happens from now on: to be had before anything is sent.
pub(super) struct Feed {
    events: Receiver<Arc<EngineEvent>>,
    /// Documents name the record that holds each line; people are not kept waiting for the disk.
    records: Option<Receiver<Arc<Record>>>,
}

impl Feed {
    /// Of an engine.
    pub fn of(context: &Context) -> Self {
        let records = context.output.json.then(|| context.engine.store().subscribe());
        Self { events: context.engine.subscribe(), records }
    }
}

/// The next record. One that was missed leaves its line without a number.
async fn next_of(records: Option<&mut Receiver<Arc<Record>>>) -> Arc<Record> {
    if let Some(records) = records {
        loop {
            match records.recv().await {
                Ok(record) => return record,
                Err(RecvError::Lagged(_)) => {}
                // The store outlives its journals.
                Err(RecvError::Closed) => break,
            }
        }
    }
    std::future::pending().await
}

/// Prints what happens until all have ended, or a signal's deadline is over.
pub(super) async fn follow(context: &Context, running: Vec<Running>, feed: Feed, signals: &mut Signals) -> Exit {
    let Feed { mut events, mut records } = feed;
    let mut board = Board { exercise: context.engine.snapshot().exercise.clone(), ..Board::default() };
    let ends = FuturesUnordered::new();
    for one in running {
        let followed = Followed {
            incident: one.incident,
            bot: one.bot.clone(),
            started_at: None,
            steps: BTreeMap::new(),
            states: BTreeMap::new(),
        };
        board.operations.insert(one.op, followed);
        ends.push(async move { (one.op, one.ended().await) });
    }
    let mut ends = ends;
    let mut exit = Exit::Done;
    let (mut limit, mut lines) = (Limit::default(), Lines::default());
    loop {
        tokio::select! {
            biased;
            received = signals.next() => limit.shorten(context, &board, received),
            event = events.recv() => match event {
                Ok(event) => step(context, &mut board, &mut limit, &mut lines, Arc::unwrap_or_clone(event)),
                Err(RecvError::Lagged(missed)) => lagged(&context.output, missed),
                // The engine outlives its isolations.
                Err(RecvError::Closed) => {}
            },
            record = next_of(records.as_mut()) => lines.heard(&record),
            end = ends.next() => {
                let Some((op, end)) = end else { break };
                // What came before an end is printed before it. The end was on disk before it was told, and all else before
                // the end.
                for event in told(&mut events, |missed| lagged(&context.output, missed)) {
                    step(context, &mut board, &mut limit, &mut lines, Arc::unwrap_or_clone(event));
                }
                for record in records.iter_mut().flat_map(|records| told(records, |_| {})) {
                    lines.heard(&record);
                }
                lines.rest().for_each(|line| write(context, line));
                exit = exit.and(ended(context, &mut board, op, end).await);
            },
            () = limit.over() => {
                lines.rest().for_each(|line| write(context, line));
                exit = exit.and(unfinished(&context.output, &board));
                break;
            },
            () = lines.due() => {}
        }
        while let Some(line) = lines.next(Instant::now()) {
            write(context, line);
        }
    }
    exit
}

fn step(context: &Context, board: &mut Board, limit: &mut Limit, lines: &mut Lines, event: EngineEvent) {
    let mut tell = |line| if context.output.json { lines.push(line, Instant::now()) } else { write(context, line) };
    if let Some(line) = board.used(&event) {
        return tell(Line::Proof(Box::new(line)));
    }
    if let EngineEvent::Step { answer: Some(_), .. } = &event {
        limit.answered();
    }
    if let Some(line) = board.take(event) {
        tell(Line::Step(Box::new(line)));
    }
}

fn write(context: &Context, line: Line) {
    match line {
        Line::Proof(line) => proof(&context.output, &line),
        Line::Step(line) if context.output.json => context.output.document(&line),
        Line::Step(line) if context.verbose || !matches!(line.state, "planned" | "armed" | "sent") => {
            print(&context.output, &line);
        }
        Line::Step(_) => {}
    }
}

/// What was told already.
fn told<T: Clone>(from: &mut Receiver<T>, mut lagged: impl FnMut(u64)) -> Vec<T> {
    let mut told = Vec::new();
    loop {
        match from.try_recv() {
            Ok(one) => told.push(one),
            Err(TryRecvError::Lagged(missed)) => lagged(missed),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return told,
        }
    }
}

fn lagged(output: &Output, missed: u64) {
    output.say(&format!("{missed} changes came faster than they could be printed: the journal has them"));
}

fn print(output: &Output, line: &StepLine) {
    let code = line.answer.as_ref().map_or("", |answer| answer.code.as_str());
    let detail = line.detail.as_deref().unwrap_or("");
    let target = line.target.as_ref().map_or_else(|| line.step.to_string(), crate::domain::Untrusted::shown);
    output.rows(&[Row::of(crate::domain::Untrusted::new(line.bot.as_str()).shown())
        .with(format!("{:<10}", line.lane.unwrap_or("?")))
        .with(format!("{} {target}", line.action.as_deref().unwrap_or("?")))
        .state(line.state)
        .with([code, detail].join(" ").trim().to_owned())]);
}

async fn ended(context: &Context, board: &mut Board, op: OperationId, end: Result<Ended, JournalError>) -> Exit {
    let Some(followed) = board.operations.remove(&op) else { return Exit::Failed };
    match end {
        Ok(ended) => {
            let op = ended.followed.filter(|other| *other != op).map_or(op, |other| {
                context.output.say(&format!("{}: another process was quicker: its operation {other}", followed.bot));
                other
            });
            let exercise = board.exercise.clone();
            outcome::tell(context, Concluded { op, followed, ended, exercise }).await
        }
        Err(
            error @ (JournalError::Superseded { .. }
            | JournalError::Claimed { .. }
            | JournalError::Closed(_)
            | JournalError::Ended),
        ) => {
            context.output.say(&format!("{}: {error}", followed.bot));
            Exit::Failed
        }
        // No sink took the intent.
        Err(error) => {
            context.output.say(&format!("{}: {}", followed.bot, Refusal::NoSink(error.to_string())));
            Exit::Refused
        }
    }
}

/// What a signal has cut short is in the journal.
fn unfinished(output: &Output, board: &Board) -> Exit {
    for (op, followed) in &board.operations {
        output.say(&format!("{}: unfinished (operation {op}): estop resume {}", followed.bot, followed.incident));
    }
    Exit::Partial
}

/// Until when a signal lets an isolation go on.
#[derive(Default)]
struct Limit {
    at: Option<Instant>,
    orphaned: bool,
}

impl Limit {
    fn shorten(&mut self, context: &Context, board: &Board, received: Received) {
        let now = Instant::now();
        if received == Received::Hangup {
            if !self.orphaned {
                self.orphaned = true;
                record_loss(context, board);
            }
            let at = now + ORPHAN_TIME;
            self.at = Some(self.at.map_or(at, |limit| limit.min(at)));
            return;
        }
        let time = if self.at.is_some() && !self.orphaned { HURRIED_TIME } else { FINISH_TIME };
        self.orphaned = false;
        let at = now + time;
        self.at = Some(self.at.map_or(at, |limit| limit.min(at)));
        context.output.say("finishing what was sent; what is left is for `estop resume`");
    }

    /// Without a terminal, each answer gives it time again.
    fn answered(&mut self) {
        if self.orphaned {
            self.at = Some(Instant::now() + ORPHAN_TIME);
        }
    }

    async fn over(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// The journal says that nobody was watching. It is not waited for: the isolation comes first.
fn record_loss(context: &Context, board: &Board) {
    for incident in board.operations.values().map(|followed| followed.incident) {
        let engine = context.engine.clone();
        tokio::spawn(async move {
            if let Ok(journal) = engine.store().open(incident).await {
                journal.append(Entry::general(Body::ConsoleLost { by: "SIGHUP".to_owned() }));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::documents::sample,
        domain::{Answer, AnswerKind, Lane, Reversibility},
    };

    #[test]
    fn changes_of_followed_steps_become_lines() {
        let op = OperationId::from_uuid(uuid::Uuid::from_u128(1));
        let incident = IncidentId::from_uuid(uuid::Uuid::from_u128(2));
        let identity = sample::identity("corp-sso", "5e0c", "helpdesk-bot");
        let step = sample::step(&identity.id, Lane::Grants, "revoke", "consent of alice", Reversibility::Irreversible);
        let mut board = Board::default();
        let change = EngineEvent::Step {
            op,
            step: step.id.clone(),
            state: StepState::Accepted,
            attempt: 1,
            answer: Some(Answer::new(AnswerKind::Accepted, "http", "204")),
            detail: None,
            seq: Some(17),
            at: sample::now(),
        };
        assert!(board.take(change.clone()).is_none(), "an operation of somebody else");
        board.operations.insert(
            op,
            Followed {
                incident,
                bot: BotName::new("helpdesk"),
                started_at: None,
                steps: BTreeMap::new(),
                states: BTreeMap::new(),
            },
        );
        assert!(board.take(EngineEvent::Planned { op, steps: vec![step] }).is_none());
        let line = board.take(change).unwrap();
        insta::assert_snapshot!(serde_json::to_string(&line).unwrap());
    }
}

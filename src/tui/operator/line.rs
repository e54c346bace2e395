//! A record of the journal as one line of the screen.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    domain::{BotName, OperationId, StepId, Untrusted, Verdict},
    journal::{Body, IntendedStep, ProcRef, Record, RecordBody},
    tui::message::JournalLine,
};

/// Tells records as lines of the screen. A record names its step, its operation and its writer by id; what the step
/// does, and to what, stands in the intent before it, the bot in the claim, the person in the writer's first line: all
/// three are remembered here.
#[derive(Debug, Default)]
pub struct Narrator {
    steps: HashMap<StepId, String>,
    bots: HashMap<OperationId, BotName>,
    people: HashMap<Uuid, String>,
}

impl Narrator {
    /// Whether it can say what the record's step does, of which bot the operation is, and who speaks.
    pub fn knows(&self, record: &Record) -> bool {
        step_of(record).is_none_or(|step| self.steps.contains_key(step))
            && (!is_said(record) || introduces(record) || self.people.contains_key(&record.proc.id()))
    }

    /// Remembers the steps of an intent, the bot of a claim, the person of a process.
    pub fn learn(&mut self, record: &Record) {
        if let Some(who) = &record.who {
            self.people.insert(record.proc.id(), who.short());
        }
        match (&record.body, record.op) {
            (RecordBody::Known(Body::PlanIntent { steps, .. }), _) => {
                let named = steps.iter().map(|IntendedStep { step, .. }| {
                    (step.id.clone(), format!("{} {}", step.action.word(), step.target.raw()))
                });
                self.steps.extend(named);
            }
            (RecordBody::Known(Body::OpClaim { bot, .. }), Some(op)) => {
                self.bots.insert(op, bot.clone());
            }
            _ => {}
        }
    }

    /// What its intents do not tell is called by its id from now on.
    pub fn give_up_on(&mut self, record: &Record) {
        if let Some(step) = step_of(record) {
            self.steps.entry(step.clone()).or_insert_with(|| step.to_string());
        }
        if is_said(record) {
            self.people.entry(record.proc.id()).or_insert_with(|| "unknown".to_owned());
        }
    }

    /// The bot that a record is about.
    fn bot<'a>(&'a self, record: &'a Record) -> Option<&'a BotName> {
        let said = match &record.body {
            RecordBody::Known(
                Body::EvidenceSnapshot { bot, .. }
                | Body::OpEnd { bot, .. }
                | Body::GuardRefused { bot: Some(bot), .. }
                | Body::GuardOverride { bot, .. }
                | Body::RestoreDiff { bot, .. }
                | Body::ProbeResult { bot, .. }
                | Body::FindingRaise { bot, .. }
                | Body::FindingSuppress { bot, .. },
            ) => Some(bot),
            _ => None,
        };
        said.or_else(|| self.bots.get(&record.op?))
    }

    /// What the journal's screen shows of a record.
    pub fn line(&mut self, record: &Record) -> JournalLine {
        self.learn(record);
        self.give_up_on(record);
        let (text, result) = match &record.body {
            RecordBody::Known(body) => match (body.step(), step_result(body)) {
                (Some(step), Some(result)) => (self.steps.get(step).cloned().unwrap_or_default(), result),
                _ if is_said(record) => {
                    let by = self.people.get(&record.proc.id()).map_or("unknown", String::as_str);
                    (format!("{by}: {}", sentence(body)), String::new())
                }
                _ => (sentence(body), String::new()),
            },
            RecordBody::Part { .. } => ("part of a long record".to_owned(), String::new()),
            RecordBody::Unknown(_) => ("of a newer version of estop".to_owned(), String::new()),
        };
        JournalLine {
            incident: record.incident,
            seq: record.seq,
            at: record.at,
            op: record.op,
            kind: record.kind.to_string(),
            // A file may hold anything: escaped here as if a provider had said it.
            text: Untrusted::new(text).shown(),
            result: Untrusted::new(result).shown(),
            bot: self.bot(record).map(BotName::shown).unwrap_or_default(),
            step: step_of(record).map(|step| Untrusted::new(step.to_string()).shown()).unwrap_or_default(),
            state: Untrusted::new(state_word(record)).shown(),
        }
    }
}

/// Whether it is what a person says, so that it matters who.
const fn is_said(record: &Record) -> bool {
    matches!(record.body, RecordBody::Known(Body::IncidentNote { .. } | Body::IncidentHandover { .. }))
}

/// Whether its writer says in it who it is.
const fn introduces(record: &Record) -> bool {
    matches!(record.proc, ProcRef::Whole(_)) || record.who.is_some()
}

/// Where the record's step stands then, or its operation has ended.
fn state_word(record: &Record) -> String {
    let RecordBody::Known(body) = &record.body else { return String::new() };
    match body {
        Body::StepAttempt { .. } => "sent".to_owned(),
        Body::StepAnswer { state, .. } | Body::StepVerify { state, .. } => state.word().to_owned(),
        Body::StepManual { attested_by: Some(_), .. } => "attested".to_owned(),
        Body::StepManual { attested_by: None, .. } => "manual".to_owned(),
        Body::OpEnd { outcome, .. } => outcome.clone(),
        _ => String::new(),
    }
}

fn step_of(record: &Record) -> Option<&StepId> {
    match &record.body {
        RecordBody::Known(body) => body.step(),
        RecordBody::Part { .. } | RecordBody::Unknown(_) => None,
    }
}

/// What a record says about its step; `None`: it is about none.
fn step_result(body: &Body) -> Option<String> {
    Some(match body {
        Body::StepAttempt { attempt, .. } => format!("attempt {attempt}"),
        Body::StepAnswer { answer, state, .. } => format!("{} {}", state.word(), answer.code).trim_end().to_owned(),
        Body::StepVerify { verdict, state, .. } => match verdict {
            Verdict::Holds => state.word().to_owned(),
            Verdict::Fails(why) => format!("{}, not yet: {why}", state.word()),
            Verdict::Unknown(why) => format!("{}, cannot tell: {why}", state.word()),
        },
        Body::StepManual { instruction, attested_by, .. } => match attested_by {
            Some(who) => format!("{who} says it is done: {instruction}"),
            None => format!("by hand: {instruction}"),
        },
        _ => return None,
    })
}

fn sentence(body: &Body) -> String {
    match body {
        Body::IncidentOpen { title, .. } => title.clone().unwrap_or_else(|| "an incident opens".to_owned()),
        Body::IncidentClose { note } => note.clone().unwrap_or_else(|| "the incident ends".to_owned()),
        Body::EvidenceSnapshot { bot, reading, .. } => {
            let identity = &reading.identity;
            let (count, name) = (reading.holdings.len(), identity.name.raw());
            format!("{bot}: {count} holdings of {name} at {}", identity.id.provider())
        }
        Body::OpClaim { bot, depth, reason, resumed, .. } => {
            let depth = format!("{depth:?}").to_lowercase();
            let again = if *resumed { ", resumed" } else { "" };
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{depth} {bot}{again}{reason}")
        }
        Body::OpEnd { bot, outcome, .. } => format!("{bot}: {outcome}"),
        Body::PlanIntent { steps, round, .. } => match steps.len() {
            1 => format!("1 step, round {round}"),
            count => format!("{count} steps, round {round}"),
        },
        Body::StepAttempt { .. } | Body::StepAnswer { .. } | Body::StepVerify { .. } | Body::StepManual { .. } => {
            step_result(body).unwrap_or_default()
        }
        Body::SweepRound { round, complete, new, live } => {
            let listing = if *complete { "complete" } else { "incomplete" };
            format!("round {round}: {listing}, {new} new, {live} live")
        }
        Body::ResidualSet { residual } => match residual.len() {
            1 => "1 kind of access outlives it".to_owned(),
            count => format!("{count} kinds of access outlive it"),
        },
        Body::ResidualDark { at } => format!("the last residual has ended at {at}"),
        Body::Contradicted { alive } => alive.iter().map(|alive| alive.what.as_str()).collect::<Vec<_>>().join("; "),
        Body::GuardRefused { bot, why } => match bot {
            Some(bot) => format!("{bot}: {why}"),
            None => why.clone(),
        },
        Body::GuardOverride { bot, why } => format!("{bot}: {why}"),
        Body::Recovered { offset, length, .. } => format!("{length} torn bytes set aside at {offset}"),
        Body::ConsoleLost { by } => by.clone(),
        Body::SinkLost { what } | Body::SinkRegained { what } => what.clone(),
        Body::IncidentNote { text } => text.shown(),
        Body::IncidentHandover { to, note, .. } => {
            let to = to.as_ref().map_or_else(|| "whoever is next".to_owned(), Untrusted::shown);
            let note = note.as_ref().map(|note| format!(": {}", note.shown())).unwrap_or_default();
            format!("handed over to {to}{note}")
        }
        Body::ApprovalGiven { hash, by, until } => format!("{by} approves {hash:.12}, until {until}"),
        Body::ApprovalRefused { hash, why } => format!("{hash:.12}: {why}"),
        Body::RestoreDiff { bot, plan } => format!("{bot}: {} back, {:.12}", plan.mode.word(), plan.hash),
        Body::ProbeResult { bot, fingerprint, alive, said, .. } => {
            let lives = match alive {
                Some(true) => "still works",
                Some(false) => "is refused",
                None => "cannot be told",
            };
            format!("{bot}: the secret {fingerprint} {lives}: {said}")
        }
        Body::FindingSuppress { bot, rule, severity, until, reason, .. } => {
            format!("{bot}: {rule} {severity}, suppressed until {until}: {}", reason.shown())
        }
        Body::FindingRaise { bot, rule, severity, why, .. } => format!("{bot}: {rule} {severity}: {why}"),
        Body::Checkpoint { size, root, .. } => format!("{size} lines, root {root}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Action, Answer, AnswerKind, BotName, Depth, Fact, IdentityId, Lane, Level, ObjectId, PlanHash,
            Postcondition, ProviderName, Reversibility, Step, StepState,
        },
        journal::ProcRef,
    };

    fn step() -> Step {
        let identity = IdentityId::new(ProviderName::new("sso"), "aa63df56-674a");
        Step {
            lane: Lane::Identity,
            target: "bot-\u{202e}helpdesk".into(),
            rank: 0,
            gate: true,
            level: Level::Write,
            reversible: Reversibility::Reversible,
            proof: "a later read".to_owned(),
            ..Step::new(
                StepId::of(&identity, "disable-client", None),
                identity.clone(),
                Action::new("disable-client"),
                ObjectId::of(identity.provider(), "client", "aa63df56-674a"),
                Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) },
            )
        }
    }

    fn record(body: Body) -> Record {
        Record {
            v: 1,
            seq: 3,
            at: "2026-03-01T12:00:00Z".parse().unwrap(),
            mono_ms: 0,
            incident: None,
            exercise: None,
            proc: ProcRef::Id(Uuid::nil()),
            op: None,
            epoch: 1,
            who: None,
            kind: body.kind().into(),
            controls: [].into(),
            body: RecordBody::Known(body),
            prev: crate::journal::Hash::ZERO,
            h: crate::journal::Hash::ZERO,
        }
    }

    fn answer() -> Record {
        let answer = Answer::new(AnswerKind::Accepted, "http", "204");
        let latency_ms = 12;
        record(Body::StepAnswer { step: step().id, attempt: 1, answer, latency_ms, state: StepState::Accepted })
    }

    #[test]
    fn a_step_is_told_as_its_intent_names_it() {
        let mut narrator = Narrator::default();
        let intended = IntendedStep { step: step(), key: Uuid::nil() };
        let hash = PlanHash::of(&BotName::new("helpdesk"), Depth::Isolate, &[step()]);
        let intent = Body::PlanIntent { hash, steps: vec![intended], round: 0 };
        assert_eq!(narrator.line(&record(intent)).text, "1 step, round 0");
        assert!(narrator.knows(&answer()));
        let line = narrator.line(&answer());
        assert_eq!((&*line.text, &*line.result), ("disable-client bot-<U+202E>helpdesk", "accepted 204"));
        let attempt = record(Body::StepAttempt { step: step().id, attempt: 2, key: Uuid::nil() });
        assert_eq!(narrator.line(&attempt).result, "attempt 2");
        let verdict = Verdict::Fails("still enabled".to_owned());
        let state = StepState::Accepted;
        let read = "a read".to_owned();
        let verify = record(Body::StepVerify { step: step().id, read, verdict, last: false, state });
        assert_eq!(narrator.line(&verify).result, "accepted, not yet: still enabled");
    }

    #[test]
    fn a_note_names_its_author_and_a_step_its_bot_and_state() {
        let mut narrator = Narrator::default();
        let note = || record(Body::IncidentNote { text: "seen\u{7}".into() });
        assert!(!narrator.knows(&note()), "whose process that is stands elsewhere in the file");
        let who = crate::journal::Who { user: Some("alice".to_owned()), ..crate::journal::Who::default() };
        narrator.learn(&Record { who: Some(Box::new(who)), ..note() });
        assert!(narrator.knows(&note()));
        assert_eq!(narrator.line(&note()).text, "alice: seen\\x07");
        let op = Some(OperationId::from_uuid(Uuid::from_u128(1)));
        let (bot, depth) = (BotName::new("helpdesk"), Depth::Isolate);
        let (identities, collateral) = (Vec::new(), Vec::new());
        let claim = Body::OpClaim { bot, depth, reason: None, identities, collateral, resumed: false, restores: None };
        narrator.learn(&Record { op, ..record(claim) });
        let line = narrator.line(&Record { op, ..answer() });
        assert_eq!((&*line.bot, &*line.state, line.step), ("helpdesk", "accepted", step().id.to_string()));
    }

    #[test]
    fn a_step_without_an_intent_is_called_by_its_id() {
        let mut narrator = Narrator::default();
        assert!(!narrator.knows(&answer()));
        assert_eq!(narrator.line(&answer()).text, step().id.to_string());
        assert!(narrator.knows(&answer()), "it is asked for once");
    }
}

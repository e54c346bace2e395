//! A record of the journal as one line of the screen.

use crate::{
    domain::{Untrusted, Verdict},
    journal::{Body, Record, RecordBody},
    tui::message::JournalLine,
};

/// What the journal's screen shows of a record.
pub fn line(record: &Record) -> JournalLine {
    let text = match &record.body {
        RecordBody::Known(body) => sentence(body),
        RecordBody::Part { .. } => "part of a long record".to_owned(),
        RecordBody::Unknown(_) => "of a newer version of estop".to_owned(),
    };
    JournalLine {
        incident: record.incident,
        seq: record.seq,
        at: record.at,
        op: record.op,
        kind: record.kind.clone(),
        // A file may hold anything: escaped here as if a provider had said it.
        text: Untrusted::new(text).shown(),
    }
}

fn sentence(body: &Body) -> String {
    match body {
        Body::IncidentOpen { title, .. } => title.clone().unwrap_or_else(|| "an incident opens".to_owned()),
        Body::IncidentClose { note } => note.clone().unwrap_or_else(|| "the incident ends".to_owned()),
        Body::EvidenceSnapshot { bot, reading, .. } => {
            format!("{bot}: {} holdings of {}", reading.holdings.len(), reading.identity.id)
        }
        Body::OpClaim { bot, depth, reason, resumed, .. } => {
            let depth = format!("{depth:?}").to_lowercase();
            let again = if *resumed { ", resumed" } else { "" };
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{depth} {bot}{again}{reason}")
        }
        Body::OpEnd { bot, outcome, .. } => format!("{bot}: {outcome}"),
        Body::PlanIntent { steps, round, .. } => format!("{} steps, round {round}", steps.len()),
        Body::StepAttempt { step, attempt, .. } => format!("{step}, attempt {attempt}"),
        Body::StepAnswer { step, answer, latency_ms, state, .. } => {
            format!("{step}: {} in {latency_ms} ms, {}", answer.code, state.word())
        }
        Body::StepVerify { step, verdict, state, .. } => {
            let verdict = match verdict {
                Verdict::Holds => "holds".to_owned(),
                Verdict::Fails(why) => format!("fails: {why}"),
                Verdict::Unknown(why) => format!("cannot tell: {why}"),
            };
            format!("{step}: {}, {verdict}", state.word())
        }
        Body::StepManual { instruction, attested_by, .. } => match attested_by {
            Some(who) => format!("{who} says it is done: {instruction}"),
            None => instruction.clone(),
        },
        Body::SweepRound { round, complete, new, live } => {
            let listing = if *complete { "complete" } else { "incomplete" };
            format!("round {round}: {listing}, {new} new, {live} live")
        }
        Body::ResidualSet { residual } => format!("{} kinds of access outlive it", residual.len()),
        Body::ResidualDark { at } => format!("the last residual has ended at {at}"),
        Body::Contradicted { alive } => alive.iter().map(|alive| alive.what.as_str()).collect::<Vec<_>>().join("; "),
        Body::GuardRefused { bot, why } => match bot {
            Some(bot) => format!("{bot}: {why}"),
            None => why.clone(),
        },
        Body::GuardOverride { bot, why } => format!("{bot}: {why}"),
        Body::Recovered { offset, length, .. } => format!("{length} torn bytes set aside at {offset}"),
        Body::ConsoleLost { by } => by.clone(),
        Body::SinkLost { what } => what.clone(),
    }
}

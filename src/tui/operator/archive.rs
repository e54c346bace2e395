//! Journals of this host as the console shows them, by the same readers as the commands use. Blocks: never in the loop.

use std::path::Path;

use serde_json::Value;

use super::line::Narrator;
use crate::{
    domain::{BotName, BotState, IncidentId, Outcome, Untrusted},
    journal::{
        Audit, Claimant, Given, Health, Incident, Operation, Presence, ProcRef, Record, RecordBody, Recorded, Store,
        Verification, audit, fold, writers,
    },
    tui::{
        incidents::{Archive, Brief, Checked, Standing, Writer},
        journal::JournalPane,
        message::Field,
        operation::OperationView,
    },
};

/// Lines of an opened journal that are held; `estop journal show` has all of any file.
const MOST: usize = 20_000;
/// Fields of one line that are shown.
const FIELDS: usize = 2000;

/// Every incident, as far as it can be read.
pub fn list(store: &Store) -> Result<Vec<Brief>, String> {
    let ids = store.incidents().map_err(|error| error.to_string())?;
    let row = |id| match store.read(id) {
        Ok(recorded) => brief(store, &fold(id, &recorded.records), &recorded),
        Err(error) => Brief::unreadable(id, error.to_string()),
    };
    Ok(ids.into_iter().map(row).collect())
}

/// One of them with its operations and lines.
pub fn open(store: &Store, id: IncidentId) -> Result<Archive, String> {
    let recorded = store.read(id).map_err(|error| error.to_string())?;
    let incident = fold(id, &recorded.records);
    let left_out = recorded.records.len().saturating_sub(MOST);
    let mut narrator = Narrator::default();
    recorded.records[..left_out].iter().for_each(|record| narrator.learn(record));
    let lines = recorded.records[left_out..].iter().map(|record| narrator.line(record)).collect();
    Ok(Archive {
        brief: brief(store, &incident, &recorded),
        operations: incident.operations.iter().map(|operation| OperationView::of_record(id, operation)).collect(),
        journal: JournalPane::of(lines),
        left_out,
    })
}

/// The answers of `estop journal verify` for each of its files.
pub fn check(store: &Store, id: IncidentId) -> Checked {
    let (key, trouble) = match store.verifier_key(None) {
        Ok(key) => (key, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let given = Given { checkpoint: None, key, before: store.directory().map(Path::to_owned) };
    let files = store.read(id).map_or_else(|_| vec![store.path(id)], |recorded| recorded.paths);
    let mut checked = Checked { sound: trouble.is_none(), says: trouble.into_iter().collect() };
    for audit in files.iter().map(|file| audit(file, &given)) {
        checked.sound &= audit.exit_code() == 0;
        checked.says.extend(answers(&audit));
    }
    checked
}

fn answers(audit: &Audit) -> Vec<String> {
    let chain = audit.chain.sentence();
    match audit.chain {
        Verification::Unreadable { .. } => vec![chain],
        _ => vec![chain, format!("newest checkpoint here: {}", audit.newest.sentence())],
    }
}

/// Every field of one line.
pub fn line(store: &Store, incident: Option<IncidentId>, seq: u64) -> Result<Vec<Field>, String> {
    let recorded = match incident {
        Some(id) => store.read(id),
        None => store.read_host(),
    };
    let recorded = recorded.map_err(|error| error.to_string())?;
    let found = recorded.records.iter().rev().find(|record| record.seq == seq);
    found.map(|record| fields(&recorded, record)).ok_or_else(|| format!("the file has no line {seq}"))
}

fn fields(recorded: &Recorded, record: &Record) -> Vec<Field> {
    let process = match &record.proc {
        ProcRef::Id(id) => id.to_string(),
        ProcRef::Whole(whole) => {
            format!("{}, number {} on {}, estop {}", whole.id, whole.pid, whole.host, whole.version)
        }
    };
    let who = recorded.who(record.proc.id()).map_or_else(|| "not said".to_owned(), crate::journal::Who::short);
    let mut fields: Vec<(&str, String)> = vec![
        ("seq", record.seq.to_string()),
        ("at", record.at.to_string()),
        ("kind", record.kind.to_string()),
        ("incident", record.incident.map_or_else(|| "of the host".to_owned(), |id| id.to_string())),
        ("exercise", record.exercise.as_deref().unwrap_or_default().to_owned()),
        ("operation", record.op.map(|op| op.to_string()).unwrap_or_default()),
        ("epoch", record.epoch.to_string()),
        ("who", who),
        ("process", process),
        ("mono_ms", record.mono_ms.to_string()),
        ("controls", record.controls.join(", ")),
    ];
    let mut flat = Vec::new();
    match &record.body {
        // `kind` and `body` beside each other: only the body is of interest here.
        RecordBody::Known(body) => match serde_json::to_value(body) {
            Ok(tagged) => flatten("body", tagged.get("body").unwrap_or(&Value::Null), &mut flat),
            Err(error) => flat.push(("body".to_owned(), error.to_string())),
        },
        RecordBody::Part { part, parts } => flat.push(("body".to_owned(), format!("part {part} of {parts}"))),
        RecordBody::Unknown(body) => {
            fields.push(("known", "no: of a newer version of estop".to_owned()));
            flatten("body", body, &mut flat);
        }
    }
    let tail = [("prev", record.prev.to_string()), ("h", record.h.to_string())];
    let owned = |(name, text): (&str, String)| (name.to_owned(), text);
    let head = fields.into_iter().filter(|(_, text)| !text.is_empty()).map(owned);
    let left_out = flat.len().saturating_sub(FIELDS);
    flat.truncate(FIELDS);
    if left_out > 0 {
        flat.push(("body".to_owned(), format!("{left_out} more fields: estop journal show --json has them")));
    }
    head.chain(flat).chain(tail.into_iter().map(owned)).collect()
}

/// The leaves of a value, each with its path: `body.answer.code`.
fn flatten(path: &str, value: &Value, into: &mut Vec<Field>) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            for (name, value) in object {
                flatten(&format!("{path}.{name}"), value, into);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&format!("{path}.{index}"), value, into);
            }
        }
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => into.push((path.to_owned(), value.to_string())),
    }
}

fn brief(store: &Store, incident: &Incident, recorded: &Recorded) -> Brief {
    let shown = |text: &str| Untrusted::new(text).shown();
    Brief {
        id: incident.id,
        title: incident.title.as_deref().map(shown),
        opened_at: incident.opened_at,
        closed_at: incident.closed_at,
        operations: incident.operations.iter().map(standing).collect(),
        writers: writers(&recorded.records).iter().map(|writer| said(store, writer)).collect(),
        lines: recorded.records.len(),
        trouble: trouble(&recorded.health),
        last_note: incident.notes.iter().rev().find_map(|note| {
            let text = note.text.as_ref()?;
            Some((note.at, format!("{}: {}", shown(&note.by), text.shown())))
        }),
    }
}

fn said(store: &Store, writer: &Claimant) -> Writer {
    let host = Untrusted::new(writer.host.as_str()).shown();
    let who = Untrusted::new(writer.who.short()).shown();
    Writer {
        name: format!("{who}, process {} on {host}", writer.pid),
        present: match writer.presence() {
            Presence::Here | Presence::Stopped => Some(true),
            Presence::Gone => Some(false),
            Presence::Elsewhere => None,
        },
        this: writer.process == store.process(),
    }
}

fn standing(operation: &Operation) -> Standing {
    let held_by = operation.held_by.as_ref().filter(|by| operation.ended.is_none() && by.may_work());
    let state = match operation.ended.as_ref().map(|end| &end.outcome) {
        None if held_by.is_some() => BotState::Isolating,
        Some(_) if !operation.after_dark.is_empty() => BotState::Contradicted,
        Some(Outcome::Dark) => BotState::Dark,
        Some(Outcome::DarkAt { at, .. }) => BotState::DarkAt(*at),
        None | Some(Outcome::Partial { .. }) => BotState::Partial,
        Some(Outcome::Contradicted { .. }) => BotState::Contradicted,
        Some(Outcome::Restored { .. }) => BotState::Live,
    };
    let word = match (operation.ended.as_ref().map(|end| end.outcome.word()), operation.gave_way) {
        (Some(_), _) if !operation.after_dark.is_empty() => "contradicted",
        (Some(word), _) => word,
        (None, Some(_)) => "gave way",
        (None, None) if held_by.is_some() && operation.restores.is_some() => "restoring",
        (None, None) if held_by.is_some() => "isolating",
        (None, None) => "unfinished",
    };
    Standing {
        bot: BotName::shown(&operation.bot),
        state,
        word: word.to_owned(),
        held_by: held_by.map(ToString::to_string),
    }
}

fn trouble(health: &Health) -> Option<String> {
    match health {
        Health::Sound => None,
        Health::Torn { offset, length, .. } => {
            Some(format!("torn at byte {offset}, {length} bytes; the next writer sets them aside"))
        }
        Health::Damaged { line, what, .. } => Some(format!("damaged in line {line}: {what}")),
    }
}

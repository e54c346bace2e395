//! Journals of this host as the console shows them, by the same readers as the commands use. Blocks: never in the loop.

use std::path::Path;

use serde_json::Value;

use super::{line::Narrator, shelf::Kept};
use crate::{
    domain::IncidentId,
    journal::{Audit, Given, ProcRef, Record, RecordBody, Recorded, Store, Verification, audit, fold},
    tui::{
        incidents::{Archive, Checked},
        journal::JournalPane,
        message::Field,
        operation::OperationView,
    },
};

/// Lines of an opened journal that are held; `estop journal show` has all of any file.
const MOST: usize = 20_000;
/// Fields of one line that are shown.
const FIELDS: usize = 2000;

/// One of them with its operations and lines.
pub fn open(store: &Store, id: IncidentId) -> Result<Archive, String> {
    let recorded = store.read(id).map_err(|error| error.to_string())?;
    let incident = fold(id, &recorded.records);
    let left_out = recorded.records.len().saturating_sub(MOST);
    let mut narrator = Narrator::default();
    recorded.records[..left_out].iter().for_each(|record| narrator.learn(record));
    let lines = recorded.records[left_out..].iter().map(|record| narrator.line(record)).collect();
    Ok(Archive {
        brief: Kept::of(&incident, &recorded).brief(store),
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

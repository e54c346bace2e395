//! `estop journal`: the record, offline. It needs no configuration and no provider.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

use super::{
    Exit, Stop,
    args::{Global, JournalCommand},
    context::{stamp, state_dir},
    output::{Output, Row},
    time::Moment,
};
use crate::{
    domain::{IncidentId, OperationId, Untrusted},
    engine::{Clock, SystemClock},
    journal::{Health, Process, Record, RecordBody, Store, Verification, fold, verify},
};

/// Lists, shows or verifies.
pub(super) async fn run(output: &Output, global: &Global, command: &JournalCommand) -> Result<Exit, Stop> {
    if let JournalCommand::Verify { file: Some(file) } = command {
        return Ok(verify_files(output, global, std::slice::from_ref(file)).await);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::at(state_dir(global)?, global.exercise.clone(), stamp(&clock), Process::this());
    let incidents = store.incidents().map_err(|error| Stop::failed(error.to_string()))?;
    match command {
        JournalCommand::List => Ok(list(output, global, &store, &incidents)),
        JournalCommand::Show(args) => {
            let newest = || incidents.last().copied().ok_or_else(|| Stop::usage("there is no journal on this host"));
            show(output, global, &store, args.incident.map_or_else(newest, Ok)?)
        }
        JournalCommand::Verify { .. } => {
            let mut files = Vec::new();
            for incident in &incidents {
                // One that cannot be read is for the check to say.
                files.extend(store.read(*incident).map_or_else(|_| vec![store.path(*incident)], |read| read.paths));
            }
            if files.is_empty() {
                return Err(Stop::usage("there is no journal on this host: name a file"));
            }
            Ok(verify_files(output, global, &files).await)
        }
    }
}

#[derive(Serialize)]
struct JournalsDocument {
    schema: &'static str,
    exercise: Option<String>,
    journals: Vec<JournalRow>,
}

#[derive(Serialize)]
struct JournalRow {
    incident: IncidentId,
    title: Option<String>,
    opened_at: Option<Moment>,
    closed_at: Option<Moment>,
    paths: Vec<String>,
    lines: Option<usize>,
    health: String,
}

fn list(output: &Output, global: &Global, store: &Store, incidents: &[IncidentId]) -> Exit {
    let mut exit = Exit::Done;
    let mut journals = Vec::new();
    for id in incidents.iter().rev() {
        let row = match store.read(*id) {
            Ok(recorded) => {
                let incident = fold(*id, &recorded.records);
                exit = exit.and(Exit::of_reading(recorded.health == Health::Sound));
                JournalRow {
                    incident: *id,
                    title: incident.title,
                    opened_at: Moment::maybe(incident.opened_at),
                    closed_at: Moment::maybe(incident.closed_at),
                    paths: recorded.paths.iter().map(|path| path.display().to_string()).collect(),
                    lines: Some(recorded.records.len()),
                    health: health_sentence(&recorded.health),
                }
            }
            Err(error) => {
                exit = exit.and(Exit::Partial);
                let paths = vec![store.path(*id).display().to_string()];
                let health = error.to_string();
                JournalRow { incident: *id, title: None, opened_at: None, closed_at: None, paths, lines: None, health }
            }
        };
        journals.push(row);
    }
    let document = JournalsDocument { schema: "estop.journal-list/1", exercise: global.exercise.clone(), journals };
    if output.json {
        output.document(&document);
    } else if document.journals.is_empty() {
        output.line("no journal");
    } else {
        let row = |journal: &JournalRow| {
            Row::of(journal.incident.to_string())
                .with(journal.opened_at.map_or_else(|| "-".to_owned(), |at| at.to_string()))
                .with(if journal.closed_at.is_some() { "closed" } else { "open" })
                .with(journal.lines.map_or_else(|| "? lines".to_owned(), |lines| format!("{lines} lines")))
                .with(journal.health.as_str())
                .with(journal.paths.join(" "))
                .with(journal.title.as_deref().map(|title| Untrusted::new(title).shown()).unwrap_or_default())
        };
        output.rows(&document.journals.iter().map(row).collect::<Vec<_>>());
    }
    exit
}

/// One sentence; `sound` where there is nothing to say.
pub(super) fn health_sentence(health: &Health) -> String {
    match health {
        Health::Sound => "sound".to_owned(),
        Health::Torn { path, offset, length } => {
            format!("{}: torn at byte {offset}, {length} bytes; the next writer sets them aside", path.display())
        }
        Health::Damaged { path, line, offset, what } => {
            format!("{}: damaged in line {line} (byte {offset}): {what}", path.display())
        }
    }
}

#[derive(Serialize)]
struct RecordsDocument {
    schema: &'static str,
    exercise: Option<String>,
    incident: IncidentId,
    paths: Vec<String>,
    health: String,
    records: Vec<RecordRow>,
}

#[derive(Serialize)]
struct RecordRow {
    seq: u64,
    at: Moment,
    op: Option<OperationId>,
    epoch: u32,
    kind: String,
    controls: Vec<String>,
    /// `null`: a part of a record that another line completes.
    body: Option<serde_json::Value>,
    /// Whether this estop knows the kind.
    known: bool,
    h: String,
}

impl From<&Record> for RecordRow {
    fn from(record: &Record) -> Self {
        let body = match &record.body {
            RecordBody::Known(body) => serde_json::to_value(body)
                .ok()
                .and_then(|mut tagged| tagged.get_mut("body").map(serde_json::Value::take)),
            RecordBody::Part { .. } => None,
            RecordBody::Unknown(body) => Some(body.clone()),
        };
        Self {
            seq: record.seq,
            at: Moment(record.at),
            op: record.op,
            epoch: record.epoch,
            kind: record.kind.clone(),
            controls: record.controls.clone(),
            body,
            known: !matches!(record.body, RecordBody::Unknown(_)),
            h: record.h.clone(),
        }
    }
}

fn show(output: &Output, global: &Global, store: &Store, incident: IncidentId) -> Result<Exit, Stop> {
    let recorded = store.read(incident).map_err(|error| match error {
        crate::journal::JournalError::Missing(_) => Stop::usage(error.to_string()),
        error => Stop::failed(error.to_string()),
    })?;
    let document = RecordsDocument {
        schema: "estop.journal-show/1",
        exercise: global.exercise.clone(),
        incident,
        paths: recorded.paths.iter().map(|path| path.display().to_string()).collect(),
        health: health_sentence(&recorded.health),
        records: recorded.records.iter().map(Into::into).collect(),
    };
    if output.json {
        output.document(&document);
    } else {
        output.rows(&document.records.iter().map(record_row).collect::<Vec<_>>());
    }
    if recorded.health != Health::Sound {
        output.say(&document.health);
    }
    Ok(Exit::of_reading(recorded.health == Health::Sound))
}

/// The line of a record for people: what it is, and the fields of its body that are one word or sentence.
fn record_row(record: &RecordRow) -> Row {
    let body = record.body.as_ref().and_then(serde_json::Value::as_object);
    let field = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => Some(format!("{name}={}", Untrusted::new(text.as_str()).shown_in(80))),
        serde_json::Value::Number(number) => Some(format!("{name}={number}")),
        serde_json::Value::Bool(flag) => Some(format!("{name}={flag}")),
        serde_json::Value::Object(object) => {
            let word = object.get("is").and_then(serde_json::Value::as_str)?;
            Some(format!("{name}={}", Untrusted::new(word).shown_in(40)))
        }
        serde_json::Value::Array(list) => Some(format!("{}={}", name, list.len())),
        serde_json::Value::Null => None,
    };
    let fields: Vec<String> = body.into_iter().flatten().filter_map(field).collect();
    let unknown = if record.known { "" } else { " (unknown to this estop)" };
    Row::of(record.seq.to_string())
        .with(record.at.to_string())
        .with(format!("{}{unknown}", Untrusted::new(record.kind.as_str()).shown_in(40)))
        .with(fields.join(" "))
}

#[derive(Serialize)]
struct VerifyDocument {
    schema: &'static str,
    exercise: Option<String>,
    files: Vec<VerifiedRow>,
}

#[derive(Serialize)]
struct VerifiedRow {
    path: String,
    result: &'static str,
    sentence: String,
}

/// 0 sound, 1 unreadable, 3 torn, 4 damaged; of several the worst.
async fn verify_files(output: &Output, global: &Global, files: &[PathBuf]) -> Exit {
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for file in files {
        let path = file.clone();
        let found = tokio::task::spawn_blocking(move || verify(&path)).await;
        let found = found.unwrap_or_else(|_| Verification::Unreadable { why: "the check broke off".to_owned() });
        let (result, one) = judged(&found);
        exit = exit.and(one);
        rows.push(row(file, result, &found));
    }
    if output.json {
        let exercise = global.exercise.clone();
        output.document(&VerifyDocument { schema: "estop.journal-verify/1", exercise, files: rows });
    } else {
        for row in &rows {
            let line = format!("{}: {}", row.path, row.sentence);
            if row.result == "sound" { output.line(&line) } else { output.say(&line) }
        }
    }
    exit
}

fn judged(found: &Verification) -> (&'static str, Exit) {
    match found {
        Verification::Sound { .. } => ("sound", Exit::Done),
        Verification::Unreadable { .. } => ("unreadable", Exit::Failed),
        Verification::Torn { .. } => ("torn", Exit::Partial),
        Verification::Damaged { .. } => ("damaged", Exit::Contradicted),
    }
}

fn row(file: &Path, result: &'static str, found: &Verification) -> VerifiedRow {
    VerifiedRow { path: file.display().to_string(), result, sentence: found.sentence() }
}

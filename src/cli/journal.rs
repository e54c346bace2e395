//! `estop journal`: the record, offline. It needs no configuration and no provider.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{
    Exit, Stop,
    args::{Global, JournalCommand},
    context::{stamp, state_dir},
    output::{Output, Row},
    time::Moment,
    verify,
};
use crate::{
    config::{self, Sources},
    domain::{IncidentId, OperationId, Untrusted},
    engine::{Clock, SystemClock},
    journal::{Health, Process, Record, RecordBody, Store, fold},
};

/// Lists, shows or verifies.
pub(super) async fn run(output: &Output, global: &Global, command: &JournalCommand) -> Result<Exit, Stop> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let fallback = if global.exercise.is_none() { fallback_dir(output, global) } else { None };
    // A file from elsewhere is checked on a host that has no journals.
    let named = matches!(command, JournalCommand::Verify(args) if args.file.is_some());
    let state_dir = state_dir(global).or_else(|stop| if named { Ok(PathBuf::new()) } else { Err(stop) })?;
    let store = Store::at(state_dir, global.exercise.clone(), stamp(&clock), Process::this());
    let store = store.with_fallback(fallback);
    match command {
        JournalCommand::List => Ok(list(output, global, &store, &incidents(&store)?)),
        JournalCommand::Show(args) => {
            let newest = incidents(&store)?.last().copied();
            let none = || Stop::usage("there is no journal on this host");
            show(output, global, &store, args.incident.or(newest).ok_or_else(none)?)
        }
        JournalCommand::Verify(args) => verify::run(output, global, &store, args).await,
    }
}

fn incidents(store: &Store) -> Result<Vec<IncidentId>, Stop> {
    store.incidents().map_err(|error| Stop::failed(error.to_string()))
}

/// Where the configuration, if there is one that can be read, lets journals go on. The record is read without one too.
fn fallback_dir(output: &Output, global: &Global) -> Option<PathBuf> {
    let named = global.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    match config::load(&Sources::usual(named), &[]) {
        Ok(loaded) => loaded?.0.console.fallback_dir,
        Err(error) => {
            output.say(&format!("what went on in a fallback directory is not looked at: {error}"));
            None
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
            kind: record.kind.to_string(),
            controls: record.controls.to_vec(),
            body,
            known: !matches!(record.body, RecordBody::Unknown(_)),
            h: record.h.to_string(),
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
        .with(format!("{}{unknown}", Untrusted::new(&*record.kind).shown_in(40)))
        .with(fields.join(" "))
}

//! `estop status` and what it shares with `estop incident`.

use jiff::Timestamp;

use super::{
    Context, Exit, Stop,
    args::IncidentArgs,
    documents::{IncidentRow, IncidentsDocument, OperationRow},
    output::{Output, Row},
};
use crate::{
    domain::{IncidentId, Untrusted},
    journal::{Store, fold},
};

/// Prints the open incidents, or one. 3 where a journal cannot be read.
pub(super) fn run(context: &Context, args: &IncidentArgs) -> Result<Exit, Stop> {
    let now = context.engine.clock().now();
    let (incidents, errors) = read(context.engine.store(), args.incident, now)?;
    let told = incidents.into_iter().filter(|row| args.incident.is_some() || row.closed_at.is_none()).collect();
    Ok(print(context, "estop.status/1", told, errors, now))
}

/// The incidents of this host, or the one; and what could not be read.
pub(super) fn read(
    store: &Store,
    incident: Option<IncidentId>,
    now: Timestamp,
) -> Result<(Vec<IncidentRow>, Vec<String>), Stop> {
    let known = store.incidents().map_err(|error| Stop::failed(error.to_string()))?;
    let ids = match incident {
        Some(id) if known.contains(&id) => vec![id],
        Some(id) => return Err(Stop::usage(format!("no incident {id} is on this host: estop incident list has them"))),
        None => known,
    };
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for id in ids {
        match store.read(id) {
            Ok(recorded) => rows.push(IncidentRow::of(&fold(id, &recorded.records), now)),
            Err(error) => errors.push(error.to_string()),
        }
    }
    Ok((rows, errors))
}

/// Prints incidents under a schema.
pub(super) fn print(
    context: &Context,
    schema: &'static str,
    incidents: Vec<IncidentRow>,
    errors: Vec<String>,
    now: Timestamp,
) -> Exit {
    let output = &context.output;
    let exercise = context.engine.snapshot().exercise.clone();
    let document = IncidentsDocument::new(schema, exercise, now, incidents, errors);
    if output.json {
        output.document(&document);
    } else {
        if document.incidents.is_empty() {
            output.line("no incident");
        }
        for incident in &document.incidents {
            print_incident(output, incident);
        }
    }
    for error in &document.errors {
        output.say(error);
    }
    Exit::of_reading(document.errors.is_empty())
}

fn print_incident(output: &Output, incident: &IncidentRow) {
    let title = incident.title.as_deref().map(|title| Untrusted::new(title).shown());
    let opened = incident.opened_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let closed = incident.closed_at.map_or_else(|| "open".to_owned(), |at| format!("closed {at}"));
    output.rows(&[Row::of(incident.id.to_string()).with(opened).with(closed).with(title.unwrap_or_default())]);
    for operation in &incident.operations {
        print_operation(output, operation);
    }
}

fn print_operation(output: &Output, operation: &OperationRow) {
    let bot = Untrusted::new(operation.bot.as_str()).shown();
    let open = if operation.unfinished { "unfinished" } else { "gave way" };
    let word = operation.outcome.unwrap_or(open);
    let restore = operation.restores.map(|mode| format!("restore, {}", mode.word())).unwrap_or_default();
    let until = operation.dark_at.map(|at| at.to_string()).unwrap_or_default();
    let resume = if operation.unfinished { "estop resume finishes it" } else { "" };
    output.rows(&[Row::of(format!("  {bot}")).state(word).with(until).with(restore).with(resume)]);
    for what in &operation.alive {
        output.line(&format!("    STILL LIVE: {what}"));
    }
    for reason in &operation.reasons {
        output.line(&format!("    {reason}"));
    }
    for manual in operation.manual.iter().filter(|manual| !manual.attested) {
        output.line(&format!("    by hand: {}", manual.instruction));
    }
    for residual in &operation.residual {
        output.line(&format!("    {}", residual.sentence()));
    }
}

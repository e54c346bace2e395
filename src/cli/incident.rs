//! `estop incident`.

use std::io::Read as _;

use uuid::Uuid;

use super::{Context, Exit, Stop, args::IncidentCommand, documents::HandoverDocument, may, status};
use crate::{
    domain::IncidentId,
    engine::Right,
    journal::{Body, Entry, fold},
};

const SCHEMA: &str = "estop.incident/1";

/// Opens, lists, shows, remarks upon, hands over or closes.
pub(super) async fn run(context: &Context, command: &IncidentCommand) -> Result<Exit, Stop> {
    match command {
        IncidentCommand::Open { title } => open(context, title.clone()).await,
        IncidentCommand::List => list(context, None),
        IncidentCommand::Show(args) => {
            let incident = args.incident.map_or_else(|| newest(context), Ok)?;
            list(context, Some(incident))
        }
        IncidentCommand::Note { text, incident } => note(context, *incident, text).await,
        IncidentCommand::Handover { incident, to, note } => {
            hand_over(context, *incident, to.clone(), note.clone()).await
        }
        IncidentCommand::Close { incident, note } => close(context, *incident, note.clone()).await,
    }
}

fn list(context: &Context, incident: Option<IncidentId>) -> Result<Exit, Stop> {
    let now = context.engine.clock().now();
    let (mut incidents, errors) = status::read(context.engine.store(), incident, now)?;
    incidents.reverse();
    Ok(status::print(context, SCHEMA, incidents, errors, now))
}

fn newest(context: &Context) -> Result<IncidentId, Stop> {
    let incidents = context.engine.store().incidents().map_err(|error| Stop::failed(error.to_string()))?;
    incidents.last().copied().ok_or_else(|| Stop::usage("there is no incident on this host"))
}

async fn open(context: &Context, title: Option<String>) -> Result<Exit, Stop> {
    may(context, Right::Open).await?;
    let incident = IncidentId::from_uuid(Uuid::now_v7());
    record(context, incident, Body::IncidentOpen { title, follows: None }).await?;
    list(context, Some(incident))
}

/// Longer remarks belong into a file that the remark names.
const MAX_NOTE: u64 = 16 * 1024;

async fn note(context: &Context, incident: Option<IncidentId>, text: &str) -> Result<Exit, Stop> {
    let text = if text == "-" { read_note().await? } else { text.to_owned() };
    if text.trim().is_empty() || text.len() as u64 > MAX_NOTE {
        return Err(Stop::usage(format!("a note has some text, {MAX_NOTE} bytes at most")));
    }
    let incident = context.engine.note(incident, text.trim_end()).await.map_err(|refusal| Stop::from(&refusal))?;
    list(context, Some(incident))
}

async fn read_note() -> Result<String, Stop> {
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().take(MAX_NOTE + 1).read_to_string(&mut text).map(|_| text)
    });
    match read.await {
        Ok(Ok(text)) => Ok(text),
        _ => Err(Stop::usage("standard input is no text: nothing was recorded")),
    }
}

async fn hand_over(
    context: &Context,
    incident: Option<IncidentId>,
    to: Option<String>,
    note: Option<String>,
) -> Result<Exit, Stop> {
    let summary = context.engine.hand_over_incident(incident, to.clone(), note).await;
    let summary = summary.map_err(|refusal| Stop::from(&refusal))?;
    let output = &context.output;
    if output.json {
        output.document(&HandoverDocument::of(context.engine.snapshot().exercise.clone(), to, summary));
    } else {
        for line in summary {
            output.line(&line);
        }
    }
    Ok(Exit::Done)
}

async fn close(context: &Context, incident: Option<IncidentId>, note: Option<String>) -> Result<Exit, Stop> {
    may(context, Right::Close).await?;
    let store = context.engine.store();
    let failed = |error: crate::journal::JournalError| Stop::failed(error.to_string());
    let incident = match incident {
        Some(incident) => incident,
        None => store.open_incident().map_err(failed)?.ok_or_else(|| Stop::usage("no incident is open"))?,
    };
    // Says first whether there is such an incident.
    status::read(store, Some(incident), context.engine.clock().now())?;
    let folded = fold(incident, &store.read(incident).map_err(failed)?.records);
    if folded.closed_at.is_some() {
        return Err(Stop::usage(format!("incident {incident} is closed already")));
    }
    if let Some(open) = folded.operations.iter().find(|operation| operation.is_under_way()) {
        let message = format!("the isolation of {} is unfinished: estop resume {incident} finishes it", open.bot);
        return Err(Stop::refused(message));
    }
    record(context, incident, Body::IncidentClose { note }).await?;
    list(context, Some(incident))
}

async fn record(context: &Context, incident: IncidentId, body: Body) -> Result<(), Stop> {
    let failed = |error: crate::journal::JournalError| Stop::failed(error.to_string());
    let journal = context.engine.store().open(incident).await.map_err(failed)?;
    journal.commit(vec![Entry::general(body)]).await.map_err(failed)?;
    Ok(())
}

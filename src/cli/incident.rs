//! `estop incident`.

use uuid::Uuid;

use super::{Context, Exit, Stop, args::IncidentCommand, status};
use crate::{
    domain::IncidentId,
    journal::{Body, Entry, fold},
};

const SCHEMA: &str = "estop.incident/1";

/// Opens, lists, shows or closes.
pub(super) async fn run(context: &Context, command: &IncidentCommand) -> Result<Exit, Stop> {
    match command {
        IncidentCommand::Open { title } => open(context, title.clone()).await,
        IncidentCommand::List => list(context, None),
        IncidentCommand::Show(args) => {
            let incident = args.incident.map_or_else(|| newest(context), Ok)?;
            list(context, Some(incident))
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
    may_record(context)?;
    let incident = IncidentId::from_uuid(Uuid::now_v7());
    record(context, incident, Body::IncidentOpen { title, follows: None }).await?;
    list(context, Some(incident))
}

async fn close(context: &Context, incident: Option<IncidentId>, note: Option<String>) -> Result<Exit, Stop> {
    may_record(context)?;
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

fn may_record(context: &Context) -> Result<(), Stop> {
    if context.engine.read_only() {
        return Err(Stop::refused("estop runs read-only: start it without --read-only to record anything"));
    }
    Ok(())
}

async fn record(context: &Context, incident: IncidentId, body: Body) -> Result<(), Stop> {
    let failed = |error: crate::journal::JournalError| Stop::failed(error.to_string());
    let journal = context.engine.store().open(incident).await.map_err(failed)?;
    journal.commit(vec![Entry::general(body)]).await.map_err(failed)?;
    Ok(())
}

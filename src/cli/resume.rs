//! `estop resume`.

use super::{Context, Exit, Stop, args::IncidentArgs, follow::follow, signals::Signals};
use crate::domain::IncidentId;

/// Finishes what other processes have left. 0 only if nothing is left unfinished.
pub(super) async fn run(context: &Context, args: &IncidentArgs, signals: &mut Signals) -> Result<Exit, Stop> {
    if context.engine.read_only() {
        return Err(Stop::refused("estop runs read-only: start it without --read-only to resume"));
    }
    let events = context.engine.subscribe();
    let resumed = tokio::select! {
        resumed = async {
            context.engine.refresh().await;
            context.engine.resume(args.incident).await
        } => resumed.map_err(|error| Stop::failed(error.to_string()))?,
        received = signals.next() => return Ok(received.exit()),
    };
    if resumed.is_empty() && !context.output.json {
        context.output.line("nothing is left unfinished");
    }
    let exit = follow(context, resumed, events, signals).await;
    Ok(exit.and(left(context, args.incident)))
}

/// What is still unfinished, each on standard error.
fn left(context: &Context, incident: Option<IncidentId>) -> Exit {
    match context.engine.unfinished(incident) {
        Ok(left) if left.is_empty() => Exit::Done,
        Ok(left) => {
            for (_, operation) in left {
                context.output.say(&format!("{}: unfinished (operation {})", operation.bot, operation.id));
            }
            Exit::Partial
        }
        Err(error) => {
            context.output.say(&error.to_string());
            Exit::Failed
        }
    }
}

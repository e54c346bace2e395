//! `estop resume`.

use super::{
    Context, Exit, Stop,
    args::ResumeArgs,
    follow::{Feed, follow},
    may,
    signals::Signals,
};
use crate::{domain::IncidentId, engine::Right};

/// Finishes what other processes have left. 0 only if nothing is left unfinished.
pub(super) async fn run(context: &Context, args: &ResumeArgs, signals: &mut Signals) -> Result<Exit, Stop> {
    may(context, Right::Resume).await?;
    let feed = Feed::of(context);
    let resumed = tokio::select! {
        resumed = async {
            context.engine.refresh().await;
            context.engine.resume_from(args.incident, args.take_over).await
        } => resumed.map_err(|error| Stop::failed(error.to_string()))?,
        received = signals.next() => return Ok(received.exit()),
    };
    let held = context.engine.held(args.incident).map_err(|error| Stop::failed(error.to_string()))?;
    for (bot, by) in held.iter().filter(|(bot, _)| !resumed.iter().any(|one| one.bot == *bot)) {
        context.output.say(&format!("{bot}: {by} is at work on it; --take-over takes it from a process that hangs"));
    }
    if resumed.is_empty() && held.is_empty() && !context.output.json {
        context.output.line("nothing is left unfinished");
    }
    let exit = follow(context, resumed, feed, signals).await;
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

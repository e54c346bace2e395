//! `estop confirm`.

use super::{Context, Exit, Stop, args::ConfirmArgs, documents::ConfirmDocument};

/// Puts on record that a person did a manual step. That is no proof, and nothing ever calls it one.
pub(super) async fn run(context: &Context, args: &ConfirmArgs) -> Result<Exit, Stop> {
    let confirmed = context.engine.confirm(&args.step, args.note.clone()).await;
    let confirmed = confirmed.map_err(|refusal| Stop::from(&refusal))?;
    let output = &context.output;
    if output.json {
        output.document(&ConfirmDocument::of(context.engine.snapshot().exercise.clone(), &confirmed));
    } else {
        output.line(&format!("{}: attested by {}: {}", confirmed.bot, confirmed.by, confirmed.instruction));
    }
    Ok(Exit::Done)
}

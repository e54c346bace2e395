//! `estop approve`: the second person.

use super::{Context, Exit, Stop, args::ApproveArgs, documents::ApprovalDocument, output::Row};

/// Approves one restore by its plan's hash. Reads every isolated bot; changes nothing at a provider.
pub(super) async fn run(context: &Context, args: &ApproveArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let approved = context.engine.approve(&args.hash).await.map_err(|refusal| Stop::from(&refusal))?;
    let document = ApprovalDocument::of(context.engine.snapshot().exercise.clone(), &approved);
    if context.output.json {
        context.output.document(&document);
    } else {
        context.output.rows(&[
            Row::of("approved").with(format!("restore of {}, {}", approved.bot, document.mode.word())),
            Row::of("plan").with(document.hash),
            Row::of("by").with(document.by),
            Row::of("until").with(format!("{}, for one restore by somebody else", document.until)),
            Row::of("incident").with(document.incident.to_string()),
        ]);
    }
    Ok(Exit::Done)
}

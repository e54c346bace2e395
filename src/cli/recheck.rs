//! `estop recheck`.

use super::{Context, Exit, Stop, args::BotArgs, documents::RecheckDocument, names::resolve};

/// Reads a bot again and says whether it is still dark. Changes nothing at a provider.
pub(super) async fn run(context: &Context, args: &BotArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let view = resolve(&context.engine.snapshot(), &args.bot)?;
    let rechecked = context.engine.recheck(&view.bot.name).await.map_err(|refusal| Stop::from(&refusal))?;
    let output = &context.output;
    let document = RecheckDocument::of(context.engine.snapshot().exercise.clone(), &rechecked);
    if output.json {
        output.document(&document);
    } else {
        let until = document.dark_at.map(|at| format!(" {at}")).unwrap_or_default();
        let isolated = if document.op.is_some() { "" } else { " (estop has never isolated it)" };
        output.line(&format!("{}: {}{until}{isolated}", rechecked.bot, document.outcome));
        for residual in &document.residual {
            output.line(&format!("  {}", residual.sentence()));
        }
    }
    for what in &document.alive {
        output.say(&format!("{}: STILL LIVE: {what}", rechecked.bot));
    }
    for reason in &document.reasons {
        output.say(&format!("{}: {reason}", rechecked.bot));
    }
    Ok(Exit::from(&rechecked.outcome))
}

//! `estop retry`.

use super::{
    Context, Exit, Stop,
    args::BotArgs,
    follow::{Feed, follow},
    may,
    names::resolve,
    signals::Signals,
};
use crate::engine::Right;

/// Strikes again what failed, or what was found usable after dark.
pub(super) async fn run(context: &Context, args: &BotArgs, signals: &mut Signals) -> Result<Exit, Stop> {
    may(context, Right::Retry).await?;
    let view = tokio::select! {
        view = async {
            context.engine.refresh().await;
            resolve(&context.engine.snapshot(), &args.bot)
        } => view?,
        received = signals.next() => return Ok(received.exit()),
    };
    let feed = Feed::of(context);
    let running = context.engine.retry(&view.bot.name).await.map_err(|refusal| Stop::from(&refusal))?;
    Ok(follow(context, vec![running], feed, signals).await)
}

//! `estop isolate`.
//!
//! ```text
//! names ─▶ they are read (10 s at most) ─▶ all guards ─▶ --yes or the name typed ─▶ all orders ─▶ follow to the end
//!   └─ exit 2      nothing is sent up to here: exit 5, exit 2, or 128 + n  ─┘
//! ```

use std::{collections::BTreeSet, io::IsTerminal as _, sync::Arc, time::Duration};

use super::{
    Context, Exit, Stop,
    args::IsolateArgs,
    follow::{Feed, follow},
    identify::hand_over,
    leak, may,
    names::{ask_name, resolve},
    signals::Signals,
};
use crate::{
    domain::{Depth, PlanHash, ProviderName},
    engine::{BotView, Hold, Order, Right, Snapshot},
};

/// A provider that has not answered by then does not hold up the strike: what is known by then is struck.
const READ_TIME: Duration = Duration::from_secs(10);
/// What is known at one provider is struck so long after it is known, whoever else is still silent.
const LATE: Duration = Duration::from_millis(500);

/// Isolates the bots that are named.
pub(super) async fn run(context: &Context, args: &IsolateArgs, signals: &mut Signals) -> Result<Exit, Stop> {
    check_usage(args)?;
    may(context, Right::Isolate).await?;
    let orders = tokio::select! {
        orders = prepare(context, args) => orders?,
        received = signals.next() => return Ok(received.exit()),
    };
    let feed = Feed::of(context);
    let mut running = Vec::new();
    let mut refused = None;
    for order in orders {
        match context.engine.isolate(order).await {
            Ok(started) => {
                if let Some(notice) = &started.notice {
                    context.output.say(notice);
                }
                running.push(started);
            }
            Err(refusal) => {
                context.output.say(&refusal.to_string());
                refused = Some(Stop::from(&refusal).exit);
            }
        }
    }
    if running.is_empty() {
        return Ok(refused.unwrap_or(Exit::Usage));
    }
    // Something was sent, so that the refusal of another bot is a piece that is missing.
    let missing = if refused.is_some() { Exit::Partial } else { Exit::Done };
    Ok(follow(context, running, feed, signals).await.and(missing))
}

/// What can be seen wrong without asking anybody.
fn check_usage(args: &IsolateArgs) -> Result<(), Stop> {
    if args.bots.len() > 1 && args.leaked {
        return Err(Stop::usage("--leaked is a secret of one bot: isolate one bot with it"));
    }
    if args.bots.len() > 1 && args.plan.is_some() {
        return Err(Stop::usage("--plan is the hash of one bot's plan: isolate one bot with it"));
    }
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !args.yes && !can_ask {
        return Err(Stop::usage("there is no terminal to ask for the bot's name on: say --yes"));
    }
    Ok(())
}

/// Reads the fleet, finds the bots, passes every guard and asks for the names. Sends nothing that changes anything.
async fn prepare(context: &Context, args: &IsolateArgs) -> Result<Vec<Order>, Stop> {
    let secret = if args.leaked { Some(leak::read(&context.output).await?) } else { None };
    // A plan that was looked at, and a secret that is to be matched, stand on everything that there is to know.
    let late = if args.plan.is_some() || args.leaked || !args.yes { READ_TIME } else { LATE };
    if !known(context, &args.bots, late).await {
        context.output.say("no provider has told all within 10 s: what is known is struck, the rest as it answers");
    }
    if let Some(secret) = &secret {
        hand_over(context, &named(context, args)?[0].bot.name, secret, args.allow_minting)?;
    }
    let views = named(context, args)?;
    let mut orders: Vec<Order> = views.iter().map(|view| order(view, args)).collect();
    guard(context, &orders, args).await?;
    if !args.yes {
        for (order, view) in orders.iter_mut().zip(&views) {
            ask(context, view, args).await?;
            order.name_typed = true;
        }
        guard(context, &orders, args).await?;
    }
    Ok(orders)
}

/// Reads the fleet until everything is known of the bots that are named; whether anything is. A provider that has nothing to
/// do with them holds up nobody: it is read on beside the strike. One that is late, when another has told all, is waited
/// for so long and no longer.
async fn known(context: &Context, names: &[String], late: Duration) -> bool {
    let engine = context.engine.clone();
    let mut fleet = engine.watch();
    let mut reading = tokio::spawn(async move { engine.refresh().await });
    let over = tokio::time::sleep(READ_TIME);
    tokio::pin!(over);
    let mut some_are_late = false;
    loop {
        tokio::select! {
            _ = &mut reading => return true,
            // Who is late then is named in the outcome, where it did not answer at all.
            () = &mut over => return some_are_late,
            changed = fleet.changed() => {
                let snapshot = fleet.borrow_and_update().clone();
                if changed.is_err() || names.iter().all(|typed| is_known(context, &snapshot, typed)) {
                    return true;
                }
                if !some_are_late && names.iter().all(|typed| is_known_somewhere(&snapshot, typed)) {
                    some_are_late = true;
                    let by_then = tokio::time::Instant::now() + late;
                    if by_then < over.deadline() {
                        over.as_mut().reset(by_then);
                    }
                }
            }
        }
    }
}

/// Whether a name means one bot for good, and all that it is at one provider was read.
fn is_known_somewhere(snapshot: &Snapshot, typed: &str) -> bool {
    let Ok(view) = resolve(snapshot, typed) else { return false };
    let is_read = |provider: &ProviderName| {
        let mut here = view.identities.iter().filter(|identity| identity.id.provider() == provider);
        here.all(|identity| view.readings.get(&identity.id).is_some())
    };
    means_one(&view, typed) && view.identities.iter().any(|identity| is_read(identity.id.provider()))
}

/// Whether the configuration, or the id itself, says whose it is.
fn means_one(view: &BotView, typed: &str) -> bool {
    view.bot.configured || view.bot.identities.iter().any(|id| id.to_string() == typed)
}

/// Whether a name means one bot for good, and every identity of it was read. A name that only a selector lists could
/// still turn out to be another provider's too, unless all have answered.
fn is_known(context: &Context, snapshot: &Snapshot, typed: &str) -> bool {
    let Ok(view) = resolve(snapshot, typed) else { return false };
    let all_answered = snapshot.providers.iter().all(|provider| provider.read_at.is_some() || provider.error.is_some());
    (means_one(&view, typed) || all_answered) && !view.is_stale(context.engine.clock().now())
}

/// The bots, each once; as many as `--count` says.
fn named(context: &Context, args: &IsolateArgs) -> Result<Vec<Arc<BotView>>, Stop> {
    let snapshot = context.engine.snapshot();
    let mut seen = BTreeSet::new();
    let mut views = Vec::new();
    for typed in &args.bots {
        let view = resolve(&snapshot, typed)?;
        if seen.insert(view.bot.name.clone()) {
            views.push(view);
        }
    }
    match args.count {
        Some(count) if count != views.len() => {
            Err(Stop::usage(format!("--count says {count}, but {} are named", views.len())))
        }
        None if views.len() > 1 => {
            Err(Stop::usage(format!("{} bots are named: say --count {0} to isolate them all", views.len())))
        }
        _ => Ok(views),
    }
}

fn order(view: &BotView, args: &IsolateArgs) -> Order {
    let mut order = Order::isolate(view.bot.name.clone());
    order.depth = if args.burn { Depth::Burn } else { Depth::Isolate };
    order.reason.clone_from(&args.reason);
    order.plan = args.plan.as_deref().map(parse_hash);
    order.hold = if args.hold.is_zero() { Hold::No } else { Hold::For(args.hold) };
    order.break_glass = args.break_glass;
    order
}

/// What is no plan's hash never fits one: the guard refuses it.
fn parse_hash(text: &str) -> PlanHash {
    let text = serde_json::Value::String(text.trim().to_lowercase());
    serde_json::from_value(text).expect("a plan's hash can be read from any string")
}

/// Every guard of every bot, before anything is sent. What a guard refuses is told and recorded.
async fn guard(context: &Context, orders: &[Order], args: &IsolateArgs) -> Result<(), Stop> {
    let mut refused = None;
    for order in orders {
        let mut order = order.clone();
        // Where the name will be asked for, it has still to be typed.
        order.name_typed |= !args.yes;
        if let Err(refusal) = context.engine.guard(&order) {
            let stop = Stop::from(&refusal);
            context.output.say(&stop.message);
            context.engine.record_refusal(Some(&order.bot), &refusal).await;
            refused = Some(refused.map_or(stop.exit, |exit: Exit| exit.and(stop.exit)));
        }
    }
    match refused {
        None => Ok(()),
        Some(exit) => Err(Stop { exit, message: "nothing was sent".to_owned() }),
    }
}

/// Asks for the bot's name. What was typed before the question does not answer it.
async fn ask(context: &Context, view: &BotView, args: &IsolateArgs) -> Result<(), Stop> {
    let plan = if args.burn { &view.burn } else { &view.plan };
    let (verb, undo) = if args.burn { ("burn", "; it cannot be undone") } else { ("isolate", "") };
    ask_name(&context.output, &view.bot.name, &format!("to {verb} it: {} steps{undo}", plan.steps.len())).await
}

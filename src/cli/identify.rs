//! `estop identify`.
//!
//! ```text
//! standard input ─▶ what it is (its own text) ─▶ whose (what was read with estop's own credentials) ─┬─▶ document
//!                                                       --probe: used once, at its own provider only ─┘
//! ```

use super::{
    Context, Exit, Stop,
    args::IdentifyArgs,
    documents::{IdentifyDocument, use_word},
    leak,
    output::{Output, Row},
};
use crate::{
    domain::{BotState, Identified, LeakedSecret, Owner, Probed, Untrusted},
    engine::Snapshot,
};

/// Says what a leaked secret is and whose. 0: one bot's; 3: nobody's, several bots', or not everything could be read or
/// told; 4: it works although its bot was called dark.
pub(super) async fn run(context: &Context, args: &IdentifyArgs) -> Result<Exit, Stop> {
    let secret = leak::read(&context.output).await?;
    context.engine.refresh().await;
    let identified = context.engine.identify(&secret);
    let probed =
        if args.probe { Some(context.engine.probe(&secret, &identified, args.allow_minting).await) } else { None };
    drop(secret);
    let snapshot = context.engine.snapshot();
    let document = IdentifyDocument::of(snapshot.exercise.clone(), &identified, probed.as_deref());
    if context.output.json {
        context.output.document(&document);
    } else {
        print(&context.output, &document);
    }
    let told = tell(&context.output, &document);
    let unread = unread(&context.output, &snapshot);
    Ok(told.and(unread).and(probed.map_or(Exit::Done, |probed| used(&snapshot, &probed))))
}

/// Whose it is, for a sentence: `helpdesk's`, `nobody's that is known here`.
pub(super) fn whose(identified: &Identified) -> String {
    let mut names: Vec<String> = identified
        .owners
        .iter()
        .map(|owner| match &owner.bot {
            Some(bot) => bot.shown(),
            None => format!("{} ({}, of no bot)", owner.name.shown(), owner.identity),
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "nobody's that is known here".to_owned() } else { format!("that of {}", names.join(", ")) }
}

/// Hands a leaked secret of one bot over: its plan ends it from now on.
///
/// # Errors
/// It is another's, or nobody's that is known: nothing was sent.
pub(super) fn hand_over(
    context: &Context,
    bot: &crate::domain::BotName,
    secret: &LeakedSecret,
    consent: bool,
) -> Result<(), Stop> {
    if context.engine.hand_over(bot, secret, consent).is_empty() {
        let identified = context.engine.identify(secret);
        return Err(Stop::usage(format!(
            "the secret {} is not one of {bot}: it is {}; nothing was sent",
            identified.fingerprint,
            whose(&identified)
        )));
    }
    Ok(())
}

fn tell(output: &Output, document: &IdentifyDocument) -> Exit {
    match document.bots().len() {
        1 => Exit::Done,
        0 if document.owners.is_empty() && document.recognised.is_empty() => {
            output.say("no rule knows it, and nothing that was read has its fingerprint");
            Exit::Partial
        }
        0 => {
            output.say("it is no bot's that is known here");
            Exit::Partial
        }
        count => {
            output.say(&format!("it opens {count} bots: isolate each"));
            Exit::Partial
        }
    }
}

/// What was not read may own it too.
fn unread(output: &Output, snapshot: &Snapshot) -> Exit {
    let missing = snapshot.providers.iter().filter(|provider| !provider.reachable || !provider.complete);
    let mut exit = Exit::Done;
    for provider in missing {
        let why = provider.error.as_deref().unwrap_or("it did not answer");
        output.say(&format!("{}: not everything was read: {why}", provider.name));
        exit = Exit::Partial;
    }
    exit
}

fn used(snapshot: &Snapshot, probed: &[(Owner, Probed)]) -> Exit {
    let one = |(owner, probed): &(Owner, Probed)| {
        let view = owner.bot.as_ref().and_then(|bot| snapshot.bot(bot));
        let dark = view.is_some_and(|view| matches!(view.state, BotState::Dark | BotState::DarkAt(_)));
        match probed.alive {
            None => Exit::Partial,
            Some(true) if dark => Exit::Contradicted,
            Some(_) => Exit::Done,
        }
    };
    probed.iter().map(one).fold(Exit::Done, Exit::and)
}

fn print(output: &Output, document: &IdentifyDocument) {
    output.line(&format!("secret {}", document.fingerprint));
    for recognised in &document.recognised {
        let provider = recognised.provider.map(|kind| format!(", issued by {kind}")).unwrap_or_default();
        output.line(&format!(
            "may be a {}{provider} ({}, by {})",
            recognised.name, recognised.rule, recognised.confidence
        ));
        let claims = recognised.claims.iter().map(|claim| Row::of("  ").with(claim.kind).with(claim.value.shown()));
        output.rows(&claims.collect::<Vec<_>>());
        if let Some(caution) = recognised.caution {
            output.line(&format!("  caution: {caution}"));
        }
    }
    for owner in &document.owners {
        let bot = owner.bot.as_deref().map_or_else(|| "no bot".to_owned(), |bot| Untrusted::new(bot).shown());
        output.line(&format!("opens {} ({}) of {bot}: {}", owner.name.shown(), owner.identity, owner.how));
        if let Some(holding) = &owner.holding {
            output.line(&format!("  it is {holding}"));
        }
        if let Some(command) = &owner.isolate {
            output.line(&format!("  {command}"));
        }
    }
    for used in document.probes.iter().flatten() {
        let word = use_word(used.alive);
        output.line(&format!("used at {} as {}: {word}: {}", used.provider, used.identity, used.said.shown()));
    }
    if document.probes.is_none() && document.owners.iter().any(|owner| owner.probe != "none") {
        output.line("whether it works was not tried: --probe uses it once, at its own provider only");
    }
}

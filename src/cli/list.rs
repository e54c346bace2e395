//! `estop list`.

use super::{
    Context, Exit, Stop,
    args::ListArgs,
    documents::{IdentityRow, ListDocument},
    output::{Output, Row},
    time::age,
};
use crate::engine::Snapshot;

/// Reads the fleet and prints it. 3 where a provider could not be read in full.
pub(super) async fn run(context: &Context, args: &ListArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let snapshot = context.engine.snapshot();
    let document = ListDocument::of(&snapshot, args.state.map(super::args::StateWord::word), args.all);
    if context.output.json {
        context.output.document(&document);
    } else {
        print(&context.output, &document, &snapshot);
    }
    Ok(tell_incomplete(&context.output, &snapshot))
}

/// That a provider cannot be reached. A reason that begins with the provider's name does not say it twice.
pub(super) fn unreachable(name: &str, why: &str) -> String {
    let why = why.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(why);
    format!("{name} is unreachable: {why}")
}

/// Each provider that could not be read in full, on standard error; and the exit code that says so.
pub(super) fn tell_incomplete(output: &Output, snapshot: &Snapshot) -> Exit {
    for provider in &snapshot.providers {
        let why = provider.error.as_deref().unwrap_or("it was not read in full");
        if !provider.reachable {
            output.say(&unreachable(provider.name.as_str(), why));
        } else if !provider.complete {
            output.say(&format!("the listing of {} is incomplete: {why}", provider.name));
        }
    }
    Exit::of_reading(snapshot.is_complete())
}

fn print(output: &Output, document: &ListDocument, snapshot: &Snapshot) {
    for notice in &document.notices {
        output.say(notice);
    }
    let mut rows = vec![
        Row::of("BOT")
            .with("STATE")
            .with("OWNER")
            .with("ENVIRONMENT")
            .with("CREDENTIALS")
            .with("CONNECTORS")
            .with("GRANTS")
            .with("SCOPES")
            .with("FINDINGS")
            .with("ACTIVE")
            .with("IDENTITIES"),
    ];
    let number = |count: Option<usize>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    for bot in &document.bots {
        let identities: Vec<String> = bot.identities.iter().map(|identity| identity.id.to_string()).collect();
        let stale = if bot.stale { " (stale)" } else { "" };
        let protected = if bot.protected { " (protected)" } else { "" };
        let text = |text: &Option<crate::domain::Untrusted>| {
            text.as_ref().map_or_else(|| "-".to_owned(), crate::domain::Untrusted::shown)
        };
        rows.push(
            Row::of(format!("{}{protected}", crate::domain::Untrusted::new(bot.name.as_str()).shown()))
                .state(bot.state)
                .with(text(&bot.owner))
                .with(text(&bot.environment))
                .with(number(bot.counts.credentials))
                .with(number(bot.counts.connectors))
                .with(number(bot.counts.grants))
                .with(number(bot.counts.scopes))
                .with(number(bot.counts.findings))
                .with(format!("{}{stale}", age(bot.last_active_at, snapshot.generated_at)))
                .with(identities.join(" ")),
        );
    }
    if document.bots.is_empty() {
        output.line("no bot is listed");
    } else {
        output.rows(&rows);
    }
    print_others(output, document.others.as_deref());
}

fn print_others(output: &Output, others: Option<&[IdentityRow]>) {
    let Some(others) = others else { return };
    output.line("");
    output.line(&format!("{} other non-human identities", others.len()));
    let row = |identity: &IdentityRow| {
        Row::of(format!("  {}", identity.name.shown()))
            .with(identity.state)
            .with(identity.kind)
            .with(identity.id.to_string())
    };
    output.rows(&others.iter().map(row).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{documents::sample, output::tests::captured};

    #[test]
    fn a_provider_is_named_once() {
        assert_eq!(unreachable("sso", "sso: the server refuses"), "sso is unreachable: the server refuses");
        assert_eq!(unreachable("sso", "ssolike: no"), "sso is unreachable: ssolike: no");
    }

    #[test]
    fn the_fleet_as_people_read_it() {
        let snapshot = sample::snapshot();
        let (output, out, err) = captured(false, false, false);
        print(&output, &ListDocument::of(&snapshot, None, true), &snapshot);
        assert_eq!(tell_incomplete(&output, &snapshot), Exit::Partial);
        insta::assert_snapshot!(out.text() + "--\n" + &err.text());
    }

    #[test]
    fn the_fleet_as_a_document() {
        let document = ListDocument::of(&sample::snapshot(), Some("live"), false);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }

    #[test]
    fn no_bot_in_a_state_is_an_empty_list() {
        assert!(ListDocument::of(&sample::snapshot(), Some("dark"), false).bots.is_empty());
    }
}

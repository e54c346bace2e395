//! `estop show`.

use super::{
    Context, Exit, Stop,
    args::BotArgs,
    documents::{ActivityRow, FindingsRow, HoldingRow, ScopeRow, ShowDocument},
    names::resolve,
    output::{Output, Row},
};
use crate::{
    domain::{RULES, Untrusted},
    engine::{BotView, Snapshot},
};

/// Reads one bot and prints all of it. 3 where something of it could not be read.
pub(super) async fn run(context: &Context, args: &BotArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let snapshot = context.engine.snapshot();
    let view = resolve(&snapshot, &args.bot)?;
    let document = ShowDocument::of(&snapshot, &view);
    if context.output.json {
        context.output.document(&document);
    } else {
        print(&context.output, &document);
    }
    Ok(tell_gaps(&context.output, &snapshot, &view))
}

/// What of one bot could not be read, on standard error; and the exit code that says so.
pub(super) fn tell_gaps(output: &Output, snapshot: &Snapshot, view: &BotView) -> Exit {
    let mut missing: Vec<String> = view.error.iter().cloned().collect();
    for identity in &view.identities {
        if view.readings.get(&identity.id).is_none() {
            let provider = snapshot.providers.iter().find(|one| one.name == *identity.id.provider());
            let why = provider.and_then(|provider| provider.error.as_deref()).unwrap_or("its provider did not answer");
            missing.push(format!("{} was not read: {why}", identity.id));
        }
    }
    for reading in view.readings.iter() {
        for gap in &reading.gaps {
            let permission = gap.permission.as_ref().map(|name| format!(" (missing permission: {name})"));
            missing.push(format!("{}: {}{}", reading.identity.id, gap.what, permission.unwrap_or_default()));
        }
    }
    for sentence in &missing {
        output.say(sentence);
    }
    Exit::of_reading(missing.is_empty())
}

fn maybe(text: Option<&Untrusted>) -> String {
    text.map_or_else(|| "-".to_owned(), Untrusted::shown)
}

fn print(output: &Output, document: &ShowDocument) {
    let [bot] = &document.bots;
    output.rows(&[
        Row::of("bot").with(Untrusted::new(bot.name.as_str()).shown()),
        Row::of("state").state(bot.state),
        Row::of("owner").with(maybe(bot.owner.as_ref())),
        Row::of("contact").with(maybe(document.contact.as_ref())),
        Row::of("environment").with(maybe(bot.environment.as_ref())),
        Row::of("protected").with(if bot.protected { "yes" } else { "no" }),
    ]);
    print_findings(output, document.findings.as_ref());
    for shown in &bot.identities {
        let identity = &shown.identity;
        let child = shown.child_of.as_ref().map(|parent| format!(", made by {parent}")).unwrap_or_default();
        output.line("");
        output.line(&format!(
            "{}  {}  {}  {}{child}",
            identity.id,
            identity.name.shown(),
            identity.kind,
            identity.state
        ));
        match (&shown.holdings, &shown.activity) {
            (Some(holdings), activity) => {
                let read_at = shown.read_at.map(|at| at.to_string()).unwrap_or_default();
                output.line(&format!("  read {read_at}, {} holdings", holdings.len()));
                print_holdings(output, holdings);
                print_activity(output, activity.as_deref().unwrap_or_default());
            }
            (None, _) => output.line("  not read"),
        }
    }
}

/// The worst first; what could not be evaluated is counted beside, since it is not passed.
fn print_findings(output: &Output, findings: Option<&FindingsRow>) {
    let Some(findings) = findings else { return };
    let (fired, blind) = (findings.fired.len(), findings.cannot_evaluate.len());
    let suppressed = match findings.suppressed.len() {
        0 => String::new(),
        count => format!(", {count} suppressed"),
    };
    output.line("");
    output.line(&format!(
        "findings: {fired}{suppressed}; {} of {} rules checked, {blind} cannot be evaluated",
        findings.checked,
        RULES.len()
    ));
    for severity in ["critical", "high", "medium", "low"] {
        for finding in findings.fired.iter().filter(|finding| finding.severity == severity) {
            let whose = finding.identity.as_ref().map(|identity| format!("  {identity}")).unwrap_or_default();
            output.line(&format!("  {severity:<8}  {:<5}  {}{whose}", finding.id, finding.title));
            output.line(&format!("      {}", finding.why));
            output.line(&format!("      do: {}", finding.advice));
            let controls = [finding.controls.owasp, finding.controls.csf, finding.controls.zt].concat();
            output.line(&format!("      {}", controls.join(" ")));
        }
    }
    for suppressed in &findings.suppressed {
        let (finding, reason) = (&suppressed.finding, suppressed.reason.shown());
        let whose = finding.identity.as_ref().map(|identity| format!("  {identity}")).unwrap_or_default();
        let until = suppressed.until;
        output.line(&format!(
            "  suppressed until {until}  {:<5}  {} ({}){whose}: {reason}",
            finding.id, finding.title, finding.severity
        ));
    }
    for missing in &findings.cannot_evaluate {
        output.line(&format!("  cannot evaluate  {:<5}  {}: {}", missing.id, missing.title, missing.why));
    }
}

fn print_holdings(output: &Output, holdings: &[HoldingRow]) {
    for holding in holdings {
        let ends = holding.expires_at.map(|at| format!("ends {at}"));
        let used = holding.last_used_at.map(|at| format!("used {at}"));
        let fingerprint = holding.fingerprint.as_ref().map(ToString::to_string);
        let more: Vec<String> = [ends, used, fingerprint].into_iter().flatten().collect();
        output.rows(&[Row::of(format!("  {:<10}", holding.lane))
            .state(holding.state)
            .with(holding.class.as_str())
            .with(holding.name.shown())
            .with(more.join(", "))]);
        for shared in &holding.shared_with {
            let bot = shared.bot.as_ref().map(|bot| format!(" ({})", Untrusted::new(bot.as_str()).shown()));
            output.line(&format!("      opens too: {}{}", shared.identity, bot.unwrap_or_default()));
        }
        for scope in &holding.scopes {
            output.line(&format!("      {}", scope_line(scope)));
        }
    }
}

fn scope_line(scope: &ScopeRow) -> String {
    let mint = if scope.mint { ", mints" } else { "" };
    let via = scope.via.as_ref().map(|via| format!(" via {}", via.shown())).unwrap_or_default();
    format!("{} {} ({}{mint}){via}", scope.resource.shown(), scope.verb.shown(), scope.level)
}

/// The rows of what was done.
pub(super) fn activity_row(activity: &ActivityRow) -> Row {
    Row::of(format!("  {}", activity.at))
        .with(activity.action.shown())
        .with(maybe(activity.resource.as_ref()))
        .with(format!("for {}", maybe(activity.on_behalf_of.as_ref())))
        .with(format!("from {}", maybe(activity.from.as_ref())))
        .with(activity.outcome.shown())
}

fn print_activity(output: &Output, activity: &[ActivityRow]) {
    if !activity.is_empty() {
        output.line("  activity");
        output.rows(&activity.iter().map(activity_row).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{documents::sample, output::tests::captured};

    #[test]
    fn a_bot_as_people_read_it() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "helpdesk").unwrap();
        let (output, out, err) = captured(false, false, false);
        print(&output, &ShowDocument::of(&snapshot, &view));
        assert_eq!(tell_gaps(&output, &snapshot, &view), Exit::Partial);
        insta::assert_snapshot!(out.text() + "--\n" + &err.text());
    }

    #[test]
    fn a_bot_as_a_document() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "helpdesk").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&ShowDocument::of(&snapshot, &view)).unwrap());
    }

    #[test]
    fn what_was_not_read_is_null_and_never_empty() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "docs-db:t2").unwrap();
        let document = serde_json::to_value(ShowDocument::of(&snapshot, &view)).unwrap();
        let identity = &document["bots"][0]["identities"][0];
        for unknown in ["holdings", "activity", "findings", "read_at", "gaps"] {
            assert!(identity[unknown].is_null() && identity.get(unknown).is_some(), "{unknown}: {identity}");
        }
        assert!(document["bots"][0]["counts"]["credentials"].is_null());
    }
}

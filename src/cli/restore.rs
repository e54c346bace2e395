//! `estop restore`.
//!
//! ```text
//! name ─▶ read ─▶ the difference ─▶ --yes, or the name typed (no terminal: stop, 0) ─▶ guards, approval ─▶ follow
//!                     nothing is sent up to here: exit 5, 3, 2, or 128 + n  ─┘
//! ```

use std::io::IsTerminal as _;

use super::{
    Context, Exit, Stop,
    args::RestoreArgs,
    documents::RestoreDocument,
    follow::{Feed, follow},
    names::{ask_name, resolve},
    output::{Output, Row},
    signals::Signals,
};
use crate::{
    domain::{PlanHash, RestorePlan},
    engine::{Refusal, RestoreOrder, Right, short},
};

/// Shows what restoring would change, and restores once that is confirmed.
pub(super) async fn run(context: &Context, args: &RestoreArgs, signals: &mut Signals) -> Result<Exit, Stop> {
    let prepared = tokio::select! {
        prepared = prepare(context, args) => prepared?,
        received = signals.next() => return Ok(received.exit()),
    };
    let Some(order) = prepared else { return Ok(Exit::Done) };
    let feed = Feed::of(context);
    let running = context.engine.restore(order).await.map_err(|refusal| Stop::from(&refusal))?;
    Ok(follow(context, vec![running], feed, signals).await)
}

/// The order, once it is confirmed; `None`: the difference was all that was asked for.
async fn prepare(context: &Context, args: &RestoreArgs) -> Result<Option<RestoreOrder>, Stop> {
    context.engine.refresh().await;
    let view = resolve(&context.engine.snapshot(), &args.bot)?;
    let mut order = RestoreOrder {
        bot: view.bot.name.clone(),
        mode: args.mode.into(),
        plan: args.plan.as_deref().map(PlanHash::typed),
        name_typed: args.yes,
        reason: args.reason.clone(),
    };
    if context.engine.may(Right::Restore).is_err() {
        // The engine refuses, and has it on record.
        return Ok(Some(order));
    }
    let planned = context.engine.plan_restore(&order.bot, order.mode).await;
    let plan = planned.map_err(|refusal| Stop::from(&refusal))?;
    if order.plan.as_ref().is_some_and(|wanted| *wanted != plan.hash) {
        return Err(Stop::from(&Refusal::PlanChanged { bot: order.bot, is: plan.hash.clone() }));
    }
    tell(context, &plan, !args.yes);
    if args.yes {
        return Ok(Some(order));
    }
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !can_ask {
        return Ok(None);
    }
    ask_name(&context.output, &view.bot.name, &format!("to restore it ({})", plan.mode.word())).await?;
    // What is sent is what was shown, or nothing.
    (order.name_typed, order.plan) = (true, Some(plan.hash.clone()));
    Ok(Some(order))
}

/// For programs the whole in any case; for people the whole before they are asked, else what they have to know.
fn tell(context: &Context, plan: &RestorePlan, in_full: bool) {
    let document = RestoreDocument::of(context.engine.snapshot().exercise.clone(), plan);
    if context.output.json {
        context.output.document(&document);
    } else if in_full {
        print(&context.output, plan, &document);
    }
}

fn print(output: &Output, plan: &RestorePlan, document: &RestoreDocument) {
    output.rows(&[
        Row::of("bot").with(plan.bot.shown()),
        Row::of("mode").with(plan.mode.word()),
        Row::of("undoes").with(format!("operation {}", plan.undoes)),
        Row::of("plan").with(document.hash.as_str()),
    ]);
    let change = |row: &super::documents::ChangeRow| {
        let change = &row.change;
        Row::of(format!("  {}", change.what.shown())).with(format!("{} -> {}", change.now, change.then))
    };
    section(output, "changes", &document.changes.iter().map(change).collect::<Vec<_>>());
    let step = |row: &super::documents::RestoreStepRow| {
        let step = &row.step;
        let manual = step.manual.as_ref().map(|manual| format!("by hand: {manual}")).unwrap_or_default();
        Row::of(format!("  {}", row.part))
            .with(step.action.as_str())
            .with(step.target.shown())
            .with(step.provider.as_str())
            .with(manual)
    };
    section(output, "steps, each part proved before the next", &document.steps.iter().map(step).collect::<Vec<_>>());
    let lost =
        |row: &super::documents::LostRow| Row::of(format!("  {}", row.lost.what.shown())).with(row.lost.why.as_str());
    section(output, "will not come back", &document.lost.iter().map(lost).collect::<Vec<_>>());
    let reissue = |row: &super::documents::ReissueRow| {
        let again = &row.reissue;
        Row::of(format!("  {}", again.what.shown())).with(again.place.as_str()).with(again.by.as_str())
    };
    section(output, "has to be issued anew", &document.reissue.iter().map(reissue).collect::<Vec<_>>());
    let gap = |row: &super::documents::GapRow| {
        let permission = row.permission.as_ref().map(|name| format!("missing permission: {name}"));
        Row::of(format!("  {}", row.what)).with(permission.unwrap_or_default())
    };
    section(output, "could not be compared", &document.gaps.iter().map(gap).collect::<Vec<_>>());
    if plan.is_empty() {
        output.line("nothing is to be changed: restoring records that the isolation is over");
    }
    if plan.needs_approval {
        output.line(&format!("a second person has to approve it: estop approve {}", short(&plan.hash)));
    }
}

fn section(output: &Output, title: &str, rows: &[Row]) {
    if !rows.is_empty() {
        output.line(title);
        output.rows(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{documents::sample, output::tests::captured},
        domain::{BotName, Change, Gap, Lane, Lost, OperationId, Reissue, Restoration, RestoreMode, Reversibility},
    };

    #[test]
    fn a_difference_as_people_and_programs_read_it() {
        let identity = sample::identity("corp-sso", "5e0c", "helpdesk-bot");
        let step = |lane, action: &str, target: &str| {
            sample::step(&identity.id, lane, action, target, Reversibility::Reversible)
        };
        let restoration = Restoration {
            first: vec![step(Lane::Tokens, "replace", "client secret")],
            then: vec![
                step(Lane::Identity, "enable", "client helpdesk-bot"),
                step(Lane::Connectors, "assign", "role chatbot"),
            ],
            changes: vec![Change {
                what: "client helpdesk-bot: enabled".into(),
                now: "false".to_owned(),
                then: "true".to_owned(),
            }],
            lost: vec![Lost { what: "session 3f2a of \u{1b}bob".into(), why: "the user signs in anew".to_owned() }],
            reissue: vec![Reissue {
                what: "client secret".into(),
                place: "Clients > helpdesk-bot > Credentials".to_owned(),
                by: "owner support-platform".to_owned(),
            }],
            gaps: vec![Gap {
                class: None,
                what: "events were not read".to_owned(),
                permission: Some("view-events".to_owned()),
            }],
        };
        let undoes = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        let identities = vec![(identity.id.clone(), restoration)];
        let plan = RestorePlan::new(BotName::new("helpdesk"), undoes, RestoreMode::Rotate, identities, true);
        let document = RestoreDocument::of(None, &plan);
        let (output, out, _) = captured(false, false, false);
        print(&output, &plan, &document);
        insta::assert_snapshot!("text", out.text());
        insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
    }
}

//! `estop plan`.

use super::{
    Context, Exit, Stop,
    args::PlanArgs,
    documents::PlanDocument,
    names::resolve,
    output::{Output, Row},
    show::tell_gaps,
};
use crate::{
    domain::{Lane, Plan, Reversibility},
    engine::Snapshot,
};

/// Computes and prints what isolating a bot would do now. 3 where something of the bot could not be read.
pub(super) async fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let snapshot = context.engine.snapshot();
    let view = resolve(&snapshot, &args.bot)?;
    let plan = if args.burn { &view.burn } else { &view.plan };
    let document = PlanDocument::of(&snapshot, plan);
    if context.output.json {
        context.output.document(&document);
    } else {
        print(&context.output, &snapshot, plan, &document);
    }
    Ok(tell_gaps(&context.output, &snapshot, &view))
}

fn print(output: &Output, snapshot: &Snapshot, plan: &Plan, document: &PlanDocument) {
    let lanes: Vec<String> = Lane::ALL.iter().map(|lane| format!("{} {}", plan.in_lane(*lane), lane.word())).collect();
    let read_at = document.read_at.map_or_else(|| "not read: gates only".to_owned(), |at| at.to_string());
    let takes = snapshot.estimate(plan).map_or_else(|| "nothing to send".to_owned(), |estimate| estimate.sentence());
    output.rows(&[
        Row::of("bot").with(plan.bot.shown()),
        Row::of("plan").with(document.hash.as_str()),
        Row::of("read at").with(read_at),
        Row::of("steps").with(lanes.join(", ")),
        Row::of("not to be undone").with(document.irreversible.to_string()),
        Row::of("takes").with(takes),
    ]);
    let row = |step: &crate::domain::Step| {
        let undo = match step.reversible {
            Reversibility::Reversible => "can be undone",
            Reversibility::FromSnapshot => "can be undone from the snapshot",
            Reversibility::Irreversible => "cannot be undone",
        };
        Row::of(format!("  {}", step.lane.word()))
            .with(step.action.word())
            .with(step.target.shown())
            .with(step.identity.provider().as_str())
            .with(undo)
    };
    output.rows(&plan.steps.iter().map(row).collect::<Vec<_>>());
    for manual in document.steps.iter().filter_map(|step| step.manual.as_ref()) {
        output.line(&format!("by hand: {manual}"));
    }
    for permission in plan.missing_permissions() {
        output.line(&format!("missing permission: {permission}"));
    }
    for other in &document.collateral {
        output.line(&format!("also hits {}: {}", other.bot, other.why));
    }
    for exposed in &document.exposure {
        output.line(&exposed.sentence());
    }
    for residual in &document.residual {
        output.line(&residual.sentence());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{documents::sample, output::tests::captured};

    #[test]
    fn a_plan_as_people_and_programs_read_it() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "helpdesk").unwrap();
        let document = PlanDocument::of(&snapshot, &view.plan);
        let (output, out, _) = captured(false, false, false);
        print(&output, &snapshot, &view.plan, &document);
        insta::assert_snapshot!("text", out.text());
        insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
    }
}

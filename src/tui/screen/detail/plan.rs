//! What the plan's pane had to cut short, in full.

use super::Page;
use crate::{
    domain::Step,
    engine::BotView,
    tui::{action::Action, state::State, theme::Role},
};

/// Each question a responder has, with every answer.
pub fn add(state: &State, view: &BotView, page: &mut Page<'_>) {
    let (plan, key) = (&view.plan, state.key(Action::Isolate));
    let mut list = |title: &str, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        page.heading(title, &items.len().to_string());
        for item in items {
            page.hanging(3, 5, Role::Text, &item);
        }
    };
    let step = |step: &Step| format!("{} {}", step.action.word(), step.target.shown());
    list(&format!("{key} HAS NO WAY BACK FROM"), plan.irreversible().map(step).collect());
    list(
        &format!("{key} HITS TOO"),
        plan.collateral.iter().map(|other| format!("{}: {}", other.bot, other.why)).collect(),
    );
    let exposes = plan.exposure.iter();
    let exposes = exposes.map(|other| format!("{}: {}", other.bot.as_ref().unwrap_or(&other.name).shown(), other.why));
    list("IT EXPOSES", exposes.collect());
    let outlives = plan.residual.iter().map(|residual| format!("{} ({})", residual.what, residual.source));
    list("OUTLIVES IT", outlives.collect());
    list("BY HAND", plan.steps.iter().filter_map(Step::instruction).map(str::to_owned).collect());
    list("MISSING PERMISSIONS", plan.missing_permissions().into_iter().map(str::to_owned).collect());
}

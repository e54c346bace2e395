//! What a bot did: for whom, in which session, from where, with what outcome.

use super::Page;
use crate::{
    domain::Activity,
    engine::BotView,
    tui::{paint::clock, state::State, theme::Role},
};

/// The section's title.
pub const TITLE: &str = "ACTIVITY";
/// Newest things it did that are shown, where nothing is looked for.
const MAX: usize = 12;

/// The newest of all, or what a filter lets through.
pub fn add(state: &State, view: &BotView, page: &mut Page<'_>) {
    let filter = &state.activity;
    let mut activity: Vec<&Activity> = view.readings.iter().flat_map(|reading| &reading.activity).collect();
    activity.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let all = activity.len();
    let wanted = filter.is_set() || filter.editing;
    activity.retain(|entry| filter.lets(entry));
    let found = activity.len();
    activity.truncate(if wanted { found } else { MAX });
    let known = match (all, view.last_active_at) {
        (0, None) => "nothing known".to_owned(),
        (0, Some(_)) => "no entries".to_owned(),
        _ if wanted => format!("{found} of {all} with: {}", state.look.text(filter.input.value())),
        _ if activity.len() < all => format!("newest {} of {all}", activity.len()),
        _ => format!("{all}, newest first"),
    };
    page.heading(TITLE, &known);
    for entry in activity {
        one(state, entry, page);
    }
}

fn one(state: &State, entry: &Activity, page: &mut Page<'_>) {
    let role = if entry.succeeded() { Role::Text } else { Role::Warn };
    let mut text = format!("{} {}", clock(state.now.wall, entry.at), entry.action.shown());
    for (word, value) in
        [("on", &entry.resource), ("for", &entry.on_behalf_of), ("session", &entry.session), ("from", &entry.from)]
    {
        if let Some(value) = value {
            text = format!("{text} {word} {}", value.shown());
        }
    }
    page.hanging(3, 5, role, &format!("{text}: {}", entry.outcome.shown()));
}

//! The question before several bots are isolated at once: their names, what it takes, and their number to type.

use ratatui::layout::Rect;

use super::{
    Drawn, fleet,
    form::{self, Asked},
};
use crate::tui::{
    action::Context,
    forms::MarkedForm,
    paint::{Line, Paint, piece},
    state::State,
    theme::Role,
};

/// Lines of the question beside the names.
const AROUND: usize = 6;

/// Draws it over the list, so that the plan stays beside it; over all of it where the list has no room.
pub fn draw(state: &State, form: &MarkedForm, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let list = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    let over_list = question(state, form, list);
    let (area, asked) = if over_list.fits(list) { (list, over_list) } else { (body, question(state, form, body)) };
    form::asked(paint, area, asked, (&form.count, form.asks))
}

fn question(state: &State, asked: &MarkedForm, area: Rect) -> Asked {
    let width = form::inner_width(area);
    let look = &state.look;
    let count = asked.bots.len();
    let room = usize::from(area.height).saturating_sub(AROUND + 2).max(1);
    let names: Vec<String> = asked.bots.iter().map(|bot| look.text(&bot.shown())).collect();
    // As many names as there is room for; the others are counted.
    let first = |shown: usize| {
        let more = if shown < count { format!(" and {} more", count - shown) } else { String::new() };
        look.wrap(&format!("{}{more}", names[..shown].join(", ")), width)
    };
    let most = (1..=count).rev().map(first).find(|lines| lines.len() <= room);
    let mut lines: Vec<Line> =
        most.unwrap_or_else(|| first(1)).into_iter().map(|line| vec![piece(Role::Danger, line)]).collect();
    let views = || asked.bots.iter().filter_map(|bot| state.snapshot.bot(bot));
    let steps: usize = views().map(|view| view.plan.steps.len()).sum();
    let lost: usize = views().map(|view| view.plan.irreversible().count()).sum();
    let hits = views().filter(|view| view.hits() > 0).count();
    let means = format!("{steps} steps, {lost} without a way back; {hits} of the bots hit others too.");
    lines.extend(look.wrap(&means, width).into_iter().map(|line| vec![piece(Role::Text, line)]));
    let asks = vec![vec![piece(Role::Text, format!("Type {count} and press Enter:"))]];
    Asked { title: format!("Isolate {count} bots"), text: lines, offset: 0, asks }
}

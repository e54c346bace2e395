//! The question before several bots are isolated at once: their names, what it takes, and their number to type.

use ratatui::layout::Rect;

use super::{Drawn, fleet, form};
use crate::tui::{
    action::Context,
    forms::MarkedForm,
    paint::{Line, Paint, piece},
    state::State,
    theme::Role,
};

/// Lines of the question beside the names.
const AROUND: usize = 6;

/// Draws it over the list.
pub fn draw(state: &State, asked: &MarkedForm, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let area = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    let width = form::inner_width(area);
    let look = paint.look;
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
    lines.push(vec![piece(Role::Text, format!("Type {count} and press Enter:"))]);
    form::asked(paint, area, &format!("Isolate {count} bots"), lines, (&asked.count, asked.asks))
}

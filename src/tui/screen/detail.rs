//! One bot in full: what is wrong with it, what it holds as a tree, what it did and for whom.

mod activity;
mod findings;
mod plan;
mod tree;

use ratatui::layout::Rect;

use crate::{
    domain::BotState,
    engine::BotView,
    tui::{
        paint::{Line, Paint, clock, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// Draws it, from its offset on.
pub fn draw(state: &State, paint: &mut Paint<'_>, area: Rect) {
    let lines = lines(state, usize::from(area.width));
    let offset = state.fleet.detail_offset;
    paint.lines(area, &lines, offset);
}

/// All of it. Nothing is cut off: what is too long for a line goes on below.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let look = &state.look;
    let mut page = Page { look, width, lines: Vec::new() };
    if let Some(view) = state.bot() {
        head(state, view, &mut page);
        findings::add(view, &mut page);
        tree::add(state, view, &mut page);
        activity::add(state, view, &mut page);
        plan::add(state, view, &mut page);
        findings::add_unevaluated(view, &mut page);
    } else if let Some(identity) = state.other() {
        page.heading("IDENTITY", &look.text(identity.name.raw()));
        page.wrapped(3, Role::Text, &identity.id.to_string());
        page.wrapped(3, Role::Dim, identity.kind.word());
        page.wrapped(3, Role::Dim, "No bot has it: give it a [[bot]] entry to isolate it.");
    }
    page.lines
}

/// The line with which the activity begins.
pub fn activity_line(state: &State, width: usize) -> usize {
    lines(state, width)
        .iter()
        .position(|line| line.first().is_some_and(|piece| piece.text.trim() == activity::TITLE))
        .unwrap_or(0)
}

/// Lines that grow.
struct Page<'a> {
    look: &'a Look,
    width: usize,
    lines: Vec<Line>,
}

impl Page<'_> {
    /// The head of a section.
    fn heading(&mut self, title: &str, rest: &str) {
        let mut line = vec![piece(Role::Heading, format!(" {title}  "))];
        let indent = title.chars().count() + 3;
        let mut rest = self.look.wrap(rest, self.width.saturating_sub(indent)).into_iter();
        line.push(piece(Role::Dim, rest.next().unwrap_or_default()));
        self.lines.push(line);
        self.lines.extend(rest.map(|text| vec![piece(Role::Dim, format!("{}{text}", " ".repeat(indent)))]));
    }

    /// Text that anybody may have chosen, on as many lines as it takes.
    fn wrapped(&mut self, indent: usize, role: Role, text: &str) {
        self.hanging(indent, indent, role, text);
    }

    /// The same, further in from the second line on.
    fn hanging(&mut self, first: usize, rest: usize, role: Role, text: &str) {
        let text = self.look.text(text);
        let wrapped = self.look.wrap(&text, self.width.saturating_sub(first.max(rest) + 1));
        for (index, text) in wrapped.into_iter().enumerate() {
            let indent = if index == 0 { first } else { rest };
            self.lines.push(vec![piece(role, format!("{}{text}", " ".repeat(indent)))]);
        }
    }
}

fn head(state: &State, view: &BotView, page: &mut Page<'_>) {
    let look = page.look;
    let bot = &view.bot;
    let mut line = vec![piece(Role::Text, " "), look.state(state.state_of(view))];
    if let BotState::DarkAt(at) = view.state {
        line.push(piece(Role::DarkAt, format!(" {}", clock(state.now.wall, at))));
    }
    line.push(piece(Role::Title, format!("  {}", look.text(&bot.name.shown()))));
    if bot.protected {
        line.push(piece(Role::Warn, "  protected"));
    }
    page.lines.push(line);
    for (label, value) in [("owner", &bot.owner), ("contact", &bot.contact), ("environment", &bot.environment)] {
        let label = look.cell(label, 13);
        page.lines.push(vec![piece(Role::Dim, format!("   {label}")), piece(Role::Text, look.maybe(value.as_ref()))]);
    }
    if let Some(error) = &view.error {
        page.wrapped(3, Role::Bad, error);
    }
}

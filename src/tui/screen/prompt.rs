//! The dialog that asks for a bot's name before something that cannot be taken back.

use ratatui::layout::Rect;

use super::{Drawn, fleet};
use crate::{
    domain::Depth,
    tui::{
        action::Context,
        paint::{Line, Paint, piece},
        state::{Prompt, State},
        strike::Shown,
        theme::Role,
    },
};

/// Draws it over the body.
pub fn draw(state: &State, prompt: &Prompt, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let look = paint.look;
    // Over the list, so that the plan stays beside the question.
    let body = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    paint.fill(body, Role::Text);
    let columns = body.width.saturating_sub(4).min(72);
    let inner = usize::from(columns).saturating_sub(4);
    let verb = match prompt.depth {
        Depth::Burn => "Burn",
        Depth::Isolate => "Isolate",
    };
    let mut lines: Vec<Line> = vec![Vec::new()];
    let plan = state.snapshot.bot(&prompt.bot).map(|view| match prompt.depth {
        Depth::Burn => view.burn.clone(),
        Depth::Isolate => view.plan.clone(),
    });
    let wrapped = |role: Role, text: &str| -> Vec<Line> {
        look.wrap(&look.text(text), inner).into_iter().map(|line| vec![piece(role, line)]).collect()
    };
    lines.extend(wrapped(Role::Warn, &format!("The name is asked for because {}.", prompt.why)));
    if prompt.break_glass {
        let means = "BREAK GLASS: it goes on without a record on disk. What is done is kept in memory and lost when \
                     this process ends; nobody can resume it, and the console says so for ever after.";
        lines.extend(wrapped(Role::Bad, means));
    }
    if let Some(plan) = plan {
        let irreversible = plan.irreversible().count();
        let text = format!("{} steps, {irreversible} of them cannot be undone.", plan.steps.len());
        lines.extend(wrapped(Role::Text, &text));
    }
    lines.push(Vec::new());
    lines.push(vec![piece(Role::Text, "Type its name and press Enter:")]);
    let name_row = lines.len();
    lines.extend(wrapped(Role::Danger, &prompt.bot.shown()));
    lines.push(vec![piece(Role::Key, "> "), piece(Role::Text, prompt.input.value())]);
    let input_row = lines.len() - 1;
    lines.push(Vec::new());

    let height = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX).min(body.height);
    let area =
        Rect { x: body.x + (body.width - columns) / 2, y: body.y + (body.height - height) / 2, width: columns, height };
    let title = [piece(Role::Danger, format!("{verb} {}", look.fit(&prompt.bot.shown(), inner.saturating_sub(10))))];
    paint.rule(area, &title, &[]);
    let mut full = true;
    for (index, line) in lines.iter().enumerate().take(usize::from(height) - 1) {
        let y = area.y + 1 + u16::try_from(index).unwrap_or(0);
        let whole = paint.line(area.x + 2, y, columns.saturating_sub(4), line);
        full &= whole || index < name_row || index == input_row;
    }
    full &= input_row + 1 < usize::from(height);
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    paint.rule(bottom, &[], &[]);
    let typed = u16::try_from(prompt.input.visual_cursor()).unwrap_or(0);
    let column = area.x + 4 + typed.min(columns.saturating_sub(6));
    let row = area.y + 1 + u16::try_from(input_row).unwrap_or(0);
    let shown = Shown { prompt: full.then(|| prompt.bot.clone()), ..Shown::default() };
    Drawn { shown, cursor: Some((column, row)) }
}

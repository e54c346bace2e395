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

/// What it says.
struct Content {
    lines: Vec<Line>,
    /// The row of the bot's name.
    name: usize,
}

/// Draws it over the body.
pub fn draw(state: &State, prompt: &Prompt, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    // Over the list, so that the plan stays beside the question; over all of it where the list has no room.
    let list = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    let forms = [(list, true), (list, false), (body, true), (body, false)];
    let mut forms = forms.map(|(area, roomy)| (area, content(state, prompt, area, roomy))).into_iter();
    let fits = |form: &(Rect, Content)| form.1.lines.len() < usize::from(form.0.height);
    let (body, Content { lines, name }) =
        forms.find(fits).unwrap_or_else(|| (body, content(state, prompt, body, false)));
    paint.fill(body, Role::Text);
    let columns = columns(body);
    let verb = match prompt.depth {
        Depth::Burn => "Burn",
        Depth::Isolate => "Isolate",
    };
    let input_row = lines.iter().rposition(|line| !line.is_empty()).unwrap_or(0);
    let height = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX).min(body.height);
    let area =
        Rect { x: body.x + (body.width - columns) / 2, y: body.y + (body.height - height) / 2, width: columns, height };
    let named = paint.look.fit_middle(&prompt.bot.shown(), inner(body).saturating_sub(10));
    paint.rule(area, &[piece(Role::Danger, format!("{verb} {named}"))], &[]);
    let mut full = true;
    for (index, line) in lines.iter().enumerate().take(usize::from(height) - 1) {
        let y = area.y + 1 + u16::try_from(index).unwrap_or(0);
        let whole = paint.line(area.x + 2, y, columns.saturating_sub(4), line);
        full &= whole || index < name || index == input_row;
    }
    full &= input_row + 1 < usize::from(height);
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    if input_row + 1 < usize::from(height) - 1 {
        paint.rule(bottom, &[], &[]);
    }
    let typed = u16::try_from(prompt.input.visual_cursor()).unwrap_or(0);
    let column = area.x + 4 + typed.min(columns.saturating_sub(6));
    let row = area.y + 1 + u16::try_from(input_row).unwrap_or(0);
    let shown = Shown { prompt: full.then(|| prompt.bot.clone()), ..Shown::default() };
    Drawn { shown, cursor: Some((column, row)) }
}

fn columns(area: Rect) -> u16 {
    area.width.saturating_sub(4).min(72)
}

fn inner(area: Rect) -> usize {
    usize::from(columns(area)).saturating_sub(4)
}

/// The question, in an area; `roomy`: with blank lines.
fn content(state: &State, prompt: &Prompt, area: Rect, roomy: bool) -> Content {
    let look = &state.look;
    let plan = state.snapshot.bot(&prompt.bot).map(|view| match prompt.depth {
        Depth::Burn => view.burn.clone(),
        Depth::Isolate => view.plan.clone(),
    });
    let wrapped = |role: Role, text: &str| -> Vec<Line> {
        look.wrap(&look.text(text), inner(area)).into_iter().map(|line| vec![piece(role, line)]).collect()
    };
    let mut lines: Vec<Line> = Vec::new();
    let blank = |lines: &mut Vec<Line>| lines.extend(roomy.then(Vec::new));
    blank(&mut lines);
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
    blank(&mut lines);
    lines.push(vec![piece(Role::Text, "Type its name and press Enter:")]);
    let name = lines.len();
    lines.extend(wrapped(Role::Danger, &prompt.bot.shown()));
    lines.push(vec![piece(Role::Key, "> "), piece(Role::Text, prompt.input.value())]);
    blank(&mut lines);
    Content { lines, name }
}

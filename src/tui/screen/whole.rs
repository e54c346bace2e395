//! A step or a line, whole: one field a paragraph, nothing cut.

use ratatui::layout::Rect;

use crate::tui::{
    paint::{Line, Paint, piece},
    state::{Look, State},
    theme::Role,
    whole::{Of, Whole, step_fields},
};

/// Columns of a field's name, where it is short.
const NAME: usize = 12;

/// Draws it in place of what is behind it.
pub fn draw(state: &State, whole: &Whole, paint: &mut Paint<'_>, body: Rect) {
    paint.fill(body, Role::Text);
    let close = [piece(Role::Dim, "Esc closes")];
    paint.rule(Rect { height: 1, ..body }, &[piece(Role::Title, title(whole))], &close);
    let area = area(body);
    let lines = lines(state, whole, usize::from(area.width));
    paint.lines(area, &lines, whole.offset);
}

/// Where the text is.
pub fn area(body: Rect) -> Rect {
    let head = 1.min(body.height);
    Rect { y: body.y + head, height: body.height - head, ..body }
}

fn title(whole: &Whole) -> String {
    match &whole.of {
        Of::Step(..) => "The step".to_owned(),
        Of::Line { seq, .. } => format!("Line {seq}"),
    }
}

/// All of it.
pub fn lines(state: &State, whole: &Whole, width: usize) -> Vec<Line> {
    let look = &state.look;
    let note = |text: &str| vec![vec![piece(Role::Dim, format!("  {text}"))]];
    match &whole.of {
        Of::Step(op, step) => {
            let operation = state.shown_operations().find(|operation| operation.op == *op);
            match operation.and_then(|operation| operation.steps.get(step)) {
                None => note("It is not known any more."),
                Some(view) => fields(look, &step_fields(view, state.now.wall), width),
            }
        }
        Of::Line { fields: None, .. } => note("It is being read."),
        Of::Line { fields: Some(Err(why)), .. } => {
            let wrapped = look.wrap(&look.text(why), width.saturating_sub(4));
            wrapped.into_iter().map(|line| vec![piece(Role::Bad, format!("  {line}"))]).collect()
        }
        Of::Line { fields: Some(Ok(all)), .. } => fields(look, all, width),
    }
}

fn fields(look: &Look, all: &[(String, String)], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, text) in all {
        let name = look.text(name);
        let text = look.text(text);
        let is_short = name.chars().count() <= NAME;
        let wrapped = look.wrap(&text, width.saturating_sub(NAME + 5));
        if !is_short {
            let parts = look.wrap(&name, width.saturating_sub(4));
            lines.extend(parts.into_iter().map(|part| vec![piece(Role::Dim, format!("  {part}"))]));
        }
        for (index, part) in wrapped.into_iter().enumerate() {
            let label = if index == 0 && is_short { look.cell(&name, NAME) } else { " ".repeat(NAME) };
            lines.push(vec![piece(Role::Dim, format!("  {label}  ")), piece(Role::Text, part)]);
        }
    }
    lines
}

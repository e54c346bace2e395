//! A text field with its question, over the body or above the footer.

use ratatui::layout::Rect;

use super::{Drawn, fleet};
use crate::tui::{
    action::Context,
    paint::{Line, Paint, piece},
    secret::SecretField,
    state::{Form, State},
    theme::Role,
};

/// Draws the field that is open.
pub fn draw(state: &State, form: &Form, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    match form {
        Form::Secret(field) => secret(state, field, paint, body),
    }
}

/// A box in the middle of an area: title, lines, and the row that each of them is on. Whether all of it is shown.
pub fn dialog(paint: &mut Paint<'_>, area: Rect, title: &str, lines: &[Line]) -> (Rect, bool) {
    paint.fill(area, Role::Text);
    let width = columns(area);
    let height = u16::try_from(lines.len() + 3).unwrap_or(u16::MAX).min(area.height);
    let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
    let frame = Rect { x, y, width, height };
    paint.rule(frame, &[piece(Role::Title, title)], &[]);
    let inner = Rect { x: x + 2, y: y + 1, width: width.saturating_sub(4), height: height.saturating_sub(2) };
    let mut full = lines.len() <= usize::from(inner.height);
    for (y, line) in (inner.y..inner.bottom()).zip(lines) {
        full &= paint.line(inner.x, y, inner.width, line);
    }
    paint.rule(Rect { y: frame.bottom().saturating_sub(1), height: 1, ..frame }, &[], &[]);
    (inner, full)
}

/// How wide a box in an area is.
fn columns(area: Rect) -> u16 {
    area.width.saturating_sub(4).min(76)
}

/// How wide the lines of a box in an area may be.
pub fn inner_width(area: Rect) -> usize {
    usize::from(columns(area).saturating_sub(4))
}

fn secret(state: &State, field: &SecretField, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let area = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    let width = inner_width(area);
    let says = "Paste it, or type it. Nothing of it is shown here, not even how long it is; it is kept in memory only and \
                sent nowhere.";
    let mut lines: Vec<Line> =
        paint.look.wrap(says, width).into_iter().map(|line| vec![piece(Role::Text, line)]).collect();
    lines.push(Vec::new());
    let row = lines.len();
    let (role, held) = if field.is_empty() { (Role::Dim, "(empty)") } else { (Role::Text, "(not shown)") };
    lines.push(vec![piece(Role::Key, "> "), piece(role, held)]);
    lines.push(Vec::new());
    let (inner, _) = dialog(paint, area, "Whose is a leaked secret?", &lines);
    let y = inner.y + u16::try_from(row).unwrap_or(0);
    Drawn { cursor: (y < inner.bottom()).then_some((inner.x + 2, y)), ..Drawn::default() }
}

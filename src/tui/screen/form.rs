//! A text field with its question, over the body or above the footer.

use ratatui::layout::Rect;
use tui_input::Input;

use super::{Drawn, fleet, inside, marked};
use crate::tui::{
    action::Context,
    command::{CommandForm, candidates, split},
    forms::{ConfirmForm, HandOverForm, NoteForm},
    paint::{Line, Paint, piece},
    secret::SecretField,
    state::{Form, Look, State},
    theme::Role,
    update::names,
};

/// Draws the field that is open.
pub fn draw(state: &State, form: &Form, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    match form {
        Form::Secret(field) => secret(state, field, paint, body),
        Form::Note(form) => note(state, form, paint),
        Form::Command(form) => command(state, form, paint, body),
        Form::HandOver(form) => asked(paint, body, hand_over(paint.look, form, body), (&form.to, form.asks)),
        Form::Confirm(form) => asked(paint, body, confirm(paint.look, form, body), (&form.evidence, form.asks)),
        Form::Marked(form) => marked::draw(state, form, paint, body),
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

/// Rows that the secret's field takes beside what is written above it.
const FRAME: usize = 5;

fn secret(state: &State, field: &SecretField, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let says = "Paste it, or type it. Nothing of it is shown here, not even how long it is; it is kept in memory only and \
                sent nowhere.";
    let written = |area: Rect| -> Vec<Line> {
        let says = paint.look.wrap(says, inner_width(area)).into_iter();
        says.map(|line| vec![piece(Role::Text, line)]).chain([Vec::new()]).collect()
    };
    // Over the list, so that the plan stays beside it; over all of it where the list has no room.
    let list = if state.screen == Context::Fleet { fleet::list_area(state, body) } else { body };
    let area = if written(list).len() + FRAME <= usize::from(list.height) { list } else { body };
    let mut lines = written(area);
    let row = lines.len();
    let (role, held) = if field.is_empty() { (Role::Dim, "(empty)") } else { (Role::Text, "(not shown)") };
    lines.push(vec![piece(Role::Key, "> "), piece(role, held)]);
    lines.push(Vec::new());
    let (inner, _) = dialog(paint, area, "Whose is a leaked secret?", &lines);
    let y = inner.y + u16::try_from(row).unwrap_or(0);
    Drawn { cursor: (y < inner.bottom()).then_some((inner.x + 2, y)), ..Drawn::default() }
}

/// Above the footer, like the filter: what it is about stays on the screen.
fn note(state: &State, form: &NoteForm, paint: &mut Paint<'_>) -> Drawn {
    // What the last key came to stands there until the next one.
    if state.flash.is_some() {
        return Drawn::default();
    }
    let area = inside(state);
    let row = Rect { y: area.bottom().saturating_sub(2), height: 1, ..area };
    paint.fill(row, Role::Text);
    Drawn { cursor: field(paint, row, " note> ", &form.text), ..Drawn::default() }
}

/// The same, and above it what Tab could make of it.
fn command(state: &State, form: &CommandForm, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let area = inside(state);
    let row = Rect { y: area.bottom().saturating_sub(2), height: 1, ..area };
    let offer = Rect { y: body.bottom().saturating_sub(1), height: 1.min(body.height), ..body };
    let offered = candidates(form.text.value(), &names(state));
    paint.fill(offer, Role::Text);
    // Of a name only what stands behind the command: that is what one chooses.
    let words = offered.iter().map(|line| if form.text.value().contains(' ') { split(line).1 } else { line });
    let words = words.collect::<Vec<_>>().join("  ");
    paint.line(offer.x, offer.y, offer.width, &[piece(Role::Dim, format!(" {words}"))]);
    // What the last key came to stands there until the next one.
    if state.flash.is_some() {
        return Drawn::default();
    }
    paint.fill(row, Role::Text);
    Drawn { cursor: field(paint, row, " :", &form.text), ..Drawn::default() }
}

/// A text field on one row, scrolled so that what is being typed is on it; where the cursor is.
fn field(paint: &mut Paint<'_>, row: Rect, label: &str, input: &Input) -> Option<(u16, u16)> {
    let before = u16::try_from(label.len()).unwrap_or(0);
    let room = usize::from(row.width.saturating_sub(before + 1));
    let hidden = input.visual_scroll(room);
    let text: String = input.value().chars().skip(hidden).collect();
    paint.line(row.x, row.y, row.width, &[piece(Role::Key, label), piece(Role::Text, text)]);
    let column = before + u16::try_from(input.visual_cursor().max(hidden) - hidden).unwrap_or(0);
    (column < row.width).then_some((row.x + column, row.y))
}

fn wrapped(look: &Look, role: Role, text: &str, width: usize) -> Vec<Line> {
    look.wrap(&look.text(text), width).into_iter().map(|line| vec![piece(role, line)]).collect()
}

/// A question: what is to be read, as far as there is room from a line on, and what stands above its text field.
pub struct Asked {
    /// In the frame.
    pub title: String,
    /// What is to be read before it counts.
    pub text: Vec<Line>,
    /// The first line of it on the screen.
    pub offset: usize,
    /// Always on the screen.
    pub asks: Vec<Line>,
}

/// Rows of the frame and of the text field.
const FRAMED: usize = 3;

impl Asked {
    /// Lines of the text that an area has room for.
    fn rows(&self, area: Rect) -> usize {
        usize::from(area.height).saturating_sub(FRAMED + self.asks.len())
    }

    /// Whether an area has room for all of it.
    pub fn fits(&self, area: Rect) -> bool {
        self.text.len() <= self.rows(area)
    }

    /// The largest offset; the last row of the text says what is left below.
    fn limit(&self, area: Rect) -> usize {
        self.text.len().saturating_sub(self.rows(area))
    }
}

/// A box with a text field on its last row, whose question counts where the end of it is shown.
pub fn asked(paint: &mut Paint<'_>, area: Rect, asked: Asked, (input, asks): (&Input, u64)) -> Drawn {
    let (rows, limit) = (asked.rows(area), asked.limit(area));
    let offset = asked.offset.min(limit);
    let left = asked.text.len() - offset;
    let mut lines: Vec<Line> = asked.text.into_iter().skip(offset).take(rows).collect();
    if left > rows
        && let Some(last) = lines.last_mut()
    {
        let more = format!("{} {} more below: PgDn", paint.look.glyphs.more(), left - rows + 1);
        *last = vec![piece(Role::Warn, more)];
    }
    lines.extend(asked.asks);
    let row = lines.len();
    lines.push(Vec::new());
    let (inner, full) = dialog(paint, area, &asked.title, &lines);
    let y = inner.y + u16::try_from(row).unwrap_or(0);
    let cursor = if y < inner.bottom() { field(paint, Rect { y, height: 1, ..inner }, "> ", input) } else { None };
    let mut drawn = Drawn { cursor, ..Drawn::default() };
    drawn.shown.asks = (full && offset == limit).then_some(asks);
    drawn
}

/// How far what is asked can be scrolled in an area: `None`, where it asks nothing of the kind.
pub fn limit(state: &State, body: Rect) -> Option<usize> {
    match state.form.as_ref()? {
        Form::HandOver(form) => Some(hand_over(&state.look, form, body).limit(body)),
        Form::Confirm(form) => Some(confirm(&state.look, form, body).limit(body)),
        _ => None,
    }
}

fn hand_over(look: &Look, form: &HandOverForm, body: Rect) -> Asked {
    let width = inner_width(body);
    let text = form.summary.iter().flat_map(|line| wrapped(look, Role::Text, line, width)).collect();
    let says = "To whom? It may stay empty. Enter puts all of this on record.";
    let mut asks = wrapped(look, Role::Dim, says, width);
    asks.insert(0, Vec::new());
    Asked { title: "Hand over".to_owned(), text, offset: form.offset, asks }
}

/// Steps that are listed at once.
const LISTED: usize = 5;

fn confirm(look: &Look, form: &ConfirmForm, body: Rect) -> Asked {
    let all = confirm_with(look, form, body, true);
    // Where there is little room the step itself comes before its like, which Up and Down lead to.
    if all.fits(body) { all } else { confirm_with(look, form, body, false) }
}

fn confirm_with(look: &Look, form: &ConfirmForm, body: Rect, listed: bool) -> Asked {
    let width = inner_width(body);
    let mut text: Vec<Line> = Vec::new();
    let from = form.at.saturating_sub(LISTED - 1);
    for (index, step) in form.steps.iter().enumerate().skip(from).take(LISTED).filter(|_| listed) {
        let chosen = index == form.at;
        let marker = if chosen { look.glyphs.marker() } else { " " };
        let said = if step.attested { " (attested before)" } else { "" };
        let says = format!("{}: {}{said}", step.bot, step.instruction);
        let role = if chosen { Role::Title } else { Role::Dim };
        let says = look.fit_middle(&look.text(&says), width.saturating_sub(2));
        text.push(vec![piece(Role::Key, format!("{marker} ")), piece(role, says)]);
    }
    if let Some(step) = form.step() {
        text.extend(listed.then(Vec::new));
        let said = if step.attested && !listed { " (attested before)" } else { "" };
        text.extend(wrapped(look, Role::Text, &format!("{}: {}{said}", step.bot, step.instruction), width));
    }
    text.extend(listed.then(Vec::new));
    let means = "It goes on record that you say so. It stays attested: nothing proves it, and it never counts as dead.";
    text.extend(wrapped(look, Role::Warn, means, width));
    let asks = wrapped(look, Role::Dim, "A word of evidence (a ticket, who did it), or nothing:", width);
    Asked { title: format!("Was it done? {} of {}", form.at + 1, form.steps.len()), text, offset: form.offset, asks }
}

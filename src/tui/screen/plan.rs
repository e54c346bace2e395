//! The plan beside the key: what `X` would do to the selected bot now.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use crate::{
    domain::{Lane, Plan, Residual},
    engine::{BotView, STALE_AFTER},
    tui::{
        action::{Action, Context},
        paint::{self, Line, Paint, Piece, piece},
        state::{Look, State},
        theme::Role,
    },
};

/// Rows that it takes: a rule and one line for each question a responder has.
pub const HEIGHT: u16 = 8;
/// Columns of the questions.
const LABEL: usize = 13;

/// Draws it. Whether the bot's name and all counts were shown in full: only then may `X` fire at it.
pub fn draw(state: &State, view: &BotView, paint: &mut Paint<'_>, area: Rect) -> bool {
    if area.height < 2 {
        return false;
    }
    let look = paint.look;
    let plan = &view.plan;
    let age = age(state.now.wall, plan, view.recalled);
    let name = look.text(&view.bot.name.shown());
    // With several marked, `X` is about them: this plan is only this bot's part of it, or none.
    let (marked, key) = (state.fleet.marked.len(), state.key(Action::Isolate));
    let title = match marked {
        2.. if state.screen == Context::Fleet => {
            [piece(Role::Text, format!("{key} would isolate {marked} marked; here ")), piece(Role::Danger, name)]
        }
        _ => [piece(Role::Text, format!("{key} would isolate ")), piece(Role::Danger, name)],
    };
    let room = usize::from(area.width).saturating_sub(paint::width(std::slice::from_ref(&age)) + 7);
    let full_title = paint::width(&title) <= room;
    paint.rule(Rect { height: 1, ..area }, &title, &[age]);
    let room = area.width.saturating_sub(1);
    let fits = |line: &Line| paint::width(line) <= usize::from(room);
    let spaced = [Spacing::Roomy, Spacing::Short].into_iter().map(|spacing| counts(look, plan, spacing)).find(fits);
    let counts = spaced.unwrap_or_else(|| counts(look, plan, Spacing::Shortest));
    let full_counts = paint.line(area.x + 1, area.y + 1, room, &counts);
    let mut answers = answers(look, state.now.wall, plan);
    let takes = state.snapshot.estimate(plan).map_or_else(|| "nothing to send".to_owned(), |takes| takes.sentence());
    answers.push(("takes", Role::Text, takes));
    // Where not all have room, what is "none" makes way for what is not.
    while answers.len() > usize::from(area.height - 2) {
        let idle = answers.iter().rposition(|(_, role, _)| *role == Role::Dim);
        answers.remove(idle.unwrap_or(answers.len() - 1));
    }
    for (y, (label, role, text)) in (area.y + 2..area.bottom()).zip(answers) {
        let line = [piece(Role::Dim, look.cell(label, LABEL)), piece(role, text)];
        paint.line(area.x + 1, y, room, &line);
    }
    full_title && full_counts
}

/// How old the reads are that it stands on.
fn age(now: Timestamp, plan: &Plan, recalled: bool) -> Piece {
    match plan.read_at {
        None => piece(Role::Warn, "gates only: not read yet"),
        Some(at) if recalled || now.duration_since(at) > STALE_AFTER => {
            piece(Role::Warn, format!("STALE: read {} ago", paint::ago(now, Some(at))))
        }
        Some(_) => piece(Role::Dim, "fresh"),
    }
}

/// How the counts are set, by the room there is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// In the column that the answers below stand in.
    Roomy,
    /// Without it.
    Short,
    /// Without the word `steps` as well.
    Shortest,
}

/// Steps in all, and per lane.
fn counts(look: &Look, plan: &Plan, spacing: Spacing) -> Line {
    let dot = look.glyphs.dot();
    let short = spacing != Spacing::Roomy;
    let count = plan.steps.len();
    let steps = if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
    let steps = match spacing {
        Spacing::Roomy => look.cell(&steps, LABEL.max(steps.len() + 1)),
        Spacing::Short => format!("{steps}: "),
        Spacing::Shortest => format!("{count}: "),
    };
    let mut line = vec![piece(Role::Title, steps)];
    for (index, lane) in Lane::ALL.into_iter().enumerate() {
        let count = plan.in_lane(lane);
        let gap = match (index, short) {
            (0, _) => String::new(),
            (_, true) => " ".to_owned(),
            (_, false) => format!(" {dot} "),
        };
        let role = if count == 0 { Role::Dim } else { Role::Text };
        line.push(piece(Role::Dim, gap));
        line.push(piece(role, format!("{} {count}", lane.word())));
    }
    line
}

fn answers(look: &Look, now: Timestamp, plan: &Plan) -> Vec<(&'static str, Role, String)> {
    let list = |items: Vec<String>| {
        let count = items.len();
        if count == 0 { "none".to_owned() } else { format!("{count}: {}", items.join(", ")) }
    };
    let role = |empty: bool, role: Role| if empty { Role::Dim } else { role };
    let final_steps: Vec<String> =
        plan.irreversible().map(|step| format!("{} {}", step.action.word(), look.text(step.target.raw()))).collect();
    let hits: Vec<String> = plan.collateral.iter().map(|other| look.text(&other.bot)).collect();
    let exposed: Vec<String> =
        plan.exposure.iter().map(|other| look.text(other.bot.as_ref().unwrap_or(&other.name).raw())).collect();
    let missing: Vec<String> = plan.missing_permissions().into_iter().map(|name| look.text(name)).collect();
    let gaps = plan.gaps.len();
    let missing_text = match (missing.len(), gaps) {
        (0, 0) => "none".to_owned(),
        (0, _) => format!("{gaps} unread: {}", look.text(&plan.gaps[0].what)),
        _ => list(missing),
    };
    let residual: Vec<String> = plan.residual.iter().map(|residual| outlives(look, now, residual)).collect();
    vec![
        ("no way back", role(final_steps.is_empty(), Role::Warn), list(final_steps)),
        ("hits too", role(hits.is_empty(), Role::Warn), list(hits)),
        ("exposes", role(exposed.is_empty(), Role::Warn), list(exposed)),
        ("outlives it", role(residual.is_empty(), Role::DarkAt), list(residual)),
        ("missing", role(plan.missing_permissions().is_empty() && gaps == 0, Role::Bad), missing_text),
    ]
}

/// A residual with its end, were everything cut now.
pub fn outlives(look: &Look, now: Timestamp, residual: &Residual) -> String {
    let what = look.text(&residual.what);
    match residual.ends(now) {
        Some(until) => {
            // Rounded up: a figure that shrinks while one reads it would be wrong at once.
            let seconds = until.duration_since(now).as_secs() + 1;
            let minutes = SignedDuration::from_secs(((seconds + 58) / 60).max(1) * 60);
            format!("{what} for {} min at most", minutes.as_secs() / 60)
        }
        None => format!("{what} until somebody ends it"),
    }
}

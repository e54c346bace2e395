//! The way back before it runs: which way, what changes, what does not come back, and the bot's name.
//!
//! ```text
//! RESTORE  helpdesk  rotate
//! what changes, steps, will not come back, has to be issued anew     scrolls; the name counts once its end was shown
//! ──────────────────────────
//! Type its name and press Enter: helpdesk
//! > help
//! ```

use ratatui::layout::Rect;

use super::{Drawn, text::Text};
use crate::{
    domain::{Lost, Reissue, RestoreMode, RestorePart, RestorePlan},
    engine::short,
    tui::{
        action::Action,
        paint::{self, Line, Paint, piece},
        restore::{Question, RestorePane, Stage, explained},
        state::State,
        theme::Role,
    },
};

/// Rows of the name.
const NAME: u16 = 3;

/// Draws it.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let Some(pane) = &state.restore else { return Drawn::default() };
    let area = text_area(state, body);
    let lines = lines(state, usize::from(area.width));
    paint.lines(area, &lines, pane.offset);
    let at_end = pane.offset + usize::from(area.height) >= lines.len();
    match pane.question() {
        Some(question) => name(pane, question, at_end, paint, Rect { y: area.bottom(), height: NAME, ..body }),
        None => Drawn::default(),
    }
}

/// Where the text scrolls.
pub fn text_area(state: &State, body: Rect) -> Rect {
    let asks = state.restore.as_ref().is_some_and(|pane| pane.question().is_some());
    Rect { height: body.height.saturating_sub(if asks { NAME } else { 0 }), ..body }
}

fn name(pane: &RestorePane, question: &Question, at_end: bool, paint: &mut Paint<'_>, area: Rect) -> Drawn {
    let bot = pane.bot.shown();
    paint.rule(Rect { height: 1, ..area }, &[], &[]);
    // The name is never cut: it has to be typed.
    let (role, says) = if at_end {
        (Role::Text, [" Type its name and press Enter: ", " Type its name: ", " "])
    } else {
        (
            Role::Warn,
            [
                " Read it to its end (Down, PgDn, End), then type its name: ",
                " Read to the end (PgDn), then type: ",
                " ",
            ],
        )
    };
    let room = usize::from(area.width).saturating_sub(paint::columns(&bot));
    let says = says.into_iter().find(|says| says.len() <= room).unwrap_or(" ");
    let asks = [piece(role, says), piece(Role::Danger, bot)];
    let mut full = paint.line(area.x, area.y + 1, area.width, &asks);
    let typed = [piece(Role::Key, " > "), piece(Role::Text, question.name.value())];
    full &= paint.line(area.x, area.y + 2, area.width, &typed);
    let column = area.x + 3 + u16::try_from(question.name.visual_cursor()).unwrap_or(0);
    let mut drawn =
        Drawn { cursor: Some((column.min(area.right().saturating_sub(1)), area.y + 2)), ..Drawn::default() };
    drawn.shown.asks = (full && at_end).then_some(question.asks);
    drawn
}

/// All that scrolls.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let Some(pane) = &state.restore else { return Vec::new() };
    let mut text = Text::new(&state.look, width);
    match &pane.stage {
        Stage::Choosing => choice(state, pane, &mut text),
        Stage::Planning(mode) => {
            text.heading("RESTORE", format!("{}, {}", pane.bot, mode.word()));
            text.say(
                Role::Dim,
                "Reading what is there now, and comparing it with the snapshot from before the strike.",
            );
        }
        Stage::Refused(why) => {
            text.heading("RESTORE", pane.bot.shown());
            text.say(Role::Bad, &format!("Not restored: {why}."));
            text.say(Role::Text, &format!("{} goes back to the choice.", state.key(Action::Back)));
        }
        Stage::Planned(question) => difference(question, &mut text),
        Stage::Ordered(question) => {
            text.heading("RESTORE", format!("{}, {}", pane.bot, question.plan.mode.word()));
            text.say(Role::Dim, "The order is on its way: its plan is being written to the journal.");
        }
    }
    text.lines
}

fn choice(state: &State, pane: &RestorePane, text: &mut Text<'_>) {
    text.heading("RESTORE", pane.bot.shown());
    text.say(
        Role::Warn,
        "Restoring opens the gate again: whoever holds a secret that still works is back in. There is no default.",
    );
    for (action, mode) in [(Action::FalseAlarm, RestoreMode::FalseAlarm), (Action::Rotate, RestoreMode::Rotate)] {
        let key = state.key(action);
        text.lines.push(Vec::new());
        text.lines
            .push(vec![piece(Role::Key, format!("   {key}  ")), piece(Role::Title, mode.word().replace('-', " "))]);
        text.say(Role::Text, explained(mode));
    }
    text.lines.push(Vec::new());
    text.say(
        Role::Dim,
        "Either way the difference is shown first, and nothing is sent before the bot's name is typed.",
    );
}

fn difference(question: &Question, text: &mut Text<'_>) {
    let plan = &question.plan;
    text.heading("RESTORE", format!("{}, {}, plan {}", plan.bot, plan.mode.word(), short(&plan.hash)));
    text.say(Role::Text, explained(plan.mode));
    if let Some(why) = &question.refused {
        text.say(Role::Bad, why);
    }
    if plan.needs_approval {
        text.say(
            Role::Warn,
            "A second person has to approve exactly this first. What they run (good for 15 minutes, once):",
        );
        text.lines.push(vec![piece(Role::Key, format!("     estop approve {}", short(&plan.hash)))]);
    }
    let all = || plan.identities.iter().map(|(_, one)| one);
    let changes = all().flat_map(|one| &one.changes);
    let changes: Vec<String> =
        changes.map(|one| format!("{}: {} -> {}", one.what.shown(), one.now, one.then)).collect();
    text.section("COMES BACK, OR CHANGES", Role::Text, &changes);
    text.section("WILL NOT COME BACK", Role::Warn, &plan.lost().iter().map(lost).collect::<Vec<_>>());
    text.section("HAS TO BE ISSUED ANEW", Role::Warn, &plan.reissue().iter().map(reissue).collect::<Vec<_>>());
    let gaps = plan.gaps().map(|gap| match &gap.permission {
        Some(permission) => format!("{} (missing permission: {permission})", gap.what),
        None => gap.what.clone(),
    });
    text.section("COULD NOT BE COMPARED", Role::Bad, &gaps.collect::<Vec<_>>());
    steps(plan, text);
    if plan.is_empty() {
        text.say(Role::Text, "Nothing is to be changed: restoring records that the isolation is over.");
    }
}

fn steps(plan: &RestorePlan, text: &mut Text<'_>) {
    for part in RestorePart::ALL {
        let of_part = plan.parts().filter(|(of, _)| *of == part).map(|(_, step)| {
            let by_hand = step.instruction().map(|manual| format!(": by hand: {manual}")).unwrap_or_default();
            format!("{} {} at {}{by_hand}", step.action.word(), step.target.shown(), step.identity.provider())
        });
        text.section(title(part), Role::Dim, &of_part.collect::<Vec<_>>());
    }
}

/// The head of a part of the way.
pub const fn title(part: RestorePart) -> &'static str {
    match part {
        RestorePart::First => "FIRST, AND PROVED BEFORE ANYTHING OPENS",
        RestorePart::Behind => "THEN, BEHIND THE GATE",
        RestorePart::Gate => "LAST, THE GATE",
    }
}

/// One thing that will not come back.
pub fn lost(lost: &Lost) -> String {
    format!("{}: {}", lost.what.shown(), lost.why)
}

/// One thing that somebody has to issue.
pub fn reissue(again: &Reissue) -> String {
    format!("{}: at {}, by {}", again.what.shown(), again.place, again.by)
}

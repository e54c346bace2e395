//! What `y` puts on the clipboard: a summary of what is shown, in plain text, for a ticket.
//!
//! A pure function of the state. Whole instants, whole ids, states as words: whoever reads it has no screen beside it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    action::Context,
    operation::OperationView,
    paint::took,
    state::{Look, State},
};
use crate::{
    domain::{Identity, Lane, Outcome, Plan, Reason, Residual, StepState},
    engine::BotView,
};

/// So many items of one kind; a ticket is no dump.
const MOST: usize = 40;

/// A summary, and the command that prints as much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The summary, each line ended.
    pub text: String,
    /// What to type where the terminal has no clipboard.
    pub command: String,
}

/// Why nothing can be copied now.
pub fn disabled(state: &State) -> Option<String> {
    let Some(clip) = clip(state) else { return Some("nothing is shown that could be copied".to_owned()) };
    (!state.has_clipboard).then(|| format!("this terminal has no clipboard: {}", clip.command))
}

/// The summary of what is shown; `None`: nothing is.
pub fn clip(state: &State) -> Option<Clip> {
    let mut text = Summary { look: &state.look, out: String::new() };
    if let Some(name) = &state.snapshot.exercise {
        text.line(&format!("EXERCISE {name}: simulated providers"));
    }
    let command = match state.about() {
        Context::Isolation => {
            let shown = state.operation()?;
            operation(state, shown, &mut text);
            format!("estop incident show {}", shown.incident)
        }
        Context::Fleet => match (state.bot(), state.other()) {
            (Some(view), _) => {
                bot(state, view, &mut text);
                format!("estop plan {}", state.look.text(&view.bot.name.shown()))
            }
            (None, Some(other)) => {
                identity(other, &mut text);
                "estop list --all".to_owned()
            }
            (None, None) => return None,
        },
        Context::Journal | Context::Incidents | Context::Secret | Context::Restore | Context::Help => return None,
    };
    text.line(&format!("as of {}", instant(state.now.wall)));
    Some(Clip { text: text.out, command })
}

struct Summary<'a> {
    look: &'a Look,
    out: String,
}

impl Summary<'_> {
    /// One line of it, safe whatever a provider called things.
    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{}", self.look.text(text));
    }

    fn list(&mut self, title: &str, items: impl IntoIterator<Item = String>) {
        let items: Vec<String> = items.into_iter().collect();
        for item in items.iter().take(MOST) {
            self.line(&format!("{title}: {item}"));
        }
        if items.len() > MOST {
            self.line(&format!("{title}: and {} more", items.len() - MOST));
        }
    }
}

/// To the second, UTC.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn operation(state: &State, shown: &OperationView, text: &mut Summary<'_>) {
    let kind =
        shown.restores.as_ref().map_or_else(|| "isolation".to_owned(), |plan| format!("{} restore", plan.mode.word()));
    text.line(&format!("{kind} of {}", shown.bot.shown()));
    text.line(&format!("outcome: {}", outcome(shown)));
    text.line(&format!("incident {}, operation {}", shown.incident, shown.op));
    let mut times = vec![format!("started {}", instant(shown.started_at))];
    let ended = shown.ended.as_ref();
    for (word, ms) in [
        ("first cut after", shown.first_cut_ms()),
        ("verified after", ended.and_then(|ended| ended.time_to_verified_ms)),
        ("dark after", ended.and_then(|ended| ended.time_to_dark_ms)),
    ] {
        times.extend(ms.map(|ms| format!("{word} {}", took(ms))));
    }
    text.line(&times.join(", "));
    let counts = shown.counts(None);
    text.line(&format!(
        "verified {} of {}, still live {}, unknown {}",
        counts.verified,
        counts.all,
        shown.still_live(),
        counts.unknown()
    ));
    let lanes = Lane::ALL.map(|lane| {
        let counts = shown.counts(Some(lane));
        format!("{} {}/{}", lane.word(), counts.verified, counts.all)
    });
    text.line(&lanes.join(", "));
    text.list("alive after dark", shown.after_dark.iter().cloned());
    if let Some(Outcome::Contradicted { alive, .. }) = ended.map(|ended| &ended.outcome) {
        text.list("proved alive", alive.iter().map(|one| one.what.clone()));
    }
    let reasons = match ended.map(|ended| &ended.outcome) {
        Some(Outcome::Partial { reasons, .. } | Outcome::Contradicted { reasons, .. }) => &reasons[..],
        _ => &[],
    };
    text.list("left", reasons.iter().map(Reason::sentence));
    // What is over names its reasons; while it runs the steps do.
    if shown.is_running() {
        let open = shown.steps.values().filter(|view| view.state != StepState::Verified);
        text.list(
            "step",
            open.map(|view| {
                let step = &view.step;
                let (action, target) = (step.action.word(), step.target.shown());
                format!("{}: {action} {target} ({})", view.state.word(), step.identity.provider())
            }),
        );
    }
    text.list("outlives it", shown.residual().iter().map(|one| residual(one, state.now.wall)));
    text.list("the record", state.goes_on.iter().map(|place| format!("its place has failed, it goes on, {place}")));
    text.list("the record", state.in_memory.then(|| "kept in memory only".to_owned()));
}

fn outcome(shown: &OperationView) -> String {
    match shown.ended.as_ref().map(|ended| &ended.outcome) {
        None => format!("not over: {}", shown.phase.word()),
        Some(Outcome::DarkAt { at, .. }) => format!("dark-at {}, by itself", instant(*at)),
        Some(outcome) => outcome.word().to_owned(),
    }
}

fn residual(residual: &Residual, now: Timestamp) -> String {
    match residual.ends(now) {
        Some(until) => format!("{} until {} at most ({})", residual.what, instant(until), residual.source),
        None => format!("{} until somebody ends it ({})", residual.what, residual.source),
    }
}

fn bot(state: &State, view: &BotView, text: &mut Summary<'_>) {
    let bot = &view.bot;
    text.line(&format!("bot {}: {}", bot.name.shown(), state.state_of(view).word()));
    for (word, value) in [("owner", &bot.owner), ("contact", &bot.contact), ("environment", &bot.environment)] {
        text.list(word, value.as_ref().map(crate::domain::Untrusted::shown));
    }
    for one in &view.identities {
        identity(one, text);
    }
    text.list("not read", view.error.clone());
    plan(&view.plan, state.now.wall, text);
}

fn identity(identity: &Identity, text: &mut Summary<'_>) {
    text.line(&format!("identity {} ({}, {})", identity.id, identity.name.shown(), identity.kind.word()));
}

fn plan(plan: &Plan, now: Timestamp, text: &mut Summary<'_>) {
    let lanes = Lane::ALL.map(|lane| format!("{} {}", lane.word(), plan.in_lane(lane)));
    text.line(&format!("isolating it takes {} steps: {}", plan.steps.len(), lanes.join(", ")));
    let read = plan.read_at.map_or_else(|| "not read yet: gates only".to_owned(), |at| format!("read {}", instant(at)));
    text.line(&format!("plan {}, {read}", plan.hash.as_str()));
    text.list("no way back", plan.irreversible().map(|step| format!("{} {}", step.action.word(), step.target.shown())));
    text.list("hits too", plan.collateral.iter().map(|other| format!("{}: {}", other.bot, other.why)));
    text.list(
        "exposes",
        plan.exposure.iter().map(|other| {
            let name = other.bot.as_ref().unwrap_or(&other.name);
            format!("{}: {}", name.shown(), other.why)
        }),
    );
    text.list("outlives it", plan.residual.iter().map(|one| residual(one, now)));
    text.list("missing permission", plan.missing_permissions().into_iter().map(str::to_owned));
}

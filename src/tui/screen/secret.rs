//! A leaked secret that is at hand: what it is, whose, and what the keys do with it. The secret itself is nowhere.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{Drawn, plan, text::Text};
use crate::{
    domain::{ClaimKind, Identified, Owner, Probed, Recognised},
    tui::{
        action::Action,
        keymap::Keymap,
        paint::{Line, Paint, clock, piece},
        secret::{Consent, Leak},
        state::State,
        theme::Role,
    },
};

/// Rows down to the end of the question.
const QUESTION: u16 = 9;

/// Draws it, with the plan of its bot below.
pub fn draw(state: &State, paint: &mut Paint<'_>, body: Rect) -> Drawn {
    let area = text_area(state, body);
    let lines = lines(state, usize::from(area.width));
    paint.lines(area, &lines, state.leak_offset);
    let mut drawn = Drawn::default();
    if let Some(leak) = &state.leak
        && let Consent::Asked(question, _) = leak.consent
        && state.leak_offset == 0
        && area.height > QUESTION
    {
        drawn.shown.asks = Some(question);
    }
    let bot = state.leak.as_ref().and_then(Leak::bot);
    if let Some(view) = state.bot().filter(|view| bot == Some(&view.bot.name)) {
        let below = Rect { y: area.bottom(), height: body.bottom() - area.bottom(), ..body };
        let full = plan::draw(state, view, paint, below);
        drawn.shown.target = full.then(|| view.bot.name.clone());
    }
    drawn
}

/// Where the text scrolls.
pub fn text_area(state: &State, body: Rect) -> Rect {
    let is_owned = state.leak.as_ref().is_some_and(|leak| leak.bot().is_some());
    let plan = if is_owned { plan::HEIGHT.min(body.height / 2) } else { 0 };
    Rect { height: body.height - plan, ..body }
}

/// All of it.
pub fn lines(state: &State, width: usize) -> Vec<Line> {
    let Some(leak) = &state.leak else {
        let text =
            if state.looking_up.is_some() { " Looking it up in what was read." } else { " No secret is at hand." };
        return vec![Vec::new(), vec![piece(Role::Dim, text)]];
    };
    let mut text = Text::new(&state.look, width);
    verdict(&state.keys, leak, &mut text);
    question(&state.keys, leak, &mut text);
    whose(state, leak, &mut text);
    tries(leak, &mut text);
    for recognised in &leak.identified.recognised {
        kind(state.now.wall, recognised, &mut text);
    }
    text.lines
}

/// The answer, before anything else.
fn verdict(keys: &Keymap, leak: &Leak, text: &mut Text<'_>) {
    let [cuts, keeps, forgets] = [Action::Isolate, Action::Keep, Action::Forget].map(|action| keys.label(action));
    let fingerprint = leak.identified.fingerprint.to_string();
    let bots = leak.bots();
    let (role, answer) = match (bots.len(), leak.identified.owners.len(), leak.identified.recognised.len()) {
        (0, 0, 0) => (Role::Warn, "Not known here: no rule knows it, and nothing that was read has it.".to_owned()),
        (0, 0, _) => (Role::Warn, "Not known here: nobody whose secrets were read has it.".to_owned()),
        (0, ..) => {
            (Role::Warn, "It is of an identity that is no bot: give it a [[bot]] entry to isolate it.".to_owned())
        }
        (1, ..) => (Role::Title, format!("It is a secret of {}.", bots[0])),
        (count, ..) => (
            Role::Title,
            format!("It opens {count} bots: isolate each. {} shows the next.", keys.label(Action::NextPane)),
        ),
    };
    text.heading("LEAKED SECRET", fingerprint);
    text.say(role, &answer);
    if let Some(bot) = leak.bot() {
        let does = format!(
            "{cuts} isolates {bot}, ends this very secret too, and then uses it once more: it must be refused. {keeps} \
             keeps it at hand, {forgets} forgets it."
        );
        text.say(Role::Text, &does);
    } else {
        text.say(Role::Text, &format!("Nothing can be cut by it. {forgets} forgets it."));
    }
}

fn question(keys: &Keymap, leak: &Leak, text: &mut Text<'_>) {
    if let Consent::Asked(..) = leak.consent {
        let key = keys.label(Action::Try);
        let asks = format!(
            "Using it makes a new credential there, which estop then ends with the rest. {key} once more agrees."
        );
        text.say(Role::Armed, &asks);
    }
}

fn whose(state: &State, leak: &Leak, text: &mut Text<'_>) {
    let Identified { owners, recognised, .. } = &leak.identified;
    let rule = recognised.first().map_or_else(String::new, |recognised| format!("by rule {}, ", recognised.rule));
    if !owners.is_empty() {
        text.heading("WHOSE", format!("{rule}found without sending it anywhere"));
    }
    for owner in owners {
        let bot = owner.bot.as_ref().map_or_else(|| "no bot".to_owned(), crate::domain::BotName::shown);
        let said = format!("{bot}: {} ({}): {}", owner.name.shown(), owner.identity, owner.how);
        text.say(Role::Text, &said);
    }
    // What was not read may own it too.
    let missing = state.snapshot.providers.iter().filter(|provider| !provider.reachable || !provider.complete);
    for provider in missing {
        let why = provider.error.as_deref().unwrap_or("it has not answered");
        text.say(Role::Warn, &format!("{}: not everything was read: {why}", provider.name));
    }
}

fn tries(leak: &Leak, text: &mut Text<'_>) {
    if leak.identified.owners.is_empty() {
        return;
    }
    match (leak.trying, leak.tried.is_empty(), leak.can_try()) {
        (true, ..) => text.heading("DOES IT WORK", "it is being used once"),
        (_, true, false) => text.heading("DOES IT WORK", "estop has no way to use it"),
        (_, true, true) => text.heading("DOES IT WORK", "not tried: p uses it once, at its own provider only"),
        (_, false, _) => text.heading("DOES IT WORK", "used once, at its own provider only"),
    }
    for (owner, probed) in &leak.tried {
        tried(owner, probed, text);
    }
}

fn tried(owner: &Owner, probed: &Probed, text: &mut Text<'_>) {
    let (role, word) = use_word(probed.alive);
    text.say(role, &format!("{word} at {} as {}: {}", probed.at, owner.identity, probed.said));
}

/// The word for what a use has shown, and its role.
pub const fn use_word(alive: Option<bool>) -> (Role, &'static str) {
    match alive {
        Some(true) => (Role::Bad, "it works"),
        Some(false) => (Role::Good, "refused"),
        None => (Role::Unknown, "cannot tell"),
    }
}

/// What its own text says. Ids that it embeds may be the attacker's: nobody has checked them.
fn kind(now: Timestamp, recognised: &Recognised, text: &mut Text<'_>) {
    text.heading("ITS TEXT SAYS", format!("{}, by {}", recognised.rule, recognised.confidence.word()));
    let provider = recognised.provider.map(|kind| format!(", as {kind} issues them")).unwrap_or_default();
    text.say(Role::Text, &format!("{}{provider}", recognised.name));
    if let Some(caution) = recognised.caution {
        text.say(Role::Warn, &format!("caution: {caution}"));
    }
    for claim in &recognised.claims {
        let time = matches!(claim.kind, ClaimKind::ExpiresAt | ClaimKind::IssuedAt);
        let at = claim.value.raw().parse().ok().filter(|_| time).and_then(|at| Timestamp::from_second(at).ok());
        let value = at.map_or_else(|| claim.value.shown(), |at| clock(now, at));
        text.say(Role::Dim, &format!("{} {value}", claim.kind.word()));
    }
}

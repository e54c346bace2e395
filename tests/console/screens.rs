//! Golden screens at 80x24 and 120x40, in sixteen colours and in none.

use std::sync::Arc;

use estop::{
    domain::{Answer, AnswerKind, BotName, Contradiction, Depth, Outcome, Reason, Residual, StepState},
    engine::{Ended, EngineEvent, OperationPhase, Snapshot},
    tui::{
        action::Context,
        keymap,
        message::{JournalLine, Message, Way},
        screen,
        state::State,
        theme::{Capability, Glyphs},
        update::{disabled, update},
    },
};
use ratatui::{buffer::Buffer, layout::Rect};
use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::{fake, golden, sample};

fn console(width: u16, height: u16, capability: Capability) -> State {
    fake::state(width, height, fake::look(capability, Glyphs::UNICODE), false)
}

pub fn press(state: &mut State, keys: &str) {
    for character in keys.chars() {
        let code = match character {
            '\r' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            other => KeyCode::Char(other),
        };
        let modifiers = if character.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        let key = KeyEvent::new(code).modifiers(modifiers);
        update(state, Message::KeyPressed { key: key.into(), alone: true });
    }
}

pub fn read(state: &mut State, snapshot: Snapshot) {
    update(state, Message::FleetRead(Arc::new(snapshot)));
    update(state, Message::Refreshed);
}

pub fn drawn(state: &State) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    screen::draw(state, &mut buffer);
    buffer
}

/// Each screen at both sizes; in colour with the styles underneath, in none with the modifiers underneath.
pub fn assert_screens(name: &str, prepare: impl Fn(&mut State)) {
    for size in [(80, 24), (120, 40)] {
        assert_screens_at(size, name, &prepare);
    }
}

/// The same, and at the least size too: what is asked and what is listed must be of use there.
pub fn assert_screens_to_the_least(name: &str, prepare: impl Fn(&mut State)) {
    assert_screens(name, &prepare);
    assert_screens_at((60, 15), name, prepare);
}

/// The same at one size.
pub fn assert_screens_at((width, height): (u16, u16), name: &str, prepare: impl Fn(&mut State)) {
    for (capability, suffix) in [(Capability::Sixteen, "16"), (Capability::None, "none")] {
        let mut state = console(width, height, capability);
        prepare(&mut state);
        golden::assert(&format!("{name}-{width}x{height}-{suffix}"), &golden::styled(&drawn(&state)));
    }
}

/// The cursor on the sales bot.
pub fn on_sales(state: &mut State) {
    read(state, sample::fleet());
    press(state, "G");
}

/// An isolation of the sales bot, so many steps into it.
pub fn events(verified: usize) -> Vec<EngineEvent> {
    let op = sample::op(1);
    let steps = sample::steps();
    let bot = BotName::new("sales");
    let mut events = vec![
        EngineEvent::Started { op, incident: sample::incident(), bot, at: sample::before(4) },
        EngineEvent::Planned { op, steps: steps.clone() },
        EngineEvent::Phase { op, phase: OperationPhase::Striking },
    ];
    let moved = |step: usize, state, code: Option<&str>| EngineEvent::Step {
        op,
        step: steps[step].id.clone(),
        state,
        attempt: 1,
        answer: code.map(|code| Answer::new(AnswerKind::Accepted, "http", code)),
        detail: None,
        seq: None,
        at: sample::before(3),
    };
    for step in 0..steps.len() {
        events.push(moved(step, StepState::Armed, None));
        events.push(moved(step, StepState::Sent, None));
    }
    for step in [0, 2, 3, 1] {
        events.push(moved(step, StepState::Accepted, Some("204")));
    }
    events.push(moved(4, StepState::Retrying { attempt: 1, until: sample::after(1) }, None));
    for step in 0..verified {
        events.push(moved(step, StepState::Verified, None));
    }
    events
}

pub fn ended(outcome: Outcome) -> EngineEvent {
    let ended = Ended {
        time_to_dark_ms: match &outcome {
            Outcome::Dark => Some(2_310),
            Outcome::DarkAt { .. } => Some(290_000),
            _ => None,
        },
        outcome,
        time_to_first_cut_ms: Some(38),
        time_to_verified_ms: Some(2_310),
        journal_trouble: None,
        followed: None,
    };
    EngineEvent::Ended { op: sample::op(1), bot: BotName::new("sales"), ended }
}

fn residual() -> Residual {
    Residual {
        identity: sample::steps()[0].identity.clone(),
        what: "access tokens checked locally".to_owned(),
        until: Some(sample::after(286)),
        lifetime_ms: Some(300_000),
        source: "realm access-token lifespan".to_owned(),
    }
}

fn outcomes() -> Vec<(&'static str, Outcome)> {
    let steps = sample::steps();
    let reasons = vec![
        Reason::Refused {
            step: steps[5].id.clone(),
            what: "remove role manage-clients of realm-management".to_owned(),
            permission: Some("manage-users".to_owned()),
            manual: Some("open the user bot-sales in the admin console and take the role away".to_owned()),
        },
        Reason::OpensToo {
            name: "sales-staging".to_owned(),
            what: "the same key sha256:5e0c1d2b3a49 opens it".to_owned(),
        },
    ];
    let alive = Contradiction {
        step: steps[2].id.clone(),
        what: "log-out session 3f2a of alice: session 3f2a of alice is still live".to_owned(),
    };
    vec![
        ("dark", Outcome::Dark),
        ("dark-at", Outcome::DarkAt { at: sample::after(286), residual: vec![residual()] }),
        ("partial", Outcome::Partial { reasons: reasons.clone(), residual: vec![residual()] }),
        ("contradicted", Outcome::Contradicted { alive: vec![alive], reasons }),
    ]
}

pub fn struck(state: &mut State, verified: usize) {
    on_sales(state);
    for event in events(verified) {
        update(state, Message::EngineSpoke(event));
    }
    press(state, "2");
    state.now.mono = std::time::Duration::from_secs(4);
}

#[test]
fn before_anything_was_read() {
    assert_screens("start", |_| {});
}

#[test]
fn fleet() {
    assert_screens("fleet", on_sales);
}

#[test]
fn detail() {
    assert_screens("detail", |state| {
        on_sales(state);
        press(state, "\r");
    });
}

#[test]
fn filter() {
    assert_screens("filter", |state| {
        on_sales(state);
        press(state, "/plat");
    });
}

#[test]
fn every_identity() {
    assert_screens("all", |state| {
        read(state, sample::fleet());
        press(state, "aG");
    });
}

#[test]
fn armed() {
    assert_screens("armed", |state| {
        on_sales(state);
        press(state, "X");
    });
}

#[test]
fn burn_prompt() {
    assert_screens("burn", |state| {
        on_sales(state);
        press(state, "Bsal");
    });
}

#[test]
fn isolation_in_the_middle() {
    assert_screens("isolation", |state| struck(state, 3));
}

#[test]
fn isolation_at_each_outcome() {
    for (name, outcome) in outcomes() {
        assert_screens(&format!("outcome-{name}"), |state| {
            struck(state, if name.starts_with("dark") { 7 } else { 5 });
            update(state, Message::EngineSpoke(ended(outcome.clone())));
        });
    }
}

#[test]
fn alive_after_dark() {
    assert_screens("alarm", |state| {
        struck(state, 7);
        update(state, Message::EngineSpoke(ended(Outcome::Dark)));
        update(state, Message::Watching { bot: BotName::new("sales"), until: Some(sample::after(300)) });
        let what = "client bot-sales: enabled again".to_owned();
        let alive = vec![Contradiction { step: sample::steps()[0].id.clone(), what }];
        let told = EngineEvent::Contradicted { op: sample::op(1), bot: BotName::new("sales"), alive };
        let effects = update(state, Message::EngineSpoke(told));
        assert!(matches!(effects[..], [estop::tui::update::Effect::Ring]), "{effects:?}");
    });
}

#[test]
fn break_glass() {
    assert_screens("break-glass", |state| {
        on_sales(state);
        let why = "the journal cannot be written (disk full)".to_owned();
        let (bot, depth, way) = (BotName::new("sales"), Depth::Isolate, Way::BreakGlass);
        update(state, Message::OrderRefused { bot, depth, why, way });
        update(state, Message::GlassBroken);
    });
}

/// A journal of one isolation, on its screen.
pub fn with_lines(state: &mut State) {
    let kinds = [
        ("incident.open", "helpdesk token in a public repository", ""),
        ("op.claim", "isolate sales", ""),
        ("plan.intent", "7 steps, round 0", ""),
        ("step.attempt", "disable-client bot-sales", "attempt 1"),
        ("step.answer", "disable-client bot-sales", "accepted 204"),
        ("step.answer", "log-out service-account user of bot-sales", "accepted 204"),
        ("step.verify", "disable-client bot-sales", "verified"),
        ("step.verify", "log-out service-account user of bot-sales", "accepted, not yet: user is still live"),
        ("step.manual", "remove-role manage-clients", "by hand: take the role away"),
        ("op.end", "sales: partial", ""),
        ("console.lost", "SIGHUP", ""),
    ];
    on_sales(state);
    for (seq, (kind, text, result)) in (1..).zip(kinds) {
        let line = JournalLine {
            incident: Some(sample::incident()),
            seq,
            at: sample::before(10),
            op: None,
            kind: kind.to_owned(),
            text: text.to_owned(),
            result: result.to_owned(),
            ..JournalLine::default()
        };
        update(state, Message::JournalWritten(line));
    }
    press(state, "J");
}

#[test]
fn journal() {
    assert_screens_to_the_least("journal", with_lines);
}

#[test]
fn help() {
    assert_screens("help", |state| {
        on_sales(state);
        press(state, "?");
    });
}

#[test]
fn exercise() {
    assert_screens("exercise", |state| {
        read(state, Snapshot { exercise: Some("first light".to_owned()), ..sample::fleet() });
        press(state, "G");
    });
}

#[test]
fn read_only() {
    for (width, height) in [(80, 24), (120, 40)] {
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let mut state = fake::state(width, height, look, true);
        on_sales(&mut state);
        press(&mut state, "X");
        golden::assert(&format!("read-only-{width}x{height}-16"), &golden::styled(&drawn(&state)));
    }
}

#[test]
fn an_exercise_says_so_at_top_and_bottom_of_every_screen() {
    let mut state = console(80, 24, Capability::None);
    read(&mut state, Snapshot { exercise: Some("first light".to_owned()), ..sample::fleet() });
    for key in ["1", "2", "J", "?"] {
        press(&mut state, key);
        let text = golden::text(&drawn(&state));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("EXERCISE") && lines[23].contains("EXERCISE"), "{key}: {text}");
        assert!(lines[23].contains("estop init"), "{text}");
    }
}

/// The screen for the README: the sales bot, its plan beside the key.
fn readme_screen() -> String {
    let mut state = console(120, 40, Capability::Sixteen);
    on_sales(&mut state);
    golden::text(&drawn(&state))
}

#[test]
fn the_screen_for_readme_is_the_real_one() {
    golden::assert("readme", &readme_screen());
}

#[test]
fn every_action_is_in_the_help_and_one_that_is_off_says_why() {
    let look = fake::look(Capability::None, Glyphs::UNICODE);
    let mut state = fake::state(120, 140, look, true);
    on_sales(&mut state);
    press(&mut state, "?");
    let text = golden::text(&drawn(&state));
    for binding in keymap::DEFAULT {
        let help = state.keys.say(binding.help);
        let first = help.split(' ').take(4).collect::<Vec<_>>().join(" ");
        assert!(text.contains(&first), "{} is not in the help", binding.action);
        assert!(text.contains(&keymap::labels(binding)), "{} has no keys in the help", binding.action);
        if binding.danger || binding.label == "again" {
            assert!(disabled(&state, binding.action).is_some_and(|why| why.contains("read-only")));
        }
    }
    assert_eq!(text.matches("Off: estop runs read-only").count(), 7, "{text}");
}

#[test]
fn states_can_be_told_apart_without_colour_and_without_unicode() {
    for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
        let mut state = fake::state(80, 24, fake::look(Capability::None, glyphs), false);
        on_sales(&mut state);
        let text = golden::text(&drawn(&state));
        for word in ["live", "dark", "dark-at", "partial", "unknown"] {
            assert!(text.contains(&format!(" {word} ")), "{word}: {text}");
        }
        assert!(glyphs.is_unicode() || text.is_ascii(), "{text}");
    }
}

#[test]
fn hostile_names_are_shown_and_nothing_of_them_reaches_a_cell() {
    let mut snapshot = sample::fleet();
    let evil = "a\u{1b}[2J\u{202e}\u{9b}b\u{7}";
    let mut view = (*snapshot.bots[0]).clone();
    view.bot.name = BotName::new(evil);
    view.bot.owner = Some(evil.into());
    view.error = Some(evil.to_owned());
    snapshot.bots[0] = Arc::new(view);
    snapshot.notices = vec![evil.to_owned()];
    snapshot.exercise = Some(evil.to_owned());
    for keys in ["", "\r", "X", "Bx", "a", "2", "J", "?", "ix", "U", "nx"] {
        for (width, height) in [(80, 24), (120, 40), (20, 5)] {
            let mut state = console(width, height, Capability::Sixteen);
            read(&mut state, snapshot.clone());
            press(&mut state, "g");
            press(&mut state, keys);
            let buffer = drawn(&state);
            for cell in buffer.content() {
                assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{keys:?}");
            }
            let text = golden::text(&buffer);
            assert!(width < 80 || state.screen != Context::Fleet || text.contains("\\x1b[2J"), "{keys:?}: {text}");
        }
    }
}

#[test]
fn no_window_is_too_small_or_too_large() {
    for (width, height) in [(1, 1), (2, 30), (20, 5), (39, 11), (40, 10), (40, 12), (500, 200), (200, 12), (41, 80)] {
        for keys in ["", "\r", "X", "B", "/x", "2", "J", "?", "ix", "nx"] {
            for exercise in [None, Some("drill".to_owned())] {
                let mut state = console(width, height, Capability::Sixteen);
                read(&mut state, Snapshot { exercise, ..sample::fleet() });
                press(&mut state, "G");
                press(&mut state, keys);
                let text = golden::text(&drawn(&state));
                assert_eq!(text.lines().count(), usize::from(height));
            }
        }
    }
}

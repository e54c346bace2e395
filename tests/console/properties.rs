//! No sequence of keys leaves the selection outside the list, and none cuts what was not on the screen.

use std::{sync::Arc, time::Duration};

use estop::{
    domain::{BotName, Identified, IdentityId, Owner, ProbeKind, ProviderName},
    engine::{Refusal, Snapshot, WaitingStep},
    tui::{
        message::{Message, Planned, Size},
        press::Pasted,
        screen,
        secret::Consent,
        state::{Form, State},
        theme::{Capability, Glyphs},
        update::{Effect, update},
    },
};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};
use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    fake,
    incidents::{archive, briefs},
    sample,
};

#[derive(Debug, Clone)]
enum Act {
    Key(KeyCode, bool),
    Type(usize),
    Paste,
    Draw,
    Answer,
    Resize(u16, u16),
    Drop(usize),
    All,
    Command(&'static str, bool),
}

/// Lines behind `:`, among them each that leads to a cut.
const COMMANDS: [&str; 9] = [
    "isolate sales",
    "isolate",
    "burn payroll",
    "retry payroll",
    "restore sales",
    "bot helpdesk",
    "filter e",
    "open 00000007",
    "journal",
];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = prop_oneof![
        4 => Just(KeyCode::Char('X')),
        2 => Just(KeyCode::Char('B')),
        3 => Just(KeyCode::Char(' ')),
        2 => prop_oneof![Just('2'), Just('3'), Just('s'), Just('S'), Just('o')].prop_map(KeyCode::Char),
        1 => Just(KeyCode::Enter),
        1 => Just(KeyCode::Esc),
        1 => Just(KeyCode::Tab),
        1 => Just(KeyCode::Up),
        1 => Just(KeyCode::PageDown),
        3 => prop_oneof![Just('U'), Just('f'), Just('r'), Just('i'), Just('p'), Just('n'), Just('H'), Just('c'), Just('2')]
            .prop_map(KeyCode::Char),
        1 => prop_oneof![Just(KeyCode::End), Just(KeyCode::Down), Just(KeyCode::Backspace)],
        6 => proptest::char::range('!', '~').prop_map(KeyCode::Char),
        3 => prop_oneof![Just('4'), Just('3'), Just('/'), Just(':'), Just('v'), Just('['), Just(']')].prop_map(KeyCode::Char),
        3 => prop_oneof![Just('j'), Just('k'), Just('g'), Just('G'), Just('a'), Just('1')].prop_map(KeyCode::Char),
    ];
    let act = prop_oneof![
        8 => (key, prop::bool::weighted(0.8)).prop_map(|(key, alone)| Act::Key(key, alone)),
        2 => (0usize..7).prop_map(Act::Type),
        1 => Just(Act::Paste),
        5 => Just(Act::Draw),
        5 => Just(Act::Answer),
        1 => (1u16..140, 1u16..50).prop_map(|(width, height)| Act::Resize(width, height)),
        1 => (0usize..7).prop_map(Act::Drop),
        1 => Just(Act::All),
        2 => (0..COMMANDS.len(), any::<bool>()).prop_map(|(at, alone)| Act::Command(COMMANDS[at], alone)),
    ];
    proptest::collection::vec(act, 0..80)
}

/// What the terminal is known to show: names of target, arming and question of the newest answered frame.
#[derive(Default)]
struct Far {
    frame: u64,
    waiting: std::collections::VecDeque<(u64, Vec<BotName>, Option<u64>)>,
    seen: Vec<BotName>,
    /// The number of the question that it shows.
    asks: Option<u64>,
}

/// The number of the question that stands open.
fn question(state: &State) -> Option<u64> {
    let consent = state.leak.as_ref().and_then(|leak| match leak.consent {
        Consent::Asked(asks, _) => Some(asks),
        Consent::No | Consent::Yes => None,
    });
    match &state.form {
        Some(Form::HandOver(form)) => Some(form.asks),
        Some(Form::Confirm(form)) => Some(form.asks),
        Some(Form::Marked(form)) => Some(form.asks),
        Some(_) => None,
        None => state.restore.as_ref().and_then(|pane| pane.question()).map(|question| question.asks).or(consent),
    }
}

/// What the engine answers.
fn answered(effect: &Effect) -> Option<Message> {
    Some(match effect {
        Effect::PlanRestore(bot, mode) => {
            let plan = sample::restore_plan(*mode, false);
            Message::RestorePlanned(Planned { bot: bot.clone(), mode: *mode, result: Ok(Arc::new(plan)) })
        }
        Effect::Restore(order) => {
            Message::RestoreRefused { bot: order.bot.clone(), refusal: Refusal::NothingToRestore(order.bot.clone()) }
        }
        Effect::Identify(secret) => {
            let owner = Owner {
                bot: Some(BotName::new("sales")),
                identity: IdentityId::new(ProviderName::new("corp-sso"), "id-bot-sales"),
                name: "bot-sales".into(),
                holding: None,
                how: "its fingerprint".to_owned(),
                probe: ProbeKind::Mints,
            };
            let identified =
                Identified { fingerprint: secret.fingerprint(), recognised: Vec::new(), owners: vec![owner] };
            Message::Identified { secret: secret.clone(), identified }
        }
        Effect::Probe { .. } => Message::SecretTried(Vec::new()),
        Effect::Summarise(_) => Message::Summarised(Ok((sample::incident(), vec!["bots: none".to_owned()]))),
        Effect::ReadIncidents => Message::IncidentsRead(Ok(briefs())),
        Effect::OpenIncident(id) => Message::IncidentOpened(*id, Ok(Box::new(archive()))),
        Effect::ReadLine(incident, seq) => {
            let fields = vec![("kind".to_owned(), "op.end".to_owned())];
            Message::LineRead { incident: *incident, seq: *seq, result: Ok(fields) }
        }
        Effect::AskWaiting => {
            let step = |index: usize| WaitingStep {
                incident: sample::incident(),
                op: sample::op(1),
                bot: BotName::new("sales"),
                step: sample::steps()[index].id.clone(),
                instruction: "take the role away".to_owned(),
                attested: false,
            };
            Message::WaitingFound(Ok(vec![step(2), step(5)]))
        }
        _ => return None,
    })
}

fn play(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
    let mut state = fake::state(80, 24, look, false);
    update(&mut state, Message::FleetRead(Arc::new(sample::fleet())));
    let mut far = Far::default();
    for act in acts {
        // Time stands still: no rule may fall back on waiting.
        state.now.mono = Duration::ZERO;
        let asked = question(&state);
        let named = match &state.form {
            Some(Form::Marked(form)) => form.bots.clone(),
            _ => Vec::new(),
        };
        let effects = match act {
            Act::Type(bot) => {
                let name = sample::fleet().bots[bot].bot.name.raw().to_owned();
                let keys = name.chars().map(|character| KeyEvent::new(KeyCode::Char(character)));
                let typed =
                    keys.flat_map(|key| update(&mut state, Message::KeyPressed { key: key.into(), alone: false }));
                typed.collect()
            }
            Act::Key(code, alone) => {
                let upper = matches!(code, KeyCode::Char('A'..='Z'));
                let modifiers = if upper { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                update(&mut state, Message::KeyPressed { key: KeyEvent::new(code).modifiers(modifiers).into(), alone })
            }
            Act::Paste => update(&mut state, Message::Pasted(Pasted::of(b"XXBX\r"))),
            Act::Draw => draw(&mut state, &mut far),
            Act::Answer => answer(&mut state, &mut far),
            Act::Resize(width, height) => update(&mut state, Message::Resized(Size { width, height })),
            Act::Drop(index) => {
                let mut snapshot = sample::fleet();
                snapshot.bots.remove(index);
                update(&mut state, Message::FleetRead(Arc::new(snapshot)))
            }
            Act::All => update(&mut state, Message::FleetRead(Arc::new(sample::fleet()))),
            Act::Command(line, alone) => {
                let keys = format!(":{line}");
                let keys = keys.chars().map(KeyCode::Char).chain([KeyCode::Enter]).map(KeyEvent::new);
                let pressed = |key: KeyEvent| update(&mut state, Message::KeyPressed { key: key.into(), alone });
                keys.flat_map(pressed).collect()
            }
        };
        let inside = match &state.fleet.selected {
            None => state.fleet.list().is_empty(),
            Some(selected) => {
                let at = state.fleet.list().find(selected);
                at.is_some() && at == state.fleet.index()
            }
        };
        let stray = state.fleet.marked.iter().find(|bot| state.snapshot.bot(bot).is_none());
        prop_assert!(stray.is_none(), "{stray:?} is marked and not there");
        prop_assert!(inside, "{:?} is not in the list", state.fleet.selected);
        let incidents = &state.incidents;
        prop_assert!(incidents.rows.is_empty() || incidents.brief().is_some(), "{:?}", incidents.selected);
        prop_assert!(state.lines().at() < state.lines().shown().len().max(1));
        let steps = state.operation().map(|operation| &operation.steps);
        let known = |step| steps.is_some_and(|steps| steps.contains_key(step));
        prop_assert!(state.step.as_ref().is_none_or(known), "{:?} is no step of what is shown", state.step);
        for effect in effects {
            match &effect {
                Effect::Isolate(order) => {
                    prop_assert!(far.seen.contains(&order.bot), "{} was not on the screen", order.bot);
                }
                Effect::IsolateMarked(orders) => {
                    prop_assert!(asked.is_some() && far.asks == asked, "several without their question");
                    let bots: Vec<BotName> = orders.iter().map(|order| order.bot.clone()).collect();
                    prop_assert_eq!(&bots, &named, "others than were named");
                }
                Effect::Restore(_) | Effect::HandOver(..) | Effect::Confirm(..) => {
                    prop_assert!(asked.is_some() && far.asks == asked, "{effect:?} without its question");
                }
                Effect::Probe { consent: true, .. } if asked.is_some() => {
                    prop_assert!(far.asks == asked, "agreed before the question was seen");
                }
                _ => {}
            }
            if let Some(message) = answered(&effect) {
                update(&mut state, message);
            }
        }
    }
    Ok(())
}

fn draw(state: &mut State, far: &mut Far) -> Vec<Effect> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    let shown = screen::draw(state, &mut buffer).shown;
    far.frame += 1;
    let names = [&shown.target, &shown.armed, &shown.prompt].into_iter().flatten().cloned().collect();
    far.waiting.push_back((far.frame, names, shown.asks));
    let mut effects = update(state, Message::FrameDrawn { frame: far.frame, shown });
    effects.extend(update(state, Message::FrameWritten(far.frame)));
    effects
}

fn answer(state: &mut State, far: &mut Far) -> Vec<Effect> {
    let Some((frame, names, asks)) = far.waiting.pop_front() else { return Vec::new() };
    far.seen = names;
    far.asks = asks;
    update(state, Message::FrameAnswered(frame))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_keys_leave_the_selection_outside_the_list_or_cut_what_was_not_shown(acts in acts()) {
        play(acts)?;
    }

    #[test]
    fn read_only_never_cuts(acts in acts()) {
        let look = fake::look(Capability::None, Glyphs::ASCII);
        let mut state = fake::state(80, 24, look, true);
        update(&mut state, Message::FleetRead(Arc::new(sample::fleet())));
        for act in acts {
            if let Act::Key(code, alone) = act {
                let effects = update(&mut state, Message::KeyPressed { key: KeyEvent::new(code).into(), alone });
                prop_assert!(!effects.iter().any(|effect| matches!(
                    effect,
                    Effect::Isolate(_) | Effect::IsolateMarked(_) | Effect::Restore(_) | Effect::Note(..) | Effect::HandOver(..) | Effect::Confirm(..)
                )));
            }
        }
    }

    #[test]
    fn a_selection_follows_its_name(removed in 0usize..6) {
        let look = fake::look(Capability::None, Glyphs::ASCII);
        let mut state = fake::state(80, 24, look, false);
        update(&mut state, Message::FleetRead(Arc::new(sample::fleet())));
        state.fleet.step(isize::MAX);
        let before = state.fleet.selected.clone();
        let mut snapshot: Snapshot = sample::fleet();
        snapshot.bots.remove(removed);
        snapshot.bots.reverse();
        update(&mut state, Message::FleetRead(Arc::new(snapshot)));
        prop_assert_eq!(state.fleet.selected, before);
    }
}

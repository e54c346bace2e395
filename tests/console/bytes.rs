//! What a key and an isolation cost on the wire: bytes are the same on every machine, so their limits are tests.
//!
//! A frame is drawn by the real screens and encoded for an xterm of sixteen colours; the status query at its end counts.
//! `cargo test --test console bytes -- --nocapture` prints what each costs.

#![expect(clippy::print_stdout, reason = "the figures are worth a look")]

use std::sync::Arc;

use estop::{
    domain::{BotName, Outcome, Step, StepId, StepState},
    engine::{Ended, EngineEvent, OperationPhase, Snapshot},
    tui::{
        encode::{Dialect, Encoder},
        message::{JournalLine, Message, Size},
        screen,
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};
use terminput::{KeyCode, KeyEvent};

use super::{fake, sample, screens};

/// What it is measured at.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const MOVE: usize = 60;
/// Of what stands beside the list, once the cursor rests on another bot: its plan, and its detail where there is room.
const BESIDE: [usize; 2] = [400, 1600];
const SCROLL: usize = 180;
const PAGE: usize = 2000;
/// Of a whole isolation, at each size: the larger screen shows all of its steps.
const ISOLATIONS: [usize; 2] = [2700, 4300];

/// What everything that calls itself an xterm takes.
const XTERM: Dialect = Dialect { repeats: false, ..Dialect::MOST };

/// A console and the wire behind it.
struct Wire {
    state: State,
    encoder: Encoder,
    shown: Buffer,
}

impl Wire {
    fn new((width, height): (u16, u16), snapshot: Snapshot) -> Self {
        let state = fake::state(width, height, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
        let mut wire = Self { state, encoder: Encoder::new(XTERM), shown: Buffer::empty(Rect::ZERO) };
        screens::read(&mut wire.state, snapshot);
        wire.frame();
        wire
    }

    /// The bytes of the next frame.
    fn frame(&mut self) -> usize {
        let Size { width, height } = self.state.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let drawn = screen::draw(&self.state, &mut buffer);
        self.shown = buffer.clone();
        self.encoder.encode(buffer, false, drawn.cursor).len()
    }

    /// The bytes of a key that moves the cursor: of the list at once, and of what stands beside it at rest.
    fn moves(&mut self, key: &str) -> (usize, usize) {
        let at = Some((self.state.fleet.offset, self.state.fleet.index()));
        screens::press(&mut self.state, key);
        let mut buffer = self.shown.clone();
        let drawn = screen::draw_list(&self.state, &mut buffer, at).unwrap();
        assert_eq!(
            drawn,
            screen::Drawn::default(),
            "nothing can be pressed at while another bot stands beside the list"
        );
        let mut whole = self.shown.clone();
        screen::draw_list(&self.state, &mut whole, None).unwrap();
        assert_eq!(buffer, whole, "the two markers are all that has changed");
        (self.encoder.encode(buffer, false, drawn.cursor).len(), self.frame())
    }

    /// The bytes of paging up and down, so often each.
    fn pages(&mut self, count: usize) -> Vec<usize> {
        let keys = [KeyCode::PageDown, KeyCode::PageUp].into_iter().flat_map(|key| std::iter::repeat_n(key, count));
        let mut press = |code| {
            let key = KeyEvent::new(code).into();
            update(&mut self.state, Message::KeyPressed { key, alone: true });
            self.frame()
        };
        keys.map(&mut press).collect()
    }

    /// The bytes of each key.
    fn keys(&mut self, keys: &str) -> Vec<usize> {
        let press = |key: char| {
            screens::press(&mut self.state, &key.to_string());
            self.frame()
        };
        keys.chars().map(press).collect()
    }
}

/// As many bots as it takes, of one kind.
fn many(count: usize) -> Snapshot {
    let mut snapshot = sample::fleet();
    let like = snapshot.bots[1].clone();
    let bots = (0..count).map(|number| {
        let mut view = (*like).clone();
        view.bot.name = BotName::new(format!("support-{number:03}"));
        Arc::new(view)
    });
    snapshot.bots = bots.collect();
    snapshot
}

/// The most that one of them costs.
fn worst(bytes: &[usize]) -> usize {
    bytes.iter().copied().max().unwrap_or(0)
}

fn line(number: usize) -> JournalLine {
    JournalLine {
        incident: Some(sample::incident()),
        seq: 100 + u64::try_from(number).unwrap(),
        at: sample::before(600 - i64::try_from(number).unwrap()),
        op: None,
        kind: "step.verify".to_owned(),
        text: format!("end session {:x} of the support bot", number * 7_919_191),
        result: "verified".to_owned(),
        ..JournalLine::default()
    }
}

#[test]
fn a_move_costs_at_most_sixty_bytes() {
    for size in SIZES {
        let mut wire = Wire::new(size, many(100));
        let bytes = wire.keys("jjjjjjjjkkkk");
        println!("move {size:?}: {bytes:?}");
        assert!(worst(&bytes) <= MOVE, "{size:?}: {bytes:?}");
    }
}

#[test]
fn a_move_to_a_bot_that_is_quite_another_costs_no_more_until_the_cursor_rests() {
    for (size, most) in SIZES.into_iter().zip(BESIDE) {
        let mut wire = Wire::new(size, sample::fleet());
        let moves: Vec<_> = "jjjjjjkkkkkk".chars().map(|key| wire.moves(&key.to_string())).collect();
        let (list, beside): (Vec<_>, Vec<_>) = moves.into_iter().unzip();
        println!("move {size:?}: list {list:?} beside {beside:?}");
        assert!(worst(&list) <= MOVE && worst(&beside) <= most, "{size:?}: {list:?} {beside:?}");
    }
}

#[test]
fn to_scroll_by_a_row_costs_at_most_180_bytes() {
    for size in SIZES {
        let mut wire = Wire::new(size, many(100));
        for number in 0..200 {
            update(&mut wire.state, Message::JournalWritten(line(number)));
        }
        wire.keys("J");
        let written: Vec<usize> = (200..210)
            .map(|number| {
                update(&mut wire.state, Message::JournalWritten(line(number)));
                wire.frame()
            })
            .collect();
        let keys = wire.keys("kkkkjjj");
        let help = wire.keys("?jjjkk");
        println!("scroll {size:?}: journal {written:?} {keys:?} help {help:?}");
        assert!(worst(&written).max(worst(&keys[1..])).max(worst(&help[1..])) <= SCROLL, "{size:?}");
    }
}

#[test]
fn the_fleet_scrolls_by_a_row_in_at_most_180_bytes() {
    for size in SIZES {
        let mut wire = Wire::new(size, many(100));
        let rows = screen::page(&wire.state);
        wire.keys(&"j".repeat(rows - 1));
        let bytes = wire.keys("jjjjjj");
        println!("fleet scroll {size:?}: {bytes:?}");
        assert!(worst(&bytes) <= SCROLL, "{size:?}: {bytes:?}");
    }
}

#[test]
fn a_page_costs_at_most_two_thousand_bytes() {
    for size in SIZES {
        let mut wire = Wire::new(size, many(200));
        for number in 0..200 {
            update(&mut wire.state, Message::JournalWritten(line(number)));
        }
        let fleet = wire.pages(4);
        let other = wire.keys("2J?J");
        let journal = wire.pages(4);
        println!("page {size:?}: fleet {fleet:?} journal {journal:?}; other screens {other:?}");
        assert!(worst(&fleet).max(worst(&journal)) <= PAGE, "{size:?}: {fleet:?} {journal:?}");
    }
}

/// Thirty-six steps: five gates, the rest sessions.
fn steps() -> Vec<Step> {
    let like = sample::steps();
    let step = |number: usize| {
        let one = &like[if number < 5 { 0 } else { 2 }];
        let target = format!("session {:x} of user-{number}", number * 7_919_191);
        Step { id: StepId::of(&one.identity, "end", Some(&target)), target: target.as_str().into(), ..one.clone() }
    };
    (0..36).map(step).collect()
}

#[test]
fn an_isolation_of_36_steps_stays_within_its_bytes() {
    for (size, most) in SIZES.into_iter().zip(ISOLATIONS) {
        let mut wire = Wire::new(size, sample::fleet());
        wire.keys("2");
        let mut bytes = Vec::new();
        let op = sample::op(1);
        let steps = steps();
        let bot = BotName::new("sales");
        let moved = |step: usize, state: StepState, code: Option<&str>| EngineEvent::Step {
            op,
            step: steps[step].id.clone(),
            state,
            attempt: 1,
            answer: code.map(|code| estop::domain::Answer::new(estop::domain::AnswerKind::Accepted, "http", code)),
            detail: None,
            seq: None,
            at: sample::now(),
        };
        let mut frames = vec![vec![
            EngineEvent::Started { op, incident: sample::incident(), bot: bot.clone(), at: sample::now() },
            EngineEvent::Planned { op, steps: steps.clone() },
            EngineEvent::Phase { op, phase: OperationPhase::Striking },
        ]];
        frames[0]
            .extend((0..36).flat_map(|step| [moved(step, StepState::Armed, None), moved(step, StepState::Sent, None)]));
        frames.extend(
            (0..4).map(|part| {
                (part * 9..part * 9 + 9).map(|step| moved(step, StepState::Accepted, Some("204"))).collect()
            }),
        );
        frames.push(vec![EngineEvent::Phase { op, phase: OperationPhase::Verifying }]);
        frames.extend(
            (0..4).map(|part| (part * 9..part * 9 + 9).map(|step| moved(step, StepState::Verified, None)).collect()),
        );
        let ended = Ended {
            outcome: Outcome::Dark,
            time_to_first_cut_ms: Some(38),
            time_to_dark_ms: Some(2_310),
            time_to_verified_ms: Some(2_310),
            journal_trouble: None,
            followed: None,
        };
        frames.push(vec![EngineEvent::Ended { op, bot, ended }]);
        for events in frames {
            for event in events {
                update(&mut wire.state, Message::EngineSpoke(event));
            }
            bytes.push(wire.frame());
        }
        let all: usize = bytes.iter().sum();
        println!("isolation {size:?}: {all}: {bytes:?}");
        assert!(all <= most, "{size:?}: {all} of {bytes:?}");
    }
}

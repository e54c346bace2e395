//! Every screen at every size: nothing panics, nothing needed is cut off from 60x15 on, and below that a line says so.

use estop::{
    engine::Snapshot,
    tui::{
        message::{Message, Size},
        screen,
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    fake, golden, sample,
    screens::{assert_screens_at, drawn, on_sales, press, read, struck},
};

/// What leads to each screen and each question over it.
const SCREENS: [(&str, &str); 12] = [
    ("fleet", ""),
    ("detail", "\r"),
    ("armed", "X"),
    ("burn", "Bsal"),
    ("filter", "/plat"),
    ("all", "aG"),
    ("isolation", "2"),
    ("journal", "J"),
    ("help", "?"),
    ("secret", "ix"),
    ("restore", "U"),
    ("note", "nit was bob"),
];
const WIDTHS: [u16; 9] = [20, 40, 59, 60, 80, 110, 120, 200, 300];
const HEIGHTS: [u16; 7] = [5, 14, 15, 24, 30, 40, 80];
/// From here on nothing that is needed is cut off.
const LEAST: (u16, u16) = (60, 15);

fn prepared(keys: &str, glyphs: Glyphs, exercise: Option<&str>) -> State {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, glyphs), false);
    if keys == "2" {
        struck(&mut state, 3);
    }
    read(&mut state, Snapshot { exercise: exercise.map(str::to_owned), ..sample::fleet() });
    press(&mut state, "1G");
    press(&mut state, keys);
    state
}

fn at(state: &mut State, width: u16, height: u16) -> String {
    update(state, Message::Resized(Size { width, height }));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    screen::draw(state, &mut buffer);
    golden::text(&buffer)
}

#[test]
fn every_screen_at_every_size() {
    for (name, keys) in SCREENS {
        for exercise in [None, Some("first light")] {
            let mut state = prepared(keys, Glyphs::UNICODE, exercise);
            for width in WIDTHS {
                for height in HEIGHTS {
                    let text = at(&mut state, width, height);
                    assert_eq!(text.lines().count(), usize::from(height), "{name} at {width}x{height}");
                    let small = width < LEAST.0 || height < LEAST.1;
                    let says = text.contains("needs 60x15");
                    assert_eq!(says, small, "{name} at {width}x{height}: {text}");
                }
            }
        }
    }
}

/// What a responder needs in the fleet, whatever the size: which bot, its state, what `X` would do, and `X` itself.
#[test]
fn what_is_needed_is_there_from_60x15_on() {
    for exercise in [None, Some("first light")] {
        let mut state = prepared("", Glyphs::UNICODE, exercise);
        for width in WIDTHS.into_iter().filter(|width| *width >= LEAST.0) {
            for height in HEIGHTS.into_iter().filter(|height| *height >= LEAST.1) {
                let text = at(&mut state, width, height);
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                let target = screen::draw(&state, &mut buffer).shown.target;
                let place = format!("{width}x{height}: {text}");
                assert!(target.is_some_and(|bot| bot.raw() == "sales"), "X would only arm at {place}");
                for part in
                    ["X would isolate sales", "live", "identity 2", "tokens ", "connectors ", "grants ", "X isolate"]
                {
                    assert!(text.contains(part), "{part:?} at {place}");
                }
            }
        }
    }
}

/// A question that asks for a name, and a field for a secret, can be answered wherever they are asked.
#[test]
fn what_is_asked_can_be_answered_from_60x15_on() {
    for exercise in [None, Some("first light")] {
        for keys in ["Bsal", "ix", "nx"] {
            let mut state = prepared(keys, Glyphs::UNICODE, exercise);
            for width in WIDTHS.into_iter().filter(|width| *width >= LEAST.0) {
                for height in HEIGHTS.into_iter().filter(|height| *height >= LEAST.1) {
                    let text = at(&mut state, width, height);
                    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                    let drawn = screen::draw(&state, &mut buffer);
                    let cursor = drawn.cursor.map(|(x, y)| buffer[(x - 1, y)].symbol().to_owned());
                    let typed = if keys == "Bsal" {
                        "l"
                    } else if keys == "nx" {
                        "x"
                    } else {
                        " "
                    };
                    assert_eq!(cursor.as_deref(), Some(typed), "{keys} at {width}x{height}: {text}");
                    let asks = keys != "Bsal" || drawn.shown.prompt.is_some();
                    assert!(asks, "the question is not shown in full at {width}x{height}: {text}");
                }
            }
        }
    }
}

/// While it runs: how far, and what is proved.
#[test]
fn an_isolation_can_be_followed_from_60x15_on() {
    let mut state = prepared("2", Glyphs::UNICODE, None);
    for width in WIDTHS.into_iter().filter(|width| *width >= LEAST.0) {
        for height in HEIGHTS.into_iter().filter(|height| *height >= LEAST.1) {
            let text = at(&mut state, width, height);
            for part in ["sales", "verified 3 of 7", "still live 0", "unknown 4", "first cut"] {
                assert!(text.contains(part), "{part:?} at {width}x{height}: {text}");
            }
        }
    }
}

#[test]
fn keys_work_below_the_least_size_too() {
    let mut state = prepared("", Glyphs::UNICODE, None);
    at(&mut state, 40, 10);
    press(&mut state, "g");
    let text = at(&mut state, 40, 10);
    assert!(text.contains("window too small: needs 60x15") && text.contains("payroll"), "{text}");
    press(&mut state, "X");
    assert!(at(&mut state, 40, 10).contains("X again: payroll"));
    press(&mut state, "q");
    assert!(state.ending.is_some());
}

#[test]
fn nothing_beyond_ascii_is_drawn_where_only_ascii_can_be_shown() {
    for (name, keys) in SCREENS {
        for exercise in [None, Some("première lumière")] {
            let mut state = prepared(keys, Glyphs::ASCII, exercise);
            for (width, height) in [(20, 5), (60, 15), (80, 24), (120, 40)] {
                update(&mut state, Message::Resized(Size { width, height }));
                for cell in drawn(&state).content() {
                    assert!(cell.symbol().is_ascii(), "{:?} on {name} at {width}x{height}", cell.symbol());
                }
            }
        }
    }
}

#[test]
fn the_least_size() {
    assert_screens_at((60, 15), "fleet", on_sales);
    assert_screens_at((60, 15), "armed", |state| {
        on_sales(state);
        press(state, "X");
    });
    assert_screens_at((60, 15), "burn", |state| {
        on_sales(state);
        press(state, "Bsal");
    });
    assert_screens_at((60, 15), "isolation", |state| struck(state, 3));
    assert_screens_at((60, 15), "help", |state| {
        on_sales(state);
        press(state, "?");
    });
    assert_screens_at((50, 12), "fleet", on_sales);
}

//! Keys of one's own: no screen and no sentence names a key that means nothing here.

use std::collections::BTreeSet;

use estop::tui::{
    action::Action,
    keymap::{DEFAULT, Keymap, Rebinding},
    message::{Message, Size},
    screen,
    state::State,
    theme::{Capability, Glyphs},
    update::update,
};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    fake, golden, sample,
    screens::{press, read, struck, with_lines},
};

/// Letters that no text of the console has: each action gets one of them.
fn letters() -> impl Iterator<Item = char> {
    ('α'..='ω').filter(|letter| *letter != 'ς').chain('а'..='я')
}

/// The table with every action on another key.
fn rebound() -> Keymap {
    let mut actions: Vec<Action> = Vec::new();
    for binding in DEFAULT {
        if !actions.contains(&binding.action) {
            actions.push(binding.action);
        }
    }
    assert!(actions.len() <= letters().count());
    let change = |(action, letter): (&Action, char)| Rebinding {
        action: action.id(),
        keys: vec![letter.to_string()],
        place: "here:1".to_owned(),
    };
    Keymap::rebound(&actions.iter().zip(letters()).map(change).collect::<Vec<_>>()).unwrap()
}

/// What the table's keys are called.
fn usual() -> BTreeSet<String> {
    let labels = Keymap::default().rows().iter().flat_map(|row| row.keys.iter().map(|key| key.label())).collect();
    let mut labels: BTreeSet<String> = labels;
    // An article, seconds, the sign of what is unknown, and numbers of things.
    for word in ["a", "s", "?", "1", "2", "3", "4"] {
        labels.remove(word);
    }
    labels
}

/// The words of a text that are the name of a key of the table.
fn named(text: &str) -> BTreeSet<String> {
    let usual = usual();
    let bare = |word: &str| word.trim_matches([',', '.', ';', ':', '(', ')']).to_owned();
    text.split_whitespace().flat_map(|word| [word.to_owned(), bare(word)]).filter(|word| usual.contains(word)).collect()
}

fn drawn(state: &mut State, width: u16, height: u16) -> String {
    update(state, Message::Resized(Size { width, height }));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    screen::draw(state, &mut buffer);
    golden::text(&buffer)
}

fn prepared(keys: &str) -> State {
    let mut state = fake::state(200, 80, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    struck(&mut state, 3);
    with_lines(&mut state);
    read(&mut state, sample::fleet());
    press(&mut state, "1G");
    press(&mut state, keys);
    state
}

#[test]
fn no_screen_names_a_key_that_was_bound_to_something_else() {
    // Text fields and questions have keys of their own, which are no actions: only what stands beside them is looked at.
    let fields = ["Enter", "Esc", "Tab", "Up", "Down", "PgDn", "End", "Left"];
    for (name, keys, is_field) in [
        ("fleet", "", false),
        ("armed", "X", false),
        ("nothing found", "/zzzz\r", false),
        ("detail", "\r", false),
        ("every identity", "aG", false),
        ("marked", "  ", false),
        ("isolation", "2", false),
        ("journal", "J", false),
        ("nothing found in the journal", "J/zzzz\r", false),
        ("help", "?", false),
        ("burn", "Bsal", true),
        ("filter", "/plat", true),
        ("secret", "ix", true),
        ("restore", "U", true),
        ("note", "nit was bob", true),
        ("command", ":sort ow", true),
    ] {
        let mut state = prepared(keys);
        assert!(
            !named(&drawn(&mut state, 300, 80)).is_empty(),
            "{name} names no key at all: the test looks at nothing"
        );
        state.keys = rebound();
        for (width, height) in [(300, 80), (120, 40), (80, 24), (60, 15)] {
            let text = drawn(&mut state, width, height);
            let mut left = named(&text);
            left.retain(|key| !(is_field && fields.contains(&key.as_str())));
            // The help tells of the key that completes a command.
            left.retain(|key| !(name == "help" && key == "Tab"));
            assert!(left.is_empty(), "{name} at {width}x{height} names {left:?}: {text}");
        }
    }
}

#[test]
fn no_sentence_names_a_key_that_was_bound_to_something_else() {
    let letter = |action: Action| rebound().label(action);
    for (action, says) in [
        (Action::Retry, format!("{} came together with other keys: press it once more", letter(Action::Retry))),
        (Action::NextMatch, format!("no word is searched: {} takes some", letter(Action::Search))),
    ] {
        let mut state = prepared(if action == Action::NextMatch { "J" } else { "" });
        state.left = vec![sample::fleet().bots[0].bot.name.clone()];
        state.keys = rebound();
        let key = terminput::KeyEvent::new(terminput::KeyCode::Char(letter(action).chars().next().unwrap()));
        update(&mut state, Message::KeyPressed { key: key.into(), alone: false });
        assert_eq!(state.flash.as_deref(), Some(&*says), "{action}");
    }
}

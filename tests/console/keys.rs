//! Keys of one's own: what is bound is what footer, help and sentences show; what is off says why.

use estop::tui::{
    action::Action,
    keymap::{Keymap, Rebinding},
    message::Message,
    theme::{Capability, Glyphs},
    update::{Effect, disabled, update},
};
use terminput::{KeyCode, KeyEvent};

use super::{
    fake::{self, Console, Far},
    golden, sample,
    screens::{assert_screens, drawn, on_sales, press, read, struck},
    story::looped,
};

fn own() -> Keymap {
    let change = |action: &str, keys: &[&str]| Rebinding {
        action: action.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        place: "config.toml:3".to_owned(),
    };
    Keymap::rebound(&[
        change("isolate", &["x"]),
        change("retry", &["f5"]),
        change("burn", &[]),
        change("redraw", &["f9"]),
    ])
    .unwrap()
}

looped! {
    async fn a_danger_key_of_ones_own_fires_as_the_tables_does_and_the_old_one_is_no_key() {
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let mut state = fake::state(80, 24, look, false);
        state.keys = own();
        let console = Console::open(sample::fleet(), Far::Answers, state).await;
        console.wait(200).await;
        console.keys("GXB").await;
        assert!(console.desk.orders().is_empty() && !console.shows("Type its name"), "{}", console.screen());
        assert!(console.shows("x would isolate sales") && console.shows("x isolate"), "{}", console.screen());
        assert!(!console.shows("burn"), "{}", console.screen());
        console.keys("x").await;
        assert_eq!(console.desk.orders(), ["sales"]);
    }

    async fn a_danger_key_of_ones_own_in_a_burst_arms_by_its_own_name() {
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let mut state = fake::state(80, 24, look, false);
        state.keys = own();
        let console = Console::open(sample::fleet(), Far::Answers, state).await;
        console.wait(200).await;
        console.read(b"Gx").await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("ARMED: x once more isolates sales"), "{}", console.screen());
    }
}

#[test]
fn the_help_shows_what_is_bound_and_what_is_not() {
    let mut state = fake::state(120, 140, fake::look(Capability::None, Glyphs::UNICODE), false);
    state.keys = own();
    on_sales(&mut state);
    press(&mut state, "?");
    let text = golden::text(&drawn(&state));
    for part in ["x FIRES ONLY AT WHAT WAS SEEN", " x ", " F5 ", " no key ", "x of its bot ends it"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (heading, after) in [("FLEET", "EVERYWHERE"), ("EVERYWHERE", "ISOLATION"), ("ISOLATION", "STATES")] {
        let at = |title: &str| text.find(&format!("\n {title}\n")).or_else(|| text.find(&format!(" {title}"))).unwrap();
        assert!(at(heading) < at(after), "{heading} before {after}: {text}");
    }
}

#[test]
fn what_is_off_is_pressed_in_vain_and_says_why() {
    let mut state = fake::state(80, 24, fake::look(Capability::None, Glyphs::UNICODE), false);
    for (action, says) in [
        (Action::Open, "nothing is selected"),
        (Action::Theme, "without colours there is one theme"),
        (Action::Copy, "nothing is shown"),
        (Action::Rotate, "U on a bot comes first"),
        (Action::Try, "no secret is at hand"),
        (Action::Next, "no other isolation"),
        (Action::Isolate, "no bot is selected"),
    ] {
        assert!(disabled(&state, action).is_some_and(|why| why.contains(says)), "{action}");
    }
    assert_eq!(disabled(&state, Action::Confirm), None, "not known before anything was read");
    let mut snapshot = sample::fleet();
    snapshot.bots.retain(|view| view.state == estop::domain::BotState::Live);
    snapshot.others = Vec::new().into();
    read(&mut state, snapshot);
    assert_eq!(disabled(&state, Action::Confirm).as_deref(), Some("no manual step waits for a person"));
    assert_eq!(disabled(&state, Action::ShowAll).as_deref(), Some("every identity that was read is a bot's"));
    assert!(disabled(&state, Action::Restore).is_some_and(|why| why.contains("nothing to restore")));
    press(&mut state, "a");
    assert!(!state.fleet.view.all && state.flash.as_deref() == Some("every identity that was read is a bot's"));
    press(&mut state, "2");
    let effects = update(&mut state, key('c'));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::AskWaiting)), "{effects:?}");
    assert_eq!(state.flash.as_deref(), Some("no manual step waits for a person"));
    struck(&mut state, 3);
    assert_eq!(disabled(&state, Action::Confirm), None, "an isolation runs");
}

fn key(character: char) -> Message {
    Message::KeyPressed { key: KeyEvent::new(KeyCode::Char(character)).into(), alone: true }
}

#[test]
fn help_from_an_isolation() {
    assert_screens("help-isolation", |state| {
        struck(state, 3);
        press(state, "?");
    });
}

//! `y`: what is shown goes to the clipboard as plain text, and the flash names another way to it.

use estop::{
    domain::{BotName, Outcome, Reason},
    engine::Snapshot,
    tui::{
        message::Message,
        state::State,
        theme::{Capability, Glyphs},
        update::{Effect, disabled, update},
    },
};

use super::{
    fake::{self, Desk},
    sample,
    screens::{assert_screens, ended, events, on_sales, press, read, struck},
    story::{looped, open},
};

looped! {
    async fn the_summary_of_an_isolation_is_copied_and_told() {
        let console = open(Desk::new(sample::fleet())).await;
        for event in events(3) {
            console.tell(event).await;
        }
        console.keys("2y").await;
        let copied = console.copied();
        assert_eq!(copied.len(), 1);
        let lines: Vec<&str> = copied[0].lines().collect();
        assert_eq!(lines[0], "isolation of sales");
        assert!(lines.contains(&"verified 3 of 7, still live 0, unknown 4"), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains(&sample::incident().to_string())), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("step: retrying: ")), "{lines:#?}");
        // The long form has no room beside the whole command.
        let told = format!("copied {} lines, or: estop incident show {}", lines.len(), sample::incident());
        assert!(console.shows(&told), "{}", console.screen());
    }

    async fn the_plan_of_a_bot_is_copied_in_the_fleet_and_nothing_where_nothing_is_shown() {
        let console = open(Desk::new(sample::fleet())).await;
        console.keys("Gy").await;
        let copied = console.copied();
        assert!(copied[0].starts_with("bot sales: "), "{}", copied[0]);
        assert!(console.shows("lines; if your terminal does not take it: estop plan sales"), "{}", console.screen());
        for part in ["isolating it takes 7 steps", "identity corp-sso:", "plan ", "outlives it: ", "as of 2026-"] {
            assert!(copied[0].contains(part), "{part}: {}", copied[0]);
        }
        console.keys("2y").await;
        assert_eq!(console.copied().len(), 1);
        assert!(console.shows("nothing is shown that could be copied"), "{}", console.screen());
    }
}

fn copied(state: &mut State) -> String {
    let key = terminput::KeyEvent::new(terminput::KeyCode::Char('y')).into();
    let effects = update(state, Message::KeyPressed { key, alone: true });
    match &effects[..] {
        [Effect::Copy(text)] => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_outcome_is_copied_with_its_reasons_and_an_exercise_says_so() {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    struck(&mut state, 5);
    let what = "take the role away".to_owned();
    let reasons = vec![Reason::Manual { step: sample::steps()[5].id.clone(), what }];
    update(&mut state, Message::EngineSpoke(ended(Outcome::Partial { reasons, residual: Vec::new() })));
    let text = copied(&mut state);
    assert!(text.contains("outcome: partial") && text.contains("left: manual: take the role away"), "{text}");
    assert!(!text.contains("step: "), "what is over names its reasons: {text}");
    assert!(!text.contains("EXERCISE"));
    read(&mut state, Snapshot { exercise: Some("first light".to_owned()), ..sample::fleet() });
    assert!(copied(&mut state).starts_with("EXERCISE first light: simulated providers\n"));
}

#[test]
fn hostile_names_are_copied_with_visible_escapes() {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    let mut snapshot = sample::fleet();
    snapshot.bots.truncate(1);
    let mut view = (*snapshot.bots[0]).clone();
    view.bot.name = BotName::new("a\u{1b}]52;c;eA==\u{7}\nroot: rm -rf\u{202e}");
    view.bot.owner = Some("x\r\ny\u{9c}".into());
    snapshot.bots[0] = view.into();
    read(&mut state, snapshot);
    press(&mut state, "g");
    let text = copied(&mut state);
    assert!(text.contains("\\x1b]52") && text.contains("<U+202E>"), "{text}");
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("root:")), "{text}");
}

#[test]
fn a_terminal_without_a_clipboard_is_told_and_sent_nothing() {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    on_sales(&mut state);
    state.has_clipboard = false;
    let why = disabled(&state, estop::tui::action::Action::Copy).unwrap();
    assert_eq!(why, "this terminal has no clipboard: estop plan sales");
    let key = terminput::KeyEvent::new(terminput::KeyCode::Char('y')).into();
    assert!(update(&mut state, Message::KeyPressed { key, alone: true }).is_empty());
    assert_eq!(state.flash, Some(why));
}

#[test]
fn copied_screen() {
    assert_screens("copied", |state| {
        struck(state, 3);
        press(state, "y");
    });
}

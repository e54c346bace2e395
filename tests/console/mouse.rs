//! The mouse selects and scrolls where it is asked for, does nothing where not, and never cuts.

use estop::tui::{
    message::Message,
    mouse::Mouse,
    theme::{Capability, Glyphs},
    update::update,
};
use proptest::prelude::*;

use super::{
    fake::{self, Console, Far},
    sample,
    screens::{press, read},
    story::looped,
};

async fn open(mouse: bool) -> Console {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    state.mouse = mouse;
    let console = Console::open(sample::fleet(), Far::Answers, state).await;
    console.wait(200).await;
    console
}

/// The row of the screen, from 1, on which a text stands.
fn row_of(console: &Console, text: &str) -> usize {
    1 + console.screen().lines().position(|line| line.contains(text)).unwrap()
}

looped! {
    async fn a_click_selects_and_the_key_then_cuts_what_was_clicked() {
        let console = open(true).await;
        let row = row_of(&console, "sales");
        console.read(format!("\x1b[<0;10;{row}M\x1b[<0;10;{row}m").as_bytes()).await;
        assert!(console.shows("X would isolate sales"), "{}", console.screen());
        assert!(console.desk.orders().is_empty());
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["sales"]);
    }

    async fn a_click_with_a_key_in_one_read_arms_at_most() {
        let console = open(true).await;
        let row = row_of(&console, "sales");
        console.read(format!("\x1b[<0;10;{row}MX").as_bytes()).await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("ARMED: X once more isolates sales"), "{}", console.screen());
        // Another click takes the arming back.
        console.read(b"\x1b[<0;10;3M").await;
        assert!(!console.shows("ARMED"), "{}", console.screen());
    }

    async fn a_mouse_that_was_not_asked_for_does_nothing() {
        let console = open(false).await;
        let before = console.screen();
        let row = row_of(&console, "sales");
        console.read(format!("\x1b[<0;10;{row}M\x1b[<65;10;5M").as_bytes()).await;
        assert_eq!(console.screen(), before);
    }

    async fn the_wheel_scrolls_the_help() {
        let console = open(true).await;
        console.keys("?").await;
        let before = console.screen();
        console.read(b"\x1b[<65;10;5M").await;
        assert_ne!(console.screen(), before);
        console.read(b"\x1b[<64;10;5M").await;
        assert_eq!(console.screen(), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_clicked_nothing_is_ordered_and_the_selection_stays_inside(
        keys in "[X2J?aiBU\r/1]{0,3}",
        hits in proptest::collection::vec((0u16..130, 0u16..45, 0u8..3), 1..20),
        wide in any::<bool>(),
    ) {
        let (width, height) = if wide { (120, 40) } else { (80, 24) };
        let mut state = fake::state(width, height, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
        state.mouse = true;
        read(&mut state, sample::fleet());
        press(&mut state, &keys);
        for (column, row, kind) in hits {
            let mouse = match kind {
                0 => Mouse::Clicked { column, row },
                _ => Mouse::Wheeled { column, row, down: kind == 1 },
            };
            let effects = update(&mut state, Message::Pointed(mouse));
            let harmless = effects.iter().all(|effect| matches!(effect, estop::tui::update::Effect::RefreshBot(_)));
            prop_assert!(harmless, "{effects:?}");
            prop_assert!(state.fleet.selected.as_ref().is_none_or(|selected| state.fleet.list().find(selected).is_some()));
        }
    }
}

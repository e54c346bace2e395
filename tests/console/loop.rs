//! The real loop, with a screen that remembers and a stream of bytes. Time is paused: nothing sleeps.

use std::sync::Arc;

use estop::{
    domain::{BotName, Contradiction, Depth},
    engine::{EngineEvent, OperationPhase, Refusal},
    tui::{
        decode::Input,
        message::Signal,
        signals::Heard,
        state::Ending,
        theme::{Capability, Glyphs},
    },
};
use terminput::{KeyCode, KeyEvent, KeyEventKind};

use super::{
    fake::{self, Console, Far},
    sample,
    screens::events,
    story::looped,
};

async fn open(far: Far) -> Console {
    sized(far, 80, 24).await
}

async fn sized(far: Far, width: u16, height: u16) -> Console {
    let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
    let console = Console::open(sample::fleet(), far, fake::state(width, height, look, false)).await;
    console.wait(200).await;
    console
}

looped! {
    async fn the_first_frame_precedes_all_reading() {
        let console = open(Far::Answers).await;
        let first = &console.pictures()[0];
        assert!(super::golden::text(&first.buffer).contains("Reading the fleet"));
        let asked = console.desk.asked.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|what| *what == "refresh").count(), 1);
        assert!(console.shows("helpdesk") && console.shows("sales"));
    }

    async fn start_filter_isolate_watch_quit() {
        let console = open(Far::Answers).await;
        console.keys("/revenue\r").await;
        assert!(console.shows("1 of 7 bots"));
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["sales"]);
        for event in events(3) {
            console.tell(event).await;
        }
        console.wait(200).await;
        assert!(console.shows("verified 3 of 7"), "{}", console.screen());
        assert!(!console.has_ended());
        console.keys("q").await;
        let left = console.left().await;
        assert_eq!(left.ending, Some(Ending::Quit));
        assert!(left.state.is_working(), "the caller waits for what runs");
    }

    async fn one_key_at_what_was_shown_fires() {
        let console = open(Far::Answers).await;
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["compliance"]);
        assert_eq!(console.desk.orders.lock().unwrap()[0].depth, Depth::Isolate);
    }

    async fn type_ahead_arms_and_a_second_press_fires() {
        let console = open(Far::Answers).await;
        // The line is slow from here on: no answer comes to the frame that shows the next bot.
        console.far(Far::Stalled);
        console.keys("jX").await;
        assert!(console.desk.orders().is_empty());
        console.far(Far::Answers);
        console.wait(2000).await;
        assert!(console.shows("ARMED: X once more isolates engineering."), "{}", console.screen());
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["engineering"]);
    }

    async fn escape_takes_the_arming_back() {
        let console = open(Far::Answers).await;
        console.read(b"jX").await;
        assert!(console.shows("ARMED"));
        console.send(Input::Key { key: KeyEvent::new(KeyCode::Esc).into(), alone: true }).await;
        assert!(!console.shows("ARMED"));
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["engineering"], "now it was pressed at what is shown");
    }

    async fn keys_in_one_read_never_fire() {
        let console = open(Far::Answers).await;
        console.read(b"XX").await;
        console.wait(1000).await;
        console.read(b"some text with an X in it").await;
        console.wait(1000).await;
        assert!(console.desk.orders().is_empty());
    }

    async fn bracketed_paste_never_fires() {
        let console = open(Far::Answers).await;
        console.read(b"\x1b[200~X\x1b[201~").await;
        console.wait(1000).await;
        console.read(b"\x1b[200~X\x1b[201~").await;
        assert!(console.desk.orders().is_empty());
        assert!(!console.shows("ARMED"));
    }

    async fn repeats_that_the_terminal_reports_never_fire() {
        let console = open(Far::Answers).await;
        let repeat = KeyEvent::new(KeyCode::Char('X')).kind(KeyEventKind::Repeat);
        for _ in 0..5 {
            console.send(Input::Key { key: repeat.into(), alone: true }).await;
            console.wait(400).await;
        }
        assert!(console.desk.orders().is_empty());
    }

    async fn text_fields_take_the_letter() {
        let console = open(Far::Answers).await;
        console.keys("/X").await;
        console.wait(1000).await;
        console.keys("X").await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("/XX"));
    }

    async fn a_silent_terminal_falls_back_to_300_ms() {
        let console = open(Far::Silent).await;
        console.keys("X").await;
        assert!(console.desk.orders().is_empty(), "not known yet whether it answers");
        console.send(Input::Key { key: KeyEvent::new(KeyCode::Esc).into(), alone: true }).await;
        console.wait(2500).await;
        console.keys("j").await;
        console.wait(340).await;
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["engineering"]);
    }

    async fn a_tiny_window_arms_first() {
        let console = sized(Far::Answers, 30, 8).await;
        console.keys("X").await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("X again: compliance"), "{}", console.screen());
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["compliance"]);
    }

    async fn a_name_that_does_not_fit_arms_first() {
        let mut snapshot = sample::fleet();
        let mut view = (*snapshot.bots[0]).clone();
        view.bot.name = BotName::new("a-name-".repeat(20));
        snapshot.bots[0] = Arc::new(view);
        let console = open(Far::Answers).await;
        console.publish(snapshot).await;
        console.keys("gX").await;
        assert!(console.desk.orders().is_empty());
    }

    async fn the_selection_follows_the_name_and_x_the_selection() {
        let console = open(Far::Answers).await;
        console.keys("G").await;
        let mut snapshot = sample::fleet();
        snapshot.bots.remove(0);
        snapshot.bots.reverse();
        console.publish(snapshot).await;
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["sales"]);
    }

    async fn keys_are_handled_while_the_terminal_is_stalled() {
        let console = open(Far::Answers).await;
        console.far(Far::Stalled);
        console.keys("jjjjjj").await;
        console.keys("X").await;
        console.wait(400).await;
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["sales"]);
    }

    async fn burn_asks_for_the_name() {
        let console = open(Far::Answers).await;
        console.keys("GBsale\r").await;
        assert!(console.shows("that is not the name"), "{}", console.screen());
        console.keys("s\r").await;
        let orders = console.desk.orders.lock().unwrap().clone();
        assert_eq!(orders.len(), 1);
        assert_eq!((orders[0].bot.raw(), orders[0].depth, orders[0].name_typed), ("sales", Depth::Burn, true));
    }

    async fn a_question_is_not_answered_by_what_was_typed_before_it() {
        let console = open(Far::Answers).await;
        console.keys("G").await;
        console.read(b"Bsales\r").await;
        assert!(console.desk.orders().is_empty());
        console.read(b"\x1b[200~sales\r\x1b[201~").await;
        assert!(console.desk.orders().is_empty());
        console.keys("\r").await;
        assert_eq!(console.desk.orders(), ["sales"], "the name stands there, and Enter came after the question");
    }

    async fn a_protected_bot_is_asked_for_by_name() {
        let console = open(Far::Answers).await;
        *console.desk.refusal.lock().unwrap() = Some(Refusal::Protected(BotName::new("compliance")));
        console.keys("X").await;
        assert!(console.shows("Isolate compliance"), "{}", console.screen());
        console.keys("compliance\r").await;
        let orders = console.desk.orders.lock().unwrap().clone();
        assert_eq!(orders.len(), 2);
        assert!(orders[1].name_typed);
    }

    async fn what_comes_alive_rings_and_r_strikes_again() {
        let console = open(Far::Answers).await;
        let bot = BotName::new("sales");
        let alive = vec![Contradiction { step: sample::steps()[0].id.clone(), what: "enabled again".to_owned() }];
        console.tell(EngineEvent::Contradicted { op: sample::op(1), bot, alive }).await;
        assert_eq!(console.bells(), 1);
        assert!(console.shows("sales: alive after dark: r strikes again: enabled again"), "{}", console.screen());
        console.keys("Gr").await;
        assert!(console.desk.asked.lock().unwrap().contains(&"retry sales".to_owned()));
        assert_eq!(console.bells(), 1);
    }

    async fn r_has_nothing_to_strike_at_a_bot_that_lives() {
        let console = open(Far::Answers).await;
        console.keys("r").await;
        assert!(console.shows("nothing of compliance is left to strike again"), "{}", console.screen());
        assert!(!console.desk.asked.lock().unwrap().iter().any(|what| what.starts_with("retry")));
    }

    async fn no_sink_asks_in_the_break_glass_form() {
        let console = open(Far::Answers).await;
        *console.desk.refusal.lock().unwrap() = Some(Refusal::NoSink("disk full".to_owned()));
        console.keys("X").await;
        assert!(console.shows("BREAK GLASS"), "{}", console.screen());
        assert!(!console.shows("IN MEMORY ONLY"), "nothing was done yet");
        console.keys("compliance\r").await;
        assert!(console.desk.orders.lock().unwrap()[1].break_glass);
        console.keys("1").await;
        assert!(console.shows("THIS RECORD IS KEPT IN MEMORY ONLY"), "{}", console.screen());
    }

    async fn a_refusal_is_said() {
        let console = open(Far::Answers).await;
        *console.desk.refusal.lock().unwrap() = Some(Refusal::UnknownBot("compliance".to_owned()));
        console.keys("X").await;
        assert!(console.shows("nothing was sent: no bot is named compliance"), "{}", console.screen());
    }

    async fn nothing_is_drawn_while_nothing_happens() {
        let console = open(Far::Answers).await;
        console.wait(3000).await;
        let frames = console.frames();
        console.wait(600_000).await;
        let later = console.frames();
        // Reads grow old: the one figure that changes in ten minutes without news.
        assert!(later - frames <= 12, "{} frames in ten idle minutes", later - frames);
    }

    async fn a_burst_of_events_is_at_most_ten_frames_a_second() {
        let console = open(Far::Answers).await;
        console.keys("2").await;
        for event in events(0) {
            console.tell(event).await;
        }
        let frames = console.frames();
        let op = sample::op(1);
        for index in 0..1000 {
            let phase = if index % 2 == 0 { OperationPhase::Sweeping } else { OperationPhase::Verifying };
            console.tell(EngineEvent::Phase { op, phase }).await;
        }
        // Each event takes a millisecond of this clock and more.
        assert!(console.frames() - frames <= 12, "{}", console.frames() - frames);
    }

    async fn an_unanswered_frame_holds_the_next_ones_back() {
        let console = open(Far::Answers).await;
        console.far(Far::Silent);
        let frames = console.frames();
        console.keys("jjjjjjkkkkkk").await;
        assert_eq!(console.frames() - frames, 1, "keys coalesce until the terminal has worked the first frame off");
    }

    async fn the_list_goes_ahead_of_what_stands_beside_it() {
        let console = open(Far::Answers).await;
        let frames = console.frames();
        console.keys("jj").await;
        assert_eq!(console.frames() - frames, 2, "the cursor moves with each key");
        assert!(console.shows("X would isolate compliance"), "{}", console.screen());
        console.wait(30).await;
        assert_eq!(console.frames() - frames, 3, "and the rest follows once");
        assert!(console.shows("X would isolate engineering-staging"), "{}", console.screen());
        // There and back: nothing looks different, but what can be pressed at was not answered yet.
        console.keys("jk").await;
        console.wait(30).await;
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["engineering-staging"]);
    }

    async fn a_key_that_moves_nothing_takes_nothing_away() {
        let console = open(Far::Answers).await;
        let frames = console.frames();
        console.keys("kX").await;
        assert_eq!(console.desk.orders(), ["compliance"]);
        assert!(console.frames() - frames <= 2, "nothing was drawn for the first");
    }

    async fn while_another_bot_stands_beside_the_list_nothing_fires() {
        let console = open(Far::Answers).await;
        console.keys("jX").await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("ARMED: X once more isolates engineering."), "{}", console.screen());
        assert!(console.shows("X would isolate engineering"), "whatever else is pressed, the rest follows at once");
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["engineering"]);
    }

    async fn a_key_that_is_held_down_keeps_nothing_else_from_the_screen() {
        let console = open(Far::Answers).await;
        for event in events(0) {
            console.desk.events.send(event.into()).unwrap();
        }
        for _ in 0..20 {
            console.keys("jjkk").await;
            console.wait(5).await;
        }
        assert!(console.shows("isolating"), "{}", console.screen());
    }

    async fn a_resize_clears_once() {
        let console = open(Far::Answers).await;
        let clears = console.clears();
        console.keys("jjj?1").await;
        assert_eq!(console.clears(), clears);
        console.resize(120, 40).await;
        assert_eq!(console.clears(), clears + 1);
        assert!(console.shows("X would isolate"));
    }

    async fn signals_and_a_lost_terminal_end_the_loop() {
        for (signal, ending) in [
            (Signal::Term, Ending::Signal(Signal::Term)),
            (Signal::Int, Ending::Signal(Signal::Int)),
            (Signal::Quit, Ending::Signal(Signal::Quit)),
            (Signal::Hup, Ending::Lost("SIGHUP".to_owned())),
        ] {
            let console = open(Far::Answers).await;
            console.signal(Heard::Signal(signal)).await;
            assert_eq!(console.left().await.ending, Some(ending));
        }
        let console = open(Far::Answers).await;
        console.send(Input::Lost("the terminal hung up".to_owned())).await;
        assert_eq!(console.left().await.ending, Some(Ending::Lost("the terminal hung up".to_owned())));
    }

    async fn the_selected_bot_is_kept_fresh_and_a_strike_is_left_alone() {
        let console = open(Far::Answers).await;
        console.wait(60_000).await;
        let asked = |what: &str| console.desk.asked.lock().unwrap().iter().filter(|said| *said == what).count();
        assert!(asked("refresh compliance") >= 2, "{:?}", console.desk.asked);
        assert!(asked("refresh") >= 2);
        for event in events(0) {
            console.tell(event).await;
        }
        let (before, all) = (asked("refresh compliance"), asked("refresh"));
        console.wait(300_000).await;
        assert_eq!((asked("refresh compliance"), asked("refresh")), (before, all));
    }
}

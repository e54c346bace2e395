//! `n`, `H` and `c`: what people put on record; what somebody may not do; what another process left.

use estop::{
    domain::{BotName, Outcome, Reason, StepState},
    engine::{Confirmed, EngineEvent, Refusal, Right, WaitingStep},
    tui::{
        action::Action,
        message::{JournalLine, Message, Size},
        screen,
        state::State,
        theme::{Capability, Glyphs},
        update::{Effect, disabled, update},
    },
};
use ratatui::{buffer::Buffer, layout::Rect};
use terminput::{KeyCode, KeyEvent};

use super::{
    fake::{self, Desk},
    golden, sample,
    screens::{assert_screens, assert_screens_to_the_least, drawn, ended, events, on_sales, press, read, struck},
    story::{asked, looped, open},
};

fn desk() -> Desk {
    Desk::new(sample::fleet())
}

fn waiting(index: usize, bot: &str, instruction: &str) -> WaitingStep {
    WaitingStep {
        incident: sample::incident(),
        op: sample::op(1),
        bot: BotName::new(bot),
        step: sample::steps()[index].id.clone(),
        instruction: instruction.to_owned(),
        attested: false,
    }
}

fn both() -> Vec<WaitingStep> {
    vec![
        waiting(2, "payroll", "end the session of carol in the vendor's console"),
        waiting(5, "sales", "open the user bot-sales in the admin console and take the role manage-clients away"),
    ]
}

fn summary() -> Vec<String> {
    [
        "incident 00000000-0000-0000-0000-000000000007, open since 2026-03-02T02:58:00Z: isolation of sales",
        "bots: sales partial",
        "by hand: take the role away (estop confirm corp-sso:id-bot-sales/remove)",
        "next clock: access tokens checked locally of sales ends at 2026-03-02T03:08:51Z",
    ]
    .map(str::to_owned)
    .to_vec()
}

looped! {
    async fn a_note_goes_to_the_newest_incident_and_its_letters_are_no_keys() {
        let console = open(desk()).await;
        console.keys("nX was told by bob\r").await;
        assert_eq!(asked(&console, "note None: X was told by bob"), 1, "{:?}", console.desk.asked);
        assert!(console.shows("noted in incident"), "{}", console.screen());
        console.keys("n\r").await;
        assert!(console.shows("a note has some text"), "{}", console.screen());
        assert!(console.desk.orders().is_empty());
        console.escape().await;
        assert!(console.shows("nothing was recorded"), "{}", console.screen());
        *console.desk.refusal.lock().unwrap() = Some(Refusal::NoIncident("of this host".to_owned()));
        console.keys("nlate\r").await;
        assert!(console.shows("nothing was recorded: incident of this host is not open"), "{}", console.screen());
    }

    async fn a_note_from_an_isolation_goes_to_its_incident() {
        let console = open(desk()).await;
        for event in events(1) {
            console.tell(event).await;
        }
        console.keys("2nseen\r").await;
        let wanted = format!("note Some({:?}): seen", sample::incident());
        assert_eq!(asked(&console, &wanted), 1, "{:?}", console.desk.asked);
    }

    async fn a_hand_over_shows_its_summary_first() {
        let console = open(desk()).await;
        *console.desk.summary.lock().unwrap() = summary();
        // In one read: nobody has seen the summary.
        console.read(b"H\r").await;
        assert!(console.shows("next clock:"), "{}", console.screen());
        assert!(!console.desk.asked.lock().unwrap().iter().any(|what| what.starts_with("hand over")));
        console.keys("bob\r").await;
        assert_eq!(asked(&console, "hand over to Some(\"bob\")"), 1, "{:?}", console.desk.asked);
        assert!(console.shows("handed over to bob"), "{}", console.screen());
    }

    async fn a_manual_step_is_chosen_and_attested() {
        let desk = desk();
        *desk.waiting.lock().unwrap() = both();
        let console = open(desk).await;
        console.keys("G2c").await;
        assert!(console.shows("Was it done? 1 of 2"), "{}", console.screen());
        assert!(console.shows("▶ sales: open the user bot-sales"), "the bot that is shown first: {}", console.screen());
        console.read(b"\x1b[B\r").await;
        assert!(!console.desk.asked.lock().unwrap().iter().any(|what| what.starts_with("confirm")));
        assert!(console.shows("▶ payroll: end the session"), "{}", console.screen());
        console.keys("T-1\r").await;
        let wanted = format!("confirm {} Some(\"T-1\")", sample::steps()[2].id);
        assert_eq!(asked(&console, &wanted), 1, "{:?}", console.desk.asked);
        assert!(console.shows("attested by alice (uid 1000), proved by nothing"), "{}", console.screen());
    }

    async fn nothing_waits_for_a_person() {
        let console = open(desk()).await;
        console.keys("2c").await;
        assert!(console.shows("no manual step waits for a person"), "{}", console.screen());
    }

    async fn what_the_person_may_not_do_is_off_with_its_reason_and_the_attempt_is_recorded() {
        let desk = desk();
        let why = "carol is not of the group ir".to_owned();
        let viewer = |right| (right, Refusal::Viewer { right, why: why.clone() });
        *desk.rights.lock().unwrap() = Right::ALL.into_iter().map(viewer).collect();
        let console = open(desk).await;
        for (key, doing) in [("X", "isolating"), ("B", "isolating"), ("U", "restoring"), ("n", "writing a note"),
            ("H", "handing over"), ("r", "striking again")] {
            console.keys(key).await;
            let said = format!("{doing} is for responders only: {why}");
            assert!(console.shows(&said), "{key}: {}", console.screen());
            assert!(console.desk.asked.lock().unwrap().iter().any(|what| what.contains(&said)), "{key} is on record");
        }
        assert!(console.desk.orders().is_empty());
        console.keys("?").await;
        assert!(console.shows("Off: isolating is for responders only"), "{}", console.screen());
        console.keys("1i").await;
        assert!(console.shows("Whose is a leaked secret?"), "looking is everybody's: {}", console.screen());
    }

    async fn what_another_process_left_is_offered_at_the_start() {
        let desk = desk();
        *desk.left.lock().unwrap() = vec![BotName::new("helpdesk")];
        let console = open(desk).await;
        assert!(console.shows("1 unfinished operation: press r to resume (helpdesk)"), "{}", console.screen());
        console.read(b"rr").await;
        assert_eq!(asked(&console, "resume"), 0, "not in one read with other keys");
        console.keys("r").await;
        assert_eq!(asked(&console, "resume"), 1);
        assert!(!console.shows("unfinished"), "{}", console.screen());
    }
}

/// A sales bot whose role a person has to take away.
fn by_hand(state: &mut State) {
    struck(state, 5);
    let step = sample::steps()[5].id.clone();
    let manual = EngineEvent::Step {
        op: sample::op(1),
        step: step.clone(),
        state: StepState::Manual,
        attempt: 1,
        answer: None,
        detail: Some("open the user bot-sales and take the role away".to_owned()),
        seq: None,
        at: sample::before(1),
    };
    update(state, Message::EngineSpoke(manual));
    let reasons = vec![Reason::Manual { step, what: "open the user bot-sales and take the role away".to_owned() }];
    update(state, Message::EngineSpoke(ended(Outcome::Partial { reasons, residual: Vec::new() })));
}

/// What the states look like decides only until the record was read.
#[test]
fn whether_a_person_is_asked_is_known_by_the_record() {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    read(&mut state, sample::fleet());
    let off = |state: &State| disabled(state, Action::Confirm);
    assert_eq!(off(&state), None, "something is partial");
    let counts = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::CountWaiting)).count();
    let effects = update(&mut state, Message::JournalRead(Vec::new()));
    assert_eq!(counts(&effects), 1);
    update(&mut state, Message::WaitingCounted(Some(0)));
    assert_eq!(off(&state).as_deref(), Some("no manual step waits for a person"));
    // A step that is shown counts, whoever's isolation it is.
    by_hand(&mut state);
    assert_eq!(off(&state), None);
    state.operations.clear();
    assert!(off(&state).is_some());
    // Asked while an isolation runs: known without a look at any file.
    let line = |kind: &str, said: &str| {
        Message::JournalWritten(JournalLine { kind: kind.to_owned(), state: said.to_owned(), ..JournalLine::default() })
    };
    let effects = update(&mut state, line("step.manual", "manual"));
    assert_eq!((counts(&effects), off(&state)), (0, None));
    assert_eq!(counts(&update(&mut state, line("step.attempt", "sent"))), 0);
    for ends in [line("incident.close", ""), Message::EngineSpoke(ended(Outcome::Dark))] {
        assert_eq!(counts(&update(&mut state, ends)), 1);
    }
    update(&mut state, Message::WaitingFound(Ok(Vec::new())));
    assert!(off(&state).is_some(), "what was asked for the form counts too");
}

#[test]
fn the_three_forms() {
    assert_screens_to_the_least("note", |state| {
        on_sales(state);
        press(state, "nthe token was in a public repository");
    });
    assert_screens_to_the_least("hand-over", |state| {
        on_sales(state);
        press(state, "H");
        update(state, Message::Summarised(Ok((sample::incident(), summary()))));
        press(state, "bob");
    });
    assert_screens_to_the_least("confirm", |state| {
        by_hand(state);
        press(state, "c");
        update(state, Message::WaitingFound(Ok(both())));
        press(state, "T-1");
    });
}

/// Whether Enter would count, as the screen is now.
fn counts(state: &State) -> bool {
    let Size { width, height } = state.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    screen::draw(state, &mut buffer).shown.asks.is_some()
}

fn page_down(state: &mut State) {
    let key = KeyEvent::new(KeyCode::PageDown).into();
    update(state, Message::KeyPressed { key, alone: true });
}

#[test]
fn what_has_no_room_is_read_to_its_end_before_it_counts() {
    let instruction =
        "open the vendor's console, choose the workspace of the support team, and take the grant away; ".repeat(8);
    let long: Vec<String> =
        (1..=12).map(|line| format!("{line}: {}", "what is open and who has it ".repeat(2))).collect();
    let asked = [Message::Summarised(Ok((sample::incident(), long))), {
        let steps = vec![waiting(5, "sales", &instruction), waiting(2, "payroll", "take the role away")];
        Message::WaitingFound(Ok(steps))
    }];
    for (message, answered) in asked.into_iter().zip(["Hand over", "Was it done? 1 of 2"]) {
        let mut state = fake::state(60, 15, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
        on_sales(&mut state);
        update(&mut state, message);
        let text = golden::text(&drawn(&state));
        assert!(text.contains(answered) && text.contains("more below: PgDn") && !counts(&state), "{text}");
        press(&mut state, "\r");
        let text = golden::text(&drawn(&state));
        assert!(state.form.is_some() && text.contains("read it to its end (PgDn)"), "{text}");
        let mut pages = 0;
        while !counts(&state) && pages < 40 {
            page_down(&mut state);
            pages += 1;
        }
        assert!((1..40).contains(&pages), "{pages}: {}", golden::text(&drawn(&state)));
        let before = golden::text(&drawn(&state));
        page_down(&mut state);
        assert_eq!(golden::text(&drawn(&state)), before, "no further than to its end");
    }
}

#[test]
fn what_was_attested_stays_so() {
    assert_screens("attested", |state| {
        by_hand(state);
        let step = sample::steps()[5].id.clone();
        let confirmed = Confirmed {
            incident: sample::incident(),
            op: sample::op(1),
            bot: BotName::new("sales"),
            step,
            instruction: "open the user bot-sales and take the role away".to_owned(),
            by: "alice (uid 1000)".to_owned(),
        };
        update(state, Message::StepConfirmed(confirmed));
    });
}

//! `4`: the incidents of this host, opened from their records; the journal searched; steps and lines whole.

use std::time::Duration;

use estop::{
    domain::{BotName, BotState, Depth, IncidentId, Outcome, Reason, StepState},
    engine::{EngineEvent, WaitingStep},
    tui::{
        incidents::{Archive, Brief, Checked, Standing, Writer},
        journal::JournalPane,
        message::{JournalLine, Message},
        operation::OperationView,
        operator::Operator as _,
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};
use uuid::Uuid;

use super::{
    bench::Bench,
    fake::{self, Desk},
    sample,
    screens::{assert_screens, assert_screens_to_the_least, drawn, ended, events, on_sales, press, struck},
    story::{asked, looped, open},
};

pub fn id(number: u128) -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u128(number))
}

fn standing(bot: &str, state: BotState, word: &str) -> Standing {
    Standing { bot: bot.to_owned(), state, word: word.to_owned(), held_by: None }
}

fn writer(name: &str, present: Option<bool>, this: bool) -> Writer {
    Writer { name: name.to_owned(), present, this }
}

/// Two that are open, one with another console at work; two that are closed; one that cannot be read.
pub fn briefs() -> Vec<Brief> {
    let closed = |number: u128, seconds: i64| Brief {
        opened_at: Some(sample::before(seconds)),
        closed_at: Some(sample::before(seconds - 3000)),
        trouble: None,
        ..Brief::unreadable(id(number), String::new())
    };
    vec![
        Brief {
            operations: vec![standing("knowledge", BotState::Dark, "dark")],
            lines: 212,
            writers: vec![writer("alice, process 811 on jump-1", Some(false), false)],
            ..closed(3, 900_000)
        },
        closed(4, 400_000),
        Brief::unreadable(id(5), "5.jsonl: permission denied".to_owned()),
        Brief {
            title: Some("token of helpdesk in a public repository".to_owned()),
            opened_at: Some(sample::before(1300)),
            closed_at: None,
            operations: vec![
                standing("helpdesk", BotState::Partial, "partial"),
                Standing {
                    held_by: Some("process 4711 of bob as estop, since 2026-03-02T03:01:00Z".to_owned()),
                    ..standing("payroll", BotState::Isolating, "isolating")
                },
            ],
            lines: 1043,
            writers: vec![
                writer("alice, process 4242 on jump-1", Some(true), true),
                writer("bob as estop, process 4711 on jump-1", Some(true), false),
                writer("carol, process 90 on jump-2", None, false),
            ],
            last_note: Some((sample::before(600), "bob: the vendor is told".to_owned())),
            ..closed(6, 0)
        },
        Brief {
            operations: vec![standing("sales", BotState::Partial, "partial")],
            lines: 96,
            closed_at: None,
            writers: vec![writer("alice, process 4242 on jump-1", Some(true), true)],
            ..closed(7, 700)
        },
    ]
}

pub fn lines() -> Vec<JournalLine> {
    let of = |kind: &str, text: &str, result: &str, state: &str| JournalLine {
        kind: kind.to_owned(),
        text: text.to_owned(),
        result: result.to_owned(),
        state: state.to_owned(),
        step: if kind.starts_with("step") { sample::steps()[0].id.to_string() } else { String::new() },
        bot: "sales".to_owned(),
        ..JournalLine::default()
    };
    let all = vec![
        of("incident.open", "isolation of sales", "", ""),
        of("op.claim", "isolate sales", "", ""),
        of("plan.intent", "7 steps, round 0", "", ""),
        of("step.attempt", "disable client bot-sales", "attempt 1", "sent"),
        of("step.answer", "disable client bot-sales", "accepted 204", "accepted"),
        of("step.answer", "remove role manage-clients of realm-management", "refused 403", "refused"),
        of("step.verify", "disable client bot-sales", "verified", "verified"),
        of("incident.note", "alice: the token was in a public repository", "", ""),
        of("op.end", "sales: partial", "", "partial"),
    ];
    let number = |(seq, line): (u64, JournalLine)| JournalLine {
        seq,
        incident: Some(sample::incident()),
        at: sample::before(700 - i64::try_from(seq).unwrap()),
        ..line
    };
    (0..).zip(all).map(number).collect()
}

/// What is left of the isolation of sales.
fn partial() -> Outcome {
    let reasons = vec![Reason::Refused {
        step: sample::steps()[5].id.clone(),
        what: "remove role manage-clients of realm-management".to_owned(),
        permission: Some("manage-users".to_owned()),
        manual: Some("open the user bot-sales in the admin console and take the role away".to_owned()),
    }];
    Outcome::Partial { reasons, residual: Vec::new() }
}

/// The incident of sales, as its journal has it.
pub fn archive() -> Archive {
    let started = sample::before(700);
    let mut operation =
        OperationView::started(sample::op(1), sample::incident(), BotName::new("sales"), started, Duration::ZERO);
    for event in events(5).iter().chain([&refused(), &ended(partial())]) {
        operation.take(event);
    }
    operation.recorded = Some("unfinished: nobody is at work on it".to_owned());
    let brief = briefs().pop().unwrap();
    Archive { brief, operations: vec![operation], journal: JournalPane::of(lines()), left_out: 0 }
}

fn moved(step: usize, state: StepState, detail: &str) -> EngineEvent {
    EngineEvent::Step {
        op: sample::op(1),
        step: sample::steps()[step].id.clone(),
        state,
        attempt: 2,
        answer: None,
        detail: Some(detail.to_owned()),
        seq: None,
        at: sample::before(1),
    }
}

fn refused() -> EngineEvent {
    moved(5, StepState::Refused { permission: Some("manage-users".to_owned()) }, "HTTP 403")
}

fn manual() -> EngineEvent {
    moved(6, StepState::Manual, "open the vendor's console and withdraw the consent of alice")
}

fn listed(state: &mut State) {
    on_sales(state);
    press(state, "4");
    update(state, Message::IncidentsRead(Ok(briefs())));
}

fn opened(state: &mut State) {
    listed(state);
    press(state, "j\r");
    update(state, Message::IncidentOpened(id(6), Ok(Box::new(archive()))));
}

/// Two isolations and the way back of a third bot.
fn several(state: &mut State) {
    struck(state, 5);
    for (number, bot, outcome) in [(2, "helpdesk", Some(Outcome::Dark)), (3, "engineering-production", None)] {
        let (op, bot) = (sample::op(number), BotName::new(bot));
        let (incident, at) = (sample::incident(), sample::before(40));
        update(state, Message::EngineSpoke(EngineEvent::Started { op, incident, bot: bot.clone(), at }));
        let steps = sample::steps();
        update(state, Message::EngineSpoke(EngineEvent::Planned { op, steps }));
        if let (Some(outcome), EngineEvent::Ended { ended, .. }) = (outcome, ended(Outcome::Dark)) {
            let ended = estop::engine::Ended { outcome, ..ended };
            update(state, Message::EngineSpoke(EngineEvent::Ended { op, bot, ended }));
        }
    }
}

#[test]
fn the_list_and_an_incident_from_its_record() {
    assert_screens_to_the_least("incidents", listed);
    assert_screens("incidents-checked", |state| {
        listed(state);
        press(state, "jv");
        let says =
            ["sound: 1043 lines, of which no checkpoint covers 17", "newest checkpoint here: agrees with 1026 lines"];
        let checked = Checked { sound: true, says: says.map(str::to_owned).to_vec() };
        update(state, Message::IncidentChecked(id(6), checked));
    });
    assert_screens("record", opened);
    assert_screens("record-journal", |state| {
        opened(state);
        press(state, "J");
    });
    assert_screens("record-search", |state| {
        opened(state);
        press(state, "J/kind:step bot:sal disable");
    });
}

#[test]
fn a_move_repaints_two_cells_of_the_list() {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    listed(&mut state);
    let before = drawn(&state);
    press(&mut state, "j");
    let after = drawn(&state);
    let changed = |y: u16| (0..80).filter(|x| before[(*x, y)] != after[(*x, y)]).count();
    let rows: Vec<usize> = (2..=6).map(changed).collect();
    assert_eq!(rows, [1, 1, 0, 0, 0], "the marker goes, nothing else");
}

#[test]
fn whole_lines_and_steps_tabs_and_the_cursor() {
    assert_screens("whole-line", |state| {
        opened(state);
        press(state, "J\r");
        let field = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let fields = vec![
            field("seq", "8"),
            field("kind", "op.end"),
            field("who", "alice as estop"),
            field("body.detail.reasons.0.manual", &"open the user bot-sales and take the role away; ".repeat(4)),
            field("h", &"0123456789abcdef".repeat(4)),
        ];
        let incident = Some(sample::incident());
        update(state, Message::LineRead { incident, seq: 8, result: Ok(fields) });
    });
    assert_screens("step", |state| {
        struck(state, 5);
        update(state, Message::EngineSpoke(refused()));
        update(state, Message::EngineSpoke(manual()));
        press(state, "jjjjjj");
    });
    assert_screens("whole-step", |state| {
        struck(state, 5);
        update(state, Message::EngineSpoke(refused()));
        press(state, "jjjjjj\r");
    });
    assert_screens("isolations", several);
}

looped! {
    async fn the_list_is_read_beside_the_loop_and_one_of_it_opened() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4").await;
        console.until("+1 at work: helpdesk, payroll").await;
        console.keys("j").await;
        assert!(console.shows("bob as estop, process 4711 on jump-1: is at work now"), "{}", console.screen());
        console.keys("v").await;
        assert_eq!(asked(&console, &format!("check {}", id(6))), 1, "{:?}", console.desk.asked);
        assert!(console.shows("its journal verifies: sound: 12 lines"), "{}", console.screen());
        // The newest open one is above the one with the cursor: sales.
        console.keys("k\r").await;
        assert_eq!(asked(&console, &format!("open {}", id(7))), 1, "{:?}", console.desk.asked);
        assert!(console.shows("from the record, since"), "{}", console.screen());
        assert!(console.shows("refused 1"), "{}", console.screen());
        console.keys("J").await;
        assert!(console.shows("alice: the token was in a public repository"), "{}", console.screen());
        console.escape().await;
        assert!(console.shows("estop  Incidents"), "{}", console.screen());
        console.keys("J").await;
        assert!(console.shows("following"), "what happens now again: {}", console.screen());
        assert!(console.desk.orders().is_empty());
    }

    async fn what_is_written_meanwhile_shows_and_a_look_at_nothing_new_draws_nothing() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4").await;
        let drawn = console.frames();
        console.desk.written.notify_one();
        console.wait(200).await;
        assert_eq!((asked(&console, "incidents"), console.frames()), (2, drawn), "nothing that shows has changed");
        console.keys("\rJkk").await;
        *console.desk.archive.lock().unwrap() = {
            let mut newest = archive();
            newest.journal.keep(JournalLine { text: "all is told".to_owned(), seq: 100, ..lines().pop().unwrap() });
            newest.brief.lines += 2;
            Some(newest)
        };
        console.desk.written.notify_one();
        console.wait(200).await;
        assert!(console.shows("all is told"), "{}", console.screen());
        assert!(console.shows("▶   6"), "the cursor stays on its line: {}", console.screen());
    }

    async fn nobody_looks_at_incidents_that_are_not_shown() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4\r").await;
        assert!(console.shows("from the record"), "{}", console.screen());
        assert_eq!(asked(&console, "incidents unwatched"), 0, "a record that stands open is followed");
        console.escape().await;
        console.escape().await;
        assert!(console.shows("estop  Fleet"), "{}", console.screen());
        assert_eq!(asked(&console, "incidents unwatched"), 1);
        console.keys("4").await;
        console.desk.written.notify_one();
        console.wait(200).await;
        assert_eq!(asked(&console, "incidents"), 3, "the list is watched again: {:?}", console.desk.asked);
    }

    async fn what_cannot_be_read_is_said() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Err("the directory cannot be read".to_owned());
        let console = open(desk).await;
        console.keys("I").await;
        assert!(console.shows("the directory cannot be read"), "{}", console.screen());
        *console.desk.incidents.lock().unwrap() = Ok(briefs());
        console.keys("R").await;
        assert_eq!(asked(&console, "incidents"), 2);
        console.keys("\r").await;
        assert!(console.shows("cannot be opened: it is not there"), "{}", console.screen());
    }

    async fn an_isolation_goes_before_a_record_that_stands_open() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4\r").await;
        assert!(console.shows("from the record"), "{}", console.screen());
        console.keys("1X").await;
        assert_eq!(console.desk.orders(), ["compliance"]);
        assert!(!console.shows("from the record"), "{}", console.screen());
    }

    async fn a_line_is_read_whole_and_closed_again() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4\rJk\r").await;
        let wanted = format!("line 7 of {:?}", Some(sample::incident()));
        assert_eq!(asked(&console, &wanted), 1, "{:?}", console.desk.asked);
        assert!(console.shows("body.answer.code"), "{}", console.screen());
        console.escape().await;
        assert!(!console.shows("body.answer.code") && console.shows("estop  Journal"), "{}", console.screen());
    }

    async fn the_journal_is_searched() {
        let desk = Desk::new(sample::fleet());
        *desk.incidents.lock().unwrap() = Ok(briefs());
        *desk.archive.lock().unwrap() = Some(archive());
        let console = open(desk).await;
        console.keys("4\rJ/kind:step disable\r").await;
        assert!(console.shows("4 of 9 lines, 3 match"), "{}", console.screen());
        assert!(console.shows("▶   6"), "{}", console.screen());
        console.keys("[").await;
        assert!(console.shows("▶   4"), "{}", console.screen());
        console.keys("]").await;
        assert!(console.shows("▶   6"), "{}", console.screen());
        console.keys("/X").await;
        assert!(console.desk.orders().is_empty());
        console.escape().await;
        assert!(console.shows("sales: partial"), "all lines again: {}", console.screen());
    }

    async fn the_step_under_the_cursor_is_the_one_that_is_confirmed() {
        let console = open(Desk::new(sample::fleet())).await;
        let waits = |index: usize, instruction: &str| WaitingStep {
            incident: sample::incident(),
            op: sample::op(1),
            bot: BotName::new("sales"),
            step: sample::steps()[index].id.clone(),
            instruction: instruction.to_owned(),
            attested: false,
        };
        *console.desk.waiting.lock().unwrap() = vec![waits(5, "take the role away"), waits(6, "withdraw the consent")];
        for event in events(5).into_iter().chain([moved(5, StepState::Manual, "by hand"), manual()]) {
            console.tell(event).await;
        }
        console.keys("2").await;
        assert!(console.shows("by hand 2 (c)"), "{}", console.screen());
        console.keys("jjjjjjj").await;
        assert!(console.shows("▶ ✎ manual       withdraw consent of alice"), "{}", console.screen());
        console.keys("c").await;
        assert!(console.shows("Was it done? 2 of 2") && console.shows("▶ sales: withdraw the consent"), "{}", console.screen());
        console.keys("T-2\r").await;
        let wanted = format!("confirm {} Some(\"T-2\")", sample::steps()[6].id);
        assert_eq!(asked(&console, &wanted), 1, "{:?}", console.desk.asked);
    }
}

/// The reader of the real journals, over the real engine in an exercise.
#[tokio::test(start_paused = true)]
async fn journals_of_the_real_engine_are_listed_opened_and_read() {
    let bench = Bench::new().await;
    bench.isolate("helpdesk", Depth::Isolate).await;
    let engine = &bench.engine;
    let listed = engine.incidents(&std::sync::Arc::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    let brief = &listed[0];
    assert_eq!(brief.operations.len(), 1);
    assert_eq!((&*brief.operations[0].bot, brief.trouble.as_deref()), ("helpdesk", None));
    assert!(brief.writers.iter().any(|writer| writer.this && writer.present == Some(true)), "{:?}", brief.writers);
    engine.note(Some(brief.id), "seen\u{1b}[2J").await.unwrap();
    let archive = engine.open_incident(brief.id).await.unwrap();
    let operation = &archive.operations[0];
    let outcome = &operation.ended.as_ref().unwrap().outcome;
    assert_eq!(outcome.word(), brief.operations[0].word);
    assert!(!operation.is_running() && operation.counts(None).verified > 0);
    assert_eq!(archive.journal.lines.len(), archive.brief.lines);
    let note = archive.journal.lines.iter().rev().find(|line| line.kind == "incident.note").unwrap();
    assert!(note.text.ends_with(": seen\\x1b[2J"), "{}", note.text);
    assert!(archive.journal.lines.iter().any(|line| line.bot == "helpdesk" && line.state == "verified"));
    let fields = engine.read_line(note.incident, note.seq).await.unwrap();
    assert!(fields.contains(&("kind".to_owned(), "incident.note".to_owned())), "{fields:?}");
    assert!(fields.iter().any(|(name, text)| name == "body.text" && text.contains("seen")), "{fields:?}");
    assert!(engine.read_line(note.incident, 1_000_000).await.is_err());
    assert!(engine.open_incident(id(1)).await.is_err());
}

#[test]
fn what_a_record_says_is_escaped_on_every_one_of_its_screens() {
    let evil = "a\u{1b}[2J\u{202e}\u{9b}b\u{7}";
    for keys in ["", "v", "\r", "\rJ", "\rJ\r", "\rj\r", "\rJ/a"] {
        for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
            let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, glyphs), false);
            on_sales(&mut state);
            press(&mut state, "4");
            let mut brief = briefs().pop().unwrap();
            brief.title = Some(evil.to_owned());
            brief.operations[0].bot = evil.to_owned();
            brief.writers[0].name = evil.to_owned();
            update(&mut state, Message::IncidentsRead(Ok(vec![brief.clone()])));
            let mut archive = archive();
            archive.brief = brief;
            archive.operations[0].recorded = Some(evil.to_owned());
            archive.journal.keep(JournalLine { text: evil.to_owned(), seq: 99, ..JournalLine::default() });
            press(&mut state, &keys[..keys.len().min(1)]);
            update(&mut state, Message::IncidentOpened(id(7), Ok(Box::new(archive))));
            press(&mut state, &keys[keys.len().min(1)..]);
            let fields = vec![(evil.to_owned(), evil.to_owned())];
            update(&mut state, Message::LineRead { incident: None, seq: 99, result: Ok(fields) });
            let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
            estop::tui::screen::draw(&state, &mut buffer);
            for cell in buffer.content() {
                assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{keys:?}");
                assert!(glyphs.is_unicode() || cell.symbol().is_ascii(), "{keys:?}: {:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn no_window_is_too_small_for_them() {
    for (width, height) in [(1, 1), (20, 5), (40, 12), (60, 15), (41, 80), (300, 80)] {
        for keys in ["", "J", "J\r", "jj\r", ":op", "J/x"] {
            let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
            let mut state = fake::state(width, height, look, false);
            opened(&mut state);
            press(&mut state, keys);
            let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
            estop::tui::screen::draw(&state, &mut buffer);
            press(&mut state, "\u{1b}\u{1b}\u{1b}");
            press(&mut state, "4");
            estop::tui::screen::draw(&state, &mut buffer);
        }
    }
}

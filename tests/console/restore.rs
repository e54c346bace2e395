//! `U`: the way back asks which way, shows the difference, and asks for the name; and it never looks like an isolation.

use std::sync::Arc;

use estop::{
    domain::{BotName, Outcome, RestoreMode, StepState},
    engine::{ApprovalFault, Ended, EngineEvent, OperationPhase, Refusal},
    tui::{
        message::{Message, Planned},
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};

use super::{
    bench::Bench,
    fake::{self, Console, Far},
    sample,
    screens::{assert_screens, assert_screens_to_the_least, press, read},
    story::looped,
};

fn helpdesk() -> BotName {
    BotName::new("helpdesk")
}

/// The cursor on the helpdesk bot, which is dark.
async fn open() -> Console {
    sized(24).await
}

async fn sized(height: u16) -> Console {
    let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
    let console = Console::open(sample::fleet(), Far::Answers, fake::state(80, height, look, false)).await;
    console.wait(200).await;
    console.keys("/it-desk\r").await;
    console
}

fn restores(console: &Console) -> usize {
    console.desk.restores.lock().unwrap().len()
}

/// A restore of the helpdesk bot, with the outcome that it ends with.
fn events(mode: RestoreMode, outcome: Option<Outcome>) -> Vec<EngineEvent> {
    let plan = Arc::new(sample::restore_plan(mode, false));
    let steps: Vec<_> = plan.parts().map(|(_, step)| step.clone()).collect();
    let op = sample::op(2);
    let moved = |step: &estop::domain::Step, state| EngineEvent::Step {
        op,
        step: step.id.clone(),
        state,
        attempt: 1,
        answer: None,
        detail: None,
        seq: None,
        at: sample::before(3),
    };
    let done = moved(&steps[0], StepState::Verified);
    let mut events = vec![
        EngineEvent::Started { op, incident: sample::incident(), bot: helpdesk(), at: sample::before(4) },
        EngineEvent::Restoring { op, plan },
        EngineEvent::Planned { op, steps: steps.clone() },
        EngineEvent::Phase { op, phase: OperationPhase::Restoring },
        done,
    ];
    if let Some(outcome) = outcome {
        events.extend(steps.iter().map(|step| moved(step, StepState::Verified)));
        let ended = Ended {
            outcome,
            time_to_first_cut_ms: None,
            time_to_verified_ms: Some(2310),
            time_to_dark_ms: None,
            journal_trouble: None,
            followed: None,
        };
        events.push(EngineEvent::Ended { op, bot: helpdesk(), ended });
    }
    events
}

fn restored(mode: RestoreMode) -> Outcome {
    let plan = sample::restore_plan(mode, false);
    Outcome::Restored { lost: plan.lost(), reissue: plan.reissue() }
}

looped! {
    async fn a_way_is_chosen_the_difference_read_and_the_name_typed() {
        let console = sized(18).await;
        console.keys("U").await;
        assert!(console.shows("There is no default"), "{}", console.screen());
        console.keys("\r").await;
        assert_eq!(restores(&console), 0, "nothing is chosen by Enter");
        console.keys("r").await;
        assert!(console.shows("client bot-helpdesk: enabled: false -> true"), "{}", console.screen());
        console.keys("helpdesk\r").await;
        assert_eq!(restores(&console), 0, "its end was not on the screen: {}", console.screen());
        assert!(console.shows("read it to its end first"), "{}", console.screen());
        console.read(b"\x1b[F").await;
        assert!(console.shows("LAST, THE GATE"), "{}", console.screen());
        console.keys("\r").await;
        {
            let orders = console.desk.restores.lock().unwrap();
            let [order] = &orders[..] else { panic!("{orders:?}") };
            assert_eq!((order.bot.raw(), order.mode, order.name_typed), ("helpdesk", RestoreMode::Rotate, true));
            assert_eq!(order.plan, Some(sample::restore_plan(RestoreMode::Rotate, false).hash), "what was shown");
        }
        for event in events(RestoreMode::Rotate, None) {
            console.tell(event).await;
        }
        console.wait(200).await;
        assert!(console.shows("estop  Restore") && console.shows("RESTORE  helpdesk"), "{}", console.screen());
        assert!(!console.shows("isolating"), "{}", console.screen());
        for event in events(RestoreMode::Rotate, Some(restored(RestoreMode::Rotate))) {
            console.tell(event).await;
        }
        console.wait(200).await;
        assert!(console.shows("everything that can come back is back"), "{}", console.screen());
        assert!(console.shows("DID NOT COME BACK") && console.shows("owner it-desk"), "{}", console.screen());
    }

    async fn what_was_typed_ahead_or_pasted_restores_nothing() {
        let console = open().await;
        console.read(b"Uf").await;
        console.read(b"helpdesk\r").await;
        assert_eq!(restores(&console), 0);
        console.read(b"\x1b[200~helpdesk\r\x1b[201~").await;
        assert_eq!(restores(&console), 0);
        // All of it came in one read: nobody has seen the difference yet.
        let console = open().await;
        console.read(b"Ufhelpdesk\r\x1b[F\r").await;
        assert_eq!(restores(&console), 0, "{}", console.screen());
    }

    async fn the_letters_of_a_name_are_no_keys() {
        let console = open().await;
        console.keys("UfXqrB").await;
        console.wait(3000).await;
        assert!(console.desk.orders().is_empty() && !console.has_ended());
        assert!(console.shows("> XqrB"), "{}", console.screen());
    }

    async fn a_refusal_says_why() {
        let console = open().await;
        *console.desk.refusal.lock().unwrap() = Some(Refusal::IsolationOpen { bot: helpdesk(), op: sample::op(1) });
        console.keys("Uf").await;
        assert!(console.shows("the isolation of helpdesk is not over"), "{}", console.screen());
        console.escape().await;
        assert!(console.shows("There is no default"), "{}", console.screen());
        console.escape().await;
        assert!(console.shows("nothing was sent"), "{}", console.screen());
    }

    async fn a_second_person_is_waited_for_with_the_command_to_give_them() {
        let console = open().await;
        *console.desk.needs_approval.lock().unwrap() = true;
        console.keys("Uf").await;
        let hash = sample::restore_plan(RestoreMode::FalseAlarm, true).hash;
        let command = format!("estop approve {}", &hash.as_str()[..12]);
        assert!(console.shows(&command), "{}", console.screen());
        let fault = ApprovalFault::Missing { group: "ir-leads".to_owned(), hash };
        *console.desk.refusal.lock().unwrap() = Some(Refusal::NotApproved { bot: helpdesk(), fault });
        console.read(b"\x1b[F").await;
        console.keys("helpdesk\r").await;
        assert_eq!(restores(&console), 1);
        assert!(console.shows("a second person of ir-leads has to approve it first"), "{}", console.screen());
        console.read(b"\x1b[F").await;
        console.keys("\r").await;
        assert_eq!(restores(&console), 2, "asked again once it was approved: {}", console.screen());
    }

    async fn a_bot_that_is_not_isolated_has_nothing_to_restore() {
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let console = Console::open(sample::fleet(), Far::Answers, fake::state(80, 24, look, false)).await;
        console.wait(200).await;
        console.keys("GU").await;
        assert!(console.shows("sales is not isolated: there is nothing to restore"), "{}", console.screen());
    }

    async fn x_works_while_a_restore_runs() {
        let console = open().await;
        for event in events(RestoreMode::FalseAlarm, None) {
            console.tell(event).await;
        }
        console.keys("1X").await;
        assert_eq!(console.desk.orders(), ["helpdesk"], "whoever isolates wins: {}", console.screen());
    }

    async fn the_real_engine_puts_it_back() {
        let bench = Bench::new().await;
        bench.isolate("helpdesk", estop::domain::Depth::Isolate).await;
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let console = Console::at(bench.engine.clone(), Far::Answers, fake::state(120, 40, look, false)).await;
        console.wait(500).await;
        console.keys("/helpdesk\rU").await;
        console.keys("f").await;
        console.until("COMES BACK, OR CHANGES").await;
        console.read(b"\x1b[F").await;
        console.keys("helpdesk\r").await;
        console.until("RESTORE  helpdesk").await;
        console.until("RESTORED  helpdesk").await;
        assert_eq!(bench.view("helpdesk").state, estop::domain::BotState::Live);
    }
}

fn on_helpdesk(state: &mut State) {
    read(state, sample::fleet());
    press(state, "/it-desk\r");
}

pub fn planned(state: &mut State, mode: RestoreMode, needs_approval: bool) {
    on_helpdesk(state);
    press(state, if mode == RestoreMode::Rotate { "Ur" } else { "Uf" });
    let result = Ok(Arc::new(sample::restore_plan(mode, needs_approval)));
    update(state, Message::RestorePlanned(Planned { bot: helpdesk(), mode, result }));
}

#[test]
fn the_choice() {
    assert_screens_to_the_least("restore-choice", |state| {
        on_helpdesk(state);
        press(state, "U");
    });
}

#[test]
fn the_difference() {
    assert_screens_to_the_least("restore-difference", |state| {
        planned(state, RestoreMode::FalseAlarm, false);
        press(state, "help");
    });
    assert_screens("restore-approval", |state| {
        planned(state, RestoreMode::Rotate, true);
        press(state, "helpdesk");
    });
}

#[test]
fn a_restore_that_runs_and_its_ends() {
    let mode = RestoreMode::Rotate;
    let partial = Outcome::Partial {
        reasons: vec![estop::domain::Reason::NotSent {
            step: sample::steps()[0].id.clone(),
            what: "enable client bot-helpdesk".to_owned(),
        }],
        residual: Vec::new(),
    };
    for (name, outcome) in [("running", None), ("done", Some(restored(mode))), ("partial", Some(partial))] {
        assert_screens(&format!("restore-{name}"), |state| {
            on_helpdesk(state);
            for event in events(mode, outcome.clone()) {
                update(state, Message::EngineSpoke(event));
            }
            press(state, "2");
            state.now.mono = std::time::Duration::from_secs(4);
        });
    }
}

//! 30. A worker panics, and the drawing code panics: a build with places to panic at.

use std::{path::PathBuf, time::Duration};

use crate::{
    harness::{
        Options, Ran, Stage,
        stage::{ISOLATE, PATIENCE},
    },
    pty::{console, ended, hands::isolate, place, terminal::Start},
};

/// A stage that runs the test build.
fn stage() -> Stage {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_estop")).with_file_name("estop-failpoints");
    assert!(binary.exists(), "{} is missing: tests/gauntlet/run builds it", binary.display());
    Stage::with(&Options { binary: Some(binary), ..Options::default() })
}

/// Panics as told, with a secret in its message.
fn panics(stage: &Stage, point: &str, when: &str) -> String {
    let secret = &stage.servers[1].loot.secret;
    // The crate's grammar has its own use for these.
    assert!(!secret.contains(['(', ')', ';', '=', '>']), "{secret}");
    format!("{point}={when}panic({secret})")
}

fn run(stage: &Stage, failpoints: &str, arguments: &[&str]) -> Ran {
    let mut command = stage.command(&[], arguments);
    command.env("FAILPOINTS", failpoints);
    let ran = stage.heard(stage.spawn(command, arguments).wait(PATIENCE));
    assert!(ran.stderr.contains("an error of estop's own"), "nothing panicked: {ran}");
    ran
}

/// Every oracle but the one that takes a panic for a failure.
#[track_caller]
fn sound(stage: &Stage, ran: &Ran) {
    stage.no_false_success(ran);
    stage.intent_first();
    stage.bounded_repeats(0);
    stage.sound_journals(&[0]);
    stage.no_secrets();
    stage.bounded(ran);
}

#[track_caller]
fn others_are_done(stage: &Stage, ran: &Ran) {
    for server in [&stage.servers[0], &stage.servers[2]] {
        assert_eq!(server.alive(), [], "{}: alive beside the panic: {ran}", server.name);
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_30_a_provider_panics_whenever_it_strikes() {
    let stage = stage();
    let ran = run(&stage, &panics(&stage, "strike-sso-b", ""), &ISOLATE);
    sound(&stage, &ran);
    ran.expect(&[3, 4]).says(&["sso-b"]);
    others_are_done(&stage, &ran);
    assert!(stage.servers[1].changes().is_empty());
    let told = stage.records_of("step.answer").iter().filter(|one| one.to_string().contains("panicked")).count();
    assert!(told > 0, "the panic is not on record: {ran}");
    stage.converges(0);
}

#[test]
#[ignore = "gauntlet"]
fn case_30_a_provider_panics_once() {
    let stage = stage();
    let ran = run(&stage, &panics(&stage, "strike-sso-b", "1*"), &ISOLATE);
    sound(&stage, &ran);
    ran.expect(&[0]);
    assert!(stage.records_of("step.answer").iter().any(|one| one.to_string().contains("panicked")), "{ran}");
    stage.converges(0);
}

/// Reads panic: of the inventory, of the plan, and those that were to prove the cut.
#[test]
#[ignore = "gauntlet"]
fn case_30_a_provider_panics_whenever_it_reads() {
    let stage = stage();
    let failpoints = panics(&stage, "read-sso-b", "");
    let list = run(&stage, &failpoints, &["--json", "list"]);
    list.expect(&[3]);
    let document = &list.lines()[0];
    for provider in document["providers"].as_array().unwrap() {
        assert_eq!(provider["complete"] == false, provider["name"] == "sso-b", "{provider}");
    }
    let ran = run(&stage, &failpoints, &ISOLATE);
    sound(&stage, &ran);
    ran.expect(&[3]).says(&["sso-b"]);
    others_are_done(&stage, &ran);
    stage.converges(0);
}

/// The screen says that a worker failed, and goes on drawing.
#[test]
#[ignore = "gauntlet"]
fn case_30_a_provider_panics_under_the_console() {
    let stage = stage();
    let place = place(&stage);
    let failpoints = panics(&stage, "strike-sso-b", "");
    let terminal = console(Start::at(&place).size(120, 40).variable("FAILPOINTS", &failpoints));
    isolate(&terminal);
    terminal.wait_for("the panic", |text| text.contains("a part of estop failed"));
    terminal.wait_for("the end", |text| text.contains("contradicted  helpdesk") || text.contains("partial  helpdesk"));
    assert!(terminal.is_on_its_own_screen(), "half restored");
    terminal.keys("q");
    let ran = ended(&stage, &terminal.exit(PATIENCE));
    others_are_done(&stage, &ran);
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    stage.converges(0);
}

/// The screen itself fails: it is closed whole, and what it had started is finished.
#[test]
#[ignore = "gauntlet"]
fn case_30_the_drawing_code_panics() {
    let stage = stage();
    let place = place(&stage);
    let failpoints = panics(&stage, "draw-isolation", "1*off->");
    let terminal = console(Start::at(&place).variable("FAILPOINTS", &failpoints));
    for server in &stage.servers {
        server.latency(Duration::from_millis(200), Duration::from_millis(300));
    }
    terminal.keys("X");
    let exit = terminal.exit(PATIENCE);
    let ran = ended(&stage, &exit);
    ran.expect(&[1]).says(&["the console failed"]);
    let closed = String::from_utf8_lossy(&exit.raw).rfind("\x1b[?1049l").unwrap();
    assert!(!String::from_utf8_lossy(&exit.raw)[closed..].contains("\x1b[5n"), "it went on drawing");
    assert_eq!(stage.alive(), [], "what was started was not finished: {ran}");
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    stage.converges(0);
}

//! 3. The intent cannot be synced.

use super::{ends_dark, open_incident, second_place};
use crate::harness::{
    Ran, Stage,
    stage::{HELPDESK, ISOLATE, PATIENCE},
    strace::Strace,
};

/// EIO at the first sync that each thread does on the journal; the first of all is the intent's, which is proved.
#[track_caller]
fn failing(stage: &Stage, arguments: &[&str]) -> Ran {
    let journal = open_incident(stage);
    let strace = Strace::of(&stage.home().join("trace"), "write,fsync,fdatasync").on(&journal).whole();
    let strace = strace.inject("fsync,fdatasync:error=EIO:when=1");
    let ran = stage.heard(stage.start_under(strace.prefix(), arguments).wait(PATIENCE));
    let trace = strace.trace();
    let before = trace.split_once("INJECTED").map(|(before, _)| before).expect("the fault fired");
    assert!(before.contains("plan.intent"), "another sync was hit: {ran}");
    ran
}

#[test]
#[ignore = "gauntlet"]
fn case_03_without_another_sink_it_is_refused() {
    let stage = Stage::new();
    let ran = failing(&stage, &ISOLATE);
    ran.expect(&[5]).says(&["--break-glass"]).says(&["Input/output error"]);
    stage.honest(&ran);
    assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "it was sent: {ran}");
    stage.no_secrets();
    ends_dark(&stage, 1);
}

/// The typed form goes on in memory, and says so.
#[test]
#[ignore = "gauntlet"]
fn case_03_break_glass() {
    let stage = Stage::new();
    let ran = failing(&stage, &["--json", "isolate", HELPDESK, "--yes", "--break-glass"]);
    ran.expect(&[1]).says(&["memory only", "Input/output error"]);
    assert_eq!(stage.alive(), [], "{ran}");
    let told = ran.outcome()["journal_trouble"].is_string();
    assert!(told, "nothing says that there is no record: {ran}");
    stage.honest(&ran);
    stage.no_secrets();
    stage.sound_journals(&[0, 3]);
}

#[test]
#[ignore = "gauntlet"]
fn case_03_the_second_place_has_it() {
    let (stage, place) = second_place();
    let ran = failing(&stage, &ISOLATE);
    // O2 through the fallback: the servers look there too.
    stage.intent_first();
    stage.no_false_success(&ran);
    ran.expect(&[1]).says(&["Input/output error", place.path().to_str().unwrap()]);
    assert_eq!(stage.alive(), [], "{ran}");
    stage.honest(&ran);
    stage.no_secrets();
    stage.sound_journals(&[0]);
    ends_dark(&stage, 1);
}

//! 3. The intent cannot be synced.

use super::{ends_dark, open_incident};
use crate::harness::{
    Options, Stage,
    stage::{HELPDESK, ISOLATE, PATIENCE},
    strace::Strace,
};

/// EIO at the first sync that each thread does on the journal: the first of all is the intent's.
fn failing(stage: &Stage) -> Strace {
    let journal = open_incident(stage);
    let strace = Strace::of(&stage.home().join("trace"), "fsync,fdatasync").on(&journal);
    strace.inject("fsync,fdatasync:error=EIO:when=1")
}

#[test]
#[ignore = "gauntlet"]
fn case_03_without_another_sink_it_is_refused() {
    let stage = Stage::new();
    let strace = failing(&stage);
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    assert!(strace.fired() > 0, "{}", strace.trace());
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
    let strace = failing(&stage);
    let arguments = ["--json", "isolate", HELPDESK, "--yes", "--break-glass"];
    let ran = stage.heard(stage.start_under(strace.prefix(), &arguments).wait(PATIENCE));
    assert!(strace.fired() > 0);
    ran.expect(&[1]);
    assert_eq!(stage.alive(), [], "{ran}");
    let told = ran.outcome()["journal_trouble"].is_string();
    assert!(told, "nothing says that there is no record: {ran}");
    stage.honest(&ran);
    stage.no_secrets();
    stage.sound_journals(&[0, 3]);
}

#[test]
#[ignore = "gauntlet"]
fn case_03_the_second_place_has_it_pending() {
    let fallback = tempfile::tempdir_in("/dev/shm").unwrap();
    let options = Options { fallback: Some(fallback.path().canonicalize().unwrap()), ..Options::default() };
    let stage = Stage::with(&options);
    let strace = failing(&stage);
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    assert!(strace.fired() > 0);
    // O2 through the fallback: the servers look there too.
    stage.no_false_success(&ran);
    stage.intent_first();
    ran.expect(&[0, 1]);
    assert_eq!(stage.alive(), [], "{ran}");
    ends_dark(&stage, 1);
}

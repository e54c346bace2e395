//! 29. Stop and continue, from an interactive shell with job control, while requests are out.

use std::time::Duration;

use rustix::process::{Signal, kill_process};

use crate::{
    harness::{Rule, Stage, Wire, full, stage::HELPDESK},
    pty::{
        hands::{select, wait_for_dark},
        place,
        shell::{at_the_prompt, under_a_shell},
        stream::strangers,
        strike,
        terminal::{SHELL_PROMPT, Start},
        visible,
    },
};

#[test]
#[ignore = "gauntlet"]
fn case_29_stopped_and_continued() {
    let stage = Stage::new();
    let place = place(&stage);
    let terminal = under_a_shell(Start::at(&place), &place);
    select(&terminal, HELPDESK);
    let console = terminal.foreground();
    // The answers of one provider's first changes come too late for whoever waits for them: only a read tells then.
    let rule = stage.servers[1].fault(Rule::changes(Wire::Hang).first(1));
    strike(&stage, &terminal);
    kill_process(console, Signal::TSTP).unwrap();
    at_the_prompt(&terminal);
    terminal.keys("echo us$((1))able\n");
    terminal.wait_for_text("us1able");
    // The time itself is the fault here.
    std::thread::sleep(Duration::from_secs(if full() { 20 } else { 6 }));
    assert_eq!(terminal.modes(), terminal.modes_before(), "O8 at the stop");
    assert!(rule.fired() > 0);
    terminal.keys("fg\n");
    wait_for_dark(&terminal);
    assert_eq!(stage.alive(), [], "O1");
    // What is shown equals a screen that is drawn from nothing.
    terminal.keys("J");
    let shown = terminal.wait_for("the journal", |text| text.contains("op.end") && text.contains("estop  Journal"));
    assert_eq!(visible(&terminal.redrawn()), visible(&shown), "stale cells");
    terminal.keys("q");
    terminal.wait_for("the shell", |text| text.trim_end().ends_with(SHELL_PROMPT.trim_end()));
    assert_eq!(terminal.modes(), terminal.modes_before());
    terminal.keys("exit\n");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.restored, "O8: {exit:?}");
    // The shell's own tabs aside.
    let found: Vec<String> = strangers(&exit.raw).into_iter().filter(|found| !found.starts_with("\\t")).collect();
    assert_eq!(found, Vec::<String>::new(), "O7");
    stage.converges(0);
}

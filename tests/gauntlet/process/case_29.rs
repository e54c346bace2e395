//! 29. Stop and continue, from an interactive shell with job control, while requests are out.

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt as _,
    time::{Duration, Instant},
};

use rustix::{
    process::{Signal, kill_process},
    termios::{Action, tcflow},
};

use crate::{
    harness::{
        Rule, Stage, Wire, full,
        stage::{HELPDESK, PATIENCE},
        world::NEIGHBOUR,
    },
    pty::{
        console, ended,
        hands::{fleet_is_read, is_isolating, select, wait_for_dark},
        place,
        shell::{at_the_prompt, under_a_shell},
        stream::strangers,
        strike,
        terminal::{SHELL_PROMPT, Start, Terminal},
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

/// `O_NOCTTY`: the test's own process must not get this terminal.
const NO_CONTROLLING_TTY: i32 = 0o400;

/// XOFF: the terminal of a console takes no more bytes, as `Ctrl-S` at the far end does it.
struct Stalled(File);

impl Stalled {
    fn terminal(terminal: &Terminal) -> Self {
        let pid = terminal.foreground().as_raw_nonzero();
        let tty =
            File::options().read(true).write(true).custom_flags(NO_CONTROLLING_TTY).open(format!("/proc/{pid}/fd/0"));
        let stalled = Self(tty.unwrap());
        tcflow(&stalled.0, Action::OOff).unwrap();
        stalled
    }

    /// XON.
    fn goes_on(self) {
        tcflow(&self.0, Action::OOn).unwrap();
    }
}

/// Output stands still, and the key is pressed at what the screen shows: it fires, and ends in the dark unseen.
#[test]
#[ignore = "gauntlet"]
fn case_29_the_key_on_a_stalled_screen() {
    let stage = Stage::new();
    let place = place(&stage);
    let terminal = console(Start::at(&place));
    let stalled = Stalled::terminal(&terminal);
    terminal.keys("X");
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
    let until = Instant::now() + Duration::from_mins(1);
    while stage.records_of("op.end").is_empty() {
        assert!(Instant::now() < until, "it waits for its screen");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stage.alive(), [], "O1");
    // All of it happened, and nothing came out.
    terminal.stays("the old screen", Duration::from_millis(200), |text| text.contains("X would isolate"));
    stalled.goes_on();
    wait_for_dark(&terminal);
    terminal.keys("q");
    let ran = ended(&stage, &terminal.exit(PATIENCE));
    ran.expect(&[0]);
    stage.no_false_success(&ran);
    stage.converges(0);
}

/// Output stands still, the selection moves unseen, and the key is pressed at it: it arms, and sends nothing.
#[test]
#[ignore = "gauntlet"]
fn case_29_an_unseen_target_on_a_stalled_screen() {
    const OTHER: &str = "portal";
    let stage = Stage::new();
    let ids: Vec<String> = stage
        .servers
        .iter()
        .map(|server| format!("{}:{}", server.name, server.keycloak.client_uuid(NEIGHBOUR).unwrap()))
        .collect();
    let text = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    stage.configure(&format!("{text}[[bot]]\nname = \"{OTHER}\"\nidentities = {ids:?}\n"));
    let place = place(&stage);
    let terminal = Start::at(&place).open();
    fleet_is_read(&terminal);
    let shown = |text: &str| text.contains(&format!("X would isolate {HELPDESK} "));
    terminal.wait_for("the first bot", shown);
    let stalled = Stalled::terminal(&terminal);
    terminal.keys("j");
    // Each key comes alone: together they would arm anyway.
    terminal.stays("the old screen", Duration::from_millis(300), shown);
    terminal.keys("X");
    terminal.stays("the old screen", Duration::from_millis(500), shown);
    stalled.goes_on();
    let text = terminal.wait_for("what the key did", |text| text.contains("ARMED") || is_isolating(text));
    assert!(text.contains("ARMED") && text.contains(OTHER), "it fired unseen:\n{text}");
    assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "{text}");
    terminal.keys("\x1b");
    terminal.wait_for("the arming taken back", |text| !text.contains("ARMED"));
    terminal.keys("q");
    ended(&stage, &terminal.exit(PATIENCE)).expect(&[0]);
    assert!(stage.records_of("plan.intent").is_empty());
}

/// In the background of a shell whose terminal stops whoever writes to it: the isolation is not stopped by what it says.
#[test]
#[ignore = "gauntlet"]
fn case_29_in_the_background() {
    let stage = Stage::new();
    let place = place(&stage);
    for server in &stage.servers {
        server.latency(Duration::from_millis(100), Duration::from_millis(200));
    }
    let terminal = Start::at(&place).in_a_shell().open();
    terminal.wait_for_text(SHELL_PROMPT.trim_end());
    let words: Vec<String> = place.arguments().iter().map(|word| format!("'{word}'")).collect();
    terminal.keys("stty tostop; stty -a | grep -c ' tostop'\n");
    terminal.wait_for("the mode", |text| text.lines().any(|line| line.trim() == "1"));
    terminal.keys(&format!(
        "{} {} isolate {HELPDESK} --yes & wait; echo en$((1))ded\n",
        stage.binary().display(),
        words.join(" ")
    ));
    terminal.wait_for("the end", |text| text.contains("en1ded"));
    assert_eq!(stage.alive(), [], "O1: it was stopped");
    assert_eq!(stage.records_of("op.end").len(), 1);
    terminal.keys("stty -tostop; exit\n");
    terminal.exit(Duration::from_secs(20));
    stage.converges(0);
}

/// Under `nohup` and in a session of its own it outlives the terminal that it was started from.
#[test]
#[ignore = "gauntlet"]
fn case_29_left_behind_by_its_terminal() {
    for before in ["nohup", "setsid", "nohup setsid"] {
        let stage = Stage::new();
        let place = place(&stage);
        for server in &stage.servers {
            server.latency(Duration::from_millis(100), Duration::from_millis(200));
        }
        let mut terminal = Start::at(&place).in_a_shell().open();
        terminal.wait_for_text(SHELL_PROMPT.trim_end());
        let words: Vec<String> = place.arguments().iter().map(|word| format!("'{word}'")).collect();
        terminal.keys(&format!(
            "{before} {} {} isolate {HELPDESK} --yes &\n",
            stage.binary().display(),
            words.join(" ")
        ));
        for server in &stage.servers {
            server.await_request(Duration::from_mins(1), |seen| seen.changes);
        }
        terminal.tear();
        let until = Instant::now() + Duration::from_mins(1);
        while stage.records_of("op.end").is_empty() {
            assert!(Instant::now() < until, "{before}: it did not outlive its terminal");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(stage.alive(), [], "O1");
        stage.converges(0);
    }
}

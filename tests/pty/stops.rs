//! Stopped and continued, as an interactive shell does it.

use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::{
    hands::{isolate, select, wait_for_dark},
    sessions::exercise,
    shell::{at_the_prompt, under_a_shell},
    stream::strangers,
    terminal::{SHELL_PROMPT, Start},
};

#[test]
fn stopped_it_gives_the_terminal_back_and_continued_it_draws_afresh() {
    let place = exercise();
    let terminal = under_a_shell(Start::at(&place), &place);
    let console = terminal.foreground();
    select(&terminal, "sales");
    for by_key in [false, true] {
        if by_key {
            terminal.keys("\x1a");
        } else {
            kill_process(console, Signal::TSTP).unwrap();
        }
        at_the_prompt(&terminal);
        terminal.keys("echo us$((1))able\n");
        terminal.wait_for_text("us1able");
        terminal.keys("fg\n");
        terminal.wait_for("the console again", |text| text.contains("X would isolate sales ") && text.contains("quit"));
        assert!(terminal.is_on_its_own_screen());
    }
    // In the middle of a strike: what was under way goes on where it was.
    isolate(&terminal);
    kill_process(console, Signal::TSTP).unwrap();
    at_the_prompt(&terminal);
    terminal.keys("fg\n");
    wait_for_dark(&terminal);
    terminal.keys("q");
    terminal.wait_for("the shell", |text| text.trim_end().ends_with(SHELL_PROMPT.trim_end()));
    assert_eq!(terminal.modes(), terminal.modes_before());
    terminal.keys("exit\n");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.restored, "{exit:?}");
    let ours: Vec<String> = strangers(&exit.raw).into_iter().filter(|found| !found.starts_with("\\t")).collect();
    assert_eq!(ours, Vec::<String>::new());
    assert!(place.journal().one("op.end")["body"]["outcome"].as_str().unwrap().starts_with("dark"));
}

/// Continued by somebody else, without `fg`: the terminal is the shell's, and stays so.
#[test]
fn continued_in_the_background_it_leaves_the_shell_alone() {
    let place = exercise();
    let terminal = under_a_shell(Start::at(&place), &place);
    let console = terminal.foreground();
    kill_process(console, Signal::TSTP).unwrap();
    at_the_prompt(&terminal);
    kill_process(console, Signal::CONT).unwrap();
    terminal.keys("echo us$((1))able\n");
    terminal.wait_for_text("us1able");
    assert_eq!(terminal.modes(), terminal.modes_before());
    assert!(!terminal.is_on_its_own_screen());
    terminal.keys("fg\n");
    terminal.wait_for("the console again", |text| text.contains("X would isolate") && text.contains("quit"));
    terminal.keys("q");
    terminal.wait_for("the shell", |text| text.trim_end().ends_with(SHELL_PROMPT.trim_end()));
    terminal.keys("exit\n");
    assert!(terminal.exit(Duration::from_secs(20)).restored);
}

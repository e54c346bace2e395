//! A leaked secret that is typed: never on the screen, and the echo comes back whatever ends the reading.

use std::time::Duration;

use rustix::process::Signal;

use super::{
    sessions::exercise,
    terminal::{Start, Terminal},
};

const TYPED: &str = "s3cret-that-nobody-may-see";

fn asked(arguments: &[&str]) -> (super::place::Place, Terminal) {
    let place = exercise();
    let terminal = Start::at(&place).arguments(arguments).open();
    terminal.wait_for_text("it is not shown");
    (place, terminal)
}

#[test]
fn what_is_typed_is_not_shown_and_the_echo_comes_back() {
    let (_place, terminal) = asked(&["identify"]);
    assert_ne!(terminal.modes(), terminal.modes_before(), "echo is on");
    terminal.keys(&format!("{TYPED}\r"));
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 3 && exit.restored, "{exit:?}");
    assert!(!String::from_utf8_lossy(&exit.raw).contains(TYPED), "it is on the screen");
}

#[test]
fn a_signal_while_it_is_asked_for_gives_the_echo_back() {
    let (_place, terminal) = asked(&["isolate", "helpdesk", "--yes", "--leaked"]);
    terminal.signal(Signal::INT);
    let exit = terminal.exit(Duration::from_secs(10));
    assert!(exit.code == 130 && exit.restored, "{exit:?}");
}

//! The terminal of the console's own tests, for a stage's servers.

#[path = "../pty/hands.rs"]
pub mod hands;
#[path = "../pty/place.rs"]
#[expect(dead_code, reason = "the console's own tests use all of it")]
pub mod place;
#[path = "../pty/shell.rs"]
pub mod shell;
#[path = "../pty/stream.rs"]
pub mod stream;
#[path = "../pty/terminal.rs"]
#[expect(dead_code, reason = "the console's own tests use all of it")]
pub mod terminal;

use std::time::{Duration, Instant};

use crate::harness::{Ran, Stage, stage::HELPDESK};
use place::Place;
use terminal::{Exit, Start, Terminal};

/// A stage as a terminal's place.
pub fn place(stage: &Stage) -> Place {
    let config = stage.home().join("config.toml");
    let arguments = ["--config", config.to_str().unwrap()];
    Place::at(&stage.home(), stage.state(), stage.binary(), &arguments)
}

/// The console at the fleet, with the bot selected and its plan fresh.
pub fn console(start: Start<'_>) -> Terminal {
    let terminal = start.open();
    hands::fleet_is_read(&terminal);
    hands::select(&terminal, HELPDESK);
    terminal
}

/// What a person sees: blanks at the end of a line are nothing.
pub fn visible(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The key is pressed, and every server has got a change.
pub fn strike(stage: &Stage, terminal: &Terminal) {
    hands::isolate(terminal);
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
}

/// What came out of a terminal, as the oracles take it.
#[track_caller]
pub fn ended(stage: &Stage, exit: &Exit) -> Ran {
    assert_eq!(stream::strangers(&exit.raw), Vec::<String>::new(), "O7");
    assert!(exit.restored, "O8: {exit:?}");
    let ran = Ran {
        command: "estop (console)".to_owned(),
        code: i32::try_from(exit.code).ok(),
        stdout: String::new(),
        stderr: String::from_utf8_lossy(&exit.raw).into_owned(),
        wall: Duration::ZERO,
        began: Instant::now(),
        peak_kib: 0,
        cpu_ticks: u64::try_from(exit.used.as_millis() / 10).unwrap(),
    };
    stage.heard(ran)
}

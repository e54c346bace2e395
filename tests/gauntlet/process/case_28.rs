//! 28. The line drops: a torn pseudo-terminal, a killed tmux.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use crate::{
    harness::{Dice, Stage, server::Server, stage::HELPDESK},
    pty::{
        console, place, strike,
        terminal::{Start, processor_time},
    },
};

/// What a process may use of the processor after its terminal has gone.
const CALM: Duration = Duration::from_secs(2);
/// It is gone so long after the last answer.
const AFTER_THE_LAST_ANSWER: Duration = Duration::from_secs(15);

fn slow(stage: &Stage) {
    for server in &stage.servers {
        server.latency(Duration::from_millis(200), Duration::from_millis(300));
    }
}

/// Nobody saw it: the servers and the record say how it went.
#[track_caller]
fn went_on_alone(stage: &Stage, gone: Instant) {
    let newest = stage.servers.iter().flat_map(Server::seen).map(|seen| seen.at).max().unwrap();
    assert!(gone.saturating_duration_since(newest) < AFTER_THE_LAST_ANSWER, "{:?}", gone - newest);
    let lost = stage.records_of("console.lost");
    assert_eq!(lost.len(), 1, "the operator's going is not on record: {lost:?}");
    let ends = stage.records_of("op.end");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert!(ends[0]["body"]["outcome"].as_str().unwrap().starts_with("dark"), "{ends:?}");
    assert!(lost[0]["seq"].as_u64() < ends[0]["seq"].as_u64(), "it went on afterwards");
    assert_eq!(stage.alive(), [], "O1");
    stage.converges(0);
}

#[test]
#[ignore = "gauntlet"]
fn case_28_the_console_loses_its_terminal() {
    let stage = Stage::new();
    let place = place(&stage);
    let mut terminal = console(Start::at(&place));
    slow(&stage);
    strike(&stage, &terminal);
    let before = terminal.tear();
    let exit = terminal.exit(Duration::from_mins(1));
    let gone = Instant::now();
    let used = exit.used.saturating_sub(before);
    assert!(used < CALM, "{used:?} of processor time");
    assert_eq!(exit.code, 0);
    went_on_alone(&stage, gone);
}

/// The window jumps about while the line drops, and whoever resized it goes on saying so.
#[test]
#[ignore = "gauntlet"]
fn case_28_a_jumping_window_loses_its_line() {
    let stage = Stage::new();
    let place = place(&stage);
    let mut terminal = console(Start::at(&place));
    slow(&stage);
    strike(&stage, &terminal);
    let process = pidfd_open(terminal.foreground(), PidfdFlags::empty()).unwrap();
    let mut dice = Dice::of("case 28");
    for _ in 0..100 {
        let size = (1 + dice.below(220), 1 + dice.below(70));
        terminal.resize(u16::try_from(size.0).unwrap(), u16::try_from(size.1).unwrap());
    }
    let before = terminal.tear();
    let storm = std::thread::spawn(move || {
        let wait = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        let mut sent = 0;
        // Until the process has ended.
        while poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&wait)).unwrap() == 0 {
            sent += usize::from(pidfd_send_signal(&process, Signal::WINCH).is_ok());
        }
        sent
    });
    let exit = terminal.exit(Duration::from_mins(1));
    let gone = Instant::now();
    let sent = storm.join().unwrap();
    assert!(sent > 50, "no storm: {sent} changes of size after the line had dropped");
    let used = exit.used.saturating_sub(before);
    assert!(used < CALM, "{used:?} of processor time");
    assert_eq!(exit.code, 0);
    went_on_alone(&stage, gone);
}

#[test]
#[ignore = "gauntlet"]
fn case_28_headless_in_a_terminal() {
    let stage = Stage::new();
    let place = place(&stage);
    slow(&stage);
    let mut terminal = Start::at(&place).arguments(&["isolate", HELPDESK, "--yes"]).open();
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
    let before = terminal.tear();
    let exit = terminal.exit(Duration::from_mins(1));
    let gone = Instant::now();
    let used = exit.used.saturating_sub(before);
    assert!(used < CALM, "{used:?} of processor time");
    went_on_alone(&stage, gone);
}

/// A tmux server of its own, with one window.
struct Tmux(PathBuf);

impl Tmux {
    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.0.parent().unwrap()).env("LANG", "C.UTF-8");
        let output = command.arg("-S").arg(&self.0).args(["-f", "/dev/null"]).args(words).output().unwrap();
        assert!(output.status.success(), "tmux {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is: impl Fn(&str) -> bool) {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let text = self.ask(&["capture-pane", "-p"]);
            if is(&text) {
                return;
            }
            assert!(Instant::now() < until, "waited for {what} and saw:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        Command::new("tmux").arg("-S").arg(&self.0).arg("kill-server").output().ok();
    }
}

/// Inside tmux the key arms first: tmux answers for itself.
#[test]
#[ignore = "gauntlet"]
fn case_28_tmux_is_killed() {
    let stage = Stage::new();
    let place = place(&stage);
    let tmux = Tmux(stage.home().join("tmux.sock"));
    let words: Vec<String> = place.arguments().iter().map(|word| format!("'{word}'")).collect();
    let line = format!("exec '{}' {}", stage.binary().display(), words.join(" "));
    tmux.ask(&["new-session", "-d", "-x", "120", "-y", "40", &line]);
    tmux.wait_for("the plan", |text| text.contains("X would isolate helpdesk ") && text.contains(" fresh "));
    let pid: i32 = tmux.ask(&["display", "-p", "#{pane_pid}"]).trim().parse().unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    slow(&stage);
    // It arms or fires, by when its frame was shown; a press that comes too soon after the frame only arms again.
    tmux.wait_for("the strike", |text| {
        let strikes = text.contains("estop  Isolation");
        if !strikes {
            std::thread::sleep(Duration::from_millis(500));
            tmux.ask(&["send-keys", "X"]);
        }
        strikes
    });
    for server in &stage.servers {
        server.await_request(Duration::from_mins(1), |seen| seen.changes);
    }
    let ending = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let before = processor_time(pid);
    tmux.ask(&["kill-server"]);
    let mut used = before;
    let until = Instant::now() + Duration::from_mins(1);
    // Its figures go with it: they are read until then.
    loop {
        let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        if poll(&mut [PollFd::new(&ending, PollFlags::IN)], Some(&wait)).unwrap() == 1 {
            break;
        }
        assert!(Instant::now() < until, "it did not end");
        if std::path::Path::new(&format!("/proc/{}/stat", pid.as_raw_nonzero())).exists() {
            used = processor_time(pid);
        }
    }
    let gone = Instant::now();
    assert!(used.saturating_sub(before) < CALM, "{:?} of processor time", used.saturating_sub(before));
    went_on_alone(&stage, gone);
}

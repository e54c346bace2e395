//! The console as responders open it: the real binary on a jump host, over a real sshd, plain and inside tmux.
//!
//! The client is resized, its line drops in mid-strike, and whoever comes back finds the incident as it is.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use crate::{
    lab::setting,
    pty::{
        BOT, Scene,
        hands::{fleet_is_read, is_isolating, isolate, select},
        terminal::{Start, Terminal},
    },
};

/// How long what goes on without a terminal may take.
const WITHOUT_A_LINE: Duration = Duration::from_mins(2);

/// What a shell on the jump host is told: a clean environment, and estop over this place.
fn console(scene: &Scene) -> String {
    let place = &scene.place;
    let words = [place.binary().display().to_string()].into_iter().chain(place.arguments());
    let quoted: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    format!("env -i HOME='{}' TERM=\"$TERM\" TMUX=\"$TMUX\" LANG=C.UTF-8 {}", place.home().display(), quoted.join(" "))
}

/// tmux with a server and a session of its own, whatever this host has of its user's.
fn tmux(scene: &Scene, what: &str) -> String {
    format!("env LANG=C.UTF-8 tmux -S '{}' -f /dev/null -u {what}", scene.place.home().join("tmux").display())
}

/// Logs in and runs a command there.
fn log_in(scene: &Scene, command: &str) -> Result<Terminal> {
    let config = setting("ESTOP_LAB_SSHD")?;
    let words = ["/usr/bin/ssh", "-F", &config, "-tt", "jump", command];
    Ok(Start::at(&scene.place).through(words.map(str::to_owned).to_vec()).open())
}

/// The console's own process on the jump host.
fn console_process(scene: &Scene) -> Result<Pid> {
    let state = scene.place.arguments()[1].clone();
    let found = fs::read_dir("/proc")?.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let is_estop = words.next()? == scene.place.binary().display().to_string();
        (is_estop && words.any(|word| word == state)).then(|| Pid::from_raw(pid)).flatten()
    });
    found.last().context("no console runs on the jump host")
}

/// Waits until a process has ended.
fn ended(pid: Pid) -> Result<()> {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    let wait = Timespec { tv_sec: i64::try_from(WITHOUT_A_LINE.as_secs())?, tv_nsec: 0 };
    anyhow::ensure!(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&wait))? == 1, "it goes on for ever");
    Ok(())
}

/// The client dies as it does when a laptop is shut: nobody says goodbye.
fn drop_the_line(terminal: Terminal) {
    terminal.signal(Signal::KILL);
    drop(terminal.exit(Duration::from_secs(10)));
}

#[tokio::test]
#[ignore = "needs a real sshd and a real Keycloak"]
async fn over_ssh_a_dropped_line_stops_nothing_and_the_incident_is_found() -> Result<()> {
    let scene = Scene::robbed().await?;
    let terminal = log_in(&scene, &format!("exec {}", console(&scene)))?;
    fleet_is_read(&terminal);
    terminal.resize(120, 40);
    terminal.wait_for("a wide screen", |text| text.contains("FINDINGS") && text.contains("X would isolate"));
    terminal.resize(80, 24);
    terminal.wait_for("a small screen", |text| !text.contains("FINDINGS") && text.contains("X would isolate"));
    select(&terminal, BOT);
    let pid = console_process(&scene)?;
    isolate(&terminal);
    terminal.wait_for("a step on the wire", |text| text.contains(" sent ") || text.contains(" accepted "));
    drop_the_line(terminal);
    ended(pid)?;
    scene.assert_dead().await?;
    let journal = scene.place.journal();
    let (lost, end) = (journal.one("console.lost"), journal.one("op.end"));
    assert!(lost["seq"].as_u64() < end["seq"].as_u64(), "{}", journal.kinds());
    assert!(end["body"]["outcome"].as_str().is_some_and(|word| word.starts_with("dark")), "{end}");

    let terminal = log_in(&scene, &format!("exec {}", console(&scene)))?;
    terminal.wait_for("the bot, dark", |text| text.lines().any(|line| line.contains(BOT) && line.contains(" dark")));
    terminal.keys("J");
    terminal.wait_for("the incident so far", |text| text.contains("estop  Journal") && text.contains("op.end"));
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
    scene.assert_calm(&exit)?;
    scene.realm.remove().await
}

#[tokio::test]
#[ignore = "needs a real sshd and a real Keycloak"]
async fn inside_tmux_a_dropped_line_is_nothing_to_the_console() -> Result<()> {
    let scene = Scene::robbed().await?;
    let session = tmux(&scene, &format!("new-session -A -s estop \"{}\"", console(&scene).replace('"', "\\\"")));
    let terminal = log_in(&scene, &session)?;
    terminal.wait_for_shown("the fleet", |text| text.contains("X would isolate") && text.contains(" fresh "));
    terminal.resize(120, 40);
    terminal.wait_for_shown("a wide screen", |text| text.contains("FINDINGS") && text.contains("X would isolate"));
    terminal.keys("/");
    terminal.wait_for_shown("the filter", |text| text.contains("Enter keep"));
    terminal.keys(BOT);
    let plan = format!("X would isolate {BOT} ");
    terminal.wait_for_shown("its plan", |text| text.contains(&plan));
    terminal.keys("\r");
    terminal.wait_for_shown("a fresh plan", |text| {
        text.contains(&plan) && text.contains(" fresh ") && text.contains("X isolate") && !text.contains("unread")
    });
    // tmux answers for itself: the first press may be too soon after what it shows, and only arms.
    terminal.keys("X");
    let shown = terminal.wait_for_shown("the press", |text| text.contains("ARMED") || is_isolating(text));
    if shown.contains("ARMED") {
        terminal.keys("X");
        terminal.wait_for_shown("the strike", is_isolating);
    }
    let pid = console_process(&scene)?;
    drop_the_line(terminal);

    let terminal = log_in(&scene, &tmux(&scene, "attach-session -t estop"))?;
    assert_eq!(console_process(&scene)?, pid, "the same console");
    terminal.wait_for_shown("dark", |text| is_isolating(text) && text.contains("time to dark"));
    scene.assert_dead().await?;
    terminal.keys("q");
    ended(pid)?;
    drop(terminal.exit(Duration::from_secs(20)));
    let journal = scene.place.journal();
    assert!(journal.all("console.lost").is_empty(), "it was never lost: {}", journal.kinds());
    assert!(journal.one("op.end")["body"]["outcome"].as_str().is_some_and(|word| word.starts_with("dark")));
    scene.realm.remove().await
}

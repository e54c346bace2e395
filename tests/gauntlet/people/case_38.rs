//! 38. Core dumps and neighbours: no core, and nothing to read for others of the same user.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Gid, Signal, Uid};

use super::accounts::copy;
use crate::harness::{
    Options, Running, Stage, each,
    oracle::files,
    stage::{ISOLATE, PATIENCE},
};

/// A user without any rights: `nobody`.
const NOBODY: u32 = 65534;

fn as_nobody() -> Vec<String> {
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(str::to_owned).to_vec()
}

fn give(path: &Path) {
    rustix::fs::chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).unwrap();
}

/// A stage whose home, and the binary in it, are an unprivileged user's.
fn stage() -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let binary: PathBuf = folder.path().join("estop");
    copy(Path::new(env!("CARGO_BIN_EXE_estop")), &binary);
    give(folder.path());
    give(&binary);
    let stage = Stage::with(&Options { binary: Some(binary), ..Options::default() });
    give(&stage.home());
    give(stage.state());
    for file in files(&stage.home()) {
        give(&file);
    }
    (stage, folder)
}

/// In mid-strike, with every limit on core files taken away first.
fn striking(stage: &Stage) -> Running {
    for server in &stage.servers {
        server.latency(Duration::from_millis(300), Duration::from_millis(400));
    }
    let mut prefix = ["prlimit", "--core=unlimited"].map(str::to_owned).to_vec();
    prefix.extend(as_nobody());
    let mut command = stage.command(&prefix, &ISOLATE);
    command.current_dir(stage.home());
    let running = stage.spawn(command, &ISOLATE);
    stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
    running
}

/// Whether a neighbour of the same user can read it.
fn can_read(file: &str) -> bool {
    let prefix = as_nobody();
    let mut command = Command::new(&prefix[0]);
    command.args(&prefix[1..]).args(["head", "-c", "1", file]).stdout(Stdio::piped()).stderr(Stdio::null());
    let output = command.output().unwrap();
    output.status.success() && !output.stdout.is_empty()
}

#[test]
#[ignore = "gauntlet"]
fn case_38_neighbours() {
    // The check can fail: another process of that user is an open book.
    let prefix = as_nobody();
    let mut other = Command::new(&prefix[0]).args(&prefix[1..]).args(["sleep", "60"]).env("A", "b").spawn().unwrap();
    let environ = format!("/proc/{}/environ", other.id());
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while !can_read(&environ) {
        assert!(std::time::Instant::now() < until, "the control cannot be read");
    }
    other.kill().unwrap();
    other.wait().unwrap();

    let (stage, _folder) = stage();
    let running = striking(&stage);
    let pid = running.pid();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    for file in ["environ", "mem", "maps", "stack"] {
        let path = format!("/proc/{pid}/{file}");
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(found.uid(), 0, "{path}");
        assert!(!can_read(&path), "{path} can be read by a neighbour");
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    assert!(uid.split_whitespace().all(|id| id == "65534"), "not that user's: {uid}");
    let ran = stage.heard(running.wait(PATIENCE));
    ran.expect(&[0]);
    assert_eq!(stage.alive(), [], "{ran}");
    stage.intent_first();
    stage.no_secrets();
}

#[test]
#[ignore = "gauntlet"]
fn case_38_no_core() {
    each(
        &[Signal::SEGV, Signal::ABORT],
        |signal| format!("{signal:?}"),
        |signal| {
            let (stage, _folder) = stage();
            let mut running = striking(&stage);
            running.crash(*signal);
            let ran = stage.heard(running.wait(PATIENCE));
            assert_eq!(ran.code, None, "the signal did not end it: {ran}");
            let cores: Vec<PathBuf> = files(&stage.home()).into_iter().filter(|file| is_core(file)).collect();
            assert_eq!(cores, Vec::<PathBuf>::new());
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.no_secrets();
        },
    );
}

/// By its first bytes: an ELF file.
fn is_core(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}

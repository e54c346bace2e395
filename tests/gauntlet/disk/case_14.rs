//! 14. A new journal is really there.

use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{ends_dark, open_incident};
use crate::harness::{
    Stage, each,
    oracle::files,
    stage::{ISOLATE, PATIENCE},
    strace::Strace,
};

#[test]
#[ignore = "gauntlet"]
fn case_14_file_and_directory_are_synced_before_the_first_intent() {
    let stage = Stage::new();
    let strace = Strace::of(&stage.home().join("trace"), "openat,fsync,fdatasync,write,connect,sendto,writev");
    let ran = stage.heard(stage.start_under(strace.prefix(), &ISOLATE).wait(PATIENCE));
    ran.expect(&[0]);
    let journal = stage.journal();
    let name = journal.file_name().unwrap().to_str().unwrap();
    let folder = journal.parent().unwrap().to_str().unwrap();
    let trace = strace.trace();
    let at = |what: &str, pick: &dyn Fn(&str) -> bool| {
        trace.lines().position(pick).unwrap_or_else(|| panic!("no {what} in the trace"))
    };
    let made = at("creation", &|line| line.contains(name) && line.contains("O_CREAT"));
    let creation = trace.lines().nth(made).unwrap();
    assert!(
        creation.contains("O_EXCL") && creation.contains("O_APPEND") && creation.contains("O_CLOEXEC"),
        "{creation}"
    );
    let file = at("sync of the file", &|line| line.contains("sync(") && line.contains(name));
    let is_sync = |line: &str| line.contains("fsync(") && line.contains(&format!("{folder}>"));
    let directory = trace.lines().enumerate().position(|(number, line)| number > made && is_sync(line));
    let directory = directory.expect("the directory is synced behind it");
    let first_write = at("intent", &|line| line.contains(" write(") && line.contains(name));
    assert!(made < file && made < directory && directory < first_write, "{made} {file} {directory} {first_write}");
    let bits = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((bits(&journal), bits(journal.parent().unwrap())), (0o600, 0o700));
    stage.converges(0);
}

/// Something else stands in a path's place.
fn put(what: &str, path: &Path, aside: &Path) {
    if path.exists() {
        std::fs::rename(path, aside).unwrap();
    }
    match what {
        "a symlink" => symlink(aside, path).unwrap(),
        "a directory" => std::fs::create_dir(path).unwrap(),
        "a file" => std::fs::write(path, "").unwrap(),
        _ => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
    }
}

/// Whatever else goes on, the odd path is named, not used, and not replaced.
#[track_caller]
fn untouched(stage: &Stage, path: &Path, aside: &Path, codes: &[i32]) {
    let kind = |path: &Path| std::fs::symlink_metadata(path).unwrap().file_type();
    let content = |path: &Path| files(path).into_iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>();
    let (before, behind) = (kind(path), (std::fs::read(aside).unwrap_or_default(), content(aside)));
    let ran = stage.isolate();
    stage.honest(&ran);
    ran.expect(codes).says(&[path.to_str().unwrap()]);
    assert_eq!(kind(path), before, "it was replaced: {ran}");
    assert_eq!((std::fs::read(aside).unwrap_or_default(), content(aside)), behind, "written to behind a link: {ran}");
    stage.no_false_success(&ran);
    stage.intent_first();
    stage.no_secrets();
    let sent = stage.servers.iter().any(|server| !server.changes().is_empty());
    match ran.code {
        Some(0) => assert_eq!(stage.alive(), [], "{ran}"),
        _ => assert!(!sent, "refused, and sent: {ran}"),
    }
}

/// The journal of the open incident: it is left for another.
#[test]
#[ignore = "gauntlet"]
fn case_14_an_odd_journal_is_refused() {
    each(&["a symlink", "a directory", "a FIFO"], ToString::to_string, |what| {
        let stage = Stage::new();
        let journal = open_incident(&stage);
        let aside = journal.with_extension("aside");
        put(what, &journal, &aside);
        untouched(&stage, &journal, &aside, &[0]);
    });
}

/// The folder of the journals, at the first start: nothing is sent.
#[test]
#[ignore = "gauntlet"]
fn case_14_an_odd_folder_is_refused() {
    each(&["a symlink", "a file", "a FIFO"], ToString::to_string, |what| {
        let stage = Stage::new();
        let (folder, aside) = (stage.state().join("journal"), stage.home().join("aside"));
        std::fs::create_dir(&aside).unwrap();
        put(what, &folder, &aside);
        untouched(&stage, &folder, &aside, &[5]);
        std::fs::remove_file(&folder).unwrap();
        ends_dark(&stage, 0);
    });
}

/// Others could put another file in the journal's place.
#[test]
#[ignore = "gauntlet"]
fn case_14_folders_that_others_may_write_are_refused() {
    each(
        &["journal", ""],
        |name| format!("state/{name}"),
        |name| {
            let stage = Stage::new();
            open_incident(&stage);
            let folder = stage.state().join(name);
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
            let ran = stage.isolate();
            stage.honest(&ran);
            ran.expect(&[5]).says(&["can be written by others", folder.to_str().unwrap().trim_end_matches('/')]);
            assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "it was sent: {ran}");
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
            ends_dark(&stage, 0);
        },
    );
}

/// The host's own journal is odd: the isolation has one of its own, and nothing waits at a FIFO.
#[test]
#[ignore = "gauntlet"]
fn case_14_an_odd_journal_of_the_host_stops_nothing() {
    each(&["a symlink", "a directory", "a FIFO"], ToString::to_string, |what| {
        let stage = Stage::new();
        open_incident(&stage);
        let host = stage.state().join("journal/host.jsonl");
        put(what, &host, &stage.home().join("aside"));
        let ran = stage.isolate();
        ran.expect(&[0]);
        stage.holds(&ran);
        assert!(!stage.home().join("aside").exists(), "written to behind a link");
        ends_dark(&stage, 0);
    });
}

/// In mid-strike the journal is moved away, removed, or replaced by a copy of itself: an alarm, and the strike goes on.
#[test]
#[ignore = "gauntlet"]
fn case_14_replaced_in_mid_strike() {
    each(&["moved", "removed", "replaced"], ToString::to_string, |how| {
        let stage = Stage::new();
        let journal = open_incident(&stage);
        for server in &stage.servers {
            server.latency(Duration::from_millis(300), Duration::from_millis(400));
        }
        let running = stage.start(&ISOLATE);
        stage.servers[0].await_request(Duration::from_mins(1), |seen| seen.changes);
        // Where the servers find it all the same.
        let aside = journal.with_file_name("aside.jsonl");
        std::fs::rename(&journal, &aside).unwrap();
        match *how {
            "removed" => {
                stage.hide_journals();
                std::fs::remove_file(&aside).unwrap();
            }
            "replaced" => drop(std::fs::copy(&aside, &journal).unwrap()),
            _ => {}
        }
        let ran = stage.heard(running.wait(PATIENCE));
        ran.expect(&[1]).says(&["altered behind estop's back"]);
        assert_eq!(stage.alive(), [], "the strike stopped: {ran}");
        assert!(ran.outcome()["journal_trouble"].is_string(), "{ran}");
        stage.honest(&ran);
        stage.no_secrets();
        if *how != "removed" {
            stage.intent_first();
            stage.sound_journals(&[0, 3]);
        }
    });
}

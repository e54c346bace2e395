//! 14. A new journal is really there.

use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use super::open_incident;
use crate::harness::{
    Stage, each,
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

#[test]
#[ignore = "gauntlet"]
fn case_14_odd_paths_are_refused() {
    let variants = ["a symlink", "a directory", "a FIFO", "a folder that others may write"];
    each(&variants, ToString::to_string, |what| {
        let stage = Stage::new();
        let journal = open_incident(&stage);
        let aside = journal.with_extension("aside");
        let folder = journal.parent().unwrap();
        match *what {
            "a symlink" => {
                std::fs::rename(&journal, &aside).unwrap();
                symlink(&aside, &journal).unwrap();
            }
            "a directory" => {
                std::fs::rename(&journal, &aside).unwrap();
                std::fs::create_dir(&journal).unwrap();
            }
            "a FIFO" => {
                std::fs::rename(&journal, &aside).unwrap();
                assert!(Command::new("mkfifo").arg(&journal).status().unwrap().success());
            }
            _ => std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap(),
        }
        let kind = std::fs::symlink_metadata(&journal).unwrap().file_type();
        let behind = std::fs::read(&aside).unwrap_or_default();
        let ran = stage.isolate();
        stage.honest(&ran);
        // Refused, with the path; what goes on without it has a sound journal elsewhere.
        ran.expect(&[0, 1, 5]).says(&[folder.to_str().unwrap()]);
        assert_eq!(std::fs::symlink_metadata(&journal).unwrap().file_type(), kind, "it was replaced: {ran}");
        assert_eq!(std::fs::read(&aside).unwrap_or_default(), behind, "written to behind a link: {ran}");
        stage.no_false_success(&ran);
        stage.intent_first();
        let sent = stage.servers.iter().any(|server| !server.changes().is_empty());
        assert!(!sent || ran.code == Some(0), "{ran}");
        assert!(!sent || !what.contains("others"), "others may write there: {ran}");
    });
}

//! Roles as the real binary keeps them: whoever is no responder may look, and the attempt is on record.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// `nobody`, for the case that the tests run as root, whom no guard binds.
const NOBODY: u32 = 65_534;

/// A viewer's home, with a configuration that names a group which they are not of.
struct Viewer {
    home: tempfile::TempDir,
    binary: PathBuf,
    root: bool,
}

impl Viewer {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = rustix::process::getuid().is_root();
        let built = Path::new(env!("CARGO_BIN_EXE_estop"));
        // Nobody may not get as far as the build's directory.
        let binary = if root { home.path().join("estop") } else { built.to_owned() };
        if root {
            // By another process: one of this one that is being started would hold the copy open for writing.
            assert!(Command::new("cp").arg(built).arg(&binary).status().unwrap().success());
        }
        let viewer = Self { home, binary, root };
        viewer.write(
            "config.toml",
            "[console]\nresponder_group = \"estop-no-such-group\"\n[[provider]]\nname = \"sso\"\nkind = \"keycloak\"\n\
             base_url = \"http://127.0.0.1:1\"\nrealm = \"r\"\nclient_id = \"estop\"\n\
             client_secret = { env = \"ESTOP_TEST_SECRET\" }\n[[bot]]\nname = \"x\"\nidentities = [\"sso:x\"]\n",
        );
        if root {
            chown(viewer.home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        viewer
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        if self.root {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn uid(&self) -> u32 {
        if self.root { NOBODY } else { rustix::process::getuid().as_raw() }
    }

    fn estop(&self, state: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", self.home.path()).env("LANG", "C.UTF-8").env("ESTOP_TEST_SECRET", "s");
        // Whoever claims to be somebody else, or root, is let do nothing more.
        command.env("SUDO_USER", "root").env("SUDO_UID", "0").env("USER", "root").env("LOGNAME", "root");
        command.env("ESTOP_CONFIG", self.home.path().join("config.toml"));
        command.arg("--state-dir").arg(self.home.path().join(state)).args(arguments).stdin(Stdio::null());
        if self.root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn run(&self, state: &str, arguments: &[&str]) -> Output {
        self.estop(state, arguments).output().unwrap()
    }
}

#[test]
fn a_viewer_is_refused_everything_but_to_look_and_the_attempt_is_on_record() {
    let viewer = Viewer::new();
    let attempts = [
        &["isolate", "x", "--yes"][..],
        &["isolate", "x", "--yes", "--burn", "--break-glass"],
        &["resume"],
        &["resume", "--take-over"],
        &["retry", "x"],
        &["confirm", "7f3a"],
        &["incident", "open"],
        &["incident", "note", "hello"],
        &["incident", "handover"],
        &["incident", "close"],
        &["restore", "x", "--mode", "rotate", "--yes"],
        &["approve", "0123456789ab"],
    ];
    // A state directory of one's own changes nothing.
    for state in ["state", "elsewhere"] {
        for arguments in attempts {
            let output = viewer.run(state, arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(5), "{arguments:?}: {said}");
            assert!(said.contains("estop-no-such-group"), "{arguments:?}: {said}");
        }
        let directory = viewer.home.path().join(state).join("journal");
        let host = fs::read_to_string(directory.join("host.jsonl")).unwrap();
        let refused: Vec<&str> = host.lines().filter(|line| line.contains("\"guard.refused\"")).collect();
        assert_eq!(refused.len(), attempts.len(), "{host}");
        assert!(refused.iter().all(|line| line.contains("(asked by ")), "{host}");
        let incidents = fs::read_dir(&directory).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name().to_string_lossy().into_owned();
            name.contains(".jsonl") && name != "host.jsonl"
        });
        assert_eq!(incidents.count(), 0);
    }
    for arguments in [&["list"][..], &["status"], &["incident", "list"], &["journal", "list"]] {
        let output = viewer.run("state", arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {said}");
    }
    assert_ne!(viewer.uid(), 0);
}

/// The step from nobody to somebody: without the group the same command gets as far as the server that is not there.
#[test]
fn without_a_group_everybody_responds() {
    let viewer = Viewer::new();
    let config = fs::read_to_string(viewer.home.path().join("config.toml")).unwrap();
    viewer.write("config.toml", &config.replacen("responder_group", "#responder_group", 1));
    let output = viewer.run("state", &["incident", "open"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = viewer.run("state", &["incident", "note", "handed in by the owner"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("handed in by the owner"));
    let output = viewer.run("state", &["incident", "handover", "--to", "bob"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.lines().count() < 12 && said.contains("handed in by the owner"), "{said}");
    let output = viewer.run("state", &["incident", "show"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("hands over to bob"));
    assert_eq!(viewer.run("state", &["--read-only", "incident", "note", "x"]).status.code(), Some(5));
    assert_eq!(viewer.run("state", &["confirm", "nothing"]).status.code(), Some(2));
    assert_eq!(viewer.run("state", &["incident", "close"]).status.code(), Some(0));
    assert_eq!(viewer.run("state", &["incident", "note", "too late"]).status.code(), Some(2));
}

//! Where one test runs the binary: a home and a state directory of its own, and nothing of the surroundings.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A home and a state directory for one test.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The binary, with nothing of the surroundings.
    pub fn estop(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
        command.env_clear().env("HOME", self.path()).env("LANG", "C.UTF-8").env("TERM", "xterm");
        command.arg("--state-dir").arg(self.path().join("state")).args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.estop(arguments).output().expect("the binary runs")
    }

    /// On the embedded exercise.
    pub fn exercise(&self, arguments: &[&str]) -> Output {
        self.run(&[&["--exercise", "embedded-fleet"], arguments].concat())
    }

    /// Every file that it left.
    pub fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if entry.is_dir() { walk(&entry, into) } else { into.push(entry) }
            }
        }
        let mut files = Vec::new();
        walk(self.path(), &mut files);
        files
    }
}

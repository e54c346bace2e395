//! A home, a state directory, and the commands that read what the console left there.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// Held while a process is started or a pseudo-terminal opened: for a moment the new terminal's descriptor is passed on
/// to children, and a child that has it keeps the line from ever dropping.
static STARTING: Mutex<()> = Mutex::new(());

pub fn starting() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A home and a state directory for one test.
pub struct Place {
    home: PathBuf,
    state: PathBuf,
    /// Arguments of every command: the exercise, or a configuration.
    arguments: Vec<String>,
    binary: PathBuf,
    /// Taken away with the place where it is the place's own.
    _directory: Option<tempfile::TempDir>,
}

impl Place {
    /// With these arguments before those of each command.
    pub fn with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_estop"));
        let place = Self::at(directory.path(), &directory.path().join("state"), binary, arguments);
        Self { _directory: Some(directory), ..place }
    }

    /// A home and a state directory that somebody else keeps.
    pub fn at(home: &Path, state: &Path, binary: &Path, arguments: &[&str]) -> Self {
        Self {
            home: home.to_owned(),
            state: state.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            binary: binary.to_owned(),
            _directory: None,
        }
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What is run here.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The arguments of every command, with the state directory.
    pub fn arguments(&self) -> Vec<String> {
        let mut all = vec!["--state-dir".to_owned(), self.state.display().to_string()];
        all.extend(self.arguments.iter().cloned());
        all
    }

    /// Runs a command that needs no terminal.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", self.home()).args(self.arguments()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = {
            let _alone = starting();
            command.spawn().unwrap()
        };
        child.wait_with_output().unwrap()
    }

    /// The one journal of an incident here, once `estop journal verify` has found it sound.
    pub fn journal(&self) -> Journal {
        let verified = self.run(&["journal", "verify"]);
        assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stderr));
        let shown = self.run(&["journal", "show", "--json"]);
        let document: Value = serde_json::from_slice(&shown.stdout).unwrap();
        Journal(document["records"].as_array().unwrap().clone())
    }

    /// Whether an operation was ever begun here.
    pub fn is_untouched(&self) -> bool {
        let listed = self.run(&["journal", "list", "--json"]);
        let document: Value = serde_json::from_slice(&listed.stdout).unwrap();
        document["journals"].as_array().unwrap().is_empty()
    }
}

/// The records of a journal.
pub struct Journal(Vec<Value>);

impl Journal {
    /// The numbers of the records of a kind, in order.
    pub fn all(&self, kind: &str) -> Vec<u64> {
        self.0.iter().filter(|record| record["kind"] == kind).map(|record| record["seq"].as_u64().unwrap()).collect()
    }

    /// The one record of a kind.
    pub fn one(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|record| record["kind"] == kind);
        let record = found.next().unwrap_or_else(|| panic!("no {kind} in {}", self.kinds()));
        assert!(found.next().is_none(), "two {kind} in {}", self.kinds());
        record
    }

    pub fn kinds(&self) -> String {
        self.0.iter().map(|record| record["kind"].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    }
}

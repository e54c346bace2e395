//! What is measured: the console, and the peers that are installed.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use portable_pty::CommandBuilder;

/// Rows of a peer's list.
const ROWS: usize = 500_000;
/// Commits of the history that is paged through.
const COMMITS: usize = 400;

/// A program and its keys.
pub struct Program {
    pub name: &'static str,
    arguments: Vec<String>,
    home: PathBuf,
    folder: PathBuf,
    /// On the screen when it is ready.
    pub ready: &'static str,
    /// Keys that lead to what is moved in.
    pub before: &'static str,
    pub down: &'static str,
    pub up: &'static str,
    /// Keys that lead to what scrolls by a row and by a page, and which do that.
    pub scrolls: Option<[&'static str; 3]>,
}

impl Program {
    pub fn command(&self) -> CommandBuilder {
        let mut command = CommandBuilder::from_argv(self.arguments.iter().map(|one| OsStr::new(one).into()).collect());
        command.env_clear();
        command.cwd(&self.folder);
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin")]
        {
            command.env(name, value);
        }
        command.env("HOME", &self.home);
        command
    }

    pub fn cat(place: &Path) -> Self {
        Self { ready: "", ..Self::plain("cat", place, &["/bin/cat"]) }
    }

    fn plain(name: &'static str, place: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&one| one.to_owned()).collect();
        let (home, folder) = (place.to_owned(), place.to_owned());
        Self { name, arguments, home, folder, ready: "", before: "", down: "j", up: "k", scrolls: None }
    }
}

/// The console first, then the peers that are here; and the names of those that are not.
pub fn all(place: &Path) -> (Vec<Program>, Vec<&'static str>) {
    let state = place.join("state").display().to_string();
    let estop = Program {
        ready: "X would isolate",
        scrolls: Some(["?", "j", "\x1b[6~"]),
        ..Program::plain("estop", place, &[env!("CARGO_BIN_EXE_estop"), "--state-dir", &state])
    };
    let mut programs = vec![estop];
    let mut missing = Vec::new();
    let mut peer = |name: &'static str, make: &dyn Fn() -> Program| {
        if is_here(name) { programs.push(make()) } else { missing.push(name) }
    };
    peer("tig", &|| Program {
        folder: repository(place),
        ready: "commit number",
        scrolls: Some(["\x1b[6~", "\x1b[6~\x1b[6~\x1b[6~", "\x1b[6~"]),
        ..Program::plain("tig", place, &["tig"])
    });
    peer("fzf", &|| Program {
        ready: "500000/500000",
        down: "\x1b[A",
        up: "\x1b[B",
        scrolls: Some(["", "", "\x1b[5~"]),
        ..Program::plain("fzf", place, &["/bin/sh", "-c", &format!("exec fzf < {}", list(place).display())])
    });
    peer("gitui", &|| Program {
        folder: repository(place),
        ready: "commit number",
        before: "2",
        ..Program::plain("gitui", place, &["gitui"])
    });
    (programs, missing)
}

fn is_here(name: &str) -> bool {
    let run = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// As many identities as a large company has, one a line.
fn list(place: &Path) -> PathBuf {
    let path = place.join("list");
    if !path.exists() {
        let mut text = String::new();
        for number in 0..ROWS {
            writeln!(text, "bot-{number:06} service account of team {}", number % 977).unwrap();
        }
        std::fs::write(&path, text).unwrap();
    }
    path
}

/// A history without a file in it, made in one stream.
fn repository(place: &Path) -> PathBuf {
    let path = place.join("repository");
    if path.exists() {
        return path;
    }
    std::fs::create_dir(&path).unwrap();
    let git = || {
        let mut git = Command::new("git");
        git.current_dir(&path).env("HOME", place).stdout(Stdio::null()).stderr(Stdio::null());
        git
    };
    assert!(git().args(["init", "-b", "main"]).status().unwrap().success());
    let mut stream = String::new();
    for number in 0..COMMITS {
        let message = format!("commit number {number}: change {:x}", number * 7_919_191);
        writeln!(stream, "commit refs/heads/main\ncommitter A <a@b> {} +0000", 1_700_000_000 + number).unwrap();
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
    }
    let mut import = git().args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    path
}

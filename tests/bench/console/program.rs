//! What is measured: the console, and the peers that are installed.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use portable_pty::CommandBuilder;

use super::{
    driver,
    place::{Place, installed},
};

/// Columns and rows of every measurement.
pub const SIZE: (u16, u16) = (120, 40);
/// Identities of a large company, and rows of a peer's list.
pub const MANY: usize = 500_000;
/// Events a second, and lines a second for a peer that takes lines.
pub const RATE: usize = 5_000;
/// What marks the selected row.
const MARK: &str = "▶";

/// A program and its keys.
#[derive(Clone)]
pub struct Program {
    pub name: &'static str,
    arguments: Vec<String>,
    home: PathBuf,
    folder: PathBuf,
    pub size: (u16, u16),
    /// On the screen when it is ready.
    pub ready: String,
    /// A key that leads to what is moved in, and what is on the screen then.
    pub before: Option<(&'static str, String)>,
    pub down: &'static str,
    pub up: &'static str,
    /// Keys that lead to what scrolls by a row and by a page, and which do that.
    pub scrolls: Option<[&'static str; 3]>,
    /// What the selected row begins with: where more goes on than the keys, only that row tells what they did.
    pub mark: Option<&'static str>,
    /// The key that opens the filter, what stands before its text, and the keys that leave it empty and closed.
    pub filter: [&'static str; 3],
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

    /// The same with one processor.
    pub fn pinned(&self) -> Self {
        let pinned = ["taskset", "-c", "0"].map(str::to_owned);
        Self { arguments: pinned.into_iter().chain(self.arguments.iter().cloned()).collect(), ..self.clone() }
    }

    pub fn is_ours(&self) -> bool {
        self.name == "estop"
    }

    /// What answers a key at once, to know what the harness itself takes.
    pub fn cat(place: &Path) -> Self {
        Self::plain("cat", place, &["/bin/cat"])
    }

    fn plain(name: &'static str, place: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&one| one.to_owned()).collect();
        let (home, folder) = (place.to_owned(), place.to_owned());
        Self {
            name,
            arguments,
            home,
            folder,
            size: SIZE,
            ready: String::new(),
            before: None,
            down: "j",
            up: "k",
            scrolls: None,
            mark: None,
            filter: ["", "", ""],
        }
    }
}

/// The console on its exercise, then the peers that are here; and the names of those that are not.
pub fn all(place: &Place) -> (Vec<Program>, Vec<&'static str>) {
    let state = place.path().join("state").display().to_string();
    let estop = Program {
        ready: "X would isolate".to_owned(),
        scrolls: Some(["?", "j", "\x1b[6~"]),
        ..Program::plain("estop", place.path(), &[env!("CARGO_BIN_EXE_estop"), "--state-dir", &state])
    };
    let mut programs = vec![estop];
    let mut missing = Vec::new();
    let mut peer = |name: &'static str, make: &dyn Fn(&str) -> Program| match installed(name) {
        Some(path) => programs.push(make(&path)),
        None => missing.push(name),
    };
    peer("tig", &|path| Program {
        folder: place.repository(),
        ready: "commit number".to_owned(),
        scrolls: Some(["\x1b[6~", "\x1b[6~\x1b[6~\x1b[6~", "\x1b[6~"]),
        ..Program::plain("tig", place.path(), &[path])
    });
    peer("fzf", &|_| fzf(place, &format!("exec fzf --pointer={MARK} < {}", place.names(MANY).display())));
    peer("gitui", &|path| Program {
        folder: place.repository(),
        ready: "Log [2]".to_owned(),
        before: Some(("2", "commit number".to_owned())),
        down: "\x1b[B",
        up: "\x1b[A",
        scrolls: Some(["\x1b[6~", "", "\x1b[6~"]),
        ..Program::plain("gitui", place.path(), &[path])
    });
    (programs, missing)
}

fn fzf(place: &Place, line: &str) -> Program {
    Program {
        ready: format!("{MANY}/{MANY}"),
        down: "\x1b[A",
        up: "\x1b[B",
        scrolls: Some(["", "", "\x1b[5~"]),
        filter: ["", "> ", "\x15"],
        ..Program::plain("fzf", place.path(), &["/bin/sh", "-c", line])
    }
}

/// The console over so many identities that the seed makes; `rate`: events a second.
pub fn over(place: &Place, count: usize, rate: usize) -> Program {
    let own = std::env::current_exe().unwrap().display().to_string();
    let told = place.told().display().to_string();
    let arguments = [&own, driver::CONSOLE, &count.to_string(), &rate.to_string(), &told];
    Program {
        ready: "X would isolate".to_owned(),
        // Where every identity is a bot's, there are no others to ask for.
        before: (count > driver::BOTS).then(|| ("a", format!("{count} identities"))),
        filter: ["/", "/", "\x1b"],
        mark: (rate > 0).then_some(MARK),
        ..Program::plain("estop", place.path(), &arguments)
    }
}

/// The console over a few bots, one of which is isolated in 36 steps once it has been looked at for a while.
pub fn striking(place: &Place, size: (u16, u16)) -> Program {
    let own = std::env::current_exe().unwrap().display().to_string();
    Program {
        size,
        ready: "X would isolate".to_owned(),
        ..Program::plain("estop", place.path(), &[&own, driver::STRIKE])
    }
}

/// The peer that filters as many rows, and takes more while keys are pressed; `None`: it is not here.
pub fn peer_over(place: &Place, rate: usize) -> Option<Program> {
    installed("fzf")?;
    let list = place.names(MANY).display().to_string();
    if rate == 0 {
        return Some(fzf(place, &format!("exec fzf --pointer={MARK} < {list}")));
    }
    let own = std::env::current_exe().unwrap().display().to_string();
    let feed = format!("(cat {list}; exec {own} {} {rate}) | fzf --pointer={MARK}", driver::LINES);
    // The number of rows never rests: by the time that a restless screen is given, all are there.
    Some(Program { ready: format!("/{}", MANY / 10_000), mark: Some(MARK), ..fzf(place, &feed) })
}

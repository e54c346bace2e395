//! Where the programs run, and what they are given to show.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::driver;

/// Commits of the history that is paged through.
const COMMITS: usize = 400;

/// A folder of its own, gone afterwards.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a feed tells how much it has sent.
    pub fn told(&self) -> PathBuf {
        self.path().join("told")
    }

    /// Events a second that the newest feed has sent so far.
    pub fn rate(&self) -> Option<f64> {
        let told = std::fs::read_to_string(self.told()).ok()?;
        let (sent, ms) = told.split_once(' ')?;
        Some(sent.parse::<f64>().ok()? * 1000.0 / ms.parse::<f64>().ok()?)
    }

    /// The names of the fleet that the console is measured over, one a line.
    pub fn names(&self, count: usize) -> PathBuf {
        let path = self.path().join("names");
        if !path.exists() {
            let file = std::fs::File::create(&path).unwrap();
            let own = std::env::current_exe().unwrap();
            let made = Command::new(own).args([driver::NAMES, &count.to_string()]).stdout(file).status();
            assert!(made.unwrap().success());
        }
        path
    }

    /// A history without a file in it, made in one stream.
    pub fn repository(&self) -> PathBuf {
        let path = self.path().join("repository");
        if path.exists() {
            return path;
        }
        std::fs::create_dir(&path).unwrap();
        let git = || {
            let mut git = Command::new("git");
            git.current_dir(&path).env("HOME", self.path()).stdout(Stdio::null()).stderr(Stdio::null());
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
        import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
        path
    }
}

/// Where a peer is: in the cache that `tests/bench/peers` builds into, or on the path.
pub fn installed(name: &str) -> Option<String> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("ESTOP_BENCH_CACHE").or_else(|| {
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(caches?.join("estop-bench"))
    });
    let built = cache.map(|cache| cache.join("bin").join(name).display().to_string());
    built.into_iter().chain([name.to_owned()]).find(|path| {
        let run = Command::new(path).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    })
}

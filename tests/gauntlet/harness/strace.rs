//! Faults at system calls of the real binary.

use std::path::{Path, PathBuf};

/// One run under strace, with its trace in a file.
pub struct Strace {
    trace: PathBuf,
    prefix: Vec<String>,
}

impl Strace {
    /// The trace goes to this file. Only these calls are in it. (With `--seccomp-bpf` signals are never injected.)
    pub fn of(trace: &Path, calls: &str) -> Self {
        let prefix = ["strace", "-f", "-ttt", "-y", "-o", trace.to_str().unwrap(), "-e"];
        let mut prefix: Vec<String> = prefix.iter().map(ToString::to_string).collect();
        prefix.push(format!("trace={calls}"));
        Self { trace: trace.to_owned(), prefix }
    }

    /// Only calls on this file, which must exist: the path is made canonical.
    pub fn on(mut self, file: &Path) -> Self {
        self.prefix
            .extend(["-P".to_owned(), file.canonicalize().unwrap_or_else(|_| file.to_owned()).display().to_string()]);
        self
    }

    /// For example `fdatasync:error=EIO:when=2`.
    pub fn inject(mut self, what: &str) -> Self {
        self.prefix.extend(["-e".to_owned(), format!("inject={what}")]);
        self
    }

    /// With everything that is written, so that a record can be told by its kind.
    pub fn whole(mut self) -> Self {
        self.prefix.extend(["-s".to_owned(), "262144".to_owned()]);
        self
    }

    pub fn prefix(&self) -> &[String] {
        &self.prefix
    }

    pub fn trace(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.trace).unwrap_or_default()).into_owned()
    }

    /// How many calls were tampered with. A kill at a call leaves its line unfinished.
    pub fn fired(&self) -> usize {
        let trace = self.trace();
        trace.lines().filter(|line| line.contains("INJECTED") || line.contains("DELAYED")).count()
            + trace.lines().filter(|line| line.contains("+++ killed by SIGKILL")).count().min(1)
    }
}

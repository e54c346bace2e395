//! Small and read-only file systems, in the mount namespace that `tests/gauntlet/run` made.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A tmpfs of its own; unmounted with the case.
pub struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// Of so many KiB.
    pub fn new(kib: u64) -> Self {
        let private = std::env::var_os("GAUNTLET_NAMESPACE").is_some();
        assert!(private, "mounts want a namespace of their own: use tests/gauntlet/run");
        let folder = tempfile::tempdir().unwrap();
        let this = Self(folder);
        let options = format!("size={kib}k,mode=0700");
        run("mount", &["-t", "tmpfs", "-o", &options, "gauntlet", this.0.path().to_str().unwrap()]);
        this
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    /// Another size: pages above it stay, new ones are refused.
    pub fn resize(&self, kib: u64) {
        self.remount(&format!("size={kib}k"));
    }

    pub fn remount(&self, option: &str) {
        run("mount", &["-o", &format!("remount,{option}"), self.path().to_str().unwrap()]);
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

/// A read-only view over a folder, through which its names are found from now on; files that are open stay writable.
pub struct Covered(PathBuf);

impl Covered {
    pub fn new(path: &Path) -> Self {
        run("mount", &["--bind", "-o", "ro", path.to_str().unwrap(), path.to_str().unwrap()]);
        Self(path.to_owned())
    }
}

impl Drop for Covered {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// A file that nobody may write, root included, until it is dropped.
pub struct Immutable(PathBuf);

impl Immutable {
    pub fn new(path: &Path) -> Self {
        run("chattr", &["+i", path.to_str().unwrap()]);
        Self(path.to_owned())
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        Command::new("chattr").arg("-i").arg(&self.0).status().ok();
    }
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

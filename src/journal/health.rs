//! Whether a place to record would take a record: tried, not guessed.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    JournalError,
    disk::{self, Access},
};

/// Below this there may be no room for an isolation's record: a plan of a thousand steps takes about a megabyte.
const LOW: u64 = 16 << 20;

/// What `statfs` calls the file systems that are met (statfs(2)), and whether their locks keep other hosts out too.
const FILE_SYSTEMS: [(u32, &str, bool); 13] = [
    (0xEF53, "ext4", true),
    (0x5846_5342, "xfs", true),
    (0x9123_683E, "btrfs", true),
    (0x2FC1_2FC1, "zfs", true),
    (0xF2F5_2010, "f2fs", true),
    (0x0102_1994, "tmpfs", true),
    (0x794C_7630, "overlay", true),
    (0x6969, "nfs", false),
    (0x517B, "smb", false),
    (0xFF53_4D42, "cifs", false),
    (0xFE53_4D42, "smb2", false),
    (0x6573_5546, "fuse", false),
    (0x0102_1997, "9p", false),
];
/// What does not outlive a reboot.
const MEMORY: [&str; 1] = ["tmpfs"];

/// One place to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkHealth {
    /// Its directory.
    pub path: PathBuf,
    /// Why a record would not be durable there, one sentence; `None`: it would.
    pub error: Option<String>,
    /// Its file system's kind, or its number; `None`: it cannot be asked.
    pub file_system: Option<String>,
    /// Bytes that this user may still write.
    pub free: Option<u64>,
    /// What a responder should know before it matters, a sentence each.
    pub notices: Vec<String>,
}

impl SinkHealth {
    /// Tries a directory: a small file is made, synced and removed. `file` is opened as a writer opens it.
    pub(super) fn of(path: &Path, file: Option<&Path>) -> Self {
        let error = attempt(path, file).err().map(|error| error.to_string());
        let mut health = Self { path: path.to_owned(), error, file_system: None, free: None, notices: Vec::new() };
        if let Ok(found) = rustix::fs::statfs(path) {
            let magic = u32::try_from(i128::from(found.f_type) & 0xFFFF_FFFF).unwrap_or(0);
            let known = FILE_SYSTEMS.iter().find(|(number, ..)| *number == magic);
            let name = known.map_or_else(|| format!("{magic:#x}"), |(_, name, _)| (*name).to_owned());
            let block = u64::try_from(found.f_bsize).unwrap_or(0);
            let free = block.saturating_mul(found.f_bavail);
            health.notice(&name, known.is_none_or(|(.., local)| *local), free);
            (health.file_system, health.free) = (Some(name), Some(free));
        }
        health
    }

    fn notice(&mut self, file_system: &str, local: bool, free: u64) {
        let path = self.path.display().to_string();
        if !local {
            self.notices.push(format!(
                "{path} is on {file_system}, where locks may not keep other processes out: use a local file system"
            ));
        }
        if MEMORY.contains(&file_system) {
            self.notices.push(format!("{path} is on {file_system}: what is recorded there is gone after a reboot"));
        }
        if free < LOW {
            self.notices.push(format!("{path} has {} KiB left: free some before it is needed", free >> 10));
        }
    }

    /// Says so if it is lost together with the primary.
    pub(super) fn beside(mut self, primary: &Path) -> Self {
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
        if let (Some(here), Some(there)) = (device(&self.path), device(primary))
            && here == there
        {
            let (path, primary) = (self.path.display(), primary.display());
            self.notices.push(format!("{path} is on the same file system as {primary}: both are lost together"));
        }
        self
    }
}

fn attempt(directory: &Path, file: Option<&Path>) -> Result<(), JournalError> {
    disk::own_directory(directory)?;
    let trial = directory.join(format!(".trial.{}", std::process::id()));
    // What a process of that number has left.
    let _ = fs::remove_file(&trial);
    let made = disk::create_with(&trial, b"estop check\n");
    let _ = fs::remove_file(&trial);
    made?;
    file.map_or(Ok(()), |file| disk::open(file, Access::Append).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let health = SinkHealth::of(directory.path(), None);
        assert_eq!(health.error, None);
        assert!(health.file_system.is_some() && health.free.is_some());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(SinkHealth::of(&file, None).error.is_some_and(|why| why.contains("not a directory")));
        let beside = SinkHealth::of(&directory.path().join("more"), None).beside(directory.path());
        assert!(beside.notices.iter().any(|notice| notice.contains("lost together")));
    }

    #[test]
    fn what_a_file_system_lacks_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let mut health = SinkHealth::of(directory.path(), None);
        health.notices.clear();
        health.notice("nfs", false, 4096);
        assert!(health.notices[0].contains("locks may not"), "{:?}", health.notices);
        assert!(health.notices[1].contains("4 KiB left"), "{:?}", health.notices);
    }
}

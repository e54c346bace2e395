//! Damaged copies of a good journal, as bytes, checked by the real binary.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::harness::{Ran, Stage, oracle::files, stage::PATIENCE};

/// A journal of an isolation, and a stage to look at images of it.
pub struct Gallery {
    pub stage: Stage,
    /// The whole journal.
    pub good: &'static [u8],
    /// The state directory that it is from.
    kept: &'static Path,
    name: &'static Path,
}

/// The journal is made once for all cases about images; each has a stage of its own.
pub fn gallery() -> Gallery {
    static KEPT: OnceLock<(Vec<u8>, tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (good, kept, name) = KEPT.get_or_init(|| {
        let stage = Stage::new();
        stage.isolate().expect(&[0]);
        let kept = tempfile::tempdir().unwrap();
        copy(stage.state(), kept.path());
        let name = stage.journal().strip_prefix(stage.state()).unwrap().to_owned();
        (std::fs::read(stage.journal()).unwrap(), kept, name)
    });
    Gallery { stage: Stage::new(), good, kept: kept.path(), name }
}

/// A copy of the state directory in which an image has the journal's place.
pub struct Replica {
    folder: tempfile::TempDir,
    pub journal: PathBuf,
}

impl Replica {
    /// The folder of the journals.
    pub fn journals(&self) -> &Path {
        self.journal.parent().unwrap()
    }

    /// What was set aside.
    pub fn sides(&self) -> Vec<PathBuf> {
        files(self.journals()).into_iter().filter(|path| path.display().to_string().contains(".torn.")).collect()
    }

    /// Records of one kind in the journal's first file.
    pub fn records_of(&self, kind: &str) -> Vec<serde_json::Value> {
        let text = String::from_utf8_lossy(&std::fs::read(&self.journal).unwrap()).into_owned();
        let records = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        records.filter(|record| record["kind"] == kind).collect()
    }
}

impl Gallery {
    /// Its first lines.
    pub fn lines(&self, count: usize) -> Vec<u8> {
        let ends: Vec<usize> = line_ends(self.good);
        self.good[..ends[count - 1]].to_vec()
    }

    /// `journal verify` of an image.
    pub fn verify(&self, name: &str, image: &[u8]) -> Ran {
        let path: PathBuf = self.stage.write(&format!("image-{name}.jsonl"), image, 0o600);
        let ran = self.stage.start(&["journal", "verify", path.to_str().unwrap()]).wait(PATIENCE);
        assert_eq!(std::fs::read(&path).unwrap(), image, "verify has changed {name}");
        std::fs::remove_file(path).unwrap();
        ran
    }

    /// A host on which the journal looks like this.
    pub fn replica(&self, image: &[u8]) -> Replica {
        let folder = tempfile::tempdir().unwrap();
        copy(self.kept, folder.path());
        let journal = folder.path().canonicalize().unwrap().join(self.name);
        std::fs::write(&journal, image).unwrap();
        Replica { folder, journal }
    }

    /// A command there.
    pub fn run_on(&self, replica: &Replica, arguments: &[&str]) -> Ran {
        let command = self.stage.command_in(replica.folder.path(), &[], arguments);
        self.stage.heard(self.stage.spawn(command, arguments).wait(PATIENCE))
    }

    /// One more record, and whether the chain holds with it.
    #[track_caller]
    pub fn append(&self, replica: &Replica) {
        self.run_on(replica, &["incident", "note", "still here"]).expect(&[0]);
        for journal in
            files(replica.journals()).iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        {
            let verified = self.run_on(replica, &["journal", "verify", journal.to_str().unwrap()]);
            assert_eq!(verified.code, Some(0), "O5: {}: {verified}", journal.display());
        }
        let text = String::from_utf8(std::fs::read(&replica.journal).unwrap()).unwrap();
        assert!(text.contains("still here"), "the new record went elsewhere");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        let folder = target.parent().unwrap();
        if !folder.exists() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        std::fs::copy(&file, &target).unwrap();
    }
}

/// A stage with an open incident whose journal is replaced by an image of itself.
pub fn with_image(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (Stage, PathBuf, Vec<u8>) {
    let stage = Stage::new();
    stage.isolate().expect(&[0]);
    let journal = stage.journal();
    let image = change(std::fs::read(&journal).unwrap());
    std::fs::write(&journal, &image).unwrap();
    (stage, journal, image)
}

/// Offsets behind each newline.
pub fn line_ends(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1).collect()
}

/// Where the last line begins.
pub fn last_line(bytes: &[u8]) -> usize {
    let ends = line_ends(bytes);
    ends[ends.len() - 2]
}

//! Damaged copies of a good journal, as bytes, checked by the real binary.

use std::{path::PathBuf, sync::OnceLock};

use crate::harness::{Ran, Stage};

/// A stage whose incident is open, with a journal of an isolation in it.
pub struct Gallery {
    pub stage: Stage,
    /// Its whole journal.
    pub good: Vec<u8>,
}

/// Made once for all cases about images: they only read it.
pub fn gallery() -> &'static Gallery {
    static GALLERY: OnceLock<Gallery> = OnceLock::new();
    GALLERY.get_or_init(Gallery::new)
}

impl Gallery {
    pub fn new() -> Self {
        let stage = Stage::new();
        stage.isolate().expect(&[0]);
        let good = std::fs::read(stage.journal()).unwrap();
        Self { stage, good }
    }

    /// Its first lines.
    pub fn lines(&self, count: usize) -> Vec<u8> {
        let ends: Vec<usize> = line_ends(&self.good);
        self.good[..ends[count - 1]].to_vec()
    }

    /// `journal verify` of an image.
    pub fn verify(&self, name: &str, image: &[u8]) -> Ran {
        let path: PathBuf = self.stage.write(&format!("image-{name}.jsonl"), image, 0o600);
        let ran =
            self.stage.start(&["journal", "verify", path.to_str().unwrap()]).wait(crate::harness::stage::PATIENCE);
        assert_eq!(std::fs::read(&path).unwrap(), image, "verify has changed {name}");
        std::fs::remove_file(path).unwrap();
        ran
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

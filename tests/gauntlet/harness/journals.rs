//! Where journals lie.

use std::path::{Path, PathBuf};

/// Every journal under a folder. Only regular files: nobody writes to a FIFO, and reading one would wait for ever.
pub fn journals_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(journals_in(&path));
        } else if path.extension().is_some_and(|end| end == "jsonl") && is_regular(&path) {
            found.push(path);
        }
    }
    found
}

/// Whether it is a file itself, and no link to one.
pub fn is_regular(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

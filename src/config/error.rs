//! Why a configuration is not taken.

use std::path::PathBuf;

/// One sentence: what, where (file and line), and what to do. Values of the file are never quoted: one of them may be
/// a secret that somebody put there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be used at all.
    #[error("{}: {why}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {what}", .file.display())]
    Entry {
        /// In which file.
        file: PathBuf,
        /// On which line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        what: String,
    },
}

impl ConfigError {
    pub(super) fn file(file: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self::File { file: file.into(), why: why.into() }
    }
}

/// The candidate that is spelt most like `word`, if any comes near.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean NAME?`, or what there is to choose from.
pub(super) fn suggestion(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if candidates.is_empty() => "there is none".to_owned(),
        None => format!("known are {}", candidates.join(", ")),
    }
}

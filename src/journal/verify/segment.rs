//! How the files of a journal follow each other, by their names and their first lines.

use std::path::{Path, PathBuf};

use super::{
    chain::{Expected, digest, ends_in, first_link},
    read,
};

/// Whether a file's name says that it goes on where the primary place was lost.
pub(super) fn is_fallback(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(".fallback.jsonl"))
}

/// What the first line of the fallback must say: that it follows a line of the primary, or a damaged primary as it was
/// found, or that there was nothing.
pub(super) fn behind_the_primary(
    path: &Path,
    before: Option<&Path>,
    bytes: &[u8],
) -> Result<(Expected, Option<String>), String> {
    let Some(prev) = first_link(bytes) else { return Ok((Expected { prev: [b'0'; 64], seq: None }, None)) };
    let expected = Expected { prev, seq: None };
    if prev == [b'0'; 64] {
        return Ok((Expected { seq: Some(0), ..expected }, None));
    }
    let stem = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".fallback.jsonl"));
    let stem = stem.unwrap_or_default();
    let mut seen = false;
    for directory in path.parent().into_iter().chain(before) {
        for number in 0.. {
            let name = if number == 0 { format!("{stem}.jsonl") } else { format!("{stem}.{number}.jsonl") };
            let Ok(primary) = read(&directory.join(name)) else { break };
            seen = true;
            if digest(&primary) == prev || primary.split(|byte| *byte == b'\n').any(|line| ends_in(line, prev)) {
                return Ok((expected, None));
            }
        }
    }
    if seen {
        return Err("it follows no line that there is in the journal before it".to_owned());
    }
    Ok((expected, Some(format!("the journal that it follows, {stem}.jsonl, was not read"))))
}

/// `STEM` and `N` of `STEM.N.jsonl`; N is 0 for `STEM.jsonl`.
fn segment(path: &Path) -> Option<(&str, u64)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    match name.rsplit_once('.') {
        Some((stem, number)) => number.parse().ok().map(|number| (stem, number)),
        None => Some((name, 0)),
    }
}

/// The segment before.
pub(super) fn former(path: &Path) -> Option<PathBuf> {
    let (stem, number) = segment(path)?;
    match number {
        0 => None,
        1 => Some(path.with_file_name(format!("{stem}.jsonl"))),
        number => Some(path.with_file_name(format!("{stem}.{}.jsonl", number - 1))),
    }
}

/// The segment behind, if its first line names these bytes.
pub(super) fn continuation(path: &Path, bytes: &[u8]) -> Option<PathBuf> {
    let (stem, number) = segment(path)?;
    let next = path.with_file_name(format!("{stem}.{}.jsonl", number + 1));
    (first_link(&read(&next).ok()?)? == digest(bytes)).then_some(next)
}

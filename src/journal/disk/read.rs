//! Files read whole: a journal by two threads, a secret without a copy left behind. Never through a link, never more than
//! there may be.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
};

use super::{check_file, options};
use crate::journal::JournalError;

/// Group and others may do anything.
const READABLE_BY_OTHERS: u32 = 0o077;
/// Bytes of a small file that are read: allocated once, so that no copy of a secret stays behind.
const SMALL: usize = 4096;
/// From this size on a file is read by two threads.
const WORTH_TWO: usize = 8 << 20;
/// The biggest file that is read as a journal: a sparse file must not take all memory.
const MAX_FILE: u64 = 1 << 30;

/// Reads a small file that nobody else may read. `None`: there is none.
pub(in crate::journal) fn read_secret(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, JournalError> {
    match fs::symlink_metadata(path) {
        Ok(found) => check_file(path, &found)?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(JournalError::io("look at", path, &error)),
    }
    let file = options().open(path).map_err(|error| JournalError::io("open", path, &error))?;
    let opened = file.metadata().map_err(|error| JournalError::io("look at", path, &error))?;
    check_file(path, &opened)?;
    if opened.mode() & READABLE_BY_OTHERS != 0 {
        let mode = opened.mode() & 0o7777;
        return Err(JournalError::odd(path, format!("can be read by others (mode {mode:04o})")));
    }
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(SMALL));
    let limit = u64::try_from(SMALL).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| JournalError::io("read", path, &error))?;
    Ok(Some(bytes))
}

/// Reads a whole regular file, without following a link. `None`: there is none.
pub(in crate::journal) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::io("look at", path, &error)),
    };
    if !found.is_file() {
        return Err(JournalError::odd(path, "is not a regular file"));
    }
    check_size(path, found.len())?;
    let mut file = options().open(path).map_err(|error| JournalError::io("open", path, &error))?;
    let mut bytes = read_halves(&file, found.len());
    // What has been added meanwhile; everything, where the halves could not be had.
    let rest = file.seek(io::SeekFrom::Start(bytes.len() as u64)).and_then(|from| {
        bytes.reserve(usize::try_from(found.len().saturating_sub(from)).unwrap_or(0));
        (&file).take(MAX_FILE - from).read_to_end(&mut bytes)
    });
    rest.map_err(|error| JournalError::io("read", path, &error))?;
    Ok(Some(bytes))
}

/// The first bytes of a long file, by two threads: half of the time goes into making room for them. Nothing where that
/// fails or is not worth it.
fn read_halves(file: &File, length: u64) -> Vec<u8> {
    let mut bytes = match usize::try_from(length) {
        Ok(length) if length >= WORTH_TWO => vec![0; length],
        _ => return Vec::new(),
    };
    let half = bytes.len() / 2;
    let (first, second) = bytes.split_at_mut(half);
    let behind = first.len() as u64;
    let read = std::thread::scope(|scope| {
        let other = scope.spawn(|| file.read_exact_at(second, behind));
        let this = file.read_exact_at(first, 0);
        this.is_ok() && matches!(other.join(), Ok(Ok(())))
    });
    if read { bytes } else { Vec::new() }
}

/// Refuses what is too big to be read.
pub(in crate::journal) fn check_size(path: &Path, length: u64) -> Result<(), JournalError> {
    if length > MAX_FILE {
        return Err(JournalError::odd(path, format!("has {length} bytes, too many for a journal")));
    }
    Ok(())
}

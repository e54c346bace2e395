//! Files read whole, or opened to be read in runs; a secret without a copy left behind. Never through a link, never more
//! than there may be.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use super::{check_file, options};
use crate::journal::JournalError;

/// Group and others may do anything.
const READABLE_BY_OTHERS: u32 = 0o077;
/// Bytes of a small file that are read: allocated once, so that no copy of a secret stays behind.
const SMALL: usize = 4096;
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

/// Opens a regular file, without following a link, and tells its length. `None`: there is none.
pub(in crate::journal) fn open_whole(path: &Path) -> Result<Option<(File, usize)>, JournalError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::io("look at", path, &error)),
    };
    if !found.is_file() {
        return Err(JournalError::odd(path, "is not a regular file"));
    }
    check_size(path, found.len())?;
    let file = options().open(path).map_err(|error| JournalError::io("open", path, &error))?;
    Ok(Some((file, usize::try_from(found.len()).unwrap_or(0))))
}

/// Reads a whole regular file, without following a link. `None`: there is none.
pub(in crate::journal) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let Some((file, length)) = open_whole(path)? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(length);
    // What has been added meanwhile as well.
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| JournalError::io("read", path, &error))?;
    Ok(Some(bytes))
}

/// Refuses what is too big to be read.
pub(in crate::journal) fn check_size(path: &Path, length: u64) -> Result<(), JournalError> {
    if length > MAX_FILE {
        return Err(JournalError::odd(path, format!("has {length} bytes, too many for a journal")));
    }
    Ok(())
}

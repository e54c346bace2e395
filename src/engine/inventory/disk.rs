//! The file: ours alone, regular, whole or not there.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

use super::InventoryError;
use crate::journal::own_directory;

/// More is neither written nor read: half a million identities take a sixth of it.
pub const MOST_BYTES: usize = 256 << 20;
/// Group and others may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The file's bytes. `Ok(None)`: there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, InventoryError> {
    // A link is not followed, a FIFO is not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match options(flags)?.read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(InventoryError::Odd("it is a symbolic link, not a regular file".to_owned()));
        }
        Err(error) => return Err(broken(&error)),
    };
    let found = file.metadata().map_err(|error| broken(&error))?;
    check(&found)?;
    let length = usize::try_from(found.len()).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(InventoryError::TooBig);
    }
    let mut bytes = Vec::with_capacity(length + 1);
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok(Some(bytes))
}

/// Puts a file in the place of what is there, in one step. It is not synced: after a crash it is the old one, the new
/// one, or one whose sums do not hold, and each is no more than a slower start.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), InventoryError> {
    if let Some(directory) = path.parent() {
        own_directory(directory).map_err(|error| InventoryError::Odd(error.to_string()))?;
    }
    let new = path.with_extension("new");
    // What a crash has left of an earlier one.
    let _ = fs::remove_file(&new);
    let put = create(&new, bytes).and_then(|()| fs::rename(&new, path).map_err(|error| broken(&error)));
    if put.is_err() {
        let _ = fs::remove_file(&new);
    }
    put
}

fn create(path: &Path, bytes: &[u8]) -> Result<(), InventoryError> {
    let mut options = options(OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file: File| file.write_all(bytes)).map_err(|error| broken(&error))
}

fn options(flags: OFlags) -> Result<OpenOptions, InventoryError> {
    let flags = i32::try_from(flags.bits()).map_err(|error| InventoryError::Io(error.to_string()))?;
    let mut options = OpenOptions::new();
    options.custom_flags(flags);
    Ok(options)
}

/// Whoever may write it could show a responder a fleet that is not there.
fn check(found: &Metadata) -> Result<(), InventoryError> {
    let (us, mode) = (rustix::process::geteuid().as_raw(), found.mode() & 0o7777);
    let odd = if !found.is_file() {
        "it is not a regular file".to_owned()
    } else if found.uid() != us {
        format!("it belongs to user {}, not to this one ({us})", found.uid())
    } else if mode & WRITABLE_BY_OTHERS != 0 {
        format!("it can be written by others (mode {mode:04o})")
    } else {
        return Ok(());
    };
    Err(InventoryError::Odd(odd))
}

fn broken(error: &io::Error) -> InventoryError {
    InventoryError::Io(error.to_string())
}

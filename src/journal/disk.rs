//! Files that hold evidence: whose they are, who else could write them, and that they are really there.
//!
//! Everything goes through `std::fs`, plain system calls by way of libc, so that fault injection can see and break
//! them.

mod read;

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::JournalError;
pub(super) use read::{check_size, open_whole, read, read_secret};

/// Group and others may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// What is in the folder is its owner's to rename and remove.
const STICKY: u32 = 0o1000;

/// Makes a directory that is ours alone, and its parents; one that is there must not be writable by others.
pub(crate) fn own_directory(path: &Path) -> Result<(), JournalError> {
    match fs::symlink_metadata(path) {
        Ok(found) => return check_directory(path, &found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(JournalError::io("look at", path, &error)),
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
        && !parent.exists()
    {
        own_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(JournalError::io("make the directory", path, &error));
        }
        _ => {}
    }
    let made = fs::symlink_metadata(path).map_err(|error| JournalError::io("look at", path, &error))?;
    check_directory(path, &made)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), JournalError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| JournalError::io("sync", path, &error))
}

fn check_directory(path: &Path, found: &Metadata) -> Result<(), JournalError> {
    if found.is_symlink() {
        return Err(JournalError::odd(path, "is a symbolic link, not a directory"));
    }
    if !found.is_dir() {
        return Err(JournalError::odd(path, "is not a directory"));
    }
    check_writers(path, found)?;
    check_parent(path)
}

/// Who may write a folder may put another in the place of what is in it, unless the folder is sticky.
fn check_parent(path: &Path) -> Result<(), JournalError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    match fs::metadata(parent) {
        Ok(found) if found.mode() & STICKY == 0 => check_writers(parent, &found),
        _ => Ok(()),
    }
}

/// Nobody but us and root may be able to change it.
fn check_writers(path: &Path, found: &Metadata) -> Result<(), JournalError> {
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        let mode = found.mode() & 0o7777;
        return Err(JournalError::odd(path, format!("can be written by others (mode {mode:04o})")));
    }
    let us = rustix::process::geteuid().as_raw();
    if us != 0 && found.uid() != us && found.uid() != 0 {
        return Err(JournalError::odd(path, format!("belongs to user {}, not to this one ({us})", found.uid())));
    }
    Ok(())
}

fn check_file(path: &Path, found: &Metadata) -> Result<(), JournalError> {
    if found.is_symlink() {
        return Err(JournalError::odd(path, "is a symbolic link, not a regular file"));
    }
    if !found.is_file() {
        return Err(JournalError::odd(path, "is not a regular file"));
    }
    check_writers(path, found)
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// Only ever at its end.
    Append,
    /// Anywhere.
    Write,
}

impl Access {
    fn options(self) -> OpenOptions {
        let mut options = options();
        match self {
            Self::Append => options.append(true),
            Self::Write => options.write(true),
        };
        options
    }
}

fn options() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("open flags are an int in C");
    let mut options = OpenOptions::new();
    options.read(true).mode(0o600).custom_flags(flags);
    options
}

/// Opens a regular file of ours for reading and appending. `None`: there is none.
pub(super) fn open(path: &Path, access: Access) -> Result<Option<File>, JournalError> {
    // Looked at before it is opened: opening a FIFO has effects of its own.
    match fs::symlink_metadata(path) {
        Ok(found) => check_file(path, &found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::io("look at", path, &error)),
    }
    let file = access.options().open(path).map_err(|error| JournalError::io("open", path, &error))?;
    let opened = file.metadata().map_err(|error| JournalError::io("look at", path, &error))?;
    check_file(path, &opened)?;
    Ok(Some(file))
}

/// Makes an empty file that was not there, and syncs it and its directory: it is really there.
///
/// `Ok(None)`: somebody else has just made it.
pub(super) fn create(path: &Path, access: Access) -> Result<Option<File>, JournalError> {
    create_new(path, access, &[])
}

/// Makes a file that was not there, with its content, durable once returned. `Ok(false)`: it is there already.
pub(super) fn create_with(path: &Path, bytes: &[u8]) -> Result<bool, JournalError> {
    Ok(create_new(path, Access::Append, bytes)?.is_some())
}

fn create_new(path: &Path, access: Access, bytes: &[u8]) -> Result<Option<File>, JournalError> {
    let mut file = match access.options().create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(JournalError::io("create", path, &error)),
    };
    let synced = file
        .write_all(bytes)
        .map_err(|error| JournalError::io("write", path, &error))
        .and_then(|()| file.sync_all().map_err(|error| JournalError::io("sync", path, &error)))
        .and_then(|()| sync_directory(path.parent().unwrap_or(Path::new("."))));
    if synced.is_err() && !bytes.is_empty() {
        // Half of it must not be taken for the whole. An empty file stays: another process may write to it already.
        let _ = fs::remove_file(path);
    }
    synced.map(|()| Some(file))
}

/// Makes a file that was not there, whole from its first moment: another process sees all of it or nothing. `Ok(false)`:
/// it is there already.
pub(super) fn create_whole(path: &Path, bytes: &[u8]) -> Result<bool, JournalError> {
    let new = path.with_extension(format!("new.{}", uuid::Uuid::new_v4()));
    create_with(&new, bytes)?;
    let linked = match fs::hard_link(&new, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(JournalError::io("create", path, &error)),
    };
    let removed = fs::remove_file(&new).map_err(|error| JournalError::io("remove", &new, &error));
    let made = linked?;
    removed?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(made)
}

/// Puts a file in the place of another in one step: whoever reads sees the old or the new one, also after a crash.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    // What a crash has left of an earlier one.
    let _ = fs::remove_file(&new);
    if !create_with(&new, bytes)? {
        return Err(JournalError::odd(&new, "cannot be replaced"));
    }
    fs::rename(&new, path).map_err(|error| JournalError::io("rename", &new, &error))?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Opens a file of ours, or makes it.
pub(super) fn open_or_create(path: &Path, access: Access) -> Result<File, JournalError> {
    loop {
        if let Some(file) = open(path, access)? {
            return Ok(file);
        }
        if let Some(file) = create(path, access)? {
            return Ok(file);
        }
    }
}

/// Whether a name still means an open file.
pub(super) fn names(path: &Path, file: &File) -> io::Result<bool> {
    let (named, open) = match fs::symlink_metadata(path) {
        Ok(named) => (named, file.metadata()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(named.dev() == open.dev() && named.ino() == open.ino())
}

/// The segments of a journal, oldest first: `STEM.jsonl`, `STEM.1.jsonl` …
pub(super) fn segments(directory: &Path, stem: &str) -> Result<Vec<PathBuf>, JournalError> {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for name in names_in(directory)? {
        let Some(middle) = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".jsonl")) else { continue };
        let number = match middle.strip_prefix('.') {
            None if middle.is_empty() => 0,
            Some(digits) => match digits.parse() {
                Ok(number) => number,
                Err(_) => continue,
            },
            None => continue,
        };
        found.push((number, directory.join(name)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The names in a directory; none where there is no such directory.
pub(super) fn names_in(directory: &Path) -> Result<Vec<String>, JournalError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io("list", directory, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| JournalError::io("list", directory, &error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

//! Secrets by reference: they are read when a provider is wired, never from the configuration itself.
//!
//! ```text
//! env NAME ───────────────┐
//! file, checked as open ──┼─▶ bytes ─▶ BOM and line end trimmed ─▶ SecretString
//! command, 10 s ──────────┘
//! ```
//!
//! No message quotes what was read: path, mode, owner and exit code are what a person needs.

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use crate::domain::{OwnSecret, register};

/// No secret is bigger.
const MAX_BYTES: usize = 64 * 1024;
/// A command that takes longer is stopped, with all that it has started.
const COMMAND_TIME: Duration = Duration::from_secs(10);
/// What others may not have on a file with a secret.
const PRIVATE: u32 = 0o077;
/// What they may not have on one that everybody may read.
const PUBLIC: u32 = 0o022;
/// The sticky bit: others may make files in the directory, but not replace ours.
const STICKY: u32 = 0o1000;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// In a variable of the environment.
    Env(String),
    /// In a file that only its owner, or root, can read.
    File(PathBuf),
    /// On the standard output of a command, run without shell, environment and standard input.
    Command(Vec<String>),
}

impl SecretReference {
    /// Reads the secret.
    ///
    /// # Errors
    /// One sentence: where it should have been, what is wrong there, and what to do. Never the content.
    pub async fn resolve(&self) -> Result<SecretString, String> {
        let (bytes, place) = self.read().await?;
        let secret = secret(&bytes, &place)?;
        // From here on no output shows it.
        register(OwnSecret::Configured, secret.expose_secret());
        Ok(secret)
    }

    /// Reads a secret of several lines: a private key in PEM.
    ///
    /// # Errors
    /// As [`SecretReference::resolve`].
    pub async fn resolve_pem(&self) -> Result<SecretString, String> {
        let (bytes, place) = self.read().await?;
        let pem = pem(&bytes, &place)?;
        register(OwnSecret::Configured, pem.expose_secret());
        // Its lines may be joined on the way to an output.
        let joined: Zeroizing<String> =
            pem.expose_secret().lines().filter(|line| !line.starts_with('-')).collect::<String>().into();
        register(OwnSecret::Configured, &joined);
        Ok(pem)
    }

    /// What is there, and where that is.
    async fn read(&self) -> Result<(Zeroizing<Vec<u8>>, String), String> {
        Ok(match self {
            Self::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| format!("the variable {name} is not set: set it"))?;
                let bytes = Zeroizing::new(std::os::unix::ffi::OsStringExt::into_vec(value));
                (bytes, format!("the variable {name}"))
            }
            Self::File(path) => (read_file(path, PRIVATE)?, path.display().to_string()),
            Self::Command(words) => (run(words).await?, format!("the output of {}", words[0])),
        })
    }
}

/// Reads certificates in PEM. They are no secret, and everybody may read them; but who can change them could end every
/// connection, so the file is checked as one with a secret otherwise.
///
/// # Errors
/// One sentence: the file, what is wrong with it, and what to do.
pub fn read_certificates(path: &Path) -> Result<String, String> {
    let bytes = read_file(path, PUBLIC)?;
    pem(&bytes, &path.display().to_string()).map(|text| text.expose_secret().to_owned())
}

/// What was read, without byte order mark and line end.
fn secret(bytes: &[u8], place: &str) -> Result<SecretString, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err(format!("{place} is empty: put the secret there"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(SecretString::from(text)),
        _ => Err(format!("{place} holds more than one line of printable ASCII: leave nothing but the secret in it")),
    }
}

/// Lines of PEM as they are; what they hold is looked at by whoever uses them.
fn pem(bytes: &[u8], place: &str) -> Result<SecretString, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN ") => Ok(SecretString::from(text)),
        _ => Err(format!("{place} holds nothing in PEM: a line with -----BEGIN is what it starts with")),
    }
}

fn read_file(path: &Path, open: u32) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = path.display();
    // Non-blocking, so that a FIFO in its place cannot hold us.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let descriptor = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP => format!("{shown} is a symbolic link: name the file itself"),
        error => format!("{shown} cannot be opened: {}", std::io::Error::from(error)),
    })?;
    check_file(&descriptor, path, open)?;
    check_parents(path)?;
    // One allocation: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    let read = File::from(descriptor).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("{shown} is bigger than 64 KiB: name the file with nothing but the secret"));
    }
    Ok(bytes)
}

fn check_file(descriptor: &OwnedFd, path: &Path, open: u32) -> Result<(), String> {
    let shown = path.display();
    let stat = rustix::fs::fstat(descriptor).map_err(|error| format!("{shown} cannot be looked at: {error}"))?;
    let (mode, owner) = (stat.st_mode & 0o7777, stat.st_uid);
    let is = format!("{shown} (mode {mode:04o}, owner {owner})");
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(format!("{is} is not a regular file: put what it is for in one"));
    }
    if !is_trusted_owner(&stat) {
        return Err(format!("{is} belongs to somebody else: it must belong to you or root"));
    }
    if stat.st_mode & open != 0 {
        let what = if open == PRIVATE {
            "can be read or written by others: chmod 600 it"
        } else {
            "can be written by others: chmod go-w it"
        };
        return Err(format!("{is} {what}"));
    }
    Ok(())
}

/// Who can rename a directory above can put another file in this one's place.
fn check_parents(path: &Path) -> Result<(), String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(|error| format!("{} cannot be resolved: {error}", parent.display()))?;
    for directory in parent.ancestors() {
        let shown = directory.display();
        let stat = rustix::fs::stat(directory).map_err(|error| format!("{shown} cannot be looked at: {error}"))?;
        let (mode, owner) = (stat.st_mode & 0o7777, stat.st_uid);
        let is = format!("{shown} (mode {mode:04o}, owner {owner}), above {},", path.display());
        if !is_trusted_owner(&stat) {
            return Err(format!("{is} belongs to somebody else: it must belong to you or root"));
        }
        if mode & 0o022 != 0 && mode & STICKY == 0 {
            return Err(format!("{is} lets others replace what is in it: chmod go-w it"));
        }
    }
    Ok(())
}

fn is_trusted_owner(stat: &Stat) -> bool {
    stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw()
}

async fn run(words: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
    let program = &words[0];
    let mut child = tokio::process::Command::new(program)
        .args(&words[1..])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own: what it starts can be stopped with it, and Ctrl-C is not for it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let output = child.stdout.take();
    let finished = tokio::time::timeout(COMMAND_TIME, async {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        if let Some(output) = output {
            let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
            output.take(limit).read_to_end(&mut bytes).await?;
        }
        Ok::<_, std::io::Error>((bytes, child.wait().await?))
    });
    match finished.await {
        Ok(Ok((bytes, status))) if status.success() && bytes.len() <= MAX_BYTES => Ok(bytes),
        Ok(Ok((_, status))) if status.success() => Err(format!("{program} printed more than 64 KiB")),
        Ok(Ok((_, status))) => Err(format!("{program} failed ({status}): run it by hand to see why")),
        Ok(Err(error)) => Err(format!("{program} cannot be waited for: {error}")),
        Err(_) => {
            if let Some(group) = group {
                // It may have ended meanwhile: nothing to stop then.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            Err(format!("{program} took longer than {} s and was stopped", COMMAND_TIME.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(bytes: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        (directory, path)
    }

    async fn resolved(reference: SecretReference) -> Result<String, String> {
        reference.resolve().await.map(|secret| secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn files_are_trimmed_and_checked() {
        let big = vec![b'x'; MAX_BYTES + 1];
        for (bytes, mode, expected) in [
            (&b"s3cret"[..], 0o600, Ok("s3cret")),
            (b"s3cret\n", 0o400, Ok("s3cret")),
            (b"\xef\xbb\xbfs3cret\r\n", 0o600, Ok("s3cret")),
            (b"s3cret", 0o644, Err("0644")),
            (b"s3cret", 0o640, Err("0640")),
            (b"", 0o600, Err("empty")),
            (b"\n", 0o600, Err("empty")),
            (b"s3cret\nmore", 0o600, Err("one line")),
            ("s\u{e9}cret".as_bytes(), 0o600, Err("printable ASCII")),
            (&big, 0o600, Err("64 KiB")),
        ] {
            let (_directory, path) = file(bytes, mode);
            let result = resolved(SecretReference::File(path.clone())).await;
            match (&result, expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret, expected),
                (Err(message), Err(part)) => {
                    assert!(message.contains(part) && message.contains(path.to_str().unwrap()), "{message}");
                    assert!(!message.contains("s3cret"), "{message}");
                }
                _ => panic!("{mode:o}: {result:?}, not {expected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_private_key_has_several_lines_and_is_as_private_as_any_secret() {
        let key = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n";
        for (bytes, mode, expected) in [
            (&key[..], 0o600, None),
            (&key[..], 0o640, Some("0640")),
            (b"MIIEvQIBADANBgkq", 0o600, Some("nothing in PEM")),
        ] {
            let (_directory, path) = file(bytes, mode);
            let read = SecretReference::File(path.clone()).resolve_pem().await;
            match (read, expected) {
                (Ok(pem), None) => assert_eq!(pem.expose_secret().as_bytes(), key),
                (Err(message), Some(part)) => {
                    assert!(message.contains(part) && message.contains(path.to_str().unwrap()), "{message}");
                    assert!(!message.contains("MIIEvQ"), "{message}");
                }
                (read, _) => panic!("{mode:o}: {:?}", read.is_ok()),
            }
        }
    }

    #[test]
    fn certificates_may_be_read_by_everybody_and_changed_by_nobody_else() {
        let certificate = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for (mode, fine) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
            let (_directory, path) = file(certificate, mode);
            assert_eq!(read_certificates(&path).is_ok(), fine, "{mode:o}");
        }
        let (_directory, path) = file(b"hello", 0o644);
        assert!(read_certificates(&path).unwrap_err().contains("nothing in PEM"));
    }

    #[tokio::test]
    async fn odd_places_are_refused() {
        let (directory, path) = file(b"s3cret", 0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for (odd, part) in [(link, "symbolic link"), (fifo, "regular file"), (directory.path().into(), "regular file")]
        {
            let message = resolved(SecretReference::File(odd)).await.unwrap_err();
            assert!(message.contains(part), "{message}");
        }
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let message = resolved(SecretReference::File(path.clone())).await.unwrap_err();
        assert!(message.contains("0777"), "{message}");
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o1777)).unwrap();
        assert_eq!(resolved(SecretReference::File(path)).await.as_deref(), Ok("s3cret"));
    }

    #[tokio::test]
    async fn commands_get_no_environment() {
        let run = |script: &str| resolved(SecretReference::Command(vec!["/bin/sh".into(), "-c".into(), script.into()]));
        assert_eq!(run("echo s3cret").await.as_deref(), Ok("s3cret"));
        assert_eq!(run("echo ${HOME:-none}").await.as_deref(), Ok("none"));
        assert!(run("echo s3cret; exit 3").await.unwrap_err().contains("failed"));
        assert!(run("head -c 70000 /dev/zero").await.is_err());
        let missing = resolved(SecretReference::Command(vec!["/nonexistent/tool".into()])).await;
        assert!(missing.unwrap_err().contains("/nonexistent/tool"));
    }

    #[tokio::test]
    async fn a_variable_that_is_not_set_is_named() {
        let message = resolved(SecretReference::Env("ESTOP_TEST_NOT_SET".into())).await.unwrap_err();
        assert!(message.contains("ESTOP_TEST_NOT_SET"), "{message}");
    }
}

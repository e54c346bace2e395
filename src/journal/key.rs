//! The key of this host's note signer: an Ed25519 seed in a file that is nobody else's.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Checkpoint, JournalError, disk, merkle::Node};

/// The note format's number of Ed25519.
const ED25519: u8 = 1;
/// Bytes of a seed.
const SEED: usize = 32;

/// Signs checkpoints.
pub(super) struct Signer {
    key: SigningKey,
    /// `estop/HOST`, or `estop-exercise/HOST`.
    prefix: String,
}

impl Signer {
    /// With the first key that is there; where there is none, a new one is made at the first place that takes it.
    ///
    /// # Errors
    /// A key that others can read is none. Or no place takes a new one.
    pub(super) fn open(places: &[PathBuf], host: &str, exercise: bool) -> Result<Self, JournalError> {
        let prefix = prefix(host, exercise);
        for place in places {
            if let Some(seed) = read(place)? {
                return Ok(Self { key: SigningKey::from_bytes(&seed), prefix });
            }
        }
        let mut refused = None;
        for place in places {
            match make(place) {
                Ok(seed) => return Ok(Self { key: SigningKey::from_bytes(&seed), prefix }),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| JournalError::Unsigned("there is no place for its key".to_owned())))
    }

    /// The checkpoint of a file. `stem`: its name, without `.jsonl`.
    pub(super) fn sign(&self, stem: &str, size: u64, root: Node) -> Checkpoint {
        let origin = format!("{}/{stem}", self.prefix);
        let text = Checkpoint::text(&origin, size, &root);
        let public = self.key.verifying_key();
        let mut signature = key_id(&origin, &public).to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        let note = format!("{text}\n\u{2014} {origin} {}\n", BASE64_STANDARD.encode(signature));
        Checkpoint { origin, size, root, note }
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A note's names have no spaces and no plus.
fn prefix(host: &str, exercise: bool) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let host: String = host.chars().map(kept).collect();
    format!("{}/{}", if exercise { "estop-exercise" } else { "estop" }, if host.is_empty() { "host" } else { &host })
}

fn key_id(name: &str, public: &VerifyingKey) -> [u8; 4] {
    let mut hash = Sha256::new_with_prefix(name);
    hash.update([b'\n', ED25519]);
    hash.update(public.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The public half as the note format has it, `NAME+ID+KEY`: with it anybody can check that log's notes. `Ok(None)`:
/// there is no key yet.
///
/// # Errors
/// The file is no key, or one that others can read.
pub(super) fn verifier_key(place: &Path, origin: &str) -> Result<Option<String>, JournalError> {
    let Some(seed) = read(place)? else { return Ok(None) };
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let id = hex::encode(key_id(origin, &public));
    let key = BASE64_STANDARD.encode([&[ED25519], public.as_bytes().as_slice()].concat());
    Ok(Some(format!("{origin}+{id}+{key}")))
}

/// The same key under the name of another log of its host. `None`: it is no verifier key.
pub fn verifier_key_for(key: &str, origin: &str) -> Option<String> {
    let encoded = key.trim().splitn(3, '+').nth(2)?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let (&ED25519, public) = bytes.split_first()? else { return None };
    let public = VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
    Some(format!("{origin}+{}+{encoded}", hex::encode(key_id(origin, &public))))
}

/// The origin of a host's file.
pub(super) fn origin(host: &str, exercise: bool, stem: &str) -> String {
    format!("{}/{stem}", prefix(host, exercise))
}

fn read(place: &Path) -> Result<Option<Zeroizing<[u8; SEED]>>, JournalError> {
    let Some(bytes) = disk::read_secret(place)? else { return Ok(None) };
    let mut seed = Zeroizing::new([0; SEED]);
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    hex::decode_to_slice(text, &mut *seed).map_err(|_| JournalError::odd(place, "is not the key of a note signer"))?;
    Ok(Some(seed))
}

fn make(place: &Path) -> Result<Zeroizing<[u8; SEED]>, JournalError> {
    let mut seed = Zeroizing::new([0; SEED]);
    let filled = rustix::rand::getrandom(&mut *seed, rustix::rand::GetRandomFlags::empty());
    if filled != Ok(SEED) {
        return Err(JournalError::Unsigned("the system gives no random numbers".to_owned()));
    }
    let text = Zeroizing::new(format!("{}\n", hex::encode(*seed)));
    if let Some(parent) = place.parent() {
        disk::own_directory(parent)?;
    }
    if disk::create_whole(place, text.as_bytes())? {
        return Ok(seed);
    }
    // Another process has just made it.
    read(place)?.ok_or_else(|| JournalError::odd(place, "comes and goes"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("key");
        let sign = || Signer::open(std::slice::from_ref(&place), "jump 1", false).map(|s| s.sign("x", 3, [7; 32]));
        let first = sign().unwrap();
        assert_eq!(first, sign().unwrap(), "the same key, and Ed25519 is deterministic");
        assert_eq!(first.origin, "estop/jump-1/x");
        assert_eq!(Checkpoint::parse(&first.note).as_ref(), Some(&first));
        let mode = std::fs::metadata(&place).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        let seed = std::fs::read_to_string(&place).unwrap();
        for (mode, what) in [(0o640, "0640"), (0o604, "0604")] {
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = sign().unwrap_err().to_string();
            assert!(error.contains(what) && !error.contains(seed.trim()), "{error}");
        }
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&place, "short").unwrap();
        assert!(sign().unwrap_err().to_string().contains("not the key"));
    }

    /// Four processes start at once on a new host: one key, and nobody sees half of it.
    #[test]
    fn those_that_start_together_sign_with_one_key() {
        for _ in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            let place = directory.path().join("key");
            let sign = || Signer::open(std::slice::from_ref(&place), "h", false).map(|s| s.sign("x", 3, [7; 32]).note);
            let notes: Vec<_> = std::thread::scope(|scope| {
                let signing: Vec<_> = (0..4).map(|_| scope.spawn(sign)).collect();
                signing.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert!(notes.iter().all(|note| note.is_ok() && *note == notes[0]), "{notes:?}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
        }
    }

    #[test]
    fn a_place_that_takes_no_key_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let places = [directory.path().join("file/key"), directory.path().join("key")];
        assert!(Signer::open(&places, "h", true).is_ok());
        assert!(places[1].exists());
        assert!(verifier_key(&places[1], "estop-exercise/h/x").unwrap().unwrap().starts_with("estop-exercise/h/x+"));
        assert_eq!(verifier_key(&places[0], "x").unwrap(), None);
    }
}

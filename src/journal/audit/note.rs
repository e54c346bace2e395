//! A signed note, read to be checked.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// What begins a line with a signature: an em dash and a space.
const MARK: &str = "\u{2014} ";
/// The number of Ed25519 in a verifier key and a key's id.
const ALGORITHM: u8 = 1;

/// A checkpoint and who says that they signed it.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: [u8; 32],
    /// What is signed: everything up to the empty line.
    text: String,
    /// Name, key id, signature.
    signatures: Vec<(String, [u8; 4], [u8; 64])>,
}

impl Note {
    pub(super) fn parse(note: &str) -> Result<Self, String> {
        let odd = || "it is no checkpoint".to_owned();
        let split = note.rfind("\n\n").ok_or_else(odd)?;
        let (text, signed) = (&note[..=split], &note[split + 2..]);
        if !signed.ends_with('\n') || text.contains('\r') {
            return Err(odd());
        }
        let mut lines = text.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty()).ok_or_else(odd);
        let (origin, size, root) = (next()?, next()?, next()?);
        let number: u64 = size.parse().map_err(|_| odd())?;
        if number.to_string() != size {
            return Err("its size is not a plain number".to_owned());
        }
        let root = BASE64_STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or_else(odd)?;
        let signatures = signed.lines().filter_map(signature).collect();
        Ok(Self { origin: origin.to_owned(), size: number, root, text: text.to_owned(), signatures })
    }

    /// Whether its signature can be checked with this key.
    pub(super) fn is_checkable(&self, key: Option<&str>) -> bool {
        matches!(self.is_signed(key), Ok(true))
    }

    /// Whether the key's owner has signed it; `Ok(false)`: there is no key to tell by.
    pub(super) fn is_signed(&self, key: Option<&str>) -> Result<bool, String> {
        let Some(key) = key else { return Ok(false) };
        let key = public(key).ok_or("the verifier key is none: NAME+ID+KEY was expected")?;
        for (name, id, signature) in &self.signatures {
            if *id != key_id(name, &key) {
                continue;
            }
            let holds = key.verify_strict(self.text.as_bytes(), &Signature::from_bytes(signature));
            return holds.map(|()| true).map_err(|_| "its signature does not hold".to_owned());
        }
        Err("the owner of that key has not signed it".to_owned())
    }
}

fn signature(line: &str) -> Option<(String, [u8; 4], [u8; 64])> {
    let (name, rest) = line.strip_prefix(MARK)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(rest).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    Some((name.to_owned(), *id, signature.try_into().ok()?))
}

/// The key of `NAME+ID+KEY`. It may be named for another journal of the same host: the key is the same.
fn public(text: &str) -> Option<VerifyingKey> {
    let mut parts = text.trim().splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = BASE64_STANDARD.decode(key).ok()?;
    let (&ALGORITHM, key) = bytes.split_first()? else { return None };
    let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let id = u32::from_str_radix(id, 16).ok()?;
    (key_id(name, &key) == id.to_be_bytes()).then_some(key)
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut named = name.as_bytes().to_vec();
    named.extend_from_slice(&[b'\n', ALGORITHM]);
    named.extend_from_slice(key.as_bytes());
    let digest: [u8; 32] = Sha256::digest(&named).into();
    [digest[0], digest[1], digest[2], digest[3]]
}

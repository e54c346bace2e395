//! RFC 6962, counted like a binary number: level n holds the root of 2ⁿ lines, or nothing.

use sha2::{Digest as _, Sha256};

/// The tree of the lines so far.
#[derive(Debug, Default)]
pub(super) struct Counter {
    levels: Vec<Option<[u8; 32]>>,
    size: u64,
}

impl Counter {
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn push(&mut self, line: &[u8]) {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(line);
        let mut carry: [u8; 32] = hasher.finalize().into();
        self.size += 1;
        for level in &mut self.levels {
            match level.take() {
                Some(left) => carry = pair(left, carry),
                None => {
                    *level = Some(carry);
                    return;
                }
            }
        }
        self.levels.push(Some(carry));
    }

    pub(super) fn root(&self) -> [u8; 32] {
        let mut root: Option<[u8; 32]> = None;
        for level in self.levels.iter().flatten() {
            root = Some(root.map_or(*level, |right| pair(*level, right)));
        }
        root.unwrap_or_else(|| Sha256::digest(b"").into())
    }
}

fn pair(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    let mut both = [1; 65];
    both[1..33].copy_from_slice(&left);
    both[33..].copy_from_slice(&right);
    Sha256::digest(both).into()
}

//! Chance from a seed: the same seed and the same calls give the same world, to the byte.

use uuid::Uuid;

/// A small generator (`SplitMix64`): good enough for jitter and names, never for real secrets.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `bound - 1`; 0 where the bound is 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    pub(super) fn uuid(&mut self) -> String {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// Letters and digits, as generated client secrets and session ids are.
    pub(super) fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.below(62)).unwrap_or(0);
                char::from(LETTERS[index])
            })
            .collect()
    }
}

/// An id that depends only on the seed and on what it names.
pub(super) fn named_uuid(seed: u64, what: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{seed}/{what}").as_bytes()).to_string()
}

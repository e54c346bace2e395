//! A line's hash, and how it is written.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256. It is written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

/// What a byte is worth as a lower-case hex digit; above 15: it is none.
const WORTH: [u8; 256] = {
    let mut worth = [0x80; 256];
    let mut digit = 0;
    while digit < 16 {
        worth[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    worth
};

impl Hash {
    /// Before the first line.
    pub const ZERO: Self = Self([0; 32]);

    /// Of bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From its 64 digits, exactly as they are written. `None`: they are none.
    pub(super) fn parse(digits: &[u8]) -> Option<Self> {
        let digits: &[u8; 64] = digits.try_into().ok()?;
        let (mut bytes, mut odd) = ([0; 32], 0);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (WORTH[usize::from(pair[0])], WORTH[usize::from(pair[1])]);
            odd |= high | low;
            *byte = high << 4 | low;
        }
        (odd < 16).then_some(Self(bytes))
    }

    /// As it is written.
    pub(super) fn digits(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).expect("32 bytes are 64 digits");
        digits
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).expect("hex digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_is_read() {
        let hash = Hash::of(b"a line");
        let digits = hash.digits();
        assert_eq!(Hash::parse(&digits), Some(hash));
        assert_eq!(hash.to_string().as_bytes(), digits);
        assert_eq!(Hash::parse(&Hash::ZERO.digits()), Some(Hash::ZERO));
        assert_eq!(Hash::parse(&digits[1..]), None);
        for at in 0..64 {
            for odd in [b'A', b'g', b'/', b':', b'`', b'\0', 0xff] {
                let mut digits = digits;
                digits[at] = odd;
                assert_eq!(Hash::parse(&digits), None, "{odd} at {at}");
            }
        }
    }
}

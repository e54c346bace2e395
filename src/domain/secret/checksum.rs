//! Checksums and ids inside tokens, as their issuers compute them.
//!
//! A checksum that holds proves that a string was minted in that format, not that it is alive.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// Digits of GitHub's and Synapse's checksums.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits of GitLab's numbers.
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Digits of AWS ids (RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn digits<const N: usize>(mut value: u32, alphabet: &[u8]) -> [u8; N] {
    let mut out = [alphabet[0]; N];
    let base = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
    for digit in out.iter_mut().rev() {
        *digit = alphabet[(value % base) as usize];
        value /= base;
    }
    out
}

/// CRC-32 in base62, six digits.
pub(super) fn base62_crc(payload: &[u8]) -> [u8; 6] {
    digits(crc32fast::hash(payload), BASE62)
}

/// GitHub, npm and others: `PREFIX_` + payload + checksum of the payload alone.
pub(super) fn github_holds(token: &str) -> bool {
    let body = token.split_once('_').map_or("", |(_, body)| body).as_bytes();
    body.split_last_chunk::<6>().is_some_and(|(payload, crc)| !payload.is_empty() && base62_crc(payload) == *crc)
}

/// Synapse: everything before the last `_`, prefix included, then the checksum of it.
pub(super) fn synapse_holds(token: &str) -> bool {
    token.rsplit_once('_').is_some_and(|(base, crc)| base62_crc(base.as_bytes()).as_slice() == crc.as_bytes())
}

/// What a routable GitLab token says: one letter and a number each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Routing {
    /// Whether its checksum and its length hold.
    pub(super) sound: bool,
    /// `o` organization, `c` cell, `g` group, `p` project, `u` user, `t` type.
    pub(super) parts: Vec<(char, u64)>,
}

/// Reads `PREFIX-BASE64.01.LLCCCCCCC`, or the older form without version.
pub(super) fn gitlab_routing(token: &str) -> Option<Routing> {
    let (front, crc) = token.split_at_checked(token.len().checked_sub(7)?)?;
    let encoded = token.split_once('-')?.1.split('.').next()?;
    let length: &str = front.rsplit('.').next()?;
    let sound = digits::<7>(crc32fast::hash(front.as_bytes()), BASE36).as_slice() == crc.as_bytes()
        && u64::from_str_radix(length, 36).ok() == u64::try_from(encoded.len()).ok();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let (length, rest) = bytes.split_last()?;
    let payload = rest.get(rest.len().checked_sub(usize::from(*length))?..)?;
    let line = |line: &str| {
        let (key, value) = line.split_once(':')?;
        Some((key.chars().next().filter(|_| key.len() == 1)?, u64::from_str_radix(value, 36).ok()?))
    };
    let parts = std::str::from_utf8(payload).ok()?.lines().map(line).take(16).collect::<Option<_>>()?;
    Some(Routing { sound, parts })
}

/// The account that an AWS access key id was made in; `None` for the old ids, which do not say it.
pub(super) fn aws_account(key_id: &str) -> Option<String> {
    let body = key_id.as_bytes().get(4..14)?;
    if matches!(body[0], b'I' | b'J') {
        return None;
    }
    let digit = |byte: &u8| BASE32.iter().position(|digit| digit == byte).and_then(|at| u64::try_from(at).ok());
    let bits = body.iter().map(digit).try_fold(0_u64, |bits, digit| Some(bits << 5 | digit?))?;
    // Ten digits are 50 bits; the account is in the first 48 of them, without the first and the last seven.
    let account = (bits >> 2 & 0x7fff_ffff_ff80) >> 7;
    Some(format!("{account:012}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A token of GitHub's form with a checksum that holds.
    pub fn github(prefix: &str, payload: &str) -> String {
        format!("{prefix}_{payload}{}", std::str::from_utf8(&base62_crc(payload.as_bytes())).unwrap())
    }

    /// A token of Synapse's form with a checksum that holds.
    pub fn synapse(base: &str) -> String {
        format!("{base}_{}", std::str::from_utf8(&base62_crc(base.as_bytes())).unwrap())
    }

    /// A routable GitLab token.
    pub fn gitlab(payload: &str) -> String {
        let mut bytes = vec![7_u8; 16];
        bytes.extend_from_slice(payload.as_bytes());
        bytes.push(u8::try_from(payload.len()).unwrap());
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let length: [u8; 2] = digits(u32::try_from(encoded.len()).unwrap(), BASE36);
        let front = format!("glpat-{encoded}.01.{}", std::str::from_utf8(&length).unwrap());
        let crc: [u8; 7] = digits(crc32fast::hash(front.as_bytes()), BASE36);
        format!("{front}{}", std::str::from_utf8(&crc).unwrap())
    }

    /// An AWS key id of an account.
    pub fn aws(prefix: &str, account: u64) -> String {
        let bits = (account << 7 | 1 << 47) << 2;
        let body: String = (0..10).rev().map(|at| char::from(BASE32[(bits >> (5 * at) & 31) as usize])).collect();
        format!("{prefix}{body}QQQQQQ")
    }

    #[test]
    fn crc_in_base62_is_padded() {
        // CRC-32 of "123456789" is 0xCBF43926 by every table of it.
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        let decoded = base62_crc(b"123456789").iter().fold(0_u64, |value, digit| {
            value * 62 + u64::try_from(BASE62.iter().position(|one| one == digit).unwrap()).unwrap()
        });
        assert_eq!(decoded, 0xCBF4_3926);
        assert_eq!(base62_crc(b""), *b"000000");
    }

    #[test]
    fn a_changed_letter_is_noticed() {
        let payload = "A1b2".repeat(8)[..30].to_owned();
        let token = github("ghp", &payload);
        assert!(github_holds(&token));
        assert!(!github_holds(&token.replacen('A', "B", 1)));
        assert!(!github_holds("ghp_123456") && !github_holds("ghp") && !github_holds(""));
        let token = synapse(&format!("syt_YWxpY2U_{}", "abcdefghij".repeat(2)));
        assert!(synapse_holds(&token));
        // The prefix is part of what is summed.
        assert!(!synapse_holds(&token.replacen("syt", "syr", 1)));
    }

    #[test]
    fn gitlab_routing_says_whose_it_is() {
        let token = gitlab("c:1\no:1\nu:39u");
        let routing = gitlab_routing(&token).unwrap();
        assert!(routing.sound);
        assert_eq!(routing.parts, [('c', 1), ('o', 1), ('u', 4242)]);
        let changed = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
        assert!(!gitlab_routing(&changed).unwrap().sound);
        for hostile in ["", "glpat-", "glpat-.01.000000000", "glpat-__.01.aaaaaaaaa", "é-é.é.éééééééé"] {
            assert!(gitlab_routing(hostile).is_none_or(|routing| !routing.sound), "{hostile}");
        }
    }

    #[test]
    fn the_account_is_in_the_key_id() {
        assert_eq!(aws_account(&aws("AKIA", 123_456_789_012)).as_deref(), Some("123456789012"));
        assert_eq!(aws_account(&aws("ASIA", 7)).as_deref(), Some("000000000007"));
        assert_eq!(aws_account("AKIAIAAAAAAAAAAAAAAA"), None, "an old id");
        assert_eq!(aws_account("AKIA"), None);
        assert_eq!(aws_account("AKIA0000000000000000"), None);
    }
}

//! Whether a bare password is a role's, told by the server's own verifier of it. Pure; nothing is sent.
//!
//! ```text
//! pg_authid.rolpassword ─▶ Verifiers, in memory only, wiped ─▶ fits(password)
//! ```
//!
//! Only where estop may read `pg_authid`: a superuser may, or whoever was granted its columns. A verifier lets its
//! holder guess offline and pretend to be the server, so it is treated as a secret.
//!
//! Formats: <https://www.postgresql.org/docs/15/catalog-pg-authid.html>; SCRAM: RFC 5802, RFC 7677.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{digest, hmac, pbkdf2};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::catalog::Oid;

/// Rounds of hashing that one question may cost, over all roles: about a second. The server's default is 4096 a role.
const MOST_ROUNDS: u32 = 2_000_000;
/// Longer texts are no password of anybody's.
const LONGEST: usize = 1024;

/// What the server keeps of each role's password that was read.
#[derive(Default)]
pub(super) struct Verifiers(Mutex<BTreeMap<Oid, SecretString>>);

impl Verifiers {
    /// Keeps what was read; `None`: the role has no password.
    pub(super) fn keep(&self, role: Oid, verifier: Option<SecretString>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match verifier {
            Some(verifier) => all.insert(role, verifier),
            None => all.remove(&role),
        };
    }

    /// Whether this is the role's password; `None`: its verifier was not read, or is of a kind that is not known here.
    pub(super) fn fits(&self, role: Oid, name: &str, password: &str) -> Option<bool> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fits(all.get(&role)?.expose_secret(), name, password)
    }

    /// Those of the roles whose password this is.
    pub(super) fn roles_of(&self, password: &str, roles: &[(Oid, &str)]) -> Vec<Oid> {
        if password.is_empty() || password.len() > LONGEST || password.contains(['\n', '\0']) {
            return Vec::new();
        }
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = MOST_ROUNDS;
        let mut found = Vec::new();
        for (role, name) in roles {
            let Some(verifier) = all.get(role).map(SecretString::expose_secret) else { continue };
            let Some(rest) = left.checked_sub(rounds(verifier)) else { continue };
            left = rest;
            if fits(verifier, name, password) == Some(true) {
                found.push(*role);
            }
        }
        found
    }
}

fn rounds(verifier: &str) -> u32 {
    Scram::of(verifier).map_or(1, |scram| scram.rounds.get())
}

fn fits(verifier: &str, name: &str, password: &str) -> Option<bool> {
    if let Some(scram) = Scram::of(verifier) {
        return Some(scram.rounds.get() <= MOST_ROUNDS && scram.fits(password));
    }
    verifier.starts_with("md5").then(|| {
        let hashed = Zeroizing::new(postgres_protocol::password::md5(password.as_bytes(), name));
        *hashed == *verifier
    })
}

/// `SCRAM-SHA-256$ROUNDS:SALT$STORED_KEY:SERVER_KEY`; salt and keys are Base64.
struct Scram {
    rounds: NonZeroU32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
}

impl Scram {
    fn of(verifier: &str) -> Option<Self> {
        let (salted, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (rounds, salt) = salted.split_once(':')?;
        let (stored, _) = keys.split_once(':')?;
        Some(Self {
            rounds: rounds.parse().ok()?,
            salt: STANDARD.decode(salt).ok()?,
            stored_key: STANDARD.decode(stored).ok()?,
        })
    }

    fn fits(&self, password: &str) -> bool {
        // A text that cannot be prepared is taken as it is, as the server does.
        let prepared = Zeroizing::new(stringprep::saslprep(password).map_or_else(|_| password.to_owned(), Into::into));
        let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, self.rounds, &self.salt, prepared.as_bytes(), &mut *salted);
        let client_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*salted), b"Client Key");
        digest::digest(&digest::SHA256, client_key.as_ref()).as_ref() == self.stored_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(role: Oid, verifier: &str) -> Verifiers {
        let verifiers = Verifiers::default();
        verifiers.keep(role, Some(verifier.to_owned().into()));
        verifiers
    }

    /// Made by another implementation: the client library's, for `ALTER ROLE … PASSWORD`.
    #[test]
    fn a_password_is_told_by_its_verifier() {
        for password in ["hunter2", "pa ss", "IX", "\u{2168}", "ü\u{00ad}x"] {
            for verifier in [
                postgres_protocol::password::scram_sha_256(password.as_bytes()),
                postgres_protocol::password::md5(password.as_bytes(), "kb"),
            ] {
                let verifiers = kept(7, &verifier);
                assert_eq!(verifiers.fits(7, "kb", password), Some(true), "{password}: {verifier}");
                assert_eq!(verifiers.fits(7, "kb", "another"), Some(false));
                assert_eq!(verifiers.roles_of(password, &[(6, "x"), (7, "kb")]), [7]);
                assert!(verifiers.roles_of("another", &[(7, "kb")]).is_empty());
            }
        }
    }

    /// The verifier that the exchange of RFC 7677 comes to.
    #[test]
    fn the_published_exchange_has_this_verifier() {
        let verifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                        wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(kept(7, verifier).fits(7, "user", "pencil"), Some(true));
        assert_eq!(kept(7, verifier).fits(7, "user", "Pencil"), Some(false));
    }

    #[test]
    fn what_is_no_verifier_tells_nothing() {
        for text in ["", "plain", "SCRAM-SHA-256$x:y$z:w", "SCRAM-SHA-256$0:AA==$AA==:AA=="] {
            assert_eq!(kept(7, text).fits(7, "kb", "plain"), None, "{text}");
        }
        let slow = "SCRAM-SHA-256$2000000000:AA==$AA==:AA==";
        assert!(kept(7, slow).roles_of("x", &[(7, "kb")]).is_empty(), "nobody waits for an hour");
        let verifiers = kept(7, "md5x");
        verifiers.keep(7, None);
        assert_eq!(verifiers.fits(7, "kb", "x"), None, "it has no password any more");
        assert!(kept(7, "md5x").roles_of(&"x".repeat(LONGEST + 1), &[(7, "kb")]).is_empty());
    }
}

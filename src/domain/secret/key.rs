//! Private keys: the public half says whose they are.
//!
//! ```text
//! PEM ─▶ DER ─▶ PKCS#8, PKCS#1, SEC1 or OpenSSH ─▶ public key ─▶ SPKI and ssh fingerprints, JWK thumbprint
//! ```
//!
//! An encrypted key says nothing but that it is one; only OpenSSH's own form has its public half in clear.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD, prelude::BASE64_URL_SAFE_NO_PAD};
use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef,
    der::{Decode as _, Encode as _, asn1::BitStringRef},
    spki::SubjectPublicKeyInfo,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{ClaimKind as K, Recognised, rule::Candidate, rules::ANY_STANDARD};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Curves: object id, the name in a JWK, the name in ssh.
const CURVES: [(ObjectIdentifier, &str, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "P-256", "nistp256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384", "nistp384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521", "nistp521"),
];
/// A key whose text is longer is not decoded.
const MAX_TEXT: usize = 32 * 1024;

/// A public key's parts.
enum Public {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { curve: ObjectIdentifier, point: Vec<u8> },
    Ed25519(Vec<u8>),
}

/// Adds the fingerprints of the key that begins where the match is.
pub(super) fn read(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let label = candidate.token().trim_start_matches("-----BEGIN ").trim_end_matches("-----");
    match label {
        "RSA PRIVATE KEY" => into.name = "RSA private key",
        "EC PRIVATE KEY" => into.name = "elliptic-curve private key",
        "OPENSSH PRIVATE KEY" => into.name = "OpenSSH private key",
        "ENCRYPTED PRIVATE KEY" => {
            into.caution = Some("it is encrypted: whose it is cannot be seen without its passphrase");
        }
        _ => {}
    }
    add_public(&candidate.text[candidate.range.start..], into);
    true
}

/// Adds the fingerprints of the first key in a text, if there is one that can be read.
pub(super) fn add_public(text: &str, into: &mut Recognised) {
    let Some((label, der)) = pem(text) else { return };
    if label == "OPENSSH PRIVATE KEY" {
        if let Some(blob) = openssh_public(&der) {
            into.add(K::PublicKey, ssh_fingerprint(blob));
        }
        return;
    }
    if let Some(public) = public_of(&label, &der) {
        public.add(into);
    }
}

/// The first PEM block: its label and what it holds. Line ends may be escaped, as in JSON.
fn pem(text: &str) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    if body.len() > MAX_TEXT {
        return None;
    }
    let body = Zeroizing::new(body.replace("\\n", "\n").replace("\\r", ""));
    // Headers of an encrypted key have a colon.
    let lines = body.lines().map(str::trim).filter(|line| !line.contains(':'));
    let mut encoded = Zeroizing::new(String::with_capacity(body.len()));
    lines.for_each(|line| encoded.extend(line.split_whitespace()));
    let der = ANY_STANDARD.decode(encoded.as_bytes()).ok()?;
    Some((label.to_owned(), Zeroizing::new(der)))
}

fn public_of(label: &str, der: &[u8]) -> Option<Public> {
    match label {
        "RSA PRIVATE KEY" => rsa(der),
        "EC PRIVATE KEY" => ec(der, None),
        _ => {
            let info = PrivateKeyInfoRef::from_der(der).ok()?;
            let secret = info.private_key.as_bytes();
            match info.algorithm.oid {
                RSA => rsa(secret),
                EC => ec(secret, info.algorithm.parameters_oid().ok()),
                ED25519 => {
                    // An octet string in an octet string.
                    let seed = secret.strip_prefix(&[4, 32])?;
                    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
                    Some(Public::Ed25519(pair.public_key().as_ref().to_vec()))
                }
                _ => None,
            }
        }
    }
}

fn rsa(der: &[u8]) -> Option<Public> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der).ok()?;
    let (modulus, exponent) = (key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec());
    Some(Public::Rsa { modulus, exponent })
}

/// Most writers put the public point beside the secret; where it is missing nothing is told.
fn ec(der: &[u8], curve: Option<ObjectIdentifier>) -> Option<Public> {
    let key = sec1::EcPrivateKey::from_der(der).ok()?;
    let curve = curve.or_else(|| key.parameters.and_then(sec1::EcParameters::named_curve))?;
    let point = key.public_key.filter(|point| point.len() % 2 == 1 && point.first() == Some(&4))?;
    Some(Public::Ec { curve, point: point.to_vec() })
}

impl Public {
    fn add(&self, into: &mut Recognised) {
        for value in [self.ssh().map(|blob| ssh_fingerprint(&blob)), self.spki(), self.thumbprint()] {
            into.add(K::PublicKey, value.unwrap_or_default());
        }
    }

    /// SHA-256 of the SPKI, as certificates and issuers' consoles have it.
    fn spki(&self) -> Option<String> {
        let (oid, parameters, key): (_, Option<Vec<u8>>, Vec<u8>) = match self {
            Self::Rsa { modulus, exponent } => {
                let modulus = pkcs1::UintRef::new(modulus).ok()?;
                let public_exponent = pkcs1::UintRef::new(exponent).ok()?;
                (RSA, Some(vec![5, 0]), pkcs1::RsaPublicKey { modulus, public_exponent }.to_der().ok()?)
            }
            Self::Ec { curve, point } => (EC, Some(curve.to_der().ok()?), point.clone()),
            Self::Ed25519(key) => (ED25519, None, key.clone()),
        };
        let parameters = match &parameters {
            Some(der) => Some(pkcs8::der::AnyRef::from_der(der).ok()?),
            None => None,
        };
        let algorithm = AlgorithmIdentifierRef { oid, parameters };
        let subject_public_key = BitStringRef::from_bytes(&key).ok()?;
        let der = SubjectPublicKeyInfo { algorithm, subject_public_key }.to_der().ok()?;
        Some(format!("sha256:{}", hex::encode(Sha256::digest(der))))
    }

    /// RFC 7638: the required members in the order of their names, without white space.
    fn thumbprint(&self) -> Option<String> {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let json = match self {
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus))
            }
            Self::Ec { curve, point } => {
                let (_, name, _) = CURVES.iter().find(|(oid, ..)| oid == curve)?;
                let (x, y) = point[1..].split_at(point.len() / 2);
                format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Self::Ed25519(key) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(key)),
        };
        Some(format!("jkt:{}", text(&Sha256::digest(json))))
    }

    /// The key as ssh writes it.
    fn ssh(&self) -> Option<Vec<u8>> {
        let mut blob = Vec::new();
        let number = |bytes: &[u8]| {
            let sign = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
            [if sign { &[0][..] } else { &[] }, bytes].concat()
        };
        let mut put = |bytes: &[u8]| {
            blob.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
            blob.extend_from_slice(bytes);
        };
        match self {
            Self::Rsa { modulus, exponent } => {
                put(b"ssh-rsa");
                put(&number(exponent));
                put(&number(modulus));
            }
            Self::Ec { curve, point } => {
                let (.., name) = CURVES.iter().find(|(oid, ..)| oid == curve)?;
                put(format!("ecdsa-sha2-{name}").as_bytes());
                put(name.as_bytes());
                put(point);
            }
            Self::Ed25519(key) => {
                put(b"ssh-ed25519");
                put(key);
            }
        }
        Some(blob)
    }
}

fn ssh_fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// The public key in OpenSSH's own form: after cipher, key derivation and its options, and a count.
fn openssh_public(der: &[u8]) -> Option<&[u8]> {
    fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
    }
    let mut rest = der.strip_prefix(b"openssh-key-v1\0")?;
    for _ in 0..3 {
        rest = string(rest)?.1;
    }
    string(rest.get(4..)?).map(|(blob, _)| blob)
}

#[cfg(test)]
mod tests;

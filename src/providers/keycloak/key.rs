//! A leaked private key: its public half as the realm has it, and assertions made with it.
//!
//! The key itself never leaves this host. What is sent is an assertion that lives for a minute and names the realm as
//! the only one that may take it (RFC 7523).

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls::{
    SignatureScheme,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::SigningKey,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::thumbprint;
use crate::domain::Fingerprint;

/// Seconds that an assertion lives.
const LIFE: i64 = 60;

/// A key with which a client signs.
pub(super) struct PrivateKey {
    key: Arc<dyn SigningKey>,
    fingerprint: Fingerprint,
    scheme: SignatureScheme,
    algorithm: &'static str,
}

impl PrivateKey {
    /// From PEM (PKCS #8, PKCS #1, SEC 1); `None` where it is none, or of a kind that signs no assertion.
    pub(super) fn of(text: &str) -> Option<Self> {
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
        let key = rustls::crypto::ring::sign::any_supported_type(&der).ok()?;
        let public = key.public_key()?;
        let jwk = jwk(public.as_ref())?;
        let (scheme, algorithm) = [
            (SignatureScheme::RSA_PKCS1_SHA256, "RS256"),
            (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256"),
            (SignatureScheme::ECDSA_NISTP384_SHA384, "ES384"),
            (SignatureScheme::ED25519, "EdDSA"),
        ]
        .into_iter()
        .find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some())?;
        Some(Self { key, fingerprint: thumbprint(&jwk), scheme, algorithm })
    }

    /// As a reading has it: over the input of the JWK thumbprint.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// A client assertion of that second for that audience.
    pub(super) fn assertion(&self, client_id: &str, audience: &str, kid: Option<&str>, now: i64) -> Option<String> {
        let mut header = json!({ "alg": self.algorithm, "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = Value::from(kid);
        }
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience,
            "jti": Uuid::new_v4().to_string(), "iat": now, "exp": now + LIFE,
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.choose_scheme(&[self.scheme])?.sign(signed.as_bytes()).ok()?;
        let signature = match self.scheme {
            SignatureScheme::ECDSA_NISTP256_SHA256 => fixed(&signature, 32)?,
            SignatureScheme::ECDSA_NISTP384_SHA384 => fixed(&signature, 48)?,
            _ => signature,
        };
        Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// One value of DER and what follows it. Lengths of keys need three bytes at most.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

/// The members that make the public key (RFC 7518 §6), from a `SubjectPublicKeyInfo`.
fn jwk(spki: &[u8]) -> Option<BTreeMap<String, Value>> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    let (info, _) = value(spki, 0x30)?;
    let (algorithm, key) = value(info, 0x30)?;
    let (kind, parameters) = value(algorithm, 0x06)?;
    let bits = value(key, 0x03)?.0.strip_prefix(&[0])?;
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let members = match kind {
        RSA => {
            let (n, rest) = value(value(bits, 0x30)?.0, 0x02)?;
            let (e, _) = value(rest, 0x02)?;
            vec![("kty", "RSA".to_owned()), ("n", text(unsigned(n))), ("e", text(unsigned(e)))]
        }
        EC => {
            let curve = match value(parameters, 0x06)?.0 {
                P256 => "P-256",
                P384 => "P-384",
                _ => return None,
            };
            let point = bits.strip_prefix(&[4])?;
            let (x, y) = point.split_at(point.len() / 2);
            vec![("kty", "EC".to_owned()), ("crv", curve.to_owned()), ("x", text(x)), ("y", text(y))]
        }
        ED25519 => vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", text(bits))],
        _ => return None,
    };
    Some(members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}

/// An integer without the sign's zero.
fn unsigned(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(bytes)
}

/// A JWT's signature has both numbers at full width, where DER has them as integers (RFC 7518 §3.4).
fn fixed(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let (r, rest) = value(value(der, 0x30)?.0, 0x02)?;
    let (s, _) = value(rest, 0x02)?;
    let mut out = Vec::with_capacity(width * 2);
    for number in [unsigned(r), unsigned(s)] {
        out.resize(out.len() + width.checked_sub(number.len())?, 0);
        out.extend_from_slice(number);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use rsa::{
        Generate as _,
        pkcs1::{EncodeRsaPrivateKey as _, LineEnding},
        traits::PublicKeyParts as _,
    };

    use super::*;

    #[test]
    fn an_rsa_key_has_the_fingerprint_that_the_realms_key_set_has() {
        let private = rsa::PrivateKey::generate();
        let pem = private.to_pkcs1_pem(LineEnding::LF).expect("PEM");
        let key = PrivateKey::of(&pem).expect("a key");
        let set = json!({"keys": [{"kty": "RSA", "kid": "k", "use": "sig",
            "n": BASE64_URL_SAFE_NO_PAD.encode(private.n_bytes()),
            "e": BASE64_URL_SAFE_NO_PAD.encode(private.e_bytes())}]});
        assert_eq!(super::super::record::jwks(&set.to_string())[0].fingerprint, *key.fingerprint());
        let assertion = key.assertion("bot", "https://sso.example/realms/bots", Some("k"), 100).expect("signed");
        let part = |index: usize| -> Value {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(assertion.split('.').nth(index).expect("a part"));
            serde_json::from_slice(&bytes.expect("base64")).expect("JSON")
        };
        assert_eq!(part(0), json!({"alg": "RS256", "typ": "JWT", "kid": "k"}));
        assert_eq!((&part(1)["aud"], &part(1)["exp"]), (&json!("https://sso.example/realms/bots"), &json!(160)));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "secret", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
            assert!(PrivateKey::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn signatures_are_widened() {
        let der = [0x30, 0x07, 0x02, 0x02, 0x00, 0x81, 0x02, 0x01, 0x05];
        assert_eq!(fixed(&der, 3), Some(vec![0, 0, 0x81, 0, 0, 5]));
        assert_eq!(fixed(&der, 0), None);
        assert_eq!(fixed(&[0x30, 0x84], 3), None);
    }
}

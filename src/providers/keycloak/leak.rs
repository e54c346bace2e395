//! What a leaked secret can be at Keycloak, by its own text.
//!
//! ```text
//! a.b.c ──claims──▶ Token      -----BEGIN … PRIVATE KEY----- ──▶ Key      anything else ──▶ Secret, by fingerprint
//! ```

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::key::PrivateKey;

/// What a token says of itself. Nobody has checked its signature: it names whom to look at, and proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) azp: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) jti: Option<String>,
}

impl Claims {
    /// To whom it was issued.
    pub(super) fn client(&self) -> Option<&str> {
        self.azp.as_deref().or(self.client_id.as_deref())
    }

    pub(super) fn kind(&self) -> TokenKind {
        match self.typ.as_deref() {
            Some("Bearer" | "DPoP") => TokenKind::Access,
            Some("Refresh" | "Offline") => TokenKind::Refresh,
            Some("InitialAccessToken") => TokenKind::InitialAccess,
            _ => TokenKind::Other,
        }
    }
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Access,
    /// Offline ones too.
    Refresh,
    InitialAccess,
    /// Identity tokens and whatever a later version makes.
    Other,
}

/// See the module.
pub(super) enum Leak {
    Token(Box<Claims>),
    Key(PrivateKey),
    Secret,
}

impl Leak {
    /// A text that is neither token nor key may be a client secret: only its fingerprint tells.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        if let Some(claims) = claims(text) {
            return Self::Token(Box::new(claims));
        }
        PrivateKey::of(text).map_or(Self::Secret, Self::Key)
    }
}

fn claims(text: &str) -> Option<Claims> {
    let mut parts = text.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_text_is_a_token_a_key_or_perhaps_a_secret() {
        for (typ, kind) in [
            ("Bearer", TokenKind::Access),
            ("Refresh", TokenKind::Refresh),
            ("Offline", TokenKind::Refresh),
            ("InitialAccessToken", TokenKind::InitialAccess),
            ("ID", TokenKind::Other),
        ] {
            let Leak::Token(claims) = Leak::of(&token(&format!(r#"{{"typ":"{typ}","azp":"bot"}}"#))) else {
                panic!("{typ} is a token")
            };
            assert_eq!((claims.kind(), claims.client()), (kind, Some("bot")));
        }
        for text in ["", "s3cret", "a.b.c", "e30.!!.c2ln", "e30.e30.c2ln.more", "-----BEGIN PRIVATE KEY-----\nx\n"] {
            assert!(matches!(Leak::of(text), Leak::Secret), "{text}");
        }
    }
}

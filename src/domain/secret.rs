//! A leaked secret: what its own text says that it is.
//!
//! ```text
//! text ─▶ shape + checksum + embedded ids (here, pure) ─▶ Recognised ─▶ whose (providers, from what they have read)
//! ```
//!
//! Nothing here sends anything, and nothing keeps the text: a [`Recognised`] holds ids that the secret embeds, never
//! the secret.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

mod checksum;
mod jwt;
mod key;
mod mask;
mod recognise;
mod redact;
mod rule;
mod rules;

pub use mask::mask;
pub use recognise::{Found, MAX_TEXT, find, recognise};
use redact::Registration;
pub use redact::{OwnSecret, Redactor, redact, redact_json, register};

use super::{BotName, Fingerprint, HoldingId, IdentityId, ProviderName, Untrusted};

/// A secret that somebody handed over: does not print, is wiped when the last owner drops it. Until then every output
/// has a mark in its place.
#[derive(Clone)]
pub struct LeakedSecret(Arc<Kept>);

struct Kept {
    secret: SecretString,
    _registration: Registration,
}

impl LeakedSecret {
    /// Takes it over. The caller wipes its own copies.
    pub fn new(secret: SecretString) -> Self {
        let registration = Registration::of("leaked-secret", secret.expose_secret().trim());
        Self(Arc::new(Kept { secret, _registration: registration }))
    }

    /// The text: for recognising it, and for the one request to its own provider.
    pub fn expose(&self) -> &str {
        self.0.secret.expose_secret()
    }

    /// What stands in journals and on screens in its place.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.expose().as_bytes())
    }
}

impl fmt::Debug for LeakedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How sure the text makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Only its shape, and words around it.
    Shape,
    /// Its prefix.
    Prefix,
    /// Its prefix and its length.
    Length,
    /// Its checksum: minted in that format, which is no proof that it lives.
    Checksum,
}

impl Confidence {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Prefix => "prefix",
            Self::Length => "prefix-and-length",
            Self::Checksum => "checksum",
        }
    }
}

/// What an id that the secret embeds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// Who issued it: a URL that is compared, never called.
    Issuer,
    /// Whose it is, in the issuer's own id.
    Subject,
    /// The client that it was issued to.
    Client,
    /// The session that it belongs to.
    Session,
    /// For whom it is meant.
    Audience,
    /// The id of the key or token.
    KeyId,
    /// The account, tenant, organization or workspace.
    Account,
    /// The user or service account.
    User,
    /// The application or installation.
    App,
    /// When it ends, seconds since 1970.
    ExpiresAt,
    /// When it was issued, seconds since 1970.
    IssuedAt,
    /// The public half of a private key: `SHA256:…` as ssh shows it, `sha256:…` (hex) of its SPKI, `jkt:…` its JWK
    /// thumbprint.
    PublicKey,
    /// Where it is used: a host, with its port where it says one. It is compared, never called.
    Host,
    /// The database.
    Database,
    /// The part of the account: `project/7`, `group/8`, `cell/1`, a namespace.
    Container,
    /// What it allows, in the issuer's words.
    Scope,
    /// What kind of token it says that it is: `Offline`, `at+jwt`.
    TokenType,
    /// What the issuer's listings show of it: its first characters.
    Hint,
    /// What the issuer's audit log shows in its place: a hash.
    Hash,
}

impl ClaimKind {
    /// The word in documents and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Session => "session",
            Self::Audience => "audience",
            Self::KeyId => "key-id",
            Self::Account => "account",
            Self::User => "user",
            Self::App => "app",
            Self::ExpiresAt => "expires-at",
            Self::IssuedAt => "issued-at",
            Self::PublicKey => "public-key",
            Self::Host => "host",
            Self::Database => "database",
            Self::Container => "container",
            Self::Scope => "scope",
            Self::TokenType => "token-type",
            Self::Hint => "hint",
            Self::Hash => "hash",
        }
    }
}

/// An id that the secret embeds. The text may be the attacker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it is.
    pub kind: ClaimKind,
    /// Its value.
    pub value: Untrusted,
}

/// What a text may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The rule's id, stable: `gh-pat`, `jwt`.
    pub rule: &'static str,
    /// For people: `GitHub classic personal access token`.
    pub name: &'static str,
    /// The kind of provider that issues it, in the configuration's word: `github`; `None` where many do.
    pub provider: Option<&'static str>,
    /// How sure.
    pub confidence: Confidence,
    /// What it embeds.
    pub claims: Vec<Claim>,
    /// What a responder should know before anything is done with it: `may be a canary: using it rings an alarm`.
    pub caution: Option<&'static str>,
}

impl Recognised {
    /// The first claim of a kind.
    pub fn claim(&self, kind: ClaimKind) -> Option<&Untrusted> {
        self.claims.iter().find(|claim| claim.kind == kind).map(|claim| &claim.value)
    }
}

/// How a secret can be used to see whether it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    /// Not at all: what it opens is out of estop's reach.
    None,
    /// By a request that changes nothing.
    ReadOnly,
    /// Only by a request that makes a new credential: it needs consent, and what it made is ended.
    Mints,
}

/// Whose a secret is, as a provider tells from what it has read. Found without sending the secret anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The bot that has the identity; `None`: another non-human identity.
    pub bot: Option<BotName>,
    /// Which identity it opens.
    pub identity: IdentityId,
    /// Its name.
    pub name: Untrusted,
    /// The holding that it is; `None` where no listing shows such a thing by itself: an access token.
    pub holding: Option<HoldingId>,
    /// How that is known, for people: `the fingerprint of its client secret`.
    pub how: String,
    /// How it can be used.
    pub probe: ProbeKind,
}

/// What became known of a secret without sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// In its place.
    pub fingerprint: Fingerprint,
    /// What it may be, the surest first; empty: no rule knows it.
    pub recognised: Vec<Recognised>,
    /// Whose it is; empty: nobody's that is known here.
    pub owners: Vec<Owner>,
}

/// What using a secret once has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Where it was used.
    pub at: ProviderName,
    /// Whether it works; `None`: that could not be told.
    pub alive: Option<bool>,
    /// What was asked and what came back, for people: `introspection: not active`.
    pub said: String,
}

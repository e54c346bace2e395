//! An identity and a reading as they are kept: without secrets, and quick to take in again.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Entries, Identity, IdentityId, IdentityKind, IdentityState, ProviderName, Reading, Untrusted, redact,
        redact_json,
    },
    journal::mask_reading,
};

/// Seconds since 1970, and nanoseconds: a fifth of the time that text takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct At(i64, i32);

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        Self(at.as_second(), at.subsec_nanosecond())
    }
}

impl At {
    /// The time; `None`: there is no such time.
    pub fn time(self) -> Option<Timestamp> {
        Timestamp::new(self.0, self.1).ok()
    }
}

/// An identity. Its provider is said once, for all.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row<'a> {
    #[serde(borrow)]
    native: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    kind: IdentityKind,
    state: IdentityState,
    #[serde(borrow)]
    attributes: Vec<(Text<'a>, Text<'a>)>,
    #[serde(borrow)]
    hints: Vec<(Text<'a>, Text<'a>)>,
    child_of: Option<String>,
    last_active_at: Option<At>,
}

/// A text that is borrowed from the bytes while they are taken in: also in a list, where a bare `Cow` would be a copy.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Row<'a> {
    /// Of an identity; `None`: it holds a secret where it cannot be masked.
    pub fn of(identity: &'a Identity) -> Option<Self> {
        let named = |(name, value): (&'a String, &'a Untrusted)| Some((clean(name)?, Text(redact(value.raw()))));
        let hint = |(name, value): (&'a String, &'a String)| Some((clean(name)?, clean(value)?));
        Some(Self {
            native: clean(identity.id.native())?,
            name: Text(redact(identity.name.raw())),
            kind: identity.kind,
            state: identity.state,
            attributes: identity.attributes.iter().map(named).collect::<Option<_>>()?,
            hints: identity.hints.iter().map(hint).collect::<Option<_>>()?,
            child_of: identity.child_of.as_ref().map(ToString::to_string),
            last_active_at: identity.last_active_at.map(At::from),
        })
    }

    /// The identity; `None`: nothing that estop has written.
    pub fn identity(self, provider: &ProviderName) -> Option<Identity> {
        let last_active_at = match self.last_active_at {
            Some(at) => Some(at.time()?),
            None => None,
        };
        let child_of = match self.child_of {
            Some(parent) => Some(Box::new(parent.parse().ok()?)),
            None => None,
        };
        let attribute = |(name, value): (Text<'_>, Text<'_>)| (name.0.into_owned(), Untrusted::new(value.0));
        let hint = |(name, value): (Text<'_>, Text<'_>)| (name.0.into_owned(), value.0.into_owned());
        Some(Identity {
            attributes: self.attributes.into_iter().map(attribute).collect::<Entries<_>>(),
            hints: self.hints.into_iter().map(hint).collect::<Entries<_>>(),
            child_of,
            last_active_at,
            ..Identity::new(
                IdentityId::new(provider.clone(), self.native.0),
                Untrusted::new(self.name.0),
                self.kind,
                self.state,
            )
        })
    }
}

/// The text as it is; `None`: it holds a secret.
fn clean(text: &str) -> Option<Text<'_>> {
    let redacted = redact(text);
    matches!(redacted, Cow::Borrowed(_)).then_some(Text(redacted))
}

/// A reading as text, its labels masked; `None`: it holds a secret where it cannot be masked, such as in an id that a
/// step would name.
pub fn reading_of(reading: &Reading) -> Option<String> {
    let mut reading = reading.clone();
    mask_reading(&mut reading);
    let json = serde_json::to_string(&reading).ok()?;
    let clean = matches!(redact_json(&json), Cow::Borrowed(_));
    clean.then_some(json)
}

//! Names of things. Every id is a type of its own: a bot is never taken for an identity.

use std::{fmt, str::FromStr, sync::Arc};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What stays as it is in an id: letters, digits and `-._~@` . Everything else is percent-encoded.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no `PROVIDER:` in front, or nothing behind it.
    #[error("an identity's id is PROVIDER:NATIVE-ID")]
    Shape,
    /// Its percent-encoding is not UTF-8.
    #[error("its percent-encoding is broken")]
    Encoding,
}

/// A provider's unique name in the configuration, such as `corp-sso`.
///
/// Shared: every identity of a provider has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct ProviderName(Arc<str>);

impl From<String> for ProviderName {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for ProviderName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// One non-human identity at one provider: `PROVIDER:NATIVE-ID`, the native id percent-encoded and opaque.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId {
    provider: ProviderName,
    native: Box<str>,
}

impl IdentityId {
    /// From the provider's name and its own id, as it came.
    pub fn new(provider: ProviderName, native: impl Into<String>) -> Self {
        Self { provider, native: native.into().into_boxed_str() }
    }

    /// The provider that knows it.
    pub fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// The provider's own id, decoded. It goes into requests only after the provider has checked its grammar.
    pub fn native(&self) -> &str {
        &self.native
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, utf8_percent_encode(&self.native, KEPT))
    }
}

impl FromStr for IdentityId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (provider, native) = text.split_once(':').ok_or(IdError::Shape)?;
        if provider.is_empty() || native.is_empty() {
            return Err(IdError::Shape);
        }
        let native = percent_decode_str(native).decode_utf8().map_err(|_| IdError::Encoding)?;
        Ok(Self::new(ProviderName::new(provider), native.into_owned()))
    }
}

/// One holding: identity id + class + native id, `corp-sso:5e0c/client-secret/sha256%3Aab12`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldingId {
    identity: IdentityId,
    class: String,
    native: String,
}

impl HoldingId {
    /// From the identity that holds it, the provider's word for its class, and the provider's id.
    pub fn new(identity: IdentityId, class: impl Into<String>, native: impl Into<String>) -> Self {
        Self { identity, class: class.into(), native: native.into() }
    }

    /// Whose it is.
    pub fn identity(&self) -> &IdentityId {
        &self.identity
    }

    /// The provider's own word: `client-secret`, `offline-session`, `consent` …
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The provider's own id of it, decoded.
    pub fn native(&self) -> &str {
        &self.native
    }
}

impl fmt::Display for HoldingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = utf8_percent_encode(&self.class, KEPT);
        write!(f, "{}/{class}/{}", self.identity, utf8_percent_encode(&self.native, KEPT))
    }
}

impl FromStr for HoldingId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(3, '/');
        let (Some(identity), Some(class), Some(native)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(IdError::Shape);
        };
        let decode = |part: &str| {
            percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| IdError::Encoding)
        };
        Ok(Self { identity: identity.parse()?, class: decode(class)?, native: decode(native)? })
    }
}

/// Serialized as their text form: ids are strings in every document.
macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )*};
}
serde_as_text!(IdentityId, HoldingId);

/// Newtypes over a string that is estop's own or has been checked: they may be displayed.
macro_rules! text_ids {
    ($($name:ident),*) => {$(
        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                let text: String = text.into();
                Self(text.into())
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text_ids!(ProviderName, StepId, ObjectId);

/// One action on one target: stable over plans, processes and retries, so that striking again is the same step.
///
/// Made of percent-encoded ids and estop's own words, hence printable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// `IDENTITY/ACTION` or `IDENTITY/ACTION/QUALIFIER`, where an action runs once per qualifier.
    pub fn of(identity: &IdentityId, action: &str, qualifier: Option<&str>) -> Self {
        match qualifier {
            None => Self(format!("{identity}/{action}")),
            Some(qualifier) => Self(format!("{identity}/{action}/{}", utf8_percent_encode(qualifier, KEPT))),
        }
    }
}

/// The provider's object that a step writes: steps on the same one run in order, others in parallel.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// `PROVIDER:KIND/NATIVE-ID`, encoded.
    pub fn of(provider: &ProviderName, kind: &str, native: &str) -> Self {
        Self(format!("{provider}:{kind}/{}", utf8_percent_encode(native, KEPT)))
    }
}

/// UUID newtypes: an incident is not an operation.
macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);
        impl $name {
            /// Wraps a UUID that the caller made.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            /// The UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}
uuid_ids!(
    /// The frame around one or more isolations: a `UUIDv7`, and the name of its journal.
    IncidentId,
    /// One isolation (later: one restore).
    OperationId
);

impl OperationId {
    /// The idempotency key of a step: the same for every attempt, by whichever process.
    pub fn key(self, step: &StepId) -> Uuid {
        Uuid::new_v5(&self.0, step.as_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_survive_the_round_trip(native in "\\PC{1,20}", class in "[a-z-]{1,9}", more in ".{0,20}") {
            let identity = IdentityId::new(ProviderName::new("p"), native);
            prop_assert_eq!(identity.to_string().parse::<IdentityId>(), Ok(identity.clone()));
            let holding = HoldingId::new(identity, class, more);
            prop_assert_eq!(holding.to_string().parse::<HoldingId>(), Ok(holding));
        }
    }
}

//! A client as estop keeps it: the wire's secrets are fingerprints here, and nothing that could be one is left.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use url::Url;

use super::wire::{ClientWire, SecretText};
use crate::domain::{Fingerprint, Identity, IdentityId, IdentityKind, IdentityState, ProviderName, Untrusted};

/// Hints: what later requests need to know about an identity.
pub(super) mod hint {
    pub(in super::super) const SERVICE_ACCOUNT: &str = "service-account-user";
    pub(in super::super) const AUTHORIZATION: &str = "authorization-services-enabled";
    pub(in super::super) const KEY_ATTRIBUTES: &str = "key-attributes";
    pub(in super::super) const TRUST_ATTRIBUTES: &str = "trust-attributes";
    /// Of every secret and key, so that those which open several identities show without reading each.
    pub(in super::super) const FINGERPRINTS: &str = "fingerprints";
    /// Followed by the name of a provider: who the service-account user is there, as a [`LinkBack`].
    pub(in super::super) const LINK: &str = "link/";
    /// Followed by the name of a key or trust attribute: its value, where that is public.
    pub(in super::super) const ATTRIBUTE: &str = "attribute/";
    /// It could make new credentials when it was read before: taking the role away does not unmake what it made.
    pub(in super::super) const COULD_MINT: &str = "could-mint";
}

/// Clients that every realm has and that are no bots, unless somebody gave them a service account.
const BUILT_IN: [&str; 6] =
    ["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"];

/// Attributes in which a key that opens the client may stand.
const KEY_ATTRIBUTES: [&str; 5] =
    ["jwks.string", "jwks.url", "jwt.credential.certificate", "jwt.credential.public.key", "x509.subjectdn"];
/// Attributes by which a foreign issuer's assertion opens the client.
const TRUST_ATTRIBUTES: [&str; 2] = ["jwt.credential.issuer", "jwt.credential.sub"];

/// Members of a JWK that are private (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Who a service-account user is at an identity provider: what a link that was cut is made of again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkBack {
    pub(super) user_id: String,
    pub(super) user_name: String,
}
/// The label of a key that a set names by nothing.
pub(super) const WITHOUT_KID: &str = "without kid";

/// A key that opens a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) fingerprint: Fingerprint,
    pub(super) label: Untrusted,
}

/// The secret before the present one, valid until then (seconds since 1970).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rotated {
    pub(super) fingerprint: Fingerprint,
    pub(super) expires: Option<i64>,
}

/// A client, without secrets.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "the API's own switches")]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) enabled: bool,
    pub(super) not_before: i64,
    pub(super) is_oidc: bool,
    pub(super) bearer_only: bool,
    pub(super) consent_required: bool,
    pub(super) user_flows: bool,
    pub(super) implicit_flow: bool,
    pub(super) service_accounts: bool,
    pub(super) authorization: bool,
    pub(super) full_scope: bool,
    pub(super) authenticator: String,
    pub(super) secret: Option<Fingerprint>,
    pub(super) secret_made: Option<i64>,
    /// Where the realm's policy rotates secrets; elsewhere they have no end.
    pub(super) secret_ends: Option<i64>,
    pub(super) rotated: Option<Rotated>,
    pub(super) keys: Vec<Key>,
    pub(super) key_attributes: Vec<&'static str>,
    pub(super) trust: Option<Untrusted>,
    pub(super) trust_attributes: Vec<&'static str>,
    /// Fingerprints of the values of key and trust attributes, by name.
    pub(super) opening: BTreeMap<&'static str, Fingerprint>,
    /// Those values, where they are public: what a cut is undone by.
    pub(super) public: BTreeMap<&'static str, String>,
    pub(super) lifespan: Option<i64>,
    pub(super) attributes: BTreeMap<String, Untrusted>,
    pub(super) default_scopes: Vec<String>,
    pub(super) optional_scopes: Vec<String>,
}

impl Record {
    pub(super) fn of(wire: ClientWire) -> Self {
        let attributes: BTreeMap<String, SecretText> =
            wire.attributes.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let text = |name: &str| attributes.get(name).map(SecretText::expose).filter(|text| !text.is_empty());
        let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok());
        let is_on = |name: &str| text(name) == Some("true");
        let present = |names: &[&'static str]| names.iter().copied().filter(|name| text(name).is_some()).collect();
        let fingerprint = |text: &str| Fingerprint::of(text.as_bytes());
        let device_or_ciba = is_on("oauth2.device.authorization.grant.enabled") || is_on("oidc.ciba.grant.enabled");
        Self {
            secret: wire.secret.as_ref().map(SecretText::expose).filter(|text| !text.is_empty()).map(fingerprint),
            secret_made: number("client.secret.creation.time"),
            secret_ends: number("client.secret.expiration.time"),
            rotated: text("client.secret.rotated").map(|text| Rotated {
                fingerprint: fingerprint(text),
                expires: number("client.secret.rotated.expiration.time"),
            }),
            keys: keys_of(&text),
            key_attributes: present(&KEY_ATTRIBUTES),
            trust: text("jwt.credential.issuer").map(Untrusted::from),
            trust_attributes: present(&TRUST_ATTRIBUTES),
            opening: opening().filter_map(|name| Some((name, fingerprint(text(name)?)))).collect(),
            public: opening().filter_map(|name| Some((name, public(name, text(name)?)?))).collect(),
            lifespan: number("access.token.lifespan").filter(|seconds| *seconds > 0),
            attributes: attributes
                .iter()
                .filter(|(name, _)| !may_be_secret(name))
                .map(|(name, value)| (name.clone(), Untrusted::from(value.expose())))
                .collect(),
            id: wire.id,
            client_id: wire.client_id,
            enabled: wire.enabled,
            not_before: wire.not_before,
            is_oidc: wire.protocol.as_deref().is_none_or(|protocol| protocol == "openid-connect"),
            bearer_only: wire.bearer_only,
            consent_required: wire.consent_required,
            user_flows: wire.standard_flow_enabled
                || wire.implicit_flow_enabled
                || wire.direct_access_grants_enabled
                || device_or_ciba,
            implicit_flow: wire.implicit_flow_enabled,
            service_accounts: wire.service_accounts_enabled,
            authorization: wire.authorization_services_enabled.unwrap_or(false),
            full_scope: wire.full_scope_allowed,
            authenticator: wire.client_authenticator_type.unwrap_or_default(),
            default_scopes: wire.default_client_scopes,
            optional_scopes: wire.optional_client_scopes,
        }
    }

    /// Whether it can act by itself or for users, and is not one of Keycloak's own.
    pub(super) fn is_listed(&self) -> bool {
        let own = BUILT_IN.contains(&self.client_id.as_str());
        self.service_accounts || (self.is_oidc && !own && !self.bearer_only)
    }

    /// What a thief of the listing could use: a secret, now or before.
    pub(super) fn has_secret(&self) -> bool {
        self.secret.is_some() || self.rotated.is_some()
    }

    /// Its form: for users where they log in through it, else by what it proves itself with.
    pub(super) fn kind(&self) -> IdentityKind {
        if self.consent_required || self.user_flows {
            IdentityKind::DelegatedIntegration
        } else if matches!(self.authenticator.as_str(), "client-jwt" | "client-x509" | "federated-jwt") {
            IdentityKind::WorkloadCredential
        } else {
            IdentityKind::ServiceAccount
        }
    }

    /// As an identity; `user` is its service-account user, where it is known.
    pub(super) fn identity(&self, provider: &ProviderName, user: Option<&str>) -> Identity {
        let mut hints = BTreeMap::from([(hint::AUTHORIZATION.to_owned(), self.authorization.to_string())]);
        if let Some(user) = user.filter(|_| self.service_accounts) {
            hints.insert(hint::SERVICE_ACCOUNT.to_owned(), user.to_owned());
        }
        for (name, attributes) in
            [(hint::KEY_ATTRIBUTES, &self.key_attributes), (hint::TRUST_ATTRIBUTES, &self.trust_attributes)]
        {
            if !attributes.is_empty() {
                hints.insert(name.to_owned(), attributes.join(" "));
            }
        }
        let fingerprints = self.fingerprints();
        if !fingerprints.is_empty() {
            hints.insert(hint::FINGERPRINTS.to_owned(), fingerprints.join(","));
        }
        Identity {
            attributes: self.attributes.clone().into(),
            hints: hints.into(),
            ..Identity::new(
                IdentityId::new(provider.clone(), self.id.clone()),
                Untrusted::from(self.client_id.as_str()),
                self.kind(),
                if self.enabled { IdentityState::Live } else { IdentityState::Gated },
            )
        }
    }

    fn fingerprints(&self) -> Vec<&str> {
        let secrets = self.secret.iter().chain(self.rotated.as_ref().map(|rotated| &rotated.fingerprint));
        secrets.chain(self.keys.iter().map(|key| &key.fingerprint)).map(Fingerprint::as_str).collect()
    }

    /// Whether it can ask for offline tokens, whose access tokens the realm's session maximum does not bound.
    pub(super) fn may_go_offline(&self) -> bool {
        self.user_flows && self.default_scopes.iter().chain(&self.optional_scopes).any(|name| name == "offline_access")
    }
}

/// Secrets and keys stand in attributes beside owner and environment: `client.secret*` but its times, `jwks*`, and
/// whatever is called like one.
fn may_be_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    if matches!(name.as_str(), "use.jwks.string" | "use.jwks.url") || name.rsplit('.').next() == Some("time") {
        return false;
    }
    if name.ends_with("token") {
        return true;
    }
    ["secret", "jwks", "key", "certificate", "password", "credential", "private"].iter().any(|word| name.contains(word))
}

fn opening() -> impl Iterator<Item = &'static str> {
    KEY_ATTRIBUTES.into_iter().chain(TRUST_ATTRIBUTES)
}

/// The value of a key or trust attribute, unless it holds what must not be kept: somebody may have pasted a private
/// key, or a URL with a password.
fn public(name: &str, value: &str) -> Option<String> {
    let is_public = match name {
        "jwks.string" => serde_json::from_str::<Jwks>(value).is_ok_and(|set| {
            !set.keys.iter().any(|key| PRIVATE_MEMBERS.iter().any(|member| key.contains_key(*member)))
        }),
        "jwks.url" => Url::parse(value)
            .is_ok_and(|url| url.password().is_none() && url.username().is_empty() && url.query().is_none()),
        _ => !value.contains("PRIVATE"),
    };
    is_public.then(|| value.to_owned())
}

fn keys_of<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Vec<Key> {
    let mut keys = text("jwks.string").map(jwks).unwrap_or_default();
    for (attribute, label) in [
        ("jwks.url", "keys at a URL"),
        ("jwt.credential.certificate", "certificate"),
        ("jwt.credential.public.key", "public key"),
        ("x509.subjectdn", "certificate by subject"),
    ] {
        if let Some(value) = text(attribute) {
            let compact: String = value.split_whitespace().collect();
            let bytes = BASE64_STANDARD.decode(&compact).unwrap_or_else(|_| value.as_bytes().to_vec());
            keys.push(Key { fingerprint: Fingerprint::of(&bytes), label: Untrusted::from(label) });
        }
    }
    keys.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    keys.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    keys
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<BTreeMap<String, serde_json::Value>>,
}

/// One key each; what cannot be read is one key, as it may open the client all the same.
pub(super) fn jwks(text: &str) -> Vec<Key> {
    let Ok(set) = serde_json::from_str::<Jwks>(text) else {
        return vec![Key { fingerprint: Fingerprint::of(text.as_bytes()), label: Untrusted::from("unreadable JWKS") }];
    };
    set.keys
        .iter()
        .map(|key| {
            let label = key.get("kid").and_then(serde_json::Value::as_str).unwrap_or(WITHOUT_KID);
            Key { fingerprint: thumbprint(key), label: Untrusted::from(label) }
        })
        .collect()
}

/// Over the input of a JWK thumbprint (RFC 7638 §3): the members that make the key, in lexical order. The same key
/// under another `kid` has the same one.
pub(super) fn thumbprint(key: &BTreeMap<String, serde_json::Value>) -> Fingerprint {
    let members: &[&str] = match key.get("kty").and_then(serde_json::Value::as_str) {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("OKP") => &["crv", "kty", "x"],
        Some("oct") => &["k", "kty"],
        _ => &[],
    };
    let canonical: BTreeMap<&str, &serde_json::Value> = if members.is_empty() {
        key.iter().filter(|(name, _)| *name != "kid").map(|(name, value)| (name.as_str(), value)).collect()
    } else {
        members.iter().filter_map(|name| key.get(*name).map(|value| (*name, value))).collect()
    };
    // String keys and values that came from JSON always serialize.
    Fingerprint::of(&serde_json::to_vec(&canonical).expect("a key is JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: serde_json::Value) -> Record {
        Record::of(serde_json::from_value(json).expect("a client"))
    }

    #[test]
    fn secrets_become_fingerprints_and_nothing_of_them_is_left() {
        let record = record(serde_json::json!({
            "id": "u1", "clientId": "bot", "enabled": true, "serviceAccountsEnabled": true, "secret": "S3CRET-NOW",
            "attributes": {
                "owner": "docs", "client.secret.rotated": "S3CRET-OLD", "client.secret.creation.time": "17", "client.secret.expiration.time": "18",
                "client.secret.rotated.expiration.time": "99", "jwks.string": "{\"keys\":[]}",
                "saml.signing.private.key": "S3CRET-KEY", "access.token.lifespan": "60",
            },
        }));
        let identity = record.identity(&ProviderName::new("sso"), Some("user"));
        let shown = format!("{record:?} {identity:?} {}", serde_json::to_string(&identity).expect("JSON"));
        assert!(!shown.contains("S3CRET"), "{shown}");
        assert_eq!(record.secret, Some(Fingerprint::of(b"S3CRET-NOW")));
        assert_eq!(record.rotated, Some(Rotated { fingerprint: Fingerprint::of(b"S3CRET-OLD"), expires: Some(99) }));
        assert_eq!((record.secret_made, record.secret_ends, record.lifespan), (Some(17), Some(18), Some(60)));
        assert!(identity.attributes.contains_key("owner"));
        assert_eq!(identity.hints[hint::SERVICE_ACCOUNT], "user");
    }

    #[test]
    fn the_same_key_under_another_kid_has_the_same_fingerprint() {
        let with = |kid: &str| {
            jwks(&format!(r#"{{"keys":[{{"kty":"RSA","kid":"{kid}","e":"AQAB","n":"xyz","alg":"RS256"}}]}}"#))
        };
        assert_eq!(with("a")[0].fingerprint, with("b")[0].fingerprint);
        assert_eq!(with("a")[0].fingerprint, Fingerprint::of(br#"{"e":"AQAB","kty":"RSA","n":"xyz"}"#));
        assert_eq!(jwks("garbage").len(), 1);
    }

    #[test]
    fn only_public_values_are_kept_to_be_put_back() {
        let private = r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB","d":"S3CRET"}]}"#;
        let shared = r#"{"keys":[{"kty":"oct","k":"S3CRET"}]}"#;
        let good = r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB"}]}"#;
        for (name, value, kept) in [
            ("jwks.string", good, true),
            ("jwks.string", private, false),
            ("jwks.string", shared, false),
            ("jwks.string", "S3CRET", false),
            ("jwks.url", "https://keys.example/jwks", true),
            ("jwks.url", "https://u:S3CRET@keys.example/jwks", false),
            ("jwks.url", "https://keys.example/jwks?token=S3CRET", false),
            ("jwt.credential.public.key", "-----BEGIN PRIVATE KEY-----", false),
            ("jwt.credential.issuer", "https://issuer", true),
        ] {
            let json = serde_json::json!({"id": "c", "clientId": "bot", "enabled": true, "attributes": {name: value}});
            let record = record(json);
            assert_eq!(record.public.values().any(|text| text == value), kept, "{name} {value}");
            assert_eq!(record.opening[name], Fingerprint::of(value.as_bytes()));
            assert!(kept || !format!("{record:?}").contains("S3CRET"), "{record:?}");
        }
    }

    #[test]
    fn what_is_listed_and_as_what() {
        let base = |more: serde_json::Value| {
            let mut json = serde_json::json!({"id": "u", "clientId": "x", "enabled": true});
            json.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            record(json)
        };
        for (more, listed, kind) in [
            (serde_json::json!({"serviceAccountsEnabled": true}), true, IdentityKind::ServiceAccount),
            (
                serde_json::json!({"standardFlowEnabled": true, "serviceAccountsEnabled": true}),
                true,
                IdentityKind::DelegatedIntegration,
            ),
            (serde_json::json!({"clientAuthenticatorType": "client-jwt"}), true, IdentityKind::WorkloadCredential),
            (
                serde_json::json!({"clientId": "account", "standardFlowEnabled": true}),
                false,
                IdentityKind::DelegatedIntegration,
            ),
            (
                serde_json::json!({"clientId": "admin-cli", "serviceAccountsEnabled": true}),
                true,
                IdentityKind::ServiceAccount,
            ),
            (serde_json::json!({"bearerOnly": true}), false, IdentityKind::ServiceAccount),
            (serde_json::json!({"protocol": "saml"}), false, IdentityKind::ServiceAccount),
        ] {
            let record = base(more.clone());
            assert_eq!((record.is_listed(), record.kind()), (listed, kind), "{more}");
        }
    }
}

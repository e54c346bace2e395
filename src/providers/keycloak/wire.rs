//! Answers of the Admin REST API, as far as estop looks at them. Nothing here is ever written back, so unknown fields
//! are ignored. Secrets arrive as [`SecretText`] and leave this layer as fingerprints only.
//!
//! Source: the `OpenAPI` description of Keycloak 26, checked against answers of a 26.7.3.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// Text that may be a secret: wiped when dropped, never shown.
#[derive(Clone)]
pub(super) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// `ClientRepresentation`. `secret` and some attributes come in clear.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "the API's own fields")]
pub(super) struct ClientWire {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) enabled: bool,
    pub(super) protocol: Option<String>,
    pub(super) client_authenticator_type: Option<String>,
    pub(super) secret: Option<SecretText>,
    pub(super) not_before: i64,
    pub(super) public_client: bool,
    pub(super) bearer_only: bool,
    pub(super) consent_required: bool,
    pub(super) standard_flow_enabled: bool,
    pub(super) implicit_flow_enabled: bool,
    pub(super) direct_access_grants_enabled: bool,
    pub(super) service_accounts_enabled: bool,
    pub(super) authorization_services_enabled: Option<bool>,
    pub(super) full_scope_allowed: bool,
    pub(super) attributes: Option<BTreeMap<String, Option<SecretText>>>,
    pub(super) default_client_scopes: Vec<String>,
    pub(super) optional_client_scopes: Vec<String>,
}

/// `UserRepresentation`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserWire {
    pub(super) id: String,
    #[serde(default)]
    pub(super) username: String,
    pub(super) enabled: Option<bool>,
    pub(super) not_before: Option<i64>,
}

/// `RoleRepresentation`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleWire {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) composite: bool,
    #[serde(default)]
    pub(super) client_role: bool,
    pub(super) container_id: Option<String>,
}

/// `MappingsRepresentation`: the roles that a user or a group has directly. Whoever has none gets `{}`, so an object
/// of something else must not be taken for that.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct MappingsWire {
    pub(super) realm_mappings: Vec<RoleWire>,
    pub(super) client_mappings: BTreeMap<String, ClientMappingsWire>,
}

/// `ClientMappingsRepresentation`.
#[derive(Debug, Deserialize)]
pub(super) struct ClientMappingsWire {
    pub(super) id: String,
    pub(super) client: String,
    #[serde(default)]
    pub(super) mappings: Vec<RoleWire>,
}

/// `GroupRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupWire {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) path: Option<String>,
    pub(super) parent_id: Option<String>,
}

/// Of a client, its name only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientNameWire {
    pub(super) client_id: String,
}

/// `UserSessionRepresentation`; times in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionWire {
    pub(super) id: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) user_id: String,
    pub(super) start: Option<i64>,
    pub(super) last_access: Option<i64>,
    #[serde(default)]
    pub(super) clients: BTreeMap<String, String>,
}

/// An entry of `GET /users/{id}/consents`; times in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsentWire {
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) granted_client_scopes: Vec<String>,
    pub(super) created_date: Option<i64>,
    pub(super) last_updated_date: Option<i64>,
}

/// `FederatedIdentityRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkWire {
    pub(super) identity_provider: String,
    #[serde(default)]
    pub(super) user_name: String,
}

/// `ClientInitialAccessPresentation`; `timestamp` in seconds, `expiration` in seconds after it, 0 for never.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitialAccessWire {
    pub(super) id: String,
    pub(super) timestamp: Option<i64>,
    pub(super) expiration: Option<i64>,
    pub(super) remaining_count: Option<i64>,
}

/// `EventRepresentation`; `time` in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventWire {
    pub(super) id: Option<String>,
    pub(super) time: i64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) client_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) ip_address: Option<String>,
    pub(super) error: Option<String>,
    pub(super) details: Option<BTreeMap<String, String>>,
}

impl EventWire {
    pub(super) fn detail(&self, name: &str) -> Option<&str> {
        self.details.as_ref()?.get(name).map(String::as_str)
    }
}

/// `AdminEventRepresentation`; `time` in milliseconds. Its `representation` is left out: it may hold secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminEventWire {
    pub(super) id: Option<String>,
    pub(super) time: i64,
    #[serde(default)]
    pub(super) operation_type: String,
    #[serde(default)]
    pub(super) resource_type: String,
    #[serde(default)]
    pub(super) resource_path: String,
    pub(super) auth_details: Option<AuthDetailsWire>,
}

/// Who did it: ids, not names.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthDetailsWire {
    pub(super) client_id: Option<String>,
    pub(super) user_id: Option<String>,
}

/// `RealmEventsConfigRepresentation`; `events_expiration` in seconds, 0 or absent for never.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventsConfigWire {
    pub(super) events_enabled: bool,
    pub(super) events_expiration: Option<i64>,
    pub(super) enabled_event_types: Vec<String>,
    pub(super) admin_events_enabled: bool,
}

/// `RealmRepresentation`: lifetimes in seconds. Without `view-realm` the server leaves them out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RealmWire {
    pub(super) access_token_lifespan: Option<i64>,
    pub(super) access_token_lifespan_for_implicit_flow: Option<i64>,
    pub(super) sso_session_max_lifespan: Option<i64>,
    pub(super) sso_session_max_lifespan_remember_me: Option<i64>,
    pub(super) remember_me: bool,
}

/// The token endpoint's answer (RFC 6749 §5.1).
#[derive(Debug, Deserialize)]
pub(super) struct TokenWire {
    pub(super) access_token: SecretText,
    #[serde(default)]
    pub(super) expires_in: u64,
}

/// The claims of our own access token that say who we are and what we may.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClaimsWire {
    pub(super) iat: Option<i64>,
    pub(super) resource_access: Option<BTreeMap<String, RolesClaim>>,
    pub(super) preferred_username: Option<String>,
}

/// `{"roles": [..]}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RolesClaim {
    pub(super) roles: Vec<String>,
}

//! What the server answers, as far as something hangs on it (Synapse's admin API, "User Admin API"; Matrix
//! Client-Server API 1.18).

use std::collections::BTreeMap;

use serde::Deserialize;

/// A page of `GET /_synapse/admin/v2/users`.
#[derive(Debug, Deserialize)]
pub(super) struct UsersWire {
    pub(super) users: Vec<UserWire>,
    /// Where the next page begins; absent on the last.
    pub(super) next_token: Option<String>,
}

/// One account, of the listing or by itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct UserWire {
    /// `@local:server`.
    pub(super) name: String,
    pub(super) displayname: Option<String>,
    /// `bot`, `support`; most accounts have none.
    pub(super) user_type: Option<String>,
    #[serde(default)]
    pub(super) is_guest: Flag,
    #[serde(default)]
    pub(super) admin: Flag,
    #[serde(default)]
    pub(super) deactivated: Flag,
    #[serde(default)]
    pub(super) suspended: Flag,
    /// Absent where the server is too old for it: then nothing proves a lock.
    pub(super) locked: Option<Flag>,
    /// Of the application service that made it.
    pub(super) appservice_id: Option<String>,
    /// Milliseconds since 1970.
    pub(super) last_seen_ts: Option<i64>,
    /// Accounts elsewhere that sign in as it.
    #[serde(default)]
    pub(super) external_ids: Vec<ExternalWire>,
}

/// An account of an identity provider.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ExternalWire {
    pub(super) auth_provider: String,
    pub(super) external_id: String,
}

/// Older releases answer 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Flag {
    Bool(bool),
    Number(u8),
}

impl Default for Flag {
    fn default() -> Self {
        Self::Bool(false)
    }
}

impl Flag {
    pub(super) const fn on(self) -> bool {
        matches!(self, Self::Bool(true) | Self::Number(1..))
    }
}

/// `GET /_synapse/admin/v2/users/USER/devices`.
#[derive(Debug, Deserialize)]
pub(super) struct DevicesWire {
    pub(super) devices: Vec<DeviceWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeviceWire {
    pub(super) device_id: String,
    pub(super) display_name: Option<String>,
    pub(super) last_seen_ip: Option<String>,
    pub(super) last_seen_ts: Option<i64>,
}

/// `GET /_synapse/admin/v1/users/USER/joined_rooms`.
#[derive(Debug, Deserialize)]
pub(super) struct RoomsWire {
    pub(super) joined_rooms: Vec<String>,
}

/// `GET /_synapse/admin/v1/whois/USER`. Its devices have no names: all connections stand under the empty one.
#[derive(Debug, Deserialize)]
pub(super) struct WhoisWire {
    #[serde(default)]
    pub(super) devices: BTreeMap<String, WhoisDeviceWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WhoisDeviceWire {
    #[serde(default)]
    pub(super) sessions: Vec<WhoisSessionWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WhoisSessionWire {
    #[serde(default)]
    pub(super) connections: Vec<ConnectionWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConnectionWire {
    pub(super) ip: Option<String>,
    pub(super) last_seen: Option<i64>,
    pub(super) user_agent: Option<String>,
}

/// `GET /_matrix/client/v3/account/whoami`.
#[derive(Debug, Deserialize)]
pub(super) struct WhoamiWire {
    pub(super) user_id: String,
    /// Absent for a token of an application service, and for one that an admin made.
    pub(super) device_id: Option<String>,
}

/// `GET /_matrix/client/v3/login`.
#[derive(Debug, Deserialize)]
pub(super) struct LoginWire {
    #[serde(default)]
    pub(super) flows: Vec<FlowWire>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FlowWire {
    /// That logins are handed on to an authentication service (MSC3824).
    #[serde(default, rename = "org.matrix.msc3824.delegated_oidc_compatibility")]
    pub(super) is_delegated: bool,
}

/// The error of a refused request.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorWire {
    pub(super) errcode: String,
    pub(super) retry_after_ms: Option<u64>,
}

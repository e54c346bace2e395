//! The data of a simulated realm: strict, so that a misspelt key is an error and not a quiet gap.
//!
//! Times are ages: `"-12m"` is twelve minutes before the exercise begins. Secrets are not in the data; they are made
//! from the seed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::postgres::WorldSeed;

/// A whole world as data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// The scenario's name.
    pub(super) scenario: String,
    /// Everything that is left to chance comes from it.
    pub(super) seed: u64,
    pub(super) realm: RealmData,
    pub(super) operator: OperatorData,
    pub(super) select: SelectData,
    #[serde(default, rename = "role")]
    pub(super) roles: Vec<RoleData>,
    #[serde(default, rename = "group")]
    pub(super) groups: Vec<GroupData>,
    #[serde(default, rename = "scope")]
    pub(super) scopes: Vec<ScopeData>,
    #[serde(default, rename = "client")]
    pub(super) clients: Vec<ClientData>,
    #[serde(default, rename = "user")]
    pub(super) users: Vec<UserData>,
    #[serde(default, rename = "identity-provider")]
    pub(super) identity_providers: Vec<IdentityProviderData>,
    #[serde(default, rename = "session")]
    pub(super) sessions: Vec<SessionData>,
    #[serde(default, rename = "initial-access")]
    pub(super) initial_access: Vec<InitialAccessData>,
    #[serde(default, rename = "event")]
    pub(super) events: Vec<EventData>,
    /// The data store beside the realm.
    #[serde(rename = "data-store")]
    pub(super) data_store: Option<WorldSeed>,
    #[serde(default, rename = "bot")]
    pub(super) bots: Vec<BotData>,
}

/// One world in two files: the realm with the bots, and the data store.
const EMBEDDED: &str = concat!(include_str!("../../assets/fleet.toml"), include_str!("../../assets/docs-db.toml"));

impl Fleet {
    /// The embedded exercise fleet.
    ///
    /// # Panics
    /// Never: a test reads the assets that are compiled in.
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED).expect("the embedded fleet is read by a test")
    }

    /// Reads a fleet's data.
    ///
    /// # Errors
    /// It is not TOML, or a key is unknown or missing; the error says where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// How long before the beginning: `-12m`, `-1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ago(SignedDuration);

impl Ago {
    pub(super) fn before(self, start: Timestamp) -> Timestamp {
        start.checked_sub(self.0).unwrap_or(start)
    }

    /// So many times further back.
    pub(super) fn and(self, more: Self, times: u32) -> Self {
        let times = i32::try_from(times).unwrap_or(i32::MAX);
        Self(self.0.saturating_add(more.0.saturating_mul(times)))
    }

    /// `-1h30m`: a sign, then numbers with `s`, `m`, `h`, `d`.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('-').filter(|rest| !rest.is_empty())?;
        let mut seconds = 0_i64;
        while !rest.is_empty() {
            let unit = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let number: i64 = rest[..unit].parse().ok()?;
            let each = match rest.as_bytes()[unit] {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                b'd' => 86_400,
                _ => return None,
            };
            seconds = seconds.checked_add(number.checked_mul(each)?)?;
            rest = &rest[unit + 1..];
        }
        Some(Self(SignedDuration::from_secs(seconds)))
    }
}

impl<'de> Deserialize<'de> for Ago {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no age such as -12m, -2h or -3d")))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RealmData {
    pub(super) name: String,
    pub(super) access_token_lifespan: i64,
    pub(super) sso_idle: i64,
    pub(super) sso_max: i64,
    pub(super) offline_idle: i64,
    pub(super) default_scopes: Vec<String>,
    pub(super) optional_scopes: Vec<String>,
    pub(super) event_types: Vec<String>,
    pub(super) rotation: Option<RotationData>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationData {
    pub(super) role: String,
    pub(super) expiration: i64,
    pub(super) rotated_expiration: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorData {
    pub(super) client_id: String,
    pub(super) roles: Vec<String>,
}

/// Which clients are listed as chatbots.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SelectData {
    pub(super) names: Vec<String>,
    pub(super) attributes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleData {
    pub(super) name: String,
    /// The client that has it; absent: the realm has it.
    pub(super) of: Option<String>,
    pub(super) description: Option<String>,
    /// Roles of the realm.
    #[serde(default)]
    pub(super) contains: Vec<String>,
    /// Roles of clients.
    #[serde(default)]
    pub(super) contains_of: RolesByClient,
}

/// Users whose roles come from the group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupData {
    pub(super) name: String,
    pub(super) holds: RolesByClient,
}

/// Roles by the client that has them; `realm` is the realm itself.
pub(super) type RolesByClient = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeData {
    pub(super) name: String,
    pub(super) consent: Option<String>,
    #[serde(default = "yes")]
    pub(super) in_token: bool,
    #[serde(default)]
    pub(super) audiences: Vec<String>,
    #[serde(default)]
    pub(super) roles: RolesByClient,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are the provider's own switches")]
pub(super) struct ClientData {
    pub(super) client_id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) public: bool,
    #[serde(default)]
    pub(super) bearer_only: bool,
    #[serde(default)]
    pub(super) standard_flow: bool,
    #[serde(default)]
    pub(super) service_account: bool,
    #[serde(default)]
    pub(super) consent_required: bool,
    #[serde(default)]
    pub(super) authorization: bool,
    #[serde(default = "yes")]
    pub(super) full_scope: bool,
    /// The name of the key that it signs with; clients with one name share the key.
    pub(super) key: Option<String>,
    /// When its secret was last made anew, leaving the one before alive (needs the rotation policy).
    pub(super) rotated: Option<Ago>,
    #[serde(default)]
    pub(super) redirect_uris: Vec<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// Added to the realm's own.
    #[serde(default)]
    pub(super) default_scopes: Vec<String>,
    #[serde(default)]
    pub(super) optional_scopes: Vec<String>,
    /// Roles that it has for others to hold.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// What its service account holds.
    #[serde(default)]
    pub(super) holds: RolesByClient,
    /// The groups that its service account is in.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// The client that made it through the admin API.
    pub(super) made_by: Option<String>,
    /// When.
    pub(super) made: Option<Ago>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserData {
    pub(super) username: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    #[serde(default)]
    pub(super) holds: RolesByClient,
    #[serde(default)]
    pub(super) links: Vec<LinkData>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkData {
    pub(super) provider: String,
    pub(super) user_id: String,
    pub(super) username: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityProviderData {
    pub(super) alias: String,
    pub(super) display_name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionData {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) offline: bool,
    pub(super) ip: String,
    pub(super) started: Ago,
    pub(super) last: Ago,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InitialAccessData {
    pub(super) made_by: String,
    pub(super) made: Ago,
    pub(super) count: i64,
    pub(super) expiration: i64,
}

/// Something that was done, once or at a beat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventData {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) client: String,
    /// On whose behalf; absent: the client's own service account.
    pub(super) user: Option<String>,
    pub(super) ip: String,
    /// The last time.
    pub(super) at: Ago,
    /// So long before that, once more …
    pub(super) every: Option<Ago>,
    /// … so often in all.
    #[serde(default = "once")]
    pub(super) times: u32,
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) details: BTreeMap<String, String>,
}

/// A bot as the configuration would name it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BotData {
    pub(super) name: String,
    pub(super) owner: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) environment: Option<String>,
    #[serde(default)]
    pub(super) protected: bool,
    /// As the configuration has them: `PROVIDER:NAME`, a client's `clientId` or a role's name.
    pub(super) identities: Vec<String>,
}

const fn yes() -> bool {
    true
}

const fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_strict() {
        let seconds = |text| Ago::parse(text).map(|ago| ago.0.as_secs());
        for (text, expected) in [
            ("-12m", Some(720)),
            ("-1h30m", Some(5400)),
            ("-3d", Some(259_200)),
            ("-0s", Some(0)),
            ("12m", None),
            ("-", None),
            ("-12", None),
            ("-m", None),
            ("-5w", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(Fleet::parse(EMBEDDED).is_ok());
        for (key, wrong) in [("consent_required", "consent_requried"), ("reconnects", "reconects")] {
            let misspelt = EMBEDDED.replacen(key, wrong, 1);
            let error = Fleet::parse(&misspelt).expect_err("the key is unknown").to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}

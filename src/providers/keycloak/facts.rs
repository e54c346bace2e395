//! What postconditions speak of: switches, times, and what is there again after it was put back.

use std::collections::BTreeMap;

use super::{credentials::class, read::Account, record::Record};
use crate::domain::{Fact, Holding, HoldingId, HoldingState};

/// Whether the client may be used.
pub(super) const CLIENT_ENABLED: &str = "client.enabled";
/// Whether its service-account user may act.
pub(super) const USER_ENABLED: &str = "user.enabled";

/// Classes whose holdings a restore can put back: each is a fact while it is there.
const PUT_BACK: [&str; 3] = [class::ROLE, class::GROUP, class::LINK];

/// All of one reading; times are seconds of the server's clock.
pub(super) fn of(record: &Record, account: Option<&Account>, holdings: &[Holding]) -> BTreeMap<String, Fact> {
    let mut facts = BTreeMap::from([
        (CLIENT_ENABLED.to_owned(), Fact::Bool(record.enabled)),
        ("client.not-before".to_owned(), Fact::Int(record.not_before)),
        ("client.service-accounts-enabled".to_owned(), Fact::Bool(record.service_accounts)),
    ]);
    if let Some(user) = account.map(|account| &account.user) {
        if let Some(enabled) = user.enabled {
            facts.insert(USER_ENABLED.to_owned(), Fact::Bool(enabled));
        }
        if let Some(not_before) = user.not_before {
            facts.insert("user.not-before".to_owned(), Fact::Int(not_before));
        }
    }
    let there = holdings.iter().filter(|holding| holding.state != HoldingState::Gone);
    let there = there.filter(|holding| PUT_BACK.contains(&holding.id.class()));
    facts.extend(there.map(|holding| (held(&holding.id), Fact::Bool(true))));
    facts.extend(record.opening.iter().map(|(name, value)| (attribute(name), Fact::Text(value.to_string()))));
    facts
}

/// The fact that a holding is there.
pub(super) fn held(holding: &HoldingId) -> String {
    format!("held/{}/{}", holding.class(), holding.native())
}

/// The fingerprint of a key or trust attribute's value.
pub(super) fn attribute(name: &str) -> String {
    format!("attribute/{name}")
}

//! Where an account was last seen. Synapse keeps the newest use of each address and program, some seconds late, and no
//! log of what was done.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Matrix, admin, read::at_ms, wire::WhoisWire};
use crate::{
    domain::{Activity, Identity, Untrusted},
    engine::ProviderError,
    providers::http::Call,
};

pub(super) async fn of(
    matrix: &Matrix,
    identity: &Identity,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Activity>, ProviderError> {
    let id = identity.id.native();
    let whois = || Call::get(admin(&["v1", "whois", id])).listing();
    let whois: WhoisWire = match matrix.get(whois, "reading where it was seen").await {
        Err(ProviderError::Gone(_)) => return Ok(Vec::new()),
        answer => answer?,
    };
    let connections = whois.devices.into_values().flat_map(|device| device.sessions);
    let mut seen: Vec<Activity> = connections
        .flat_map(|session| session.connections)
        .filter_map(|connection| {
            Some(Activity {
                at: at_ms(connection.last_seen)?,
                action: "seen".into(),
                resource: connection.user_agent.map(Untrusted::new),
                on_behalf_of: None,
                session: None,
                from: connection.ip.map(Untrusted::new),
                outcome: "success".into(),
            })
        })
        .filter(|activity| since.is_none_or(|since| activity.at > since))
        .collect();
    seen.sort_by_key(|activity| Reverse(activity.at));
    seen.truncate(limit);
    Ok(seen)
}

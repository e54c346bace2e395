//! Whether estop can read and cut here, and what nobody can.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::{
    ADMIN, Matrix, admin,
    wire::{LoginWire, WhoamiWire},
};
use crate::{
    domain::{IdentityId, Lane, Untrusted},
    engine::{Coverage, LaneCheck, Preflight, ProviderError, Whoami},
    providers::http::{Call, Grounds},
};

/// On one process nothing was accepted that came after a write's answer; workers hear of it within a moment.
pub(super) const PROPAGATION: Duration = Duration::from_secs(1);

pub(super) fn coverage() -> Coverage {
    let list = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    Coverage {
        unlisted: list(&[
            "tokens that an admin made for an account (\"log in as a user\"): no list has them; only the lock refuses \
             them, and they work again without it",
            "application services whose namespace has the account: no API lists them, and they ignore the lock",
        ]),
        uncut: list(&["the token of an application service: only its registration on the homeserver ends it"]),
    }
}

pub(super) async fn whoami(matrix: &Matrix) -> Result<WhoamiWire, ProviderError> {
    let call = || Call::get(["_matrix", "client", "v3", "account", "whoami"]);
    matrix.account.get(call, Grounds { what: "asking who estop is", permission: ADMIN }).await
}

pub(super) async fn check(matrix: &Matrix) -> Result<Preflight, ProviderError> {
    let (who, allowed, delegated) = futures::join!(whoami(matrix), is_admin(matrix), is_delegated(matrix));
    let (who, allowed) = (who?, allowed?);
    let missing = if allowed { Vec::new() } else { vec![ADMIN.to_owned()] };
    let lane = |lane: Lane| LaneCheck { lane, can_read: allowed, can_cut: allowed, missing: missing.clone() };
    let mut notices = Vec::new();
    if delegated {
        notices.push(
            "logins are handed on to a Matrix Authentication Service: its sessions are not listed here and live on; \
             end them there"
                .to_owned(),
        );
    }
    if who.device_id.is_none() {
        notices.push(
            "estop's own token has no device: an admin or an application service made it, and no list shows it; give \
             estop a login of its own"
                .to_owned(),
        );
    }
    Ok(Preflight {
        whoami: Whoami {
            identity: Some(IdentityId::new(matrix.name.clone(), who.user_id.as_str())),
            name: Untrusted::new(who.user_id),
        },
        lanes: Lane::ALL.map(lane).to_vec(),
        clock_ahead_ms: matrix.client.server_clock().ahead_ms(),
        notices,
    })
}

/// A read that tells whether we may; any error but a refusal is one of the whole preflight.
async fn is_admin(matrix: &Matrix) -> Result<bool, ProviderError> {
    let call = || Call::get(admin(&["v2", "users"])).query("from", "0").query("limit", "1");
    match matrix.get::<IgnoredAny>(call, "checking what estop may read").await {
        Ok(_) => Ok(true),
        Err(ProviderError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn is_delegated(matrix: &Matrix) -> bool {
    let call = || Call::get(["_matrix", "client", "v3", "login"]);
    let login: Result<LoginWire, _> = matrix.get(call, "asking how one logs in").await;
    login.is_ok_and(|login| login.flows.iter().any(|flow| flow.is_delegated))
}

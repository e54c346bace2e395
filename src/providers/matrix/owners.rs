//! Whose a leaked token is, and whether it lives.

use std::collections::BTreeSet;

use http::StatusCode;
use secrecy::SecretString;

use super::{
    Matrix,
    wire::{ErrorWire, WhoamiWire},
};
use crate::{
    domain::{ClaimKind, Identity, LeakedSecret, Owner, ProbeKind, Probed, Reading, Recognised},
    providers::http::Call,
};

/// The account that a token names; which device's it is, or whether an admin made it, no token tells.
pub(super) fn of(recognised: &[Recognised], listing: &[&Identity], readings: &[&Reading]) -> Vec<Owner> {
    let mut ours = recognised.iter().filter(|one| one.provider == Some("matrix"));
    let named = ours.find_map(|one| Some((one, one.claim(ClaimKind::User)?.raw())));
    let Some((what, local)) = named else { return Vec::new() };
    let is_it = |identity: &&Identity| {
        let parts = identity.id.native().strip_prefix('@').and_then(|rest| rest.split_once(':'));
        parts.is_some_and(|(name, _)| name == local)
    };
    // To exchange a refresh token makes new ones, and ends the old.
    let probe = if what.rule == "syt" { ProbeKind::ReadOnly } else { ProbeKind::None };
    let mut seen = BTreeSet::new();
    let known = readings.iter().map(|reading| &reading.identity).chain(listing.iter().copied()).filter(is_it);
    let owner = |identity: &Identity| Owner {
        bot: None,
        identity: identity.id.clone(),
        name: identity.name.clone(),
        holding: None,
        how: format!("the {} names the account (that is no proof)", what.name),
        probe,
    };
    known.filter(|identity| seen.insert(&identity.id)).map(owner).collect()
}

/// Asks whose the token is: that makes nothing.
pub(super) async fn probe(matrix: &Matrix, secret: &LeakedSecret, owner: &Owner) -> Probed {
    let told = |alive, said: String| Probed { at: matrix.name.clone(), alive, said };
    let token = SecretString::from(secret.expose().trim().to_owned());
    let call = Call::get(["_matrix", "client", "v3", "account", "whoami"]);
    let reply = match matrix.client.send(call, Some(&token)).await {
        Ok(reply) => reply,
        Err(error) => return told(None, format!("whoami: {error}")),
    };
    match reply.status {
        StatusCode::OK => match reply.json::<WhoamiWire>("whoami") {
            Ok(who) if who.user_id == owner.identity.native() => told(Some(true), "whoami: let in".to_owned()),
            Ok(_) => told(Some(true), "whoami: let in, as another account than the token names".to_owned()),
            Err(error) => told(None, error.to_string()),
        },
        StatusCode::UNAUTHORIZED => match serde_json::from_slice::<ErrorWire>(reply.body()) {
            Ok(error) if matches!(&*error.errcode, "M_UNKNOWN_TOKEN" | "M_USER_LOCKED" | "M_USER_DEACTIVATED") => {
                told(Some(false), format!("whoami: refused ({})", error.errcode))
            }
            _ => told(None, "whoami: refused without the server's own word (401)".to_owned()),
        },
        status => told(None, format!("whoami: {}", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{IdentityState, recognise},
        providers::matrix::testing::{account, bot},
    };

    #[test]
    fn a_token_names_its_account() {
        let (listed, read) = (bot(IdentityState::Live), account(false, false, &["AAA"]));
        // `helpdesk`, and somebody else.
        for (token, found, probe) in [
            ("syt_aGVscGRlc2s_abcdefghijABCDEFGHIJ_0aBcDe", 1, Some(ProbeKind::ReadOnly)),
            ("syr_aGVscGRlc2s_abcdefghijABCDEFGHIJ_0aBcDe", 1, Some(ProbeKind::None)),
            ("syt_c2FsZXM_abcdefghijABCDEFGHIJ_0aBcDe", 0, None),
            ("no token of any kind", 0, None),
        ] {
            let owners = of(&recognise(token), &[&listed], &[&read]);
            assert_eq!(owners.len(), found, "{token}");
            assert_eq!(owners.first().map(|owner| owner.probe), probe, "{token}");
            assert!(owners.iter().all(|owner| owner.holding.is_none()), "which device's it is, it does not tell");
        }
    }
}

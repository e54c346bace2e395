//! Whose a leaked token is, and whether it lives.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use http::StatusCode;
use secrecy::SecretString;

use super::{
    Matrix,
    facts::class,
    wire::{ErrorWire, WhoamiWire},
};
use crate::{
    domain::{HoldingId, Identity, LeakedSecret, Owner, ProbeKind, Probed, Reading, Recognised},
    providers::http::Call,
};

/// Tokens name the account that they were made for: `syt_LOCALPART_…`, in base64. That is no proof.
pub(super) fn of(
    secret: &LeakedSecret,
    recognised: &[Recognised],
    listing: &[&Identity],
    readings: &[&Reading],
) -> Vec<Owner> {
    let Some((kind, local)) = token(secret.expose().trim()) else { return Vec::new() };
    if !recognised.iter().any(|one| one.provider == Some("matrix")) {
        return Vec::new();
    }
    let is_it = |identity: &&Identity| {
        let local_of = identity.id.native().strip_prefix('@').and_then(|rest| rest.split_once(':'));
        local_of.is_some_and(|(name, _)| name == local)
    };
    let read = readings.iter().map(|reading| &reading.identity).filter(is_it);
    let mut found: Vec<&Identity> = read.collect();
    let unread: Vec<&Identity> = listing.iter().copied().filter(is_it).collect();
    found.extend(unread.into_iter().filter(|one| !found.iter().any(|known| known.id == one.id)).collect::<Vec<_>>());
    let owner = |identity: &Identity| Owner {
        bot: None,
        identity: identity.id.clone(),
        name: identity.name.clone(),
        holding: only_device(readings, identity),
        how: format!("the {} names the account (that is no proof)", kind.word()),
        probe: kind.probe(),
    };
    found.into_iter().map(owner).collect()
}

/// Where it has one device and no more, the token is that one's.
fn only_device(readings: &[&Reading], identity: &Identity) -> Option<HoldingId> {
    let reading = readings.iter().find(|reading| reading.identity.id == identity.id)?;
    let mut devices = reading.holdings.iter().filter(|holding| holding.id.class() == class::DEVICE);
    match (devices.next(), devices.next()) {
        (Some(only), None) => Some(only.id.clone()),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Refresh,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Access => "access token",
            Self::Refresh => "refresh token",
        }
    }

    /// To exchange a refresh token makes new ones, and ends the old.
    const fn probe(self) -> ProbeKind {
        match self {
            Self::Access => ProbeKind::ReadOnly,
            Self::Refresh => ProbeKind::None,
        }
    }
}

/// What it is, and the local part that it names.
fn token(text: &str) -> Option<(Kind, String)> {
    let (kind, rest) = match text.split_once('_')? {
        ("syt", rest) => (Kind::Access, rest),
        ("syr", rest) => (Kind::Refresh, rest),
        _ => return None,
    };
    let bytes = BASE64_STANDARD_NO_PAD.decode(rest.split('_').next()?.trim_end_matches('=')).ok()?;
    Some((kind, String::from_utf8(bytes).ok()?)).filter(|(_, local)| !local.is_empty())
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

    #[test]
    fn a_token_names_its_account() {
        let one = |text: &str| token(text);
        assert_eq!(one("syt_aGVscGRlc2s_abc_0aBcDe"), Some((Kind::Access, "helpdesk".to_owned())));
        assert_eq!(one("syr_aGVscGRlc2s=_abc_0aBcDe"), Some((Kind::Refresh, "helpdesk".to_owned())));
        for text in ["", "syt_", "syt__x_y", "syl_aGVscGRlc2s_x", "ghp_aGVscGRlc2s", "syt_!!_x_y"] {
            assert_eq!(one(text), None, "{text}");
        }
    }
}

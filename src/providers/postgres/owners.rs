//! Whose a leaked database URL is: by its user, where its host is the configured server. Pure; nothing is sent.
//!
//! A bare password has no shape. It is matched where estop may read the server's verifiers, and nowhere else.

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

use super::{identity, settings::Target, steps, verifier::Verifiers};
use crate::domain::{Confidence, Identity, Owner, ProbeKind, Reading, Recognised};

/// What a leaked URL says.
pub(super) struct Leak {
    pub(super) user: String,
    /// Wiped when dropped.
    pub(super) password: Zeroizing<String>,
    host: String,
    port: u16,
}

impl Leak {
    /// From `postgres://USER:PASSWORD@HOST…`; `None` where it is none or has no password.
    pub(super) fn of(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return None;
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let password = Zeroizing::new(decoded(url.password()?)?);
        let host = decoded(url.host_str()?)?.trim_matches(['[', ']']).to_ascii_lowercase();
        Some(Self { user: decoded(url.username())?, password, host, port: url.port().unwrap_or(5432) })
    }

    /// Whether it is of the configured server. Names of one's own machine count as one, but no name is looked up.
    pub(super) fn is_at(&self, target: &Target) -> bool {
        let local = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "::1");
        let configured = target.host.to_ascii_lowercase();
        self.port == target.port && (self.host == configured || local(&self.host) && local(&configured))
    }
}

/// Whose a bare password is, by the verifiers that were read. What has the prefix and the length of somebody's token is
/// no password.
pub(super) fn of_password(
    text: &str,
    recognised: &[Recognised],
    readings: &[&Reading],
    verifiers: &Verifiers,
) -> Vec<Owner> {
    if Leak::of(text).is_some() || recognised.iter().any(|known| known.confidence >= Confidence::Length) {
        return Vec::new();
    }
    let identities = readings.iter().map(|reading| &reading.identity);
    let roles: Vec<_> =
        identities.filter_map(|identity| Some((identity::oid(identity)?, identity.name.raw()))).collect();
    // It comes from a paste, which ends in a line's end more often than a password begins or ends with a blank.
    let found = verifiers.roles_of(text.trim(), &roles);
    let is_its = |reading: &&&Reading| identity::oid(&reading.identity).is_some_and(|oid| found.contains(&oid));
    let owner = |reading: &Reading| Owner {
        how: "the server's verifier of its password".to_owned(),
        ..of_role(&reading.identity, Some(reading))
    };
    readings.iter().filter(is_its).map(|reading| owner(reading)).collect()
}

fn of_role(identity: &Identity, reading: Option<&Reading>) -> Owner {
    let password = reading.and_then(|reading| reading.holdings.iter().find(|one| one.id.class() == steps::PASSWORD));
    Owner {
        bot: None,
        identity: identity.id.clone(),
        name: identity.name.clone(),
        holding: password.map(|password| password.id.clone()),
        how: String::new(),
        probe: ProbeKind::ReadOnly,
    }
}

/// The role of that name at that server.
pub(super) fn of(
    text: &str,
    target: &Target,
    listing: &[&Identity],
    readings: &[&Reading],
    verifiers: &Verifiers,
) -> Vec<Owner> {
    let Some(leak) = Leak::of(text).filter(|leak| leak.is_at(target)) else { return Vec::new() };
    let is_its = |identity: &&Identity| identity.name.raw() == leak.user;
    let read = readings.iter().find(|reading| reading.identity.name.raw() == leak.user);
    let Some(identity) = read.map(|reading| &reading.identity).or_else(|| listing.iter().copied().find(is_its)) else {
        return Vec::new();
    };
    let fits = identity::oid(identity).and_then(|oid| verifiers.fits(oid, &leak.user, &leak.password));
    let password = match fits {
        Some(true) => "the password fits the server's verifier",
        Some(false) => "the password is not the one that is set now",
        None => "whether the password is right is not known",
    };
    let how = format!("its user and host are this role and this server ({password})");
    vec![Owner { how, ..of_role(identity, read.copied()) }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdentityId, IdentityKind, IdentityState, ProviderName};

    fn target(url: &str) -> Target {
        Target::of(&url.parse().expect("a URL")).expect("a target")
    }

    #[test]
    fn only_the_configured_server_counts() {
        let configured = target("postgres://estop@db.example.com/docs");
        for (url, same) in [
            ("postgres://kb:pw@db.example.com/docs", true),
            ("postgresql://kb:pw@DB.example.com:5432/other", true),
            ("postgres://kb:pw@db.example.com:6000/docs", false),
            ("postgres://kb:pw@db.example.com.evil.example/docs", false),
            ("postgres://kb:pw@127.0.0.1/docs", false),
        ] {
            assert_eq!(Leak::of(url).expect("a URL").is_at(&configured), same, "{url}");
        }
        let local = target("postgres://estop@127.0.0.1:6000/docs");
        assert!(Leak::of("postgres://kb:pw@localhost:6000/docs").expect("a URL").is_at(&local));
        assert!(Leak::of("postgres://kb:pw@[::1]:6000/docs").expect("a URL").is_at(&local));
        for text in ["", "kb:pw", "postgres://kb@db.example.com/docs", "mysql://kb:pw@db.example.com/docs"] {
            assert!(Leak::of(text).is_none(), "{text}");
        }
        let leak = Leak::of("postgres://k%40b:p%2fw@db.example.com/docs\n").expect("a URL");
        assert_eq!((leak.user.as_str(), leak.password.as_str()), ("k@b", "p/w"));
    }

    #[test]
    fn the_role_of_that_name_is_its_owner() {
        let identity = Identity::new(
            IdentityId::new(ProviderName::new("docs-db"), "16384"),
            "kb",
            IdentityKind::ServiceAccount,
            IdentityState::Live,
        );
        let target = target("postgres://estop@db.example.com/docs");
        let none = Verifiers::default();
        let owners = of("postgres://kb:pw@db.example.com/docs", &target, &[&identity], &[], &none);
        assert_eq!(owners.iter().map(|owner| &owner.identity).collect::<Vec<_>>(), [&identity.id]);
        assert!(of("postgres://KB:pw@db.example.com/docs", &target, &[&identity], &[], &none).is_empty());
        assert!(owners[0].how.contains("not known"), "{owners:?}");
        for (password, said) in [("pw", "fits"), ("other", "not the one")] {
            let verifiers = Verifiers::default();
            let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
            verifiers.keep(16384, Some(verifier.into()));
            let owners = of("postgres://kb:pw@db.example.com/docs", &target, &[&identity], &[], &verifiers);
            assert!(owners[0].how.contains(said), "{owners:?}");
            let reading = Reading::of(identity.clone(), jiff::Timestamp::UNIX_EPOCH);
            let bare = |text: &str| of_password(text, &[], &[&reading], &verifiers).len();
            assert_eq!((bare(password), bare("pw2"), bare("postgres://kb:pw@db.example.com/docs")), (1, 0, 0));
        }
    }
}

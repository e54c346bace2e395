//! Whose a leaked database URL is: by its user, where its host is the configured server. Pure; nothing is sent.
//!
//! A bare password has no shape and the server shows none, so that nothing but a URL can be matched.

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

use super::{settings::Target, steps};
use crate::domain::{Identity, Owner, ProbeKind, Reading};

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

/// The role of that name at that server.
pub(super) fn of(text: &str, target: &Target, listing: &[&Identity], readings: &[&Reading]) -> Vec<Owner> {
    let Some(leak) = Leak::of(text).filter(|leak| leak.is_at(target)) else { return Vec::new() };
    let is_its = |identity: &&Identity| identity.name.raw() == leak.user;
    let read = readings.iter().find(|reading| reading.identity.name.raw() == leak.user);
    let Some(identity) = read.map(|reading| &reading.identity).or_else(|| listing.iter().copied().find(is_its)) else {
        return Vec::new();
    };
    let password = read.and_then(|reading| reading.holdings.iter().find(|one| one.id.class() == steps::PASSWORD));
    vec![Owner {
        bot: None,
        identity: identity.id.clone(),
        name: identity.name.clone(),
        holding: password.map(|password| password.id.clone()),
        how: "its user and host are this role and this server (whether the password is right is not known)".to_owned(),
        probe: ProbeKind::ReadOnly,
    }]
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
        let owners = of("postgres://kb:pw@db.example.com/docs", &target, &[&identity], &[]);
        assert_eq!(owners.iter().map(|owner| &owner.identity).collect::<Vec<_>>(), [&identity.id]);
        assert!(of("postgres://KB:pw@db.example.com/docs", &target, &[&identity], &[]).is_empty());
    }
}

//! What kind of credential a holding is, told from the provider's word for its class.

use crate::domain::Holding;

/// Kinds of credential, as far as the rules tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A long-lived bearer token of its own.
    ApiKey,
    /// A shared secret of a client.
    ClientSecret,
    /// A password.
    Password,
    /// A private key, or a certificate's.
    Key,
    /// What makes access tokens for a long time.
    Refresh,
    /// An access token that is checked without asking.
    Access,
    /// An open session.
    Session,
}

/// A class: its kind, and whether its provider tells an end wherever there is one.
const CLASSES: &[(&str, Kind, bool)] = &[
    // Keycloak. A registration token is in no list: neither whether there is one nor when it ends.
    ("client-secret", Kind::ClientSecret, true),
    ("rotated-secret", Kind::ClientSecret, true),
    ("signing-key", Kind::Key, true),
    ("registration-token", Kind::ApiKey, false),
    ("initial-access-token", Kind::ApiKey, true),
    ("access-tokens", Kind::Access, false),
    ("offline-session", Kind::Refresh, false),
    ("user-session", Kind::Session, false),
    // PostgreSQL.
    ("password", Kind::Password, true),
    ("session", Kind::Session, false),
    ("set-role-session", Kind::Session, false),
];

/// Classes of gaps that leave no holding out: what was done, and what outlives a cut.
const NO_HOLDINGS: [&str; 3] = ["events", "admin-events", "residual"];

/// The kind of a holding; `None`: a class that nobody has told the rules about.
pub(super) fn of(holding: &Holding) -> Option<Kind> {
    known(holding).map(|(_, kind, _)| *kind)
}

/// Whether a holding without an end has none; else the end is only not told.
pub(super) fn tells_end(holding: &Holding) -> bool {
    known(holding).is_some_and(|(_, _, tells)| *tells)
}

/// Whether a gap of that class is about something else than holdings.
pub(super) fn is_no_holding(class: &str) -> bool {
    NO_HOLDINGS.contains(&class)
}

/// Whether a gap of that class is about what was done.
pub(super) fn is_feed(class: &str) -> bool {
    class == "events"
}

fn known(holding: &Holding) -> Option<&'static (&'static str, Kind, bool)> {
    CLASSES.iter().find(|(class, ..)| *class == holding.id.class())
}

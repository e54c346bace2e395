//! Names that readings, steps and restores share.

/// Classes of holdings.
pub(super) mod class {
    /// A device: an access token, and the refresh token behind it.
    pub const DEVICE: &str = "device";
    /// The password, as far as there is one: no read tells.
    pub const PASSWORD: &str = "password";
    /// Tokens that an admin made for the account.
    pub const ADMIN_MADE: &str = "admin-made-token";
    /// Tokens that the account may have made for others, as an admin.
    pub const MADE: &str = "made-tokens";
    /// An account at an identity provider that signs in as it.
    pub const LINK: &str = "sign-in-link";
    /// The application service that it belongs to.
    pub const SERVICE: &str = "application-service";
    /// A room that it is in.
    pub const ROOM: &str = "room";
}

/// Facts of a reading.
pub(super) mod fact {
    /// Whether the account is locked: every token and every login is refused.
    pub const LOCKED: &str = "user.locked";
    /// Whether it is deactivated.
    pub const DEACTIVATED: &str = "user.deactivated";
}

/// Names of steps.
pub(super) mod action {
    pub const LOCK: &str = "lock";
    pub const UNLOCK: &str = "unlock";
    pub const END_DEVICE: &str = "delete";
    pub const DEACTIVATE: &str = "deactivate";
    pub const RESET_PASSWORD: &str = "reset-password";
    pub const REMOVE_SERVICE: &str = "remove";
    pub const END_ADMIN_MADE: &str = "log-out-admins";
    pub const REACTIVATE: &str = "reactivate";
}

/// Names of what a step's parameters hold.
pub(super) mod param {
    pub const DEVICE: &str = "device";
    /// That nobody has seen the account: it is looked for before it is changed.
    pub const UNSEEN: &str = "unseen";
}

//! What `estop init` writes.

/// A commented configuration with every key of every kind of provider. As it stands it configures nothing.
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}

//! Which identities are listed as chatbots: read and checked here, matched by who lists them.

use globset::Glob;

use super::{ConfigError, section::Section};

/// `[select]`. A selector only lists: names and attributes at a provider may be an attacker's, so they never merge
/// identities into one bot and never protect one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Globs over the names that providers give; each can be read as one.
    pub names: Vec<String>,
    /// Attributes of which one suffices: `NAME` (there, and not `false`) or `NAME=VALUE`.
    pub attributes: Vec<String>,
}

/// Reads `[select]`.
pub(super) fn read(section: &Section<'_>) -> Result<Select, ConfigError> {
    let names = section.texts("names")?.unwrap_or_default();
    for name in &names {
        if let Err(error) = Glob::new(&name.value) {
            let what = format!("names holds a pattern that cannot be read: {}", error.kind());
            return Err(section.error(&name.at, what));
        }
    }
    let attributes = section.texts("attributes")?.unwrap_or_default();
    Ok(Select {
        names: names.into_iter().map(|name| name.value).collect(),
        attributes: attributes.into_iter().map(|attribute| attribute.value).collect(),
    })
}

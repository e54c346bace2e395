//! Which identities are listed as chatbots. Listing is all that a selector does: names and attributes at a provider
//! may be an attacker's, so they never merge identities into one bot and never protect one.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{ConfigError, section::Section};
use crate::domain::Identity;

/// `[select]`.
#[derive(Debug, Clone, Default)]
pub struct Select {
    names: Vec<String>,
    attributes: Vec<String>,
    globs: GlobSet,
}

impl Select {
    /// Name globs, and attributes of which one suffices.
    ///
    /// # Errors
    /// The first glob that cannot be read, and why.
    pub fn new(names: Vec<String>, attributes: Vec<String>) -> Result<Self, (String, String)> {
        let mut set = GlobSetBuilder::new();
        for name in &names {
            // A name is no path: `*` goes over slashes too.
            let glob = GlobBuilder::new(name).literal_separator(false).build();
            set.add(glob.map_err(|error| (name.clone(), error.kind().to_string()))?);
        }
        let globs = set.build().map_err(|error| (names.join(", "), error.kind().to_string()))?;
        Ok(Self { names, attributes, globs })
    }

    /// The globs, as written.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The attributes, as written.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Whether the identity is listed as a bot: its name matches a glob, or it has one of the attributes with a value
    /// other than `false`.
    pub fn lists(&self, identity: &Identity) -> bool {
        self.globs.is_match(identity.name.raw())
            || self
                .attributes
                .iter()
                .filter_map(|name| identity.attribute(name))
                .any(|value| !value.raw().eq_ignore_ascii_case("false"))
    }
}

/// Reads `[select]`.
pub(super) fn read(section: &Section<'_>) -> Result<Select, ConfigError> {
    let names = section.texts("names")?.unwrap_or_default();
    for name in &names {
        if let Err((_, why)) = Select::new(vec![name.value.clone()], Vec::new()) {
            return Err(section.error(&name.at, format!("names holds a pattern that cannot be read: {why}")));
        }
    }
    let attributes = section.texts("attributes")?.unwrap_or_default();
    let plain = |list: Vec<super::section::Located<String>>| list.into_iter().map(|text| text.value).collect();
    Select::new(plain(names), plain(attributes)).map_err(|(_, why)| section.error(&section.at(), why))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{IdentityId, IdentityKind, IdentityState, ProviderName};

    fn identity(name: &str, attributes: &[(&str, &str)]) -> Identity {
        Identity {
            id: IdentityId::new(ProviderName::new("p"), "1"),
            name: name.into(),
            kind: IdentityKind::ServiceAccount,
            state: IdentityState::Live,
            attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect(),
            hints: BTreeMap::new(),
            child_of: None,
            last_active_at: None,
        }
    }

    #[test]
    fn globs_and_attributes_list() {
        let select = Select::new(vec!["*-bot".into(), "copilot-*".into()], vec!["estop.bot".into()]).unwrap();
        for (name, attributes, listed) in [
            ("helpdesk-bot", &[][..], true),
            ("team/helpdesk-bot", &[], true),
            ("copilot-x", &[], true),
            ("robot", &[], false),
            ("robot", &[("estop.bot", "yes")], true),
            ("robot", &[("estop.bot", "")], false),
            ("robot", &[("estop.bot", "False")], false),
            ("robot", &[("other", "yes")], false),
        ] {
            assert_eq!(select.lists(&identity(name, attributes)), listed, "{name} {attributes:?}");
        }
    }
}

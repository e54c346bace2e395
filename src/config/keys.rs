//! `[console.keys]`: what a responder has put on other keys.

use std::path::PathBuf;

use super::{
    ConfigError,
    section::{Located, Section},
};

/// The keys of one action, as written. Actions and keys are the console's: it checks what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// The action's id.
    pub action: String,
    /// Its keys; none: it is unbound.
    pub keys: Vec<String>,
    /// In which file.
    pub file: PathBuf,
    /// On which line, from 1.
    pub line: usize,
}

/// Reads the table: `action = "x"`, `action = ["/", "f"]`, or `action = false`.
pub(super) fn read(console: &Section<'_>) -> Result<Vec<KeySetting>, ConfigError> {
    let Some(section) = console.open("keys", "[console.keys]")? else { return Ok(Vec::new()) };
    let mut settings = Vec::new();
    for Located { value: action, at } in section.names() {
        let (file, line) = (section.origin().file.to_owned(), section.origin().line(&at));
        settings.push(KeySetting { keys: section.words(&action)?, action, file, line });
    }
    // The table has them by name; errors are told from the top of the file.
    settings.sort_by_key(|setting| setting.line);
    Ok(settings)
}

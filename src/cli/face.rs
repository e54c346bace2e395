//! The console's keys, colours and signs, by the files and the flags.

use std::path::Path;

use super::{Stop, args::Global, output::Color};
use crate::{
    config::{Console, KeySetting},
    tui::{
        keymap::{Keymap, Rebinding},
        theme::{Capability, Wanted},
    },
};

/// What the console looks like and listens to.
#[derive(Debug, Clone, Default)]
pub struct Face {
    /// What the keys mean.
    pub keys: Keymap,
    /// Whether there are colours, as the flag says.
    pub color: Wanted,
    /// How many, as the files say; `None`: as the terminal says.
    pub colors: Option<Capability>,
    /// Nothing beyond ASCII, whatever the locale says.
    pub ascii: bool,
    /// Whether the mouse is listened to.
    pub mouse: bool,
}

impl Face {
    /// Reads what there is; the keys are checked as a whole.
    ///
    /// # Errors
    /// A key that cannot be bound so, with file and line: no command starts on a broken configuration.
    pub(super) fn of(console: &Console, global: &Global) -> Result<Self, Stop> {
        let changes: Vec<Rebinding> = console.keys.iter().map(rebinding).collect();
        let keys = Keymap::rebound(&changes).map_err(|error| Stop::usage(error.to_string()))?;
        Ok(Self {
            keys,
            color: match global.color {
                Color::Auto => Wanted::Auto,
                Color::Never => Wanted::Never,
                Color::Always => Wanted::Always,
            },
            colors: console.color.as_deref().and_then(Capability::from_word),
            ascii: global.ascii || console.ascii,
            mouse: console.mouse,
        })
    }
}

fn rebinding(setting: &KeySetting) -> Rebinding {
    Rebinding {
        action: setting.action.clone(),
        keys: setting.keys.clone(),
        place: format!("{}:{}", setting.file.display(), setting.line),
    }
}

/// The names of a responder's own themes: `NAME.toml` in the directory. None where it cannot be read: a theme that is
/// asked for and not found is told then.
pub(super) fn own_themes(directory: Option<&Path>) -> Vec<String> {
    let entries = directory.and_then(|directory| std::fs::read_dir(directory).ok());
    let files = entries.into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let themes = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut names: Vec<String> =
        themes.filter_map(|path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned)).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::COLORS;

    #[test]
    fn every_word_of_the_configuration_is_a_number_of_colours() {
        for word in COLORS {
            assert_eq!(Capability::from_word(word).is_none(), word == "auto", "{word}");
        }
    }

    #[test]
    fn themes_of_ones_own_are_found_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["night.toml", "day.toml", "notes.txt"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(own_themes(Some(directory.path())), ["day", "night"]);
        assert_eq!(own_themes(Some(&directory.path().join("none"))), Vec::<String>::new());
        assert_eq!(own_themes(None), Vec::<String>::new());
    }
}

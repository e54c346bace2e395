//! The console's keys, colours and signs, by the files and the flags.

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
}

//! Themes: what each role on the screen looks like, from TOML files that may inherit.
//!
//! ```text
//! themes/NAME.toml ─parse─▶ roles ─inherit─▶ styles ─Capability─▶ Theme ─choice─▶ it, or the built-in one and why
//! ```

mod capability;
mod choice;
mod contrast;
mod glyphs;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

pub use capability::{Capability, Wanted};
pub use choice::{names, own};
pub use glyphs::Glyphs;

use crate::domain::{BotState, Severity};

/// The themes that are part of the program, the default first.
pub const BUNDLED: [(&str, &str); 6] = [
    ("dusk", include_str!("../../themes/dusk.toml")),
    ("paper", include_str!("../../themes/paper.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("sixteen", include_str!("../../themes/sixteen.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// The names of the bundled themes, the default first.
pub fn bundled() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(name, _)| *name)
}

/// How many themes one may inherit through: enough for any use, and a circle ends.
const MAX_ANCESTORS: usize = 8;

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// No file and no bundled theme has that name.
    #[error("no theme named {0:?} is part of the program or in the themes directory")]
    Unknown(String),
    /// It is not TOML of the expected form.
    #[error("theme {name}: {why}")]
    Invalid {
        /// Which.
        name: String,
        /// What is wrong, with its place.
        why: String,
    },
    /// It inherits from itself.
    #[error("theme {0} inherits in a circle: remove one of its `inherits`")]
    Circle(String),
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// What a piece of the screen is, which decides what it looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $($(#[$doc])* $name,)*
        }

        impl Role {
            /// Each of them, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in theme files.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

roles! {
    /// Plain text, and the background.
    Text = "text",
    /// What matters less.
    Dim = "dim",
    /// The title of the screen.
    Title = "title",
    /// The head of a column or section.
    Heading = "heading",
    /// Lines.
    Border = "border",
    /// The selected row.
    Selected = "selected",
    /// A key in footer and help.
    Key = "key",
    /// A bot or holding that can act.
    Live = "live",
    /// An isolation runs.
    Isolating = "isolating",
    /// Nothing of it can be used.
    Dark = "dark",
    /// Nothing of it can be used from a known instant on.
    DarkAt = "dark-at",
    /// Something is missing.
    Partial = "partial",
    /// Proved alive after it was called cut.
    Contradicted = "contradicted",
    /// Not read.
    Unknown = "unknown",
    /// Proved and well.
    Good = "good",
    /// Look here.
    Warn = "warn",
    /// Failed.
    Bad = "bad",
    /// A key that cuts.
    Danger = "danger",
    /// One more key fires.
    Armed = "armed",
    /// The frame of an exercise.
    Exercise = "exercise",
}

impl From<Severity> for Role {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::Bad,
            Severity::High => Self::Warn,
            Severity::Medium | Severity::Low => Self::Text,
        }
    }
}

impl From<BotState> for Role {
    fn from(state: BotState) -> Self {
        match state {
            BotState::Live => Self::Live,
            BotState::Isolating => Self::Isolating,
            BotState::Dark => Self::Dark,
            BotState::DarkAt(_) => Self::DarkAt,
            BotState::Partial => Self::Partial,
            BotState::Contradicted => Self::Contradicted,
            BotState::Unknown => Self::Unknown,
        }
    }
}

/// Every role's style, already fitted to what the terminal can show.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    inherits: Option<String>,
    #[serde(default)]
    roles: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the four modifiers of a theme file")]
#[serde(deny_unknown_fields, default)]
struct Entry {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

impl Theme {
    /// Loads a theme by name: a file in `directory` wins over a bundled one.
    ///
    /// # Errors
    /// [`ThemeError`] where it or one that it inherits from is unknown, invalid, or its own ancestor.
    pub fn load(name: &str, directory: Option<&Path>, capability: Capability) -> Result<Self, ThemeError> {
        let mut chain = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            if chain.len() == MAX_ANCESTORS {
                return Err(ThemeError::Circle(name));
            }
            let file = read(&name, directory)?;
            next = file.inherits.as_ref().map(String::to_owned);
            chain.push((name, file));
        }
        let mut styles = vec![Style::reset(); Role::ALL.len()];
        for (name, file) in chain.iter().rev() {
            apply(&mut styles, name, file, capability)?;
        }
        Ok(Self { name: name.to_owned(), styles })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a role looks like.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

/// Whether a text can name a theme.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn read(name: &str, directory: Option<&Path>) -> Result<File, ThemeError> {
    // A name is a name, never a path to some other file.
    let own = directory.filter(|_| is_name(name)).map(|directory| directory.join(format!("{name}.toml")));
    let invalid = |why: String| ThemeError::Invalid { name: name.to_owned(), why };
    let text = match own.map(std::fs::read_to_string) {
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => return Err(invalid(error.to_string())),
        _ => BUNDLED
            .iter()
            .find(|(bundled, _)| *bundled == name)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| ThemeError::Unknown(name.to_owned()))?,
    };
    toml::from_str(&text).map_err(|error| invalid(error.message().to_owned()))
}

fn apply(styles: &mut [Style], name: &str, file: &File, capability: Capability) -> Result<(), ThemeError> {
    for (word, entry) in &file.roles {
        let invalid = |why: String| ThemeError::Invalid { name: name.to_owned(), why };
        let role = Role::ALL
            .iter()
            .find(|role| role.word() == word)
            .ok_or_else(|| invalid(format!("there is no role {word:?}")))?;
        let colour = |text: &Option<String>| match text {
            None => Ok(Color::Reset),
            Some(text) => capability::parse(text)
                .map(|colour| capability.fit(colour))
                .ok_or_else(|| invalid(format!("{word}: {text:?} is no colour"))),
        };
        let mut style = Style::reset().fg(colour(&entry.fg)?).bg(colour(&entry.bg)?);
        for (on, modifier) in [
            (entry.bold, Modifier::BOLD),
            (entry.dim, Modifier::DIM),
            (entry.underline, Modifier::UNDERLINED),
            (entry.reverse, Modifier::REVERSED),
        ] {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        styles[*role as usize] = style;
    }
    Ok(())
}

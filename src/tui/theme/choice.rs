//! Which theme is used: the one that was asked for, where it loads and reads well on this terminal; else the built-in
//! one, with a sentence that says so.

use std::path::Path;

use ratatui::style::Style;

use super::{BUNDLED, Capability, Role, Theme, bundled, capability::value, contrast::ratio, is_name};

/// Less contrast than this is not readable (WCAG 2 asks it of large text).
const READABLE: f64 = 3.0;
/// The theme of a terminal without colours.
const WITHOUT_COLOURS: &str = "mono";

/// The roles of a bot's states.
pub(super) const STATES: [Role; 7] =
    [Role::Live, Role::Isolating, Role::Dark, Role::DarkAt, Role::Partial, Role::Contradicted, Role::Unknown];

/// The names of all themes: the bundled ones, the default first, then one's own.
pub fn names(directory: Option<&Path>) -> Vec<String> {
    let own = own(directory).into_iter().filter(|name| !bundled().any(|bundled| bundled == name));
    bundled().map(str::to_owned).chain(own).collect()
}

/// The names of one's own themes: `NAME.toml` in the directory. None where it cannot be read: a theme that is asked for
/// and not found is told then.
pub fn own(directory: Option<&Path>) -> Vec<String> {
    let entries = directory.and_then(|directory| std::fs::read_dir(directory).ok());
    let files = entries.into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let themes = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let stem = |path: std::path::PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let mut own: Vec<String> = themes.filter_map(stem).filter(|name| is_name(name)).collect();
    own.sort();
    own
}

impl Theme {
    /// The theme of that name, or the built-in one and why. Without colours it is `mono`, whatever was asked for: its
    /// weight, underline and reverse are all that is left to tell with.
    pub fn chosen(name: &str, directory: Option<&Path>, capability: Capability) -> (Self, Option<String>) {
        if capability == Capability::None {
            return (Self::built_in(capability), None);
        }
        let built_in = || Self::built_in(capability);
        let theme = match Self::load(name, directory, capability) {
            Ok(theme) => theme,
            Err(error) => {
                let theme = built_in();
                let why = format!("{error}: {} is used", theme.name());
                return (theme, Some(why));
            }
        };
        // Fitted to fewer colours than it was made for, it may have lost what it tells.
        let whole = Self::load(name, directory, Capability::Rgb);
        if whole.is_ok_and(|whole| !theme.tells_as_much_as(&whole)) {
            let theme = built_in();
            let why = format!("theme {name} needs more colours than this terminal shows: {} is used", theme.name());
            return (theme, Some(why));
        }
        (theme, None)
    }

    /// The built-in theme.
    ///
    /// # Panics
    /// Never: a test loads every bundled theme.
    pub fn built_in(capability: Capability) -> Self {
        let name = if capability == Capability::None { WITHOUT_COLOURS } else { BUNDLED[0].0 };
        Self::load(name, None, capability).expect("a test loads every bundled theme")
    }

    /// The next theme that can be used here, of the bundled ones and of one's own.
    pub fn next(&self, directory: Option<&Path>, capability: Capability) -> Self {
        let names = names(directory);
        let at = names.iter().position(|name| *name == self.name).map_or(0, |at| at + 1);
        let names = names.iter().cycle().skip(at).take(names.len());
        let mut chosen = names.map(|name| Self::chosen(name, directory, capability));
        chosen.find(|(_, why)| why.is_none()).map_or_else(|| Self::built_in(capability), |(theme, _)| theme)
    }

    /// Whether every role can still be read on its background, and the states be told apart as before.
    fn tells_as_much_as(&self, whole: &Self) -> bool {
        if self.styles == whole.styles {
            return true;
        }
        let apart = |style: Style| match (style.fg.and_then(value), style.bg.and_then(value)) {
            (Some(fg), Some(bg)) => ratio(fg, bg) >= READABLE,
            // The terminal's own, which it has chosen to be readable.
            _ => true,
        };
        let twins = |theme: &Self| {
            let looks_like =
                |(at, role): (usize, &Role)| STATES[..at].iter().any(|other| theme.style(*other) == theme.style(*role));
            STATES.iter().enumerate().filter(|state| looks_like(*state)).count()
        };
        Role::ALL.iter().all(|role| apart(self.style(*role))) && twins(self) <= twins(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_loaded_falls_back_and_says_why() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("mine.toml"), "[roles]\nlife = {}").unwrap();
        for (name, says) in [("mine", "no role \"life\""), ("none-such", "no theme named"), ("../x", "no theme named")]
        {
            let (theme, why) = Theme::chosen(name, Some(directory.path()), Capability::Sixteen);
            assert_eq!(theme.name(), "dusk");
            assert!(why.as_ref().is_some_and(|why| why.contains(says) && why.ends_with("dusk is used")), "{why:?}");
        }
    }

    #[test]
    fn themes_of_ones_own_are_named_behind_the_bundled_ones_and_come_round() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["night.toml", "day.toml", "paper.toml", "not a name.toml", "notes.txt"] {
            std::fs::write(directory.path().join(name), "inherits = \"dusk\"").unwrap();
        }
        let all = names(Some(directory.path()));
        assert_eq!(&all[all.len() - 3..], ["mono", "day", "night"]);
        assert_eq!(own(Some(directory.path())), ["day", "night", "paper"]);
        assert_eq!(names(Some(&directory.path().join("none"))).len(), BUNDLED.len());
        assert_eq!(names(None).len(), BUNDLED.len());
        let own = Theme::load("day", Some(directory.path()), Capability::Rgb).unwrap();
        assert_eq!(own.next(Some(directory.path()), Capability::Rgb).name(), "night");
    }

    #[test]
    fn a_rich_theme_is_fitted_where_it_still_tells_all_and_is_refused_where_not() {
        let (theme, why) = Theme::chosen("high-contrast", None, Capability::Sixteen);
        assert_eq!((theme.name(), why), ("high-contrast", None));
        let (theme, why) = Theme::chosen("paper", None, Capability::Sixteen);
        assert_eq!(theme.name(), "dusk");
        assert!(why.is_some_and(|why| why.contains("needs more colours")));
        assert_eq!(Theme::chosen("paper", None, Capability::Indexed).0.name(), "paper");
    }

    #[test]
    fn without_colours_it_is_mono_with_its_weight() {
        for name in ["dusk", "paper", "none-such"] {
            let (theme, why) = Theme::chosen(name, None, Capability::None);
            assert_eq!((theme.name(), why), ("mono", None));
            let armed = theme.style(Role::Armed).add_modifier;
            assert!(armed.contains(ratatui::style::Modifier::REVERSED | ratatui::style::Modifier::BOLD));
        }
    }

    #[test]
    fn the_next_theme_comes_round_through_all_that_can_be_used() {
        for (capability, count) in [(Capability::Rgb, BUNDLED.len()), (Capability::None, 1)] {
            let mut theme = Theme::built_in(capability);
            let mut seen = vec![theme.name().to_owned()];
            loop {
                theme = theme.next(None, capability);
                if seen.iter().any(|name| name == theme.name()) {
                    break;
                }
                seen.push(theme.name().to_owned());
            }
            assert_eq!(seen.len(), count, "{seen:?}");
        }
    }
}

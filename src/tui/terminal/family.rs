//! Which terminals are known: those that understand what the console writes.
//!
//! A family by its name, so that a host without a terminal database is no obstacle; else an entry in the database.

use std::path::{Path, PathBuf};

use crate::tui::encode::{Dialect, Level};

/// The first part of `TERM`, up to `-`, `.` or `+`. All of these take the sequences of the VT100 and its heirs.
const FAMILIES: [&str; 29] = [
    "Eterm",
    "alacritty",
    "ansi",
    "contour",
    "cygwin",
    "dtterm",
    "foot",
    "ghostty",
    "gnome",
    "hterm",
    "iterm",
    "iterm2",
    "kitty",
    "konsole",
    "linux",
    "mintty",
    "mlterm",
    "ms",
    "nsterm",
    "putty",
    "rio",
    "rxvt",
    "screen",
    "st",
    "tmux",
    "vte",
    "wezterm",
    "xterm",
    "zellij",
];
/// Where ncurses looks last.
const DATABASES: [&str; 4] = ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

/// Families that erase to the background that is set (`bce` in terminfo).
const ERASE_IN_COLOUR: [&str; 19] = [
    "Eterm",
    "alacritty",
    "contour",
    "foot",
    "ghostty",
    "gnome",
    "iterm",
    "iterm2",
    "kitty",
    "konsole",
    "linux",
    "mintty",
    "mlterm",
    "rio",
    "rxvt",
    "st",
    "vte",
    "wezterm",
    "xterm",
];
/// Families that repeat a character (`rep` in terminfo, or their manuals). Everything calls itself xterm: not that one.
const REPEAT: [&str; 7] = ["contour", "foot", "ghostty", "kitty", "mintty", "vte", "wezterm"];
/// Families that may take more than this is told of them by nobody.
const LEAST: [&str; 3] = ["ansi", "cygwin", "hterm"];
/// Families that may print the question for a mode instead of answering it.
const UNASKED: [&str; 7] = ["Eterm", "ansi", "cygwin", "linux", "ms", "putty", "screen"];

fn family(term: &str) -> &str {
    match term.split(['-', '.', '+']).next().unwrap_or_default() {
        // xterm-kitty, xterm-ghostty: whose they are comes second.
        "xterm" => term.split('-').nth(1).filter(|own| REPEAT.contains(own)).unwrap_or("xterm"),
        family => family,
    }
}

/// What the terminal that `TERM` names understands.
pub(super) fn dialect(term: &str) -> Dialect {
    let family = family(term);
    if let Some(number) = family.strip_prefix("vt").and_then(|number| number.parse::<u16>().ok()) {
        let level = if number >= 220 { Level::Vt220 } else { Level::Vt100 };
        return Dialect { level, regions: number >= 100, ..Dialect::LEAST };
    }
    if LEAST.contains(&family) || !FAMILIES.contains(&family) {
        return Dialect::LEAST;
    }
    Dialect { erases_in_colour: ERASE_IN_COLOUR.contains(&family), repeats: REPEAT.contains(&family), ..Dialect::MOST }
}

/// Whether the terminal may be asked for a mode (DECRQM).
pub(super) fn may_be_asked(term: &str) -> bool {
    let family = family(term);
    FAMILIES.contains(&family) && !UNASKED.contains(&family)
}

/// Whether what `TERM` names is known here. Variables are the environment's.
pub(super) fn is_known(term: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let family = family(term);
    let vt = family.strip_prefix("vt").is_some_and(|number| number.parse::<u16>().is_ok_and(|number| number >= 100));
    vt || FAMILIES.contains(&family) || is_in_a_database(term, variable)
}

/// terminfo(5): `x/xterm`, or the first letter as two hexadecimal digits.
fn is_in_a_database(term: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_a_name = term.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte));
    let Some(first) = term.chars().next().filter(|_| is_a_name && !term.starts_with('.')) else { return false };
    let own = variable("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let named = variable("TERMINFO").map(PathBuf::from);
    let more = variable("TERMINFO_DIRS").unwrap_or_default();
    let more = more.split(':').filter(|part| !part.is_empty()).map(PathBuf::from);
    let mut all = named.into_iter().chain(own).chain(more).chain(DATABASES.map(PathBuf::from));
    all.any(|database| {
        let folders = [first.to_string(), format!("{:02x}", u32::from(first))];
        folders.iter().any(|folder| database.join(folder).join(term).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_without_a_database() {
        for term in [
            "xterm",
            "xterm-256color",
            "screen.xterm-256color",
            "tmux-256color",
            "linux",
            "vt100",
            "vt220",
            "foot+base",
        ] {
            assert!(is_known(term, |_| None), "{term}");
        }
        for term in ["no-such-terminal", "xtermite", "../../etc/passwd", ".", "xterm\u{1b}", "\u{1b}[c"] {
            assert!(!is_known(term, |_| None), "{term:?}");
        }
    }

    #[test]
    fn no_more_is_written_than_a_family_is_known_to_take() {
        for (term, level, regions, erases_in_colour, repeats) in [
            ("xterm-256color", Level::Vt220, true, true, false),
            ("xterm-kitty", Level::Vt220, true, true, true),
            ("foot+base", Level::Vt220, true, true, true),
            ("linux", Level::Vt220, true, true, false),
            ("screen.xterm-256color", Level::Vt220, true, false, false),
            ("tmux-256color", Level::Vt220, true, false, false),
            ("vt100", Level::Vt100, true, false, false),
            ("vt320", Level::Vt220, true, false, false),
            ("ansi", Level::Vt100, false, false, false),
            ("home-made", Level::Vt100, false, false, false),
        ] {
            assert_eq!(dialect(term), Dialect { level, regions, erases_in_colour, repeats }, "{term}");
        }
        assert!(may_be_asked("xterm-256color") && may_be_asked("tmux-256color"));
        assert!(!may_be_asked("linux") && !may_be_asked("screen") && !may_be_asked("home-made"));
    }

    #[test]
    fn others_are_known_by_their_entry() {
        let home = tempfile::tempdir().unwrap();
        for (folder, term) in [("h", "home-made"), ("6f", "other")] {
            let folder = home.path().join(".terminfo").join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(term), "").unwrap();
            let variable = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
            assert!(is_known(term, variable), "{term}");
        }
    }
}
